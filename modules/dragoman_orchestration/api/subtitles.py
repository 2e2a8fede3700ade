"""Subtitles that can be read: what was said, cut into cues by the rules of the trade. Pure.

At most two lines of 42 columns (21 characters where each takes two, as in Chinese); 5/6 to 7 seconds a cue;
no faster than 20 columns a second where the time allows; two frames between cues; cut at the ends of
sentences, else of clauses, else of words, and at the times of the words where they are known. Every word
appears once and in order. The limits are those that broadcasters and streaming services publish.
"""

from __future__ import annotations

import math
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import NamedTuple

LINE_COLUMNS = 42
LINES = 2
MIN_MS, MAX_MS = 833, 7000
GAP_MS = 80
"""Two frames at 25 a second."""
COLUMNS_PER_S = 20

_SENTENCE_END, _CLAUSE_END = ".!?…。！？؟।", ",;:—–、，；：،؛"
_CLOSING = "\"'’”»)]}」』）】〉》"
_NOT_FIRST = _SENTENCE_END + _CLAUSE_END + _CLOSING + "ーァィゥェォッャュョぁぃぅぇぉっゃゅょ々"
_NOT_LAST = "「『（【〈《“‘«([{"
_SENTENCE_BONUS, _CLAUSE_BONUS = 0.5, 0.25
"""How much of a cue's length a cut may be away from the middle, for a better place."""
_ZWJ = "\u200d"


class Word(NamedTuple):
    """A spoken word and its times in ms."""

    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Passage:
    """Something that was said from ``start_ms`` to ``end_ms``.

    One text gets up to two lines; two texts, as in two languages, get one line each. ``words`` are those that
    were spoken; the texts may be others, and are timed in proportion.
    """

    start_ms: int
    end_ms: int
    texts: tuple[str, ...]
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Cue:
    """What is shown from ``start_ms`` to ``end_ms``: one or two lines, none of them empty."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]


def cues(passages: Sequence[Passage]) -> list[Cue]:
    """The subtitles of what was said, in the order of time."""
    drafts = [
        cue
        for passage in sorted(passages, key=lambda one: (one.start_ms, one.end_ms))
        for cue in (_one_text(passage) if len(passage.texts) == 1 else _side_by_side(passage))
    ]
    return _scheduled(_joined(drafts) if all(len(one.texts) == 1 for one in passages) else drafts)


def clean(text: str) -> str:
    """One line without control characters, and without what begins another cue."""
    kept = "".join(char for char in " ".join(text.split()) if unicodedata.category(char) != "Cc")
    return " ".join(kept.replace("-->", "→").split())


def columns(text: str) -> int:
    """How much room a text takes on a line."""
    return sum(_cluster_columns(cluster) for cluster in _clusters(text))


# --- what cannot be cut ---------------------------------------------------------------------------------


class _Atom(NamedTuple):
    """A word, or a part of what is written without spaces; ``space`` is 1 where one stands before it."""

    text: str
    columns: int
    space: int

    def bonus(self) -> float:
        """How good it is to cut after it."""
        end = self.text.rstrip(_CLOSING)[-1:]
        if end and end in _SENTENCE_END:
            return _SENTENCE_BONUS
        return _CLAUSE_BONUS if end and end in _CLAUSE_END else 0.0


class _Atoms:
    """A text as atoms, and how much room stretches of them take."""

    def __init__(self, text: str) -> None:
        self.all = [
            _Atom(part, columns(part), int(index > 0 and at == 0))
            for index, word in enumerate(clean(text).split())
            for at, part in enumerate(_parts(word))
        ]
        self._room = [0, *accumulate(atom.columns + atom.space for atom in self.all)]
        self.read = [0, *accumulate(atom.columns for atom in self.all)]
        """Columns without spaces up to each atom: the measure of time."""

    def __len__(self) -> int:
        return len(self.all)

    def room(self, begin: int, end: int) -> int:
        """Columns of a stretch on one line."""
        return self._room[end] - self._room[begin] - self.all[begin].space if end > begin else 0

    def text(self, begin: int, end: int) -> str:
        """A stretch as it is written."""
        return "".join(" " * atom.space + atom.text for atom in self.all[begin:end]).strip(" ")

    def line_end(self, begin: int) -> int:
        """Where a line ends that begins here and is as full as can be."""
        end = bisect_right(self._room, LINE_COLUMNS + self._room[begin] + self.all[begin].space) - 1
        return max(begin + 1, min(end, len(self)))

    def cue_end(self, begin: int) -> int:
        """Where a cue of two lines ends that begins here and is as full as can be."""
        end = begin
        for _ in range(LINES):
            end = self.line_end(end) if end < len(self) else end
        return end

    def best_cut(self, begin: int, ends: Sequence[int], target: float) -> int:
        """That of the ends which comes closest to ``target`` columns, or has a better reason."""

        def cost(end: int) -> float:
            return abs(self.room(begin, end) - target) / max(target, 1.0) - self.all[end - 1].bonus()

        return min(ends, key=cost)

    def lines(self, begin: int, end: int) -> tuple[str, ...]:
        """A stretch that fits as one line, or as two of about the same length."""
        if self.room(begin, end) <= LINE_COLUMNS:
            return (self.text(begin, end),)
        fitting = [
            cut for cut in range(begin + 1, self.line_end(begin) + 1) if self.room(cut, end) <= LINE_COLUMNS
        ]
        cut = self.best_cut(begin, fitting, self.room(begin, end) / 2)
        return (self.text(begin, cut), self.text(cut, end))


def _parts(word: str) -> list[str]:
    """A word as it may be cut: not at all, but between wide characters, or where it is longer than a line."""
    parts: list[str] = []
    room, was_wide = 0, False
    for cluster in _clusters(word):
        width = _cluster_columns(cluster)
        is_wide = width > 1
        together = not (is_wide or was_wide) or (
            bool(parts) and (cluster[0] in _NOT_FIRST or parts[-1][-1] in _NOT_LAST)
        )
        if parts and together and room + width <= LINE_COLUMNS:
            parts[-1] += cluster
            room += width
        else:
            parts.append(cluster)
            room = width
        was_wide = is_wide
    return parts


def _clusters(text: str) -> Iterator[str]:
    """Characters with the marks and joiners that belong to them, much as Unicode's UAX 29 has it."""
    cluster = ""
    for char in text:
        joins = (
            unicodedata.category(char) in {"Mn", "Me", "Mc"}
            or char == _ZWJ
            or "\U0001f3fb" <= char <= "\U0001f3ff"
            or cluster.endswith(_ZWJ)
            or (_is_flag_half(char) and len(cluster) == 1 and _is_flag_half(cluster))
        )
        if cluster and not joins:
            yield cluster
            cluster = ""
        cluster += char
    if cluster:
        yield cluster


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _cluster_columns(cluster: str) -> int:
    if any(unicodedata.east_asian_width(char) in "WF" for char in cluster) or _is_flag_half(cluster[0]):
        return 2
    return int(any(unicodedata.category(char) not in {"Mn", "Me", "Cf"} for char in cluster))


