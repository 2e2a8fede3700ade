"""What is a cluster's alone: slots, redirections, masters that go away one by one."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.crc import key_slot
from tests.cluster.servers import ClusterServers, Node

from dragoman_contracts.errors import BusUnavailable, DragomanError
from dragoman_runtime.broker.base import Publication
from dragoman_runtime.broker.cluster import connect_cluster
from dragoman_runtime.broker.publisher import TickPublisher
from dragoman_runtime.broker.redis import RedisBroker, connect_redis
from dragoman_runtime.broker.scripts import Script, TickScripts
from dragoman_runtime.embedded_redis import EmbeddedRedis
from dragoman_runtime.settings import RuntimeSettings, SettingsInvalid

TAGS = [f"{{{number}}}" for number in range(12)]


@pytest.fixture
async def servers(cluster_servers: ClusterServers) -> AsyncIterator[ClusterServers]:
    """The shared cluster, healthy and empty."""
    async with cluster_servers.renewed():
        yield cluster_servers


@pytest.fixture
async def broker(servers: ClusterServers) -> AsyncIterator[RedisBroker]:
    """The bus on the cluster."""
    made = RedisBroker(connect_cluster(servers.url, timeout_s=1))
    yield made
    await made.close()


async def tags_of(servers: ClusterServers, node: Node) -> list[str]:
    return [tag for tag in TAGS if await servers.master_of(f"{tag}:x") is node]


def entries(tags: list[str], ids: range = range(1, 2)) -> list[Publication]:
    return [Publication(f"{tag}:s", {b"n": b"%d" % n}, f"1-{n}") for n in ids for tag in tags]


def is_stored(outcome: str | DragomanError) -> bool:
    return isinstance(outcome, str)


async def stored(broker: RedisBroker, tag: str) -> list[int]:
    found = await broker.read({f"{tag}:s": "0-0"}, 10_000)
    return [int(entry.fields[b"n"]) for entry in found.get(f"{tag}:s", [])]


async def serves(broker: RedisBroker, tags: set[str]) -> bool:
    try:
        return all(
            map(is_stored, await broker.publish_many([Publication(f"{tag}:t", {b"n": b""}) for tag in tags]))
        )
    except BusUnavailable:
        return False


def move(servers: ClusterServers, tag: str, source: Node) -> tuple[int, Node, Node]:
    target = next(node for node in servers.masters if node is not source)
    return key_slot(f"{tag}:s".encode()), source, target


async def test_commands_of_many_slots_go_to_their_masters(broker: RedisBroker) -> None:
    outcomes = await broker.publish_many(entries(TAGS, range(1, 4)))
    assert outcomes == [f"1-{n}" for n in range(1, 4) for _ in TAGS]
    found = await broker.read({f"{tag}:s": "1-1" for tag in TAGS}, 10)
    assert {stream: len(news) for stream, news in found.items()} == {f"{tag}:s": 2 for tag in TAGS}
    assert await broker.read_many([{f"{TAGS[0]}:s": "1-2"}, {}, {f"{TAGS[1]}:s": "1-3"}], 10) == [
        {f"{TAGS[0]}:s": [("1-3", {b"n": b"3"})]},
        {},
        {},
    ]
    assert await broker.drop([f"{tag}:s" for tag in TAGS]) == len(TAGS)
    assert await broker.exchange([]) == []
    await broker.ping()


async def test_each_shard_tells_the_run_of_its_master(servers: ClusterServers, broker: RedisBroker) -> None:
    for tag in TAGS:
        node = await servers.master_of(f"{tag}:x")
        run = (await node.client.info("server"))["run_id"]
        assert await broker.server_run(f"{tag}:x") == run[:8]


async def test_a_script_that_one_master_forgot_is_sent_to_it_again(
    servers: ClusterServers, broker: RedisBroker
) -> None:
    source = "return redis.call('RPUSH', KEYS[1], ARGV[1])"
    script = Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())
    scripts = TickScripts(broker)

    async def run_all(number: int) -> list[Any]:
        return await asyncio.gather(*(scripts.run(script, (f"{tag}:list",), (number,)) for tag in TAGS))

    assert await run_all(1) == [1] * len(TAGS)
    await servers.masters[1].client.script_flush()
    assert await run_all(2) == [2] * len(TAGS)


async def test_a_master_that_died_fails_its_own_commands_only(
    servers: ClusterServers, broker: RedisBroker, eventually: Any
) -> None:
    await broker.publish_many(entries(TAGS))
    victim = servers.masters[1]
    lost = set(await tags_of(servers, victim))
    await victim.server.kill()
    for number in (2, 3):
        outcomes = await broker.publish_many(entries(TAGS, range(number, number + 1)))
        assert [is_stored(outcome) for outcome in outcomes] == [tag not in lost for tag in TAGS]
        assert all(is_stored(outcome) or isinstance(outcome, BusUnavailable) for outcome in outcomes)
    news = await broker.read_many([{f"{tag}:s": "0-0"} for tag in TAGS], 10)
    assert [isinstance(one, BusUnavailable) for one in news] == [tag in lost for tag in TAGS]
    with pytest.raises(BusUnavailable):
        await broker.read({f"{tag}:s": "0-0" for tag in TAGS}, 10)
    with pytest.raises(BusUnavailable):
        await broker.length(f"{min(lost)}:s")
    await broker.ping()

    await victim.server.start()
    await eventually(lambda: serves(broker, lost))


async def test_a_master_that_hangs_holds_the_others_up_once(
    servers: ClusterServers, broker: RedisBroker, eventually: Any
) -> None:
    await broker.publish_many(entries(TAGS))
    victim = servers.masters[2]
    lost = set(await tags_of(servers, victim))
    assert victim.server.pid
    os.kill(victim.server.pid, signal.SIGSTOP)
    try:
        rounds = 0
        async with asyncio.timeout(10):  # each round would take the timeout of 1 s
            for number in range(2, 102):
                outcomes = await broker.publish_many(entries(TAGS, range(number, number + 1)))
                assert [is_stored(outcome) for outcome in outcomes] == [tag not in lost for tag in TAGS]
                rounds += 1
        assert rounds == 100
    finally:
        os.kill(victim.server.pid, signal.SIGCONT)

    await eventually(lambda: serves(broker, lost))


async def test_streams_of_a_dead_master_wait_in_order_while_the_others_go_on(
    servers: ClusterServers, broker: RedisBroker
) -> None:
    victim = servers.masters[0]
    lost = (await tags_of(servers, victim))[0]
    other = (await tags_of(servers, servers.masters[1]))[0]
    publisher = TickPublisher(broker, retry_for_s=30)
    await publisher.publish(f"{lost}:s", {b"n": b"0"}, "1-1")
    await victim.server.kill()
    waiting = [
        asyncio.create_task(publisher.publish(f"{lost}:s", {b"n": b"%d" % n}, f"1-{n}")) for n in range(2, 50)
    ]
    for n in range(1, 50):
        await publisher.publish(f"{other}:s", {b"n": b"%d" % n}, f"1-{n}")
    assert not any(task.done() for task in waiting)
    await victim.server.start()
    await asyncio.gather(*waiting)
    assert await stored(broker, lost) == list(range(2, 50))
    assert await stored(broker, other) == list(range(1, 50))


async def test_redirections_are_followed_in_order_while_a_slot_moves(
    servers: ClusterServers, broker: RedisBroker
) -> None:
    tag = TAGS[0]
    publisher = TickPublisher(broker)
    slot, source, target = move(servers, tag, await servers.master_of(f"{tag}:s"))
    numbers = iter(range(1, 100_000))
    moved = asyncio.Event()

    async def publish_on() -> int:
        last = 0
        while not moved.is_set():
            last = next(numbers)
            await asyncio.gather(
                publisher.publish(f"{tag}:s", {b"n": b"%d" % last}, f"1-{last}"),
                publisher.publish(f"{tag}:s", {b"n": b"%d" % next(numbers)}, f"1-{last + 1}"),
            )
        return last + 1

    publishing = asyncio.create_task(publish_on())
    for step in (servers.begin_migration, servers.move_keys, servers.end_migration):
        before = await broker.length(f"{tag}:s")
        while await broker.length(f"{tag}:s") < before + 20:
            await asyncio.sleep(0.001)
        await step(slot, source, target)
    moved.set()
    last = await publishing
    assert await stored(broker, tag) == list(range(1, last + 1))
    assert await servers.master_of(f"{tag}:s") is target
    await servers.move_slot(slot, target, source)


async def test_commands_with_several_keys_wait_until_their_slot_has_moved(
    servers: ClusterServers, broker: RedisBroker
) -> None:
    tag = TAGS[0]
    slot, source, target = move(servers, tag, await servers.master_of(f"{tag}:s"))
    await broker.publish(f"{tag}:a", {b"n": b"1"})
    await servers.begin_migration(slot, source, target)
    await broker.publish(f"{tag}:b", {b"n": b"1"})  # is new, so the target gets it
    with pytest.raises(BusUnavailable):
        await broker.read({f"{tag}:a": "0-0", f"{tag}:b": "0-0"}, 10)
    await servers.move_keys(slot, source, target)
    await servers.end_migration(slot, source, target)
    assert len(await broker.read({f"{tag}:a": "0-0", f"{tag}:b": "0-0"}, 10)) == 2
    await servers.move_slot(slot, target, source)


async def test_a_cluster_that_is_not_there_yet(
    free_port: int,
) -> None:
    broker = RedisBroker(connect_cluster(f"redis://user:secret@127.0.0.1:{free_port}"))
    for _ in range(2):
        with pytest.raises(BusUnavailable) as away:
            await broker.ping()
        assert "secret" not in str(away.value)
    await broker.close()


async def test_settings_that_do_not_suit_the_server_are_told(
    servers: ClusterServers,
) -> None:
    one = RedisBroker(connect_redis(servers.url))
    foreign = [tag for tag in TAGS if await servers.master_of(f"{tag}:x") is not servers.masters[0]]
    with pytest.raises(BusUnavailable) as told:
        await one.publish(f"{foreign[0]}:s", {b"n": b"1"})
    assert "DRAGOMAN_REDIS_CLUSTER=true" in told.value.remedy
    await one.close()


async def test_a_single_redis_is_no_cluster(free_port: int) -> None:
    async with EmbeddedRedis(port=free_port) as server:
        broker = RedisBroker(connect_cluster(server.url))
        with pytest.raises(BusUnavailable) as told:
            await broker.ping()
        assert "DRAGOMAN_REDIS_CLUSTER=false" in told.value.remedy
        await broker.close()


async def test_a_cluster_whose_slots_are_not_given_out_yet(eventually: Any) -> None:
    node = Node(None)
    await node.start()
    broker = RedisBroker(connect_cluster(f"redis://127.0.0.1:{node.port}", timeout_s=1))
    for _ in range(2):
        with pytest.raises(BusUnavailable):
            await broker.publish("s", {b"n": b"1"})
    await node.call("ADDSLOTS", *range(16_384))
    await eventually(lambda: serves(broker, set(TAGS)))
    await broker.close()
    await node.close()


@pytest.mark.parametrize("url", ["unix:///run/redis.sock", "redis://h:6379/1"])
def test_a_url_that_no_cluster_can_have_is_refused(url: str) -> None:
    with pytest.raises(SettingsInvalid, match="DRAGOMAN_REDIS_URL"):
        RuntimeSettings(redis_url=url, redis_cluster=True)
    RuntimeSettings(redis_url="rediss://user:password@h:6379/0", redis_cluster=True)
