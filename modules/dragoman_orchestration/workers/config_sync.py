"""The config worker: applies changes of the runtime configuration, one after the other, and repairs drift.

Of all copies one leads, so that changes are made in the order in which they were asked for; the others stand
by. A leader that was frozen may go on a moment beside the next one: versions are made by compare and set, and
what it pushed too late is drift.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from loguru import logger

from dragoman_contracts.envelope import Envelope, EnvelopeInvalid
from dragoman_contracts.errors import DragomanError
from dragoman_contracts.events import (
    ConfigChangeRejected,
    ConfigDriftDetected,
    ConfigResyncRequested,
    ConfigRollbackRequested,
    ConfigSnapshot,
    ConfigUpdateRequested,
    parse_event,
)
from dragoman_contracts.streams import CONFIG_SYNC, GROUP_CONFIG_SYNC
from dragoman_orchestration.config.announcer import Announcer
from dragoman_orchestration.config.applier import ConfigApplier
from dragoman_orchestration.config.drift import ServiceDrift
from dragoman_orchestration.config.follower import ConfigFollower
from dragoman_orchestration.config.planner import ChangePlanner
from dragoman_orchestration.config.process_drift import ProcessDrift
from dragoman_orchestration.config.services import ConfiguredService, ServiceFleet
from dragoman_orchestration.config.settings import ConfigSyncSettings
from dragoman_orchestration.config.store import ConfigStore
from dragoman_orchestration.config.turn import ChangeTurn, ConfigBusy
from dragoman_orchestration.fleet.reporter import ProcessReporter, process_name, read_processes
from dragoman_runtime.broker.consumer import Consumer, ConsumerOptions
from dragoman_runtime.broker.redis import RedisBroker, connect
from dragoman_runtime.http_service import worker_face
from dragoman_runtime.leader import LeaderLease
from dragoman_runtime.process import Drain, Health
from dragoman_runtime.settings import RuntimeSettings

ROLE = "config"
SOURCE = "/dragoman/config"
TRIM_INTERVAL_S = 60.0
MAX_ADOPTED = 100
_OWN = (ConfigSnapshot, ConfigChangeRejected, ConfigDriftDetected)


class ConfigWorker:
    """One copy; everything it needs of Redis goes through ``broker``."""

    def __init__(self, broker: RedisBroker, settings: ConfigSyncSettings, *, name: str) -> None:
        self._broker = broker
        self._settings = settings
        self._name = name
        self._lease = LeaderLease(broker, ROLE, name, lease_ms=settings.lease_ms)
        self._store = ConfigStore(broker)
        self._services = service_fleet(settings)
        announcer, turn = Announcer(broker, SOURCE), change_turn(broker, settings, name)
        self.applier = ConfigApplier(
            self._store, self._services, announcer, turn, ChangePlanner(broker, self._store)
        )
        self._drift = ServiceDrift(
            self._store, self._services, announcer, turn, attempts=settings.repair_attempts
        )
        self._process_drift = ProcessDrift(announcer)

    @property
    def is_leading(self) -> bool:
        """Whether this copy does the work now."""
        return self._lease.is_held

    def measures(self) -> dict[str, float]:
        """For the process' report."""
        return {
            "leads": float(self.is_leading),
            "services": len(self._services.services),
            "services_away": len(self._drift.away),
            "services_drifting": len(self._drift.drifting),
            "processes_drifting": len(self._process_drift.drifting),
        }

    async def run(self, drain: Drain) -> None:
        """Stand by, and lead while the lease is held, until the drain. Raises nothing of the bus."""
        try:
            while not drain.is_set():
                if await self._hold():
                    logger.info("leads: changes of the configuration are applied here")
                    await self._lead(drain)
                await drain.wait(self._settings.lease_ms / 6000)
        finally:
            await self._leave()
            await self._services.close()

    async def handle(self, envelope: Envelope) -> None:
        """Handle one event of the stream.

        Raises:
            EnvelopeInvalid: it is no event of this stream.
            Unavailable: Redis is away or another change takes long; deliver it again.

        """
        event = parse_event(envelope)
        if isinstance(event, ConfigUpdateRequested | ConfigRollbackRequested):
            await self.applier.apply(event)
        elif isinstance(event, ConfigResyncRequested):
            await self._drift.push_all()
        elif not isinstance(event, _OWN):
            raise EnvelopeInvalid(f"{envelope.type} does not belong on {CONFIG_SYNC}")

    # --- leading -----------------------------------------------------------------------------------------

    async def _lead(self, drain: Drain) -> None:
        """Work until the drain or until the lease is lost; what is under way is finished."""
        await self._adopt()
        term = Drain()
        loops = [
            asyncio.create_task(self._consumer().run(term), name="changes"),
            asyncio.create_task(
                self._repeat(term, self._watch, self._settings.drift_interval_s), name="drift"
            ),
            asyncio.create_task(self._repeat(term, self._trim, TRIM_INTERVAL_S), name="trim"),
        ]
        try:
            while not drain.is_set() and await self._hold():
                await drain.wait(self._settings.lease_ms / 6000)
                for loop in loops:
                    if loop.done():
                        loop.result()  # it ended by an error of our own: so does the process
            term.start("drained" if drain.is_set() else "another copy leads")
            await asyncio.gather(*loops)
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            self._drift.forget()
            self._process_drift.forget()

    async def _adopt(self) -> None:
        """Take over at once, and before all that is new, what the leader before left half done."""
        try:
            left = await self._broker.claim_stale(CONFIG_SYNC, GROUP_CONFIG_SYNC, self._name, 0, MAX_ADOPTED)
            # As if untried: the consumer counts its own deliveries, and begins with what looks old.
            await self._broker.release(GROUP_CONFIG_SYNC, self._name, left, self._claim_idle_ms)
        except DragomanError:
            return  # there is nothing yet, or the consumer claims it when it is old enough

    @property
    def _claim_idle_ms(self) -> int:
        """A handler has half of it: waiting for its turn, and a change."""
        return round(2000 * (self._settings.patience_s + self._settings.turn_s))

    def _consumer(self) -> Consumer:
        return Consumer(
            self._broker,
            CONFIG_SYNC,
            GROUP_CONFIG_SYNC,
            self._name,
            self.handle,
            options=ConsumerOptions(
                # One by one: what waited behind a slow change would be given back, and come out of order.
                count=1,
                claim_idle_ms=self._claim_idle_ms,
                claim_every_ms=1_000,
            ),
        )

    async def _watch(self) -> None:
        try:
            await self._drift.look()
        except ConfigBusy:
            return  # a change is being applied: what differs now may be right in a moment
        head = (await self._store.read()).head
        await self._process_drift.look(head, await read_processes(self._broker))

    async def _trim(self) -> None:
        oldest_ms = time.time_ns() // 1_000_000 - self._settings.events_kept_s * 1000
        await self._broker.trim(CONFIG_SYNC, f"{oldest_ms}-0")

    async def _repeat(self, term: Drain, step: Callable[[], Awaitable[None]], interval_s: float) -> None:
        """Repeat a step until the term ends. Trouble with Redis skips it and never ends it."""
        failing = ""
        while not term.is_set():
            try:
                await step()
                failing = ""
            except DragomanError as error:
                if error.message != failing:
                    logger.warning("{} waits: {}", step.__name__.strip("_"), error.message)
                failing = error.message
            await term.wait(interval_s)

    async def _hold(self) -> bool:
        try:
            return await self._lease.hold()
        except DragomanError:
            return self._lease.is_held

    async def _leave(self) -> None:
        try:
            await self._lease.leave()
        except DragomanError:
            logger.info("the lease of this config worker runs out by itself")


