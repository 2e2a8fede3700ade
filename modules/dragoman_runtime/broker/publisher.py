"""Publishing with one round trip for all that one event-loop tick brings.

A single XADD costs about 47 µs of CPU alone and 14 µs in a pipeline of 100, so publishers of all sessions
share one ``TickPublisher``: what is published in one tick, or while a flush is under way, travels together.
"""

from __future__ import annotations

import asyncio
from collections import deque

from prometheus_client import Counter, Histogram

from dragoman_contracts.errors import DragomanError, Overloaded
from dragoman_runtime.broker.base import (
    AUTO_ID,
    Broker,
    Fields,
    Publication,
)

PUBLISHED = Counter("dragoman_bus_published_total", "Entries appended to the bus.")
BATCH = Histogram(
    "dragoman_bus_publish_batch_entries",
    "Entries that one round trip appended.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
)

_Waiting = tuple[Publication, "asyncio.Future[str]"]


class TickPublisher:
    """Collects publications and appends them in order; one event loop, any number of tasks.

    Args:
        broker: Where to.
        max_waiting: Bound of what may wait; past it ``publish`` raises ``Overloaded``.
        max_batch: Entries of one round trip.

    """

    def __init__(self, broker: Broker, *, max_waiting: int = 10_000, max_batch: int = 500) -> None:
        self._broker = broker
        self._max_waiting = max_waiting
        self._max_batch = max_batch
        self._waiting: deque[_Waiting] = deque()
        self._flushing: asyncio.Task[None] | None = None

    async def publish(self, stream: str, fields: Fields, entry_id: str = AUTO_ID) -> str:
        """Append one entry; returns its id once it is stored.

        Raises:
            EntryIdRefused: an explicit id is not greater than the last one.
            Overloaded: too many entries wait already.
            BusUnavailable: Redis is away; the entry may or may not be stored.

        """
        if len(self._waiting) >= self._max_waiting:
            raise Overloaded(f"{self._max_waiting} entries wait to be published already")
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((Publication(stream, fields, entry_id), done))
        if self._flushing is None:
            # Starts in the next tick: by then this tick's other tasks have added theirs.
            self._flushing = asyncio.create_task(self._flush())
        return await done

    async def _flush(self) -> None:
        try:
            while self._waiting:
                size = min(len(self._waiting), self._max_batch)
                await self._append([self._waiting.popleft() for _ in range(size)])
        finally:
            self._flushing = None

    async def _append(self, batch: list[_Waiting]) -> None:
        try:
            outcomes = await self._broker.publish_many([publication for publication, _ in batch])
        except BaseException as error:
            for _, done in batch:
                _settle(done, error)
            if not isinstance(error, DragomanError):
                raise
            return
        PUBLISHED.inc(len(batch))
        BATCH.observe(len(batch))
        for (_, done), outcome in zip(batch, outcomes, strict=True):
            _settle(done, outcome)


def _settle(done: asyncio.Future[str], outcome: str | BaseException) -> None:
    if done.done():
        return
    if isinstance(outcome, str):
        done.set_result(outcome)
    else:
        done.set_exception(outcome)
