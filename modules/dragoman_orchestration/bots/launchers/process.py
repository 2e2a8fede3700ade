"""Runners as processes of this machine.

Each leads a session and process group of its own, with an environment that holds no key and no address of
Redis. It outlives the worker: the next one knows it by its process id and start time, and adopts it. Its
output goes to a file, not to a pipe that would break with the worker; the worker follows the file into its
own log.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
from loguru import logger

from dragoman_contracts.bots import RunnerEnv, RunnerTask
from dragoman_orchestration.bots.launchers import procfs
from dragoman_orchestration.bots.launchers.base import LaunchFailed
from dragoman_orchestration.bots.launchers.lines import RunnerLog
from dragoman_orchestration.bots.model import Handle

COMMAND = (sys.executable, "-m", "dragoman_bots")
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "DISPLAY")
PASSED_ON_PREFIXES = ("DRAGOMAN_BOT_RUNNER_", "DRAGOMAN_LOG_", "SSL_CERT_", "XDG_", "FONTCONFIG_")
"""Of the worker's own environment; all else stays with it."""
LOG_EVERY_S = 0.5
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one runner may use; 0: no bound. Not its address space: Chromium reserves more than there is."""

    cpu_s: int = 0
    open_files: int = 4096
    niceness: int = 5


class ProcessLauncher:
    """Starts runners as subprocesses.

    Args:
        command: what to start.
        folder: where their output is kept while they run; None: one of this user's in the temporary folder.
        bounds: what each may use.
        environment: the worker's own.

    """

    look_every_s = 0.25
    launch_timeout_s = 30.0
    sees_all = False

    def __init__(
        self,
        command: Sequence[str] = COMMAND,
        *,
        folder: Path | None = None,
        bounds: Bounds = Bounds(),
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._command = list(command)
        self._folder = folder or Path(tempfile.gettempdir()) / f"dragoman-bots-{os.getuid()}"
        self._bounds = bounds
        self._passed_on = {
            name: value
            for name, value in environment.items()
            if name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)
        }
        self._children: dict[tuple[int, int], subprocess.Popen[bytes]] = {}
        self._swept: set[tuple[int, int]] = set()
        self._logs: dict[int, tuple[RunnerLog, Handle]] = {}
        self._follower: asyncio.Task[None] | None = None

    async def launch(self, task: RunnerTask, env: Mapping[str, str]) -> Handle:
        """See ``Launcher.launch``."""
        log = self._folder / f"{task.bot_id}.{task.generation}.log"
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(log, _APPEND, 0o600), "ab") as output:
                # It returns at once; asyncio's own would end its pipes with the loop.
                child = subprocess.Popen(  # noqa: S603, ASYNC220
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env={**self._passed_on, **env},
                    start_new_session=True,
                )
        except OSError as error:
            raise LaunchFailed(
                f"the runner's process could not be started ({type(error).__name__}: {error.strerror})",
                # No memory or too many processes pass; a command that is not there does not.
                transient=not isinstance(error, (FileNotFoundError, PermissionError)),
            ) from None
        self._bind(child.pid)
        handle = _handle(child.pid, procfs.start_time(child.pid) or 0, task.bot_id, task.generation)
        self._children[_identity(handle)] = child
        self._follow(handle, task.request.url)
        return handle

    async def find(self, bot_id: str, generation: int) -> Handle | None:
        """See ``Launcher.find``: the task in a process' environment tells whose it is."""
        return await asyncio.to_thread(_find, bot_id, generation)

    async def is_running(self, handle: Handle) -> bool | None:
        """See ``Launcher.is_running``; a process of another machine or container cannot be seen."""
        if handle.get("place") != procfs.place():
            return None
        if _identity(handle) in self._children:
            return not self._reap(handle)
        if self._is_the_one(handle):
            self._follow(handle)
            return True
        await self._sweep(handle)
        return False

    async def stop(self, handle: Handle) -> None:
        """See ``Launcher.stop``: SIGTERM to the runner, which ends what it has started."""
        if self._is_the_one(handle):
            with suppress(ProcessLookupError):
                os.kill(int(handle["pid"]), signal.SIGTERM)

    async def kill(self, handle: Handle) -> None:
        """See ``Launcher.kill``: SIGKILL to its process group."""
        if self._is_the_one(handle):
            await asyncio.to_thread(_kill_all, handle)

    async def close(self) -> None:
        """See ``Launcher.close``."""
        if self._follower is not None:
            self._follower.cancel()
            await asyncio.wait({self._follower})
        for log, _ in self._logs.values():
            log.forward()

    def _is_the_one(self, handle: Handle) -> bool:
        if handle.get("place") != procfs.place():
            return False
        started = procfs.start_time(int(handle["pid"]))
        return started is not None and started == int(handle["started"])

    def _bind(self, pid: int) -> None:
        """Bounds from outside: code between fork and exec is not safe in a process with threads."""
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, pid, self._bounds.niceness)
        if not hasattr(resource, "prlimit"):
            return
        limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: self._bounds.open_files}
        if self._bounds.cpu_s:
            limits[resource.RLIMIT_CPU] = self._bounds.cpu_s
        for kind, limit in limits.items():
            with suppress(OSError, ValueError):
                resource.prlimit(pid, kind, (limit, limit))

    def _reap(self, handle: Handle) -> bool:
        """Whether a child has ended; then what it left in its group is ended as well."""
        child = self._children[_identity(handle)]
        # Until it is waited for, nobody else can have its id: what is killed here is its group.
        if os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return False
        _kill_all(handle)
        child.wait()
        logger.bind(bot_id=handle["bot_id"]).info("a runner's process ended with {}", child.returncode)
        del self._children[_identity(handle)]
        return True

    async def _sweep(self, handle: Handle) -> None:
        """End what a runner left that was no child of this worker, once."""
        if _identity(handle) not in self._swept:
            self._swept.add(_identity(handle))
            await asyncio.to_thread(_kill_helpers, handle)

    def _follow(self, handle: Handle, url: str = "") -> None:
        pid, bot_id = int(handle["pid"]), str(handle["bot_id"])
        if pid not in self._logs:
            path = self._folder / f"{bot_id}.{handle['generation']}.log"
            log = RunnerLog(path, bot_id, secrets=(url,) if url else (), from_end=not url)
            self._logs[pid] = (log, handle)
        if self._follower is None or self._follower.done():
            self._follower = asyncio.create_task(self._forward_all())

    async def _forward_all(self) -> None:
        while self._logs:
            await asyncio.sleep(LOG_EVERY_S)
            for pid, (log, handle) in list(self._logs.items()):
                has_ended = not self._is_the_one(handle)
                log.forward()
                if has_ended:
                    log.forward_all()
                    log.remove()
                    del self._logs[pid]


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _identity(handle: Handle) -> tuple[int, int]:
    return int(handle["pid"]), int(handle["started"])


