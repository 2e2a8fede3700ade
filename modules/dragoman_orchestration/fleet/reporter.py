"""A process tells about itself every second, so that others know that it lives and what it runs with."""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import msgspec
from loguru import logger

from dragoman_contracts.errors import DragomanError
from dragoman_contracts.fleet import REPORT_INTERVAL_S, ProcessReport
from dragoman_contracts.streams import PROCESSES
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.process import Drain, Health
from dragoman_runtime.resilience import CircuitBreaker

GONE_AFTER_MS = 60_000
"""Reports older than this are removed by whoever still reports."""
SWEEP_EVERY = 30
"""Reports between two such removals."""

_decoder = msgspec.json.Decoder(ProcessReport)


@dataclass(frozen=True, slots=True)
class AppliedConfig:
    """The runtime configuration that a process runs with; ``error`` tells why a newer one is not applied."""

    version: int = 0
    checksum: str = ""
    error: str = ""


def process_name() -> str:
    """Unique among all processes of the installation, and telling where it is."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"


def product_version() -> str:
    """The version of this installation."""
    return version("dragoman")


@dataclass(slots=True, kw_only=True)
class ProcessReporter:
    """Writes one process' report into the hash of all processes.

    Args:
        broker: Redis.
        kind: what the process is, as in ``ProcessReport``.
        name: of ``process_name``.
        health: asked for the parts.
        profile: of an audio worker.
        breakers: circuit breakers whose states are told.
        config: the runtime configuration in force, asked for each report.
        defaults: values of the runtime configuration that the process was started with.
        measures: numbers of the kind's own, asked for each report.

    """

    broker: RedisBroker
    kind: str
    name: str
    health: Health
    profile: str = ""
    breakers: Sequence[CircuitBreaker] = ()
    config: Callable[[], AppliedConfig] = AppliedConfig
    defaults: Mapping[str, Any] = field(default_factory=dict)
    measures: Callable[[], Mapping[str, float]] = dict
    _started_ms: int = field(default_factory=lambda: time.time_ns() // 1_000_000)

    async def run(self, drain: Drain) -> None:
        """Report every second until the drain, then be forgotten at once. Raises nothing of the bus."""
        told = 0
        failing = False
        while not drain.is_set():
            try:
                await self.tell()
                if told % SWEEP_EVERY == 0:
                    await self._sweep()
                failing = False
            except DragomanError as error:
                if not failing:
                    logger.warning("this process cannot report: {}", error.message)
                failing = True
            told += 1
            await drain.wait(REPORT_INTERVAL_S)
        try:
            await self.broker.ask([("HDEL", PROCESSES, self.name)])
        except DragomanError:
            logger.info("the report of this process stays until it is too old to count")

    async def tell(self) -> None:
        """Write the report of now.

        Raises:
            BusUnavailable: Redis is away.

        """
        health = await self.health.ready_report()
        config = self.config()
        report = ProcessReport(
            name=self.name,
            kind=self.kind,
            profile=self.profile,
            version=product_version(),
            started_ms=self._started_ms,
            seen_ms=time.time_ns() // 1_000_000,
            ready=health.ok,
            parts=health.parts,
            breakers={breaker.name: breaker.state for breaker in self.breakers},
            config_version=config.version,
            config_checksum=config.checksum,
            config_error=config.error,
            defaults=dict(self.defaults),
            measures=dict(self.measures()),
        )
        await self.broker.ask([("HSET", PROCESSES, self.name, msgspec.json.encode(report))])

    async def _sweep(self) -> None:
        oldest_ms = time.time_ns() // 1_000_000 - GONE_AFTER_MS
        reports = await read_processes(self.broker)
        gone = [report.name for report in reports if report.seen_ms < oldest_ms]
        if gone:
            await self.broker.ask([("HDEL", PROCESSES, *gone)])
            logger.info("{} processes left without a word", len(gone))


async def read_processes(broker: RedisBroker) -> list[ProcessReport]:
    """The reports of all processes, however old, by kind and name; what is none is left out.

    Raises:
        BusUnavailable: Redis is away.

    """
    [reply] = await broker.ask([("HVALS", PROCESSES)])
    return parse_reports(reply)


def parse_reports(values: Iterable[bytes]) -> list[ProcessReport]:
    """The reports among the values of the hash, by kind and name; what is none is left out."""
    reports = []
    for raw in values:
        try:
            reports.append(_decoder.decode(raw))
        except msgspec.DecodeError:
            continue  # of another version: whoever wrote it tells again
    return sorted(reports, key=lambda report: (report.kind, report.name))
