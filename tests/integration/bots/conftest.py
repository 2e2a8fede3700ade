"""Bots as they run: a real API, a real Redis, real processes; only what a runner does is played."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import connect

from dragoman_contracts.config import Bots
from dragoman_orchestration.api.app import serve_api
from dragoman_orchestration.api.settings import ApiSettings
from dragoman_orchestration.bots import keeper, listening, supervision
from dragoman_orchestration.bots.launchers import procfs
from dragoman_orchestration.bots.launchers.process import ProcessLauncher
from dragoman_orchestration.bots.model import Handle
from dragoman_orchestration.bots.supervision import Patience
from dragoman_orchestration.workers import bot_lifecycle
from dragoman_orchestration.workers.bot_lifecycle import run_bots_worker
from dragoman_orchestration.workers.bot_settings import BotsWorkerSettings
from dragoman_runtime.process import Drain
from dragoman_runtime.settings import RuntimeSettings

KEY, OTHER_KEY = "test-key-of-the-suite", "another-key-of-the-suite"
LIMIT_S = 40.0
FAKE_RUNNER = Path(__file__).parent / "fake_runner.py"
WORKER = Path(__file__).parent / "worker_process.py"
PATIENCE = Patience(launch_s=1.0, lost_s=4.0, orphan_s=6.0, stop_signal_s=0.5, stop_grace_s=1.5)
LAUNCH_S = 20.0
"""For a runner's first word, on a machine that is busy."""


class QuickLauncher(ProcessLauncher):
    """Starts the played runner."""

    look_every_s = 0.1

    def __init__(self, folder: Path, launch_s: float = LAUNCH_S) -> None:
        self.launch_timeout_s = launch_s
        super().__init__(
            (sys.executable, str(FAKE_RUNNER)),
            folder=folder,
            environment=os.environ | {"DRAGOMAN_LOG_PLAY": str(folder / "starts")},
        )


class LauncherElsewhere(QuickLauncher):
    """On another machine: it can neither see nor end the runners of others."""

    async def is_running(self, handle: Handle) -> bool | None:
        return await super().is_running(handle) if self._is_own(handle) else None

    async def find(self, bot_id: str, generation: int) -> Handle | None:
        return None

    async def stop(self, handle: Handle) -> None:
        if self._is_own(handle):
            await super().stop(handle)

    async def kill(self, handle: Handle) -> None:
        if self._is_own(handle):
            await super().kill(handle)

    def _is_own(self, handle: Handle) -> bool:
        return (handle.get("pid"), handle.get("started")) in self._children


