"""Publishing with one round trip for all that one event-loop tick brings.

A single XADD costs about 47 µs of CPU alone and 14 µs in a pipeline of 100, so publishers of all sessions
share one ``TickPublisher``: what is published in one tick, or while a flush is under way, travels together.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from dataclasses import dataclass, field

from loguru import logger
from prometheus_client import Counter, Histogram

from dragoman_contracts.errors import BusUnavailable, DragomanError, Overloaded
from dragoman_runtime.broker.base import (
    AUTO_ID,
    Broker,
    EntryIdRefused,
    Fields,
    Publication,
    id_parts,
)

RETRY_S, RETRY_MAX_S = 0.025, 1.0

PUBLISHED = Counter("dragoman_bus_published_total", "Entries appended to the bus.")
BATCH = Histogram(
    "dragoman_bus_publish_batch_entries",
    "Entries that one round trip appended.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
)


@dataclass(eq=False, slots=True)
class _Waiting:
    publication: Publication
    done: asyncio.Future[str]
    tried: bool = False
    """Whether an attempt may have stored it."""


@dataclass(eq=False, slots=True)
class _Line:
    """What waits for one stream, in order; times in seconds of the monotonic clock."""

    waiting: deque[_Waiting] = field(default_factory=deque)
    failures: int = 0
    not_before: float = 0.0
    give_up: float = 0.0


class TickPublisher:
    """Collects publications and appends them in order; one event loop, any number of tasks.

    While Redis, or the master of a stream, cannot take entries, what waits for the stream is kept in order
    and tried again, for a later entry must not overtake an earlier one: its greater id would have the
    earlier one refused. Other streams go on meanwhile. A repeated append with an explicit id that Redis
    refuses was stored by the attempt before, if the stream's last id is of the same epoch; with an automatic
    id it may be stored twice, which readers see by its ``ce_id``.

    Args:
        broker: Where to.
        max_waiting: Bound of what may wait; past it ``publish`` raises ``Overloaded``.
        max_batch: Entries of one round trip.
        retry_for_s: Seconds of trying again, after which all that waits for the stream fails; 0 tries once.

    """

    def __init__(
        self, broker: Broker, *, max_waiting: int = 10_000, max_batch: int = 500, retry_for_s: float = 10.0
    ) -> None:
        self._broker = broker
        self._max_waiting = max_waiting
        self._max_batch = max_batch
        self._retry_for_s = retry_for_s
        self._lines: dict[str, _Line] = {}
        self._count = 0
        self._failing: set[str] = set()
        self._news = asyncio.Event()
        self._flushing: asyncio.Task[None] | None = None

    async def publish(self, stream: str, fields: Fields, entry_id: str = AUTO_ID) -> str:
        """Append one entry; returns its id once it is stored.

        Raises:
            EntryIdRefused: an explicit id is not greater than the last one.
            Overloaded: too many entries wait already.
            BusUnavailable: Redis was away for too long; the entry may or may not be stored.

        """
        if self._count >= self._max_waiting:
            raise Overloaded(f"{self._max_waiting} entries wait to be published already")
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        line = self._lines.get(stream)
        if line is None:
            line = self._lines[stream] = _Line()
        line.waiting.append(_Waiting(Publication(stream, fields, entry_id), done))
        self._count += 1
        self._news.set()
        if self._flushing is None:
            # Starts in the next tick: by then this tick's other tasks have added theirs.
            self._flushing = asyncio.create_task(self._flush())
            self._flushing.add_done_callback(self._never_began)
        return await done

    async def _flush(self) -> None:
        batch: list[_Waiting] = []
        try:
            while self._lines:
                batch = self._take()
                if batch:
                    await self._append(batch)
                else:
                    await self._pause()
        except BaseException:
            # Nobody may wait for ever, nor be stored after an earlier entry was given up.
            self._cut_off(batch)
            raise
        finally:
            self._flushing = None

    def _never_began(self, flush: asyncio.Task[None]) -> None:
        # A task that is cancelled before its first step runs none of its own handlers.
        if self._flushing is flush:
            self._flushing = None
            self._cut_off([])

    def _cut_off(self, batch: list[_Waiting]) -> None:
        error = BusUnavailable("The publisher was cut off.")
        for entry in (*batch, *(entry for line in self._lines.values() for entry in line.waiting)):
            _settle(entry.done, error)
        self._lines.clear()
        self._failing.clear()
        self._count = 0

    def _take(self) -> list[_Waiting]:
        """The next batch: whole lines as far as they fit, those that wait for their next attempt left out."""
        now = time.monotonic()
        batch: list[_Waiting] = []
        for stream, line in list(self._lines.items()):
            if line.not_before > now:
                continue
            while line.waiting and len(batch) < self._max_batch:
                batch.append(line.waiting.popleft())
            if len(batch) == self._max_batch:
                # Whoever waits behind a long line has the next turn.
                self._lines[stream] = self._lines.pop(stream)
                break
        return batch

    async def _pause(self) -> None:
        """Until an attempt is due, or something new comes for another stream."""
        self._news.clear()
        due = min(line.not_before for line in self._lines.values())
        try:
            async with asyncio.timeout(max(0.0, due - time.monotonic())):
                await self._news.wait()
        except TimeoutError:
            pass

    async def _append(self, batch: list[_Waiting]) -> None:
        outcomes = await self._publish(batch)
        PUBLISHED.inc(sum(isinstance(outcome, str) for outcome in outcomes))
        BATCH.observe(len(batch))
        refused: dict[str, list[_Waiting]] = {}
        for entry, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, BusUnavailable):
                entry.tried = True
                refused.setdefault(entry.publication.stream, []).append(entry)
                error = outcome
            else:
                self._count -= 1
                _settle(entry.done, outcome)
        for stream in {entry.publication.stream for entry in batch}:
            if stream in refused:
                self._keep(stream, refused[stream], error)
            else:
                self._carried_out(stream)

    async def _publish(self, batch: list[_Waiting]) -> list[str | DragomanError]:
        try:
            outcomes = await self._broker.publish_many([entry.publication for entry in batch])
        except DragomanError as error:
            return [error for _ in batch]
        return [
            await self._settled(entry.publication, outcome)
            if entry.tried and isinstance(outcome, EntryIdRefused)
            else outcome
            for entry, outcome in zip(batch, outcomes, strict=True)
        ]

    async def _settled(self, publication: Publication, refusal: EntryIdRefused) -> str | DragomanError:
        """Outcome of a repeated append: an id that the attempt before has stored counts as stored."""
        try:
            last = id_parts(await self._broker.last_id(publication.stream))
        except DragomanError as error:
            return error
        return publication.entry_id if last[0] == id_parts(publication.entry_id)[0] else refusal

    def _carried_out(self, stream: str) -> None:
        line = self._lines[stream]
        line.failures, line.not_before = 0, 0.0
        self._failing.discard(stream)
        if not line.waiting:
            del self._lines[stream]

    def _keep(self, stream: str, entries: list[_Waiting], error: BusUnavailable) -> None:
        """Put back in front what could not be stored; or give the whole line up."""
        line, now = self._lines[stream], time.monotonic()
        line.waiting.extendleft(reversed(entries))
        if not line.failures:
            line.give_up = now + self._retry_for_s
            if not self._failing and self._retry_for_s:
                logger.warning("publishing waits and tries again: {}", error.message)
            self._failing.add(stream)
        line.failures += 1
        if now >= line.give_up:
            for entry in line.waiting:
                _settle(entry.done, error)
            self._count -= len(line.waiting)
            self._failing.discard(stream)
            del self._lines[stream]
            return
        pause_s = min(RETRY_MAX_S, RETRY_S * 2 ** min(line.failures, 10))
        line.not_before = now + pause_s * random.uniform(0.5, 1.0)


def _settle(done: asyncio.Future[str], outcome: str | DragomanError) -> None:
    if done.done():
        return  # whoever asked was cancelled
    if isinstance(outcome, str):
        done.set_result(outcome)
    else:
        done.set_exception(outcome)
