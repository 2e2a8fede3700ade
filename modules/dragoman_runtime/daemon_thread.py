"""Blocking work that must not hold up the process's end, such as fetching a model."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_a_daemon_thread(work: Callable[[], T], name: str) -> T:
    """Run ``work`` in a thread of its own and return what it returns.

    A cancelled caller goes on at once; the thread ends with its work, or with the process.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(act: Callable[[], None]) -> None:
        if not done.done():
            act()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:
            act = _bound(done.set_exception, error)
        else:
            act = _bound(done.set_result, result)
        with contextlib.suppress(RuntimeError):  # the loop ended meanwhile
            loop.call_soon_threadsafe(settle, act)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await done


V = TypeVar("V")


def _bound(act: Callable[[V], None], value: V) -> Callable[[], None]:
    return lambda: act(value)
