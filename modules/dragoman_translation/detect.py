"""Which language a text is in: py3langid (https://github.com/adbar/py3langid), held to languages that count.

A caption is short, and of a hundred languages one is always near: "hola que tal" would be Catalan. Among the
languages that can occur the answer is good.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any, NamedTuple

from dragoman_contracts.errors import InvalidInput
from dragoman_runtime.languages import base
from dragoman_translation.text import has_letters

MIN_PROBABILITY = 0.1
MIN_LEAD = 1.5
"""How much more probable the best guess must be than the next: "ok" is of any language."""
SURE_BYTES = 24
"""Texts from this length on are told apart well enough to call a language wrong."""
_FOREIGN = 0.9
_ISO_639_1 = 2
_READ_CHARS = 1_000
"""More tells no more, and costs a millisecond for each thousand on the event loop."""


class Undetectable(InvalidInput):
    """The language of a text cannot be told."""

    code = "language_undetectable"
    default_remedy = "Give the source language; short texts can be of many."


class Guess(NamedTuple):
    """A language, and how probable it is among those that were asked about."""

    language: str
    probability: float


@cache
def _identifier() -> Any:
    # Half a second: it unpacks its model.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415

    return LanguageIdentifier.from_model_file(MODEL_FILE)


def warm_up() -> None:
    """Load the model, which takes half a second."""
    _identifier()


@lru_cache(maxsize=512)
def _scores(text: str) -> tuple[tuple[str, float], ...]:
    """Of all languages; remembered, as each target of a request asks for the same texts."""
    return tuple(_identifier().rank(text))


@cache
def known_languages() -> frozenset[str]:
    """The languages of ISO 639-1 that can be told."""
    return frozenset(name for name in _identifier().labels if len(name) == _ISO_639_1)


def rank(text: str, languages: Iterable[str] = ()) -> list[Guess]:
    """The languages by their probability, best first; of ``languages`` only, if any are given.

    Codes are canonical; variants of a language count as one and come out as the first one given. Without
    ``languages`` those of ISO 639-1 count, which all widely written ones are.
    """
    wanted: dict[str, str] = {}
    for language in languages:
        wanted.setdefault(base(language), language)
    scores = {
        wanted.get(name, name): score
        for name, score in _scores(text[:_READ_CHARS])
        if (name in wanted if wanted else len(name) == _ISO_639_1)
    }
    if not scores or not has_letters(text):
        return []
    # The identifier's own calibration: the posterior is flattened by the root of the length.
    heat = math.sqrt(len(text[:_READ_CHARS].encode("utf-8", "replace")))
    best = max(scores.values())
    weights = {name: math.exp((score - best) / heat) for name, score in scores.items()}
    total = sum(weights.values())
    guesses = [Guess(name, weight / total) for name, weight in weights.items()]
    return sorted(guesses, key=lambda guess: -guess.probability)


def detect(text: str, languages: Iterable[str] = ()) -> str:
    """The language of ``text``, of ``languages``, if any are given; or the one that it clearly is in.

    Raises:
        Undetectable: no language is probable enough.

    """
    known = list(languages)
    if known and len(text.encode("utf-8", "replace")) >= SURE_BYTES:
        anyhow = rank(text)
        bases = {base(language) for language in known}
        if anyhow and anyhow[0].probability >= _FOREIGN and anyhow[0].language not in bases:
            return anyhow[0].language
    guesses = rank(text, known)
    lead = guesses[0].probability / guesses[1].probability if len(guesses) > 1 else MIN_LEAD
    if not guesses or guesses[0].probability < MIN_PROBABILITY or lead < MIN_LEAD:
        raise Undetectable("the language of a text cannot be told")
    return guesses[0].language
