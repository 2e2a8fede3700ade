"""Sessions end to end on a cluster, while slots move and masters change under them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from redis.crc import key_slot

from dragoman_client import Dragoman, SessionResumed
from dragoman_contracts.streams import AUDIO_RESULTS, SessionKeys
from dragoman_runtime.settings import RuntimeSettings

from .conversation import Conversation, begin, running_system
from .servers import ClusterServers, Node

SHARDS = 12


@pytest.fixture(scope="module")
def servers() -> Iterator[ClusterServers]:
    """Three masters, each with a replica."""
    with asyncio.Runner() as runner:
        cluster = ClusterServers(masters=3, replicas=1)
        runner.run(cluster.start())
        yield cluster
        runner.run(cluster.close())


@pytest.fixture
async def dragoman(servers: ClusterServers) -> AsyncIterator[Dragoman]:
    """A client of a system on the healthy, emptied cluster."""
    async with servers.renewed():
        runtime = RuntimeSettings(redis_url=servers.url, redis_cluster=True, shards=SHARDS, redis_timeout_s=2)
        async with running_system(runtime) as client:
            yield client


async def one_a_master(servers: ClusterServers, dragoman: Dragoman) -> dict[Node, Conversation]:
    """A conversation on each of the masters."""
    found: dict[Node, Conversation] = {}
    while len(found) < len(servers.masters):
        for talk in await begin(dragoman, 3):
            found.setdefault(await servers.master_of(record_key(talk)), talk)
    return found


async def finish_all(running: dict[Conversation, asyncio.Task[None]]) -> None:
    await asyncio.gather(*(talk.finish(task) for talk, task in running.items()))


def record_key(talk: Conversation) -> str:
    return SessionKeys(talk.session_id, SHARDS).record


async def test_a_slot_moves_during_its_session(
    servers: ClusterServers, dragoman: Dragoman, eventually: Any
) -> None:
    [talk] = await begin(dragoman, 1)
    running = asyncio.create_task(talk.run(dragoman))
    await eventually(lambda: talk.finals, what="a first final")
    slot = key_slot(record_key(talk).encode())
    source = await servers.master_of(record_key(talk))
    target = next(node for node in servers.masters if node is not source)
    for step in (servers.begin_migration, servers.move_keys, servers.end_migration):
        await step(slot, source, target)
        # While the slot is between the two, captions may wait, but audio goes on.
        stored = talk.stored_bytes
        await eventually(lambda: talk.stored_bytes > stored + 16_000, what="audio")  # noqa: B023
    before = talk.finals
    await eventually(lambda: talk.finals > before, what="captions after the move")
    await talk.finish(running)
    assert await servers.master_of(record_key(talk)) is target
    assert await source.call("COUNTKEYSINSLOT", slot) == 0


async def test_a_replica_takes_over_in_order(
    servers: ClusterServers, dragoman: Dragoman, eventually: Any
) -> None:
    talks = await one_a_master(servers, dragoman)
    running = {talk: asyncio.create_task(talk.run(dragoman)) for talk in talks.values()}
    await eventually(lambda: all(talk.finals for talk in talks.values()), what="first finals")
    replica = servers.replica_of(servers.masters[1])
    await replica.call("FAILOVER")
    await servers.until_promoted(replica)
    await finish_all(running)


async def test_a_master_dies_with_what_its_replica_lacks(
    servers: ClusterServers, dragoman: Dragoman, eventually: Any
) -> None:
    talks = await one_a_master(servers, dragoman)
    running = {talk: asyncio.create_task(talk.run(dragoman)) for talk in talks.values()}
    await eventually(lambda: all(talk.finals for talk in talks.values()), what="first finals")
    # Also the master of the stream that all finals are copied to.
    victim = await servers.master_of(AUDIO_RESULTS)
    talk = talks[victim]
    # A replica follows a little behind; here by a second and more of what was acknowledged.
    await servers.cut_replication(victim)
    stored = talk.stored_bytes
    await eventually(lambda: talk.stored_bytes > stored + 32_000, what="audio that the replica lacks")
    await victim.server.kill()
    await servers.until_promoted(servers.replica_of(victim))
    await finish_all(running)
    for node, talk in talks.items():
        # Only those whose history may lack its last writes have been told so.
        assert talk.was_told_of_trouble == (node is victim)
        # The speaker was asked for the audio again.
        assert any(isinstance(event, SessionResumed) for event in talk.heard) == (node is victim)
