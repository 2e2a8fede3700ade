"""The audio workers by profile, as they tell about themselves."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence

from dragoman_contracts.streams import fleet_key
from dragoman_orchestration.monitoring.looks.sessions import SessionFacts
from dragoman_orchestration.monitoring.measures import Look
from dragoman_orchestration.session.fleet import Fleet
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.broker.wire import bus_error


async def look_at_fleets(broker: RedisBroker, profiles: Sequence[str]) -> dict[str, Fleet | None]:
    """The fleet of each profile; None where, of a cluster, its master is away.

    Raises:
        BusUnavailable: none of them can be seen.

    """
    replies = await broker.exchange([("HVALS", fleet_key(profile)) for profile in profiles])
    away = [reply for reply in replies if isinstance(reply, Exception)]
    if away and len(away) == len(replies):
        raise bus_error(away[0]) from None
    now_ms = time.time_ns() // 1_000_000
    return {
        profile: None if isinstance(reply, Exception) else Fleet.of(reply, now_ms)
        for profile, reply in zip(profiles, replies, strict=True)
    }


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
