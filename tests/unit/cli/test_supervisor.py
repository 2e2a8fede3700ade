"""The supervisor with small children: ready, restart, giving up, ending, all without a real service."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dragoman_orchestration.cli import supervisor as supervisor_module
from dragoman_orchestration.cli.supervisor import ChildSpec, ProcessFailed, Supervisor, describe_exit

SERVICE = """
    import http.server, json, os, pathlib, sys
    class Face(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            state = pathlib.Path(sys.argv[2]).read_text()
            self.send_response(200 if state == "ok" else 503)
            self.end_headers()
            self.wfile.write(json.dumps({"parts": {"model": state}}).encode())
        def log_message(self, *_): pass
    print("serving", os.environ.get("COLOUR", ""), flush=True)
    http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Face).serve_forever()
"""


def python(code: str, *arguments: object) -> tuple[str, ...]:
    return (sys.executable, "-c", textwrap.dedent(code), *map(str, arguments))


class Told:
    """What the supervisor said."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.notices: list[str] = []

    def on_line(self, name: str, line: str) -> None:
        self.lines.append(f"{name}: {line}")

    def on_notice(self, name: str, text: str) -> None:
        self.notices.append(f"{name}: {text}")


@asynccontextmanager
async def supervised(
    *specs: ChildSpec, stop_timeout_s: float = 5.0
) -> AsyncIterator[tuple[Supervisor, Told]]:
    told = Told()
    supervisor = Supervisor(
        specs, on_line=told.on_line, on_notice=told.on_notice, stop_timeout_s=stop_timeout_s
    )
    supervisor.start()
    try:
        yield supervisor, told
    finally:
        await supervisor.stop()


@pytest.fixture
def service(tmp_path: Path, free_port: int) -> Any:
    """A child with a /ready that says what is in a file."""
    state = tmp_path / "state"
    state.write_text("ok")
    spec = ChildSpec(
        "svc", python(SERVICE, free_port, state), {"COLOUR": "green"}, f"http://127.0.0.1:{free_port}/ready"
    )
    return spec, state


@pytest.fixture(autouse=True)
def _quick_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "RESTART_FIRST_S", 0.01)


async def test_a_child_becomes_ready_with_its_environment_and_is_ended(service: Any) -> None:
    spec, _ = service
    async with supervised(spec) as (supervisor, told):
        await supervisor.wait_ready()
        process = supervisor.children[0].process
        assert process is not None
        assert process.returncode is None
    assert told.notices[-1] == "svc: ready"
    assert "svc: serving green" in told.lines
    assert process.returncode == -signal.SIGTERM


async def test_why_it_is_not_ready_is_told_as_it_changes(service: Any, eventually: Any) -> None:
    spec, state = service
    state.write_text("loading: reading 3 MB")
    async with supervised(spec) as (supervisor, told):
        waiting = asyncio.create_task(supervisor.wait_ready())
        await eventually(lambda: "svc: model: loading: reading 3 MB" in told.notices)
        assert not waiting.done()
        state.write_text("ok")
        await waiting


async def test_an_optional_child_is_waited_for_only_while_it_may_become_ready(
    service: Any, eventually: Any
) -> None:
    spec, state = service
    state.write_text("engine: it is still loading: reading 3 MB")
    async with supervised(replace(spec, optional=True)) as (supervisor, told):
        waiting = asyncio.create_task(supervisor.wait_ready(patience_s=20))
        await eventually(lambda: any("still loading" in notice for notice in told.notices))
        assert not waiting.done()
        state.write_text("engine: no model is configured")
        await waiting
        assert "svc: model: engine: no model is configured" in told.notices
        assert "svc: ready" not in told.notices


async def test_a_part_that_failed_ends_a_wait_with_patience_at_once(service: Any) -> None:
    spec, state = service
    state.write_text("failed: no such model. Give another.")
    async with supervised(spec) as (supervisor, _):
        with pytest.raises(ProcessFailed, match="no such model"):
            await supervisor.wait_ready(patience_s=60)


async def test_patience_runs_out_with_the_reason(service: Any, eventually: Any) -> None:
    spec, state = service
    state.write_text("loading")
    async with supervised(spec) as (supervisor, told):
        await eventually(lambda: "svc: serving green" in told.lines)
        with pytest.raises(ProcessFailed, match="loading"):
            await supervisor.wait_ready(patience_s=0.3)


async def test_a_child_that_is_killed_comes_back(service: Any, eventually: Any) -> None:
    spec, _ = service
    async with supervised(spec) as (supervisor, told):
        await supervisor.wait_ready()
        child = supervisor.children[0]
        first = child.process
        assert first is not None
        os.kill(first.pid, signal.SIGKILL)
        await eventually(lambda: child.restarts == 1 and child.is_running and child.process is not first)
        assert any("was ended by SIGKILL; starts again" in notice for notice in told.notices)
        await supervisor.wait_ready()


async def test_a_child_that_never_gets_ready_is_given_up() -> None:
    spec = ChildSpec("bad", python("import sys; print('no luck'); sys.exit(3)"), {}, "http://127.0.0.1:1/")
    async with supervised(spec) as (supervisor, told):
        with pytest.raises(ProcessFailed, match="ended with exit code 3 3 times"):
            await supervisor.wait_ready()
        with pytest.raises(ProcessFailed):
            await supervisor.wait_failed()
    assert told.lines.count("bad: no luck") == 3


async def test_a_child_that_does_not_drain_is_killed(eventually: Any) -> None:
    deaf = python(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True);"
        "time.sleep(600)"
    )
    async with supervised(ChildSpec("deaf", deaf, {}, ""), stop_timeout_s=0.2) as (supervisor, told):
        await eventually(lambda: "deaf: up" in told.lines)
        process = supervisor.children[0].process
    assert process is not None
    assert process.returncode == -signal.SIGKILL
    assert any("is killed" in notice for notice in told.notices)


async def test_children_end_in_their_order(tmp_path: Path, eventually: Any) -> None:
    code = """
        import pathlib, signal, sys, time
        def end(*_):
            with open(sys.argv[1], "a") as log: log.write(sys.argv[2])
            sys.exit(0)
        signal.signal(signal.SIGTERM, end)
        print("up", flush=True)
        time.sleep(600)
    """
    log = tmp_path / "log"
    specs = [
        ChildSpec(name, python(code, log, name), {}, "", stop_order=order)
        for name, order in (("c", 2), ("a", 0), ("b", 1))
    ]
    async with supervised(*specs) as (_, told):
        await eventually(lambda: len(told.lines) == 3)
    assert log.read_text() == "abc"


async def test_a_line_without_end_does_not_stop_the_forwarding(
    eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "LINE_BYTES_MAX", 1_000)
    noisy = python("print('x' * 100_000); print('after', flush=True); import time; time.sleep(600)")
    async with supervised(ChildSpec("noisy", noisy, {}, "")) as (_, told):
        await eventually(lambda: "noisy: after" in told.lines)


async def test_stopping_before_anything_has_started_leaves_nothing() -> None:
    spec = ChildSpec("x", python("import time; time.sleep(600)"), {}, "")
    async with supervised(spec) as (supervisor, _):
        pass
    child = supervisor.children[0]
    assert not child.is_running


@pytest.mark.parametrize(
    ("code", "words"), [(0, "ended with exit code 0"), (-9, "was ended by SIGKILL"), (1, "exit code 1")]
)
def test_an_exit_code_in_words(code: int, words: str) -> None:
    assert words in describe_exit(code)