@dataclass
class Api:
    """A running API."""

    url: str
    http: httpx.AsyncClient
    play_folder: Path

    async def ask(self, play: str, **more: Any) -> dict[str, Any]:
        """Ask for a bot whose runner plays so."""
        answer = await self.http.post("/v1/bots", json=body(play, **more))
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def bot(self, bot_id: str) -> dict[str, Any]:
        answer = await self.http.get(f"/v1/bots/{bot_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def until(self, bot_id: str, *states: str, limit_s: float = LIMIT_S) -> dict[str, Any]:
        """Wait until the bot is in one of these states."""
        deadline = time.monotonic() + limit_s
        while True:
            bot = await self.bot(bot_id)
            if bot["state"] in states:
                return bot
            if time.monotonic() > deadline:
                pytest.fail(f"not {states} within {limit_s:g} s: {bot}")
            await asyncio.sleep(0.02)

    async def stop(self, bot_id: str) -> None:
        assert (await self.http.delete(f"/v1/bots/{bot_id}")).status_code == 202

    def starts(self, bot_id: str = "") -> list[int]:
        """Process ids of all runners that were ever started, of one bot or of all."""
        path = self.play_folder / "starts"
        rows = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        return [int(pid) for pid, bot in rows if not bot_id or bot == bot_id]

    def running(self, bot_id: str = "") -> list[int]:
        """Process ids of the runners that are there."""
        return [pid for pid in self.starts(bot_id) if procfs.start_time(pid) is not None]

    @asynccontextmanager
    async def events(self, path: str = "/v1/bots/events", key: str = KEY) -> AsyncIterator[Events]:
        url = f"ws{self.url.removeprefix('http')}{path}"
        headers = {"Authorization": f"Bearer {key}"}
        async with connect(url, additional_headers=headers, proxy=None, close_timeout=1) as socket:
            yield Events(socket)


class Events:
    """A socket of events; every wait has a limit."""

    def __init__(self, socket: Any) -> None:
        self.raw = socket

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(LIMIT_S):
            return dict(json.loads(await self.raw.recv()))

    async def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        while True:
            message = await self.next()
            if message["type"] == kind and all(message[name] == value for name, value in fields.items()):
                return message

    async def closed(self) -> int:
        async with asyncio.timeout(LIMIT_S):
            await self.raw.wait_closed()
        return int(self.raw.close_code)


def body(play: str, **more: Any) -> dict[str, Any]:
    """A request for a bot; the URL carries what must never be told."""
    return {"driver": "media", "url": f"http://user:hunter2@127.0.0.1/{play}?pwd=hush", **more}


@asynccontextmanager
async def serving(redis_url: str, folder: Path, **changes: Any) -> AsyncIterator[Api]:
    drain = Drain()
    bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    settings = ApiSettings(
        **{"port": 0, "keys": f"tests:{KEY},others:{OTHER_KEY}", "default_profile": "mock"} | changes
    )
    runtime = RuntimeSettings(redis_url=redis_url, redis_timeout_s=2)
    task = asyncio.create_task(serve_api(settings, runtime, drain, on_bound=bound.set_result))
    await asyncio.wait({task, bound}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    async with httpx.AsyncClient(
        base_url=bound.result(), headers={"Authorization": f"Bearer {KEY}"}, timeout=10, trust_env=False
    ) as http:
        try:
            yield Api(bound.result(), http, folder)
        finally:
            drain.start()
            await task


@pytest.fixture(autouse=True)
def _private_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bots of these tests are sent to loopback."""
    monkeypatch.setenv("DRAGOMAN_BOTS_ALLOW_PRIVATE", "true")


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers in this process look, and try again, sooner than those in a process of their own."""
    monkeypatch.setattr(keeper, "TICK_S", 0.1)
    monkeypatch.setattr(listening, "WORDS_EVERY_S", 0.5)
    monkeypatch.setattr(supervision, "RETRY_FIRST_S", 0.3)
    monkeypatch.setattr(bot_lifecycle, "CLAIM_INTERVAL_S", 0.1)
    monkeypatch.setattr(bot_lifecycle, "LOOK_INTERVAL_S", 0.5)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where runners play; whoever is left at the end of the test is ended."""
    yield tmp_path
    starts = tmp_path / "starts"
    for line in starts.read_text().splitlines() if starts.exists() else ():
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(int(line.split()[0]))
            if str(FAKE_RUNNER) in process.cmdline():
                process.kill()


@pytest.fixture
async def api(redis_server: str, redis_client: Redis, folder: Path) -> AsyncIterator[Api]:
    async with serving(redis_server, folder) as running:
        yield running


@dataclass
class Worker:
    """A bots worker as a task of this process."""

    drain: Drain
    task: asyncio.Task[None]

    async def stop(self) -> None:
        self.drain.start()
        await self.task


@dataclass
class Workers:
    """Starts workers, and ends those that are left."""

    redis_url: str
    api_url: str
    folder: Path
    all: list[Worker] = field(default_factory=list)
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    def start(
        self,
        *,
        config: Callable[[], Bots] = Bots,
        patience: Patience = PATIENCE,
        api_url: str = "",
        drain_timeout_s: float = 10.0,
        launch_s: float = LAUNCH_S,
        launcher: type[QuickLauncher] = QuickLauncher,
        **settings: Any,
    ) -> Worker:
        drain = Drain()
        task = asyncio.create_task(
            run_bots_worker(
                BotsWorkerSettings(
                    **{"api_url": api_url or self.api_url, "lease_ms": 1_000, "max_bots": 10} | settings
                ),
                RuntimeSettings(redis_url=self.redis_url, redis_timeout_s=2, drain_timeout_s=drain_timeout_s),
                drain,
                config=config,
                launcher=launcher(self.folder, launch_s),
                patience=patience,
            )
        )
        worker = Worker(drain, task)
        self.all.append(worker)
        return worker

    async def process(self) -> asyncio.subprocess.Process:
        """A worker as a process of its own, that can be killed."""
        environment = {
            "DRAGOMAN_REDIS_URL": self.redis_url,
            "DRAGOMAN_BOTS_WORKER_API_URL": self.api_url,
            "DRAGOMAN_BOTS_WORKER_LEASE_MS": "1000",
            "DRAGOMAN_BOTS_WORKER_MAX_BOTS": "10",
            "PLAY_FOLDER": str(self.folder),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(WORKER),
            env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    async def close(self) -> None:
        """End what is left of them."""
        for process in self.processes:
            if process.returncode is None:
                process.kill()
                await process.wait()
        await asyncio.gather(*(worker.stop() for worker in self.all), return_exceptions=True)


@pytest.fixture
async def workers(redis_server: str, api: Api, folder: Path) -> AsyncIterator[Workers]:
    started = Workers(redis_server, api.url, folder)
    yield started
    await started.close()
