"""A lane: finals in order, one request at a time, drafts while they are worth it."""

from __future__ import annotations

import pytest

from dragoman_contracts.errors import EngineUnavailable, PairUnavailable, TranslationFailed
from dragoman_contracts.translation_api import TranslatedText, TranslationProblem
from dragoman_contracts.websocket import TranslationFailedMessage, TranslationFinal, TranslationPartial
from dragoman_orchestration.workers import lane as lane_module
from dragoman_orchestration.workers.lane import DraftPolicy, Lane, LaneRequest, Sentence
from dragoman_runtime.languages import is_same

AWAY = TranslationProblem(code="engine_unavailable", message="away", remedy="", permanent=False)
WRONG = TranslationProblem(code="translation_failed", message="wrong language", remedy="", permanent=True)


def sentence(number: int, text: str = "", language: str = "en") -> Sentence:
    return Sentence(f"seg-{number}", 3, text or f"sentence {number}", language, number, number + 1, number)


def stable(number: int, text: str, revision: int = 1) -> Sentence:
    return Sentence(f"seg-{number}", revision, text, "en")


def answer(request: LaneRequest) -> list[TranslatedText]:
    return [
        TranslatedText(text=f"[es] {one.text}", source=one.language, engine="mock")
        for one in request.sentences
    ]


def finish(lane: Lane, request: LaneRequest | None, now_s: float = 0.0, took_ms: float = 10.0):
    assert request is not None
    return lane.answered(request, answer(request), now_s, took_ms=took_ms, retry_at_s=now_s + 1)


@pytest.fixture
def lane() -> Lane:
    return Lane("es", is_same, DraftPolicy(latency_ms=700, interval_ms=300))


def test_a_final_becomes_a_final_of_the_same_segment(lane: Lane) -> None:
    assert lane.final(sentence(1)) == []
    told, request = lane.advance(0)
    assert told == []
    assert finish(lane, request) == [
        TranslationFinal(
            segment_id="seg-1",
            revision=3,
            target_language="es",
            source_language="en",
            text="[es] sentence 1",
            start_ms=1,
            end_ms=2,
            engine="mock",
        )
    ]
    assert (lane.waiting, lane.oldest) == (0, None)


def test_never_more_than_one_request_is_under_way(lane: Lane) -> None:
    lane.final(sentence(1))
    _, first = lane.advance(0)
    lane.final(sentence(2))
    lane.draft(stable(3, "and so"))
    assert lane.advance(9) == ([], None)
    finish(lane, first)
    _, second = lane.advance(9)
    assert second is not None
    assert [one.offset for one in second.sentences] == [2]


def test_finals_that_piled_up_go_out_together_with_what_was_said_before(lane: Lane) -> None:
    lane.final(sentence(1))
    finish(lane, lane.advance(0)[1])
    for number in range(2, 14):
        lane.final(sentence(number))
    _, request = lane.advance(0)
    assert request is not None
    assert [one.offset for one in request.sentences] == list(range(2, 10))
    assert request.context == ("sentence 1",)
    assert [message.segment_id for message in finish(lane, request)] == [f"seg-{n}" for n in range(2, 10)]
    _, rest = lane.advance(0)
    assert rest is not None
    assert rest.context == ("sentence 8", "sentence 9")


def test_sentences_of_two_languages_do_not_share_a_request(lane: Lane) -> None:
    lane.final(sentence(1))
    lane.final(sentence(2, language="de"))
    _, request = lane.advance(0)
    assert request is not None
    assert [one.language for one in request.sentences] == ["en"]


def test_what_is_spoken_in_the_target_language_is_passed_through_in_its_turn(lane: Lane) -> None:
    lane.final(sentence(1))
    lane.final(sentence(2, "ya es español", "es"))
    lane.final(sentence(3, "y esto también", "es-MX"))
    told, request = lane.advance(0)
    assert told == []
    assert request is not None
    assert len(request.sentences) == 1
    finish(lane, request)
    told, request = lane.advance(0)
    assert request is None
    assert [(one.text, one.engine) for one in told] == [("ya es español", ""), ("y esto también", "")]


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_a_withdrawn_segment_needs_no_translator(lane: Lane, text: str) -> None:
    lane.final(Sentence("seg-1", 2, text, "en", 0, 1, 1))
    (message,), request = lane.advance(0)
    assert request is None
    assert isinstance(message, TranslationFinal)
    assert message.text == text


