"""A real API, a real worker in a process of its own, a real Redis, and a folder for recordings."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from redis.asyncio import Redis

from dragoman_contracts.streams import fleet_key
from dragoman_orchestration.recordings.settings import RecordingSettings
from dragoman_orchestration.workers.audio_pipeline import run_audio_worker
from dragoman_orchestration.workers.settings import AudioWorkerSettings
from dragoman_runtime.process import Drain
from dragoman_runtime.settings import RuntimeSettings
from tests.integration.api.conftest import Api, Socket, running_api
from tests.integration.worker.conftest import spoken, whisper_server

FRAME_BYTES = 3_200
LEASE_MS = 1_000
PATIENCE_S = 60.0
"""For what takes a second on a machine that has nothing else to do."""


def pcm(numbers: list[int]) -> bytes:
    """Mock speech as it goes over the wire."""
    return (spoken(numbers) * 32767).astype("<i2").tobytes()


def noise(seconds: float) -> bytes:
    """Audio of which no two milliseconds are alike."""
    return np.random.default_rng(7).integers(-9_000, 9_000, int(seconds * 16_000), dtype=np.int16).tobytes()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where recordings are kept, for the API of this process and for workers."""
    made = tmp_path / "recordings"
    monkeypatch.setenv("DRAGOMAN_RECORDINGS_DIR", str(made))
    return made


@pytest.fixture
async def api(redis_server: str, redis_client: Redis, folder: Path) -> AsyncIterator[Api]:
    async with running_api(redis_server, default_profile="mock", admission=False) as running:
        yield running


@pytest.fixture
async def whisper_url() -> AsyncIterator[str]:
    from dragoman_whisper.app import create_app
    from dragoman_whisper.settings import WhisperSettings

    async with whisper_server(create_app(WhisperSettings(profile="mock"))) as url:
        yield url


class Worker:
    """An audio worker as a task of the test."""

    def __init__(self, redis_url: str, whisper_url: str, folder: str) -> None:
        self.drain = Drain()
        settings = AudioWorkerSettings(profile="mock", whisper_url=whisper_url, lease_ms=LEASE_MS)
        work = run_audio_worker(
            settings,
            RuntimeSettings(redis_url=redis_url),
            self.drain,
            recordings=RecordingSettings(dir=folder),
        )
        self.task = asyncio.create_task(work)

    async def cut_short(self) -> None:
        """It hands nothing over and writes nothing more."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def stop(self) -> None:
        if not self.task.done():
            self.drain.start()
            await self.task


@pytest.fixture
async def start_worker(
    redis_server: str, whisper_url: str, folder: Path
) -> AsyncIterator[Callable[..., Worker]]:
    """Starts a worker in the test's own process; ``recordings=""`` gives it no folder."""
    workers: list[Worker] = []

    def start(recordings: str | None = None) -> Worker:
        workers.append(Worker(redis_server, whisper_url, str(folder) if recordings is None else recordings))
        return workers[-1]

    yield start
    await asyncio.gather(*(worker.stop() for worker in workers))


class WorkerProcess:
    """An audio worker that can be killed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(self.process.wait(), PATIENCE_S)


@pytest.fixture
async def start_process(
    redis_server: str, redis_client: Redis, whisper_url: str, eventually: Callable[..., Any]
) -> AsyncIterator[Callable[..., Any]]:
    """Starts a worker as a process and waits until it takes sessions."""
    workers: list[WorkerProcess] = []

    async def reports() -> set[bytes]:
        return set(await redis_client.hkeys(fleet_key("mock")))

    async def start(before_start: Callable[[], None] | None = None) -> WorkerProcess:
        environment = os.environ | {
            "DRAGOMAN_REDIS_URL": redis_server,
            "DRAGOMAN_AUDIO_PROFILE": "mock",
            "DRAGOMAN_AUDIO_WHISPER_URL": whisper_url,
            "DRAGOMAN_AUDIO_LEASE_MS": str(LEASE_MS),
        }
        known = await reports()
        command = (sys.executable, "-m", "dragoman_orchestration.cli", "worker", "audio")
        process = await asyncio.create_subprocess_exec(*command, env=environment, preexec_fn=before_start)
        workers.append(WorkerProcess(process))

        async def is_there() -> bool:
            return bool(await reports() - known)

        await eventually(is_there, limit_s=PATIENCE_S)
        return workers[-1]

    yield start
    await asyncio.gather(*(worker.stop() for worker in workers))


async def say(socket: Socket, data: bytes, frame_bytes: int = FRAME_BYTES) -> None:
    for start in range(0, len(data), frame_bytes):
        await socket.send(data[start : start + frame_bytes])


async def finish(api: Api, socket: Socket, session_id: str, eventually: Callable[..., Any]) -> dict[str, Any]:
    """End the session and wait until it has ended; how it is told then."""
    await socket.send({"type": "session.end"})

    async def ended() -> Any:
        told = (await api.http.get(f"/v1/sessions/{session_id}")).json()
        return told if told["status"] == "ended" else None

    return dict(await eventually(ended, limit_s=PATIENCE_S))
