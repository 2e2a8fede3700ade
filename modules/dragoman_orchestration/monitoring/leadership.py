"""Which of the monitors tells: the leader, and while Redis is away the last one that led."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum

from loguru import logger

from dragoman_contracts.errors import BusUnavailable
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.leader import LeaderLease

ROLE = "monitoring"


class Lead(StrEnum):
    """What this monitor is."""

    FOLLOWS = "follows"
    LEADS = "leads"
    DARK = "dark"
    """It led when Redis went away: only what needs no Redis can be told, and nobody else tells it."""


class Leadership:
    """Takes and keeps the lease. A leader without Redis goes on; one that finds another in its place stops.

    After an outage all leases have run out. Whoever led before comes first, for it knows what was told in the
    meantime: the others wait for a lease's time.

    Args:
        broker: Redis.
        lease: of the role.
        lease_ms: how long it lasts.
        clock: monotonic seconds.

    """

    def __init__(
        self,
        broker: RedisBroker,
        lease: LeaderLease,
        *,
        lease_ms: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._broker = broker
        self._lease = lease
        self._lease_s = lease_ms / 1000
        self._clock = clock
        self._outage = False
        self._not_before = float("-inf")
        self.lead = Lead.FOLLOWS

    @property
    def may_tell(self) -> bool:
        """Whether this monitor is the one that tells, now."""
        return self.lead is Lead.DARK or (self.lead is Lead.LEADS and self._lease.is_held)

    async def renew(self) -> Lead:
        """Take or renew the lease; ask again well within it."""
        try:
            if self.lead is Lead.FOLLOWS and not await self._is_its_turn():
                return self.lead
            held = await self._lease.hold()
        except BusUnavailable:
            self._outage = True
            if self.lead is Lead.LEADS:
                logger.warning("Redis is away: the monitor that led goes on in the dark")
                self.lead = Lead.DARK
            return self.lead
        self._outage = False
        before, self.lead = self.lead, Lead.LEADS if held else Lead.FOLLOWS
        if before is not self.lead:
            logger.info("this monitor {}", self.lead)
        return self.lead

    async def leave(self) -> None:
        """Let another lead at once."""
        self.lead = Lead.FOLLOWS
        try:
            await self._lease.leave()
        except BusUnavailable:
            logger.info("the lead cannot be given back: it runs out by itself")

    async def _is_its_turn(self) -> bool:
        if self._outage:
            await self._broker.ping()
            self._outage = False
            self._not_before = self._clock() + self._lease_s
        return self._clock() >= self._not_before
