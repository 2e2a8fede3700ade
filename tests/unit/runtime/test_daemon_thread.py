"""Blocking work beside the loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from dragoman_runtime.daemon_thread import in_a_daemon_thread


async def test_the_result_comes_back_from_a_daemon_thread() -> None:
    thread = await in_a_daemon_thread(threading.current_thread, "a name")
    assert (thread.name, thread.daemon) == ("a name", True)
    assert thread is not threading.current_thread()


async def test_an_error_comes_back_as_it_was_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_a_daemon_thread(lambda: 1 / 0, "divides")


async def test_a_cancelled_caller_goes_on_while_the_work_does() -> None:
    gate, done = threading.Event(), threading.Event()

    def work() -> None:
        gate.wait(20)
        done.set()

    call = asyncio.create_task(in_a_daemon_thread(work, "waits"))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert not done.is_set()
    gate.set()
    assert await asyncio.to_thread(done.wait, 20)
