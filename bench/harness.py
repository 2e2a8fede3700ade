"""What the benchmarks share: arguments, a running stack, a lean live client, process costs, the report."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import uvloop
from numpy.typing import NDArray
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import connect

from dragoman_orchestration.cli.stack import RunningStack, StackConfig, running_stack

FIXTURES = Path(__file__).parent.parent / "tests" / "fixtures"
MODEL = FIXTURES / "models" / "whisper-micro"
TRANSLATE_MODEL = f"en-es={FIXTURES / 'models' / 'marian-micro-en-es'}"
AUDIO = FIXTURES / "audio"
RATE_HZ = 16_000
FRAME_MS = 100

Figures = dict[str, Any]


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
        cpu = names[0].partition(":")[2].strip() if names else cpu
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "python": platform.python_version(),
        "system": platform.system(),
    }


def parser(description: str) -> argparse.ArgumentParser:
    """The arguments that every benchmark has."""
    result = argparse.ArgumentParser(description=description)
    result.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    return result


def run(name: str, measure: Callable[[], Awaitable[Figures]], *, as_json: bool) -> None:
    """Run a benchmark and print its figures: a table, or one JSON object as the last line."""
    figures = uvloop.run(measure())
    if as_json:
        print(json.dumps({"benchmark": name, "machine": machine(), "figures": figures}))
        return
    facts = machine()
    table = Table(title=f"{name} · {facts['cpu']}, {facts['cores']} cores, Python {facts['python']}")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for key, value in figures.items():
        if isinstance(value, dict):
            for part, number in value.items():
                table.add_row(f"{key}.{part}", str(number))
        else:
            table.add_row(key, str(value))
    Console().print(table)


def say(text: str) -> None:
    """Progress, on stderr: stdout is for the figures."""
    print(text, file=sys.stderr, flush=True)


@asynccontextmanager
async def stack(profile: str, **environment: str) -> AsyncIterator[RunningStack]:
    """The whole system as ``dragoman up`` runs it; what its processes log is kept quiet.

    Profile cpu runs on the small models; ``environment`` is the processes' as long as they run.
    """
    real = profile == "cpu"
    config = StackConfig(
        profile=profile,
        model=str(MODEL) if real else None,
        translate_model=TRANSLATE_MODEL if real else None,
        patience_s=60,
    )
    lines: list[str] = []

    def keep(child: str, text: str) -> None:
        lines.append(f"{child}: {text}")
        if len(lines) < 20:
            say(lines[-1][:300])

    with environment_of({"DRAGOMAN_LOG_LEVEL": "WARNING", **environment}):
        async with running_stack(config, keep, lambda child, text: None) as running:
            yield running


@contextmanager
def environment_of(variables: Mapping[str, str]) -> Iterator[None]:
    """Set these variables, and put back what was there before."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def to_frames(samples: NDArray[np.float32]) -> list[bytes]:
    """Cut mono 16 kHz samples into frames of 100 ms, signed 16 bit."""
    data = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    size = RATE_HZ * 2 * FRAME_MS // 1000
    return [data[start : start + size] for start in range(0, len(data), size)]


@dataclass(slots=True)
class Live:
    """One live session: when each frame left, and each message with its arrival (monotonic seconds)."""

    started: float = 0.0
    sent: list[float] = field(default_factory=list)
    messages: list[tuple[float, bytes]] = field(default_factory=list)
    end_sent: float = 0.0
    ended: float = 0.0

    def audio_clock(self, arrival: float) -> float:
        """Milliseconds since the first frame left: the position of a live speaker's voice."""
        return (arrival - self.started) * 1000


async def create_session(http: httpx.AsyncClient, **options: Any) -> str:
    """Make a session; its id."""
    response = await http.post("/v1/sessions", json=options)
    response.raise_for_status()
    return str(response.json()["id"])


def api_client(running: RunningStack) -> httpx.AsyncClient:
    """A client of the stack's REST API."""
    return httpx.AsyncClient(
        base_url=running.url, headers={"authorization": f"Bearer {running.key}"}, timeout=30, trust_env=False
    )


