"""One look as others read it: the overview that is kept, and the health report that is published."""

from __future__ import annotations

from collections.abc import Sequence

from dragoman_contracts.events import ServiceHealthReport
from dragoman_contracts.monitoring import Anomaly, Overview, Status
from dragoman_orchestration.monitoring.collector import Seen

_OF_SESSIONS = ("backlog_seconds|", "real_time_factor|")
"""Measures of which there are thousands."""


def overview_of(seen: Seen, anomalies: Sequence[Anomaly], *, monitor: str) -> Overview:
    """The whole look, as ``GET /v1/system/overview`` serves it."""
    return Overview(
        time_ms=seen.time_ms,
        monitor=monitor,
        status=status_of(seen, anomalies),
        redis=seen.redis,
        services=seen.services,
        processes=seen.processes,
        streams=seen.streams,
        sessions=seen.sessions,
        sessions_total=sum(seen.sessions_by_profile.values()),
        bots=seen.bots,
        bots_by_state=seen.bots_by_state,
        fleets=seen.fleets,
        anomalies=list(anomalies),
        measures=shown_measures(seen),
        config_version=seen.config_version,
        unseen=seen.unseen,
    )


def parts_of(seen: Seen) -> dict[str, str]:
    """Each part of the installation: "ok", or exactly what is not."""
    parts = {"redis": seen.redis.state}
    parts |= {view.name: view.state for view in seen.services}
    parts |= {f"{view.kind} {view.name}": view.state for view in seen.processes}
    if seen.redis.state == "ok":
        parts |= {f"look at {name}": reason for name, reason in seen.unseen.items()}
    return parts


def status_of(seen: Seen, anomalies: Sequence[Anomaly]) -> Status:
    """Down without Redis or without any whisper service, degraded if something is not as it should be."""
    whisper = [view.state for view in seen.services if view.name.startswith("whisper")]
    if seen.redis.state != "ok" or (whisper and "ok" not in whisper):
        return "down"
    is_fine = set(parts_of(seen).values()) == {"ok"} and all(one.severity == "info" for one in anomalies)
    return "ok" if is_fine else "degraded"


def shown_measures(seen: Seen) -> dict[str, float]:
    """All measures but those of single sessions."""
    return {key: value for key, value in seen.look.values.items() if not key.startswith(_OF_SESSIONS)}


class HealthReports:
    """Decides when there is something to report: when a part changed, and every ``every_s`` seconds.

    Args:
        every_s: see there.

    """

    def __init__(self, *, every_s: float) -> None:
        self._every_s = every_s
        self._parts: dict[str, str] | None = None
        self._due = float("-inf")

    def forget(self) -> None:
        """Somebody else reports: the next report is due at once."""
        self._parts = None

    def take(self, seen: Seen, anomalies: Sequence[Anomaly], now_s: float) -> ServiceHealthReport | None:
        """The report of a look at ``now_s`` (monotonic), if one is due."""
        parts = parts_of(seen)
        if parts == self._parts and now_s < self._due:
            return None
        self._parts, self._due = parts, now_s + self._every_s
        return ServiceHealthReport(
            time_ms=seen.time_ms,
            status=status_of(seen, anomalies),
            parts=parts,
            measures=shown_measures(seen),
        )