class TestDrafts:
    def test_a_draft_is_told_under_its_segment(self, lane: Lane) -> None:
        lane.draft(stable(1, "good morning", revision=4))
        _, request = lane.advance(0)
        assert request is not None
        assert request.is_draft
        assert finish(lane, request) == [
            TranslationPartial(
                segment_id="seg-1",
                revision=4,
                target_language="es",
                source_language="en",
                text="[es] good morning",
            )
        ]

    def test_only_the_newest_counts(self, lane: Lane) -> None:
        lane.draft(stable(1, "good"))
        lane.draft(stable(1, "good morning"))
        _, request = lane.advance(0)
        assert request is not None
        assert request.sentences[0].text == "good morning"

    def test_a_late_draft_is_dropped_and_its_final_is_not(self, lane: Lane) -> None:
        lane.draft(stable(1, "good"))
        _, draft = lane.advance(0)
        lane.final(sentence(1, "good morning"))
        assert finish(lane, draft) == []
        _, request = lane.advance(0)
        assert request is not None
        assert not request.is_draft

    def test_a_draft_of_a_segment_that_is_final_is_not_asked_for(self, lane: Lane) -> None:
        lane.draft(stable(1, "good"))
        lane.final(sentence(1))
        finish(lane, lane.advance(0)[1])
        lane.draft(stable(1, "good morning"))
        assert lane.advance(9) == ([], None)

    def test_finals_go_first(self, lane: Lane) -> None:
        lane.final(sentence(1))
        lane.draft(stable(2, "next"))
        assert not lane.advance(0)[1].is_draft

    def test_the_same_text_is_drafted_once(self, lane: Lane) -> None:
        lane.draft(stable(1, "good"))
        finish(lane, lane.advance(0)[1])
        lane.draft(stable(1, "good", revision=2))
        assert lane.advance(9) == ([], None)

    def test_they_keep_a_distance_that_grows_with_the_latency(self, lane: Lane) -> None:
        lane.draft(stable(1, "good"))
        finish(lane, lane.advance(0)[1], now_s=1.0, took_ms=200)
        lane.draft(stable(1, "good morning"))
        assert lane.advance(1.39)[1] is None
        assert lane.advance(1.41)[1] is not None

    def test_a_slow_translator_gets_none(self, lane: Lane) -> None:
        lane.final(sentence(1))
        finish(lane, lane.advance(0)[1], took_ms=2_000)
        lane.draft(stable(2, "good"))
        assert lane.advance(100)[1] is None

    def test_nor_does_one_that_is_not_to_be_asked(self, lane: Lane) -> None:
        lane.draft(stable(1, "good"))
        assert lane.advance(0, drafts=False)[1] is None

    @pytest.mark.parametrize("text", ["", " ", ".", "…"])
    def test_a_draft_that_says_nothing_is_not_told(self, lane: Lane, text: str) -> None:
        lane.draft(stable(1, "well"))
        _, request = lane.advance(0)
        told = lane.answered(request, [TranslatedText(text=text)], 0, took_ms=1, retry_at_s=1)
        assert told == []

    def test_a_failed_draft_is_not_told(self, lane: Lane) -> None:
        lane.draft(stable(1, "good"))
        _, request = lane.advance(0)
        assert lane.failed(request, EngineUnavailable("away"), 5) == []
        lane.final(sentence(1))
        assert lane.advance(4.9)[1] is None
        assert lane.advance(5)[1] is not None


