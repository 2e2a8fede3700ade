"""Processes follow the configuration by themselves: one that does not for a while is told of."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from loguru import logger

from dragoman_contracts.events import ConfigDriftDetected
from dragoman_contracts.fleet import REPORT_VALID_S, ProcessReport
from dragoman_orchestration.config.announcer import Announcer
from dragoman_orchestration.config.drift import DRIFTING
from dragoman_orchestration.config.state import ConfigHead
from dragoman_orchestration.config.store import now_ms

PATIENCE_S = 5.0
"""A process may run with another version for so long."""


@dataclass(slots=True)
class _Behind:
    """A process that differs from ``expected`` since a time."""

    expected: str
    since: float
    told: bool = False


class ProcessDrift:
    """Watches the processes, which follow by themselves: one that does not is told of.

    Args:
        announcer: tells of drift.
        clock: monotonic seconds.

    """

    def __init__(self, announcer: Announcer, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._announcer = announcer
        self._clock = clock
        self._episodes: dict[str, _Behind] = {}

    @property
    def drifting(self) -> list[str]:
        """Names of the processes of which drift was told."""
        return sorted(name for name, episode in self._episodes.items() if episode.told)

    async def look(self, head: ConfigHead, reports: Iterable[ProcessReport]) -> None:
        """Compare the reports with what is in force.

        Raises:
            BusUnavailable: Redis is away.

        """
        now, oldest_ms = self._clock(), now_ms() - REPORT_VALID_S * 1000
        differing = {
            f"{report.kind} {report.name}": report
            for report in reports
            if report.seen_ms >= oldest_ms and _differs(report, head)
        }
        for part in self._episodes.keys() - differing.keys():
            del self._episodes[part]
        for part, report in differing.items():
            expected = f"{head.version}:{head.checksum}"
            found = f"{report.config_version}:{report.config_checksum}"
            episode = self._episodes.get(part)
            if episode is None or episode.expected != expected:
                # Each version gets its time: a process is not behind because versions come fast.
                episode = self._episodes[part] = _Behind(expected, now)
            if episode.told or now - episode.since < PATIENCE_S:
                continue
            await self._announcer.tell(
                ConfigDriftDetected(
                    part=part, kind="process", expected=expected, found=found, reason=report.config_error
                ),
                subject=part,
            )
            episode.told = True
            logger.warning("{} does not follow the configuration: {}", part, report.config_error or found)
        DRIFTING.labels("process").set(len(self.drifting))

    def forget(self) -> None:
        """Another process watches from here on."""
        self._episodes.clear()
        DRIFTING.labels("process").set(0)


def _differs(report: ProcessReport, head: ConfigHead) -> bool:
    if report.config_error:
        return True
    if not report.config_checksum:
        return False  # it follows no configuration
    return (report.config_version, report.config_checksum) != (head.version, head.checksum)
