"""One look at everything, in bounded time, each part by itself: one that is away does not hide the others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from loguru import logger

from dragoman_contracts.errors import DragomanError
from dragoman_contracts.events import ConfigDriftDetected
from dragoman_contracts.fleet import ProcessReport
from dragoman_contracts.monitoring import (
    BotView,
    ProcessView,
    RedisView,
    ServiceView,
    SessionView,
    StreamView,
)
from dragoman_orchestration.config.state import ConfigState
from dragoman_orchestration.monitoring.looks.bots import look_at_bots
from dragoman_orchestration.monitoring.looks.configuration import look_at_configuration, measure_drift
from dragoman_orchestration.monitoring.looks.fleets import FleetLook, figures, measure_fleets
from dragoman_orchestration.monitoring.looks.processes import ProcessLook
from dragoman_orchestration.monitoring.looks.redis_server import look_at_redis, redis_away
from dragoman_orchestration.monitoring.looks.services import WatchedService, look_at_services
from dragoman_orchestration.monitoring.looks.sessions import SessionFacts, SessionLook
from dragoman_orchestration.monitoring.looks.stream_queues import look_at_streams
from dragoman_orchestration.monitoring.measures import Look
from dragoman_orchestration.session.fleet import PROFILES, Fleet
from dragoman_runtime.broker.consumer import describe
from dragoman_runtime.broker.redis import RedisBroker

PATIENCE = 2.5
"""How many answers a part may wait for, of a cluster whose masters go away one after the other."""
_IN_REDIS = ("streams", "processes", "sessions", "workers", "bots", "configuration")

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Seen:
    """What one look at ``time_ms`` (unix ms) brought."""

    time_ms: int
    look: Look
    redis: RedisView
    services: list[ServiceView] = field(default_factory=list)
    processes: list[ProcessView] = field(default_factory=list)
    streams: list[StreamView] = field(default_factory=list)
    sessions: list[SessionView] = field(default_factory=list)
    backlog_by_profile: dict[str, float] = field(default_factory=dict)
    sessions_by_profile: dict[str, int] = field(default_factory=dict)
    bots: list[BotView] = field(default_factory=list)
    bots_by_state: dict[str, int] = field(default_factory=dict)
    fleets: dict[str, dict[str, float]] = field(default_factory=dict)
    reports: list[ProcessReport] | None = None
    configuration: tuple[ConfigState, dict[str, ConfigDriftDetected]] | None = None
    config_version: int = 0
    unseen: dict[str, str] = field(default_factory=dict)


class Collector:
    """Looks at Redis, streams, processes, sessions, workers, bots, services and the configuration.

    Args:
        broker: Redis.
        services: asked over HTTP.
        shards: number of shards.
        is_cluster: whether Redis is one.
        timeout_s: after this a question counts as not answered.
        listed_sessions: sessions that are shown one by one.
        forget_gone_s: how long a lost process is missed at most.

    """

    def __init__(
        self,
        broker: RedisBroker,
        services: Sequence[WatchedService],
        *,
        shards: int = 1,
        is_cluster: bool = False,
        timeout_s: float = 2.0,
        listed_sessions: int = 100,
        forget_gone_s: float = 900.0,
    ) -> None:
        self._broker = broker
        self._services = services
        self._shards = shards
        self._is_cluster = is_cluster
        self._limit_s = PATIENCE * timeout_s
        self._listed = listed_sessions
        self.processes = ProcessLook(broker, forget_s=forget_gone_s)
        self._fleets = FleetLook(broker)
        self._sessions = SessionLook(broker, shards=shards)
        self._failing: set[str] = set()

    async def look(self) -> Seen:
        """Look at everything once; raises nothing of what it sees."""
        seen = Seen(time_ms=time.time_ns() // 1_000_000, look=Look(), redis=RedisView(state="not seen"))
        of_services = Look()
        async with asyncio.TaskGroup() as group:
            # Each of its requests has a timeout of its own.
            services = group.create_task(look_at_services(self._services, of_services))
            # Before all that asks Redis at once, so that its time is its own.
            if await self._look_at_redis(seen):
                await self._look_into_redis(seen)
            else:
                seen.unseen |= dict.fromkeys(_IN_REDIS, seen.redis.state)
        seen.services = services.result()
        seen.look.add([of_services])
        self._note_drift(seen)
        return seen

    async def _look_into_redis(self, seen: Seen) -> None:
        looks = {name: Look() for name in _IN_REDIS}
        async with asyncio.TaskGroup() as group:
            streams = group.create_task(self._part(seen, "streams", self._look_at_streams(looks["streams"])))
            processes = group.create_task(
                self._part(seen, "processes", self.processes.look(looks["processes"]))
            )
            sessions = group.create_task(self._part(seen, "sessions", self._sessions.look(looks["sessions"])))
            fleets = group.create_task(self._part(seen, "workers", self._fleets.look(PROFILES)))
            bots = group.create_task(
                self._part(seen, "bots", look_at_bots(self._broker, looks["bots"], now_ms=seen.time_ms))
            )
            config = group.create_task(self._part(seen, "configuration", look_at_configuration(self._broker)))
        # What a part noted before it failed would look like all there is.
        seen.look.add(look for name, look in looks.items() if name not in seen.unseen)
        seen.streams = streams.result() or []
        await self._note_sessions(seen, sessions.result())
        if (reports := processes.result()) is not None:
            seen.reports = reports
            seen.processes = self.processes.views(reports)
        if (found := bots.result()) is not None:
            seen.bots, seen.bots_by_state = found.live, found.by_state
        if (by_profile := fleets.result()) is not None:
            _note_fleets(seen, by_profile, sessions.result())
        seen.configuration = config.result()

    def _note_drift(self, seen: Seen) -> None:
        if seen.configuration is None:
            return
        state, told = seen.configuration
        seen.config_version = state.version
        measure_drift(state, told, services=self._services, processes=seen.reports, look=seen.look)

    async def _look_at_redis(self, seen: Seen) -> bool:
        """Whether it answers."""
        look = Look()
        view = await self._part(seen, "redis", look_at_redis(self._broker, look, is_cluster=self._is_cluster))
        seen.redis = view or redis_away(seen.unseen.pop("redis"), look)
        seen.look.add([look])
        return view is not None

    async def _look_at_streams(self, look: Look) -> list[StreamView]:
        return await look_at_streams(self._broker, look, shards=self._shards, profiles=PROFILES)

    async def _note_sessions(self, seen: Seen, sessions: Sequence[SessionFacts] | None) -> None:
        if sessions is None:
            return
        for one in sessions:
            seen.sessions_by_profile[one.profile] = seen.sessions_by_profile.get(one.profile, 0) + 1
            waiting_s = seen.backlog_by_profile.get(one.profile, 0.0) + one.backlog_s
            seen.backlog_by_profile[one.profile] = round(waiting_s, 1)
        views = self._sessions.views(sessions, self._listed, seen.time_ms)
        seen.sessions = await self._part(seen, "leases", views) or []

    async def _part(self, seen: Seen, name: str, looking: Awaitable[T]) -> T | None:
        """What a part tells; None if it could not be seen, with the reason in ``seen.unseen``."""
        try:
            async with asyncio.timeout(self._limit_s):
                found = await looking
        except TimeoutError:
            seen.unseen[name] = f"no answer within {self._limit_s:g} s"
        except DragomanError as error:
            seen.unseen[name] = error.message
        except Exception as error:  # what breaks one part must not hide the others
            seen.unseen[name] = describe(error)
            if name not in self._failing:
                logger.exception("the {} cannot be looked at", name)
        else:
            self._failing.discard(name)
            return found
        self._failing.add(name)
        return None


def _note_fleets(
    seen: Seen, fleets: Mapping[str, Fleet | None], sessions: Sequence[SessionFacts] | None
) -> None:
    measure_fleets(fleets, sessions, seen.look)
    seen.fleets = {
        profile: figures(fleet)
        for profile, fleet in fleets.items()
        if fleet is not None and (fleet.reports or seen.sessions_by_profile.get(profile))
    }
