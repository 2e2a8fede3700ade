"""The log-mel spectrogram of a window, for encoders shorter than Whisper's 30 s.

Same values as faster-whisper's ``FeatureExtractor`` gives for the window followed by silence (a test holds
them side by side), but the silence, whose spectrogram is constant, is filled in instead of computed.
Source: Radford et al. 2022, section 2.2: 25 ms Hann windows every 10 ms, log10, 8 decades of range.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dragoman_whisper.engines.base import Samples
from dragoman_whisper.engines.one_thread import product

N_FFT = 400
HOP = 160
FRAMES_PER_S = 100
MAX_FRAMES = 3_000

_WINDOW = np.hanning(N_FFT + 1)[:-1].astype(np.float32)


def log_mel(samples: Samples, filters: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """The spectrogram of ``samples`` and silence after them: ``[mels, frames]``.

    ``filters`` is the model's mel filter bank, ``[mels, 201]``.
    """
    half = N_FFT // 2
    padded = np.zeros(len(samples) + 2 * N_FFT, dtype=np.float32)
    padded[half : half + len(samples)] = samples
    padded[:half] = padded[N_FFT:half:-1]  # mirrored, as by a centred short-time Fourier transform
    heard = min(frames, 1 + (len(samples) + half) // HOP)
    view = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP][:heard]
    spectrum = np.fft.rfft(view * _WINDOW, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32, copy=False)
    mel = np.log10(np.maximum(product(power, filters.T), 1e-10)).T
    floor = mel.max() - 8.0
    spectrogram = np.full((len(filters), frames), max(floor, -10.0), dtype=np.float32)
    np.maximum(mel, floor, out=spectrogram[:, :heard])
    spectrogram += 4.0
    spectrogram /= 4.0
    return spectrogram
