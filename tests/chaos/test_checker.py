"""The checker itself: it must see each kind of error, and nothing where there is none."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dragoman_contracts.websocket import (
    Ledger,
    ServerMessages,
    SessionEndedMessage,
    SessionSnapshot,
    StreamPosition,
    TranscriptFinal,
    TranscriptPartial,
    TranslationFinal,
    Word,
)
from tests.chaos.checker import CaptionBook, Verdict
from tests.chaos.speech import FRAME_BYTES, FRAME_MS, Speech, speech
from tests.chaos.translations import TranslationBook

SAID = speech(12, 7)


def final(number: int, start: int, stop: int, shift_ms: int = 0) -> TranscriptFinal:
    words = [
        Word(f" {SAID.words[i]}", SAID.starts_ms[i] + shift_ms, SAID.starts_ms[i] + 240 + shift_ms)
        for i in range(start, stop)
    ]
    return TranscriptFinal(
        segment_id=f"s{number}",
        revision=9,
        text=" ".join(word.text for word in words),
        start_ms=words[0].start_ms,
        end_ms=words[-1].end_ms,
        language="en",
        words=words,
    )


def ended(**changes: Any) -> SessionEndedMessage:
    sums = {"received_ms": SAID.duration_ms, "transcribed_ms": SAID.duration_ms - 500, "silence_ms": 500}
    return SessionEndedMessage(reason="client", ledger=Ledger(**(sums | changes)))


def verdict(*messages: ServerMessages) -> Verdict:
    book = CaptionBook()
    for message in messages:
        book.take(message)
    return book.verdict(SAID)


HALF, ALL = len(SAID.words) // 2, len(SAID.words)
FIRST, SECOND = final(0, 0, HALF), final(1, HALF, ALL)


def test_all_words_once_in_order_and_all_time_accounted_for():
    assert verdict(FIRST, SECOND, ended()) == Verdict()


@pytest.mark.parametrize(
    ("messages", "kind", "count"),
    [
        ((FIRST, ended()), "lost", ALL - HALF),
        ((FIRST, final(1, HALF + 1, ALL), ended()), "lost", 1),
        ((FIRST, SECOND, SECOND, ended()), "doubled", ALL - HALF),
        ((FIRST, final(1, HALF - 1, ALL), ended()), "doubled", 1),
        ((SECOND, FIRST, ended()), "reordered", HALF),
        ((FIRST, final(1, HALF, ALL, shift_ms=80), ended()), "misplaced", ALL - HALF),
        ((FIRST, SECOND), "unfinished", 1),
        ((FIRST, SECOND, ended(received_ms=SAID.duration_ms + 100)), "ledger", 1),
        ((FIRST, SECOND, ended(silence_ms=400)), "ledger", 1),
        ((FIRST, SECOND, ended(silence_ms=400, pending_ms=100)), "ledger", 1),
        ((FIRST, SECOND, ended(silence_ms=400, gap_ms=100)), "ledger", 1),
    ],
)
def test_each_error_is_counted_as_what_it_is(messages, kind, count):
    found = verdict(*messages)
    assert (getattr(found, kind), found.errors) == (count, count)
    assert found.notes or kind == "reordered"


def test_words_that_nobody_said():
    cut = msgspec.structs.replace(SECOND, words=[Word("w99999", 0, 1), *SECOND.words[1:]])
    found = verdict(FIRST, cut, ended())
    assert (found.alien, found.lost) == (1, 1)


def test_a_partial_after_its_final():
    late = TranscriptPartial(
        segment_id="s0",
        revision=3,
        text="",
        stable_text="",
        unstable_text="",
        start_ms=0,
        end_ms=9,
        language="en",
    )
    assert verdict(late, FIRST, SECOND, ended()).errors == 0
    assert verdict(FIRST, late, SECOND, ended()).revived == 1


def snapshot(recovered: bool, *finals: TranscriptFinal) -> SessionSnapshot:
    return SessionSnapshot(
        position=StreamPosition("e", 1),
        session_id="s",
        status="live",
        recovered=recovered,
        finals=[msgspec.to_builtins(one) for one in finals],
    )


def test_a_snapshot_that_recovered_nothing_is_shown_instead_of_what_was_there():
    assert verdict(snapshot(True), FIRST, snapshot(False, FIRST), SECOND, ended()).errors == 0
    assert verdict(snapshot(True), FIRST, snapshot(False), SECOND, ended()).lost == HALF
    assert verdict(snapshot(True), FIRST, snapshot(False, FIRST), FIRST, SECOND, ended()).doubled == HALF


def test_a_speaker_is_given_each_final_once_whatever_was_lost():
    book = CaptionBook(merges=True)
    for message in (FIRST, snapshot(False), FIRST, SECOND, ended()):
        book.take(message)
    assert book.verdict(SAID).errors == 0
    book.take(FIRST)
    assert book.verdict(SAID).doubled == HALF


def test_a_late_reader_begins_with_a_snapshot():
    assert verdict(snapshot(True, FIRST), SECOND, ended()).errors == 0


def test_a_resumed_reader_keeps_what_it_shows():
    assert verdict(snapshot(True), FIRST, snapshot(True), SECOND, ended()).errors == 0


def test_verdicts_sum_up():
    total = Verdict()
    total.add(verdict(FIRST, ended()))
    total.add(verdict(FIRST, SECOND))
    assert (total.lost, total.unfinished, total.errors) == (ALL - HALF, 1, ALL - HALF + 1)


def test_speech_says_each_word_once_and_is_as_long_as_asked():
    said: Speech = speech(60, 3)
    assert said.duration_ms == 60_000
    assert len(set(said.words)) == len(said.words) > 100
    assert all(len(frame) == FRAME_BYTES for frame in said.frames)
    assert said.starts_ms[-1] + 300 < 60_000
    assert FRAME_MS * len(said.frames) == 60_000


class TestTranslations:
    """A reader of another language."""

    def verdict(self, *messages: ServerMessages) -> Verdict:
        book = TranslationBook("es")
        for message in messages:
            book.take(message)
        return book.verdict()

    def test_each_final_once_in_order(self):
        assert self.verdict(FIRST, SECOND, translated(FIRST), translated(SECOND)) == Verdict()

    def test_a_missing_one_is_seen(self):
        assert self.verdict(FIRST, SECOND, translated(FIRST)).untranslated == 1

    def test_one_that_came_twice_is_seen(self):
        assert self.verdict(FIRST, translated(FIRST), translated(FIRST)).doubled == 1

    def test_one_of_another_text_is_seen(self):
        swapped = msgspec.structs.replace(translated(SECOND), segment_id=FIRST.segment_id)
        assert self.verdict(FIRST, swapped).mistranslated == 1

    def test_one_before_its_final_is_seen(self):
        assert self.verdict(translated(FIRST), FIRST).mistranslated == 1

    def test_a_changed_order_is_seen(self):
        assert self.verdict(FIRST, SECOND, translated(SECOND), translated(FIRST)).reordered == 1

    def test_another_language_does_not_count(self):
        german = msgspec.structs.replace(translated(FIRST), target_language="de")
        assert self.verdict(FIRST, german).untranslated == 1

    def test_a_lost_history_is_started_over(self):
        lost = SessionSnapshot(
            session_id="s",
            status="live",
            recovered=False,
            finals=[msgspec.to_builtins(FIRST)],
            translations=[msgspec.to_builtins(translated(FIRST))],
        )
        assert self.verdict(FIRST, SECOND, translated(FIRST), translated(SECOND), lost) == Verdict()
        assert self.verdict(FIRST, lost, translated(FIRST)).doubled == 1


def translated(said: TranscriptFinal) -> TranslationFinal:
    return TranslationFinal(
        segment_id=said.segment_id,
        revision=said.revision,
        target_language="es",
        source_language="en",
        text=f"[es] {said.text}",
        start_ms=said.start_ms,
        end_ms=said.end_ms,
    )
