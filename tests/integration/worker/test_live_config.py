"""The runtime configuration changes while a session runs: nothing restarts, no word is lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from dragoman_contracts.config import ConfigDocument
from dragoman_contracts.fleet import ProcessReport
from dragoman_contracts.streams import PROCESSES, ConfigKeys
from dragoman_contracts.websocket import TranscriptFinal, TranscriptPartial

from .conftest import FRAME_MS, Session, spoken, words_of

SetConfig = Callable[[dict[str, Any]], Awaitable[ConfigDocument]]


@pytest.fixture
def set_config(redis_client) -> SetConfig:
    """Put a version in force, as the config worker does."""

    async def put(document: dict[str, Any]) -> ConfigDocument:
        checked = ConfigDocument.model_validate(document)
        version = int(await redis_client.hget(ConfigKeys.STATE, "version") or 0) + 1
        await redis_client.hset(
            ConfigKeys.STATE,
            mapping={
                "version": version,
                "checksum": checked.checksum,
                "document": json.dumps(checked.to_json()),
            },
        )
        return checked

    return put


@pytest.fixture
def applied(redis_client, eventually):
    """Wait until a worker reports that it runs with a document."""

    async def wait(document: ConfigDocument) -> ProcessReport:
        async def found() -> ProcessReport | None:
            raw = await redis_client.hvals(PROCESSES)
            reports = [msgspec.json.decode(value, type=ProcessReport) for value in raw]
            return next((one for one in reports if one.config_checksum == document.checksum), None)

        return await eventually(found, what="a worker that runs with this document")

    return wait


async def test_partials_are_switched_off_in_a_running_session(
    new_session, start_worker, whisper_url, eventually, set_config, applied
):
    session = new_session("s1")
    await session.open()
    start_worker(whisper_url)
    assert await drafts_while_saying(session, [0, 1, 2, 3])
    await eventually(lambda: has_finals(session, 1), what="a first final")
    await applied(await set_config({"system": {"partials": {"enabled": False}}}))
    assert not await drafts_while_saying(session, [4, 5, 6, 7])
    await session.end()
    await eventually(session.is_ended)
    assert await session.words() == words_of(list(range(8)))


async def drafts_while_saying(session: Session, numbers: list[int]) -> bool:
    """Say it in real time; whether drafts of it were told, before their final took their place."""
    samples, step, seen = spoken(numbers), 16 * FRAME_MS, False
    for start in range(0, len(samples), step):
        await session.say(samples[start : start + step])
        await asyncio.sleep(FRAME_MS / 1000)
        seen = seen or bool(await session.of_type(TranscriptPartial))
    return seen


async def test_a_longer_pause_is_asked_for_in_the_middle_of_a_session(
    new_session, start_worker, whisper_url, eventually, set_config, applied
):
    session = new_session("s1")
    await session.open()
    start_worker(whisper_url)
    await session.say(spoken([0, 1]))
    await session.say(spoken([2, 3]))
    await eventually(lambda: has_finals(session, 2), what="a final for each stretch of speech")
    # spoken() has two seconds of silence between two stretches: now that is no end of an utterance.
    await applied(await set_config({"system": {"voice_activity": {"min_silence_ms": 4_000}}}))
    await session.say(spoken([4, 5]))
    await session.say(spoken([6, 7]))
    await session.end()
    await eventually(session.is_ended)
    finals = await session.of_type(TranscriptFinal)
    assert [final.text.split() for final in finals] == [
        words_of([0, 1]),
        words_of([2, 3]),
        words_of([4, 5, 6, 7]),
    ]
    assert [final.segment_id for final in finals] == ["seg-0", "seg-1", "seg-2"]


async def test_a_session_sets_its_own_values_over_a_preset_over_the_system(
    new_session, start_worker, whisper_url, eventually, set_config, applied, redis_client
):
    await set_config(
        {
            "system": {"voice_activity": {"min_silence_ms": 4_000}},
            "presets": {"quick": {"voice_activity": {"min_silence_ms": 300}}},
        }
    )
    texts = {}
    for name, config in {
        "plain": {},
        "preset": {"preset": "quick"},
        "own": {"preset": "quick", "values": {"voice_activity": {"min_silence_ms": 4_000}}},
        "gone": {"preset": "deleted-meanwhile"},
    }.items():
        session = new_session(name)
        await session.open()
        await redis_client.hset(session.keys.record, "config", json.dumps(config))
        texts[name] = session
    start_worker(whisper_url)
    await eventually(lambda: are_read(redis_client), what="a worker that reports")
    for session in texts.values():
        # After the record was read: what comes before it may be cut as the system says.
        await eventually(lambda: is_taken(redis_client, session), what="a lease")  # noqa: B023
        await session.say(spoken([0, 1]))
        await session.say(spoken([2, 3]))
        await session.end()
        await eventually(session.is_ended)
    assert {name: len(await session.of_type(TranscriptFinal)) for name, session in texts.items()} == {
        "plain": 1,
        "preset": 2,
        "own": 1,
        "gone": 1,
    }


async def test_the_ladder_is_exchanged_while_it_is_climbed(
    new_session, start_worker, whisper_url, set_config, applied
):
    start_worker(whisper_url, degradation="none")
    report = await applied(
        await set_config({"system": {"degradation": {"steps": ["drop_partials"], "degrade_lag_ms": 900}}})
    )
    assert report.defaults["degradation"]["steps"] == []
    assert report.ready


async def has_finals(session: Session, count: int) -> bool:
    return len(await session.of_type(TranscriptFinal)) >= count


async def are_read(redis_client) -> bool:
    return bool(await redis_client.hlen(PROCESSES))


async def is_taken(redis_client, session: Session) -> bool:
    return bool(await redis_client.exists(session.keys.owner))