class TestTrouble:
    def test_a_translator_that_is_away_is_told_once_and_caught_up_with(self, lane: Lane) -> None:
        lane.final(sentence(1))
        _, request = lane.advance(0)
        (told,) = lane.failed(request, EngineUnavailable("the service is away"), 1)
        assert isinstance(told, TranslationFailedMessage)
        assert (told.segment_id, told.permanent, told.code) == ("seg-1", False, "engine_unavailable")
        lane.final(sentence(2))
        assert lane.advance(0.9) == ([], None)
        _, request = lane.advance(1)
        assert [one.segment_id for one in lane.failed(request, EngineUnavailable("away"), 2)] == ["seg-2"]
        _, request = lane.advance(2)
        assert [type(one) for one in finish(lane, request)] == [TranslationFinal, TranslationFinal]

    def test_what_is_refused_for_good_is_told_and_left_behind(self, lane: Lane) -> None:
        lane.final(sentence(1))
        (told,) = lane.failed(lane.advance(0)[1], PairUnavailable("no engine"), 1)
        assert (told.permanent, told.code) == (True, "pair_unavailable")
        lane.final(sentence(2))
        assert lane.advance(0)[1] is not None

    def test_of_several_that_are_refused_together_only_the_bad_one_fails(self, lane: Lane) -> None:
        for number in (1, 2, 3):
            lane.final(sentence(number))
        _, request = lane.advance(0)
        assert lane.failed(request, TranslationFailed("one of them"), 0) == []
        seen = []
        for number in (1, 2, 3):
            _, alone = lane.advance(0)
            assert [one.offset for one in alone.sentences] == [number]
            seen += (
                lane.failed(alone, TranslationFailed("this one"), 0) if number == 2 else finish(lane, alone)
            )
        assert [type(one).__name__ for one in seen] == [
            "TranslationFinal",
            "TranslationFailedMessage",
            "TranslationFinal",
        ]
        for number in range(4, 7):
            lane.final(sentence(number))
        assert len(lane.advance(0)[1].sentences) == 3

    def test_a_text_that_failed_for_good_does_not_hold_the_others(self, lane: Lane) -> None:
        for number in (1, 2):
            lane.final(sentence(number))
        _, request = lane.advance(0)
        texts = [TranslatedText(error=WRONG), *answer(request)[1:]]
        failed, translated = lane.answered(request, texts, 0, took_ms=1, retry_at_s=1)
        assert (failed.permanent, failed.code) == (True, "translation_failed")
        assert translated.segment_id == "seg-2"

    def test_a_text_that_failed_for_now_holds_those_behind_it(self, lane: Lane) -> None:
        for number in (1, 2, 3):
            lane.final(sentence(number))
        _, request = lane.advance(0)
        texts = answer(request)
        texts[1] = TranslatedText(error=AWAY)
        told = lane.answered(request, texts, 0, took_ms=1, retry_at_s=7)
        assert [(one.segment_id, type(one).__name__) for one in told] == [
            ("seg-1", "TranslationFinal"),
            ("seg-2", "TranslationFailedMessage"),
            ("seg-3", "TranslationFailedMessage"),
        ]
        assert lane.oldest == 2
        assert lane.advance(6.9)[1] is None
        _, again = lane.advance(7)
        assert [one.offset for one in again.sentences] == [2, 3]

    def test_an_end_tells_what_is_missing(self, lane: Lane) -> None:
        lane.final(sentence(1))
        _, request = lane.advance(0)
        (told,) = lane.give_up()
        assert told.permanent
        assert finish(lane, request) == []
        assert lane.waiting == 0

    def test_what_waits_is_bounded_and_the_oldest_is_told(
        self, lane: Lane, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lane_module, "WAITING_MAX", 2)
        lane.final(sentence(1))
        lane.final(sentence(2))
        _, request = lane.advance(0)
        (told,) = lane.final(sentence(3))
        assert (told.segment_id, told.code, told.permanent) == ("seg-1", "translator_away", True)
        assert [one.segment_id for one in finish(lane, request)] == ["seg-2"]
        assert lane.oldest == 3

    def test_an_answer_that_nobody_waits_for_is_ignored(self, lane: Lane) -> None:
        lane.final(sentence(1))
        _, request = lane.advance(0)
        finish(lane, request)
        assert finish(lane, request) == []
        assert lane.failed(request, EngineUnavailable("late"), 0) == []
