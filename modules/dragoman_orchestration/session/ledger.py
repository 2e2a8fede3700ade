"""The ledger: where every received millisecond of a session went. Pure accounting, no clock.

``received = transcribed + silence + gap + pending`` holds after every call. Each millisecond is accounted for
once: the first claim stays, and what a later claim overlaps is ignored, so a replay after a takeover changes
nothing. Memory is bounded: what is fully accounted for from the start of the session is kept as sums only.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, Literal

from dragoman_contracts.websocket import Gap, Ledger

Kind = Literal["transcribed", "silence", "gap"]

MAX_GAPS = 256
"""Gaps that are listed; of more, the newest are. ``gap_ms`` counts all of them."""
MAX_OPEN = 1024
"""Intervals kept apart beyond the first pending millisecond."""
UNACCOUNTED = "unaccounted"
"""Reason of a gap that closes the oldest hole when more than ``MAX_OPEN`` intervals wait behind it."""


class LedgerBook:
    """Accounts for a session's audio; all times in ms of session audio, intervals half open [start, end).

    Claims beyond what was received are cut off there: audio that never came cannot have been transcribed.
    """

    def __init__(self) -> None:
        self._received_ms = 0
        self._settled_ms = 0
        self._sums: dict[Kind, int] = {"transcribed": 0, "silence": 0, "gap": 0}
        self._gaps: list[Gap] = []
        # Accounted intervals beyond _settled_ms: sorted, disjoint, never touching one of the same kind.
        self._open: list[tuple[int, int, Kind]] = []

    def receive(self, received_ms: int) -> None:
        """Audio up to ``received_ms`` of the session has arrived; a smaller value changes nothing."""
        self._received_ms = max(self._received_ms, received_ms)

    def transcribed(self, start_ms: int, end_ms: int) -> int:
        """A final segment covers this; returns the milliseconds that were pending until now."""
        return self._claim(start_ms, end_ms, "transcribed", "")

    def silence(self, start_ms: int, end_ms: int) -> int:
        """No speech here; returns the milliseconds that were pending until now."""
        return self._claim(start_ms, end_ms, "silence", "")

    def gap(self, start_ms: int, end_ms: int, reason: str) -> int:
        """This will not be transcribed; returns the milliseconds that were pending until now."""
        return self._claim(start_ms, end_ms, "gap", reason)

    @property
    def received_ms(self) -> int:
        """Audio that arrived."""
        return self._received_ms

    @property
    def settled_ms(self) -> int:
        """Everything before this is accounted for."""
        return self._settled_ms

    @property
    def pending_ms(self) -> int:
        """Audio that is not accounted for yet."""
        return self._received_ms - sum(self._sums.values())

    @property
    def open_intervals(self) -> int:
        """Intervals held apart: the measure of this book's memory, at most ``MAX_OPEN``."""
        return len(self._open)

    def snapshot(self) -> Ledger:
        """The sums as the contract tells them; they always add up."""
        return Ledger(
            received_ms=self._received_ms,
            transcribed_ms=self._sums["transcribed"],
            silence_ms=self._sums["silence"],
            pending_ms=self.pending_ms,
            gap_ms=self._sums["gap"],
            gaps=list(self._gaps),
        )

    def merge(self, other: LedgerBook) -> None:
        """Take over what ``other`` knows beyond this book (two halves of one session's accounts).

        ``other`` must know its intervals: of what it has settled only sums are left, so the settled part must
        have been settled here too.

        Raises:
            ValueError: ``other`` has settled audio that is pending here.

        """
        if other._settled_ms > self._settled_ms:
            raise ValueError("the other book has settled audio that is pending in this one")
        self.receive(other._received_ms)
        for start, end, kind in other._open:
            if kind == "gap":
                continue
            self._claim(start, end, kind, "")
        for gap in other._gaps:
            self._claim(gap.start_ms, gap.end_ms, "gap", gap.reason)

    def to_state(self) -> dict[str, Any]:
        """Plain data for the checkpoint (JSON or msgpack)."""
        return {
            "received_ms": self._received_ms,
            "settled_ms": self._settled_ms,
            "sums": dict(self._sums),
            "gaps": [[gap.start_ms, gap.end_ms, gap.reason] for gap in self._gaps],
            "open": [list(interval) for interval in self._open],
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> LedgerBook:
        """The book that ``to_state`` wrote."""
        book = cls()
        book._received_ms = int(state["received_ms"])
        book._settled_ms = int(state["settled_ms"])
        book._sums = {kind: int(state["sums"][kind]) for kind in book._sums}
        book._gaps = [Gap(int(start), int(end), str(reason)) for start, end, reason in state["gaps"]]
        book._open = [(int(start), int(end), kind) for start, end, kind in state["open"]]
        return book

    def _claim(self, start_ms: int, end_ms: int, kind: Kind, reason: str) -> int:
        start, end = max(start_ms, self._settled_ms), min(end_ms, self._received_ms)
        holes = list(self._holes(start, end))
        for hole_start, hole_end in holes:
            self._insert(hole_start, hole_end, kind)
            self._sums[kind] += hole_end - hole_start
            if kind == "gap":
                self._note_gap(Gap(hole_start, hole_end, reason))
        if holes:
            self._settle()
        return sum(hole_end - hole_start for hole_start, hole_end in holes)

    def _holes(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The parts of [start, end) that nothing has claimed."""
        for taken_start, taken_end, _ in self._open[max(0, self._index_of(start) - 1) :]:
            if start >= end:
                return
            if taken_end <= start:
                continue
            if taken_start > start:
                yield start, min(taken_start, end)
            start = max(start, taken_end)
        if start < end:
            yield start, end

    def _index_of(self, start: int) -> int:
        """How many open intervals begin at or before ``start``."""
        return bisect_right(self._open, start, key=lambda interval: interval[0])

    def _insert(self, start: int, end: int, kind: Kind) -> None:
        at = self._index_of(start)
        before = self._open[at - 1] if at else None
        after = self._open[at] if at < len(self._open) else None
        first, last = at, at
        if before and before[1] == start and before[2] == kind:
            first, start = at - 1, before[0]
        if after and after[0] == end and after[2] == kind:
            last, end = at + 1, after[1]
        self._open[first:last] = [(start, end, kind)]

    def _note_gap(self, gap: Gap) -> None:
        at = bisect_right(self._gaps, gap.start_ms, key=lambda known: known.start_ms)
        before = self._gaps[at - 1] if at else None
        after = self._gaps[at] if at < len(self._gaps) else None
        first, last, start, end = at, at, gap.start_ms, gap.end_ms
        if before and before.end_ms == start and before.reason == gap.reason:
            first, start = at - 1, before.start_ms
        if after and after.start_ms == end and after.reason == gap.reason:
            last, end = at + 1, after.end_ms
        self._gaps[first:last] = [Gap(start, end, gap.reason)]
        del self._gaps[:-MAX_GAPS]

    def _settle(self) -> None:
        done = 0
        for start, end, _ in self._open:
            if start != self._settled_ms:
                break
            self._settled_ms = end
            done += 1
        del self._open[:done]
        if len(self._open) > MAX_OPEN:
            # A hole that thousands of later intervals have passed by will not be filled any more.
            self._claim(self._settled_ms, self._open[0][0], "gap", UNACCOUNTED)
