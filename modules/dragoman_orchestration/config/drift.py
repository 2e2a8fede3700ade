"""Drift: a service or process runs with something else than it should. Services are repaired.

An episode begins when a part is seen to differ, is told once, and ends when the part is seen to be right. A
repair that does not help is tried again with growing pauses and given up loudly after a bound, until another
version comes or the part runs with yet something else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from loguru import logger
from prometheus_client import Counter, Gauge

from dragoman_contracts.events import ConfigDriftDetected
from dragoman_orchestration.config.announcer import Announcer
from dragoman_orchestration.config.services import Outcome, ServiceAnswer, ServiceFleet
from dragoman_orchestration.config.state import ConfigState
from dragoman_orchestration.config.store import ConfigStore
from dragoman_orchestration.config.turn import ChangeTurn
from dragoman_runtime.resilience import Backoff

DRIFTING = Gauge(
    "dragoman_config_drifting",
    "Parts that run with another configuration than they should, by kind.",
    ["kind"],
)
REPAIRS = Counter(
    "dragoman_config_repairs_total", "Repairs of services that drifted: done, failed, given_up.", ["outcome"]
)
for _outcome in ("done", "failed", "given_up"):
    REPAIRS.labels(_outcome)


@dataclass(slots=True)
class _Episode:
    """One part that differs."""

    version: int
    expected: str
    found: str
    since: float
    attempts: int = 0
    due: float = 0.0
    reason: str = ""
    repaired: bool = False
    gave_up: bool = False
    told: bool = False
    backoff: Backoff = field(default_factory=lambda: Backoff(base_s=0.5, cap_s=30.0))


class ServiceDrift:
    """Watches the services and repairs them.

    Args:
        store: what they should run with.
        services: the services.
        announcer: tells of drift.
        turn: a service in the middle of a change is not drifting.
        attempts: repairs until it gives up.
        clock: monotonic seconds.

    """

    def __init__(
        self,
        store: ConfigStore,
        services: ServiceFleet,
        announcer: Announcer,
        turn: ChangeTurn,
        *,
        attempts: int = 5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._services = services
        self._announcer = announcer
        self._turn = turn
        self._attempts = attempts
        self._clock = clock
        self._episodes: dict[str, _Episode] = {}
        self.away: list[str] = []

    @property
    def drifting(self) -> list[str]:
        """Names of the services that run with something else now."""
        return sorted(self._episodes)

    async def look(self) -> None:
        """Look at all services once, and repair what is due.

        Raises:
            BusUnavailable: Redis is away.
            ConfigBusy: a change is being applied; look again later.
            ConfigUnreadable: what should be in force was written by a newer version of the product.

        """
        answers = await self._services.look((await self._store.read()).document)
        self._notice_away(answers)
        if any(answer.outcome is Outcome.DIFFERS for answer in answers):
            async with self._turn.taken(patience_s=0):
                # Looked at again in our turn: before, a change may have been half way.
                state = await self._store.read()
                answers = await self._services.look(state.document)
                await self._handle(state, [one for one in answers if one.outcome is Outcome.DIFFERS])
        for answer in answers:
            if answer.outcome is Outcome.IN_SYNC:
                self._episodes.pop(answer.name, None)
        DRIFTING.labels("service").set(len(self._episodes))

    async def push_all(self) -> None:
        """Push what is in force to every service, once, also to those that were given up.

        Raises:
            BusUnavailable: Redis is away.
            ConfigBusy: a change is being applied; push again later.
            ConfigUnreadable: see ``look``.

        """
        async with self._turn.taken():
            state = await self._store.read()
            answers = await self._services.push(state.document)
        behind = [answer.name for answer in answers if answer.outcome is not Outcome.IN_SYNC]
        logger.info(
            "version {} is pushed again to {} services{}",
            state.version,
            len(answers),
            f"; not there yet: {', '.join(behind)}" if behind else "",
        )

    def forget(self) -> None:
        """Another process watches from here on."""
        self._episodes.clear()
        self.away = []
        DRIFTING.labels("service").set(0)

    # --- one look ----------------------------------------------------------------------------------------

    def _notice_away(self, answers: Iterable[ServiceAnswer]) -> None:
        away = {answer.name: answer.reason for answer in answers if answer.outcome is Outcome.AWAY}
        for name in sorted(away.keys() - set(self.away)):
            logger.warning("{} cannot be asked what it runs with: {}", name, away[name])
        for name in sorted(set(self.away) - away.keys()):
            logger.info("{} is back", name)
        self.away = sorted(away)

    async def _handle(self, state: ConfigState, differing: list[ServiceAnswer]) -> None:
        due = []
        for answer in differing:
            episode = self._episode(answer, state.version)
            if not episode.told:
                # Told before it is repaired: a death in between tells it twice, not never.
                await self._tell(answer, episode)
                episode.told = True
                logger.warning("{} runs with something else than version {}", answer.name, state.version)
            if episode.gave_up or self._clock() < episode.due:
                continue
            if episode.attempts >= self._attempts:
                await self._give_up(answer, episode)
            else:
                due.append(answer.name)
        if due:
            for answer in await self._services.push(state.document, only=due):
                self._repaired(answer, self._episodes[answer.name])

    def _episode(self, answer: ServiceAnswer, version: int) -> _Episode:
        episode = self._episodes.get(answer.name)
        is_other = episode is not None and (
            (episode.gave_up and episode.version != version)
            or ((episode.gave_up or episode.repaired) and episode.found != answer.found)
        )
        if episode is None or is_other:
            episode = _Episode(version, answer.expected, answer.found, self._clock())
            self._episodes[answer.name] = episode
        episode.version, episode.expected, episode.found = version, answer.expected, answer.found
        return episode

    def _repaired(self, answer: ServiceAnswer, episode: _Episode) -> None:
        """Note a repair. That it worked is believed when the service is seen to be right at another look."""
        episode.due = self._clock() + episode.backoff.next_s()
        episode.repaired = answer.outcome is Outcome.IN_SYNC
        if answer.outcome is Outcome.AWAY:
            return  # it has not seen the repair
        episode.attempts += 1
        episode.reason = answer.reason
        REPAIRS.labels("done" if episode.repaired else "failed").inc()
        logger.info("{} was repaired, attempt {}: {}", answer.name, episode.attempts, answer.outcome.value)

    async def _give_up(self, answer: ServiceAnswer, episode: _Episode) -> None:
        episode.gave_up = True
        REPAIRS.labels("given_up").inc()
        logger.error(
            "{} does not stay with what it should run with after {} repairs; it is left alone until "
            "something changes",
            answer.name,
            episode.attempts,
        )
        await self._tell(answer, episode)

    async def _tell(self, answer: ServiceAnswer, episode: _Episode) -> None:
        await self._announcer.tell(
            ConfigDriftDetected(
                part=answer.name,
                kind="service",
                expected=episode.expected,
                found=episode.found,
                attempts=episode.attempts,
                gave_up=episode.gave_up,
                reason=episode.reason or answer.reason,
            ),
            subject=answer.name,
        )
