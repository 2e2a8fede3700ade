"""The audio workers by profile, as they tell about themselves."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from dragoman_contracts.fleet import REPORT_VALID_S, WorkerReport
from dragoman_contracts.streams import fleet_key
from dragoman_orchestration.monitoring.looks.sessions import SessionFacts
from dragoman_orchestration.monitoring.measures import Look
from dragoman_orchestration.session.fleet import Fleet, parse_reports
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.broker.wire import bus_error


class FleetLook:
    """Reads the workers' reports; a worker lives as long as its report changes, whatever its clock says.

    Args:
        broker: Redis.
        clock: monotonic seconds.

    """

    def __init__(self, broker: RedisBroker, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._broker = broker
        self._clock = clock
        self._came: dict[str, tuple[int, float]] = {}

    async def look(self, profiles: Sequence[str]) -> dict[str, Fleet | None]:
        """The fleet of each profile; None where, of a cluster, its master is away.

        Raises:
            BusUnavailable: none of them can be seen.

        """
        replies = await self._broker.exchange([("HVALS", fleet_key(profile)) for profile in profiles])
        away = [reply for reply in replies if isinstance(reply, Exception)]
        if away and len(away) == len(replies):
            raise bus_error(away[0]) from None
        found = {
            profile: None if isinstance(reply, Exception) else parse_reports(reply)
            for profile, reply in zip(profiles, replies, strict=True)
        }
        if not away:
            names = {report.worker for reports in found.values() for report in reports or ()}
            self._came = {name: came for name, came in self._came.items() if name in names}
        now_ms = time.time_ns() // 1_000_000
        return {
            profile: None
            if reports is None
            else Fleet(tuple(one for one in reports if self._lives(one, now_ms)))
            for profile, reports in found.items()
        }

    def _lives(self, report: WorkerReport, now_ms: int) -> bool:
        now = self._clock()
        seen_ms, came = self._came.get(report.worker, (0, float("-inf")))
        if seen_ms != report.seen_ms:
            # The first one that is seen of a worker may be of long ago: only its own time tells.
            seems_fresh = report.seen_ms >= now_ms - REPORT_VALID_S * 1000
            came = now if seen_ms or seems_fresh else float("-inf")
            self._came[report.worker] = report.seen_ms, came
        return now - came <= REPORT_VALID_S


def measure_fleets(
    found: Mapping[str, Fleet | None], sessions: Sequence[SessionFacts] | None, look: Look
) -> None:
    """Measure; ``sessions`` is None where they could not be seen."""
    fleets = {profile: fleet for profile, fleet in found.items() if fleet is not None}
    if len(fleets) == len(found):
        look.covers("lag_seconds", "room", "degradation")
    for profile, fleet in fleets.items():
        if fleet.reports:
            look.note("lag_seconds", fleet.lag_ms / 1000, profile)
            look.note("room", fleet.room, profile)
            look.note("degradation", fleet.level, profile)
    if sessions is None:
        return
    if len(fleets) == len(found):
        look.covers("worker_missing")
    live = Counter(one.profile for one in sessions if one.status in {"live", "ending"})
    for profile, fleet in fleets.items():
        missing = bool(live[profile]) and not fleet.reports
        told = f"{live[profile]} sessions of profile {profile} have no audio worker" if missing else ""
        if live[profile] or fleet.reports:
            look.note("worker_missing", missing, profile, reason=told)


def figures(fleet: Fleet) -> dict[str, float]:
    """A fleet for the overview."""
    return {
        "workers": len(fleet.reports),
        "sessions": fleet.sessions,
        "room": fleet.room,
        "level": fleet.level,
        "lag_ms": fleet.lag_ms,
    }
