"""Running a command until it is done or a signal ends it; what it started is ended before it returns."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable

from loguru import logger

SIGNAL_EXIT_BASE = 128
"""Shell convention: what a signal ended returns 128 + its number."""


def run_command(main: Callable[[], Awaitable[int]], *, on_interrupt: Callable[[], None] | None = None) -> int:
    """Run ``main``; SIGINT, SIGTERM and SIGHUP cancel it, a second one cancels its cleanup.

    With ``on_interrupt`` the first SIGINT calls that instead, for work that has a proper end of its own.
    """
    # The command tells what it does itself; of the parts that it runs in this process, warnings are enough.
    logger.remove()
    logger.add(sys.stderr, level="WARNING", format="{level}: {message}", diagnose=False, backtrace=False)
    with asyncio.Runner() as runner:
        return runner.run(_until_signal(main, [on_interrupt] if on_interrupt else []))


async def _until_signal(main: Callable[[], Awaitable[int]], first_wishes: list[Callable[[], None]]) -> int:
    task = asyncio.ensure_future(main())
    seen: list[signal.Signals] = []

    def on_signal(number: signal.Signals) -> None:
        if number is signal.SIGINT and first_wishes and not seen:
            print("finishing; once more ends it", file=sys.stderr, flush=True)
            first_wishes.pop()()
            return
        if not seen:
            print("ending; once more ends it at once", file=sys.stderr, flush=True)
        seen.append(number)
        # A turn later: two signals that arrive together must count as two cancellations, not as one.
        loop.call_soon(task.cancel)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # nohup asks for SIGHUP to be ignored; a handler would undo that.
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, on_signal, number)
    try:
        return await task
    except asyncio.CancelledError:
        if not seen:
            raise
        return SIGNAL_EXIT_BASE + seen[0]
