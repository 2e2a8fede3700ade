"""The sockets of this process in the presence of all, and the presence of all to these sockets.

One loop: at once (together with whoever comes within ``GATHER_S``) it writes who has come or gone and tells a
new socket how many there are; once a second it counts the sessions that are watched here and tells their
sockets what has changed. Where nothing is watched, nothing is asked.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from loguru import logger

from dragoman_contracts.errors import BusUnavailable, DragomanError
from dragoman_contracts.websocket import SessionPresence
from dragoman_orchestration.api.auth import Principal
from dragoman_orchestration.api.socket_io import encode
from dragoman_orchestration.results.mailbox import Mailbox
from dragoman_orchestration.session.presence import (
    REFRESH_S,
    Change,
    Connected,
    Counts,
    PresenceRegister,
    Role,
)
from dragoman_orchestration.session.store import now_ms

COUNT_S = 1.0
"""How often the watched sessions are counted."""
GATHER_S = 0.05
"""Sockets that come or go within this time share a round trip."""
LEAVE_S = 2.0
"""How long the last sockets of a process that ends may take to be written off."""
TOKEN_NAME = "token"  # noqa: S105  the name that a token's holder goes by, not a token
SUPERSEDES = "session.presence"


@dataclass(eq=False, slots=True)
class Seat:
    """One socket's place in the presence of its session."""

    session_id: str
    connected: Connected
    mailbox: Mailbox
    told: Counts | None = None
    """What it knows."""


class PresenceBoard:
    """Presence of the sockets of this process.

    Args:
        register: Presence in Redis.
        refresh_s: Seconds between two refreshes of all sockets.
        clock: Monotonic seconds.

    """

    def __init__(
        self,
        register: PresenceRegister,
        *,
        refresh_s: float = REFRESH_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._register = register
        self._refresh_s = refresh_s
        self._clock = clock
        self._rooms: dict[str, set[Seat]] = {}
        self._new: set[Seat] = set()
        self._left: list[Seat] = []
        self._changed = asyncio.Event()
        self._counted_at = self._refreshed_at = clock()
        self._must_refresh = False

    def join(self, session_id: str, role: Role, principal: Principal, mailbox: Mailbox) -> Seat:
        """A socket is connected and has been greeted; it is told the counts soon."""
        name = TOKEN_NAME if principal.session_id is not None else principal.name
        seat = Seat(session_id, Connected(role, secrets.token_hex(6), now_ms(), name), mailbox)
        self._rooms.setdefault(session_id, set()).add(seat)
        self._new.add(seat)
        self._changed.set()
        return seat

    def leave(self, seat: Seat) -> None:
        """The socket is closed."""
        room = self._rooms.get(seat.session_id, set())
        if seat not in room:
            return
        room.discard(seat)
        if not room:
            del self._rooms[seat.session_id]
        self._new.discard(seat)
        # Also one that was not written yet: its writing may be under way.
        self._left.append(seat)
        self._changed.set()

    async def run(self) -> None:
        """Write and tell until cancelled; an error of the bus never ends it."""
        while True:
            await self._wait()
            try:
                if await self._turn():
                    continue
            except DragomanError as error:
                _log(error)
            self._must_refresh = True
            await asyncio.sleep(COUNT_S)

    async def close(self) -> None:
        """Write off the sockets that are left: the process ends. What fails expires by itself."""
        for seat in [seat for room in self._rooms.values() for seat in room]:
            self.leave(seat)
        if not self._left:
            return
        try:
            async with asyncio.timeout(LEAVE_S):
                await self._turn()
        except (DragomanError, TimeoutError) as error:
            logger.debug("the last sockets could not be written off: {}", type(error).__name__)

    async def _wait(self) -> None:
        """Until something has changed, or a second after the last count while something is watched."""
        left_s = max(0.0, self._counted_at + COUNT_S - self._clock()) if self._rooms else None
        try:
            async with asyncio.timeout(left_s):
                await self._changed.wait()
                await asyncio.sleep(GATHER_S)
        except TimeoutError:
            pass

    async def _turn(self) -> bool:
        """One round trip: write what has changed, count what is due, tell it; whether all of it worked."""
        now = self._clock()
        refresh = self._must_refresh or now - self._refreshed_at >= self._refresh_s
        count_all = refresh or now - self._counted_at >= COUNT_S
        self._changed.clear()
        new, left = self._new, self._left
        self._new, self._left = set(), []
        counted = set(self._rooms) if count_all else {seat.session_id for seat in new}
        try:
            changes = self._changes(new, left, refresh=refresh)
            outcome = await self._register.exchange(changes, counted, now_ms=now_ms())
        except BaseException:
            self._keep(new, left)
            raise
        self._must_refresh = False
        if count_all:
            self._counted_at = now
        if refresh:
            self._refreshed_at = now
        away = set()
        for session_id, found in outcome.items():
            if isinstance(found, Counts):
                self._tell(self._rooms.get(session_id, set()), found, new, to_all=count_all)
            elif isinstance(found, BusUnavailable):
                away.add(session_id)
            else:
                _log(found)
        if away:
            self._keep(
                {seat for seat in new if seat.session_id in away},
                [seat for seat in left if seat.session_id in away],
            )
        return not away

    def _keep(self, new: set[Seat], left: list[Seat]) -> None:
        """Nothing is forgotten that could not be written: it is with the next turn."""
        self._new |= new - set(self._left)
        self._left += left
        self._changed.set()

    def _changes(self, new: set[Seat], left: list[Seat], *, refresh: bool) -> dict[str, Change]:
        changes: dict[str, Change] = {}
        present = {seat for room in self._rooms.values() for seat in room} if refresh else new
        for seat in present:
            changes.setdefault(seat.session_id, Change()).present.append(seat.connected)
        for seat in left:
            changes.setdefault(seat.session_id, Change()).left.append(seat.connected)
        return changes

    def _tell(self, room: set[Seat], found: Counts, new: set[Seat], *, to_all: bool) -> None:
        written = [seat.connected.role for seat in room - self._new]
        if found.speakers < written.count("speaker") or found.viewers < written.count("viewer"):
            # Redis has lost what it was told: tell it again with the next turn, not only when it is due.
            self._must_refresh = True
        receivers = [seat for seat in room if (to_all or seat in new) and seat.told != found]
        if receivers:
            text = encode(SessionPresence(speakers=found.speakers, viewers=found.viewers))
            for seat in receivers:
                seat.told = found
                seat.mailbox.put(text, SUPERSEDES)


def _log(error: DragomanError) -> None:
    if not isinstance(error, BusUnavailable):  # which the readers of results tell
        logger.error("presence cannot be told: {}", error.message)
