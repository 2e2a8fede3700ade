"""The speaker against a server that drops, refuses and loses: what was given arrives exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from dragoman_client import (
    AudioFormat,
    Dragoman,
    ResumeImpossible,
    SessionEndedMessage,
    SessionResumed,
    SessionSnapshot,
    Speaker,
    StreamPosition,
    TranscriptFinal,
    TranscriptPartial,
)
from dragoman_client.backoff import Backoff
from dragoman_client.client import SessionInfo
from dragoman_client.connection import Endpoint
from dragoman_client.retry import Retry
from dragoman_contracts.errors import (
    Conflict,
    DragomanError,
    InvalidInput,
    NotFound,
    Overloaded,
    SessionEnded,
    Unavailable,
    UnsupportedAudio,
)
from dragoman_contracts.websocket import AudioAck, CloseCode, ErrorMessage, ServerMessages, SpeechStarted

AUDIO = bytes(range(256)) * 40
MUCH = bytes(range(250)) * 12_800
"""A hundred seconds."""


def speaker(url: str, *, wait_s: float = 0.0, notices: list[str] | None = None, **options: Any) -> Speaker:
    notify = notices.append if notices is not None else lambda _: None
    retry = Retry(Backoff(first_s=0.01, ceiling_s=0.02, give_up_s=0.5), wait_s=wait_s, notify=notify)
    return Speaker(Endpoint(url, "key"), "s", AudioFormat(), retry=retry, **options)


def final(segment: int, text: str = "") -> TranscriptFinal:
    return TranscriptFinal(
        segment_id=f"s{segment}",
        revision=1,
        text=text or f"text {segment}",
        start_ms=segment,
        end_ms=segment + 1,
        language="en",
        position=StreamPosition("e", segment + 1),
    )


def snapshot(*finals: TranscriptFinal, **facts: Any) -> SessionSnapshot:
    return SessionSnapshot(
        session_id="s",
        status="live",
        finals=[msgspec.to_builtins(one) for one in finals],
        position=StreamPosition(facts.pop("epoch", "e"), facts.pop("offset", 9)),
        **facts,
    )


def texts(events: list[ServerMessages]) -> list[str]:
    return [event.text for event in events if isinstance(event, TranscriptFinal)]


async def speak_all(speaking: Speaker) -> list[ServerMessages]:
    """Send AUDIO in frames, end, and read to the last event."""
    async with speaking:
        for start in range(0, len(AUDIO), 640):
            await speaking.send(AUDIO[start : start + 640])
        await speaking.end()
        return [event async for event in speaking.events()]


async def last_event(speaking: Speaker) -> None:
    async for _ in speaking.events():
        pass


async def send_much(speaking: Speaker) -> None:
    for start in range(0, len(MUCH), 3_200):
        await speaking.send(MUCH[start : start + 3_200])


async def whole(connection: Any) -> None:
    await connection.configured()
    await connection.store_until()
    await connection.finish()


async def test_audio_arrives_and_the_last_event_ends_the_reading(scripted: Any) -> None:
    async with scripted(whole) as (url, state):
        events = await speak_all(speaker(url))
    assert bytes(state.audio) == AUDIO
    assert isinstance(events[-1], SessionEndedMessage)
    assert state.texts == ["session.end"]


async def test_a_configured_key_and_format_are_what_the_server_sees(scripted: Any) -> None:
    seen: dict[str, Any] = {}

    async def look(connection: Any) -> None:
        seen["key"] = connection.socket.request.headers["Authorization"]
        seen["configure"] = await connection.configured()
        await connection.store_until()
        await connection.finish()

    async with scripted(look) as (url, _):
        await speak_all(speaker(url))
    assert seen["key"] == "Bearer key"
    assert seen["configure"]["type"] == "session.configure"
    assert seen["configure"]["audio"]["sample_rate_hz"] == 16_000


@pytest.mark.parametrize("how", [1001, CloseCode.GOING_AWAY, CloseCode.BUS_UNAVAILABLE, "cut"])
async def test_a_dropped_connection_is_made_again_and_nothing_is_lost_or_doubled(
    scripted: Any, how: Any
) -> None:
    async def drop(connection: Any) -> None:
        await connection.configured()
        await connection.store_until(3_000)
        await connection.tell(SpeechStarted(start_ms=7, position=connection.state.next()))
        if how == "cut":
            connection.socket.transport.abort()
        else:
            await connection.socket.close(int(how))

    async with scripted(drop, drop, whole) as (url, state):
        events = await speak_all(speaker(url))
    assert bytes(state.audio) == AUDIO
    assert any(isinstance(event, SessionResumed) for event in events)
    assert "after=e%3A1" in state.paths[1]


async def test_what_the_server_lost_although_it_was_acknowledged_is_sent_again(scripted: Any) -> None:
    async def lose(connection: Any) -> None:
        await connection.configured()
        await connection.store_until(5_000)
        del connection.state.audio[1_000:]
        connection.socket.transport.abort()

    async with scripted(lose, whole) as (url, state):
        await speak_all(speaker(url))
    assert bytes(state.audio) == AUDIO


async def test_a_repeated_event_is_given_once(scripted: Any) -> None:
    async def repeat(connection: Any) -> None:
        await connection.configured()
        event = SpeechStarted(start_ms=7, position=connection.state.next())
        await connection.tell(event)
        await connection.tell(event)
        await connection.store_until()
        await connection.finish()

    async with scripted(repeat) as (url, _):
        events = await speak_all(speaker(url))
    assert len([event for event in events if isinstance(event, SpeechStarted)]) == 1


async def test_a_refusal_is_the_servers_own_error_and_is_not_tried_again(scripted: Any) -> None:
    async def refuse(connection: Any) -> None:
        await connection.tell(
            ErrorMessage(code="not_found", message="no such session", remedy="make one", permanent=True)
        )
        await connection.socket.close(int(CloseCode.NOT_FOUND))

    async with scripted(refuse) as (url, state):
        with pytest.raises(NotFound, match="no such session"):
            async with speaker(url):
                pass
    assert len(state.paths) == 1


async def test_a_newer_speaker_ends_this_one_for_good(scripted: Any) -> None:
    async def supersede(connection: Any) -> None:
        await connection.configured()
        await connection.socket.close(int(CloseCode.SUPERSEDED))

    async with scripted(supersede) as (url, state), speaker(url) as speaking:
        with pytest.raises(Conflict):
            await last_event(speaking)
        with pytest.raises(Conflict):
            await speaking.send(b"\0\0")
    assert len(state.paths) == 1


async def test_audio_that_both_forgot_is_told_and_the_rest_goes_on(scripted: Any) -> None:
    async def first(connection: Any) -> None:
        assert (await connection.configured())["resume_from_bytes"] is None
        await connection.store_until(2_000_000)
        connection.state.audio.clear()
        connection.socket.transport.abort()

    async with scripted(first, whole) as (url, state), speaker(url) as speaking:
        await send_much(speaking)
        await speaking.end()
        await last_event(speaking)
    ((begin, end),) = state.gaps
    assert begin == 0
    assert 2_000_000 - 11 * 32_000 < end < 2_000_000
    assert bytes(state.audio[:end]) == bytes(end)
    assert bytes(state.audio[end:]) == MUCH[end:]


async def test_a_server_that_has_more_than_was_given_is_told(scripted: Any) -> None:
    async def first(connection: Any) -> None:
        await connection.configured()
        connection.state.audio += bytes(1_000_000)
        connection.socket.transport.abort()

    async with scripted(first, whole) as (url, _), speaker(url) as speaking:
        with pytest.raises(ResumeImpossible, match="1000000 bytes of this session"):
            await last_event(speaking)


async def test_a_second_speaker_goes_on_where_the_first_one_stopped(scripted: Any) -> None:
    async def first(connection: Any) -> None:
        connection.state.audio += bytes(3_200)
        await whole(connection)

    async with scripted(first) as (url, state):
        await speak_all(speaker(url, continues=True))
    assert bytes(state.audio) == bytes(3_200) + AUDIO
    assert state.gaps == []


async def test_a_second_speaker_that_reconnects_sends_what_was_not_stored_again(scripted: Any) -> None:
    async def first(connection: Any) -> None:
        connection.state.audio += bytes(3_200)
        await connection.configured()
        await connection.store_until(6_400)
        connection.socket.transport.abort()

    async with scripted(first, whole) as (url, state):
        await speak_all(speaker(url, continues=True))
    assert bytes(state.audio) == bytes(3_200) + AUDIO


async def test_a_session_that_ends_while_the_speaker_is_away_is_heard_to_its_end(scripted: Any) -> None:
    async def first(connection: Any) -> None:
        await connection.configured()
        await connection.tell(final(0))
        await connection.store_until()  # session.end is stored
        connection.socket.transport.abort()

    async def ending(connection: Any) -> None:
        await connection.tell(ErrorMessage(code="session_ended", message="ending", remedy="", permanent=True))
        await connection.socket.close(int(CloseCode.SESSION_ENDED))

    async def viewer_is_dropped(connection: Any) -> None:
        await connection.tell(snapshot(offset=1))
        await connection.tell(final(1))
        connection.socket.transport.abort()

    async def viewer(connection: Any) -> None:
        await connection.tell(snapshot(offset=2))
        await connection.tell(final(2))
        connection.state.offset = 20
        await connection.finish()

    async with scripted(first, ending, viewer_is_dropped, viewer) as (url, state):
        events = await speak_all(speaker(url))
    assert texts(events) == ["text 0", "text 1", "text 2"]
    assert isinstance(events[-1], SessionEndedMessage)
    assert [path.partition("/s/")[2].partition("?")[0] for path in state.paths] == [
        "audio",
        "audio",
        "events",
        "events",
    ]
    assert state.paths[-1].endswith("?after=e%3A2")


async def test_a_session_that_others_end_is_an_error_for_who_still_speaks(scripted: Any) -> None:
    async def ended(connection: Any) -> None:
        await connection.configured()
        await connection.socket.close(int(CloseCode.SESSION_ENDED))

    async with scripted(ended) as (url, _), speaker(url) as speaking:
        with pytest.raises(SessionEnded):
            await last_event(speaking)


async def test_finals_that_come_in_a_snapshot_are_given_as_events_and_each_once(scripted: Any) -> None:
    async def first(connection: Any) -> None:
        await connection.configured()
        await connection.tell(final(0))
        await connection.store_until(3_000)
        connection.socket.transport.abort()

    async def lost_history(connection: Any) -> None:
        await connection.configured()
        await connection.tell(snapshot(final(0), final(1), epoch="f", offset=2, recovered=False))
        # What the worker says again after a Redis that lost it.
        again = msgspec.structs.replace(final(1), position=StreamPosition("f", 3))
        await connection.tell(again)
        await connection.tell(msgspec.structs.replace(final(2), position=StreamPosition("f", 4)))
        await connection.store_until()
        await connection.finish()

    async with scripted(first, lost_history) as (url, _):
        events = await speak_all(speaker(url))
    assert texts(events) == ["text 0", "text 1", "text 2"]
    (told,) = [event for event in events if isinstance(event, SessionSnapshot)]
    assert (told.recovered, told.finals) == (False, [])


async def test_one_that_comes_back_without_a_position_misses_nothing(scripted: Any) -> None:
    async def first(connection: Any) -> None:
        await connection.configured()
        connection.socket.transport.abort()

    async def second(connection: Any) -> None:
        await connection.configured()
        partial = TranscriptPartial(
            segment_id="s2",
            revision=1,
            text="so",
            stable_text="",
            unstable_text="so",
            start_ms=2,
            end_ms=3,
            language="en",
            position=StreamPosition("e", 9),
        )
        await connection.tell(snapshot(final(0), final(1), partial=msgspec.to_builtins(partial)))
        await connection.store_until()
        connection.state.offset = 20
        await connection.finish()

    async with scripted(first, second) as (url, _):
        events = await speak_all(speaker(url))
    assert texts(events) == ["text 0", "text 1"]
    assert [event.text for event in events if isinstance(event, TranscriptPartial)] == ["so"]
    assert not [event for event in events if isinstance(event, SessionSnapshot)]


async def test_an_outage_is_told_once_and_its_end_too(scripted: Any) -> None:
    async def drop(connection: Any) -> None:
        await connection.configured()
        await connection.store_until(3_000)
        connection.socket.transport.abort()

    async def busy(connection: Any) -> None:
        connection.socket.transport.abort()

    notices: list[str] = []
    async with scripted(drop, busy, busy, whole) as (url, _):
        await speak_all(speaker(url, notices=notices))
    assert len(notices) == 2
    assert notices[0].startswith("The connection was lost: trying")
    assert notices[1].startswith("Connected again after ")


async def test_a_first_connection_can_wait_for_room(scripted: Any) -> None:
    async def full(connection: Any) -> None:
        await connection.socket.recv()
        await connection.tell(ErrorMessage(code="overloaded", message="full", remedy="", permanent=False))
        await connection.socket.close(int(CloseCode.OVERLOADED))

    notices: list[str] = []
    async with scripted(full, whole) as (url, _):
        with pytest.raises(Overloaded, match="full"):
            await speak_all(speaker(url))
    async with scripted(full, whole) as (url, state):
        await speak_all(speaker(url, wait_s=20, notices=notices))
    assert bytes(state.audio) == AUDIO
    assert notices[0].startswith("The server is not ready")


async def test_nobody_there_is_told_at_once(free_port: int) -> None:
    with pytest.raises(Unavailable, match="no Dragoman answers"):
        async with speaker(f"http://127.0.0.1:{free_port}"):
            pass


async def test_an_outage_that_lasts_too_long_is_told(scripted: Any) -> None:
    async def drop(connection: Any) -> None:
        await connection.configured()
        connection.socket.transport.abort()

    async with scripted(drop) as (url, _), speaker(url) as speaking:
        with pytest.raises(DragomanError, match="could not be made again"):
            await last_event(speaking)


async def test_sending_waits_while_too_much_is_not_final(scripted: Any, eventually: Any) -> None:
    committed = asyncio.Event()

    async def slow(connection: Any) -> None:
        await connection.configured()
        await connection.store_until(6_400)
        await committed.wait()
        await connection.tell(AudioAck(received_ms=200, committed_ms=200, received_bytes=6_400))
        await connection.store_until()
        await connection.finish()

    async with scripted(slow) as (url, state), speaker(url, max_ahead_ms=150) as speaking:
        await speaking.send(bytes(6_400))
        waiting = asyncio.create_task(speaking.send(bytes(640)))
        await eventually(lambda: len(state.audio) == 6_400)
        assert not waiting.done()
        committed.set()
        await waiting
        await speaking.end()
        assert [e async for e in speaking.events()]
    assert len(state.audio) == 7_040


async def test_an_impossible_format_never_connects() -> None:
    with pytest.raises(UnsupportedAudio):
        Speaker(Endpoint("http://127.0.0.1:1"), "s", AudioFormat(sample_rate_hz=1))


async def test_a_source_that_fails_reaches_the_reader(scripted: Any, monkeypatch: Any) -> None:
    async def listening(connection: Any) -> None:
        await connection.configured()
        await connection.store_until(10**9)

    async def created(*_: Any) -> SessionInfo:
        return SessionInfo(id="s", status="created")

    async def broken() -> AsyncIterator[bytes]:
        yield b"\0\0"
        raise InvalidInput("the microphone is gone")

    monkeypatch.setattr(Dragoman, "create_session", created)
    async with scripted(listening) as (url, _), Dragoman(url) as dragoman:
        with pytest.raises(InvalidInput, match="microphone"):
            async for _ in dragoman.transcribe(broken()):
                pass