# --- when -----------------------------------------------------------------------------------------------


class _Clock:
    """When which part of a passage was said; parts are fractions ``at / of`` of its text."""

    def __init__(self, passage: Passage) -> None:
        first, last = passage.start_ms, max(passage.start_ms, passage.end_ms)
        words, before = [], first
        for word in passage.words or (Word("-", first, last),):
            start = min(max(word.start_ms, before), last)
            before = min(max(word.end_ms, start), last)
            words.append(Word(word.text, start, before))
        self._words = words
        self._ends = [*accumulate(max(1, columns(clean(word.text))) for word in words)]

    def start_ms(self, at: int, of: int) -> int:
        """When the part that begins there began."""
        index = bisect_right(self._ends, at * self._ends[-1], key=lambda end: end * of)
        return self._within(min(index, len(self._words) - 1), at, of)

    def end_ms(self, at: int, of: int) -> int:
        """When the part that ends there ended."""
        index = bisect_left(self._ends, at * self._ends[-1], key=lambda end: end * of)
        return self._within(min(index, len(self._words) - 1), at, of)

    def _within(self, index: int, at: int, of: int) -> int:
        word, before = self._words[index], self._ends[index - 1] if index else 0
        share = (at * self._ends[-1] / of - before) / (self._ends[index] - before)
        return round(word.start_ms + min(max(share, 0.0), 1.0) * (word.end_ms - word.start_ms))


# --- cues -----------------------------------------------------------------------------------------------


