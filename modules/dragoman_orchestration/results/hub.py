"""One reader of results for all sockets of a process.

Every ``interval_s`` one multi-key XREAD a shard, all in one round trip, fetches what is new in all watched
sessions; each message is encoded once, whatever the number of its readers. Blocking reads would cost 2 to 7
times more with many keys. Of a cluster, each shard goes away and comes back by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec
from loguru import logger
from prometheus_client import Counter, Gauge, Histogram

from dragoman_contracts.errors import BusUnavailable, DragomanError, NotFound
from dragoman_contracts.streams import ResultField, SessionKeys
from dragoman_contracts.websocket import CloseCode, ErrorMessage, StreamPosition
from dragoman_orchestration.results.feed import Feed, Languages, Subscription
from dragoman_orchestration.results.history import (
    ENDED,
    offset_of,
    readable,
    splice,
    superseded_by,
    target_language,
    targets_of,
)
from dragoman_orchestration.results.mailbox import Item, Mailbox
from dragoman_orchestration.results.replay import READ_COUNT, Replay
from dragoman_orchestration.results.traces import deliver_traced
from dragoman_runtime.broker.base import Broker, Entry

T = TypeVar("T")

DEFAULT_INTERVAL_S = 0.02
RETRY_S = 0.25
MAX_JOINS = 16
"""Sockets whose history is read at the same time."""

DELIVERED = Counter("dragoman_results_delivered_total", "Result messages put into sockets' queues.")
WATCHED = Gauge("dragoman_results_watched_sessions", "Sessions that this process reads results of.")
DELAY_SECONDS = Histogram(
    "dragoman_results_delay_seconds",
    "Seconds from a result's entry in Redis to its sockets, by the clocks of worker and API.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)


class ResultsHub:
    """Reads the results of all watched sessions and hands them to their sockets.

    Args:
        broker: The bus.
        shards: Number of shards.
        server_run: Names the current run of the Redis that serves a shard. It is part of every position's
            epoch: after a restart or a failover the last writes may be lost and their offsets used again, so
            an old position must not be trusted.
        trimmed_offset: Up to which offset a session's results may have been trimmed.
        interval_s: Pause between two reads, in seconds.

    """

    def __init__(
        self,
        broker: Broker,
        *,
        shards: int,
        server_run: Callable[[int], Awaitable[str]],
        trimmed_offset: Callable[[str], Awaitable[int]],
        interval_s: float = DEFAULT_INTERVAL_S,
    ) -> None:
        self._broker = broker
        self._shards = shards
        self._server_run = server_run
        self._replay = Replay(broker, epoch=self._epoch, trimmed_offset=trimmed_offset)
        self._interval_s = interval_s
        self._feeds: dict[str, Feed] = {}
        self._by_stream: dict[str, Feed] = {}
        # Kept from read to read: keys and ids built anew for hundreds of sessions would be most of the work.
        self._positions: dict[int, dict[str, str]] = defaultdict(dict)
        self._runs: dict[int, str] = {}
        self._away: set[int] = set()
        # Shards that failed, and from when on they are tried again (monotonic seconds).
        self._not_before: dict[int, float] = {}
        self._watching = asyncio.Event()
        # Hundreds of viewers that reconnect at once must not take all connections of the bus.
        self._joins = asyncio.Semaphore(MAX_JOINS)

    async def subscribe(
        self,
        session_id: str,
        results_epoch: str,
        mailbox: Mailbox,
        *,
        status: str = "",
        after: StreamPosition | None = None,
        from_start: bool = False,
        languages: Languages = None,
        targets: Sequence[str] = (),
        demands: bool = True,
    ) -> Subscription:
        """Put a session's history into ``mailbox`` and everything new after it, without hole or double.

        With ``after`` the history is what was missed since then, if it is still known, else a snapshot. With
        ``from_start`` (and no ``after``) all events follow, without a snapshot: for who was there first.

        Of translations it gets those into ``languages``, matched with ``targets``, which the session is
        translated into now as its record tells. ``demands`` False takes them only if others want them.

        Raises:
            BusUnavailable: Redis is away.

        """
        feed = self._feeds.get(session_id)
        if feed is None:
            feed = self._add_feed(session_id, results_epoch)
        feed.retarget(targets)
        # Subscribed before the history is read: what arrives meanwhile waits in ``joining``.
        subscription = feed.admit(mailbox, languages, demands=demands)
        try:
            async with self._joins:
                if feed.shard not in self._watched():
                    # Nobody would have noticed that the Redis of this shard is another one now.
                    self._runs[feed.shard] = await self._server_run(feed.shard)
                offset = await self._replay.put(subscription, feed, status, after, from_start=from_start)
        except BaseException:
            self.unsubscribe(session_id, subscription)
            raise
        if feed.after is None:
            feed.run = self._runs[feed.shard]
            self._move(feed, offset)
        complaint = subscription.audience.complaint()
        if complaint is not None:
            mailbox.put(complaint)
        subscription.catch_up(offset)
        self._watching.set()
        return subscription

    def unsubscribe(self, session_id: str, subscription: Subscription) -> None:
        """The socket is gone; the last one of a session ends its reading."""
        feed = self._feeds.get(session_id)
        if feed is None:
            return
        feed.dismiss(subscription)
        if not feed.audiences:
            del self._feeds[session_id]
            del self._by_stream[feed.stream]
            self._positions[feed.shard].pop(feed.stream, None)
            WATCHED.set(len(self._feeds))

    def watchers(self, session_id: str) -> int:
        """Sockets of this process on a session."""
        feed = self._feeds.get(session_id)
        return sum(1 for _ in feed.subscriptions()) if feed else 0

    def watched(self) -> list[str]:
        """The sessions that this process reads results of."""
        return list(self._feeds)

    def wanted(self) -> dict[str, frozenset[str]]:
        """For each watched session, the target languages that viewers of this process want to read."""
        return {session_id: wanted for session_id, feed in self._feeds.items() if (wanted := feed.wanted())}

    def retarget(self, session_id: str, targets: Sequence[str]) -> None:
        """The record tells what the session is translated into now."""
        feed = self._feeds.get(session_id)
        if feed is not None:
            feed.retarget(targets)

    def lose(self, session_id: str) -> None:
        """The session's record is gone: Redis was emptied. Its sockets are told and closed."""
        feed = self._feeds.get(session_id)
        if feed is None:
            return
        error = NotFound("the session is gone: Redis was emptied, or it has expired")
        text = _encode_error(error)
        for subscription in feed.subscriptions():
            subscription.mailbox.put(text)
            subscription.mailbox.close(CloseCode.NOT_FOUND, error.message)

    async def run(self) -> None:
        """Read until cancelled; an error of the bus never ends it."""
        while True:
            if not self._feeds:
                self._watching.clear()
                await self._watching.wait()
            for shard in [shard for shard in self._away if self._is_due(shard)]:
                await self._guarded([shard], self._recover(shard))
            await self._read_all([shard for shard in self._watched() if self._is_due(shard)])
            await asyncio.sleep(self._interval_s)

    def _watched(self) -> list[int]:
        """Shards to read: those with feeds whose place is known, and that are not away."""
        return [shard for shard, found in self._positions.items() if found and shard not in self._away]

    def _is_due(self, shard: int) -> bool:
        return time.monotonic() >= self._not_before.get(shard, 0.0)

    async def _read_all(self, shards: list[int]) -> None:
        if not shards:
            return
        positions = [self._positions[shard] for shard in shards]
        outcomes = await self._guarded(shards, self._broker.read_many(positions, READ_COUNT))
        for shard, outcome in zip(shards, outcomes or (), strict=bool(outcomes)):
            if isinstance(outcome, DragomanError):
                self._failed(shard, outcome)
                continue
            for stream, entries in outcome.items():
                feed = self._by_stream.get(stream)
                if feed is not None:  # else its last socket left while the read was under way
                    self._deliver(feed, entries)

    async def _guarded(self, shards: list[int], work: Awaitable[T]) -> T | None:
        """Do something for these shards; trouble with the bus is told and never ends the loop."""
        try:
            return await work
        except DragomanError as error:
            for shard in shards:
                self._failed(shard, error)
            return None

    def _failed(self, shard: int, error: DragomanError) -> None:
        self._not_before[shard] = time.monotonic() + RETRY_S
        if isinstance(error, BusUnavailable):
            self._tell_away(shard, error)
        else:
            logger.error("results cannot be read: {}", error.message)

    def _add_feed(self, session_id: str, results_epoch: str) -> Feed:
        keys = SessionKeys(session_id, self._shards)
        feed = Feed(session_id, keys.shard.shard, keys.results, results_epoch)
        self._feeds[session_id] = self._by_stream[feed.stream] = feed
        WATCHED.set(len(self._feeds))
        return feed

    def _move(self, feed: Feed, offset: int) -> None:
        """The feed has been read up to ``offset``; the next read goes on from there."""
        feed.after = offset
        self._positions[feed.shard][feed.stream] = f"{offset}-0"

    def _deliver(self, feed: Feed, entries: list[Entry]) -> None:
        epoch = self._epoch(feed)
        self._move(feed, offset_of(entries[-1].id))
        for entry in readable(entries):
            language = target_language(entry)
            item = Item(splice(epoch, entry), superseded_by(entry, language))
            if ResultField.TRACE in entry.fields:
                DELIVERED.inc(deliver_traced(feed, entry, item, language))
            else:
                DELIVERED.inc(feed.deliver(offset_of(entry.id), item, language))
            _observe_delay(entry)
            targets = targets_of(entry)
            if targets is not None:
                feed.retarget(targets)
            if entry.fields[ResultField.TYPE] == ENDED:
                for subscription in feed.subscriptions():
                    subscription.mailbox.close(CloseCode.NORMAL, "the session has ended")

    def _epoch(self, feed: Feed) -> str:
        return f"{feed.results_epoch}-{self._runs[feed.shard]}"

    def _tell_away(self, shard: int, error: BusUnavailable) -> None:
        if shard in self._away:
            return
        if not self._away:
            logger.warning("results wait for the bus: {}", error.message)
        self._away.add(shard)
        text = _encode_error(error)
        for feed in self._feeds.values():
            if feed.shard == shard:
                for subscription in feed.subscriptions():
                    subscription.mailbox.put(text)

    async def _recover(self, shard: int) -> None:
        run = await self._server_run(shard)
        if run != self._runs.get(shard):
            logger.warning("the Redis of shard {} is another one: its viewers get a new snapshot", shard)
            self._runs[shard] = run
        for feed in [feed for feed in self._feeds.values() if feed.shard == shard]:
            # Feed by feed: if the bus goes away again in between, the rest still has its turn.
            if feed.after is not None and feed.run != run:
                self._move(feed, await self._replay.restart(feed))
                feed.run = run
        self._away.discard(shard)
        if not self._away:
            logger.info("results flow again")


def _observe_delay(entry: Entry) -> None:
    written_ms = entry.fields.get(ResultField.TIME_MS, b"")
    if written_ms.isdigit():
        DELAY_SECONDS.observe(max(0.0, time.time() - int(written_ms) / 1000))


def _encode_error(error: DragomanError) -> str:
    message = ErrorMessage(
        code=error.code, message=error.message, remedy=error.remedy, permanent=error.permanent
    )
    return msgspec.json.encode(message).decode()
