"""The monitoring worker: one of possibly several monitors; the leader looks, tells and alerts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from loguru import logger

from dragoman_orchestration.alerts.notify import AlertNotifier
from dragoman_orchestration.alerts.settings import AlertSettings
from dragoman_orchestration.config.follower import ConfigFollower
from dragoman_orchestration.fleet.reporter import ProcessReporter, process_name
from dragoman_orchestration.monitoring.alerts import AlertSink
from dragoman_orchestration.monitoring.collector import Collector
from dragoman_orchestration.monitoring.default_rules import effective_rules
from dragoman_orchestration.monitoring.leadership import ROLE, Lead, Leadership
from dragoman_orchestration.monitoring.listeners import listeners
from dragoman_orchestration.monitoring.looks.services import WatchedService, open_services
from dragoman_orchestration.monitoring.monitor import Cadence, Monitor, Rules
from dragoman_orchestration.monitoring.teller import Teller
from dragoman_orchestration.webhooks.run import run_webhooks
from dragoman_orchestration.webhooks.settings import WebhookSettings
from dragoman_orchestration.workers.monitoring_settings import MonitoringSettings
from dragoman_runtime.broker.redis import RedisBroker, connect
from dragoman_runtime.http_service import worker_face
from dragoman_runtime.leader import LeaderLease
from dragoman_runtime.process import Drain, Health
from dragoman_runtime.settings import RuntimeSettings

RENEWALS_A_LEASE = 10
SOURCE = "/monitoring"

Loop = Callable[[Drain], Awaitable[None]]


class MonitoringWorker:
    """The parts of one monitor, made from settings.

    Args:
        broker: Redis.
        settings: what is looked at, and how often.
        runtime: of every process.
        name: of this process.
        rules: those in force.
        sink: told of anomalies.

    """

    def __init__(
        self,
        broker: RedisBroker,
        settings: MonitoringSettings,
        runtime: RuntimeSettings,
        *,
        name: str,
        rules: Rules,
        sink: AlertSink,
    ) -> None:
        self._settings = settings
        self._services = open_services(
            settings.service_urls,
            timeout_s=settings.timeout_s,
            keys={"translation": settings.translation_key.get_secret_value()},
        )
        lease = LeaderLease(broker, ROLE, name, lease_ms=settings.lease_ms)
        self._leadership = Leadership(broker, lease, lease_ms=settings.lease_ms)
        self._listeners = listeners(broker, name, shards=runtime.shards)
        self._monitor = Monitor(
            broker,
            _collector(broker, self._services, settings, runtime),
            self._leadership,
            Teller(broker, sink, source=f"{SOURCE}/{name}"),
            rules=rules,
            name=name,
            cadence=Cadence(
                interval_s=settings.interval_s,
                report_s=settings.report_interval_s,
                usage_s=settings.usage_interval_s,
                keep_events_s=settings.keep_events_s,
                bot_restart_after_s=settings.bot_restart_after_s,
            ),
        )

    @property
    def loops(self) -> dict[str, Loop]:
        """What runs until the drain."""
        consuming = {f"listener-{number}": one.run for number, one in enumerate(self._listeners)}
        return {"leadership": self._lead, "monitor": self._monitor.run, **consuming}

    def measures(self) -> dict[str, float]:
        """For this process' report."""
        return {"leader": float(self._leadership.lead is not Lead.FOLLOWS)}

    async def close(self) -> None:
        """Let another lead, and close the connections to the services."""
        await self._leadership.leave()
        await asyncio.gather(*(service.close() for service in self._services))

    async def _lead(self, drain: Drain) -> None:
        """Keep the lease; a loop of its own: no look may keep it waiting."""
        while not drain.is_set():
            await self._leadership.renew()
            await drain.wait(self._settings.lease_ms / 1000 / RENEWALS_A_LEASE)


async def run_monitoring_worker(settings: MonitoringSettings, runtime: RuntimeSettings, drain: Drain) -> None:
    """Run one monitor with its alerts and webhooks until ``drain``; its health and metrics are on
    ``runtime.metrics_port``.
    """
    broker = monitoring_broker(settings, runtime)
    notifier = AlertNotifier.from_settings(AlertSettings(), broker)

    async def webhooks(drain: Drain) -> None:
        await run_webhooks(broker, WebhookSettings(), drain, shards=runtime.shards)

    beside = {"alerts": notifier.run, "webhooks": webhooks}
    await run_monitor(broker, settings, runtime, drain, sink=notifier, beside=beside)


def monitoring_broker(settings: MonitoringSettings, runtime: RuntimeSettings) -> RedisBroker:
    """Redis for a monitor: one that hangs must be told within the monitor's own time."""
    quick = runtime.model_copy(update={"redis_timeout_s": min(runtime.redis_timeout_s, settings.timeout_s)})
    return RedisBroker(connect(quick, client_name="dragoman-monitoring"))


async def run_monitor(
    broker: RedisBroker,
    settings: MonitoringSettings,
    runtime: RuntimeSettings,
    drain: Drain,
    *,
    sink: AlertSink,
    beside: Mapping[str, Loop] | None = None,
    on_bound: Callable[[str], None] | None = None,
) -> None:
    """Run one monitor until ``drain``, and close ``broker``.

    Args:
        broker: Redis, for this process alone.
        settings: of the monitor.
        runtime: of every process.
        drain: ends it.
        sink: told of anomalies.
        beside: loops that run as long as the monitor.
        on_bound: called with the URL of its face.

    """
    name = process_name()
    follower = ConfigFollower(broker)
    worker = MonitoringWorker(
        broker,
        settings,
        runtime,
        name=name,
        rules=lambda: effective_rules(follower.document.system.monitoring.rules),
        sink=sink,
    )
    health = Health("monitoring", drain=drain)
    health.add_check("redis", broker.ping)
    reporter = ProcessReporter(
        broker=broker,
        kind="monitoring",
        name=name,
        health=health,
        config=follower.applied,
        measures=worker.measures,
    )
    loops = {**worker.loops, "config": follower.run, "report": reporter.run, **(beside or {})}
    async with worker_face(health, runtime) as url:
        logger.info("monitoring as {}, every {:g} s", name, settings.interval_s)
        if on_bound is not None:
            on_bound(url)
        try:
            await _run_all(loops, health, drain)
        finally:
            await worker.close()
            await broker.close()


async def _run_all(loops: dict[str, Loop], health: Health, drain: Drain) -> None:
    async with asyncio.TaskGroup() as group:
        for part, loop in loops.items():
            task = group.create_task(_until_drained(loop, drain), name=part)
            health.watch(part, task)


async def _until_drained(loop: Loop, drain: Drain) -> None:
    await loop(drain)


def _collector(
    broker: RedisBroker,
    services: list[WatchedService],
    settings: MonitoringSettings,
    runtime: RuntimeSettings,
) -> Collector:
    return Collector(
        broker,
        services,
        shards=runtime.shards,
        is_cluster=runtime.redis_cluster,
        timeout_s=settings.timeout_s,
        listed_sessions=settings.listed_sessions,
        forget_gone_s=settings.forget_gone_s,
    )
