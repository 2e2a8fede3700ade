"""Redis gone, hung and back, a service gone and back, a leader killed: told exactly, once, and over once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from dragoman_contracts.events import (
    AnomalyDetected,
    AnomalyResolved,
    ConfigResyncRequested,
    ServiceHealthReport,
)
from dragoman_contracts.streams import CONFIG_SYNC
from dragoman_runtime.http_service import create_http_app, serve
from dragoman_runtime.process import Drain, Health

from .conftest import MonitorProcess, events, open_rules, overview_of, told_once

AWAY = "Redis does not answer"


def alerts(*monitors: MonitorProcess) -> Counter[str]:
    return Counter(line.strip() for one in monitors for line in one.told)


@pytest.fixture
def pair(start_process) -> tuple[MonitorProcess, MonitorProcess]:
    return start_process(), start_process()


async def both_ready(pair, eventually) -> None:
    for one in pair:
        await eventually(lambda one=one: one.url, limit_s=60)  # two interpreters start
    await eventually(lambda: some_leads(pair))


async def some_leads(pair) -> MonitorProcess | None:
    """The one that leads, if exactly one does."""
    leading = [one for one in pair if one.process.poll() is None and await one.leads()]
    return leading[0] if len(leading) == 1 else None


async def test_redis_is_killed_and_comes_back(redis, bus, pair, eventually):
    await both_ready(pair, eventually)
    await eventually(lambda: overview_of(bus))
    await redis.kill()
    await eventually(lambda: alerts(*pair)["opened redis_away"])
    for one in pair:
        ready = await one.get("/ready")
        assert ready.status_code == 503
        assert ready.json()["parts"]["redis"].startswith(AWAY)
        assert (await one.get("/health")).status_code == 200  # a restart would not help
    await redis.start()
    await eventually(lambda: alerts(*pair)["resolved redis_away"])
    await eventually(lambda: overview_of(bus))
    for one in pair:
        await eventually(lambda one=one: _is_ready(one))

    async def is_told() -> bool:
        return (await told_once(bus, AnomalyResolved))["redis_away"] == 1

    await eventually(is_told)
    assert (await told_once(bus, AnomalyDetected))["redis_away"] == 1
    [(_, detected)] = [one for one in await events(bus, AnomalyDetected) if one[1].rule == "redis_away"]
    assert detected.message.startswith(AWAY)
    assert (detected.severity, detected.subject) == ("critical", "")
    reports = [report for _, report in await events(bus, ServiceHealthReport)]
    down = [report for report in reports if report.parts["redis"].startswith(AWAY)]
    assert down
    assert {report.status for report in down} == {"down"}
    assert reports[-1].parts["redis"] == "ok"
    counted = alerts(*pair)
    assert (counted["opened redis_away"], counted["resolved redis_away"]) == (1, 1)


async def _is_ready(one: MonitorProcess) -> bool:
    return (await one.get("/ready")).status_code == 200


async def test_a_redis_that_hangs_is_told_and_over(redis, bus, pair, eventually):
    await both_ready(pair, eventually)
    await eventually(lambda: overview_of(bus))
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        await eventually(lambda: alerts(*pair)["opened redis_away"])
    finally:
        os.kill(redis.pid, signal.SIGCONT)
    await eventually(lambda: alerts(*pair)["resolved redis_away"])
    counted = alerts(*pair)
    assert (counted["opened redis_away"], counted["resolved redis_away"]) == (1, 1)


@asynccontextmanager
async def whisper(port: int) -> AsyncIterator[None]:
    """A service that answers what every service answers."""
    drain, bound = Drain(), asyncio.Event()
    app = create_http_app("whisper", Health("whisper"))
    task = asyncio.create_task(
        serve(app, "127.0.0.1", port, drain, on_bound=lambda _: bound.set(), grace_s=1)
    )
    await asyncio.wait({task, asyncio.create_task(bound.wait())}, return_when=asyncio.FIRST_COMPLETED)
    try:
        yield
    finally:
        drain.start()
        await task


async def test_a_service_goes_and_returns_and_the_leader_is_killed_in_between(
    bus, start_process, free_port, eventually
):
    url = f"http://127.0.0.1:{free_port}"
    pair = [start_process(DRAGOMAN_MONITORING_WHISPER_URLS=url) for _ in range(2)]
    async with whisper(free_port):
        await both_ready(pair, eventually)
        seen = await eventually(lambda: overview_of(bus))
        assert [(one.name, one.state, one.version) for one in seen.services] == [("whisper", "ok", "0.1.0")]

    await eventually(lambda: alerts(*pair)["opened service_away whisper"])

    async def is_told() -> bool:
        return "service_away whisper" in await open_rules(bus)

    await eventually(is_told)
    assert (await open_rules(bus))["service_away whisper"] == "whisper: no answer (ConnectError)"
    assert (await overview_of(bus)).status == "down"

    first = await some_leads(pair)
    assert first is not None
    [second] = [one for one in pair if one is not first]
    leader = (await overview_of(bus)).monitor
    first.kill()

    async def has_taken_over() -> bool:
        seen = await overview_of(bus)
        return seen is not None and seen.monitor != leader

    await eventually(has_taken_over)
    assert await second.leads()
    assert "service_away whisper" in await open_rules(bus)

    async with whisper(free_port):
        await eventually(lambda: alerts(*pair)["resolved service_away whisper"])

        async def is_over() -> bool:
            return (await told_once(bus, AnomalyResolved))["service_away whisper"] == 1

        await eventually(is_over)
        counted = alerts(*pair)
        assert counted["opened service_away whisper"] == counted["resolved service_away whisper"] == 1
        assert (await told_once(bus, AnomalyDetected))["service_away whisper"] == 1
        assert second.told.count("opened service_away whisper") == 0

        async def resync_is_asked_for() -> bool:
            return bool(await events(bus, ConfigResyncRequested, CONFIG_SYNC))

        await eventually(resync_is_asked_for)
        resyncs = {event.reason for _, event in await events(bus, ConfigResyncRequested, CONFIG_SYNC)}
        assert resyncs == {"whisper came back"}
        # Also the monitor that was killed is missed, by its successor.
        await eventually(lambda: alerts(second)[f"opened worker_gone {leader}"])


async def test_a_second_monitor_is_silent_as_long_as_the_first_one_lives(bus, pair, eventually):
    await both_ready(pair, eventually)
    # Nobody answers on the port of the default whisper service.
    await eventually(lambda: alerts(*pair)["opened service_away whisper"])
    leader = await some_leads(pair)
    [other] = [one for one in pair if one is not leader]
    reports = [event for _, event in await events(bus, ServiceHealthReport)]
    assert reports
    assert other.told == []
    metrics = (await other.get("/metrics")).text
    assert "dragoman_monitoring_leader 0.0" in metrics
    assert "dragoman_fleet_part_up{" not in metrics


async def test_a_leader_that_was_frozen_wakes_as_a_follower(bus, start_process, free_port, eventually):
    url = f"http://127.0.0.1:{free_port}"
    pair = [start_process(DRAGOMAN_MONITORING_WHISPER_URLS=url) for _ in range(2)]
    async with whisper(free_port):
        await both_ready(pair, eventually)
        await eventually(lambda: overview_of(bus))
        frozen = await some_leads(pair)
        [other] = [one for one in pair if one is not frozen]
        leader = (await overview_of(bus)).monitor
        os.kill(frozen.process.pid, signal.SIGSTOP)
        try:
            await eventually(other.leads)
            # What it saw last was fine, and what is now it has not seen.
        except BaseException:
            os.kill(frozen.process.pid, signal.SIGCONT)
            raise
    await eventually(lambda: alerts(other)["opened service_away whisper"])
    os.kill(frozen.process.pid, signal.SIGCONT)

    async def has_stepped_back() -> bool:
        return "dragoman_monitoring_leader 0.0" in (await frozen.get("/metrics")).text

    await eventually(has_stepped_back)
    seen = await overview_of(bus)
    await eventually(lambda: _looked_after(bus, seen.time_ms + 2_000))
    assert (await overview_of(bus)).monitor != leader
    assert alerts(frozen)["opened service_away whisper"] == 0
    assert alerts(*pair)["opened service_away whisper"] == 1
    assert (await told_once(bus, AnomalyDetected))["service_away whisper"] == 1


async def _looked_after(bus, time_ms: int) -> bool:
    seen = await overview_of(bus)
    return seen is not None and seen.time_ms > time_ms
