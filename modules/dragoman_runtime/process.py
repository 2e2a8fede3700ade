"""The life of a process: run, drain on a signal, end with an honest exit code; and its health.

A first SIGTERM or SIGINT starts the drain: the process stops taking work, finishes what is under way and
returns. A second one, or the end of ``drain_timeout_s``, cancels what is left.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import uvloop
from loguru import logger

from dragoman_contracts.errors import DragomanError

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_SIGNAL_BASE = 128
"""Shell convention: a process that a signal ended returns 128 + its number."""

CANCEL_AGAIN_S = 0.5
CHECK_TIMEOUT_S = 2.0

Check = Callable[[], Awaitable[str | None]]
"""Returns None when the part works, else the reason in one sentence without secrets."""


class Drain:
    """Tells every loop of a process that the end was asked for. One event loop only."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.reason = ""

    def start(self, reason: str = "asked to stop") -> None:
        """Begin the drain; the first reason stays."""
        if not self._event.is_set():
            self.reason = reason
            self._event.set()

    def is_set(self) -> bool:
        """Whether the drain has begun."""
        return self._event.is_set()

    async def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the drain, at most ``timeout_s`` seconds; whether it has begun.

        With a timeout this is the sleep of a loop that must end in time.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        except TimeoutError:
            return False
        return True


async def cancel_all(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancel and await; how they end is no error here.

    Once is not enough: ``asyncio.wait_for`` of Python 3.11, which redis-py uses, swallows a cancellation that
    comes together with its result (python/cpython#86296), and the task would go on for ever.
    """
    waiting = set(tasks)
    while waiting:
        for task in waiting:
            task.cancel()
        done, waiting = await asyncio.wait(waiting, timeout=CANCEL_AGAIN_S)
        for task in done:
            if not task.cancelled():
                task.exception()  # seen, so that asyncio does not report it


@dataclass(frozen=True, slots=True)
class HealthReport:
    """State of a process: ``parts`` gives for each part "ok" or the reason why it is not."""

    ok: bool
    parts: dict[str, str] = field(default_factory=dict)


class Health:
    """Named parts of a process: is it alive (else restart it), is it ready (else send no work).

    Parts are either told (``ready``, ``not_ready``) or asked (``add_check``). A part that was never told is
    not ready; a process without parts is ready.
    """

    def __init__(self, service: str, *, drain: Drain | None = None) -> None:
        self.service = service
        self.drain = drain
        self._told: dict[str, str | None] = {}
        self._checks: dict[str, Check] = {}
        self._watched: dict[str, asyncio.Task[object]] = {}

    def ready(self, part: str) -> None:
        """The part works."""
        self._told[part] = None

    def not_ready(self, part: str, reason: str) -> None:
        """The part does not work yet, or no longer; ``reason`` is shown to whoever asks."""
        self._told[part] = reason

    def add_check(self, part: str, check: Check) -> None:
        """Ask ``check`` on each ``/ready``; it fails after 2 s."""
        self._checks[part] = check

    def watch(self, part: str, task: asyncio.Task[object]) -> None:
        """The process is alive only as long as ``task`` runs."""
        self._watched[part] = task

    async def alive(self) -> HealthReport:
        """Whether a restart would not help."""
        parts = {
            name: f"ended: {_outcome(task)}" if task.done() else "ok" for name, task in self._watched.items()
        }
        draining = self.drain is not None and self.drain.is_set()
        return HealthReport(draining or all(state == "ok" for state in parts.values()), parts)

    async def ready_report(self) -> HealthReport:
        """Whether work may be sent here; asks all checks at once."""
        names = list(self._checks)
        answers = await asyncio.gather(*(_ask(self._checks[name]) for name in names))
        parts = {
            name: "ok" if reason is None else reason or "not ready"
            for name, reason in [*self._told.items(), *zip(names, answers, strict=True)]
        }
        parts |= {name: f"ended: {_outcome(task)}" for name, task in self._watched.items() if task.done()}
        if self.drain is not None and self.drain.is_set():
            parts["process"] = f"draining: {self.drain.reason}"
        return HealthReport(all(state == "ok" for state in parts.values()), parts)


async def _ask(check: Check) -> str | None:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            return await check()
    except TimeoutError:
        return f"no answer within {CHECK_TIMEOUT_S:g} s"
    except DragomanError as error:
        return error.message
    except Exception as error:
        # The text of a foreign error may carry a URL with a password; its class tells enough.
        return type(error).__name__


def _outcome(task: asyncio.Task[object]) -> str:
    if task.cancelled():
        return "cancelled"
    error = task.exception()
    return "returned" if error is None else type(error).__name__


def run_process(
    main: Callable[[Drain], Awaitable[None]],
    *,
    service: str = "process",
    drain_timeout_s: float = 10.0,
) -> int:
    """Run ``main`` on uvloop until it returns; the exit code: 0 done or drained, 1 failed, 128+n cut short.

    A ``DragomanError`` is logged as one line with its remedy, any other error with its traceback.
    """
    return uvloop.run(_supervise(main, service, drain_timeout_s))


async def _supervise(main: Callable[[Drain], Awaitable[None]], service: str, drain_timeout_s: float) -> int:
    loop = asyncio.get_running_loop()
    drain = Drain()
    task = asyncio.ensure_future(main(drain))
    cut_short: list[int] = []

    def hard_stop(code: int, why: str) -> None:
        if not task.done():
            cut_short.append(code)
            logger.warning("{} stops at once: {}", service, why)
            task.cancel()

    def on_signal(number: signal.Signals) -> None:
        if drain.is_set():
            hard_stop(EXIT_SIGNAL_BASE + number, f"second signal, {number.name}")
            return
        logger.info("{} drains after {}", service, number.name)
        drain.start(number.name)
        loop.call_later(
            drain_timeout_s,
            hard_stop,
            EXIT_SIGNAL_BASE + number,
            f"not drained within {drain_timeout_s:g} s",
        )

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    try:
        await task
    except asyncio.CancelledError:
        if cut_short:
            return cut_short[0]
        logger.error("{} failed: it was cancelled from within", service)
        return EXIT_FAILED
    except DragomanError as error:
        logger.error("{} cannot run: {} {}", service, error.message, error.remedy)
        return EXIT_FAILED
    except Exception:
        logger.exception("{} failed", service)
        return EXIT_FAILED
    # A main that swallows its cancellation was cut short all the same.
    return cut_short[0] if cut_short else EXIT_OK
