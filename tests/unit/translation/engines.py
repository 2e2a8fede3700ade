"""Engines that do as a test tells them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from dragoman_contracts.errors import DragomanError
from dragoman_translation.config import TranslateConfig
from dragoman_translation.engines.base import Outcome, Pair, Piece, Progress, Segment, Wish
from dragoman_translation.engines.pairs import match_pair

LIMIT_S = 20.0


def piece(text: str, session: str = "", *, fast: bool = False) -> Piece:
    """A piece of a request of its own."""
    return Piece(text, Wish(session_id=session, fast=fast))


class HeldEngine:
    """Answers "name:target:text", and only while ``gate`` is open; notes each batch.

    ``poison`` is a text on which it breaks; ``error`` fails every batch; ``words`` are translations that it
    knows.
    """

    applies_glossary = False

    def __init__(
        self,
        name: str = "held",
        pairs: Sequence[str] = ("en-es",),
        *,
        poison: str | None = None,
        error: Exception | None = None,
        refuse: DragomanError | None = None,
        words: dict[str, str] | None = None,
        mixes_requests: bool = True,
        concurrency: int = 1,
        load: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self.concurrency = concurrency
        self.mixes_requests = mixes_requests
        self.gate = asyncio.Event()
        self.gate.set()
        self.batches: list[list[str]] = []
        self.wishes: list[Wish] = []
        self.tuned: list[TranslateConfig] = []
        self.closed = 0
        self.error = error
        self.refuse = refuse
        self._pairs = [Pair(*pair.split("-", 1)) for pair in pairs]
        self._poison = poison
        self._words = words or {}
        self._load = load

    async def load(self, progress: Progress) -> None:
        if self._load is not None:
            self._load()

    def tune(self, config: TranslateConfig) -> None:
        self.tuned.append(config)

    def pairs(self) -> Sequence[Pair]:
        return self._pairs

    def resolve(self, source: str, target: str) -> Pair | None:
        return match_pair(source, target, self._pairs)

    def model_of(self, pair: Pair) -> str:
        return f"{self.name}-{pair}"

    def split(self, pair: Pair, text: str) -> list[Segment]:
        return [Segment(text)]

    async def translate(self, pair: Pair, pieces: Sequence[Piece]) -> list[Outcome]:
        texts = [piece.text for piece in pieces]
        self.batches.append(texts)
        self.wishes.append(pieces[0].wish)
        async with asyncio.timeout(LIMIT_S):
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        if self._poison in texts:
            raise RuntimeError("secret words that were said")
        return [self.refuse or self._words.get(text, f"{self.name}:{pair.target}:{text}") for text in texts]

    async def close(self) -> None:
        self.closed += 1
