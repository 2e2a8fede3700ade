"""Processes tell about themselves in Redis, and are forgotten when they leave or fall silent."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from dragoman_contracts.fleet import ProcessReport
from dragoman_contracts.streams import PROCESSES
from dragoman_orchestration.fleet.reporter import (
    AppliedConfig,
    ProcessReporter,
    process_name,
    product_version,
    read_processes,
)
from dragoman_runtime.broker.redis import RedisBroker, connect_redis
from dragoman_runtime.embedded_redis import EmbeddedRedis
from dragoman_runtime.process import Drain, Health
from dragoman_runtime.resilience import CircuitBreaker


@pytest.fixture
async def server():
    async with EmbeddedRedis() as running:
        yield running


@pytest.fixture
async def broker(server):
    broker = RedisBroker(connect_redis(server.url, timeout_s=1))
    yield broker
    await broker.close()


def reporter(broker: RedisBroker, **facts: object) -> ProcessReporter:
    return ProcessReporter(broker=broker, kind="audio", name=process_name(), health=Health("t"), **facts)


async def test_a_report_tells_health_breakers_configuration_and_numbers(broker):
    breaker = CircuitBreaker("the whisper service", threshold=1)
    with pytest.raises(ValueError, match="broken"), breaker.guard(ValueError):
        raise ValueError("broken")
    health = Health("t")
    health.not_ready("model", "it loads")
    one = ProcessReporter(
        broker=broker,
        kind="audio",
        name="w1",
        health=health,
        profile="mock",
        breakers=[breaker],
        config=lambda: AppliedConfig(3, "ab", "because"),
        defaults={"partials": {"enabled": True}},
        measures=lambda: {"sessions": 2},
    )
    await one.tell()
    [report] = await read_processes(broker)
    assert (report.name, report.kind, report.profile) == ("w1", "audio", "mock")
    assert report.version == product_version()
    assert (report.ready, report.parts) == (False, {"model": "it loads"})
    assert report.breakers == {"the whisper service": "opened"}
    assert (report.config_version, report.config_checksum, report.config_error) == (3, "ab", "because")
    assert report.defaults == {"partials": {"enabled": True}}
    assert report.measures == {"sessions": 2}
    assert report.started_ms <= report.seen_ms


async def test_it_reports_until_the_drain_and_is_forgotten_then(broker, eventually):
    drain = Drain()
    running = asyncio.create_task(reporter(broker).run(drain))
    [first] = await eventually(lambda: read_processes(broker), what="a report")
    await eventually(lambda: is_newer(broker, first), what="the next report")
    drain.start()
    await running
    assert await read_processes(broker) == []


async def is_newer(broker: RedisBroker, than: ProcessReport) -> bool:
    return any(report.seen_ms > than.seen_ms for report in await read_processes(broker))


async def test_those_that_fell_silent_are_swept_and_strange_ones_ignored(broker, eventually):
    silent = ProcessReport(name="dead", kind="api", version="1", started_ms=1, seen_ms=1)
    await broker.ask(
        [("HSET", PROCESSES, "dead", msgspec.json.encode(silent)), ("HSET", PROCESSES, "strange", b"{]")]
    )
    drain = Drain()
    running = asyncio.create_task(reporter(broker).run(drain))

    async def only_the_living() -> bool:
        return [report.kind for report in await read_processes(broker)] == ["audio"]

    await eventually(only_the_living, what="the silent one is swept")
    drain.start()
    await running


async def test_redis_comes_and_goes_and_it_reports_on(server, broker, eventually):
    drain = Drain()
    running = asyncio.create_task(reporter(broker).run(drain))
    await eventually(lambda: read_processes(broker), what="a report")
    await server.kill()
    await server.start()
    await eventually(lambda: read_processes(broker), what="a report after the outage")
    drain.start()
    await running
