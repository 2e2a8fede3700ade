"""What workers report, and what they do without while they are overloaded."""

from __future__ import annotations

import asyncio
import time

import msgspec
import pytest

from dragoman_contracts.fleet import WorkerReport
from dragoman_contracts.streams import fleet_key
from dragoman_contracts.websocket import (
    SessionDegraded,
    SessionEndedMessage,
    TranscriptFinal,
    TranscriptPartial,
)
from dragoman_orchestration.workers import audio_pipeline
from dragoman_whisper.app import create_app
from dragoman_whisper.settings import WhisperSettings

from .conftest import spoken, whisper_server, words_of

NUMBERS = list(range(400, 412))
FLEET = fleet_key("mock")
QUICK = {"degrade_lag_ms": 200, "degrade_after_s": 0.1, "recover_lag_ms": 100, "recover_after_s": 0.5}


@pytest.fixture
def reports(redis_client):
    async def read() -> list[WorkerReport]:
        raw = await redis_client.hgetall(FLEET)
        return [msgspec.json.decode(value, type=WorkerReport) for value in raw.values()]

    return read


@pytest.fixture(autouse=True)
def _quick_upkeep(monkeypatch):
    monkeypatch.setattr(audio_pipeline, "TRIM_INTERVAL_S", 0.2)


class Switch:
    """The whisper service behind a switch; it counts the windows that it was asked for, by quality."""

    def __init__(self) -> None:
        self._inner = create_app(WhisperSettings(profile="mock"))
        self.is_on = asyncio.Event()
        self.is_on.set()
        self.asked: list[bool] = []

    async def __call__(self, scope, receive, send) -> None:
        if scope.get("path") == "/v1/windows":
            header = dict(scope["headers"])[b"x-dragoman-window"]
            self.asked.append(msgspec.json.decode(header).get("fast", False))
            await self.is_on.wait()
        await self._inner(scope, receive, send)


# --- reports ---


async def test_a_worker_reports_and_takes_its_report_with_it(
    new_session, start_worker, whisper_url, eventually, reports, redis_client
):
    worker = start_worker(whisper_url, max_sessions=7)
    session = new_session("s1")
    await session.open()

    async def with_session():
        return [one for one in await reports() if one.sessions == 1]

    (report,) = await eventually(with_session)
    assert (report.room, report.level, report.refuses, report.lag_ms) == (6, 0, False, 0)
    assert abs(report.seen_ms - time.time() * 1000) < 20_000
    assert 0 < await redis_client.ttl(FLEET) <= 3_600
    await worker.stop()
    assert await reports() == []


async def test_a_draining_worker_has_no_room_before_it_hands_over(
    new_session, start_worker, whisper_url, eventually, reports, monkeypatch
):
    seen: list[WorkerReport] = []
    hand_over = audio_pipeline.SessionRunner.hand_over

    async def noted(runner):
        seen.extend(await reports())
        await hand_over(runner)

    monkeypatch.setattr(audio_pipeline.SessionRunner, "hand_over", noted)
    worker = start_worker(whisper_url)
    session = new_session("s1")
    await session.open()

    async def taken():
        return [one for one in await reports() if one.sessions]

    await eventually(taken)
    await worker.stop()
    assert [(one.sessions, one.room) for one in seen] == [(1, 0)]


async def test_who_went_without_a_word_is_swept_out(
    start_worker, whisper_url, eventually, reports, redis_client
):
    now_ms = int(time.time() * 1000)
    for name, seen_ms in (("dead", now_ms - 61_000), ("quiet", now_ms - 30_000)):
        report = WorkerReport(worker=name, sessions=1, room=1, seen_ms=seen_ms)
        await redis_client.hset(FLEET, name, msgspec.json.encode(report))
    await redis_client.hset(FLEET, "odd", b"no report")
    start_worker(whisper_url)

    async def swept():
        names = set(await redis_client.hkeys(FLEET))
        return names if not names & {b"dead", b"odd"} and len(names) == 2 else None

    assert b"quiet" in await eventually(swept)


# --- degradation ---


async def test_overload_is_announced_and_taken_back(new_session, start_worker, eventually, reports):
    switch = Switch()
    async with whisper_server(switch) as url:
        start_worker(url, **QUICK, whisper_timeout_s=30)
        session = new_session("s1")
        await session.open()
        switch.is_on.clear()
        await session.say(spoken(NUMBERS))
        # More audio than the finals keep up with: what was said waits for the service.
        await session.say(spoken([1, 2]))

        async def levels():
            return [message.level for message in await session.of_type(SessionDegraded)]

        async def refused():
            return 3 in await levels()

        await eventually(refused)

        async def told():
            return [one for one in await reports() if one.refuses and one.level == 3]

        (report,) = await eventually(told)
        assert report.lag_ms > 200

        # A new session is left to others, and nothing of it is lost meanwhile.
        new = new_session("s2")
        await new.open()
        await new.say(spoken([7]))
        switch.is_on.set()

        async def recovered():
            return (await levels())[-1] == 0

        await eventually(recovered)
        await session.end()
        await new.end()
        await eventually(session.is_ended)
        await eventually(new.is_ended)
        assert await levels() == [1, 2, 3, 2, 1, 0]
        texts = [message.reason for message in await session.of_type(SessionDegraded)]
        assert "drop_partials" in texts[0]
        assert texts[-1] == "recovered"
        assert await session.words() == words_of([*NUMBERS, 1, 2])
        assert await new.words() == words_of([7])
        assert (await session.results())[-1] == (await session.of_type(SessionEndedMessage))[0]


async def test_without_drafts_only_finals_are_decoded(new_session, start_worker, eventually, monkeypatch):
    monkeypatch.setattr(audio_pipeline.ServiceLevel, "drafts", property(lambda self: False))
    switch = Switch()
    async with whisper_server(switch) as url:
        start_worker(url)
        session = new_session("s1")
        await session.open()
        await session.say(spoken(NUMBERS))
        await session.end()
        await eventually(session.is_ended)
    assert await session.words() == words_of(NUMBERS)
    assert switch.asked
    assert not any(switch.asked)


async def test_windows_go_to_the_smaller_model_while_the_first_is_stuck(
    new_session, start_worker, whisper_url, eventually
):
    stuck = Switch()
    stuck.is_on.clear()
    async with whisper_server(stuck) as url:
        start_worker(
            url, **QUICK | {"recover_after_s": 3_600}, whisper_timeout_s=0.3, degradation="smaller_model",
            fallback_whisper_url=whisper_url,
        )  # fmt: skip
        session = new_session("s1")
        await session.open()
        await session.say(spoken(NUMBERS))
        await session.end()
        await eventually(session.is_ended)
        assert await session.words() == words_of(NUMBERS)
        (told,) = await session.of_type(SessionDegraded)
        assert told.level == 1
        stuck.is_on.set()


async def test_a_recording_that_is_sent_at_once_is_no_overload(
    new_session, start_worker, whisper_url, eventually
):
    session = new_session("s1")
    await session.open()
    for start in range(0, 60, 6):
        await session.say(spoken(list(range(start, start + 6))))
    await session.end()
    # Well above what a slow machine takes for a window, well below the recording's length.
    start_worker(whisper_url, **QUICK | {"degrade_lag_ms": 2_000})
    await eventually(session.is_ended)
    assert await session.of_type(SessionDegraded) == []
    assert await session.words() == words_of(list(range(60)))
    assert len(await session.of_type(TranscriptFinal)) == 10
    assert await session.of_type(TranscriptPartial) == []
