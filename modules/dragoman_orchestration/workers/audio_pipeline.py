"""The audio worker: leases sessions, reads all their audio at once, runs each, hands them over at its end."""

from __future__ import annotations

import asyncio
import os
import socket
import time
import uuid
from collections.abc import Awaitable, Callable
from functools import partial

import httpx
from loguru import logger

from dragoman_contracts.errors import DragomanError, Fenced
from dragoman_contracts.streams import AUDIO_RESULTS
from dragoman_orchestration.clients.resilience import Backoff, CircuitBreaker
from dragoman_orchestration.clients.whisper import WhisperClient
from dragoman_orchestration.streaming.detectors import (
    EnergyDetector,
    SileroDetector,
    SpeechDetector,
    load_silero,
)
from dragoman_orchestration.workers import metrics
from dragoman_orchestration.workers.outbox import Outbox
from dragoman_orchestration.workers.poison import bury
from dragoman_orchestration.workers.session_runner import SessionRunner
from dragoman_orchestration.workers.settings import AudioWorkerSettings
from dragoman_runtime.broker.redis import RedisBroker, connect
from dragoman_runtime.http_service import worker_face
from dragoman_runtime.process import Drain, Health
from dragoman_runtime.session_lease import SessionLease, SessionLeases
from dragoman_runtime.settings import RuntimeSettings

CLAIM_INTERVAL_S = 0.1
READ_COUNT = 64
"""Entries of one session in one read: a session that catches up does not starve the others."""
TRIM_INTERVAL_S = 60.0
RESULTS_KEPT_S = 3_600
"""How long ``stream:audio-results`` keeps what its readers have not taken."""


