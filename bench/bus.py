"""bench-bus: what an event costs its clients on the bus, beside the bare minimum and beside a framework.

One Redis, one payload (an audio frame of 3,200 bytes), one process; for each way: publish all events from 50
tasks, as the API's sockets do, then consume all of them in a consumer group and acknowledge them. The figure
is the client's CPU time, publish and consume together, per event. Redis's own time is not in it.

- ``ours``: the envelope through ``TickPublisher`` and ``Consumer``, with dead letters, claims, metrics.
- ``raw``: redis-py pipelines of 100 XADDs, XREADGROUP of 100, XACK of 100, and no envelope.
- ``faststream``: the framework's Redis broker with a stream subscriber in a group.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from faststream.redis import RedisBroker as FastStreamBroker
from faststream.redis import StreamSub
from redis.asyncio import Redis

from bench.harness import Figures, parser, run, say
from dragoman_contracts.envelope import Envelope
from dragoman_runtime.broker.consumer import Consumer, ConsumerOptions
from dragoman_runtime.broker.publisher import TickPublisher
from dragoman_runtime.broker.redis import RedisBroker, connect_redis
from dragoman_runtime.embedded_redis import EmbeddedRedis
from dragoman_runtime.process import Drain

FRAME = bytes(range(256)) * 12 + bytes(128)
TASKS = 50
BATCH = 100
WAIT_S = 120


async def from_tasks(events: int, publish: Callable[[], Awaitable[object]]) -> None:
    """Publish from 50 tasks, each its share, one after the other."""

    async def one(share: int) -> None:
        for _ in range(share):
            await publish()

    await asyncio.gather(*(one(events // TASKS) for _ in range(TASKS)))


async def ours(url: str, events: int) -> None:
    """Our publisher and our consumer loop."""
    broker = RedisBroker(connect_redis(url))
    publisher = TickPublisher(broker)
    drain = Drain()
    seen = 0

    async def publish() -> None:
        envelope = Envelope(type="Frame", source="/bench", data=FRAME, content_type="audio/l16")
        await publisher.publish("bench:ours", envelope.to_fields())

    async def handle(envelope: Envelope) -> None:
        nonlocal seen
        assert len(envelope.data) == len(FRAME)
        seen += 1
        if seen == events:
            drain.start()

    await from_tasks(events, publish)
    consumer = Consumer(
        broker, "bench:ours", "bench", "one", handle, options=ConsumerOptions(count=BATCH, block_ms=50)
    )
    await asyncio.wait_for(consumer.run(drain), WAIT_S)
    await broker.close()


async def raw(url: str, events: int) -> None:
    """redis-py alone, in pipelines."""
    client: Redis = Redis.from_url(url)
    for _ in range(events // BATCH):
        pipeline = client.pipeline(transaction=False)
        for _ in range(BATCH):
            pipeline.xadd("bench:raw", {"data": FRAME})
        await pipeline.execute()
    await client.xgroup_create("bench:raw", "bench", "0")
    seen = 0
    while seen < events:
        ((_, entries),) = await client.xreadgroup("bench", "one", {"bench:raw": ">"}, count=BATCH)
        seen += len(entries)
        await client.xack("bench:raw", "bench", *(entry_id for entry_id, _ in entries))
    await client.aclose()


async def faststream(url: str, events: int) -> None:
    """FastStream's broker and subscriber."""
    broker = FastStreamBroker(url, logger=None)
    done = asyncio.Event()
    seen = 0

    async def handle(body: bytes) -> None:
        nonlocal seen
        assert len(body) == len(FRAME)
        seen += 1
        if seen == events:
            done.set()

    await broker.connect()
    await from_tasks(events, lambda: broker.publish(FRAME, stream="bench:faststream"))
    stream = StreamSub("bench:faststream", group="bench", consumer="one", max_records=BATCH, last_id=">")
    broker.subscriber(stream=stream)(handle)
    client: Redis = Redis.from_url(url)
    await client.xgroup_create("bench:faststream", "bench", "0")
    await client.aclose()
    await broker.start()
    await asyncio.wait_for(done.wait(), WAIT_S)
    await broker.stop()


async def cost_us(way: Callable[[str, int], Awaitable[None]], url: str, events: int) -> float:
    """CPU microseconds an event, after a small warm-up."""
    client: Redis = Redis.from_url(url)
    await way(url, TASKS * 2)
    await client.flushall()
    before = time.process_time()
    await way(url, events)
    spent = time.process_time() - before
    await client.flushall()
    await client.aclose()
    return round(spent * 1e6 / events, 1)


async def measure(events: int) -> Figures:
    """All three, one after the other, on one server."""
    logging.disable(logging.INFO)
    figures: Figures = {}
    async with EmbeddedRedis() as server:
        for way in (ours, raw, faststream):
            figures[f"{way.__name__}_us_per_event"] = await cost_us(way, server.url, events)
            say(f"{way.__name__}: {figures[f'{way.__name__}_us_per_event']} µs")
    return {**figures, "events": events, "payload_bytes": len(FRAME)}


if __name__ == "__main__":
    arguments = parser("Client CPU of publish and consume, per event.")
    arguments.add_argument("--events", type=int, default=20_000)
    given = arguments.parse_args()
    run("bus", lambda: measure(given.events // BATCH * BATCH), as_json=given.json)
