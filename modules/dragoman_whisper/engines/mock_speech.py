"""A speech of tones: numbers that can be spoken, and heard again from any window of the audio.

A word is 16 bits: four tones of 60 ms, one of sixteen each, then 60 ms of silence (multiple frequency
shift keying). The tones lie 200 Hz apart and every analysis frame lasts 10 ms, so that all tones are
orthogonal in any frame whatever its phase: a window may begin anywhere, and a number survives
resampling to 8 kHz, 16-bit rounding and noise 10 dB below the tones.

A burst that has lost or doubled 20 ms or more does not last 240 ms any more and is heard as another
number; a burst that is cut by the edge of the window is not heard at all. Audio that is no burst gives
words too, the same ones each time; silence and white noise give none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman_contracts.audio import MODEL_RATE_HZ

WORD_MS = 300
BURST_MS = 240
SYMBOL_MS = 60
AMPLITUDE = 0.3

_SYMBOLS = BURST_MS // SYMBOL_MS
_TONES_HZ = 400 + 200 * np.arange(16)
_RAMP_MS = 2

_FRAME_MS = 10
_FRAME = MODEL_RATE_HZ * _FRAME_MS // 1000
_BURST_FRAMES = BURST_MS / _FRAME_MS
_WORD_FRAMES = WORD_MS // _FRAME_MS
_SYMBOL_FRAMES = SYMBOL_MS // _FRAME_MS
_TOLERANCE_FRAMES = 0.9  # less than what the loss of 20 ms takes away
_SHORTEST_FRAMES = 3

_MIN_FRAME_ENERGY = _FRAME * 1e-3**2  # -60 dBFS
_MIN_TONALITY = 0.16  # a tone holds 1.0 of its frame's energy, 0.25 between two symbols; white noise 0.04

_phase = 2 * np.pi * np.outer(np.arange(_FRAME), _TONES_HZ) / MODEL_RATE_HZ
_BASIS = np.hstack([np.cos(_phase), np.sin(_phase)]).astype(np.float32)


class HeardWord(NamedTuple):
    """A number and when it was heard, in ms from the window's start."""

    number: int
    start_ms: int
    end_ms: int


def speak(numbers: Sequence[int], rate_hz: int = MODEL_RATE_HZ) -> NDArray[np.float32]:
    """Audio that says ``numbers`` (0–65,535 each), mono float32, 300 ms a word.

    Raises:
        ValueError: a number has more than 16 bits, or the rate cannot carry the tones.

    """
    if rate_hz < 8_000:
        raise ValueError(f"rate_hz is {rate_hz}; the tones need at least 8000")
    if any(not 0 <= number <= 0xFFFF for number in numbers):
        raise ValueError("a number must be between 0 and 65535")
    values = np.asarray(numbers, dtype=np.int64)
    shifts = 4 * np.arange(_SYMBOLS - 1, -1, -1)
    tones = _TONES_HZ[(values[:, None] >> shifts) & 15]
    word = rate_hz * WORD_MS // 1000
    time_s = np.arange(rate_hz * BURST_MS // 1000) / rate_hz
    symbol = np.minimum((time_s * (1000 / SYMBOL_MS)).astype(np.int64), _SYMBOLS - 1)
    ramp = np.minimum(1.0, np.minimum(time_s, time_s[::-1]) * (1000 / _RAMP_MS))
    audio = np.zeros((len(values), word), dtype=np.float32)
    audio[:, : len(time_s)] = AMPLITUDE * ramp * np.sin(2 * np.pi * tones[:, symbol] * time_s)
    return audio.reshape(-1)


def listen(samples: NDArray[np.float32]) -> list[HeardWord]:
    """The words in 16 kHz mono audio; the same audio always gives the same words."""
    count = len(samples) // _FRAME
    if count < _SHORTEST_FRAMES:
        return []
    frames = samples[: count * _FRAME].reshape(count, _FRAME)
    energy = np.einsum("ij,ij->i", frames, frames)
    if not (energy > _MIN_FRAME_ENERGY).any():
        return []
    parts = frames @ _BASIS
    parts *= parts
    power = parts[:, :16] + parts[:, 16:]
    tonality = power.max(axis=1) * (2 / _FRAME)
    active = (energy > _MIN_FRAME_ENERGY) & (tonality > _MIN_TONALITY * energy)
    starts, ends = _runs(active)
    words: list[HeardWord] = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        words.extend(_hear_run(start, end, energy, power))
    return words


def _runs(active: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Beginnings and ends of the stretches of active frames; a hole of one frame is no end."""
    padded = np.zeros(len(active) + 2, dtype=np.int8)
    padded[1:-1] = active
    padded[1:-1] |= padded[:-2] & padded[2:]
    edges = np.diff(padded)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    long_enough = ends - starts >= _SHORTEST_FRAMES
    return starts[long_enough], ends[long_enough]


def _hear_run(
    start: int, end: int, energy: NDArray[np.float32], power: NDArray[np.float32]
) -> list[HeardWord]:
    """The words of one stretch: one if it is a burst, else one for each 300 ms of it."""
    words = []
    for piece in range(start, end, _WORD_FRAMES):
        stop = min(piece + _WORD_FRAMES, end)
        if stop - piece < _SHORTEST_FRAMES:
            break
        first, length = _measure(piece, stop, energy)
        is_burst = abs(length - _BURST_FRAMES) <= _TOLERANCE_FRAMES
        cut_by_edge = length < _BURST_FRAMES and (piece == 0 or stop == len(energy))
        if cut_by_edge and not is_burst:
            continue
        number = _read(first, stop, power)
        if not is_burst:
            number = (number ^ (round(length) * 0x9E37)) & 0xFFFF
        words.append(HeardWord(number, max(0, round(first * _FRAME_MS)), round((first + length) * _FRAME_MS)))
    return words


def _measure(start: int, stop: int, energy: NDArray[np.float32]) -> tuple[float, float]:
    """Where a stretch begins and how long it lasts, in frames; the energy of its edges tells fractions."""
    inner = energy[start:stop].tolist()
    full = sorted(inner)[len(inner) // 2]
    head, tail = min(1.0, inner[0] / full), min(1.0, inner[-1] / full)
    return start + 1 - head, len(inner) - 2 + head + tail


def _read(first: float, stop: int, power: NDArray[np.float32]) -> int:
    """The number of the burst that begins at frame ``first``: the loudest tone of each symbol."""
    number = 0
    for symbol in range(_SYMBOLS):
        middle = round(first + _SYMBOL_FRAMES * symbol + 1)
        frames = power[min(middle, stop - 1) : min(middle + 4, stop)]
        number = number << 4 | int(frames.sum(axis=0).argmax())
    return number
