"""What an engine must do.

Engines live on the event loop: one that computes does so in threads of its own. They are asked through a
``Batcher``, with pieces of text that are clean (``text.clean``) and have letters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from dragoman_contracts.errors import DragomanError
from dragoman_contracts.translation_api import Formality
from dragoman_translation.config import TranslateConfig
from dragoman_translation.glossary import NO_TERMS, Terms

Progress = Callable[[str], None]
"""Takes one sentence about what loading does now."""

ANY = "*"
"""Stands for any language."""


class Pair(NamedTuple):
    """Two languages, canonical BCP 47 codes or ``*``."""

    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.source}-{self.target}"


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """What a request wants beside its texts; one object for each request and target."""

    context: tuple[str, ...] = ()
    terms: Terms = NO_TERMS
    formality: Formality = "default"
    fast: bool = False
    session_id: str = ""


class Piece(NamedTuple):
    """A text, or as much of it as an engine takes at once."""

    text: str
    wish: Wish


class Segment(NamedTuple):
    """A part of a text: what is translated, and what follows it unchanged. Joined they are the text."""

    text: str
    after: str = ""


Outcome = str | DragomanError
"""A translation, or why there is none of this piece."""


class Engine(Protocol):
    """A translator. ``concurrency`` is how many batches it takes at the same time.

    ``applies_glossary`` says whether it honours ``Wish.terms`` itself; ``mixes_requests`` whether pieces of
    different requests may stand in one batch.
    """

    name: str
    concurrency: int
    applies_glossary: bool
    mixes_requests: bool

    async def load(self, progress: Progress) -> None:
        """Make the engine ready.

        Raises:
            ModelUnavailable: a model can be neither found nor fetched; the remedy is named.
            EngineUnavailable: what the engine needs does not answer.

        """
        ...

    def tune(self, config: TranslateConfig) -> None:
        """Use these values from the next batch on."""
        ...

    def pairs(self) -> Sequence[Pair]:
        """What it translates, as far as is known; complete once it is loaded."""
        ...

    def resolve(self, source: str, target: str) -> Pair | None:
        """The pair of its own that serves this one (``pt`` for ``pt-BR``), or None."""
        ...

    def model_of(self, pair: Pair) -> str:
        """The name of the model for a resolved pair."""
        ...

    def split(self, pair: Pair, text: str) -> list[Segment]:
        """Cut a text into parts that the engine takes at once; a part without text is not translated."""
        ...

    async def translate(self, pair: Pair, pieces: Sequence[Piece]) -> list[Outcome]:
        """Outcomes in the order of the pieces, all of a resolved pair and alike in ``fast``.

        Raises:
            Unavailable: the engine cannot be used now; no piece is to blame.
            BadUpstream: what the engine asked gave no answer that can be read.

        """
        ...

    async def close(self) -> None:
        """Free what it holds."""
        ...
