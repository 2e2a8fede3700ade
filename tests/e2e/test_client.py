"""``dragoman_client`` against the real system: a speaker, viewers before and after, positions, refusals."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from dragoman_client import (
    AudioAck,
    AudioGap,
    Dragoman,
    ServerMessages,
    SessionEndedMessage,
    SessionPresence,
    SessionResumed,
    SessionSnapshot,
    Speaker,
    StreamPosition,
    TranscriptFinal,
    TranscriptPartial,
)
from dragoman_contracts.errors import Forbidden, NotFound, SessionEnded, Unauthenticated
from dragoman_contracts.streams import SessionKeys
from dragoman_runtime.broker.redis import connect_redis
from dragoman_whisper.engines.mock_speech import speak

NUMBERS = list(range(700, 708))


async def spoken(frame_s: float = 0.0) -> AsyncIterator[bytes]:
    """Two utterances with a pause between them, in frames of 40 ms, one every ``frame_s``."""
    pause = bytes(32_000)
    words = [(speak(part) * 32_767).astype("<i2").tobytes() for part in (NUMBERS[:4], NUMBERS[4:])]
    audio = words[0] + pause + words[1] + pause
    for start in range(0, len(audio), 1_280):
        yield audio[start : start + 1_280]
        await asyncio.sleep(frame_s)


def words_of(events: list[ServerMessages]) -> list[str]:
    return [w.text.strip() for e in events if isinstance(e, TranscriptFinal) for w in e.words]


EXPECTED = [f"w{number:05d}" for number in NUMBERS]


async def test_speaker_and_viewers_see_the_same(mock_system: Any) -> None:
    async with Dragoman(mock_system.url, key=mock_system.key) as dragoman:
        session = await dragoman.create_session()

        async def watch_from_the_start() -> list[ServerMessages]:
            return [event async for event in dragoman.watch(session.id)]

        viewer = asyncio.create_task(watch_from_the_start())
        async with dragoman.speak(session.id) as speaker:
            async for chunk in spoken():
                await speaker.send(chunk)
            await speaker.end()
            heard = [event async for event in speaker.events()]
        seen = await asyncio.wait_for(viewer, 30)
        late = [event async for event in dragoman.watch(session.id)]
        transcript = await dragoman.transcript(session.id)
        ledger = await dragoman.ledger(session.id)

    assert words_of(heard) == EXPECTED
    assert transcript.split() == EXPECTED
    assert ledger.is_complete
    assert isinstance(heard[-1], SessionEndedMessage)
    assert isinstance(seen[0], SessionSnapshot)
    snapshot_words = [w["text"].strip() for final in seen[0].finals for w in final["words"]]
    assert snapshot_words + words_of(seen) == EXPECTED
    assert isinstance(seen[-1], SessionEndedMessage)
    # Who comes after the end gets all of it in the snapshot.
    assert isinstance(late[0], SessionSnapshot)
    assert [w["text"].strip() for final in late[0].finals for w in final["words"]] == EXPECTED


async def test_a_viewer_resumes_after_a_position(mock_system: Any) -> None:
    async with Dragoman(mock_system.url, key=mock_system.key) as dragoman:
        session = await dragoman.create_session()
        async with dragoman.speak(session.id) as speaker:
            async for chunk in spoken():
                await speaker.send(chunk)
            await speaker.end()
            heard = [event async for event in speaker.events()]
        first = next(event for event in heard if isinstance(event, TranscriptFinal))
        assert isinstance(first.position, StreamPosition)
        rest = [event async for event in dragoman.watch(session.id, after=first.position)]
    assert isinstance(rest[0], SessionSnapshot)
    assert rest[0].recovered
    assert words_of([first]) + words_of(rest) == EXPECTED


async def test_refusals_are_the_contracts_errors(mock_system: Any) -> None:
    async with Dragoman(mock_system.url, key=mock_system.key) as dragoman:
        session = await dragoman.create_session()
        token = httpx.post(
            f"{mock_system.url}/v1/sessions/{session.id}/viewer-tokens",
            headers=dragoman.endpoint.headers,
            trust_env=False,
        ).json()["token"]
        with pytest.raises(NotFound):
            async with dragoman.speak("0" * 32):
                pass
        await dragoman.end_session(session.id)
        with pytest.raises(SessionEnded):
            async with dragoman.speak(session.id):
                pass
    async with Dragoman(mock_system.url, key=token) as viewer:
        assert (await viewer.ledger(session.id)).received_ms == 0
        with pytest.raises(Forbidden):
            await viewer.create_session()
        with pytest.raises(Forbidden):
            async with viewer.speak(session.id):
                pass
    async with Dragoman(mock_system.url, key="wrong") as stranger:
        with pytest.raises(Unauthenticated):
            await stranger.create_session()
        with pytest.raises(Unauthenticated):
            [event async for event in stranger.watch(session.id)]


# --- an API that is killed, and comes back each time ------------------------------------------------------

API = ("dragoman_orchestration.cli", "api")


def each_word_once(events: list[ServerMessages]) -> list[str]:
    """The words of all finals, in the snapshot that a viewer begins with and after it."""
    words = []
    for event in events:
        if isinstance(event, SessionSnapshot):
            words += [word["text"].strip() for final in event.finals for word in final["words"]]
        else:
            words += words_of([event])
    return words


async def test_speaker_and_viewer_outlast_an_api_that_is_killed_in_mid_stream(mock_system: Any) -> None:
    notices: list[str] = []
    seen: list[ServerMessages] = []
    heard: list[ServerMessages] = []
    kills = resumed = 0
    # The viewer may come when the API is just away: it waits for it.
    async with Dragoman(mock_system.url, key=mock_system.key, wait_s=30, notify=notices.append) as dragoman:
        session = await dragoman.create_session()

        async def watch() -> None:
            seen.extend([event async for event in dragoman.watch(session.id)])

        async def send(speaker: Speaker) -> None:
            async for chunk in spoken(0.04):
                await speaker.send(chunk)
            await speaker.end()

        viewer = asyncio.create_task(watch())
        async with dragoman.speak(session.id) as speaker:
            sending = asyncio.create_task(send(speaker))
            async for event in speaker.events():
                heard.append(event)
                resumed += isinstance(event, SessionResumed)
                # At the first partial, and at the first final that comes over the new connection.
                awaited = TranscriptFinal if resumed else TranscriptPartial
                if kills == resumed < 2 and isinstance(event, awaited):
                    mock_system.child(*API).kill()
                    kills += 1
            await sending
        await asyncio.wait_for(viewer, 30)
        ledger = await dragoman.ledger(session.id)
    assert kills == 2
    assert words_of(heard) == EXPECTED
    assert each_word_once(seen) == EXPECTED
    assert any(isinstance(event, SessionResumed) for event in heard)
    assert any(isinstance(event, SessionPresence) for event in seen)
    assert isinstance(seen[-1], SessionEndedMessage)
    assert isinstance(heard[-1], SessionEndedMessage)
    assert ledger.is_complete
    assert ledger.gap_ms == 0
    # Speaker and viewer, lost and back.
    assert len([notice for notice in notices if notice.startswith("Connected again")]) >= 2


async def test_what_is_said_after_session_end_is_heard_though_the_api_is_killed(
    mock_system: Any, eventually: Any
) -> None:
    whisper = mock_system.child("dragoman_orchestration.cli", "whisper")
    notices: list[str] = []
    async with Dragoman(mock_system.url, key=mock_system.key, notify=notices.append) as dragoman:
        session = await dragoman.create_session()
        async with dragoman.speak(session.id) as speaker:
            whisper.send_signal(signal.SIGSTOP)  # nothing is final before the API is back
            async for chunk in spoken():
                await speaker.send(chunk)
            await speaker.end()

            async def is_ending() -> bool:
                return (await dragoman.get_session(session.id)).status == "ending"

            await eventually(is_ending)
            mock_system.child(*API).kill()
            await eventually(lambda: any(notice.startswith("Connected again") for notice in notices))
            whisper.send_signal(signal.SIGCONT)
            heard = [event async for event in speaker.events()]
    assert words_of(heard) == EXPECTED
    assert isinstance(heard[-1], SessionEndedMessage)
    assert heard[-1].ledger.is_complete


async def test_a_client_can_be_there_before_the_server(dragoman_start: Any, free_port: int) -> None:
    url, key = f"http://127.0.0.1:{free_port}", "the-key-of-this-test"
    async with Dragoman(url, key=key, wait_s=60) as dragoman:
        making = asyncio.create_task(dragoman.create_session())
        dragoman_start("up", "--profile", "mock", "--port", str(free_port), DRAGOMAN_API_KEYS=f"test:{key}")
        session = await making
        async with dragoman.speak(session.id) as speaker:
            async for chunk in spoken():
                await speaker.send(chunk)
            await speaker.end()
            heard = [event async for event in speaker.events()]
    assert words_of(heard) == EXPECTED


async def test_what_redis_lost_and_the_client_no_longer_has_is_a_told_gap(
    mock_system: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("dragoman_client.speaker.KEEP_ACKNOWLEDGED_S", 0)
    redis_client: Any = connect_redis(mock_system.redis_url)
    worker = mock_system.child("dragoman_orchestration.cli", "worker", "audio")
    first, second = [(speak(part) * 32_767).astype("<i2").tobytes() for part in (NUMBERS[:4], NUMBERS[4:])]
    async with Dragoman(mock_system.url, key=mock_system.key) as dragoman:
        session = await dragoman.create_session()
        audio = SessionKeys(session.id).audio
        worker.send_signal(signal.SIGSTOP)  # what it has read would not be lost
        async with dragoman.speak(session.id) as speaker:
            await speaker.send(first)
            events = speaker.events()
            async for event in events:
                if isinstance(event, AudioAck) and event.received_bytes == len(first):
                    break
            lost = [entry_id for entry_id, fields in await redis_client.xrange(audio) if fields[b"k"] == b"a"]
            await redis_client.xdel(audio, *lost)
            await redis_client.aclose()
            mock_system.child(*API).kill()
            async for event in events:
                if isinstance(event, SessionResumed):
                    break
            worker.send_signal(signal.SIGCONT)
            await speaker.send(second)
            await speaker.end()
            heard = [event async for event in events]
    assert words_of(heard) == EXPECTED[4:]
    (gap,) = [event for event in heard if isinstance(event, AudioGap)]
    lost_ms = len(first) // 32
    assert (gap.start_ms, gap.end_ms) == (0, lost_ms)
    assert isinstance(heard[-1], SessionEndedMessage)
    ledger = heard[-1].ledger
    assert (ledger.gap_ms, ledger.received_ms) == (lost_ms, (len(first) + len(second)) // 32)
    assert ledger.is_complete
