"""The viewer: a snapshot, then the tail, each event once over any number of connections."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman_client import (
    ErrorMessage,
    SessionEndedMessage,
    SessionSnapshot,
    SpeechStarted,
    StreamPosition,
)
from dragoman_client.backoff import Backoff
from dragoman_client.connection import Endpoint
from dragoman_client.retry import Retry
from dragoman_client.viewer import watch
from dragoman_contracts.errors import Forbidden, NotFound, Unavailable
from dragoman_contracts.websocket import CloseCode


def watching(url: str, after: StreamPosition | None = None, **options: Any) -> Any:
    retry = Retry(Backoff(first_s=0.01, ceiling_s=0.02, give_up_s=0.5))
    return watch(Endpoint(url), "s", after, retry=retry, **options)


async def tell_some(connection: Any, count: int) -> None:
    for _ in range(count):
        position = connection.state.next()
        await connection.tell(SpeechStarted(start_ms=position.offset, position=position))


def snapshot(recovered: bool = True) -> SessionSnapshot:
    return SessionSnapshot(session_id="s", status="live", recovered=recovered)


async def test_a_viewer_resumes_where_it_was_and_sees_one_snapshot(scripted: Any) -> None:
    async def first(connection: Any) -> None:
        await connection.tell(snapshot())
        await tell_some(connection, 2)
        connection.socket.transport.abort()

    async def second(connection: Any) -> None:
        await connection.tell(snapshot())
        connection.state.offset = 1  # repeats one
        await tell_some(connection, 2)
        await connection.finish()

    async with scripted(first, second) as (url, state):
        events = [event async for event in watching(url)]
    assert [e.start_ms for e in events if isinstance(e, SpeechStarted)] == [1, 2, 3]
    assert len([e for e in events if isinstance(e, SessionSnapshot)]) == 1
    assert isinstance(events[-1], SessionEndedMessage)
    assert state.paths == ["/v1/sessions/s/events", "/v1/sessions/s/events?after=e%3A2"]


@pytest.mark.parametrize(
    ("languages", "query"), [(["es", "pt-BR"], "?languages=es%2Cpt-BR"), ([], "?languages="), (None, "")]
)
async def test_the_languages_that_are_wanted_are_asked_for_on_each_connection(
    scripted: Any, languages: list[str] | None, query: str
) -> None:
    async def first(connection: Any) -> None:
        await connection.tell(snapshot())
        await tell_some(connection, 1)
        connection.socket.transport.abort()

    async def second(connection: Any) -> None:
        await connection.tell(snapshot())
        await connection.finish()

    async with scripted(first, second) as (url, state):
        assert [event async for event in watching(url, languages=languages)]
    again = f"{query}&after=e%3A1" if query else "?after=e%3A1"
    assert state.paths == [f"/v1/sessions/s/events{query}", f"/v1/sessions/s/events{again}"]


async def test_what_a_later_server_sends_is_left_out(scripted: Any) -> None:
    position = {"epoch": "e", "offset": 1}
    future = [
        {"type": "hologram.final", "position": position, "text": "x"},
        {"type": "translation.final", "position": position, "text": {"of": "another shape"}},
        {"type": "speech.started", "position": position, "start_ms": 7, "new_field": [1]},
    ]
    shown = {
        "type": "session.snapshot",
        "session_id": "s",
        "status": "hibernating",
        "finals": [{"type": "transcript.final", "of": "another shape"}],
        "translations": [{"type": "translation.song"}],
        "choirs": [],
    }

    async def script(connection: Any) -> None:
        for message in [shown, *future]:
            await connection.socket.send(json.dumps(message))
        await connection.socket.send("no JSON at all")
        connection.state.offset = 1
        await connection.finish()

    async with scripted(script) as (url, _):
        events = [event async for event in watching(url)]
    assert [type(event) for event in events] == [SessionSnapshot, SpeechStarted, SessionEndedMessage]


async def test_a_notice_is_not_taken_for_why_the_connection_ended(scripted: Any) -> None:
    async def script(connection: Any) -> None:
        await connection.tell(snapshot())
        notice = ErrorMessage(code="language_not_offered", message="not fr", remedy="wait", permanent=False)
        await connection.tell(notice)
        await connection.socket.close(int(CloseCode.NOT_FOUND), "the session is gone")

    async with scripted(script) as (url, _):
        with pytest.raises(NotFound, match="the session is gone"):
            async for _ in watching(url):
                pass


async def test_lost_history_is_told_and_counts_anew(scripted: Any) -> None:
    async def first(connection: Any) -> None:
        await connection.tell(snapshot())
        await tell_some(connection, 3)
        await connection.socket.close(int(CloseCode.SLOW_CONSUMER))

    async def second(connection: Any) -> None:
        connection.state.offset = 0
        await connection.tell(snapshot(recovered=False))
        await tell_some(connection, 1)
        await connection.finish()

    async with scripted(first, second) as (url, _):
        events = [event async for event in watching(url)]
    assert [e.recovered for e in events if isinstance(e, SessionSnapshot)] == [True, False]
    assert [e.start_ms for e in events if isinstance(e, SpeechStarted)] == [1, 2, 3, 1]


async def test_a_token_of_another_session_is_refused_for_good(scripted: Any) -> None:
    async def refuse(connection: Any) -> None:
        await connection.socket.close(int(CloseCode.FORBIDDEN))

    async with scripted(refuse) as (url, state):
        with pytest.raises(Forbidden):
            async for _ in watching(url):
                pass
    assert len(state.paths) == 1


async def test_a_server_that_stays_away_is_told(scripted: Any) -> None:
    async def drop(connection: Any) -> None:
        await connection.tell(snapshot())
        connection.socket.transport.abort()

    async def gone(connection: Any) -> None:
        connection.socket.transport.abort()

    async with scripted(drop, gone) as (url, _):
        with pytest.raises(Unavailable):
            async for _ in watching(url):
                pass


async def test_a_session_that_ended_long_ago_is_its_snapshot(scripted: Any) -> None:
    async def ended(connection: Any) -> None:
        await connection.tell(SessionSnapshot(session_id="s", status="ended"))
        await connection.socket.close(1000)

    async with scripted(ended) as (url, state):
        events = [event async for event in watching(url)]
    assert [type(event) for event in events] == [SessionSnapshot]
    assert len(state.paths) == 1
