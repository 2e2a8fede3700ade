"""Who runs with another configuration than the one in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dragoman_contracts.config import checksum_of
from dragoman_contracts.events import ConfigDriftDetected
from dragoman_contracts.fleet import ProcessReport
from dragoman_orchestration.config.state import ConfigState, read_state
from dragoman_orchestration.monitoring.looks.services import WatchedService
from dragoman_orchestration.monitoring.measures import Look
from dragoman_orchestration.monitoring.store import MonitoringStore
from dragoman_runtime.broker.redis import RedisBroker

IN_LINE, DRIFTED, GIVEN_UP = 0, 1, 2
FOLLOWERS = frozenset({"api", "audio", "bots", "monitoring"})
"""Kinds of processes that follow the configuration by themselves."""


async def look_at_configuration(broker: RedisBroker) -> tuple[ConfigState, dict[str, ConfigDriftDetected]]:
    """What is in force, and what the config worker told last of each part's drift.

    Raises:
        BusUnavailable: Redis is away.
        ConfigUnreadable: a newer version of the product wrote it.

    """
    return await read_state(broker), await MonitoringStore(broker).drift()


def measure_drift(
    state: ConfigState,
    told: Mapping[str, ConfigDriftDetected],
    *,
    services: Sequence[WatchedService],
    processes: Sequence[ProcessReport] | None,
    look: Look,
) -> None:
    """Compare what is reported with what should be."""
    values = state.document.system.set_values()
    found: dict[str, str] = {}
    in_line: list[str] = []
    for service in services:
        if service.requested_checksum is None:
            continue
        drifted = service.requested_checksum != checksum_of(values.get(service.kind, {}))
        _sort(service.name, "another configuration than was asked for" if drifted else "", found, in_line)
    for process in processes or ():
        if process.kind in FOLLOWERS and process.config_checksum:
            _sort(process.name, _process_drift(process, state), found, in_line)
    given_up = {part for part, event in told.items() if event.gave_up}
    names = {service.part: service.name for service in services}
    given_up |= {names[part] for part in given_up if part in names}
    for part, reason in found.items():
        ending = "; repair was given up" if part in given_up else ""
        level = GIVEN_UP if part in given_up else DRIFTED
        look.note("config_drift", level, part, reason=f"{part} runs with {reason}{ending}")
    for part in in_line:
        look.note("config_drift", IN_LINE, part)
    if processes is not None and all(service.requested_checksum is not None for service in services):
        look.covers("config_drift")


def _sort(part: str, reason: str, found: dict[str, str], in_line: list[str]) -> None:
    if reason:
        found[part] = reason
    else:
        in_line.append(part)


def _process_drift(process: ProcessReport, state: ConfigState) -> str:
    if process.config_error:
        return f"version {process.config_version} of the configuration: {process.config_error}"
    if process.config_version != state.version:
        return f"version {process.config_version} of the configuration instead of {state.version}"
    return ""
