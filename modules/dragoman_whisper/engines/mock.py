"""The mock engine: hears ``mock_speech``, so lost, doubled or reordered audio changes its words."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from dragoman_contracts.audio import MODEL_RATE_HZ
from dragoman_contracts.whisper_api import WindowOptions, WindowResult, WindowWord
from dragoman_whisper.config import DecodeConfig
from dragoman_whisper.engines.base import Progress, Samples, Span, Window
from dragoman_whisper.engines.languages import WHISPER_LANGUAGES
from dragoman_whisper.engines.mock_speech import HeardWord, listen


class MockEngine:
    """Deterministic from content; costs under 0.1 ms of CPU per second of audio.

    ``delay_ms`` is the engine time that each window pretends to need.
    """

    name = "mock"
    model = "mock"
    languages = WHISPER_LANGUAGES

    def __init__(self, delay_ms: float = 0) -> None:
        self.delay_ms = delay_ms

    def load(self, progress: Progress) -> None:
        """There is nothing to load."""
        progress("the mock engine needs no model")

    def tune(self, config: DecodeConfig) -> None:
        """Nothing of it matters here."""

    def decode_windows(self, batch: Sequence[Window]) -> list[WindowResult]:
        """Listen to each window."""
        if self.delay_ms:
            time.sleep(self.delay_ms * len(batch) / 1000)
        return [_result(listen(window.samples()), window.options) for window in batch]

    def speech_spans(self, samples: Samples, max_span_s: float) -> list[Span]:
        """All of it, cut in the silence between two words."""
        spans, start, longest = [], 0, int(max_span_s * MODEL_RATE_HZ)
        while start < len(samples):
            end = min(start + longest, len(samples))
            if end < len(samples):
                end = _quietest(samples, max(start + longest // 2, end - MODEL_RATE_HZ // 2), end)
            spans.append(Span(start, end))
            start = end
        return spans

    def close(self) -> None:
        """There is nothing to free."""


def _result(heard: list[HeardWord], options: WindowOptions) -> WindowResult:
    forced = options.prefix.split() if heard else []
    texts = forced + [f"w{word.number:05d}" for word in heard[len(forced) :]]
    words = [
        WindowWord(text=f" {text}", start_ms=start_ms, end_ms=end_ms)
        for text, (start_ms, end_ms) in zip(texts, _times(heard, len(texts)), strict=True)
    ]
    return WindowResult(
        language=options.language or "en",
        text="".join(word.text for word in words),
        words=words,
        no_speech_probability=0.0 if heard else 1.0,
        engine="mock",
        model="mock",
    )


def _times(heard: list[HeardWord], count: int) -> list[tuple[int, int]]:
    """Times of ``count`` words; forced words beyond those heard get the end of the last one."""
    times = [(word.start_ms, word.end_ms) for word in heard]
    last_ms = times[-1][1] if times else 0
    return times + [(last_ms, last_ms)] * (count - len(times))


def _quietest(samples: Samples, start: int, end: int) -> int:
    """The middle of the quietest 20 ms."""
    step = MODEL_RATE_HZ // 50
    count = (end - start) // step
    blocks = samples[start : start + count * step].reshape(count, step)
    return start + int(np.einsum("ij,ij->i", blocks, blocks).argmin()) * step + step // 2
