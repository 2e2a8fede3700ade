"""A process's life, told by real children and signals, and the parts of its health."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys

import pytest

from dragoman_contracts.errors import Conflict
from dragoman_runtime import process
from dragoman_runtime.process import Drain, Health, run_process

CHILD = """
import asyncio, sys
from dragoman_runtime.process import run_process
async def main(drain):
    print("up", flush=True)
    await drain.wait()
    print("draining", flush=True)
    {then}
    print("drained", flush=True)
sys.exit(run_process(main, service="child", drain_timeout_s={timeout}))
"""


def start(then: str = "pass", timeout: float = 60) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD.format(then=then, timeout=timeout)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "up\n"
    return child


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_ends_with_0(number: signal.Signals) -> None:
    with start() as child:
        child.send_signal(number)
        said, logged = child.communicate(timeout=20)
    assert (child.returncode, said) == (0, "draining\ndrained\n")
    assert f"child drains after {number.name}" in logged
    assert "Traceback" not in logged


def test_a_second_signal_stops_at_once() -> None:
    with start("await asyncio.Event().wait()") as child:
        child.send_signal(signal.SIGTERM)
        assert child.stdout is not None
        assert child.stdout.readline() == "draining\n"
        child.send_signal(signal.SIGINT)
        said, logged = child.communicate(timeout=20)
    assert (child.returncode, said) == (128 + signal.SIGINT, "")
    assert "second signal, SIGINT" in logged
    assert "Traceback" not in logged


def test_a_drain_that_takes_too_long_is_cut_short() -> None:
    with start("await asyncio.Event().wait()", timeout=0.05) as child:
        child.send_signal(signal.SIGTERM)
        said, logged = child.communicate(timeout=20)
    assert (child.returncode, said) == (128 + signal.SIGTERM, "draining\n")
    assert "not drained within 0.05 s" in logged
    assert "Traceback" not in logged


def test_a_known_error_is_one_line_with_its_remedy(log_lines: list[str]) -> None:
    async def main(drain: Drain) -> None:
        raise Conflict("no bus", remedy="Start it.")

    assert run_process(main, service="x") == 1
    assert len(log_lines) == 1
    assert "x cannot run: no bus Start it." in log_lines[0]
    assert "Traceback" not in log_lines[0]


def test_an_unknown_error_has_its_traceback(log_lines: list[str]) -> None:
    async def main(drain: Drain) -> None:
        raise ValueError("odd")

    assert run_process(main) == 1
    assert "Traceback" in log_lines[0]


@pytest.mark.parametrize("swallows", [False, True])
def test_the_exit_code_tells_that_main_was_cut_short(swallows: bool, log_lines: list[str]) -> None:
    async def main(drain: Drain) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await drain.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        with contextlib.suppress(*[asyncio.CancelledError] * swallows):
            await asyncio.Event().wait()

    assert run_process(main, service="x") == 128 + signal.SIGTERM
    assert ["drains" in log_lines[0], "second signal" in log_lines[1]] == [True, True]


def test_main_that_cancels_itself_failed() -> None:
    async def main(drain: Drain) -> None:
        raise asyncio.CancelledError

    assert run_process(main) == 1


async def test_a_drain_keeps_its_first_reason_and_bounds_waits() -> None:
    drain = Drain()
    assert not await drain.wait(0)
    drain.start("first")
    drain.start("second")
    assert (drain.is_set(), drain.reason, await drain.wait(), await drain.wait(1)) == (
        True,
        "first",
        True,
        True,
    )


async def test_readiness_is_told_or_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "CHECK_TIMEOUT_S", 0.01)
    health = Health("x")
    assert (await health.ready_report()).ok

    async def fine() -> None:
        return None

    async def away() -> str:
        return "away"

    async def slow() -> None:
        await asyncio.Event().wait()

    async def known() -> None:
        raise Conflict("told")

    async def foreign() -> None:
        raise ValueError("redis://:hunter2@h")

    health.not_ready("model", "loading")
    assert (await health.ready_report()).parts == {"model": "loading"}
    health.ready("model")
    health.add_check("fine", fine)
    assert (await health.ready_report()).ok
    health.not_ready("mute", "")
    for check in (away, slow, known, foreign):
        health.add_check(check.__name__, check)
    report = await health.ready_report()
    assert not report.ok
    assert report.parts == {
        "model": "ok",
        "mute": "not ready",
        "fine": "ok",
        "away": "away",
        "slow": "no answer within 0.01 s",
        "known": "told",
        "foreign": "ValueError",
    }


async def test_a_watched_task_that_ends_is_death_but_not_while_draining() -> None:
    async def fail() -> None:
        raise ValueError

    drain = Drain()
    health = Health("x", drain=drain)
    tasks: dict[str, asyncio.Task[object]] = {
        "failed": asyncio.create_task(fail()),
        "returned": asyncio.create_task(asyncio.sleep(0)),
        "cancelled": asyncio.create_task(asyncio.sleep(60)),
        "running": asyncio.create_task(asyncio.sleep(60)),
    }
    for name, task in tasks.items():
        health.watch(name, task)
    assert (await health.alive()).ok
    tasks["cancelled"].cancel()
    await asyncio.wait([task for name, task in tasks.items() if name != "running"])
    dead = await health.alive()
    ended = {"failed": "ended: ValueError", "returned": "ended: returned", "cancelled": "ended: cancelled"}
    assert not dead.ok
    assert dead.parts == ended | {"running": "ok"}
    assert (await health.ready_report()).parts == ended
    drain.start("SIGTERM")
    assert (await health.alive()).ok
    assert (await health.ready_report()).parts["process"] == "draining: SIGTERM"
    tasks["running"].cancel()
