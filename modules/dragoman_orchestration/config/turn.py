"""One at a time: changes and repairs push to the services in turn, in this process and across processes.

The lease only keeps pushes from crossing each other. That one of two changes wins is up to the store's
script, and a push that a frozen process made too late is drift, which is repaired.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dragoman_contracts.errors import DragomanError, Unavailable
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.leader import LeaderLease

ROLE = "config-change"
POLL_S = 0.05


class ConfigBusy(Unavailable):
    """Another change is being applied; trying again in a moment helps."""

    code = "config_busy"


class ChangeTurn:
    """The right to push.

    Args:
        broker: Redis.
        holder: the process' name.
        lease_ms: after this the turn of a process that died is over; longer than any turn takes.
        patience_s: how long to wait for it.

    """

    def __init__(
        self, broker: RedisBroker, holder: str, *, lease_ms: int = 6_000, patience_s: float = 0.5
    ) -> None:
        self._lease = LeaderLease(broker, ROLE, holder, lease_ms=lease_ms)
        self._patience_s = patience_s
        self._here = asyncio.Lock()

    @asynccontextmanager
    async def taken(self, *, patience_s: float | None = None) -> AsyncIterator[None]:
        """Hold the turn.

        Raises:
            ConfigBusy: others held it for all of ``patience_s``.
            BusUnavailable: Redis is away.

        """
        deadline = time.monotonic() + (self._patience_s if patience_s is None else patience_s)
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + deadline - time.monotonic()):
                await self._here.acquire()
        except TimeoutError:
            raise ConfigBusy("another change of the configuration is being applied") from None
        try:
            while not await self._lease.hold():
                if time.monotonic() >= deadline:
                    raise ConfigBusy("another change of the configuration is being applied")
                await asyncio.sleep(POLL_S)
            try:
                yield
            finally:
                await self._leave()
        finally:
            self._here.release()

    async def _leave(self) -> None:
        try:
            await self._lease.leave()
        except DragomanError:
            return  # it runs out
