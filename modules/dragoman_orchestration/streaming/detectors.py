"""Voice activity: how likely each 32 ms chunk of audio is speech."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

CHUNK_SAMPLES = 512
"""Samples a chunk at 16 kHz (32 ms): the only size that Silero v5/v6 accepts at this rate."""
CHUNK_MS = 32

Samples = NDArray[np.float32]


class SpeechDetector(Protocol):
    """Scores consecutive chunks of one session; keeps state between calls."""

    def __call__(self, chunks: Samples) -> Samples:
        """Score ``chunks`` of shape (n, 512), in [-1, 1] at 16 kHz: n probabilities in [0, 1]."""
        ...


class EnergyDetector:
    """Speech is what is louder than a threshold; for the mock profile and for tests.

    ``threshold_db`` is relative to full scale. It hears any sound, so it is no substitute for Silero on
    real input; it costs two microseconds a chunk and needs no weights.
    """

    def __init__(self, threshold_db: float = -45.0) -> None:
        self._power = 10 ** (threshold_db / 10)

    def __call__(self, chunks: Samples) -> Samples:
        """Score 1.0 for chunks above the threshold, 0.0 for others."""
        power = np.einsum("ij,ij->i", chunks, chunks) / chunks.shape[1]
        scores: Samples = (power > self._power).astype(np.float32)
        return scores


SileroRun = Callable[[Samples, Samples, Samples], tuple[Samples, Samples, Samples]]
"""One inference: (n, 576) audio with context, h and c of shape (1, 1, 128) → probabilities, h, c."""


class SileroDetector:
    """Silero voice activity v6 (https://github.com/snakers4/silero-vad), state kept between calls.

    faster-whisper ships the weights and a wrapper for whole files; here the same network runs chunk by chunk:
    recurrent state and last 64 samples carry over, so feeding in pieces gives what feeding at once does.
    """

    CONTEXT_SAMPLES = 64

    def __init__(self, run: SileroRun) -> None:
        self._run = run
        self._h = np.zeros((1, 1, 128), dtype=np.float32)
        self._c = np.zeros((1, 1, 128), dtype=np.float32)
        self._context = np.zeros(self.CONTEXT_SAMPLES, dtype=np.float32)

    def __call__(self, chunks: Samples) -> Samples:
        """Score the chunks in order."""
        context = np.empty((len(chunks), self.CONTEXT_SAMPLES), dtype=np.float32)
        context[0] = self._context
        context[1:] = chunks[:-1, -self.CONTEXT_SAMPLES :]
        probabilities, self._h, self._c = self._run(
            np.concatenate([context, chunks], axis=1), self._h, self._c
        )
        self._context = chunks[-1, -self.CONTEXT_SAMPLES :].copy()
        return probabilities.reshape(-1)


def load_silero() -> SileroRun:
    """Load the weights that faster-whisper ships; one network a process serves all sessions.

    Raises:
        ImportError: faster-whisper or onnxruntime is not installed (extra ``worker``).

    """
    from faster_whisper.vad import get_vad_model  # noqa: PLC0415  (0.3 s to import; the mock profile needs none)

    session = get_vad_model().session

    def run(audio: Samples, h: Samples, c: Samples) -> tuple[Samples, Samples, Samples]:
        probabilities, h, c = session.run(None, {"input": audio, "h": h, "c": c})
        return probabilities, h, c

    return run
