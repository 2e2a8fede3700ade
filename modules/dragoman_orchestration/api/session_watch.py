"""The sessions that are watched in this process, looked after in one loop.

It tells Redis which languages their viewers want (at once when somebody comes, then every ``RENEW_S``), and
asks every ``CHECK_S`` whether the sessions are still there and what they are translated into: a Redis that
was emptied without a restart would otherwise leave viewers waiting for ever. One round trip serves all
sessions; where nothing is watched, nothing is asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

from loguru import logger

from dragoman_contracts.errors import BusUnavailable, DragomanError
from dragoman_orchestration.results.hub import ResultsHub
from dragoman_orchestration.session.store import now_ms
from dragoman_orchestration.session.watched import WatchRegister

TURN_S = 1.0
CHECK_S = 2.0
"""How often the records are looked at."""
RENEW_S = 5.0
"""How often the wanted languages are told again: two times may fail before one lapses."""
GATHER_S = 0.05
"""Viewers that come within this time share a round trip."""

Wanted = Mapping[str, frozenset[str]]


class SessionWatch:
    """Looks after the sessions that ``hub`` reads.

    Args:
        hub: Knows the watched sessions and what their viewers want.
        register: The sessions in Redis.
        clock: Monotonic seconds.

    """

    def __init__(
        self, hub: ResultsHub, register: WatchRegister, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._hub = hub
        self._register = register
        self._clock = clock
        self._told: Wanted = {}
        self._told_at = self._checked_at = float("-inf")
        self._joined = asyncio.Event()

    def joined(self) -> None:
        """A viewer has come; what it wants is told at once."""
        self._joined.set()

    async def run(self) -> None:
        """Look after the sessions until cancelled; an error of the bus never ends it."""
        while True:
            await self._wait()
            try:
                await self.turn()
            except DragomanError as error:
                if not isinstance(error, BusUnavailable):  # which the readers of results tell
                    logger.error("watched sessions cannot be looked after: {}", error.message)
                await asyncio.sleep(TURN_S)

    async def _wait(self) -> None:
        """Until somebody comes; while something is watched, a second at most."""
        try:
            async with asyncio.timeout(TURN_S if self._hub.watched() else None):
                await self._joined.wait()
                await asyncio.sleep(GATHER_S)
        except TimeoutError:
            pass

    async def turn(self) -> None:
        """One round trip with what is due, if anything is.

        Raises:
            DragomanError: Redis is away or refuses.

        """
        self._joined.clear()
        now = self._clock()
        wanted = self._hub.wanted()
        renew, check = now - self._told_at >= RENEW_S, now - self._checked_at >= CHECK_S
        due = wanted if renew else self._news(wanted)
        asked = self._hub.watched() if check else []
        if due or asked:
            known = await self._register.exchange(asked, due, now_ms=now_ms())
            for session_id, targets in known.items():
                if targets is None:
                    self._hub.lose(session_id)
                else:
                    self._hub.retarget(session_id, targets)
        self._told = wanted
        self._told_at = now if renew else self._told_at
        self._checked_at = now if check else self._checked_at

    def _news(self, wanted: Wanted) -> Wanted:
        """What was not wanted when it was told last."""
        news = {
            session_id: languages - self._told.get(session_id, frozenset())
            for session_id, languages in wanted.items()
        }
        return {session_id: languages for session_id, languages in news.items() if languages}