def _kill_all(handle: Handle) -> None:
    """The group, and what has left it: a browser's helpers lead sessions of their own."""
    _kill_group(int(handle["pid"]))
    _kill_helpers(handle)


def _kill_helpers(handle: Handle) -> None:
    for other in _of_runner(str(handle["bot_id"]), int(handle["generation"])):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(other, signal.SIGKILL)


def _find(bot_id: str, generation: int) -> Handle | None:
    # What it has started has the same environment, but it was there first.
    seen = [(procfs.start_time(pid), pid) for pid in _of_runner(bot_id, generation)]
    there = sorted((started, pid) for started, pid in seen if started is not None)
    return _handle(*there[0][::-1], bot_id, generation) if there else None


def _handle(pid: int, started: int, bot_id: str, generation: int) -> Handle:
    return {
        "launcher": "process",
        "pid": pid,
        "started": started,
        "place": procfs.place(),
        "bot_id": bot_id,
        "generation": generation,
    }


def _of_runner(bot_id: str, generation: int) -> list[int]:
    return [pid for pid, task in _tasks() if (task.bot_id, task.generation) == (bot_id, generation)]


class _Whose(msgspec.Struct):
    bot_id: str
    generation: int


def _tasks() -> Iterable[tuple[int, _Whose]]:
    marker = f"{RunnerEnv.TASK}=".encode()
    for pid, environment in procfs.environments():
        for variable in environment.split(b"\0"):
            if variable.startswith(marker):
                with suppress(msgspec.DecodeError):
                    yield pid, msgspec.json.decode(variable[len(marker) :], type=_Whose)
