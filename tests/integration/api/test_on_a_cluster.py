"""Presence and fleets on three masters: one round trip; a master that hangs fails its own sessions only."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator

import pytest

from dragoman_contracts.errors import BusUnavailable
from dragoman_contracts.fleet import WorkerReport
from dragoman_contracts.streams import SessionKeys, fleet_key
from dragoman_orchestration.session.fleet import FleetReader
from dragoman_orchestration.session.presence import Change, Connected, Counts, PresenceRegister
from dragoman_orchestration.session.store import now_ms
from dragoman_runtime.broker.cluster import connect_cluster
from dragoman_runtime.broker.redis import RedisBroker
from tests.cluster.servers import ClusterServers

SHARDS = 12
SESSIONS = [f"{number:032x}" for number in range(40)]


@pytest.fixture
async def servers() -> AsyncIterator[ClusterServers]:
    async with ClusterServers() as cluster:
        yield cluster


@pytest.fixture
async def wire(servers: ClusterServers) -> AsyncIterator[RedisBroker]:
    made = RedisBroker(connect_cluster(servers.url, timeout_s=0.5))
    yield made
    await made.close()


async def test_presence_and_fleets(servers, wire, eventually):
    register = PresenceRegister(wire, shards=SHARDS)
    changes = {one: Change([Connected("viewer", "c", 1, "k")]) for one in SESSIONS}
    assert await register.exchange(changes, SESSIONS, now_ms=now_ms()) == dict.fromkeys(
        SESSIONS, Counts(0, 1)
    )
    counts, listed = await register.connected(SESSIONS[7], now_ms=now_ms())
    assert (counts, len(listed)) == (Counts(0, 1), 1)

    report = WorkerReport(worker="w", sessions=1, room=0, seen_ms=now_ms())
    key = fleet_key("cpu")
    await wire.exchange(
        [("HSET", key, "w", b'{"worker":"w","sessions":1,"room":0,"seen_ms":%d}' % report.seen_ms)]
    )
    assert (await FleetReader(wire).read("cpu")).reports == (report,)

    hung = await servers.master_of(SessionKeys(SESSIONS[0], SHARDS).presence)
    there = {one for one in SESSIONS if await servers.master_of(SessionKeys(one, SHARDS).presence) is hung}
    os.kill(hung.server.pid, signal.SIGSTOP)
    try:
        outcome = await register.exchange({}, SESSIONS, now_ms=now_ms())
    finally:
        os.kill(hung.server.pid, signal.SIGCONT)
    assert 0 < len(there) < len(SESSIONS)
    assert {one for one, found in outcome.items() if isinstance(found, BusUnavailable)} == there
    assert {one for one, found in outcome.items() if found == Counts(0, 1)} == set(SESSIONS) - there

    async def is_back() -> bool:
        found = await register.exchange({}, SESSIONS, now_ms=now_ms())
        return set(found.values()) == {Counts(0, 1)}

    await eventually(is_back)
