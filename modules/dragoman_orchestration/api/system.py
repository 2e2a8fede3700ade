"""REST: how the installation is. Seen from this process, and as the monitor saw it last."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import httpx
from fastapi import APIRouter, Query, Request

from dragoman_contracts.errors import BusUnavailable, DragomanError, InvalidInput, Unavailable
from dragoman_orchestration.api.access import KeyHolder, Parts
from dragoman_orchestration.api.sessions import problems
from dragoman_orchestration.api.system_schemas import (
    FleetHealth,
    MonitorHealth,
    SystemHealth,
    SystemOverview,
    SystemUsage,
)
from dragoman_orchestration.container import ApiContainer
from dragoman_orchestration.monitoring.store import MonitoringStore
from dragoman_orchestration.monitoring.usage import read_usage
from dragoman_orchestration.session.fleet import PROFILES
from dragoman_runtime.broker.base import Broker

router = APIRouter(prefix="/v1/system", tags=["system"])

CHECK_TIMEOUT_S = 2.0
MAX_USAGE_DAYS = 366
EXAMPLE_DAYS = ("2025-01-01", "2025-01-31")


class NoMonitor(Unavailable):
    """No monitoring worker has looked within the last seconds."""

    code = "no_monitor"
    default_remedy = "Run 'dragoman worker monitoring'; 'dragoman up' starts one."


@router.get("/health", summary="How all parts are", responses=problems(401, 403))
async def get_system_health(request: Request, container: Parts, _: KeyHolder) -> SystemHealth:
    """Each part of the installation: `ok`, or why it is not. Always 200; `/ready` is for load balancers.

    `parts` are seen from this process; `monitor` is the whole installation as the monitoring worker saw it.
    """
    redis, whisper, fleets, monitor = await asyncio.gather(
        redis_state(container.broker()), _whisper_state(container), _fleets(container), _monitor(container)
    )
    states = {"redis": redis or "ok", "whisper": whisper or "ok"}
    return SystemHealth(
        status="ok" if set(states.values()) == {"ok"} else "degraded",
        parts=states,
        fleets=fleets,
        speakers=len(container.gateway()),
        viewers=len(request.app.state.viewers),
        monitor=monitor,
    )


@router.get("/overview", summary="The whole installation in one look", responses=problems(401, 403, 503))
async def get_system_overview(container: Parts, _: KeyHolder) -> SystemOverview:
    """What the monitoring worker saw last, at most some seconds ago: services, processes, streams, sessions
    with their backlog, bots, and the anomalies that are open. 503 `no_monitor` if none looks.
    """
    overview = await MonitoringStore(container.store_wire()).overview()
    if overview is None:
        raise NoMonitor("no monitoring worker has looked within the last seconds")
    return SystemOverview.of(overview)


@router.get("/usage", summary="What each API key has used", responses=problems(401, 403, 422, 503))
async def get_system_usage(
    container: Parts,
    _: KeyHolder,
    first: Annotated[
        date | None,
        Query(alias="from", description="First day, UTC; left out: 30 days ago.", examples=[EXAMPLE_DAYS[0]]),
    ] = None,
    last: Annotated[
        date | None,
        Query(alias="to", description="Last day, UTC; left out: today.", examples=[EXAMPLE_DAYS[1]]),
    ] = None,
) -> SystemUsage:
    """Audio, sessions, translated characters and bots by day and key. A session counts on the day of its end,
    with all its audio; live ones count nothing yet. Kept for 400 days.
    """
    until = last or datetime.now(UTC).date()
    since = first or until - timedelta(days=30)
    days = (until - since).days + 1
    if not 1 <= days <= MAX_USAGE_DAYS:
        raise InvalidInput(
            f"from {since} to {until} are {max(0, days)} days",
            remedy=f"Ask for 1 to {MAX_USAGE_DAYS} days, the first one in 'from'.",
        )
    return SystemUsage.of(
        await read_usage(container.store_wire(), (since + timedelta(days=day) for day in range(days)))
    )


async def redis_state(broker: Broker) -> str | None:
    """None if Redis answers, else why not."""
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            await broker.ping()
    except TimeoutError:
        return f"no answer within {CHECK_TIMEOUT_S:g} s"
    except BusUnavailable as error:
        return error.message
    return None


async def _monitor(container: ApiContainer) -> MonitorHealth | None:
    """None while Redis is away, too: then nobody knows."""
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            overview = await MonitoringStore(container.store_wire()).overview()
    except (DragomanError, TimeoutError):
        return None
    return MonitorHealth.of(overview) if overview else None


async def _fleets(container: ApiContainer) -> dict[str, FleetHealth]:
    """The default profile, and each other that has workers; none while Redis is away."""
    reader, default = container.fleets(), container.settings().default_profile
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            found = {profile: await reader.read(profile) for profile in dict.fromkeys((default, *PROFILES))}
    except (DragomanError, TimeoutError):
        return {}
    return {
        profile: FleetHealth.of(fleet)
        for profile, fleet in found.items()
        if fleet.reports or profile == default
    }


async def _whisper_state(container: ApiContainer) -> str | None:
    try:
        answer = await container.whisper_http().get("/ready", timeout=CHECK_TIMEOUT_S)
    except httpx.HTTPError as error:
        return f"no answer ({type(error).__name__})"
    return None if answer.is_success else f"not ready (status {answer.status_code})"
