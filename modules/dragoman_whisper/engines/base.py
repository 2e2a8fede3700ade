"""What an engine must do.

Engines are blocking and know no event loop: ``load`` and ``decode_windows`` are called from the service's
engine threads, ``speech_spans`` from any thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from dragoman_contracts.whisper_api import WindowOptions, WindowResult
from dragoman_whisper.config import DecodeConfig

Samples = NDArray[np.float32]
Pcm = NDArray[np.int16]
Progress = Callable[[str], None]
"""Takes one sentence about what loading does now."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Up to 30 s of 16 kHz mono audio and what to do with it.

    ``temperature`` above 0 samples instead of searching (files only; OpenAI's parameter).
    """

    pcm: Pcm
    options: WindowOptions
    temperature: float = 0.0

    def samples(self) -> Samples:
        """The audio as float32 in [-1, 1]; converted here, off the event loop."""
        return to_samples(self.pcm)


def to_samples(pcm: Pcm) -> Samples:
    """16-bit audio as float32 in [-1, 1]."""
    samples = pcm.astype(np.float32)
    samples *= 1 / 32768
    return samples


class Span(NamedTuple):
    """A stretch of audio, in samples."""

    start: int
    end: int


class Engine(Protocol):
    """A recogniser. One instance holds one copy of its model."""

    name: str
    model: str
    languages: frozenset[str]

    def load(self, progress: Progress) -> None:
        """Make the model ready.

        Raises:
            ModelUnavailable: it can be neither found nor fetched; the remedy is named.

        """
        ...

    def tune(self, config: DecodeConfig) -> None:
        """Use these values from the next batch on."""
        ...

    def decode_windows(self, batch: Sequence[Window]) -> list[WindowResult]:
        """Hypotheses in the order of the windows. Any exception fails the whole batch."""
        ...

    def speech_spans(self, samples: Samples, max_span_s: float) -> list[Span]:
        """Where a file holds speech, in order, each at most ``max_span_s`` long."""
        ...

    def close(self) -> None:
        """Free the model; called once, from an engine thread."""
        ...
