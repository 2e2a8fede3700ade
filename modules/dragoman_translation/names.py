"""Languages as lists of the compatible endpoints show them: codes with English names."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import langcodes

from dragoman_contracts.translation_api import LanguagePair
from dragoman_translation.detect import known_languages
from dragoman_translation.engines.base import ANY


@lru_cache(maxsize=1024)
def english_name(code: str) -> str:
    """``Portuguese (Brazil)`` for ``pt-BR``; the code itself where its name is not known."""
    try:
        return langcodes.Language.get(code).display_name()
    except (ImportError, LookupError):  # the names are in a package of their own
        return code


def targets_by_source(pairs: Iterable[LanguagePair]) -> dict[str, list[str]]:
    """The targets of each source, in alphabetical order; ``*`` becomes the languages that can be detected."""
    targets: dict[str, set[str]] = {}
    for pair in pairs:
        for source in _spelled(pair.source):
            targets.setdefault(source, set()).update(_spelled(pair.target))
    return {source: sorted(targets[source]) for source in sorted(targets)}


def _spelled(code: str) -> frozenset[str]:
    return known_languages() if code == ANY else frozenset({code})