class AudioWorker:
    """Claims, runs and hands over sessions; one instance a process."""

    def __init__(
        self,
        leases: SessionLeases,
        broker: RedisBroker,
        whisper: WhisperClient,
        settings: AudioWorkerSettings,
        new_detector: Callable[[], SpeechDetector],
    ) -> None:
        self._leases = leases
        self._broker = broker
        self._whisper = whisper
        self._settings = settings
        self._new_detector = new_detector
        self._outbox = Outbox(broker)
        self._runners: dict[str, SessionRunner] = {}
        self._renew_due = 0.0
        self._stopping = False

    async def run(self, drain: Drain) -> None:
        """Work until ``drain``; then hand every session over."""
        loops = [
            asyncio.create_task(self._forever(step.__name__.strip("_"), step, interval_s))
            for step, interval_s in (
                (self._keep_leases, CLAIM_INTERVAL_S),
                (self._read, self._settings.read_interval_ms / 1000),
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
            runners = list(self._runners.values())
            # Cut short instead of drained: there is no time to hand over, the leases run out.
            leave = [runner.hand_over() if drain.is_set() else runner.stop() for runner in runners]
            await asyncio.gather(*leave, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    async def _forever(self, name: str, step: Callable[[], Awaitable[None]], interval_s: float) -> None:
        """Repeat a step at its interval. Trouble with Redis delays it and never ends it."""
        backoff = Backoff()
        due = time.monotonic()
        # Not "while True": on Python 3.11 a cancellation that meets a timeout can be lost on the way.
        while not self._stopping:
            try:
                await step()
                backoff.reset()
            except Fenced:
                continue  # one session changed hands in the middle of its start
            except DragomanError as error:
                pause_s = backoff.next_s()
                if backoff.failures == 1:
                    logger.warning("{} waits: {} {}", name, error.message, error.remedy)
                due = time.monotonic() + pause_s
            due = max(due + interval_s, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    # --- leases ------------------------------------------------------------------------------------------

    async def _keep_leases(self) -> None:
        """Renew every quarter of the lease, then claim; the other way round a late worker claims its own."""
        now = time.monotonic()
        if now >= self._renew_due:
            await self._renew()
            self._renew_due = now + self._settings.lease_ms / 4000
        await self._claim()

    async def _claim(self) -> None:
        room = self._settings.max_sessions - len(self._runners)
        if room <= 0:
            return
        for lease in await self._leases.claim(room):
            await self._start(lease)

    async def _start(self, lease: SessionLease) -> None:
        if lease.session_id in self._runners:
            # Our own lease came back to us: we were too slow to renew it, and start over from the checkpoint.
            await self._runners.pop(lease.session_id).stop()
        await self._leases.activate(lease)
        if self._leases.is_poison(lease):
            await bury(lease, self._leases, retention_s=self._settings.retention_s)
            return
        if lease.generation > 1:
            metrics.TAKEOVERS.inc()
        logger.info("session {} taken, generation {}", lease.session_id, lease.generation)
        self._runners[lease.session_id] = SessionRunner(
            lease,
            self._leases,
            whisper=self._whisper,
            outbox=self._outbox,
            detector=self._new_detector(),
            settings=self._settings,
        )
        metrics.SESSIONS.set(len(self._runners))

    async def _renew(self) -> None:
        runners = list(self._runners.values())
        lost = await self._leases.renew([runner.lease for runner in runners if not runner.is_over])
        for lease in lost:
            runner = self._runners.get(lease.session_id)
            if runner is not None and runner.lease is lease:
                logger.warning("session {} was taken over by another worker", lease.session_id)
                runner.is_lost = True
                await runner.stop()

    # --- audio -------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        self._forget_finished()
        for members in self._by_shard():
            positions = {runner.lease.keys.audio: runner.position for runner in members}
            entries = await self._broker.read(positions, READ_COUNT)
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
            logger.exception("session {} failed", runner.session_id)
            runner.is_over = runner.is_lost = True

    def _forget_finished(self) -> None:
        over = [session_id for session_id, runner in self._runners.items() if runner.is_over]
        for session_id in over:
            del self._runners[session_id]
        if over:
            metrics.SESSIONS.set(len(self._runners))

    async def _trim(self) -> None:
        oldest_ms = time.time_ns() // 1_000_000 - RESULTS_KEPT_S * 1000
        await self._broker.trim(AUDIO_RESULTS, f"{oldest_ms}-0")


def detector_factory(settings: AudioWorkerSettings) -> Callable[[], SpeechDetector]:
    """Makes one detector a session; the Silero network itself is loaded once."""
    if not settings.use_silero:
        return EnergyDetector
    run = load_silero()
    return lambda: SileroDetector(run)


async def run_audio_worker(settings: AudioWorkerSettings, runtime: RuntimeSettings, drain: Drain) -> None:
    """Run one audio worker until ``drain``; its health is on ``runtime.metrics_port``."""
    broker = RedisBroker(connect(runtime, client_name="dragoman-audio-worker"))
    http = httpx.AsyncClient(
        base_url=settings.whisper_url,
        # No limit on the wait for a connection: that is our own queue, one window a session deep.
        timeout=httpx.Timeout(settings.whisper_timeout_s, connect=2.0, pool=None),
        limits=httpx.Limits(
            max_connections=settings.connections, max_keepalive_connections=settings.connections
        ),
    )
    whisper = WhisperClient(http, CircuitBreaker("the whisper service"))
    leases = SessionLeases(
        broker,
        worker=f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}",
        profile=settings.profile,
        shards=runtime.shards,
        lease_ms=settings.lease_ms,
    )
    health = Health("audio-worker", drain=drain)
    health.add_check("redis", _redis_check(broker))
    health.add_check("whisper", whisper.ready)
    worker = AudioWorker(leases, broker, whisper, settings, detector_factory(settings))
    async with worker_face(health, runtime):
        logger.info(
            "audio worker of profile {} takes up to {} sessions", settings.profile, settings.max_sessions
        )
        try:
            await worker.run(drain)
        finally:
            await whisper.close()
            await broker.close()


def _redis_check(broker: RedisBroker) -> Callable[[], Awaitable[str | None]]:
    async def check() -> str | None:
        await broker.ping()
        return None

    return check
