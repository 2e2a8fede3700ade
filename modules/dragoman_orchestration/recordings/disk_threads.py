"""Threads of their own for all that may block on the disk.

A disk that hangs, such as a shared one whose server is away, holds up neither the event loop, nor what else
the process does in threads, nor its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
_Job = tuple[Callable[[], Any], asyncio.AbstractEventLoop, "asyncio.Future[Any]"]

STALL_S = 5.0
"""A disk that does not answer for this long counts as one that never will."""


class DiskStalled(OSError):
    """The disk does not answer."""


class DiskThreads:
    """Do one job after another; the threads begin with the first job and die with the process."""

    def __init__(self, threads: int = 1) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._wanted = threads
        self._running = 0

    async def run(self, work: Callable[[], T]) -> T:
        """What ``work`` returns or raises; a caller that is cancelled goes on at once, and the job, too.

        Raises:
            DiskStalled: it takes too long; it may still be done later.

        """
        self._start()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._jobs.put((work, loop, done))
        # Not asyncio.timeout: when the loop itself was held up, a job that is done has not stalled.
        await asyncio.wait({done}, timeout=STALL_S)
        if not done.done():
            done.cancel()
            raise DiskStalled
        return done.result()

    def close(self) -> None:
        """End the threads behind the jobs that they have."""
        for _ in range(self._running):
            self._jobs.put(None)
        self._running = 0

    def _start(self) -> None:
        while self._running < self._wanted:
            threading.Thread(target=self._serve, name="recordings", daemon=True).start()
            self._running += 1

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, loop, done = job
            result, error = None, None
            try:
                result = work()
            except Exception as raised:
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop ended meanwhile
                loop.call_soon_threadsafe(_settle, done, result, error)


def _settle(done: asyncio.Future[Any], result: object, error: Exception | None) -> None:
    if done.done():
        return
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(result)
