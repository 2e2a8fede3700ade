"""Brings texts of many sessions to one engine: bounded, fair, in batches of one language pair."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from loguru import logger

from dragoman_contracts.errors import (
    BadUpstream,
    DragomanError,
    EngineUnavailable,
    Overloaded,
    TranslationFailed,
    Unavailable,
)
from dragoman_runtime.languages import base
from dragoman_runtime.resilience import CircuitBreaker
from dragoman_translation import metrics
from dragoman_translation.config import TranslateConfig
from dragoman_translation.engines.base import Engine, Outcome, Pair, Piece
from dragoman_translation.grouped_queue import GroupedQueue, Lane

_BREAKERS_MAX = 1_024
"""An engine of any pair could be asked for thousands; those not used for longest are forgotten."""
_SPEED_WEIGHT = 0.05


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait, and when a failing engine is left alone."""

    queue_max: int = 4_096
    session_queue_max: int = 1_024
    breaker_failures: int = 5
    breaker_open_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Done:
    """A translated piece, and how long that took."""

    text: str
    queue_s: float
    inference_s: float
    batch_size: int


@dataclass(slots=True, eq=False)
class _Waiting:
    pair: Pair
    piece: Piece
    answer: asyncio.Future[Done]
    since: float = field(default_factory=time.perf_counter)


_Group = tuple[Pair, bool, int]
"""Pair, whether fast, and the request where an engine mixes none."""


