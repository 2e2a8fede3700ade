"""What has happened in a session, for sockets that come, come again, or lost their place."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from dragoman_contracts.streams import ResultField
from dragoman_contracts.websocket import CloseCode, StreamPosition
from dragoman_orchestration.results.feed import Audience, Feed, Subscription
from dragoman_orchestration.results.history import (
    ENDED,
    MAX_SNAPSHOT_FINALS,
    Snapshot,
    offset_of,
    readable,
    resumed,
    snapshot,
    splice,
    wanted_by,
)
from dragoman_orchestration.results.mailbox import Mailbox
from dragoman_runtime.broker.base import Broker, Entry

READ_COUNT = 200
"""Entries of one stream in one read; more follow in the next."""
SNAPSHOT_ENTRIES = 2000
"""Entries that a snapshot looks back over: finals, and the voice activity between them. The translations of
as many finals as it may show come on top of that."""
MAX_REPLAY = 5000
"""Events that are replayed to a viewer; one that missed more gets a snapshot."""
SNAPSHOT_REUSE_S = 2.0
"""How long a snapshot serves others who come: of a long meeting in many languages it takes 40 ms to make, and
a thousand viewers may come at once. What has happened since follows it."""


class Replay:
    """Reads results that were there before.

    Args:
        broker: The bus.
        epoch: The present epoch of a feed's positions.
        trimmed_offset: Up to which offset a session's results may have been trimmed.

    """

    def __init__(
        self,
        broker: Broker,
        *,
        epoch: Callable[[Feed], str],
        trimmed_offset: Callable[[str], Awaitable[int]],
    ) -> None:
        self._broker = broker
        self._epoch = epoch
        self._trimmed_offset = trimmed_offset

    async def put(
        self,
        subscription: Subscription,
        feed: Feed,
        status: str,
        after: StreamPosition | None,
        *,
        from_start: bool,
    ) -> int:
        """Put what has happened into the socket's mailbox; see ``ResultsHub.subscribe``.

        Returns the offset up to which the mailbox knows everything.

        Raises:
            BusUnavailable: Redis is away.

        """
        mailbox = subscription.mailbox
        if after is None and from_start:
            return self._put_missed(feed, subscription, 0, await self._entries_after(feed, 0))
        if after is not None and await self._is_known(feed, after):
            missed = await self._entries_after(feed, after.offset)
            if len(missed) <= MAX_REPLAY:
                mailbox.put(resumed(feed.session_id, status, after, feed.targets))
                offset = self._put_missed(feed, subscription, after.offset, missed)
                if status == "ended":  # it may have seen all of it before
                    mailbox.close(CloseCode.NORMAL, "the session has ended")
                return offset
        return await self._greet(feed, subscription, status, recovered=after is None)

    async def _greet(self, feed: Feed, subscription: Subscription, status: str, *, recovered: bool) -> int:
        """A snapshot, made for this socket or a moment ago for another, and what has happened since."""
        key = (subscription.audience.languages, status, recovered, self._epoch(feed), feed.targets)
        async with feed.snapshotting:
            known = feed.snapshots.get(key)
            if known is None:
                entries, complete = await self._last_entries(feed)
                known = self._snapshot(
                    feed, subscription.audience, status, entries, complete=complete, recovered=recovered
                )
                feed.snapshots[key] = known
                asyncio.get_running_loop().call_later(SNAPSHOT_REUSE_S, feed.snapshots.pop, key, None)
        subscription.mailbox.put_history([known.text])
        since = await self._entries_after(feed, known.told)
        return self._put_missed(feed, subscription, known.told, since)

    def _put_missed(self, feed: Feed, subscription: Subscription, offset: int, missed: list[Entry]) -> int:
        epoch, mailbox = self._epoch(feed), subscription.mailbox
        told = wanted_by(subscription.audience.hears, readable(missed))
        mailbox.put_history([splice(epoch, entry) for entry in told])
        self._close_if_ended(mailbox, missed[-1:])
        return offset_of(missed[-1].id) if missed else offset

    async def _is_known(self, feed: Feed, after: StreamPosition) -> bool:
        """Whether everything since ``after`` is still there."""
        if after.epoch != self._epoch(feed):
            return False
        if after.offset < await self._trimmed_offset(feed.session_id):
            return False
        return after.offset <= offset_of(await self._broker.last_id(feed.stream))

    async def _entries_after(self, feed: Feed, offset: int) -> list[Entry]:
        """All entries after ``offset``, or somewhat more than ``MAX_REPLAY`` of them."""
        missed: list[Entry] = []
        while len(missed) <= MAX_REPLAY:
            last = missed[-1].id if missed else f"{offset}-0"
            page = (await self._broker.read({feed.stream: last}, READ_COUNT)).get(feed.stream, [])
            missed += page
            if len(page) < READ_COUNT:
                break
        return missed

    async def _last_entries(self, feed: Feed) -> tuple[list[Entry], bool]:
        """What a snapshot is made of, the newest first, and whether it is all there is."""
        limit = SNAPSHOT_ENTRIES + MAX_SNAPSHOT_FINALS * len(feed.targets)
        entries = await self._broker.read_reverse(feed.stream, limit)
        return readable(entries), len(entries) < limit

    def _snapshot(
        self,
        feed: Feed,
        audience: Audience,
        status: str,
        entries: list[Entry],
        *,
        complete: bool,
        recovered: bool,
    ) -> Snapshot:
        return snapshot(
            feed.session_id,
            status,
            self._epoch(feed),
            entries,
            complete=complete,
            recovered=recovered,
            targets=feed.targets,
            wants=audience.hears,
        )

    @staticmethod
    def _close_if_ended(mailbox: Mailbox, newest: list[Entry]) -> None:
        if newest and newest[0].fields.get(ResultField.TYPE) == ENDED:
            mailbox.close(CloseCode.NORMAL, "the session has ended")

    async def restart(self, feed: Feed) -> int:
        """History was lost: who is there begins anew, after the offset that is returned.

        Raises:
            BusUnavailable: Redis is away.

        """
        entries, complete = await self._last_entries(feed)
        for audience in list(feed.audiences.values()):
            shown = self._snapshot(feed, audience, "live", entries, complete=complete, recovered=False)
            for subscription in audience.members:
                if subscription.joining is None:
                    subscription.after = shown.offset
                    subscription.mailbox.put_history([shown.text])
                    self._put_end(feed, subscription.mailbox, entries[:1])
        return offset_of(entries[0].id) if entries else 0

    def _put_end(self, feed: Feed, mailbox: Mailbox, newest: list[Entry]) -> None:
        """A snapshot holds no ``session.ended``: it is told all the same."""
        if newest and newest[0].fields[ResultField.TYPE] == ENDED:
            mailbox.put(splice(self._epoch(feed), newest[0]))
        self._close_if_ended(mailbox, newest)
