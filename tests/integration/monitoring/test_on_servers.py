"""What is measured of streams and usage is the same on the oldest and the newest server."""

from __future__ import annotations

import time

import pytest

from dragoman_contracts.streams import AUDIO_RESULTS, dead_letter_stream
from dragoman_orchestration.monitoring.collector import Collector
from dragoman_orchestration.monitoring.usage import UsageCounter
from dragoman_runtime.broker.redis import RedisBroker, connect_redis
from dragoman_runtime.embedded_redis import EmbeddedRedis
from tests.servers import SERVERS, server_binary

from .test_usage import DAY, EVENTS, envelope, read_usage


@pytest.fixture(params=SERVERS)
async def bus(request):
    async with EmbeddedRedis(binary=server_binary(request.param), appendonly=True) as server:
        broker = RedisBroker(connect_redis(server.url))
        yield broker
        await broker.close()


async def test_lag_pending_and_dead_letters(bus):
    await bus.ensure_group(AUDIO_RESULTS, "archive")
    ids = [await bus.publish(AUDIO_RESULTS, {b"a": b"b"}) for _ in range(9)]
    await bus.read_group(AUDIO_RESULTS, "archive", "reader", 2)
    await bus.delete(AUDIO_RESULTS, ids[4:6])
    now_ms = time.time_ns() // 1_000_000
    for age_s in (3_600, 200, 0):
        await bus.publish(dead_letter_stream(AUDIO_RESULTS), {b"a": b"b"}, f"{now_ms - age_s * 1000}-0")
    seen = await Collector(bus, []).look()
    assert seen.unseen == {}
    assert seen.redis.state == "ok"
    assert seen.redis.role == "master"
    assert seen.redis.aof_last_write == "ok"
    [stream] = [one for one in seen.streams if one.name == AUDIO_RESULTS]
    [group] = stream.groups
    assert (stream.length, group.lag, group.pending, group.consumers) == (7, 5, 2, 1)
    assert stream.dead_letters == 3
    assert seen.look.values[f"dead_letters_new|{AUDIO_RESULTS}"] == 2
    assert seen.look.values["redis_aof_failed"] == 0


async def test_usage_counts_once(bus):
    counter = UsageCounter(bus, shards=1)
    for event in [*EVENTS, *EVENTS]:
        await counter.take(envelope(event))
    [usage] = [one for one in await read_usage(bus, [DAY]) if one.bots]
    assert usage.bots == 1
