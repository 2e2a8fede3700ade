"""Keeps child processes running: starts them, waits until they are ready, restarts, ends all of them.

Each child leads a session of its own, so that a Ctrl-C in the terminal reaches the supervisor only, which
then ends them in order; ``dragoman_runtime.lifeline`` ends them if the supervisor itself is killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from dragoman_contracts.errors import DragomanError

RESTART_FIRST_S, RESTART_CEILING_S = 0.5, 10.0
STABLE_AFTER_S = 30.0
"""A child that ran this long starts its backoff anew."""
FAILED_STARTS_MAX = 3
READY_POLL_S = 0.1
_FAILED_PART = ": failed: "
"""How a child's ``/ready`` names a part that waiting does not mend, such as a model that cannot be had."""
_STARTING = "starting"
_UNDERWAY = (_STARTING, "has not begun to load", "still loading")
"""What is in reasons that pass by themselves."""
LINE_BYTES_MAX = 1 << 20


class ProcessFailed(DragomanError):
    """A child process ends again and again before it is ready."""

    code = "process_failed"
    default_remedy = "Its last lines above say why; 'dragoman doctor' checks this machine."


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A child: its command, what is added to its environment, and where it says that it is ready.

    Children of a lower ``stop_order`` are ended first, those of the same one together. The others do without
    an ``optional`` one: it counts as ready, too, when it says why it cannot be.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    ready_url: str
    stop_order: int = 0
    optional: bool = False


@dataclass(slots=True)
class Child:
    """A running child and its history."""

    spec: ChildSpec
    process: asyncio.subprocess.Process | None = None
    was_ready: bool = False
    failed_starts: int = 0
    restarts: int = 0
    waiting_for: str = _STARTING
    keeper: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def is_running(self) -> bool:
        """Whether its process is there."""
        return self.process is not None and self.process.returncode is None


