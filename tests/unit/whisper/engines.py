"""Engines that do as a test tells them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np

from dragoman_contracts.whisper_api import WindowOptions, WindowResult
from dragoman_whisper.config import DecodeConfig
from dragoman_whisper.engines.base import Progress, Samples, Span, Window

LIMIT_S = 20.0


def window(content: int = 1, session: str = "", samples: int = 1_600, *, fast: bool = False) -> Window:
    """A window whose first sample tells it from others."""
    pcm = np.zeros(samples, dtype=np.int16)
    pcm[0] = content
    return Window(pcm, WindowOptions(session_id=session, fast=fast))


class HeldEngine:
    """Answers with the first sample as text, and only while ``gate`` is open; notes each batch."""

    name = "held"
    model = "held-model"
    languages = frozenset({"en"})

    def __init__(self, *, poison: int | None = None, load: Callable[[Progress], None] | None = None) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.batches: list[list[int]] = []
        self.threads: set[int] = set()
        self.tuned: list[DecodeConfig] = []
        self.closed = 0
        self._poison = poison
        self._load = load

    def load(self, progress: Progress) -> None:
        if self._load is not None:
            self._load(progress)

    def tune(self, config: DecodeConfig) -> None:
        self.tuned.append(config)

    def decode_windows(self, batch: Sequence[Window]) -> list[WindowResult]:
        contents = [int(window.pcm[0]) for window in batch]
        self.batches.append(contents)
        self.threads.add(threading.get_ident())
        if not self.gate.wait(LIMIT_S):
            raise TimeoutError("the test never opened the gate")
        if self._poison in contents:
            raise RuntimeError("secret words that were said")
        return [WindowResult(language="en", text=str(content)) for content in contents]

    def speech_spans(self, samples: Samples, max_span_s: float) -> list[Span]:
        return [Span(0, len(samples))]

    def close(self) -> None:
        self.closed += 1
