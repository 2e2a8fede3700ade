"""A monitoring worker as a process of its own, whose alerts are lines of a file: what the tests kill."""

from __future__ import annotations

import sys
from pathlib import Path

from dragoman_contracts.monitoring import Anomaly
from dragoman_orchestration.workers.monitoring import monitoring_broker, run_monitor
from dragoman_orchestration.workers.monitoring_settings import MonitoringSettings
from dragoman_runtime.process import Drain, run_process
from dragoman_runtime.settings import RuntimeSettings


class FileSink:
    """Appends "<opened|resolved> <rule> <subject>"; one write a line, so that two processes can share it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def opened(self, anomaly: Anomaly) -> None:
        self._write("opened", anomaly)

    def resolved(self, anomaly: Anomaly) -> None:
        self._write("resolved", anomaly)

    def _write(self, what: str, anomaly: Anomaly) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{what} {anomaly.rule} {anomaly.subject}\n")


async def main(drain: Drain) -> None:
    settings, runtime = MonitoringSettings(), RuntimeSettings()
    await run_monitor(
        monitoring_broker(settings, runtime),
        settings,
        runtime,
        drain,
        sink=FileSink(Path(sys.argv[1])),
        on_bound=lambda url: Path(sys.argv[2]).write_text(url, encoding="utf-8"),
    )


if __name__ == "__main__":
    sys.exit(run_process(main, service="monitoring-worker"))