def _one_text(passage: Passage) -> Iterator[Cue]:
    atoms, clock = _Atoms(passage.texts[0]), _Clock(passage)
    total, begin = max(1, atoms.read[-1]), 0
    while begin < len(atoms):
        start_ms = clock.start_ms(atoms.read[begin], total)
        end = _cue_end(atoms, clock, begin, start_ms)
        yield Cue(start_ms, clock.end_ms(atoms.read[end], total), atoms.lines(begin, end))
        begin = end


def _cue_end(atoms: _Atoms, clock: _Clock, begin: int, start_ms: int) -> int:
    """Where to cut: so that what is left comes out in cues of about the same length."""
    total, last = max(1, atoms.read[-1]), len(atoms)
    furthest = atoms.cue_end(begin)
    while furthest > begin + 1 and clock.end_ms(atoms.read[furthest], total) - start_ms > MAX_MS:
        furthest -= 1
    if furthest == last:
        return last
    left_ms = clock.end_ms(total, total) - start_ms
    count = max(math.ceil(atoms.room(begin, last) / (LINES * LINE_COLUMNS)), math.ceil(left_ms / MAX_MS), 2)
    return atoms.best_cut(begin, range(begin + 1, furthest + 1), atoms.room(begin, last) / count)


def _side_by_side(passage: Passage) -> Iterator[Cue]:
    """Two texts, cut into as many lines each, so that what is shown together was said together."""
    texts, clock = [_Atoms(text) for text in passage.texts], _Clock(passage)
    longest = max(len(atoms) for atoms in texts)
    if not longest:
        return
    needed = max(
        *(math.ceil(atoms.room(0, len(atoms)) / LINE_COLUMNS) for atoms in texts),
        math.ceil((passage.end_ms - passage.start_ms) / MAX_MS),
    )
    for count in range(max(1, min(needed, longest)), longest + 1):
        columns_of_lines = [_even_lines(atoms, count) for atoms in texts]
        if all(lines is not None for lines in columns_of_lines):
            break
    for at, lines in enumerate(zip(*(lines or [] for lines in columns_of_lines), strict=True)):
        shown = tuple(line for line in lines if line)
        if shown:
            yield Cue(clock.start_ms(at, count), clock.end_ms(at + 1, count), shown)


def _even_lines(atoms: _Atoms, count: int) -> list[str] | None:
    """A text as ``count`` lines of about the same length, the last of them perhaps empty; None: too few."""
    lines: list[str] = []
    begin, last = 0, len(atoms)
    for left in range(count, 0, -1):
        if begin == last:
            lines.append("")
            continue
        ends = range(begin + 1, atoms.line_end(begin) + 1)
        end = last if left == 1 else atoms.best_cut(begin, ends, atoms.room(begin, last) / left)
        if atoms.room(begin, end) > LINE_COLUMNS:
            return None
        lines.append(atoms.text(begin, end))
        begin = end
    return lines


def _joined(drafts: Sequence[Cue]) -> list[Cue]:
    """Cues of one line that follow too soon to be shown alone are shown together."""
    joined: list[Cue] = []
    for cue in drafts:
        before = joined[-1] if joined else None
        if (
            before is not None
            and cue.start_ms - before.start_ms < MIN_MS + GAP_MS
            and len(before.lines) + len(cue.lines) <= LINES
            and cue.end_ms - before.start_ms <= MAX_MS
        ):
            joined[-1] = replace(
                before, end_ms=max(before.end_ms, cue.end_ms), lines=before.lines + cue.lines
            )
        else:
            joined.append(cue)
    return joined


def _scheduled(drafts: Sequence[Cue]) -> list[Cue]:
    """Each long enough to be read if the next one can wait, none over another."""
    shown: list[Cue] = []
    free_ms = 0
    nothing_more = Cue(2**62, 2**62, ())
    for cue, following in pairwise([*drafts, nothing_more]):
        start_ms = max(cue.start_ms, free_ms)
        reading_ms = math.ceil(sum(columns(line) for line in cue.lines) * 1000 / COLUMNS_PER_S)
        wanted_ms = min(max(cue.end_ms, start_ms + reading_ms), following.start_ms - GAP_MS)
        end_ms = min(max(wanted_ms, start_ms + MIN_MS), start_ms + MAX_MS)
        shown.append(Cue(start_ms, end_ms, cue.lines))
        free_ms = end_ms + GAP_MS
    return shown
