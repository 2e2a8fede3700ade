"""A window on its way through a Whisper model: its spectrogram, its prompt, its hypothesis."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragoman_contracts.audio import MODEL_RATE_HZ
from dragoman_contracts.errors import InvalidInput
from dragoman_contracts.whisper_api import WindowOptions, WindowWord
from dragoman_whisper.engines.base import Window
from dragoman_whisper.engines.mel import HOP

MAX_TOKENS = 448
"""Positions of a Whisper decoder: context, prompt and text together."""
_MAX_CONTEXT_TOKENS = 223
_MAX_PREFIX_TOKENS = 160


@dataclass(slots=True, eq=False)
class Job:
    """One window. ``tokenizer`` is faster-whisper's of a language and task, set once these are known."""

    window: Window
    mel: NDArray[np.float32]
    context: list[int]
    prefix: list[int]
    tokenizer: Any = None
    language_probability: float = 1.0
    tokens: list[int] = field(default_factory=list)
    no_speech: float = 0.0
    log_probability: float = 0.0
    ratio: float = 1.0
    words: list[WindowWord] = field(default_factory=list)

    @property
    def duration_ms(self) -> int:
        """Length of the audio without padding."""
        return len(self.window.pcm) * 1000 // MODEL_RATE_HZ

    @property
    def content_frames(self) -> int:
        """Frames of the spectrogram that hold audio, at least one."""
        return int(max(1, min(self.mel.shape[1], len(self.window.pcm) // HOP)))

    @property
    def group(self) -> tuple[int, bool, float, int]:
        """Windows that agree in this can be decoded in one call."""
        options = self.window.options
        return self.mel.shape[1], options.fast, self.window.temperature, len(self.context)

    @property
    def prompt(self) -> list[int]:
        """What the decoder is given: context, language and task, no timestamps, forced beginning."""
        return [*self.context, *self.tokenizer.sot_sequence, self.tokenizer.no_timestamps, *self.prefix]

    @property
    def hypothesis(self) -> tuple[list[int], float, float]:
        """Tokens, average log probability and compression ratio."""
        return self.tokens, self.log_probability, self.ratio

    @hypothesis.setter
    def hypothesis(self, value: tuple[list[int], float, float]) -> None:
        self.tokens, self.log_probability, self.ratio = value


def context_tokens(options: WindowOptions, tokenizer: Any) -> list[int]:
    """Hotwords and previous text as Whisper takes them, the oldest cut; empty without any."""
    tokens: list[int] = []
    for text in (options.hotwords, options.prompt):
        if text.strip():
            tokens += tokenizer.encode(" " + text.strip())
    return [tokenizer.sot_prev, *tokens[-_MAX_CONTEXT_TOKENS:]] if tokens else []


def prefix_tokens(options: WindowOptions, tokenizer: Any) -> list[int]:
    """The forced beginning.

    Raises:
        InvalidInput: it is longer than a window can hold.

    """
    prefix = options.prefix.strip()
    tokens: list[int] = tokenizer.encode(" " + prefix) if prefix else []
    if len(tokens) > _MAX_PREFIX_TOKENS:
        raise InvalidInput(
            f"the prefix has {len(tokens)} tokens, more than the {_MAX_PREFIX_TOKENS} a window can hold",
            remedy="Cut the window behind the words that are committed.",
        )
    return tokens