async def speak_live(
    running: RunningStack,
    session_id: str,
    frames: Sequence[bytes] | Callable[[int], bytes],
    *,
    count: int | None = None,
    delay_s: float = 0.0,
    keep: Callable[[bytes], bool] = lambda message: True,
    end_timeout_s: float = 30.0,
) -> Live:
    """Send frames in real time, one each 100 ms, then end the session and wait for its end."""
    live = Live()
    total = count if count is not None else len(frames)  # type: ignore[arg-type]
    frame_at = frames if callable(frames) else frames.__getitem__
    await asyncio.sleep(delay_s)
    url = running.url.replace("http", "ws", 1) + f"/v1/sessions/{session_id}/audio"
    headers = {"authorization": f"Bearer {running.key}"}
    async with connect(url, additional_headers=headers, compression=None, max_queue=None) as socket:
        await socket.send('{"type":"session.configure"}')
        await socket.recv()

        async def receive() -> None:
            async for message in socket:
                now = time.monotonic()
                data = message.encode() if isinstance(message, str) else message
                if b'"session.ended"' in data:
                    live.ended = now
                if keep(data):
                    live.messages.append((now, data))

        receiver = asyncio.create_task(receive())
        live.started = time.monotonic()
        for index in range(total):
            # A microphone hands over a frame when its last sample was spoken.
            due = live.started + (index + 1) * FRAME_MS / 1000
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            live.sent.append(time.monotonic())
            await socket.send(frame_at(index))
        live.end_sent = time.monotonic()
        await socket.send('{"type":"session.end"}')
        try:
            await asyncio.wait_for(receiver, end_timeout_s)
        except TimeoutError:
            say(f"session {session_id} did not end within {end_timeout_s:g} s")
    return live


def child_process(running: RunningStack, name: str) -> psutil.Process:
    """A process of the stack by its name."""
    for child in running.supervisor.children:
        if child.spec.name == name and child.process is not None:
            return psutil.Process(child.process.pid)
    raise LookupError(f"the stack runs no process {name!r}")


def cpu_s(process: psutil.Process) -> float:
    """CPU seconds that a process has used, in steps of 10 ms."""
    times = process.cpu_times()
    return float(times.user + times.system)


async def metric(http: httpx.AsyncClient, url: str, name: str, **labels: str) -> float:
    """The sum of all samples ``name`` with these labels on a process's ``/metrics``; 0 without any."""
    response = await http.get(f"{url}/metrics")
    response.raise_for_status()
    return sum(
        sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


class ProcessCosts:
    """CPU seconds and memory of the stack's processes and of this one, the load generator."""

    def __init__(self, running: RunningStack) -> None:
        self._processes = {
            child.spec.name: psutil.Process(child.process.pid)
            for child in running.supervisor.children
            if child.process is not None
        }
        for process in psutil.Process().children():
            if "redis-server" in process.name():
                self._processes["redis"] = process
        self._processes["load"] = psutil.Process()
        self._before = self._cpu_s()
        self._since = time.monotonic()

    def _cpu_s(self) -> dict[str, float]:
        return {name: cpu_s(process) for name, process in self._processes.items()}

    def restart(self) -> None:
        """Count from now on."""
        self._before, self._since = self._cpu_s(), time.monotonic()

    def cpu_ms_per_session_second(self, sessions: int) -> dict[str, float]:
        """CPU milliseconds a session and second since the start."""
        seconds = time.monotonic() - self._since
        return {
            name: round((now - self._before[name]) * 1000 / seconds / sessions, 3)
            for name, now in self._cpu_s().items()
        }

    def rss_mb(self) -> dict[str, float]:
        """Resident memory."""
        return {name: round(process.memory_info().rss / 1e6, 1) for name, process in self._processes.items()}


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` percent of ``values`` lie; NaN without values."""
    return round(float(np.percentile(values, share)), 1) if len(values) else float("nan")
