"""The monitor: looks, judges, tells, keeps; as the leader, or in the dark while Redis is away."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from loguru import logger

from dragoman_contracts.config import AnomalyRule
from dragoman_contracts.errors import BusUnavailable, DragomanError
from dragoman_contracts.monitoring import Anomaly
from dragoman_contracts.streams import MONITORING
from dragoman_orchestration.monitoring import gauges
from dragoman_orchestration.monitoring.collector import Collector, Seen
from dragoman_orchestration.monitoring.leadership import Lead, Leadership
from dragoman_orchestration.monitoring.overview import HealthReports, overview_of
from dragoman_orchestration.monitoring.recovery import (
    bot_requests,
    outdated,
    resync_reasons,
    resync_requests,
)
from dragoman_orchestration.monitoring.rules import AnomalyWatch, Changes, Resolution
from dragoman_orchestration.monitoring.store import KeptAnomaly, MonitoringStore, place_of
from dragoman_orchestration.monitoring.teller import Teller
from dragoman_orchestration.monitoring.usage import UsageReports
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.process import Drain

OVERVIEW_LEAST_S = 10.0
TRIM_EVERY_S = 60.0

Rules = Callable[[], Mapping[str, AnomalyRule]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """How often what is done, in seconds."""

    interval_s: float = 2.0
    report_s: float = 30.0
    usage_s: float = 60.0
    keep_events_s: int = 86_400
    bot_restart_after_s: float = 300.0


class Monitor:
    """One monitor of possibly several; all look only if they lead.

    Args:
        broker: Redis.
        collector: looks.
        leadership: whether this one tells.
        teller: its voice.
        rules: those in force, asked for each look.
        name: of this process.
        cadence: how often.
        clock: monotonic seconds.

    """

    def __init__(
        self,
        broker: RedisBroker,
        collector: Collector,
        leadership: Leadership,
        teller: Teller,
        *,
        rules: Rules,
        name: str,
        cadence: Cadence | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._broker = broker
        self._collector = collector
        self._leadership = leadership
        self._teller = teller
        self._rules = rules
        self._name = name
        self._cadence = cadence or Cadence()
        self._clock = clock
        self._store = MonitoringStore(broker)
        self._usage = UsageReports(broker, source=teller.source)
        self._health = HealthReports(every_s=self._cadence.report_s)
        self._watch = AnomalyWatch()
        self._leads = self._knows = False
        # Of the open anomalies: which were told, and which Redis has.
        self._told: set[str] = set()
        self._kept: set[str] = set()
        self._over: list[Anomaly] = []
        self._services: dict[str, str] = {}
        self._usage_due = self._trim_due = float("-inf")

    async def run(self, drain: Drain) -> None:
        """Look at each interval until the drain; trouble with Redis delays nothing and ends nothing."""
        while not drain.is_set():
            began = self._clock()
            try:
                await self.step()
            except DragomanError as error:
                logger.debug("this look could not be kept: {}", error.message)
            except Exception:
                logger.exception("this look failed")
            await drain.wait(max(0.05, self._cadence.interval_s - (self._clock() - began)))
        gauges.clear()

    async def step(self) -> None:
        """One look, if this monitor is the one that tells.

        Raises:
            DragomanError: Redis went away meanwhile; alerts are out, the rest follows.

        """
        if not self._leadership.may_tell:
            await self._follow()
            return
        await self._take_over()
        began = self._clock()
        seen = await self._collector.look()
        gauges.LOOK_SECONDS.observe(self._clock() - began)
        if not self._leadership.may_tell:
            return  # the look took too long: another one leads
        changes = self._watch.observe(
            self._rules(), seen.look, now_s=self._clock(), now_ms=time.time_ns() // 1_000_000
        )
        gauges.export(seen, self._watch.open)
        await self._tell(seen, changes)
        await self._keep(seen)
        await self._recover(seen, changes)
        await self._upkeep()

    # --- lead --------------------------------------------------------------------------------------------

    async def _take_over(self) -> None:
        """Go on where the leader before stopped; in the dark, without knowing where that was.

        Raises:
            BusUnavailable: what it left cannot be read.

        """
        self._leads = True
        if self._knows or self._leadership.lead is Lead.DARK:
            return
        kept = await self._store.anomalies()
        self._collector.processes.gone.update(await self._store.gone())
        overview = await self._store.overview()
        self._services = {view.name: view.state for view in overview.services} if overview else {}
        self._kept = {_identity(one.anomaly) for one in kept}
        # What was not told for certain is told again: readers know a repeat by its id.
        self._told |= {_identity(one.anomaly) for one in kept if one.told}
        own = {place_of(one): one for one in self._watch.open}
        self._watch = AnomalyWatch(({place_of(one.anomaly): one.anomaly for one in kept} | own).values())
        self._knows = True
        logger.info("this monitor goes on with {} open anomalies", len(kept))

    async def _follow(self) -> None:
        """Another one leads. What Redis never had, that one does not know of: here it is over."""
        if self._leads:
            unknown = [one for one in self._watch.open if _identity(one) in self._told - self._kept]
            message = "another monitor goes on"
            self._teller.resolved([Resolution(one, one.value, 0, message) for one in unknown])
            self._watch, self._told, self._kept = AnomalyWatch(), set(), set()
            self._leads = self._knows = False
            self._health.forget()
            self._collector.processes.gone.clear()
            gauges.clear()
        await self._teller.flush()

    # --- tell --------------------------------------------------------------------------------------------

    async def _tell(self, seen: Seen, changes: Changes) -> None:
        """Alerts go out whatever becomes of Redis; the stream follows as soon as it can."""
        new = [one for one in self._watch.open if _identity(one) not in self._told]
        try:
            # First that they are open: if this process dies right now, its successor tells them.
            await self._store.keep_anomalies(KeptAnomaly(one, told=False) for one in new)
            self._kept |= {_identity(one) for one in new}
        except BusUnavailable:
            logger.debug("anomalies are told that Redis does not know of")
        self._teller.opened(new)
        self._told |= {_identity(one) for one in new}
        self._teller.resolved(changes.resolved)
        self._over += [one.anomaly for one in changes.resolved]
        if (report := self._health.take(seen, self._watch.open, self._clock())) is not None:
            self._teller.queue(MONITORING, report)
        await self._teller.flush()
        still = self._watch.open
        # All of them each time: a Redis that was wiped is told again.
        await self._store.keep_anomalies(KeptAnomaly(one, told=True) for one in still)
        places = {place_of(one) for one in still}
        await self._store.drop_anomalies(one for one in self._over if place_of(one) not in places)
        self._over = []
        self._told = {_identity(one) for one in still}
        self._kept = set(self._told)

    # --- keep --------------------------------------------------------------------------------------------

    async def _keep(self, seen: Seen) -> None:
        overview = overview_of(seen, self._watch.open, monitor=self._name)
        valid_s = max(OVERVIEW_LEAST_S, 5 * self._cadence.interval_s)
        await self._store.keep_overview(overview, valid_s=valid_s)
        await self._store.keep_gone(self._collector.processes.gone)

    async def _recover(self, seen: Seen, changes: Changes) -> None:
        """Ask for what may mend: noted first, so that a successor does not ask again at once."""
        asked = await self._store.recoveries()
        now_ms = seen.time_ms
        reasons = resync_reasons(self._services, seen.services, changes.opened)
        after_s = self._cadence.bot_restart_after_s
        bots = bot_requests(self._watch.open, asked, after_s=after_s, now_ms=now_ms)
        for request in [*bots, *resync_requests(reasons, asked, now_ms=now_ms)]:
            await self._store.keep_recovery(request.name, request.recovery)
            logger.warning("recovery {} is asked for: {}", request.kind, request.reason)
            gauges.RECOVERIES.labels(request.kind).inc()
            once = f"{request.name}|{request.recovery.asked_ms}"
            self._teller.queue(request.stream, request.event, subject=request.subject, once=once)
        self._services = {view.name: view.state for view in seen.services}
        await self._store.drop_recoveries(outdated(asked, now_ms))
        await self._teller.flush()

    async def _upkeep(self) -> None:
        now = self._clock()
        if now >= self._usage_due:
            await self._usage.publish(datetime.now(UTC))
            self._usage_due = now + self._cadence.usage_s
        if now >= self._trim_due:
            oldest_ms = time.time_ns() // 1_000_000 - self._cadence.keep_events_s * 1000
            await self._broker.trim(MONITORING, f"{oldest_ms}-0")
            self._trim_due = now + TRIM_EVERY_S


def _identity(anomaly: Anomaly) -> str:
    """One opening of a rule for a subject."""
    return f"{place_of(anomaly)}|{anomaly.since_ms}"
