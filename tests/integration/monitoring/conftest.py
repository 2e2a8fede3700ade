"""A Redis of one's own that can be killed, monitors as processes or tasks, rules that do not take long."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from dragoman_contracts.config import AnomalyRule, ConfigDocument, ConfigValues, Monitoring
from dragoman_contracts.envelope import Envelope
from dragoman_contracts.events import Event, parse_event
from dragoman_contracts.fleet import ProcessReport
from dragoman_contracts.monitoring import Anomaly, Overview
from dragoman_contracts.streams import MONITORING, PROCESSES, ConfigKeys
from dragoman_orchestration.monitoring.default_rules import DEFAULT_RULES
from dragoman_orchestration.monitoring.store import MonitoringStore
from dragoman_orchestration.workers.monitoring import monitoring_broker, run_monitor
from dragoman_orchestration.workers.monitoring_settings import MonitoringSettings
from dragoman_runtime.broker.redis import RedisBroker, connect_redis
from dragoman_runtime.embedded_redis import EmbeddedRedis
from dragoman_runtime.process import Drain
from dragoman_runtime.settings import RuntimeSettings

NOWHERE = "http://127.0.0.1:9"
QUICK = {
    "DRAGOMAN_MONITORING_INTERVAL_S": "0.2",
    "DRAGOMAN_MONITORING_TIMEOUT_S": "1",
    "DRAGOMAN_MONITORING_LEASE_MS": "1500",
    "DRAGOMAN_MONITORING_USAGE_INTERVAL_S": "1",
}


def quick_rules(**changes: AnomalyRule) -> Monitoring:
    """The default rules with half a second instead of their times."""
    rules = {
        name: rule.model_copy(update={"for_s": 0.5, "clear_for_s": 0.5})
        for name, rule in DEFAULT_RULES.items()
    }
    return Monitoring(rules=rules | changes)


async def configure(broker: RedisBroker, monitoring: Monitoring, version: int = 1) -> None:
    """Put a configuration in force, as the config worker would."""
    document = ConfigDocument(system=ConfigValues(monitoring=monitoring))
    facts = {
        "document": msgspec.json.encode(document.to_json()),
        "version": version,
        "checksum": document.checksum,
    }
    await broker.ask([("HSET", ConfigKeys.STATE, *(part for pair in facts.items() for part in pair))])


@pytest.fixture
async def redis() -> AsyncIterator[EmbeddedRedis]:
    async with EmbeddedRedis(port=0, appendonly=True) as server:
        yield server


@pytest.fixture
async def bus(redis: EmbeddedRedis) -> AsyncIterator[RedisBroker]:
    """A client of it, with quick rules in force."""
    broker = RedisBroker(connect_redis(redis.url))
    await configure(broker, quick_rules())
    yield broker
    await broker.close()


class MonitorProcess:
    """A monitor that can be killed."""

    def __init__(self, number: int, folder: Path, redis_url: str, **settings: str) -> None:
        self.alerts = folder / f"alerts-{number}"
        self._bound = folder / f"bound-{number}"
        self._log = (folder / f"log-{number}").open("wb")
        environment = {**os.environ, **QUICK, **settings, "DRAGOMAN_REDIS_URL": redis_url}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.monitoring.monitor_process", self.alerts, self._bound],
            env=environment,
            cwd=Path(__file__).parents[3],
            stdout=self._log,
            stderr=self._log,
        )

    @property
    def url(self) -> str:
        return self._bound.read_text(encoding="utf-8") if self._bound.exists() else ""

    @property
    def told(self) -> list[str]:
        return self.alerts.read_text(encoding="utf-8").splitlines() if self.alerts.exists() else []

    async def get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=5) as http:
            return await http.get(path)

    async def leads(self) -> bool:
        return bool(self.url) and "dragoman_monitoring_leader 1.0" in (await self.get("/metrics")).text

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.kill()
        self._log.close()


@pytest.fixture
def start_process(redis: EmbeddedRedis, tmp_path: Path) -> Any:
    """Starts monitors as processes."""
    started: list[MonitorProcess] = []

    def start(**settings: str) -> MonitorProcess:
        made = MonitorProcess(len(started), tmp_path, redis.url, **settings)
        started.append(made)
        return made

    yield start
    for one in started:
        one.close()


class RecordingSink:
    """What a monitor alerts, as (what, rule, subject)."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []

    def opened(self, anomaly: Anomaly) -> None:
        self.told.append(("opened", anomaly.rule, anomaly.subject))

    def resolved(self, anomaly: Anomaly) -> None:
        self.told.append(("resolved", anomaly.rule, anomaly.subject))


class MonitorTask:
    """A monitor in this process."""

    def __init__(self, redis_url: str, **settings: Any) -> None:
        self.sink = RecordingSink()
        self.drain = Drain()
        self.url = ""
        given = {
            "interval_s": 0.1,
            "timeout_s": 1,
            "lease_ms": 1_500,
            "usage_interval_s": 1,
            "whisper_urls": "",
        } | settings
        monitoring, runtime = MonitoringSettings(**given), RuntimeSettings(redis_url=redis_url)
        self.task = asyncio.create_task(
            run_monitor(
                monitoring_broker(monitoring, runtime),
                monitoring,
                runtime,
                self.drain,
                sink=self.sink,
                on_bound=self._bound,
            )
        )

    def _bound(self, url: str) -> None:
        self.url = url

    async def stop(self) -> None:
        self.drain.start()
        await asyncio.wait_for(self.task, 20)


@pytest.fixture
async def start_monitor(redis: EmbeddedRedis) -> AsyncIterator[Callable[..., MonitorTask]]:
    """Starts monitors as tasks of this process."""
    started: list[MonitorTask] = []

    def start(**settings: Any) -> MonitorTask:
        started.append(MonitorTask(redis.url, **settings))
        return started[-1]

    yield start
    await asyncio.gather(*(one.stop() for one in started if not one.task.done()))


async def overview_of(bus: RedisBroker) -> Overview | None:
    return await MonitoringStore(bus).overview()


async def open_rules(bus: RedisBroker) -> dict[str, str]:
    """What is open now by "rule subject", with its message."""
    seen = await overview_of(bus)
    return {f"{one.rule} {one.subject}".strip(): one.message for one in seen.anomalies} if seen else {}


async def events(bus: RedisBroker, kind: type[Event], stream: str = MONITORING) -> list[tuple[str, Any]]:
    """The events of a kind on a stream, each with its ``ce_id``."""
    [rows] = await bus.ask([("XRANGE", stream, "-", "+")])
    found = []
    for _, flat in rows:
        envelope = Envelope.from_fields(dict(zip(flat[::2], flat[1::2], strict=True)))
        if envelope.type == kind.__name__:
            found.append((envelope.id, parse_event(envelope)))
    return found


async def told_once(bus: RedisBroker, kind: type[Event]) -> Counter[str]:
    """How often each rule was told, where events of the same id count as one."""
    unique = dict(await events(bus, kind))
    return Counter(f"{event.rule} {event.subject}".strip() for event in unique.values())


async def report(bus: RedisBroker, name: str, *, age_s: float = 0, **facts: Any) -> None:
    """A process' report."""
    now_ms = time.time_ns() // 1_000_000 - int(age_s * 1000)
    told = {
        "kind": "audio",
        "profile": "cpu",
        "version": "1",
        "started_ms": now_ms,
        "seen_ms": now_ms,
    } | facts
    await bus.ask([("HSET", PROCESSES, name, msgspec.json.encode(ProcessReport(name=name, **told)))])
