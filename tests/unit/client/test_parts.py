"""Backoff, the event queue, and errors read from answers: the client's small pure parts."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest

from dragoman_client.backoff import Backoff
from dragoman_client.connection import Endpoint
from dragoman_client.errors import error_for, error_from_close, error_from_response
from dragoman_client.events import COLLAPSE_ABOVE, FINALS_KNOWN, EventQueue
from dragoman_client.retry import Retry
from dragoman_contracts.errors import (
    DragomanError,
    Forbidden,
    InvalidInput,
    NotFound,
    SessionEnded,
    Unauthenticated,
    Unavailable,
)
from dragoman_contracts.websocket import (
    AudioAck,
    CloseCode,
    ErrorMessage,
    SessionPresence,
    SessionSnapshot,
    SpeechStarted,
    StreamPosition,
    TranscriptFinal,
    TranscriptPartial,
    TranslationFinal,
    TranslationPartial,
)


def partial(segment: str, revision: int, offset: int) -> TranscriptPartial:
    return TranscriptPartial(
        segment_id=segment,
        revision=revision,
        text=f"r{revision}",
        stable_text="",
        unstable_text=f"r{revision}",
        start_ms=0,
        end_ms=1,
        language="en",
        position=StreamPosition("e", offset),
    )


def draft(segment: str, language: str, revision: int, offset: int) -> TranslationPartial:
    return TranslationPartial(
        segment_id=segment,
        revision=revision,
        target_language=language,
        source_language="en",
        text=f"r{revision}",
        position=StreamPosition("e", offset),
    )


def translation(segment: str, language: str, offset: int) -> TranslationFinal:
    return TranslationFinal(
        segment_id=segment,
        revision=9,
        target_language=language,
        source_language="en",
        text="hecho",
        start_ms=0,
        end_ms=1,
        engine="mock",
        position=StreamPosition("e", offset),
    )


def final(segment: str, offset: int, epoch: str = "e") -> TranscriptFinal:
    return TranscriptFinal(
        segment_id=segment,
        revision=9,
        text="done",
        start_ms=0,
        end_ms=1,
        language="en",
        position=StreamPosition(epoch, offset),
    )


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class TestBackoff:
    def test_waits_grow_to_the_ceiling_and_end(self) -> None:
        clock = Clock()
        backoff = Backoff(
            first_s=1, ceiling_s=4, young_s=15, late_ceiling_s=30, give_up_s=60, draw=lambda: 1.0, clock=clock
        )
        waits = []
        while (wait_s := backoff.next_wait_s()) is not None:
            waits.append(wait_s)
            clock.now += wait_s
        # The last one is cut, so that it ends with the time that there is.
        assert waits == [1, 2, 4, 4, 4, 30, 15]
        assert backoff.next_wait_s() is None

    def test_attempts_that_take_long_count_too(self) -> None:
        clock = Clock()
        backoff = Backoff(give_up_s=20, clock=clock)
        backoff.next_wait_s()
        clock.now = 20.0
        assert backoff.next_wait_s() is None

    def test_a_young_outage_is_tried_often_and_at_first_at_once(self) -> None:
        clock = Clock()
        backoff = Backoff(draw=lambda: 1.0, clock=clock)
        first = backoff.next_wait_s()
        assert first is not None
        assert first <= 0.05
        while clock.now < backoff.young_s:
            wait_s = backoff.next_wait_s()
            assert wait_s is not None
            assert wait_s <= 0.5
            clock.now += wait_s

    def test_a_server_that_asks_for_a_pause_gets_one(self) -> None:
        backoff = Backoff(draw=lambda: 0.0)
        assert backoff.next_wait_s(pause=True) == pytest.approx(0.5)
        most = Backoff(draw=lambda: 1.0)
        waits = [most.next_wait_s(pause=True) for _ in range(5)]
        assert waits == [1, 2, 4, 5, 5]

    def test_jitter_never_makes_a_busy_loop(self) -> None:
        backoff = Backoff(first_s=0.2, draw=lambda: 0.0)
        assert backoff.next_wait_s() == pytest.approx(0.1)

    def test_a_connection_that_worked_starts_anew(self) -> None:
        clock = Clock()
        backoff = Backoff(first_s=1, ceiling_s=8, give_up_s=2, draw=lambda: 1.0, clock=clock)
        backoff.next_wait_s()
        clock.now = 2.0
        assert backoff.next_wait_s() is None
        backoff.reset()
        assert backoff.next_wait_s() == 1


class TestRetry:
    async def test_a_connection_that_lasted_starts_anew_though_nothing_was_acknowledged(self) -> None:
        clock = Clock()
        retry = Retry(Backoff(first_s=0.001, give_up_s=60, clock=clock))
        retry.connected()
        await retry.wait()
        retry.connected()
        clock.now = 3_600.0
        await retry.wait()

    async def test_connections_that_do_not_last_are_one_outage(self) -> None:
        clock = Clock()
        quick = Backoff(first_s=0.001, ceiling_s=0.001, late_ceiling_s=0.001, give_up_s=60, clock=clock)
        retry = Retry(quick)
        for _ in range(60):
            retry.connected()
            await retry.wait()
            clock.now += 1.0
        retry.connected()
        with pytest.raises(Unavailable, match="within 60 s"):
            await retry.wait()

    async def test_what_will_not_pass_is_raised_at_once(self) -> None:
        retry = Retry(Backoff())
        retry.connected()
        with pytest.raises(NotFound):
            await retry.wait(NotFound("gone"))


class TestEventQueue:
    async def test_each_position_comes_once_and_another_epoch_counts_anew(self) -> None:
        queue = EventQueue()
        for event in (final("a", 5), final("a", 5), final("b", 4), final("c", 6), final("d", 1, epoch="f")):
            queue.put(event)
        queue.close()
        seen = []
        while (event := await queue.get()) is not None:
            assert isinstance(event, TranscriptFinal)
            seen.append(event.segment_id)
        assert seen == ["a", "c", "d"]

    async def test_events_without_a_position_are_never_taken_for_repetitions(self) -> None:
        queue = EventQueue()
        queue.put(SpeechStarted(start_ms=1))
        queue.put(SpeechStarted(start_ms=1))
        assert await queue.get() == await queue.get()

    async def test_a_reader_that_falls_behind_loses_partials_but_no_final(self) -> None:
        queue = EventQueue()
        offset = 0
        for number in range(4):
            for revision in range(COLLAPSE_ABOVE):
                offset += 1
                queue.put(partial(f"s{number}", revision, offset))
            offset += 1
            queue.put(final(f"s{number}", offset))
        queue.close()
        seen = []
        while (event := await queue.get()) is not None:
            seen.append(event)
        finals = [event.segment_id for event in seen if isinstance(event, TranscriptFinal)]
        assert finals == ["s0", "s1", "s2", "s3"]
        assert len(seen) < COLLAPSE_ABOVE + 20

    async def test_what_later_events_supersede_is_left_out(self) -> None:
        queue = EventQueue()
        for number in range(10 * COLLAPSE_ABOVE):
            queue.put(partial("s0", number, number + 1))
            queue.put(AudioAck(received_ms=number, committed_ms=0, received_bytes=number))
            queue.put(SessionPresence(speakers=1, viewers=number))
        queue.close()
        seen = []
        while (event := await queue.get()) is not None:
            seen.append(event)
        assert len(seen) <= COLLAPSE_ABOVE
        # The last of each, the one that counts, is still there, and in its place.
        last = 10 * COLLAPSE_ABOVE - 1
        one, ack, presence = seen[-3:]
        assert isinstance(one, TranscriptPartial)
        assert isinstance(ack, AudioAck)
        assert isinstance(presence, SessionPresence)
        assert (one.revision, ack.received_ms, presence.viewers) == (last, last, last)

    async def test_drafts_are_superseded_within_their_language_and_final_translations_stay(self) -> None:
        queue = EventQueue()
        offset = 0
        for number in range(COLLAPSE_ABOVE):
            for language in ("es", "fr"):
                offset += 1
                queue.put(draft("s0", language, number, offset))
        queue.put(translation("s0", "es", offset + 1))
        queue.put(draft("s1", "es", 0, offset + 2))
        queue._collapse()
        queue.close()
        seen = []
        while (event := await queue.get()) is not None:
            seen.append((type(event), event.segment_id, event.target_language))
        assert seen == [
            (TranslationPartial, "s0", "fr"),
            (TranslationFinal, "s0", "es"),
            (TranslationPartial, "s1", "es"),
        ]

    async def test_a_snapshot_tells_translations_that_were_not_seen(self) -> None:
        queue = EventQueue()
        queue.put(final("s0", 1))
        queue.put(translation("s0", "es", 2))
        told = [translation("s0", language, 9) for language in ("es", "fr")]
        queue.put_snapshot(
            SessionSnapshot(
                session_id="s",
                status="live",
                recovered=False,
                position=StreamPosition("f", 9),
                finals=[msgspec.to_builtins(final("s0", 1, epoch="f"))],
                translations=[msgspec.to_builtins(one) for one in told],
            )
        )
        queue.close()
        seen = []
        while (event := await queue.get()) is not None:
            seen.append(event)
        assert [type(event) for event in seen] == [
            TranscriptFinal,
            TranslationFinal,
            TranslationFinal,
            SessionSnapshot,
        ]
        assert seen[2].target_language == "fr"
        assert seen[3].translations == []

    async def test_finals_that_wait_are_not_looked_through_again_and_again(self) -> None:
        queue = EventQueue()
        for number in range(5_000):
            queue.put(final(f"s{number}", number + 1))
        assert len(queue._events) == 5_000
        assert queue._collapse_above >= 5_000

    async def test_only_so_many_finals_are_remembered(self) -> None:
        queue = EventQueue()
        for number in range(3 * FINALS_KNOWN):
            queue.put(final(f"s{number}", number + 1))
        assert len(queue._finals) == FINALS_KNOWN

    async def test_the_failure_comes_after_the_last_event(self) -> None:
        queue = EventQueue()
        queue.put(final("a", 1))
        queue.close(NotFound("gone"))
        assert await queue.get() is not None
        with pytest.raises(NotFound):
            await queue.get()

    async def test_a_waiting_reader_is_woken(self) -> None:
        queue = EventQueue()
        reader = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.put(final("a", 1))
        assert (await reader) is not None


class TestErrors:
    def test_a_problem_document_becomes_the_contracts_error(self) -> None:
        body = json.dumps(
            {"code": "session_ended", "title": "x", "detail": "it is over", "remedy": "make one"}
        )
        error = error_from_response(409, body.encode())
        assert type(error) is SessionEnded
        assert (error.message, error.remedy) == ("it is over", "make one")

    @pytest.mark.parametrize(
        ("status", "kind"),
        [(401, Unauthenticated), (403, Forbidden), (404, NotFound), (502, Unavailable), (418, InvalidInput)],
    )
    def test_any_other_answer_is_told_by_its_status(self, status: int, kind: type[DragomanError]) -> None:
        assert type(error_from_response(status, b"<html>")) is kind

    def test_an_unknown_code_is_still_an_error(self) -> None:
        assert type(error_for("of_the_future", "what")) is DragomanError

    @pytest.mark.parametrize("code", list(CloseCode))
    def test_the_range_of_a_close_code_decides_whether_to_reconnect(self, code: CloseCode) -> None:
        error = error_from_close(int(code), "", None)
        assert (error is None) == (code.reconnect or code is CloseCode.NORMAL)

    @pytest.mark.parametrize("code", [1001, 1006, 1011, 1012])
    def test_a_broken_connection_is_worth_another_try(self, code: int) -> None:
        assert error_from_close(code, "", None) is None

    def test_the_message_before_the_close_tells_more_than_the_code(self) -> None:
        last = ErrorMessage(code="not_found", message="no such session", remedy="look", permanent=True)
        error = error_from_close(4404, "x", last)
        assert type(error) is NotFound
        assert error.message == "no such session"


class TestEndpoint:
    def test_the_key_is_never_in_the_address(self) -> None:
        endpoint = Endpoint("https://host/base", "secret")
        url = endpoint.socket_url("/v1/x", after="e:1")
        assert url == "wss://host/base/v1/x?after=e%3A1"
        assert endpoint.headers == {"Authorization": "Bearer secret"}

    def test_no_address_no_connection(self) -> None:
        with pytest.raises(InvalidInput, match="http"):
            Endpoint("localhost:8080")
