"""What is Redis' alone: broken connections, restarts, replies that are errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from dragoman_contracts.envelope import Envelope
from dragoman_contracts.errors import BusUnavailable
from dragoman_runtime.broker.base import BusRejected, GroupMissing
from dragoman_runtime.broker.consumer import Consumer, ConsumerOptions
from dragoman_runtime.broker.publisher import TickPublisher
from dragoman_runtime.broker.redis import RedisBroker, bus_error, connect_redis
from dragoman_runtime.embedded_redis import EmbeddedRedis
from dragoman_runtime.process import Drain


@pytest.fixture(params=["unix", "tcp"])
async def own_server(request: pytest.FixtureRequest) -> AsyncIterator[EmbeddedRedis]:
    """A Redis that the test may stop and start; it keeps its data in between."""
    async with EmbeddedRedis(port=None if request.param == "unix" else 0, appendonly=True) as server:
        yield server


def envelope(number: int) -> dict[bytes, bytes]:
    return Envelope(type="Tested", source="/test", id=f"id-{number}").to_fields()


async def test_a_redis_that_is_not_there_is_told_without_its_address(free_port: int) -> None:
    broker = RedisBroker(connect_redis(f"redis://user:secret@127.0.0.1:{free_port}/0"))
    with pytest.raises(BusUnavailable) as away:
        await broker.ping()
    assert "secret" not in away.value.message
    assert not away.value.permanent
    await broker.close()


async def test_the_loops_survive_a_restart_of_redis(own_server: EmbeddedRedis, eventually: Any) -> None:
    """Stopped under a waiting read and a waiting publish; nothing is lost, nothing is handled twice."""
    seen: list[str] = []

    async def handle(event: Envelope) -> None:
        seen.append(event.id)

    broker = RedisBroker(connect_redis(own_server.url, timeout_s=2))
    publisher = TickPublisher(broker)
    drain = Drain()
    options = ConsumerOptions(block_ms=200, backoff_ms=5, backoff_max_ms=50)
    consumer = Consumer(broker, "s", "g", "me", handle, options=options)
    running = asyncio.create_task(consumer.run(drain))
    await publisher.publish("s", envelope(1))
    await eventually(lambda: seen == ["id-1"])

    await own_server.stop()
    waiting = asyncio.create_task(publisher.publish("s", envelope(2)))
    with pytest.raises(BusUnavailable):
        await broker.ping()
    assert not running.done()
    await own_server.start()

    await waiting
    await eventually(lambda: seen == ["id-1", "id-2"])
    drain.start()
    await running
    assert await broker.pending("s", "g") == []
    await broker.close()


async def test_the_loop_survives_a_flush(redis_client: Redis, broker: RedisBroker, eventually: Any) -> None:
    seen: list[str] = []

    async def handle(event: Envelope) -> None:
        seen.append(event.id)

    drain = Drain()
    consumer = Consumer(broker, "s", "g", "me", handle, options=ConsumerOptions(block_ms=3_000))
    running = asyncio.create_task(consumer.run(drain))
    await broker.publish("s", envelope(1))
    await eventually(lambda: seen == ["id-1"])
    await redis_client.flushall()
    await broker.publish("s", envelope(2))
    await eventually(lambda: seen == ["id-1", "id-2"])
    drain.start()
    await broker.publish("s", envelope(3))
    await running


async def test_a_silent_redis_is_given_up_after_the_timeout(free_port: int) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", free_port):
        broker = RedisBroker(connect_redis(f"redis://127.0.0.1:{free_port}", timeout_s=0.1))
        with pytest.raises(BusUnavailable):
            await broker.ping()
        await broker.close()


async def test_a_wait_may_be_longer_than_the_timeout(redis_server: str) -> None:
    broker = RedisBroker(connect_redis(redis_server, timeout_s=0.2))
    await broker.ensure_group("patient", "g")
    assert await broker.read_group("patient", "g", "c", 1, block_ms=500) == []
    await broker.close()


async def test_a_key_of_another_type_is_refused(redis_client: Redis, broker: RedisBroker) -> None:
    await redis_client.set("text", "x")
    with pytest.raises(BusRejected):
        await broker.publish("text", {b"n": b"1"})
    with pytest.raises(BusRejected):
        await broker.ensure_group("text", "g")
    with pytest.raises(BusRejected):
        await broker.read_group("text", "g", "c", 1)
    with pytest.raises(BusRejected):
        await broker.ack("text", "g", ["1-1"])
    await broker.ping()


async def test_commands_of_many_tasks_do_not_mix(broker: RedisBroker) -> None:
    async def one(number: int) -> int:
        await broker.publish(f"s{number % 7}", {b"n": b"%d" % number})
        return await broker.length(f"s{number % 7}")

    lengths = await asyncio.gather(*(one(number) for number in range(50)))
    assert max(lengths) == 8
    found = await broker.read({f"s{n}": "0-0" for n in range(7)}, 100)
    assert sorted(int(entry.fields[b"n"]) for entries in found.values() for entry in entries) == list(
        range(50)
    )


async def test_a_claim_raced_by_an_acknowledgement_hands_out_nothing(broker: RedisBroker) -> None:
    """Between XAUTOCLAIM and XPENDING another consumer acknowledges the entry."""
    await broker.ensure_group("s", "g")
    await broker.publish("s", {b"n": b"1"}, "1-1")
    await broker.read_group("s", "g", "dead", 1)
    exchange = broker.exchange

    async def acknowledged_meanwhile(commands: Any, **more: Any) -> list[Any]:
        if commands[0][0] == "XPENDING":
            await exchange([("XACK", "s", "g", "1-1")])
        return await exchange(commands, **more)

    broker.exchange = acknowledged_meanwhile  # type: ignore[method-assign]
    assert await broker.claim_stale("s", "g", "c", 0, 10) == []


def test_a_client_of_another_protocol_is_refused() -> None:
    with pytest.raises(ValueError, match="make it with connect"):
        RedisBroker(Redis())


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ResponseError("OOM command not allowed when used memory > 'maxmemory'."), BusUnavailable),
        (ResponseError("READONLY You can't write against a read only replica."), BusUnavailable),
        (ResponseError("UNBLOCKED the stream key no longer exists"), GroupMissing),
        (ResponseError("WRONGTYPE Operation against a key"), BusRejected),
        (RedisConnectionError("Error 111 connecting to secret:6379"), BusUnavailable),
    ],
)
def test_errors_of_redis_are_told_apart(error: Exception, kind: type[Exception]) -> None:
    told = bus_error(error)
    assert type(told) is kind
    assert "secret" not in told.message
