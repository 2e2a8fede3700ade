"""Brings windows of many sessions to the engine's threads: bounded, fair, in batches."""

from __future__ import annotations

import asyncio
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import msgspec
from loguru import logger

from dragoman_contracts.audio import MODEL_RATE_HZ
from dragoman_contracts.errors import DecodeFailed, DragomanError, EngineUnavailable, Overloaded
from dragoman_contracts.whisper_api import WindowResult
from dragoman_whisper import metrics
from dragoman_whisper.config import DecodeConfig
from dragoman_whisper.engines.base import Engine, Window
from dragoman_whisper.fair_queue import FairQueue, Lane

_AVERAGE_OVER_BATCHES = 50


@dataclass(slots=True, eq=False)
class _Waiting:
    window: Window
    answer: asyncio.Future[WindowResult]
    since: float = field(default_factory=time.perf_counter)


class _Average:
    """Mean of the first values, then a moving one."""

    def __init__(self) -> None:
        self.value = 0.0
        self._count = 0

    def add(self, value: float) -> None:
        self._count = min(self._count + 1, _AVERAGE_OVER_BATCHES)
        self.value += (value - self.value) / self._count


class Batcher:
    """The way to the engine; one for each process.

    A lone window is decoded at once. While the engine works, windows gather, and the next call takes up to
    ``batch_max`` of them. With ``batch_wait_ms`` a busy engine waits that long for a fuller batch.
    """

    def __init__(
        self,
        engine: Engine,
        config: DecodeConfig,
        *,
        threads: int = 1,
        queue_max: int = 512,
        session_queue_max: int = 16,
    ) -> None:
        self.config = config
        self._engine = engine
        self._queue_max = queue_max
        self._session_queue_max = session_queue_max
        self._queue: FairQueue[_Waiting] = FairQueue()
        self._filled = asyncio.Event()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="engine")
        self._loops: list[asyncio.Task[None]] = []
        self._thread_count = threads
        self._closed = False
        self._seconds_per_window = _Average()
        self._real_time_factor = _Average()

    def start(self) -> None:
        """Begin to decode."""
        self._loops = [asyncio.create_task(self._run(), name="batcher") for _ in range(self._thread_count)]

    async def close(self) -> None:
        """Refuse what waits, finish the batch under way, free the engine and the threads."""
        if self._closed:
            return
        self._closed = True
        while self._queue:
            _fail(self._queue.pop(), EngineUnavailable("the whisper service stops"))
        self._filled.set()
        await asyncio.gather(*self._loops)
        await asyncio.get_running_loop().run_in_executor(self._threads, self._engine.close)
        self._threads.shutdown()

    def submit(self, window: Window, lane: Lane) -> asyncio.Future[WindowResult]:
        """Queue a window. Cancel the future to take it back; it is then not decoded, if it still waits.

        Raises:
            Overloaded: too many windows wait, of all sessions or of this one.

        """
        if self._closed:
            raise EngineUnavailable("the whisper service stops")
        session = window.options.session_id
        if len(self._queue) >= self._queue_max:
            raise self._overloaded(f"{len(self._queue)} windows wait, the limit is {self._queue_max}")
        if session and self._queue.waiting(session) >= self._session_queue_max:
            raise self._overloaded(f"{self._session_queue_max} windows of this session wait, the limit")
        waiting = _Waiting(window, asyncio.get_running_loop().create_future())
        self._queue.put(waiting, lane, session)
        metrics.QUEUE_DEPTH.set(len(self._queue))
        self._filled.set()
        return waiting.answer

    def _overloaded(self, message: str) -> Overloaded:
        metrics.WINDOWS.labels("refused").inc()
        return Overloaded(message)

    @property
    def retry_after_s(self) -> int:
        """Whole seconds until the queue may be worked off, at least 1."""
        return 1 + int(len(self._queue) * self._seconds_per_window.value)

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
            batch = self._take(self.config.batch_max)
            if batch:
                await self._decode(batch)
            busy = True

    def _take(self, count: int) -> list[_Waiting]:
        batch: list[_Waiting] = []
        while self._queue and len(batch) < count:
            waiting = self._queue.pop()
            if waiting.answer.done():
                metrics.WINDOWS.labels("cancelled").inc()  # whoever asked is gone
            else:
                batch.append(waiting)
        metrics.QUEUE_DEPTH.set(len(self._queue))
        return batch

    async def _decode(self, batch: list[_Waiting]) -> None:
        started = time.perf_counter()
        try:
            results = await self._call_engine([waiting.window for waiting in batch])
        except Exception as error:
            await self._after_failure(batch, error)
            return
        seconds = time.perf_counter() - started
        self._observe(batch, seconds)
        for waiting, result in zip(batch, results, strict=True):
            if waiting.answer.done():
                continue
            queued = started - waiting.since
            metrics.QUEUE_SECONDS.observe(queued)
            waiting.answer.set_result(
                msgspec.structs.replace(
                    result,
                    inference_ms=round(seconds * 1000, 3),
                    queue_ms=round(queued * 1000, 3),
                    batch_size=len(batch),
                )
            )

    async def _call_engine(self, windows: list[Window]) -> list[WindowResult]:
        results = await asyncio.get_running_loop().run_in_executor(
            self._threads, self._engine.decode_windows, windows
        )
        if len(results) != len(windows):
            raise DecodeFailed(f"the engine answered {len(results)} of {len(windows)} windows")
        return results

    async def _after_failure(self, batch: list[_Waiting], error: Exception) -> None:
        """Decode singly what failed together, so that one poison window does not fail its neighbours."""
        if len(batch) > 1:
            for waiting in batch:
                if not waiting.answer.done():
                    await self._decode([waiting])
            return
        metrics.WINDOWS.labels("failed").inc()
        if isinstance(error, DragomanError):
            _fail(batch[0], error)
            return
        # The text of a foreign error may hold what was said; its class and place tell enough.
        place = traceback.extract_tb(error.__traceback__)[-1]
        name = type(error).__name__
        logger.error("the engine failed on a window: {} in {}:{}", name, place.filename, place.lineno)
        _fail(batch[0], DecodeFailed(f"the engine failed: {name}"))

    def _observe(self, batch: list[_Waiting], seconds: float) -> None:
        audio_seconds = sum(len(waiting.window.pcm) for waiting in batch) / MODEL_RATE_HZ
        metrics.BATCH_SIZE.observe(len(batch))
        metrics.INFERENCE_SECONDS.observe(seconds)
        metrics.AUDIO_SECONDS.inc(audio_seconds)
        metrics.WINDOWS.labels("decoded").inc(len(batch))
        self._seconds_per_window.add(seconds / len(batch))
        if audio_seconds:
            self._real_time_factor.add(seconds / audio_seconds)
            metrics.REAL_TIME_FACTOR.set(self._real_time_factor.value)


def _fail(waiting: _Waiting, error: Exception) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)
