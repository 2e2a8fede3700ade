"""One look at three masters; one that hangs hides its own sessions and streams only."""

from __future__ import annotations

import os
import signal
import time

import msgspec
import pytest

from dragoman_contracts.audio import AudioFormat
from dragoman_contracts.fleet import WorkerReport
from dragoman_contracts.streams import GROUP_AUDIO_PIPELINE, SessionKeys, fleet_key
from dragoman_orchestration.monitoring.collector import Collector
from dragoman_orchestration.monitoring.store import MonitoringStore
from dragoman_orchestration.monitoring.usage import UsageCounter
from dragoman_runtime.broker.cluster import connect_cluster
from dragoman_runtime.broker.redis import RedisBroker
from tests.cluster.servers import ClusterServers

from .test_usage import DAY, EVENTS, SUMS, envelope, read_usage

SHARDS = 12
SESSIONS = [f"{number:032x}" for number in range(40)]


@pytest.fixture
async def servers():
    async with ClusterServers() as cluster:
        yield cluster


@pytest.fixture
async def bus(servers):
    made = RedisBroker(connect_cluster(servers.url, timeout_s=0.5))
    yield made
    await made.close()


async def test_everything_is_seen_and_a_hung_master_hides_its_own_alone(servers, bus):
    now_ms = time.time_ns() // 1_000_000
    for one in SESSIONS:
        keys = SessionKeys(one, SHARDS)
        facts = {"status": "live", "profile": "cpu", "created_ms": now_ms, "owner_key": "app"}
        facts["format"] = msgspec.json.encode(AudioFormat()).decode()
        await bus.ask([("HSET", keys.record, *(part for pair in facts.items() for part in pair))])
        await bus.publish(keys.audio, {b"k": b"a", b"d": b"", b"n": b"64000"})
        await bus.ask([("ZADD", keys.shard.active, now_ms, one)])
        await bus.publish(keys.shard.sessions("cpu"), {b"x": b"y"})
        await bus.ensure_group(keys.shard.sessions("cpu"), GROUP_AUDIO_PIPELINE)
    report = WorkerReport(worker="w", sessions=1, room=3, seen_ms=now_ms + 3_000)
    await bus.ask([("HSET", fleet_key("cpu"), "w", msgspec.json.encode(report))])

    collector = Collector(bus, [], shards=SHARDS, is_cluster=True, timeout_s=1.0)
    seen = await collector.look()
    assert seen.unseen == {}
    assert seen.sessions_by_profile == {"cpu": 40}
    assert seen.backlog_by_profile == {"cpu": 80.0}
    assert seen.look.values["sessions_waiting|cpu"] == 40
    assert seen.look.values["redis_shards_away"] == 0
    assert "sessions:cpu" in [stream.name for stream in seen.streams]
    await MonitoringStore(bus).keep_gone({})

    hung = await servers.master_of(SessionKeys(SESSIONS[0], SHARDS).record)
    there = [one for one in SESSIONS if await servers.master_of(SessionKeys(one, SHARDS).record) is not hung]
    os.kill(hung.server.pid, signal.SIGSTOP)
    try:
        seen = await collector.look()
    finally:
        os.kill(hung.server.pid, signal.SIGCONT)
    assert {one.id for one in seen.sessions} == set(there)
    assert "sessions" not in seen.unseen
    assert seen.redis.state == "ok"
    assert seen.look.values["redis_shards_away"] > 0
    assert "redis_shards_away" in seen.look.reasons
    assert "backlog_seconds" not in seen.look.complete  # what is hidden is not over


async def test_usage_is_counted_once_on_a_cluster_too(bus):
    for session_id, owner in (("s1", "app"), ("s2", "other|key")):
        await bus.ask([("HSET", SessionKeys(session_id, SHARDS).record, "owner_key", owner)])
    counter = UsageCounter(bus, shards=SHARDS)
    for event in [*EVENTS, *EVENTS]:
        await counter.take(envelope(event))
    assert await read_usage(bus, [DAY]) == SUMS
