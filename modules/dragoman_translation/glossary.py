"""Terms and what they must become: finding them in a text, putting them in, mending what an engine missed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from dragoman_contracts.errors import InvalidInput
from dragoman_contracts.translation_api import MAX_GLOSSARY_TERMS, TermTranslation

MAX_TERM_CHARS = 200
_ARTICLE = re.compile(
    r"(?:the|an?|el|l[aeo]s?|los|un[aeo]?|il|gli|os?|as?|uma?|d(?:er|ie|as)|eine?|het|een)\s+",
    re.IGNORECASE,
)
"""What some models put in front of a bare noun."""
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")
"""Scripts, by their characters' names, that write no spaces between words."""


class Term(NamedTuple):
    """A term of the source text and what it must become."""

    source: str
    target: str


class Found(NamedTuple):
    """A term at a place of a text."""

    start: int
    end: int
    term: Term


class Terms:
    """The terms for one target language; longer ones are looked for first."""

    def __init__(self, terms: Iterable[Term] = ()) -> None:
        self._terms = sorted(terms, key=lambda term: (-len(term.source), term.source))

    def __iter__(self) -> Iterator[Term]:
        return iter(self._terms)

    def __len__(self) -> int:
        return len(self._terms)

    def found_in(self, text: str) -> list[Found]:
        """Where the terms stand in ``text``, in order; no two overlap."""
        taken: list[Found] = []
        folded = text.casefold()
        for term in self._terms:
            if term.source.casefold() not in folded:
                continue
            for start, end in places(term.source, text):
                if all(end <= other.start or other.end <= start for other in taken):
                    taken.append(Found(start, end, term))
        return sorted(taken)

    def in_text(self, text: str) -> list[Term]:
        """The terms that stand in ``text``, each once, in order."""
        return list(dict.fromkeys(found.term for found in self.found_in(text)))

    def put_in(self, text: str) -> str:
        """The text with its terms replaced by what they must become."""
        return _replace(text, [(found.start, found.end, *found.term) for found in self.found_in(text)])


NO_TERMS = Terms()


def parse_terms(language: str, terms: Sequence[TermTranslation]) -> Terms:
    """The glossary of one target language.

    Raises:
        InvalidInput: too many or too long terms, an empty one, or two that contradict each other.

    """
    if len(terms) > MAX_GLOSSARY_TERMS:
        raise InvalidInput(
            f"the glossary for {language} has {len(terms)} terms; at most {MAX_GLOSSARY_TERMS} are taken",
            remedy="Send the terms that can occur in these texts.",
        )
    known: dict[str, Term] = {}
    for number, given in enumerate(terms):
        term = Term(_normal(given.source), _normal(given.target))
        _check_term(language, number, term)
        other = known.setdefault(term.source.casefold(), term)
        if other.target != term.target:
            raise InvalidInput(
                f"the glossary for {language} contradicts itself: {term.source!r} is to become both "
                f"{other.target!r} and {term.target!r}",
                remedy="Keep one of the two.",
            )
    return Terms(known.values())


def _check_term(language: str, number: int, term: Term) -> None:
    if not term.source or not term.target:
        raise InvalidInput(
            f"term {number} of the glossary for {language} is empty on one side",
            remedy="Give source and target; the same text on both sides for a term that stays as it is.",
        )
    if max(len(term.source), len(term.target)) > MAX_TERM_CHARS:
        raise InvalidInput(
            f"term {number} of the glossary for {language} has more than {MAX_TERM_CHARS} characters"
        )


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip())


def places(term: str, text: str) -> list[tuple[int, int]]:
    """Where ``term`` stands in ``text`` as whole words, whatever the case; start and end."""
    return [
        (found.start(), found.end())
        for found in _pattern(term).finditer(text)
        if not _joined(text, found.start()) and not _joined(text, found.end())
    ]


def mend(translation: str, bare: str, target: str, *, at_most: int) -> str | None:
    """The translation with ``target`` in the places of ``bare``, or None where that is not safe.

    ``bare`` is what the engine makes of the term alone. It must stand in the translation, and no more than
    ``at_most`` times, which is how often the term stands in the source: else it is some other word as well.
    """
    bare = _ARTICLE.sub("", bare.strip().strip(".,;:!?¡¿…。").strip())
    found = places(bare, translation) if bare else []
    if not 0 < len(found) <= at_most:
        return None
    return _replace(translation, [(start, end, bare, target) for start, end in found])


def _replace(text: str, changes: list[tuple[int, int, str, str]]) -> str:
    for start, end, old, new in reversed(changes):
        text = text[:start] + _cased_like(text[start:end], old, new) + text[end:]
    return text


def _cased_like(found: str, old: str, new: str) -> str:
    """``new`` in the place of ``old``, capitalised as ``found`` is where that differs from ``old``."""
    if found == old:
        return new
    if found.casefold() == new.casefold():
        return found
    letters = [character for character in found if character.isalpha()]
    if len(letters) > 1 and all(character.isupper() for character in letters):
        return new.upper()
    return new[:1].upper() + new[1:] if found[:1].isupper() else new


@lru_cache(maxsize=4096)
def _pattern(term: str) -> re.Pattern[str]:
    return re.compile(re.escape(term), re.IGNORECASE)


def _joined(text: str, position: int) -> bool:
    """Whether the characters on both sides of ``position`` belong to one word."""
    if not 0 < position < len(text):
        return False
    before, after = text[position - 1], text[position]
    if unicodedata.category(after).startswith("M"):
        return True
    return _in_word(before) and _in_word(after)


def _in_word(character: str) -> bool:
    if unicodedata.category(character)[0] not in "LMN":
        return character == "_"
    return not unicodedata.name(character, "").startswith(_UNSPACED)
