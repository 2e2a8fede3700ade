"""What is said: mock speech whose words occur once a session, so that each can be missed or doubled."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dragoman_whisper.engines.mock_speech import WORD_MS, speak

RATE_HZ = 16_000
FRAME_MS = 100
FRAME_BYTES = RATE_HZ * 2 * FRAME_MS // 1000
_STEP = 25_411
"""Odd, so that its multiples meet each of the 65,536 words once."""


@dataclass(frozen=True, slots=True)
class Speech:
    """Frames of 100 ms (pcm_s16le, 16 kHz, mono), and each word with the ms at which it begins."""

    frames: tuple[bytes, ...]
    words: tuple[str, ...]
    starts_ms: tuple[int, ...]

    @property
    def duration_ms(self) -> int:
        """Length of all frames."""
        return len(self.frames) * FRAME_MS


@lru_cache(maxsize=64)
def speech(seconds: int, seed: int) -> Speech:
    """Utterances of 2.4 to 4.8 s with pauses of a second, as long as ``seconds``."""
    chance = random.Random(seed)
    number = chance.randrange(65_536)
    parts, words, starts = [np.zeros(RATE_HZ // 2, dtype=np.float32)], [], []
    at_ms = 500
    while True:
        count = chance.randint(8, 16)
        if at_ms + count * WORD_MS + 1000 > seconds * 1000:
            break
        numbers = []
        for _ in range(count):
            number = (number + _STEP) % 65_536
            numbers.append(number)
            words.append(f"w{number:05d}")
            starts.append(at_ms)
            at_ms += WORD_MS
        parts += [speak(numbers), np.zeros(RATE_HZ, dtype=np.float32)]
        at_ms += 1000
    samples = np.concatenate(parts)
    samples = np.pad(samples, (0, seconds * RATE_HZ - len(samples)))
    data = (samples * 32767).astype("<i2").tobytes()
    frames = tuple(data[start : start + FRAME_BYTES] for start in range(0, len(data), FRAME_BYTES))
    return Speech(frames, tuple(words), tuple(starts))