class Batcher:
    """The way to an engine; one for each.

    A lone text is translated at once. While the engine works, texts gather, and the next call takes up to
    ``batch_max`` of one pair. With ``batch_wait_ms`` a busy engine waits that long for a fuller batch. An
    engine that fails repeatedly for a pair is left alone for a while.
    """

    def __init__(self, engine: Engine, config: TranslateConfig, limits: Limits) -> None:
        self.config = config
        self._engine = engine
        self._limits = limits
        self._queue: GroupedQueue[_Group, _Waiting] = GroupedQueue()
        self._filled = asyncio.Event()
        self._breakers: OrderedDict[Pair, CircuitBreaker] = OrderedDict()
        self._loops: list[asyncio.Task[None]] = []
        self._away: set[Pair] = set()
        self._closed = False
        self._seconds_per_piece = 0.0

    def start(self) -> None:
        """Begin to translate."""
        name = f"batcher of {self._engine.name}"
        self._loops = [asyncio.create_task(self._run(), name=name) for _ in range(self._engine.concurrency)]

    async def close(self) -> None:
        """Refuse what waits, finish the batches under way, free the engine."""
        if self._closed:
            return
        self._closed = True
        while self._queue:
            for waiting in self._queue.take(self._limits.queue_max):
                _fail(waiting, EngineUnavailable("the translation service stops"))
        self._filled.set()
        await asyncio.gather(*self._loops)
        await self._engine.close()

    def submit(self, pair: Pair, pieces: Sequence[Piece]) -> list[asyncio.Future[Done]]:
        """Queue pieces of one request, all or none. Cancel a future to take its piece back.

        Raises:
            Overloaded: too many pieces wait, of all sessions or of this one. Where none wait, any number is
                taken: the limits of a request bound it.

        """
        if self._closed:
            raise EngineUnavailable("the translation service stops")
        self._check_room(pieces)
        return [self._put(pair, piece) for piece in pieces]

    def _check_room(self, pieces: Sequence[Piece]) -> None:
        waiting, limit, whose = len(self._queue), self._limits.queue_max, ""
        session = pieces[0].wish.session_id if pieces else ""
        if session and self._queue.waiting(session) + len(pieces) > self._limits.session_queue_max:
            waiting, limit, whose = (
                self._queue.waiting(session),
                self._limits.session_queue_max,
                " of this session",
            )
        if waiting and waiting + len(pieces) > limit:
            metrics.FAILURES.labels(self._engine.name, Overloaded.code).inc(len(pieces))
            raise Overloaded(
                f"{waiting} texts{whose} wait for the engine {self._engine.name}; the limit is {limit}"
            )

    def _put(self, pair: Pair, piece: Piece) -> asyncio.Future[Done]:
        waiting = _Waiting(pair, piece, asyncio.get_running_loop().create_future())
        fast = piece.wish.fast
        request = 0 if self._engine.mixes_requests else id(piece.wish)
        lane = Lane.DRAFT if fast else Lane.FINAL
        self._queue.put(waiting, (pair, fast, request), lane, piece.wish.session_id)
        metrics.QUEUE_DEPTH.labels(self._engine.name).set(len(self._queue))
        self._filled.set()
        return waiting.answer

    @property
    def retry_after_s(self) -> int:
        """Whole seconds until the queue may be worked off, at least 1."""
        return 1 + int(len(self._queue) * self._seconds_per_piece)

    async def _run(self) -> None:
        busy = False
        while not self._closed:
            if not self._queue:
                busy = False
                self._filled.clear()
                await self._filled.wait()
                continue
            if busy and self.config.batch_wait_ms and len(self._queue) < self.config.batch_max:
                await asyncio.sleep(self.config.batch_wait_ms / 1000)
            batch = self._take()
            if batch:
                await self._translate(batch)
            busy = True

    def _take(self) -> list[_Waiting]:
        # Another loop may have emptied the queue during the wait.
        taken = self._queue.take(self.config.batch_max) if self._queue else []
        metrics.QUEUE_DEPTH.labels(self._engine.name).set(len(self._queue))
        return [waiting for waiting in taken if not waiting.answer.done()]  # else whoever asked is gone

    async def _translate(self, batch: list[_Waiting]) -> None:
        started = time.perf_counter()
        try:
            outcomes = await self._call_engine(batch[0].pair, [waiting.piece for waiting in batch])
        except Exception as error:
            await self._after_failure(batch, error)
            return
        seconds = time.perf_counter() - started
        self._observe(batch, seconds)
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, DragomanError):
                self._refuse(waiting, outcome)
            elif not waiting.answer.done():
                queued = started - waiting.since
                metrics.QUEUE_SECONDS.labels(self._engine.name).observe(queued)
                waiting.answer.set_result(Done(outcome, queued, seconds, len(batch)))

    async def _call_engine(self, pair: Pair, pieces: list[Piece]) -> list[Outcome]:
        is_open = metrics.BREAKER_OPEN.labels(self._engine.name, pair_label(pair))
        is_open.set(1)
        with self._breaker(pair).guard(Unavailable, BadUpstream):
            is_open.set(0)
            outcomes = await self._engine.translate(pair, pieces)
        if len(outcomes) != len(pieces):
            raise TranslationFailed(
                f"the engine {self._engine.name} answered {len(outcomes)} of {len(pieces)} texts"
            )
        return outcomes

    def _breaker(self, pair: Pair) -> CircuitBreaker:
        breaker = self._breakers.pop(pair, None) or CircuitBreaker(
            f"the engine {self._engine.name} for {pair}",
            threshold=self._limits.breaker_failures,
            open_s=self._limits.breaker_open_s,
        )
        self._breakers[pair] = breaker
        if len(self._breakers) > _BREAKERS_MAX:
            self._breakers.popitem(last=False)
        return breaker

    async def _after_failure(self, batch: list[_Waiting], error: Exception) -> None:
        """Translate singly what failed together, so that one poison text does not fail its neighbours."""
        is_away = isinstance(error, DragomanError) and not error.permanent
        if len(batch) > 1 and not is_away:
            for waiting in batch:
                if not waiting.answer.done():
                    await self._translate([waiting])
            return
        told = self._foreign(error) if not isinstance(error, DragomanError) else error
        pair = batch[0].pair
        if is_away and pair not in self._away:
            self._away.add(pair)
            logger.warning("the engine {} is away for {}: {}", self._engine.name, pair, told.message)
        for waiting in batch:
            self._refuse(waiting, told)

    def _foreign(self, error: Exception) -> TranslationFailed:
        # The text of a foreign error may hold what was said; its class and place tell enough.
        place = traceback.extract_tb(error.__traceback__)[-1]
        name, engine = type(error).__name__, self._engine.name
        logger.error(
            "the engine {} failed on a text: {} in {}:{}", engine, name, place.filename, place.lineno
        )
        return TranslationFailed(f"the engine {engine} failed: {name}")

    def _refuse(self, waiting: _Waiting, error: DragomanError) -> None:
        metrics.FAILURES.labels(self._engine.name, error.code).inc()
        if error.permanent:
            # A draft breaks off in mid-sentence: what a model makes of it is nobody's concern.
            level = "DEBUG" if waiting.piece.wish.fast else "WARNING"
            logger.log(level, "the engine {} cannot translate a text: {}", self._engine.name, error.message)
        _fail(waiting, error)

    def _observe(self, batch: list[_Waiting], seconds: float) -> None:
        if batch[0].pair in self._away:
            self._away.discard(batch[0].pair)
            logger.info("the engine {} is back for {}", self._engine.name, batch[0].pair)
        labels = (self._engine.name, pair_label(batch[0].pair))
        metrics.BATCH_SIZE.labels(self._engine.name).observe(len(batch))
        metrics.INFERENCE_SECONDS.labels(self._engine.name).observe(seconds)
        metrics.CHARACTERS.labels(*labels).inc(sum(len(waiting.piece.text) for waiting in batch))
        self._seconds_per_piece += (seconds / len(batch) - self._seconds_per_piece) * _SPEED_WEIGHT


def pair_label(pair: Pair) -> str:
    """A pair in metrics: base languages only, for each variant would make a series of its own."""
    return f"{base(pair.source)}-{base(pair.target)}"


def _fail(waiting: _Waiting, error: Exception) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)
