"""Guards against what Whisper models invent: loops, text over silence, runaway length. Pure functions.

The thresholds follow Radford et al. 2022, section 4.5.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from dragoman_whisper.config import DecodeConfig
from dragoman_whisper.engines.base import Pcm

SILENCE_PEAK = 33
"""16-bit amplitude (-60 dBFS) up to which a window is silence and not worth a decode."""

_TOKENS_PER_S = 25
_TOKENS_AT_LEAST = 24
_LONGEST_PHRASE = 12


def is_silent(pcm: Pcm) -> bool:
    """Whether nothing in the window is louder than -60 dBFS."""
    return len(pcm) == 0 or max(int(pcm.max()), -int(pcm.min())) <= SILENCE_PEAK


def token_limit(seconds: float) -> int:
    """The most tokens that can be spoken in a window; more is a loop."""
    return _TOKENS_AT_LEAST + int(seconds * _TOKENS_PER_S)


def compression_ratio(text: str) -> float:
    """Bytes of the text over bytes of it compressed; above about 2.4 it repeats itself."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 1.0


def average_log_probability(score: float, length: int) -> float:
    """Per token and end mark, from the score that CTranslate2 normalised by ``length``; 0 for no tokens."""
    value = score * length / (length + 1)
    return float(value) if np.isfinite(value) else 0.0


def looped_at(items: Sequence[object], max_repeats: int) -> int:
    """Where to cut a text that ends in a loop, so that the phrase stands ``max_repeats`` times.

    The length, if it ends in none. A phrase has up to 12 items. What repeats itself and then goes on, such as
    a telephone number, was said.
    """
    end = len(items)
    while (shorter := _loop_end(items[:end], max_repeats)) < end:
        end = shorter
    return end


def _loop_end(items: Sequence[object], max_repeats: int) -> int:
    count = len(items)
    for size in range(1, min(_LONGEST_PHRASE, count // (max_repeats + 1)) + 1):
        start = count - size
        while start > 0 and items[start - 1] == items[start - 1 + size]:
            start -= 1
        if (count - start) // size > max_repeats:
            return start + size * max_repeats
    return count


def is_unsure(log_probability: float, ratio: float, config: DecodeConfig) -> bool:
    """Whether a hypothesis is worth another try."""
    return log_probability < config.log_prob_threshold or ratio > config.compression_ratio_threshold


def is_no_speech(no_speech: float, log_probability: float, config: DecodeConfig) -> bool:
    """Whether the model says that nobody speaks, and is not sure of its text either."""
    return no_speech > config.no_speech_threshold and log_probability < config.log_prob_threshold