def service_fleet(settings: ConfigSyncSettings) -> ServiceFleet:
    """The services that the settings name."""
    timeout_s = settings.service_timeout_s
    return ServiceFleet(
        [
            *(ConfiguredService("whisper", url, timeout_s=timeout_s) for url in settings.whisper),
            *(
                ConfiguredService("translation", url, timeout_s=timeout_s, key=settings.translation_key)
                for url in settings.translation
            ),
        ]
    )


def change_turn(broker: RedisBroker, settings: ConfigSyncSettings, name: str) -> ChangeTurn:
    """The turn of this process; its lease outlasts the longest change."""
    return ChangeTurn(
        broker, name, lease_ms=round(1000 * settings.turn_lease_s), patience_s=settings.patience_s
    )


async def run_config_worker(settings: ConfigSyncSettings, runtime: RuntimeSettings, drain: Drain) -> None:
    """Run one config worker until ``drain``; its health is on ``runtime.metrics_port``."""
    broker = RedisBroker(connect(runtime, client_name="dragoman-config-worker"))
    name = process_name()
    worker = ConfigWorker(broker, settings, name=name)
    follower = ConfigFollower(broker)
    health = Health("config-worker", drain=drain)
    health.add_check("redis", broker.ping)
    reporter = ProcessReporter(
        broker=broker,
        kind="config",
        name=name,
        health=health,
        config=follower.applied,
        measures=worker.measures,
    )
    async with worker_face(health, runtime):
        logger.info(
            "config worker for {} whisper and {} translation services",
            len(settings.whisper),
            len(settings.translation),
        )
        loops = {"config": worker.run, "follower": follower.run, "report": reporter.run}
        tasks = [asyncio.create_task(loop(drain), name=part) for part, loop in loops.items()]
        for task in tasks:
            health.watch(task.get_name(), task)
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await broker.close()