class Supervisor:
    """Runs children until ``stop``; an async context manager.

    Args:
        specs: The children.
        on_line: Gets each line a child writes, without its end: name, text.
        on_notice: Gets what the supervisor itself has to say: name of the child, text.
        stop_timeout_s: How long a child may drain before it is killed.

    """

    def __init__(
        self,
        specs: Sequence[ChildSpec],
        *,
        on_line: Callable[[str, str], None],
        on_notice: Callable[[str, str], None],
        stop_timeout_s: float = 12.0,
    ) -> None:
        self.children = [Child(spec) for spec in specs]
        self._on_line = on_line
        self._on_notice = on_notice
        self._stop_timeout_s = stop_timeout_s
        self._stopping = False
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self) -> None:
        """Start all children; ``wait_ready`` and ``wait_failed`` tell how it goes."""
        for child in self.children:
            child.keeper = asyncio.create_task(self._keep(child), name=f"keep {child.spec.name}")

    async def wait_ready(self, patience_s: float | None = None) -> None:
        """Wait until every child says that it is ready.

        Args:
            patience_s: How long to wait without any child's reason changing, and a part that says that it
                failed ends the wait at once; None waits for ever, for what failed is tried again.

        Raises:
            ProcessFailed: a child ended again and again, or patience ran out; the message has its reason.

        """
        async with httpx.AsyncClient(trust_env=False, timeout=2.0) as http:
            await asyncio.gather(*(self._wait_one_ready(child, http, patience_s) for child in self.children))

    async def wait_failed(self) -> None:
        """Return never but by the error of a child that cannot be kept running."""
        await asyncio.shield(self._failed)

    async def stop(self) -> None:
        """End all children: SIGTERM in order, SIGKILL to those that do not drain in time."""
        self._stopping = True
        if self._failed.done():
            self._failed.exception()  # it was told; asyncio need not complain that nobody asked
        try:
            for order in sorted({child.spec.stop_order for child in self.children}):
                await asyncio.gather(*(self._end(c) for c in self.children if c.spec.stop_order == order))
        finally:
            # A second Ctrl-C cancels the draining above: then they go at once.
            self.kill()
            for child in self.children:
                if child.keeper is not None:
                    child.keeper.cancel()
            await asyncio.gather(*(c.keeper for c in self.children if c.keeper), return_exceptions=True)

    def kill(self) -> None:
        """SIGKILL whatever still runs."""
        for child in self.children:
            if child.is_running and child.process is not None:
                child.process.kill()

    async def _end(self, child: Child) -> None:
        process = child.process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self._stop_timeout_s)
        except TimeoutError:
            self._on_notice(child.spec.name, f"did not end within {self._stop_timeout_s:g} s, is killed")
            process.kill()
            await process.wait()

    async def _keep(self, child: Child) -> None:
        """Run a child, again whenever it ends, until the supervisor stops or the child is hopeless."""
        wait_s = RESTART_FIRST_S
        while not self._stopping:
            started = time.monotonic()
            code = await self._run_once(child)
            if self._stopping:
                return
            if not child.was_ready:
                child.failed_starts += 1
                if child.failed_starts >= FAILED_STARTS_MAX:
                    self._give_up(child, code)
                    return
            if time.monotonic() - started > STABLE_AFTER_S:
                wait_s = RESTART_FIRST_S
            self._on_notice(child.spec.name, f"{describe_exit(code)}; starts again in {wait_s:g} s")
            await asyncio.sleep(wait_s)
            child.restarts += 1
            wait_s = min(wait_s * 2, RESTART_CEILING_S)

    def _give_up(self, child: Child, code: int) -> None:
        if not self._failed.done():
            self._failed.set_exception(
                ProcessFailed(f"{child.spec.name} {describe_exit(code)} {child.failed_starts} times in a row")
            )

    async def _run_once(self, child: Child) -> int:
        child.process = process = await asyncio.create_subprocess_exec(
            *child.spec.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **child.spec.environment, "DRAGOMAN_SUPERVISOR_PID": str(os.getpid())},
            start_new_session=True,
            limit=LINE_BYTES_MAX,
        )
        try:
            if process.stdout is not None:
                await self._forward(child.spec.name, process.stdout)
            return await process.wait()
        except asyncio.CancelledError:
            if process.returncode is None:
                process.kill()
                await process.wait()
            raise

    async def _forward(self, name: str, output: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await output.readline()
            except ValueError:
                continue  # a line over the limit was dropped; the next one counts
            if not line:
                return
            self._on_line(name, line.decode(errors="replace").rstrip())

    async def _wait_one_ready(self, child: Child, http: httpx.AsyncClient, patience_s: float | None) -> None:
        changed = time.monotonic()
        while True:
            if self._failed.done():
                self._failed.result()
            reason = await _why_not_ready(child, http)
            if reason is None:
                child.was_ready = True
                self._on_notice(child.spec.name, "ready")
                return
            if reason != child.waiting_for:
                child.waiting_for = reason
                changed = time.monotonic()
                self._on_notice(child.spec.name, reason)
            if child.spec.optional and not any(underway in reason for underway in _UNDERWAY):
                child.was_ready = True
                return
            if patience_s is not None and (_FAILED_PART in reason or time.monotonic() - changed > patience_s):
                raise ProcessFailed(f"{child.spec.name} does not become ready: {reason}")
            await asyncio.sleep(READY_POLL_S)


async def _why_not_ready(child: Child, http: httpx.AsyncClient) -> str | None:
    """None if ``/ready`` says so, else its reason in a few words."""
    try:
        answer = await http.get(child.spec.ready_url)
    except httpx.TransportError:
        return _STARTING
    if answer.is_success:
        return None
    try:
        parts = answer.json()["parts"]
        return "; ".join(f"{part}: {state}" for part, state in parts.items() if state != "ok") or "not ready"
    except (ValueError, KeyError, AttributeError):
        return f"answers {answer.status_code} to /ready"


def describe_exit(code: int) -> str:
    """An exit code in words; asyncio gives a signal as its negative number."""
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was ended by {signal.Signals(-code).name}"
