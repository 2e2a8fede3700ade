"""The audio worker: leases sessions, reads all their audio at once, runs each, hands them over at its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

import httpx
from loguru import logger

from dragoman_contracts.config import ConfigDocument
from dragoman_contracts.errors import BusUnavailable, DragomanError, Fenced
from dragoman_contracts.fleet import REPORT_INTERVAL_S, WorkerReport
from dragoman_contracts.streams import AUDIO_RESULTS
from dragoman_orchestration.clients.translation import TranslationClient
from dragoman_orchestration.clients.whisper import WhisperClient
from dragoman_orchestration.config.follower import ConfigFollower
from dragoman_orchestration.fleet.reporter import ProcessReporter, process_name
from dragoman_orchestration.recordings.settings import RecordingSettings
from dragoman_orchestration.streaming.detectors import (
    EnergyDetector,
    SileroDetector,
    SpeechDetector,
    load_silero,
)
from dragoman_orchestration.workers import metrics
from dragoman_orchestration.workers.fleet import FleetReports
from dragoman_orchestration.workers.ladder import percentile_90
from dragoman_orchestration.workers.listening import ListeningConfig
from dragoman_orchestration.workers.outbox import Outbox
from dragoman_orchestration.workers.poison import bury
from dragoman_orchestration.workers.recording import Recordings
from dragoman_orchestration.workers.service_level import ServiceLevel
from dragoman_orchestration.workers.session_runner import SessionRunner
from dragoman_orchestration.workers.settings import AudioWorkerSettings
from dragoman_orchestration.workers.wishes import read_wishes
from dragoman_runtime.broker.redis import RedisBroker, connect
from dragoman_runtime.dead_letters import DeadLetters
from dragoman_runtime.http_service import worker_face
from dragoman_runtime.process import Drain, Health
from dragoman_runtime.resilience import Backoff, CircuitBreaker
from dragoman_runtime.session_lease import SessionLease, SessionLeases
from dragoman_runtime.settings import RuntimeSettings

CLAIM_INTERVAL_S = 0.1
READ_COUNT = 64
"""Entries of one session in one read: a session that catches up does not starve the others."""
LOAD_INTERVAL_S = 0.25
WISHES_INTERVAL_S = 1.0
TRIM_INTERVAL_S = 60.0
RETRY_CAP_S = 0.5
"""Longest pause of a loop while Redis is away: well within a lease."""
RESULTS_KEPT_S = 3_600
"""How long ``stream:audio-results`` keeps what its readers have not taken."""


class AudioWorker:
    """Claims, runs and hands over sessions; one instance a process."""

    def __init__(
        self,
        leases: SessionLeases,
        broker: RedisBroker,
        service: ServiceLevel,
        settings: AudioWorkerSettings,
        new_detector: Callable[[], SpeechDetector],
        *,
        name: str,
        shards: int,
        translation: TranslationClient | None = None,
        recordings: RecordingSettings | None = None,
    ) -> None:
        self.listening = ListeningConfig(settings)
        self._leases = leases
        self._broker = broker
        self._service = service
        self._settings = settings
        self._name = name
        self._translation = translation
        self._fleet = FleetReports(broker, settings.profile)
        self._dead_letters = DeadLetters(broker, shards=shards, profiles=(settings.profile,))
        self._new_detector = new_detector
        self._outbox = Outbox(broker)
        self._recordings = Recordings(recordings or RecordingSettings(), broker, shards=shards)
        self._runners: dict[str, SessionRunner] = {}
        self._stops: set[asyncio.Task[None]] = set()
        self._to_start: list[SessionLease] = []
        self._renewed = 0.0
        self._takeover_after = 0.0
        self._stopping = False

    async def run(self, drain: Drain) -> None:
        """Work until ``drain``; then hand every session over."""
        loops = [
            asyncio.create_task(self._forever(step.__name__.strip("_"), step, interval_s))
            for step, interval_s in (
                (self._keep_leases, self._settings.lease_ms / 4000),
                (self._claim, CLAIM_INTERVAL_S),
                (self._read, self._settings.read_interval_ms / 1000),
                (self._watch_load, LOAD_INTERVAL_S),
                (self._report, REPORT_INTERVAL_S),
                (self._follow_wishes, WISHES_INTERVAL_S),
                (self._trim, TRIM_INTERVAL_S),
            )
        ]
        drained = asyncio.create_task(drain.wait())
        try:
            await asyncio.wait({*loops, drained}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stopping = True
            for task in (*loops, drained):
                task.cancel()
            outcomes = await asyncio.gather(*loops, drained, return_exceptions=True)
            # Cut short instead of drained: there is no time to hand over, the leases run out.
            await (self._leave() if drain.is_set() else self._stop_all())
            await asyncio.gather(*self._stops, return_exceptions=True)
            self._recordings.close()
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    def configure(self, document: ConfigDocument, _version: int) -> None:
        """Work by this version of the runtime configuration from here on, also in the sessions that run."""
        self.listening.use(document)
        self._service.retune(*self.listening.ladder())
        for runner in self._runners.values():
            self._guarded(runner, runner.listen)

    def measures(self) -> dict[str, float]:
        """For the process' report."""
        return {
            "sessions": len(self._runners),
            "room": self._room,
            "level": self._service.level,
            "lag_ms": self._service.lag_ms,
        }

    @property
    def _room(self) -> int:
        return max(0, self._settings.max_sessions - len(self._runners))

    async def _leave(self) -> None:
        """Take no more, hand over what there is, and be forgotten."""
        try:
            await self._fleet.tell(self._report_now(room=0))
        except DragomanError as error:
            logger.warning("the fleet cannot be told that this worker leaves: {}", error.message)
        runners = list(self._runners.values())
        waiting = [self._leases.hand_over(lease) for lease in self._to_start]
        await asyncio.gather(*(runner.hand_over() for runner in runners), *waiting, return_exceptions=True)
        try:
            await self._fleet.withdraw(self._name)
        except DragomanError:
            logger.info("the report of this worker stays until it is too old to count")

    async def _stop_all(self) -> None:
        await asyncio.gather(*(runner.stop() for runner in self._runners.values()), return_exceptions=True)

    async def _forever(self, name: str, step: Callable[[], Awaitable[None]], interval_s: float) -> None:
        """Repeat a step at its interval. Trouble with Redis delays it and never ends it."""
        backoff = Backoff(cap_s=RETRY_CAP_S)
        due = time.monotonic()
        # Not "while True": on Python 3.11 a cancellation that meets a timeout can be lost on the way.
        while not self._stopping:
            try:
                await step()
                backoff.reset()
            except DragomanError as error:
                pause_s = backoff.next_s()
                if backoff.failures == 1:
                    logger.warning("{} waits: {} {}", name, error.message, error.remedy)
                due = time.monotonic() + pause_s
            due = max(due + interval_s, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    # --- leases ------------------------------------------------------------------------------------------

    async def _keep_leases(self) -> None:
        """Renew every quarter of the lease. A loop of its own: nothing that starts may keep it waiting."""
        try:
            await self._renew()
        except BusUnavailable:
            # All leases look old after an outage. The living come back within a lease and renew theirs:
            # whoever is first must not take everything.
            self._takeover_after = time.monotonic() + RETRY_CAP_S + self._settings.lease_ms / 1000
            raise
        self._renewed = time.monotonic()

    async def _claim(self) -> None:
        await self._start_waiting()
        room = self._room
        if not room:
            return
        now = time.monotonic()
        # A worker that was late to renew would find its own leases among those that look old.
        in_time = now - self._renewed < self._settings.lease_ms / 2000
        stale = in_time and now >= self._takeover_after
        self._to_start += await self._leases.claim(room, stale=stale, new=not self._service.refuses)
        await self._start_waiting()

    async def _start_waiting(self) -> None:
        """Start what is leased and does not run, all at once: one by one, leases would run out meanwhile."""
        waiting = list(self._to_start)
        outcomes = await asyncio.gather(*(self._start(lease) for lease in waiting), return_exceptions=True)
        away = None
        for lease, outcome in zip(waiting, outcomes, strict=True):
            if isinstance(outcome, BusUnavailable):
                away = outcome  # stays, and is tried again while the lease is ours
            elif isinstance(outcome, BaseException):
                raise outcome
            elif lease in self._to_start:
                self._to_start.remove(lease)
        if away is not None:
            raise away
        await self._apply_wishes([one for one in self._runners.values() if not one.interpreter.is_planned])

    async def _follow_wishes(self) -> None:
        """Which languages a session is translated into may change while it is live."""
        await self._apply_wishes(list(self._runners.values()))

    async def _apply_wishes(self, runners: Sequence[SessionRunner]) -> None:
        known = {runner.lease.keys: runner.interpreter.wishes for runner in runners}
        found = await read_wishes(self._broker, known)
        for runner, wishes in zip(runners, found, strict=True):
            if wishes is not None and not runner.is_over:
                self._guarded(runner, partial(runner.apply_wishes, wishes))

    async def _start(self, lease: SessionLease) -> None:
        """Run a leased session from its checkpoint.

        Raises:
            BusUnavailable: Redis is away; try again while the lease is ours.

        """
        if lease.session_id in self._runners:
            # Our own lease came back to us: we were too slow to renew it, and start over from the checkpoint.
            await self._runners.pop(lease.session_id).stop()
        was_ours = bool(lease.token)
        try:
            await self._leases.activate(lease)
            if self._leases.is_poison(lease):
                await bury(lease, self._leases, self._broker, retention_s=self._settings.retention_s)
                return
            runner = SessionRunner(
                lease,
                self._leases,
                service=self._service,
                outbox=self._outbox,
                translation=self._translation,
                detector=self._new_detector(),
                settings=self._settings,
                listening=self.listening,
                recordings=self._recordings,
            )
        except Fenced as error:
            logger.bind(session_id=lease.session_id).warning(
                "session {} is not taken: {}", lease.session_id, error.message
            )
            return
        except BusUnavailable:
            raise
        except Exception:
            # One session's state must not end the worker. Its lease runs out; after a few times it is buried.
            logger.bind(session_id=lease.session_id).exception(
                "session {} cannot be started", lease.session_id
            )
            return
        if was_ours:
            metrics.RESTARTS.inc()
        elif lease.generation > 1:
            metrics.TAKEOVERS.inc()
        logger.bind(session_id=lease.session_id).info(
            "session {} taken, generation {}", lease.session_id, lease.generation
        )
        self._runners[lease.session_id] = runner
        metrics.SESSIONS.set(len(self._runners))

    async def _renew(self) -> None:
        now = time.monotonic()
        held = {id(lease): lease for lease in self._to_start}
        for runner in self._runners.values():
            if not runner.is_over:
                held[id(runner.lease)] = runner.lease
                # What kills its workers does so soon: who lives through two leases is not to be counted.
                runner.lease.progressed |= now - runner.started > 2 * self._settings.lease_ms / 1000
        for lease in await self._leases.renew(list(held.values())):
            if lease in self._to_start:
                self._to_start.remove(lease)
            running = self._runners.get(lease.session_id)
            if running is not None and running.lease is lease and not running.is_closing:
                logger.bind(session_id=lease.session_id).warning(
                    "session {} was taken over by another worker", lease.session_id
                )
                running.is_lost = True
                await running.stop()

    # --- audio -------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        self._forget_finished()
        shards = self._by_shard()
        positions = [{runner.lease.keys.audio: runner.position for runner in members} for members in shards]
        for members, entries in zip(shards, await self._broker.read_many(positions, READ_COUNT), strict=True):
            if isinstance(entries, DragomanError):
                continue  # of a cluster, the master of this shard is away: the others' sessions go on
            for runner in members:
                news = entries.get(runner.lease.keys.audio)
                if news and not runner.is_over:
                    self._guarded(runner, partial(runner.feed, news))
        for runner in list(self._runners.values()):
            self._guarded(runner, runner.pump)

    def _by_shard(self) -> list[list[SessionRunner]]:
        shards: dict[int, list[SessionRunner]] = {}
        for runner in self._runners.values():
            if runner.wants_audio:
                shards.setdefault(runner.lease.keys.shard.shard, []).append(runner)
        return list(shards.values())

    def _guarded(self, runner: SessionRunner, action: Callable[[], None]) -> None:
        """Run one session's part; what breaks it must not break the others."""
        try:
            action()
        except Exception:
            logger.bind(session_id=runner.session_id).exception("session {} failed", runner.session_id)
            runner.is_over = runner.is_lost = True

    def _forget_finished(self) -> None:
        over = [runner for runner in self._runners.values() if runner.is_over]
        for runner in over:
            del self._runners[runner.session_id]
            if runner.is_fenced:
                # Another worker has it, or Redis has less than this one remembers. Then the lease may be ours
                # still: it begins again from the checkpoint, at once. The count ends that if it never helps.
                # A copy: what is left of this runner must not write under the token of the next one.
                again = replace(runner.lease, times_delivered=runner.lease.times_delivered + 1)
                self._to_start.append(again)
            # Its tasks, and a decoder's thread that would wait for bytes for ever.
            stop = asyncio.create_task(runner.stop())
            self._stops.add(stop)
            stop.add_done_callback(self._stops.discard)
        if over:
            metrics.SESSIONS.set(len(self._runners))

    # --- load --------------------------------------------------------------------------------------------

    async def _watch_load(self) -> None:
        """Climb down and up the ladder of service; the runners tell their viewers."""
        now = time.monotonic()
        lag_ms = percentile_90(runner.lag_ms(now) for runner in self._runners.values())
        metrics.LAG.set(lag_ms / 1000)
        if self._service.observe(lag_ms, now):
            metrics.DEGRADATION.set(self._service.level)
            logger.warning(
                "level of degradation {} at a lag of {} ms: {}",
                self._service.level,
                lag_ms,
                self._service.reason,
            )

    async def _report(self) -> None:
        await self._fleet.tell(self._report_now(room=self._room))

    def _report_now(self, *, room: int) -> WorkerReport:
        return WorkerReport(
            worker=self._name,
            sessions=len(self._runners),
            room=room,
            level=self._service.level,
            refuses=self._service.refuses,
            lag_ms=self._service.lag_ms,
            seen_ms=_now_ms(),
        )

    # --- upkeep ------------------------------------------------------------------------------------------

    async def _trim(self) -> None:
        """What nobody else cleans up, and how many dead letters wait."""
        await self._broker.trim(AUDIO_RESULTS, f"{_now_ms() - RESULTS_KEPT_S * 1000}-0")
        for name in await self._fleet.sweep(_now_ms()):
            logger.info("worker {} left without a word", name.decode(errors="replace"))
        for stream, count in (await self._dead_letters.counts()).items():
            metrics.DEAD_LETTERS.labels(stream).set(count)
        await self._recordings.sweep()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def detector_factory(settings: AudioWorkerSettings) -> Callable[[], SpeechDetector]:
    """Makes one detector a session; the Silero network itself is loaded once."""
    if not settings.use_silero:
        return EnergyDetector
    run = load_silero()
    return lambda: SileroDetector(run)


async def run_audio_worker(
    settings: AudioWorkerSettings,
    runtime: RuntimeSettings,
    drain: Drain,
    *,
    recordings: RecordingSettings | None = None,
) -> None:
    """Run one audio worker until ``drain``; its health is on ``runtime.metrics_port``."""
    broker = RedisBroker(connect(runtime, client_name="dragoman-audio-worker"))
    whisper_breaker = CircuitBreaker("the whisper service")
    translation_breaker = CircuitBreaker("the translation service")
    whisper = _whisper_client(settings, settings.whisper_url, whisper_breaker)
    fallback = None
    if settings.fallback_whisper_url:
        fallback = _whisper_client(
            settings, settings.fallback_whisper_url, CircuitBreaker("the fallback whisper service")
        )
    service = ServiceLevel(whisper, fallback, steps=settings.ladder_steps, limits=settings.ladder_limits)
    name = process_name()
    leases = SessionLeases(
        broker,
        worker=name,
        profile=settings.profile,
        shards=runtime.shards,
        lease_ms=settings.lease_ms,
    )
    health = Health("audio-worker", drain=drain)
    health.add_check("redis", broker.ping)
    health.add_check("whisper", whisper.ready)
    translation = _translation_client(settings, translation_breaker)
    worker = AudioWorker(
        leases,
        broker,
        service,
        settings,
        detector_factory(settings),
        name=name,
        shards=runtime.shards,
        translation=translation,
        recordings=recordings,
    )
    follower = ConfigFollower(broker, on_change=worker.configure)
    reporter = ProcessReporter(
        broker=broker,
        kind="audio",
        name=name,
        health=health,
        profile=settings.profile,
        breakers=(whisper_breaker, *((translation_breaker,) if translation is not None else ())),
        config=follower.applied,
        defaults=worker.listening.defaults,
        measures=worker.measures,
    )
    async with worker_face(health, runtime), asyncio.TaskGroup() as beside:
        beside.create_task(follower.run(drain))
        beside.create_task(reporter.run(drain))
        metrics.SESSIONS_MAX.set(settings.max_sessions)
        logger.info(
            "audio worker of profile {} takes up to {} sessions", settings.profile, settings.max_sessions
        )
        try:
            await worker.run(drain)
        finally:
            await service.close()
            if translation is not None:
                await translation.close()
            await broker.close()


def _whisper_client(settings: AudioWorkerSettings, url: str, breaker: CircuitBreaker) -> WhisperClient:
    http = _http(url, settings.whisper_timeout_s, settings.connections)
    return WhisperClient(http, breaker, connections=settings.connections)


def _translation_client(settings: AudioWorkerSettings, breaker: CircuitBreaker) -> TranslationClient | None:
    if not settings.translation_url:
        return None
    connections = settings.translation_connections
    http = _http(settings.translation_url, settings.translation_timeout_s, connections)
    return TranslationClient(http, breaker, connections=connections)


def _http(url: str, timeout_s: float, connections: int) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=url,
        timeout=httpx.Timeout(timeout_s, connect=2.0),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=connections),
    )
