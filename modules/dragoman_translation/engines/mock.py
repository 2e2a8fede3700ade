"""The mock engine: marks a text with its language and leaves its words: a lost or doubled one shows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from dragoman_translation.config import TranslateConfig
from dragoman_translation.engines.base import ANY, Outcome, Pair, Piece, Progress, Segment


class MockEngine:
    """Deterministic; knows any pair: "Hello" for es is "[es] Hello", with the glossary's terms put in.

    ``delay_ms`` is the engine time that each batch pretends to need.
    """

    name = "mock"
    applies_glossary = True
    mixes_requests = True

    def __init__(self, delay_ms: float = 0, concurrency: int = 1) -> None:
        self.delay_ms = delay_ms
        self.concurrency = concurrency

    async def load(self, progress: Progress) -> None:
        """There is nothing to load."""
        progress("the mock engine needs no model")

    def tune(self, config: TranslateConfig) -> None:
        """Nothing of it matters here."""

    def pairs(self) -> Sequence[Pair]:
        """Any."""
        return [Pair(ANY, ANY)]

    def resolve(self, source: str, target: str) -> Pair | None:
        """The pair itself."""
        return Pair(source, target)

    def model_of(self, pair: Pair) -> str:
        """It has but one."""
        return "mock"

    def split(self, pair: Pair, text: str) -> list[Segment]:
        """Any length is taken."""
        return [Segment(text)]

    async def translate(self, pair: Pair, pieces: Sequence[Piece]) -> list[Outcome]:
        """Mark each piece."""
        if self.delay_ms:
            await asyncio.sleep(self.delay_ms / 1000)
        return [f"[{pair.target}] {piece.wish.terms.put_in(piece.text)}" for piece in pieces]

    async def close(self) -> None:
        """There is nothing to free."""
