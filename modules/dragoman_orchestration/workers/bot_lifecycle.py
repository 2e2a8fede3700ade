"""The bots worker: takes bots that are due, keeps each of them, and gives them back at its end.

Events on ``stream:bot-control`` only wake it up. What is to be done is in the records, so that events that
are lost, doubled or out of order cost a moment at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import httpx
from loguru import logger
from prometheus_client import Gauge

from dragoman_contracts.config import Bots
from dragoman_contracts.envelope import Envelope, EnvelopeInvalid
from dragoman_contracts.errors import DragomanError
from dragoman_contracts.events import (
    BotReported,
    BotRequested,
    BotRestartRequested,
    BotStopRequested,
    parse_event,
)
from dragoman_contracts.streams import BOT_CONTROL, GROUP_BOT_ORCHESTRATOR
from dragoman_orchestration.bots.keeper import BotKeeper, KeeperParts
from dragoman_orchestration.bots.launchers.base import Launcher
from dragoman_orchestration.bots.launchers.process import Bounds, ProcessLauncher
from dragoman_orchestration.bots.settings import BotSettings
from dragoman_orchestration.bots.store import BotGone, BotStore
from dragoman_orchestration.bots.supervision import Patience
from dragoman_orchestration.config.follower import ConfigFollower
from dragoman_orchestration.fleet.reporter import ProcessReporter, process_name
from dragoman_orchestration.session.store import SessionStore, now_ms
from dragoman_orchestration.webhooks.run import run_webhooks
from dragoman_orchestration.webhooks.settings import WebhookSettings
from dragoman_orchestration.workers.bot_settings import BotsWorkerSettings
from dragoman_runtime.broker.consumer import Consumer, ConsumerOptions
from dragoman_runtime.broker.redis import RedisBroker, connect
from dragoman_runtime.http_service import worker_face
from dragoman_runtime.process import Drain, Health
from dragoman_runtime.resilience import Backoff
from dragoman_runtime.settings import RuntimeSettings

CLAIM_INTERVAL_S = 0.5
LOOK_INTERVAL_S = 2.0
TIDY_EVERY = 15
"""Looks at the queue between two cleanings."""
CONTROL_KEPT_S = 3_600
"""How long ``stream:bot-control`` keeps what its readers have not taken."""
EVENTS_KEPT_S = 7 * 86_400
"""How long the events of bots can be followed up."""
API_TIMEOUT_S = 2.0
DRAIN_RESERVE_S = 3.0
"""Of the time to drain: what is left for giving bots back and closing."""

HELD = Gauge("dragoman_bots_held", "Bots that this worker holds.")
ROOM = Gauge("dragoman_bots_room", "Bots that this worker could take.")
WAITING = Gauge("dragoman_bots_waiting", "Bots that wait for a worker with room, or for their time.")


class BotsWorker:
    """Holds up to ``settings.max_bots`` bots.

    Args:
        store: the bots.
        sessions: the sessions that they speak into.
        launcher: starts their runners.
        settings: of this worker.
        config: values of the runtime configuration, asked whenever they are needed.
        name: unique name of this process.
        api_answers: whether the API that runners report to is there.
        drain_s: how long the end may take.

    """

    def __init__(
        self,
        store: BotStore,
        sessions: SessionStore,
        launcher: Launcher,
        settings: BotsWorkerSettings,
        *,
        config: Callable[[], Bots],
        name: str,
        api_answers: Callable[[], Awaitable[bool]],
        drain_s: float = 10.0,
        patience: Patience | None = None,
    ) -> None:
        self._store = store
        self._launcher = launcher
        self._settings = settings
        self._name = name
        self._drain_s = drain_s
        self._waiting = 0
        self._is_blind = False
        self._is_renewed = True
        self._ending = False
        self._claim_now = asyncio.Event()
        self._keepers: dict[str, BotKeeper] = {}
        self._tasks: dict[BotKeeper, asyncio.Task[None]] = {}
        self._parts = KeeperParts(
            store=store,
            sessions=sessions,
            launcher=launcher,
            config=config,
            patience=patience or Patience(stop_grace_s=settings.stop_grace_s),
            api_url=settings.api_url,
            has_room=self._has_room,
            api_answers=api_answers,
            is_draining=lambda: self._ending,
        )

    def measures(self) -> dict[str, float]:
        """What this worker tells about itself."""
        return {"bots": len(self._keepers), "room": self._room(), "waiting": self._waiting}

    async def run(self, drain: Drain) -> None:
        """Hold bots until the drain; then they end, or others take them with their runners."""
        holding = asyncio.create_task(self._hold())
        upkeep = asyncio.create_task(self._look_after(drain))
        try:
            while not drain.is_set():
                await self._claim()
                await self._pause(drain)
            await self._give_back()
        finally:
            for task in (holding, upkeep, *self._tasks.values()):
                task.cancel()
            await asyncio.gather(holding, upkeep, *self._tasks.values(), return_exceptions=True)

    async def handle(self, envelope: Envelope) -> None:
        """One event of the control stream; what is not of bots, or not known any more, is nothing to do.

        Raises:
            EnvelopeInvalid: it is no event.
            BusUnavailable: Redis is away.

        """
        event = parse_event(envelope)
        try:
            match event:
                case BotRequested():
                    self._claim_now.set()
                case BotReported():
                    self._wake(event.bot_id)
                case BotStopRequested():
                    await self._store.stop(event.bot_id, event.requested_by)
                    self._wake(event.bot_id)
                    self._claim_now.set()
                case BotRestartRequested():
                    await self._store.restart(event.bot_id, event.reason, _time_ms(envelope))
                    self._wake(event.bot_id)
        except BotGone:
            logger.info("an event is of a bot that is gone: {}", envelope.type)

    # --- taking and keeping --------------------------------------------------------------------------------

    def _room(self) -> int:
        return max(0, self._settings.max_bots - len(self._keepers))

    def _has_room(self, bot_id: str) -> bool:
        """What was taken over from others may be more than there is room for: then it is not started here."""
        others = sum(keeper.has_runner for other, keeper in self._keepers.items() if other != bot_id)
        return others < self._settings.max_bots

    async def _claim(self) -> None:
        self._claim_now.clear()
        if not self._is_renewed:
            return  # after an outage its own leases look like those of a dead worker
        try:
            claims = await self._store.claim(self._name, room=self._room(), lease_ms=self._settings.lease_ms)
        except DragomanError as error:
            if not self._is_blind:
                logger.warning("no bots can be taken: {}", error.message)
            self._is_blind = True
            return
        self._is_blind = False
        for claim in claims:
            keeper = BotKeeper(claim, self._parts)
            before = self._keepers.pop(claim.bot_id, None)
            if before is not None:
                before.leave()
            self._keepers[claim.bot_id] = keeper
            self._tasks[keeper] = asyncio.create_task(self._keep(keeper), name=f"bot {claim.bot_id}")
        self._count()

    async def _keep(self, keeper: BotKeeper) -> None:
        try:
            await keeper.run()
        finally:
            self._tasks.pop(keeper, None)
            if self._keepers.get(keeper.claim.bot_id) is keeper and not self._ending:
                del self._keepers[keeper.claim.bot_id]
                self._claim_now.set()
            self._count()

    async def _pause(self, drain: Drain) -> None:
        waits = {asyncio.ensure_future(drain.wait()), asyncio.ensure_future(self._claim_now.wait())}
        try:
            await asyncio.wait(waits, timeout=CLAIM_INTERVAL_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _hold(self) -> None:
        """Renew the leases, four times within each."""
        backoff = Backoff(base_s=0.1, cap_s=0.5)
        while True:
            keepers = list(self._keepers.values())
            try:
                kept = await self._store.renew([one.claim for one in keepers], self._settings.lease_ms)
                backoff.reset()
                self._is_renewed = True
            except DragomanError:
                self._is_renewed = False
                await asyncio.sleep(backoff.next_s())
                continue
            for keeper in keepers:
                if keeper.claim.bot_id not in kept:
                    keeper.wake()  # it looks at the record, and finds out what became of it
            await asyncio.sleep(self._settings.lease_ms / 4000)

    def _wake(self, bot_id: str) -> None:
        keeper = self._keepers.get(bot_id)
        if keeper is not None:
            keeper.wake()

    def _count(self) -> None:
        HELD.set(len(self._keepers))
        ROOM.set(self._room())

    # --- the end -------------------------------------------------------------------------------------------

    async def _give_back(self) -> None:
        if self._settings.end_runners_on_drain:
            await self._end_bots()
        keepers = list(self._keepers.values())
        for keeper in keepers:
            keeper.leave()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=DRAIN_RESERVE_S / 2)
        outcomes = await asyncio.gather(
            *(self._store.hand_over(keeper.claim) for keeper in keepers), return_exceptions=True
        )
        if handed := sum(outcome is True for outcome in outcomes):
            logger.info("{} bots are handed over", handed)

    async def _end_bots(self) -> None:
        """Let all bots end while there is time; what does not end is killed with its runner."""
        self._ending = True
        for keeper in self._keepers.values():
            keeper.wake()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=max(0.0, self._drain_s - DRAIN_RESERVE_S))
        left = list(self._tasks)
        if left:
            logger.warning("{} bots did not end in time: their runners are killed", len(left))
            await asyncio.gather(*(keeper.kill_runner() for keeper in left), return_exceptions=True)
            if self._tasks:
                await asyncio.wait(self._tasks.values(), timeout=DRAIN_RESERVE_S / 2)
        self._keepers = {keeper.claim.bot_id: keeper for keeper in left}

    # --- upkeep --------------------------------------------------------------------------------------------

    async def _look_after(self, drain: Drain) -> None:
        """How many wait, and what nobody else cleans up."""
        looks = 0
        while not drain.is_set():
            try:
                self._waiting = await self._store.waiting()
                WAITING.set(self._waiting)
                if looks % TIDY_EVERY == 0:
                    await self._store.tidy(
                        control_before_ms=now_ms() - CONTROL_KEPT_S * 1000,
                        events_before_ms=now_ms() - EVENTS_KEPT_S * 1000,
                    )
                looks += 1
            except DragomanError as error:
                logger.debug("nothing can be looked after now: {}", error.message)
            await drain.wait(LOOK_INTERVAL_S)


def _time_ms(envelope: Envelope) -> int:
    try:
        return round(datetime.fromisoformat(envelope.time).timestamp() * 1000)
    except ValueError as error:
        raise EnvelopeInvalid("its time is none") from error


async def run_bots_worker(
    settings: BotsWorkerSettings,
    runtime: RuntimeSettings,
    drain: Drain,
    *,
    config: Callable[[], Bots] | None = None,
    launcher: Launcher | None = None,
    patience: Patience | None = None,
) -> None:
    """Run one bots worker and a courier of webhooks until ``drain``, health on ``runtime.metrics_port``."""
    broker = RedisBroker(connect(runtime, client_name="dragoman-bots-worker"))
    name = process_name()
    store = BotStore(broker, retention_s=BotSettings().retention_s)
    health = Health("bots-worker", drain=drain)
    health.add_check("redis", broker.ping)
    follower = ConfigFollower(broker)
    async with httpx.AsyncClient(base_url=settings.api_url, timeout=API_TIMEOUT_S, trust_env=False) as http:
        launcher = launcher or make_launcher(settings)
        worker = BotsWorker(
            store,
            SessionStore(broker, shards=runtime.shards),
            launcher,
            settings,
            config=config or (lambda: follower.document.system.bots),
            name=name,
            api_answers=_api_check(http),
            drain_s=runtime.drain_timeout_s,
            patience=patience,
        )
        consumer = Consumer(
            broker,
            BOT_CONTROL,
            GROUP_BOT_ORCHESTRATOR,
            name,
            worker.handle,
            options=ConsumerOptions(claim_idle_ms=10_000, claim_every_ms=2_000),
        )
        reporter = ProcessReporter(
            broker=broker,
            kind="bots",
            name=name,
            health=health,
            config=follower.applied,
            measures=worker.measures,
        )
        try:
            async with worker_face(health, runtime):
                logger.info(
                    "bots worker takes up to {} bots, launcher {}", settings.max_bots, settings.launcher
                )
                await asyncio.gather(
                    worker.run(drain),
                    consumer.run(drain),
                    reporter.run(drain),
                    follower.run(drain),
                    run_webhooks(broker, WebhookSettings(), drain, shards=runtime.shards),
                )
        finally:
            await launcher.close()
            await broker.close()


def make_launcher(settings: BotsWorkerSettings) -> Launcher:
    """The launcher that the settings ask for."""
    if settings.launcher == "kubernetes":
        from dragoman_orchestration.bots.launchers.kubernetes import KubernetesLauncher  # noqa: PLC0415

        return KubernetesLauncher.from_settings(settings)
    bounds = Bounds(settings.runner_cpu_s, settings.runner_open_files, settings.runner_niceness)
    return ProcessLauncher(folder=Path(settings.folder) if settings.folder else None, bounds=bounds)


def _api_check(http: httpx.AsyncClient) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        try:
            return (await http.get("/health")).is_success
        except httpx.HTTPError:
            return False

    return check
