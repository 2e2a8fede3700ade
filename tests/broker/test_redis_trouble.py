"""A Redis that is there and cannot serve: full, read-only, loading, forgetful. On 7 and on 6.2."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from tests.servers import SERVERS, server_binary

from dragoman_contracts.envelope import Envelope
from dragoman_contracts.errors import BusUnavailable
from dragoman_runtime.broker.base import Publication
from dragoman_runtime.broker.consumer import Consumer, ConsumerOptions
from dragoman_runtime.broker.publisher import TickPublisher
from dragoman_runtime.broker.redis import RedisBroker, connect_redis
from dragoman_runtime.broker.scripts import Script, TickScripts
from dragoman_runtime.embedded_redis import EmbeddedRedis
from dragoman_runtime.process import Drain

PUSH = "return redis.call('RPUSH', KEYS[1], ARGV[1])"


@pytest.fixture(params=SERVERS)
def binary(request: pytest.FixtureRequest) -> Path:
    """Each of the servers."""
    return server_binary(request.param)


@pytest.fixture
async def server(binary: Path) -> AsyncIterator[EmbeddedRedis]:
    """A Redis of the test's own."""
    async with EmbeddedRedis(binary=binary, port=0) as running:
        yield running


@pytest.fixture
async def redis(server: EmbeddedRedis) -> AsyncIterator[Redis]:
    """Its operator."""
    client = connect_redis(server.url)
    yield client
    await client.aclose()


@pytest.fixture
async def broker(server: EmbeddedRedis) -> AsyncIterator[RedisBroker]:
    """The bus on it."""
    made = RedisBroker(connect_redis(server.url, timeout_s=2))
    yield made
    await made.close()


class Trouble:
    """What an operator, or fate, does to a Redis, and how it ends."""

    def __init__(self, redis: Redis, kind: str) -> None:
        self._redis: Any = redis
        self._kind = kind

    async def begin(self) -> None:
        if self._kind == "full":
            await self._redis.config_set("maxmemory-policy", "noeviction")
            await self._redis.config_set("maxmemory", 1)
        else:
            await self._redis.replicaof("127.0.0.1", 1)

    async def end(self) -> None:
        if self._kind == "full":
            await self._redis.config_set("maxmemory", 0)
        else:
            await self._redis.replicaof("NO", "ONE")


@pytest.fixture(params=["full", "read-only"])
def trouble(request: pytest.FixtureRequest, redis: Redis) -> Iterator[Trouble]:
    """Memory that is used up, or a master that became a replica."""
    return Trouble(redis, request.param)


def fields(number: int) -> dict[bytes, bytes]:
    return Envelope(type="Tested", source="/test", id=f"id-{number}").to_fields()


async def test_what_cannot_be_stored_is_told_as_passing(broker: RedisBroker, trouble: Trouble) -> None:
    await broker.publish("s", {b"n": b"1"})
    await trouble.begin()
    with pytest.raises(BusUnavailable):
        await broker.publish("s", {b"n": b"2"})
    outcomes = await broker.publish_many([Publication("s", {b"n": b"2"}), Publication("s", {b"n": b"3"})])
    assert [type(outcome) for outcome in outcomes] == [BusUnavailable] * 2
    with pytest.raises(BusUnavailable):
        await TickScripts(broker).run(Script(PUSH, "0" * 40), ("list",), ("x",))
    assert len(await broker.read_reverse("s", 10)) == 1
    await trouble.end()
    await broker.publish("s", {b"n": b"2"})


async def test_the_loops_wait_and_go_on_in_order(
    broker: RedisBroker, trouble: Trouble, eventually: Any
) -> None:
    seen: list[str] = []

    async def handle(event: Envelope) -> None:
        seen.append(event.id)

    publisher = TickPublisher(broker, max_batch=5)
    drain = Drain()
    options = ConsumerOptions(block_ms=50, backoff_ms=5, backoff_max_ms=50)
    running = asyncio.create_task(Consumer(broker, "s", "g", "me", handle, options=options).run(drain))
    await publisher.publish("s", fields(0))
    await eventually(lambda: seen == ["id-0"])
    await trouble.begin()
    waiting = [asyncio.create_task(publisher.publish("s", fields(number))) for number in range(1, 30)]
    with pytest.raises(BusUnavailable):
        await broker.publish("s", fields(99))
    assert not any(task.done() for task in waiting)
    await trouble.end()
    ids = await asyncio.gather(*waiting)
    assert ids == sorted(ids, key=lambda one: tuple(map(int, one.split("-"))))
    await eventually(lambda: len(seen) >= 30)
    assert seen == [f"id-{number}" for number in range(30)]
    drain.start()
    await running


async def test_a_master_that_became_a_replica_is_left_for_the_new_one(
    server: EmbeddedRedis, redis: Redis, broker: RedisBroker
) -> None:
    """A name or proxy leads to the new master; connections that are open do not."""
    await broker.publish("s", {b"n": b"1"})

    async def clients() -> set[str]:
        rows: Any = await redis.client_list()
        return {row["id"] for row in rows if row["name"] == "dragoman" and row["cmd"] != "client|list"}

    before = await clients()
    await redis.replicaof("127.0.0.1", 1)
    with pytest.raises(BusUnavailable):
        await broker.publish("s", {b"n": b"2"})
    await redis.execute_command("REPLICAOF", "NO", "ONE")
    await broker.publish("s", {b"n": b"3"})
    after = await clients()
    assert after - before
    assert len(after) == len(before)


async def test_forgotten_scripts_are_sent_again(redis: Redis, broker: RedisBroker) -> None:
    scripts = TickScripts(broker)
    script = Script(PUSH, hashlib.sha1(PUSH.encode(), usedforsecurity=False).hexdigest())
    for number in range(1, 4):
        await redis.script_flush()
        assert await scripts.run(script, ("list",), (number,)) == number


async def test_a_redis_that_loads_its_data_is_waited_for(
    binary: Path, tmp_path: Path, eventually: Any
) -> None:
    async with EmbeddedRedis(binary=binary, data_dir=tmp_path, port=0, appendonly=True) as server:
        port = server.port
        broker = RedisBroker(connect_redis(server.url, timeout_s=2))
        for first in range(1, 16_385, 256):
            await broker.exchange([("XADD", f"s{n}", f"1-{n}", "n", n) for n in range(first, first + 256)])
        await broker.exchange([("XADD", "s", "1-1", "n", 1)])
        await broker.close()
    # 16 times 1024 commands of 0.1 ms and more; after each 1024 it has a moment for its clients.
    slow = ("--key-load-delay", "100")
    again = EmbeddedRedis(binary=binary, data_dir=tmp_path, port=port, appendonly=True, options=slow)
    broker = RedisBroker(connect_redis(f"redis://127.0.0.1:{port}", timeout_s=2))
    publisher = TickPublisher(broker, retry_for_s=30)
    starting = asyncio.create_task(again.start())
    try:
        answers: list[str] = []

        async def is_loading() -> bool:
            try:
                await broker.ping()
            except BusUnavailable as error:
                answers.append(error.message)
            return any("LOADING" in answer for answer in answers)

        await eventually(is_loading)
        assert await publisher.publish("s", {b"n": b"2"}, "1-2") == "1-2"
        assert await broker.length("s") == 2
    finally:
        await starting
        await broker.close()
        await again.close()
