"""Language codes: BCP 47 (RFC 5646), compared as the Unicode CLDR does it.

``pt-BR`` and ``pt`` are one language to a reader, ``zh-Hans`` and ``zh-Hant`` are two; ``iw`` is written
``he``.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import langcodes
from langcodes.tag_parser import LanguageTagError

from dragoman_contracts.errors import UnknownLanguage

SAME_DISTANCE = 10
"""CLDR distance up to which two codes are one language to whoever reads it."""
MAX_TAG_CHARS = 35
"""RFC 5646, 4.4.1: what an implementation must be able to take."""


@lru_cache(maxsize=1024)
def canonical(tag: str) -> str:
    """The code in its standard form: ``EN_us`` is ``en-US``, ``iw`` is ``he``, ``zh-hans-cn`` is
    ``zh-Hans-CN``.

    Raises:
        UnknownLanguage: it is no code of a language.

    """
    try:
        language = langcodes.Language.get(tag.strip(), normalize=True) if len(tag) <= MAX_TAG_CHARS else None
    except (LanguageTagError, ValueError):
        language = None
    if language is None or language.language is None or not language.is_valid():
        raise UnknownLanguage(f"{tag[:MAX_TAG_CHARS]!r} is no language code")
    return str(language)


def base(tag: str) -> str:
    """The language alone: ``pt`` of ``pt-BR``."""
    return tag.partition("-")[0]


@lru_cache(maxsize=4096)
def is_same(one: str, other: str) -> bool:
    """Whether a text in ``one`` needs no translation for readers of ``other``; both canonical."""
    return langcodes.tag_distance(one, other) <= SAME_DISTANCE


def closest(wanted: str, supported: Iterable[str]) -> str | None:
    """That of the supported codes which serves readers of ``wanted`` best, or None; all canonical."""
    found = langcodes.closest_supported_match(wanted, list(supported), max_distance=SAME_DISTANCE)
    return str(found) if found is not None else None
