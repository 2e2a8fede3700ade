"""``dragoman_client`` against the real system: a speaker, viewers before and after, positions, refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from dragoman_client import (
    Dragoman,
    ServerMessages,
    SessionEndedMessage,
    SessionSnapshot,
    StreamPosition,
    TranscriptFinal,
)
from dragoman_contracts.errors import Forbidden, NotFound, SessionEnded, Unauthenticated
from dragoman_whisper.engines.mock_speech import speak

NUMBERS = list(range(700, 708))


async def spoken() -> AsyncIterator[bytes]:
    """Two utterances with a pause between them, in frames of 40 ms."""
    pause = bytes(32_000)
    words = [(speak(part) * 32_767).astype("<i2").tobytes() for part in (NUMBERS[:4], NUMBERS[4:])]
    audio = words[0] + pause + words[1] + pause
    for start in range(0, len(audio), 1_280):
        yield audio[start : start + 1_280]
        await asyncio.sleep(0)


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
