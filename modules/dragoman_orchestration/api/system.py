"""REST: how the installation is, seen from this process."""

from __future__ import annotations

import asyncio

import httpx
from fastapi import APIRouter, Request

from dragoman_contracts.errors import BusUnavailable, DragomanError
from dragoman_orchestration.api.access import KeyHolder, Parts
from dragoman_orchestration.api.schemas import FleetHealth, SystemHealth
from dragoman_orchestration.api.sessions import problems
from dragoman_orchestration.container import ApiContainer
from dragoman_orchestration.session.fleet import PROFILES
from dragoman_runtime.broker.base import Broker

router = APIRouter(prefix="/v1/system", tags=["system"])

CHECK_TIMEOUT_S = 2.0


@router.get("/health", summary="How all parts are", responses=problems(401, 403))
async def get_system_health(request: Request, container: Parts, _: KeyHolder) -> SystemHealth:
    """Each part of the installation: `ok`, or why it is not. Always 200; `/ready` is for load balancers."""
    redis, whisper, fleets = await asyncio.gather(
        redis_state(container.broker()), _whisper_state(container), _fleets(container)
    )
    states = {"redis": redis or "ok", "whisper": whisper or "ok"}
    return SystemHealth(
        status="ok" if set(states.values()) == {"ok"} else "degraded",
        parts=states,
        fleets=fleets,
        speakers=len(container.gateway()),
        viewers=len(request.app.state.viewers),
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
