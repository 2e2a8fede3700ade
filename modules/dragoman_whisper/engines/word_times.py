"""When words were said: the alignment of the model, held against what can be heard. Pure functions.

Cross-attention gives the pause before a word to that word, and lets the last word of a window end as soon
as the model has understood it; the loudness of the audio mends both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman_contracts.whisper_api import WindowWord

FRAME_MS = 10
_QUIETER = 0.625
"""25 dB, in the units of the spectrogram (decades of power over 4): quieter frames are no speech."""
_LONGEST_LAST_WORD_MS = 1_200


class AlignedWord(NamedTuple):
    """A word as the model placed it, in seconds from the window's start."""

    text: str
    start_s: float
    end_s: float
    probability: float


def audible_frames(mel: NDArray[np.float32], content_frames: int) -> NDArray[np.bool_]:
    """For each 10 ms of a window whether it is at most 25 dB below its loudest 10 ms."""
    loudness = mel[:, :content_frames].max(axis=0)
    return np.asarray(loudness > loudness.max(initial=0.0) - _QUIETER)


def place(words: Sequence[AlignedWord], audible: NDArray[np.bool_]) -> list[WindowWord]:
    """Words in order, within the window and without the silence at their edges."""
    placed: list[WindowWord] = []
    last = 0
    limit = len(audible)
    for index, word in enumerate(words):
        start = min(max(last, round(word.start_s * 1000 / FRAME_MS)), limit)
        end = min(max(start, round(word.end_s * 1000 / FRAME_MS)), limit)
        if index == len(words) - 1:
            end = max(end, min(limit, start + _LONGEST_LAST_WORD_MS // FRAME_MS))
        heard = np.flatnonzero(audible[start:end])
        if len(heard):
            start, end = start + int(heard[0]), start + int(heard[-1]) + 1
        last = end
        probability = round(min(1.0, max(0.0, word.probability)), 4)
        placed.append(
            WindowWord(
                text=word.text, start_ms=start * FRAME_MS, end_ms=end * FRAME_MS, probability=probability
            )
        )
    return placed


def spread(texts: Sequence[str], duration_ms: int, probability: float) -> list[WindowWord]:
    """Words without times of their own: each gets an equal share of the window."""
    share = duration_ms / max(1, len(texts))
    probability = round(min(1.0, max(0.0, probability)), 4)
    return [
        WindowWord(
            text=text,
            start_ms=round(index * share),
            end_ms=round((index + 1) * share),
            probability=probability,
        )
        for index, text in enumerate(texts)
    ]
