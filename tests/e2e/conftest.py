"""The real system as a user starts it: ``dragoman up`` as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

DRAGOMAN = (sys.executable, "-m", "dragoman_orchestration.cli")
START_LIMIT_S = 60.0
END_LIMIT_S = 30.0


def clean_environment(**extra: str) -> dict[str, str]:
    """This environment without the developer's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DRAGOMAN_")}
    return {**kept, "COLUMNS": "200", **extra}


@dataclass
class Running:
    """A ``dragoman`` process, what it has printed, and everything that it has started."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    family: dict[int, psutil.Process] = field(default_factory=dict)
    url: str = ""
    key: str = ""

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def wait_for(self, pattern: str, limit_s: float = START_LIMIT_S) -> re.Match[str]:
        """The first match in what it printed."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            found = re.search(pattern, self.output)
            if found:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        pytest.fail(f"{pattern!r} not within {limit_s:g} s (exit {self.process.poll()}):\n{self.output}")

    def _until(self, condition: Callable[[], bool]) -> None:
        """Wait for it, or for the end of the process, or for the limit."""
        deadline = time.monotonic() + END_LIMIT_S
        while not condition() and self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)

    def note_family(self) -> list[psutil.Process]:
        """Remember all processes below it; they are found by their identity later, not by a name."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            self.family[child.pid] = child
        return list(self.family.values())

    def child(self, *words: str) -> psutil.Process:
        """The child whose command ends with these words."""
        for child in self.note_family():
            if child.is_running() and tuple(child.cmdline()[-len(words) :]) == words:
                return child
        pytest.fail(f"no child {words} in {[c.cmdline() for c in self.family.values() if c.is_running()]}")

    def wait_end(self, limit_s: float = END_LIMIT_S) -> int:
        return self.process.wait(limit_s)

    def survivors(self, limit_s: float = END_LIMIT_S) -> list[str]:
        """Those of the family that still run after the limit."""
        _, alive = psutil.wait_procs(list(self.family.values()), timeout=limit_s)
        return [" ".join(p.cmdline()) for p in alive if p.status() != psutil.STATUS_ZOMBIE]

    @property
    def redis_url(self) -> str:
        """Where its processes keep what they share."""
        return self.child("dragoman_orchestration.cli", "api").environ()["DRAGOMAN_REDIS_URL"]

    def end(self) -> None:
        """Leave nothing behind, whatever the test found; whether it drains is asked by other tests."""
        if self.process.poll() is None:
            self.note_family()
            self.process.send_signal(signal.SIGINT)
            self._until(lambda: "once more ends it" in self.output)  # equal signals that wait are one
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(END_LIMIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for process in self.family.values():
            if process.is_running():
                process.kill()


def start(
    arguments: Sequence[str], cwd: Path, *, stdin: int = subprocess.DEVNULL, **environment: str
) -> Running:
    """Start ``dragoman`` with its output in one place."""
    process = subprocess.Popen(
        [*DRAGOMAN, *arguments],
        cwd=cwd,
        env=clean_environment(**environment),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    running = Running(process)
    threading.Thread(target=running.read, daemon=True).start()
    return running


def start_up(cwd: Path, *arguments: str, **environment: str) -> Running:
    """``dragoman up`` on a free port, ready."""
    running = start(["up", "--port", "0", *arguments], cwd, **environment)
    try:
        found = running.wait_for(r"(?s)Dragoman is ready at (?P<url>\S+) .*Ctrl-C ends it")
    except BaseException:
        running.end()
        raise
    key = re.search(r"DRAGOMAN_CLIENT_KEY=(\S+)", found[0])
    running.url, running.key = found["url"], key[1] if key else ""
    running.note_family()
    return running


@pytest.fixture
def dragoman_start(tmp_path: Path) -> Iterator[Any]:
    """``dragoman_start(arguments, **environment)``: a process that is ended with the test."""
    started: list[Running] = []

    def begin(*arguments: str, stdin: int = subprocess.DEVNULL, **environment: str) -> Running:
        started.append(start(arguments, tmp_path, stdin=stdin, **environment))
        return started[-1]

    yield begin
    for running in started:
        running.end()


@pytest.fixture
def dragoman_up(tmp_path: Path) -> Iterator[Any]:
    """``dragoman_up(*arguments)``: a system of this test's own, ready."""
    started: list[Running] = []

    def begin(*arguments: str, **environment: str) -> Running:
        started.append(start_up(tmp_path, *arguments, **environment))
        return started[-1]

    yield begin
    for running in started:
        running.end()


@pytest.fixture(scope="module")
def mock_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A system with the mock engine that the tests of a module share."""
    running = start_up(tmp_path_factory.mktemp("up"), "--profile", "mock")
    yield running
    running.end()


@pytest.fixture
def dragoman_run(tmp_path: Path) -> Any:
    """``dragoman_run(*arguments, server=…)``: a command to its end; stdout and stderr apart."""

    def run(
        *arguments: str, server: Running | None = None, stdin: bytes = b"", limit_s: float = 90, **more: str
    ) -> subprocess.CompletedProcess[bytes]:
        environment = dict(more)
        if server is not None:
            environment |= {"DRAGOMAN_CLIENT_SERVER": server.url, "DRAGOMAN_CLIENT_KEY": server.key}
        try:
            return subprocess.run(
                [*DRAGOMAN, *arguments],
                cwd=tmp_path,
                env=clean_environment(**environment),
                input=stdin,
                capture_output=True,
                timeout=limit_s,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            pytest.fail(
                f"{arguments} did not end within {limit_s:g} s:\n{last_lines(late.stdout, late.stderr)}"
            )

    return run


def last_lines(*outputs: bytes | None, count: int = 30) -> str:
    """What a process said last: without it, nobody can tell why it hung."""
    parts = [(output or b"").decode(errors="replace").splitlines()[-count:] for output in outputs]
    return "\n--- stderr:\n".join("\n".join(part) for part in parts)


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The recordings."""
    return Path(__file__).parents[1] / "fixtures" / "audio"
