"""What is done to a text before any engine sees it: cleaning, and cutting into sentences."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

from dragoman_translation.engines.base import Segment

_CONTROLS = {code: None for code in [*range(0x20), *range(0x7F, 0xA0)] if chr(code) not in "\t\n"}
"""C0 and C1 (ECMA-48) and DEL: they mean nothing in a text, and break the pipes of some engines."""

_SENTENCE = re.compile(r".+?(?:[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？।॥۔؟]+[」』”’）]*|(?=\n)|\Z)", re.DOTALL)
_CLAUSE = re.compile(r".+?(?:[,;:،؛、，；：]+(?=\s|[^\x00-\x7f])|\Z)", re.DOTALL)
_WORD = re.compile(r".+?(?=\s|\Z)", re.DOTALL)
_SPACE = re.compile(r"\s*")

MARKUP = r"</?[A-Za-z][^<>]*>"
"""A tag of HTML or XML, to be kept as it is: an engine would translate its names, and move it elsewhere."""

Count = Callable[[str], int]


def clean(text: str) -> str:
    """The text in Unicode's form C, without control characters but for tab and newline."""
    return unicodedata.normalize("NFC", text.translate(_CONTROLS))


def has_letters(text: str) -> bool:
    """Whether there is anything to translate: figures, marks and emoji read alike in all languages."""
    return any(character.isalpha() for character in text)


def fit(text: str, count: Count, limit: int) -> list[Segment]:
    """The text whole if ``count`` of it is within ``limit``, else sentence by sentence.

    A sentence that is still too long is cut between clauses, then words, then anywhere. Whitespace between
    two parts belongs to neither.
    """
    if count(text) <= limit:
        return [Segment(text)]
    cuts = [_SENTENCE, _CLAUSE, _WORD]
    return [part for sentence in _cut(text, cuts[0]) for part in _shorten(sentence, count, limit, cuts[1:])]


def _shorten(segment: Segment, count: Count, limit: int, cuts: list[re.Pattern[str]]) -> list[Segment]:
    if count(segment.text) <= limit or len(segment.text) < 2:
        return [segment]
    if not cuts:
        middle = len(segment.text) // 2
        halves = [Segment(segment.text[:middle]), Segment(segment.text[middle:], segment.after)]
        return [part for half in halves for part in _shorten(half, count, limit, [])]
    parts = list(_pack(list(_cut(segment.text, cuts[0])), count, limit))
    parts[-1] = Segment(parts[-1].text, parts[-1].after + segment.after)
    return [short for part in parts for short in _shorten(part, count, limit, cuts[1:])]


def _cut(text: str, cut: re.Pattern[str]) -> Iterator[Segment]:
    position = _end_of_space(text, 0)
    if position:
        yield Segment("", text[:position])
    while position < len(text):
        found = cut.match(text, position)
        end = found.end() if found else len(text)
        position = _end_of_space(text, end)
        yield Segment(text[end - len(found[0]) : end] if found else text[end:], text[end:position])


def _end_of_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _pack(parts: list[Segment], count: Count, limit: int) -> Iterator[Segment]:
    """Join neighbours as long as they fit together."""
    packed, size = parts[0], count(parts[0].text)
    for part in parts[1:]:
        more = count(packed.after + part.text)
        if size + more <= limit:
            packed, size = Segment(packed.text + packed.after + part.text, part.after), size + more
        else:
            yield packed
            packed, size = part, more
    yield packed


def segments(text: str, count: Count, limit: int, *, kept: re.Pattern[str] | None = None) -> list[Segment]:
    """A text as parts that fit; what ``kept`` matches, and parts without letters, are not translated."""
    parts: list[Segment] = []
    position = 0
    for found in kept.finditer(text) if kept else ():
        parts += _plain(text[position : found.start()], count, limit, found[0])
        position = found.end()
    return parts + _plain(text[position:], count, limit, "")


def _plain(text: str, count: Count, limit: int, after: str) -> list[Segment]:
    core = text.strip()
    if not has_letters(core):
        return [Segment("", text + after)]
    start = text.index(core)
    parts = [
        part if has_letters(part.text) else Segment("", part.text + part.after)
        for part in fit(core, count, limit)
    ]
    parts[-1] = Segment(parts[-1].text, parts[-1].after + text[start + len(core) :] + after)
    return [Segment("", text[:start]), *parts]
