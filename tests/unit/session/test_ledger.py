from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dragoman_contracts.websocket import Gap
from dragoman_orchestration.session.ledger import MAX_GAPS, MAX_OPEN, UNACCOUNTED, LedgerBook


def book(received_ms: int) -> LedgerBook:
    made = LedgerBook()
    made.receive(received_ms)
    return made


def test_sums_add_up_to_what_was_received():
    made = book(10_000)
    made.silence(0, 2_000)
    made.transcribed(2_000, 5_000)
    made.gap(5_000, 5_500, "decode_error")
    told = made.snapshot()
    assert (told.silence_ms, told.transcribed_ms, told.gap_ms, told.pending_ms) == (2_000, 3_000, 500, 4_500)
    assert told.adds_up
    assert not told.is_complete
    assert told.gaps == [Gap(5_000, 5_500, "decode_error")]


def test_what_is_claimed_twice_counts_once_and_for_the_first():
    made = book(1_000)
    assert made.silence(0, 600) == 600
    assert made.transcribed(400, 1_000) == 400
    assert made.gap(0, 1_000, "late") == 0
    told = made.snapshot()
    assert (told.silence_ms, told.transcribed_ms, told.gap_ms, told.pending_ms) == (600, 400, 0, 0)
    assert told.gaps == []


def test_a_claim_between_others_fills_the_holes_only():
    made = book(1_000)
    made.silence(100, 200)
    made.silence(300, 400)
    assert made.transcribed(0, 1_000) == 800
    assert made.settled_ms == 1_000
    assert made.open_intervals == 0


def test_audio_that_never_came_cannot_be_transcribed():
    made = book(1_000)
    assert made.transcribed(900, 1_500) == 100
    assert made.transcribed(2_000, 1_000) == 0
    assert made.snapshot().adds_up


def test_received_never_shrinks():
    made = book(1_000)
    made.receive(400)
    assert made.received_ms == 1_000


def test_neighbouring_gaps_of_one_reason_are_one():
    made = book(1_000)
    made.gap(200, 300, "lost")
    made.gap(100, 200, "lost")
    made.gap(300, 400, "other")
    made.gap(0, 100, "lost")
    assert made.snapshot().gaps == [Gap(0, 300, "lost"), Gap(300, 400, "other")]


def test_a_session_of_a_day_stays_small():
    made = LedgerBook()
    for second in range(0, 86_400, 2):
        made.receive((second + 2) * 1000)
        made.silence(second * 1000, (second + 1) * 1000)
        made.transcribed((second + 1) * 1000, (second + 2) * 1000)
        assert made.open_intervals == 0
    assert made.snapshot().transcribed_ms == 43_200_000
    assert len(json.dumps(made.to_state())) < 300


def test_holes_that_are_passed_by_end_as_told_gaps():
    made = book(10 * (MAX_OPEN + 5))
    for number in range(MAX_OPEN + 5):
        made.silence(number * 10 + 5, number * 10 + 10)
    assert made.open_intervals <= MAX_OPEN
    told = made.snapshot()
    assert told.adds_up
    assert told.gaps[0] == Gap(0, 5, UNACCOUNTED)


def test_gaps_beyond_the_list_still_count():
    made = book(20 * (MAX_GAPS + 10))
    for number in range(MAX_GAPS + 10):
        made.gap(number * 20, number * 20 + 10, "lost")
    told = made.snapshot()
    assert len(told.gaps) == MAX_GAPS
    assert told.gap_ms == 10 * (MAX_GAPS + 10)
    assert told.gaps[-1].start_ms == 20 * (MAX_GAPS + 9)


def test_two_halves_are_merged():
    left, right = book(500), book(1_000)
    left.transcribed(0, 500)
    right.silence(400, 700)
    right.gap(800, 900, "lost")
    left.merge(right)
    told = left.snapshot()
    assert (told.received_ms, told.transcribed_ms, told.silence_ms, told.gap_ms) == (1_000, 500, 200, 100)
    assert told.adds_up


def test_settled_audio_cannot_be_merged_into_a_book_that_waits_for_it():
    settled = book(500)
    settled.silence(0, 500)
    with pytest.raises(ValueError, match="settled"):
        book(500).merge(settled)


Claim = tuple[str, int, int]
claims = st.lists(
    st.tuples(st.sampled_from(["transcribed", "silence", "gap"]), st.integers(0, 300), st.integers(0, 300)),
    max_size=40,
)


def apply(made: LedgerBook, claim: Claim) -> None:
    kind, start, end = claim
    arguments: tuple[Any, ...] = (start, end, "why") if kind == "gap" else (start, end)
    getattr(made, kind)(*arguments)


def naive(received_ms: int, made: list[Claim]) -> dict[str, int]:
    """One cell a millisecond, first claim wins."""
    cells: dict[int, str] = {}
    for kind, start, end in made:
        for ms in range(start, min(end, received_ms)):
            cells.setdefault(ms, kind)
    return {kind: list(cells.values()).count(kind) for kind in ("transcribed", "silence", "gap")}


@given(received_ms=st.integers(0, 300), made=claims)
def test_same_sums_as_counting_each_millisecond(received_ms, made):
    ledger = book(received_ms)
    for claim in made:
        apply(ledger, claim)
    told = ledger.snapshot()
    expected = naive(received_ms, made)
    assert {
        "transcribed": told.transcribed_ms,
        "silence": told.silence_ms,
        "gap": told.gap_ms,
    } == expected
    assert told.adds_up
    assert told.pending_ms >= 0
    assert sum(gap.end_ms - gap.start_ms for gap in told.gaps) == told.gap_ms


@given(received_ms=st.integers(0, 300), made=claims, cut=st.integers(0, 40))
def test_a_checkpoint_changes_nothing(received_ms, made, cut):
    through, stored = book(received_ms), book(received_ms)
    for number, claim in enumerate(made):
        if number == cut:
            stored = LedgerBook.from_state(json.loads(json.dumps(stored.to_state())))
        apply(through, claim)
        apply(stored, claim)
    assert stored.snapshot() == through.snapshot()
    assert stored.to_state() == through.to_state()


@given(received_ms=st.integers(0, 300), made=claims)
def test_a_replay_changes_nothing(received_ms, made):
    ledger = book(received_ms)
    for claim in made:
        apply(ledger, claim)
    before = ledger.snapshot()
    for claim in made:
        apply(ledger, claim)
    assert ledger.snapshot() == before


class LedgerMachine(RuleBasedStateMachine):
    """Receiving and claiming in any order keeps the account balanced."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = LedgerBook()
        self.last_sum = 0

    @rule(ms=st.integers(0, 5_000))
    def receive(self, ms: int) -> None:
        self.ledger.receive(ms)

    @rule(
        claim=st.tuples(
            st.sampled_from(["transcribed", "silence", "gap"]), st.integers(0, 5_000), st.integers(0, 5_000)
        )
    )
    def claim(self, claim: Claim) -> None:
        apply(self.ledger, claim)

    @invariant()
    def balanced(self) -> None:
        told = self.ledger.snapshot()
        assert told.adds_up
        assert told.pending_ms >= 0
        accounted = told.received_ms - told.pending_ms
        assert accounted >= self.last_sum
        self.last_sum = accounted
        assert self.ledger.settled_ms <= accounted


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
