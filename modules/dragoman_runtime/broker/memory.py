"""The bus in memory: the twin for tests and for code that needs no Redis. One process, one event loop.

It keeps the same behaviour as ``RedisBroker``, down to refused ids, delivery counters and idle times.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from dragoman_contracts.errors import BusUnavailable, DragomanError
from dragoman_runtime.broker.base import (
    AUTO_ID,
    FIRST_ID,
    Delivery,
    Entry,
    EntryIdRefused,
    Fields,
    GroupMissing,
    PendingEntry,
    Publication,
    id_parts,
)

_Id = tuple[int, int]


@dataclass(slots=True)
class _Pending:
    consumer: str
    delivered_ms: float
    times: int


@dataclass(slots=True)
class _Group:
    last: _Id = (0, 0)
    pending: dict[_Id, _Pending] = field(default_factory=dict)
    consumers: dict[str, float] = field(default_factory=dict)
    """Name → time in ms when it was last seen."""


@dataclass(slots=True)
class _Stream:
    ids: list[_Id] = field(default_factory=list)
    entries: dict[_Id, dict[bytes, bytes]] = field(default_factory=dict)
    last: _Id = (0, 0)
    groups: dict[str, _Group] = field(default_factory=dict)

    def after(self, past: _Id, count: int) -> list[_Id]:
        start = bisect_right(self.ids, past)
        return self.ids[start : start + count]

    def remove(self, entry_id: _Id) -> bool:
        if self.entries.pop(entry_id, None) is None:
            return False
        del self.ids[bisect_left(self.ids, entry_id)]
        return True


class MemoryBroker:
    """See ``Broker`` for what each method does.

    Args:
        clock_ms: Gives the time in ms; tests hand in one that they turn themselves.

    """

    def __init__(self, clock_ms: Callable[[], float] = lambda: time.time() * 1000) -> None:
        self._clock_ms = clock_ms
        self._streams: dict[str, _Stream] = {}
        self._news = asyncio.Event()
        self._closed = False

    # --- append and read ---------------------------------------------------------------------------------

    async def publish(self, stream: str, fields: Fields, entry_id: str = AUTO_ID) -> str:
        """Append one entry; see ``Broker.publish``."""
        self._check_open()
        return self._append(Publication(stream, fields, entry_id))

    async def publish_many(self, publications: Sequence[Publication]) -> list[str | DragomanError]:
        """Append all; see ``Broker.publish_many``."""
        self._check_open()
        outcomes: list[str | DragomanError] = []
        for publication in publications:
            try:
                outcomes.append(self._append(publication))
            except EntryIdRefused as error:
                outcomes.append(error)
        return outcomes

    def _append(self, publication: Publication) -> str:
        stream = self._streams.get(publication.stream) or _Stream()
        if publication.entry_id == AUTO_ID:
            now = (int(self._clock_ms()), 0)
            entry_id = now if now > stream.last else (stream.last[0], stream.last[1] + 1)
        else:
            entry_id = id_parts(publication.entry_id)
            if entry_id <= stream.last:
                raise EntryIdRefused("The entry id is equal to or smaller than the stream's last id.")
        self._streams[publication.stream] = stream
        stream.last = entry_id
        stream.ids.append(entry_id)
        stream.entries[entry_id] = dict(publication.fields)
        self._news.set()
        return _show(entry_id)

    async def read(self, after: Mapping[str, str], count: int) -> dict[str, list[Entry]]:
        """Entries past the given ids; see ``Broker.read``."""
        self._check_open()
        found = {}
        for name, past in after.items():
            stream = self._streams.get(name)
            if stream and (ids := stream.after(id_parts(past), count)):
                found[name] = [_entry(stream, entry_id) for entry_id in ids]
        return found

    async def read_many(
        self, groups: Sequence[Mapping[str, str]], count: int
    ) -> list[dict[str, list[Entry]] | DragomanError]:
        """Group by group; see ``Broker.read_many``."""
        return [await self.read(after, count) for after in groups]

    async def read_reverse(self, stream: str, count: int) -> list[Entry]:
        """The last entries, newest first; see ``Broker.read_reverse``."""
        self._check_open()
        held = self._streams.get(stream) or _Stream()
        return [_entry(held, entry_id) for entry_id in reversed(held.ids[-count:])]

    async def last_id(self, stream: str) -> str:
        """The greatest id ever appended; see ``Broker.last_id``."""
        self._check_open()
        return _show(self._streams[stream].last) if stream in self._streams else FIRST_ID

    # --- groups ------------------------------------------------------------------------------------------

    async def ensure_group(self, stream: str, group: str) -> None:
        """Create the group at the beginning; see ``Broker.ensure_group``."""
        self._check_open()
        self._streams.setdefault(stream, _Stream()).groups.setdefault(group, _Group())

    async def read_group(
        self, stream: str, group: str, consumer: str, count: int, block_ms: int = 0
    ) -> list[Delivery]:
        """New entries; see ``Broker.read_group``."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + block_ms / 1000
        while True:
            self._check_open()
            if found := self._take_new(stream, group, consumer, count):
                return found
            self._news.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._news.wait()
            except TimeoutError:
                return []

    def _take_new(self, stream: str, group: str, consumer: str, count: int) -> list[Delivery]:
        held, members = self._group(stream, group)
        now = self._clock_ms()
        ids = held.after(members.last, count)
        if ids or consumer in members.consumers:
            # Redis, too, knows a consumer only once it was given something.
            members.consumers[consumer] = now
        for entry_id in ids:
            members.last = entry_id
            members.pending[entry_id] = _Pending(consumer, now, 1)
        return [_delivery(stream, held, entry_id, 1) for entry_id in ids]

    async def claim_stale(
        self, stream: str, group: str, consumer: str, min_idle_ms: int, count: int
    ) -> list[Delivery]:
        """Take over what others let lie; see ``Broker.claim_stale``."""
        self._check_open()
        held, members = self._group(stream, group)
        now = self._clock_ms()
        members.consumers[consumer] = now
        claimed: list[Delivery] = []
        for entry_id, facts in sorted(members.pending.items()):
            if now - facts.delivered_ms < min_idle_ms:
                continue
            if entry_id not in held.entries:
                del members.pending[entry_id]
                continue
            facts.consumer, facts.delivered_ms, facts.times = consumer, now, facts.times + 1
            claimed.append(_delivery(stream, held, entry_id, facts.times))
            if len(claimed) == count:
                break
        return claimed

    async def release(self, group: str, consumer: str, deliveries: Sequence[Delivery], idle_ms: int) -> None:
        """Give entries back untried; see ``Broker.release``."""
        self._check_open()
        for delivery in deliveries:
            _, members = self._group(delivery.stream, group)
            facts = members.pending.get(id_parts(delivery.id))
            if facts is not None:
                facts.consumer = consumer
                facts.delivered_ms = self._clock_ms() - idle_ms
                facts.times = delivery.times_delivered - 1

    async def ack(self, stream: str, group: str, ids: Sequence[str], delete: bool = False) -> int:
        """Acknowledge; see ``Broker.ack``."""
        self._check_open()
        held = self._streams.get(stream) or _Stream()
        members = held.groups.get(group) or _Group()
        count = sum(members.pending.pop(id_parts(entry_id), None) is not None for entry_id in ids)
        if delete:
            await self.delete(stream, ids)
        return count

    async def pending(self, stream: str, group: str, count: int = 100) -> list[PendingEntry]:
        """The oldest pending entries; see ``Broker.pending``."""
        self._check_open()
        _, members = self._group(stream, group)
        now = self._clock_ms()
        return [
            PendingEntry(_show(entry_id), facts.consumer, int(now - facts.delivered_ms), facts.times)
            for entry_id, facts in sorted(members.pending.items())[:count]
        ]

    async def remove_idle_consumers(self, stream: str, group: str, min_idle_ms: int) -> list[str]:
        """Remove the names of the dead; see ``Broker.remove_idle_consumers``."""
        self._check_open()
        _, members = self._group(stream, group)
        now = self._clock_ms()
        holders = {facts.consumer for facts in members.pending.values()}
        idle = [
            name
            for name, seen_ms in members.consumers.items()
            if now - seen_ms >= min_idle_ms and name not in holders
        ]
        for name in idle:
            del members.consumers[name]
        return idle

    # --- streams -----------------------------------------------------------------------------------------

    async def length(self, stream: str) -> int:
        """Number of entries."""
        self._check_open()
        return len(self._streams[stream].ids) if stream in self._streams else 0

    async def trim(self, stream: str, min_id: str) -> int:
        """Remove the entries before ``min_id``; see ``Broker.trim``."""
        self._check_open()
        held = self._streams.get(stream) or _Stream()
        old = held.ids[: bisect_left(held.ids, id_parts(min_id))]
        return sum(held.remove(entry_id) for entry_id in old)

    async def delete(self, stream: str, ids: Sequence[str]) -> int:
        """Remove entries by id."""
        self._check_open()
        held = self._streams.get(stream) or _Stream()
        return sum(held.remove(id_parts(entry_id)) for entry_id in ids)

    async def drop(self, streams: Sequence[str]) -> int:
        """Remove whole streams."""
        self._check_open()
        # Whoever waits on one of them is told that its group is gone.
        self._news.set()
        return sum(self._streams.pop(name, None) is not None for name in streams)

    async def ping(self) -> None:
        """Return if it is open."""
        self._check_open()

    async def close(self) -> None:
        """Everything after raises ``BusUnavailable``."""
        self._closed = True
        self._news.set()

    def _group(self, stream: str, group: str) -> tuple[_Stream, _Group]:
        held = self._streams.get(stream)
        if held is None or group not in held.groups:
            raise GroupMissing("The stream or its consumer group does not exist.")
        return held, held.groups[group]

    def _check_open(self) -> None:
        if self._closed:
            raise BusUnavailable("The bus in memory is closed.")


def _show(entry_id: _Id) -> str:
    return f"{entry_id[0]}-{entry_id[1]}"


def _entry(stream: _Stream, entry_id: _Id) -> Entry:
    return Entry(_show(entry_id), dict(stream.entries[entry_id]))


def _delivery(name: str, stream: _Stream, entry_id: _Id, times: int) -> Delivery:
    return Delivery(_show(entry_id), dict(stream.entries[entry_id]), name, times)
