"""A real audio worker on a real Redis and a real whisper service (mock engine), driven by streams."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import numpy as np
import pytest
import uvicorn
from redis.asyncio import Redis

from dragoman_contracts.audio import AudioFormat
from dragoman_contracts.events import AudioSessionOpened, to_envelope
from dragoman_contracts.streams import SessionKeys
from dragoman_contracts.websocket import (
    ServerMessages,
    SessionConfigure,
    SessionOptions,
    parse_server_message,
)
from dragoman_orchestration.workers.audio_pipeline import run_audio_worker
from dragoman_orchestration.workers.settings import AudioWorkerSettings
from dragoman_runtime.process import Drain
from dragoman_runtime.settings import RuntimeSettings
from dragoman_whisper.app import create_app
from dragoman_whisper.engines.mock_speech import speak
from dragoman_whisper.settings import WhisperSettings

FRAME_MS = 100


def spoken(numbers: list[int], rate_hz: int = 16_000) -> np.ndarray:
    """Mock speech with a second of silence on both sides."""
    quiet = np.zeros(rate_hz, dtype=np.float32)
    return np.concatenate([quiet, speak(numbers, rate_hz), quiet])


def words_of(numbers: list[int]) -> list[str]:
    return [f"w{number:05d}" for number in numbers]


class Session:
    """A session as the API would write it, and its results as the hub would read them."""

    def __init__(self, redis: Redis, session_id: str, audio: AudioFormat | None = None) -> None:
        self.redis = redis
        self.id = session_id
        self.keys = SessionKeys(session_id, 1)
        self.audio = audio or AudioFormat()
        self._seq = 0
        self._bytes = 0

    async def open(self, options: SessionOptions | None = None) -> None:
        opened = AudioSessionOpened(
            session_id=self.id, profile="mock", options=msgspec.to_builtins(options or SessionOptions())
        )
        envelope = to_envelope(opened, source="/test", subject=self.id)
        await self.redis.hset(self.keys.record, mapping={"status": "live", "results_epoch": "e"})
        await self.redis.xadd(self.keys.shard.sessions("mock"), envelope.to_fields())
        await self.entry(b"f", msgspec.json.encode(SessionConfigure(audio=self.audio)))

    async def entry(self, kind: bytes, data: bytes = b"") -> None:
        self._seq += 1
        await self.redis.xadd(
            self.keys.audio, {b"k": kind, b"d": data, b"n": self._bytes}, id=f"1-{self._seq}"
        )

    async def say(self, samples: np.ndarray) -> None:
        await self.say_bytes((samples * 32767).astype("<i2").tobytes(), 2 * 16 * FRAME_MS)

    async def say_bytes(self, data: bytes, frame_bytes: int) -> None:
        for start in range(0, len(data), frame_bytes):
            frame = data[start : start + frame_bytes]
            self._bytes += len(frame)
            await self.entry(b"a", frame)

    async def end(self) -> None:
        await self.entry(b"e", b"client")

    async def results(self) -> list[ServerMessages]:
        entries = await self.redis.xrange(self.keys.results)
        return [parse_server_message(fields[b"d"]) for _, fields in entries]

    async def of_type(self, kind: type) -> list[Any]:
        return [message for message in await self.results() if isinstance(message, kind)]

    async def words(self) -> list[str]:
        from dragoman_contracts.websocket import TranscriptFinal

        return [word for final in await self.of_type(TranscriptFinal) for word in final.text.split()]

    async def is_ended(self) -> bool:
        return await self.redis.hget(self.keys.record, "status") == b"ended"


@pytest.fixture
def new_session(redis_client: Redis) -> Callable[..., Session]:
    return lambda session_id, audio=None: Session(redis_client, session_id, audio)


@asynccontextmanager
async def whisper_server(app: Any, port: int = 0) -> AsyncIterator[str]:
    """Serve an ASGI app on loopback."""
    listener = socket.create_server(("127.0.0.1", port))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=2))
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


@pytest.fixture
async def whisper_url() -> AsyncIterator[str]:
    async with whisper_server(create_app(WhisperSettings(profile="mock"))) as url:
        yield url


class Worker:
    """A worker as a task of this process."""

    def __init__(self, settings: AudioWorkerSettings, runtime: RuntimeSettings) -> None:
        self.drain = Drain()
        self.task = asyncio.create_task(run_audio_worker(settings, runtime, self.drain))

    async def stop(self) -> None:
        self.drain.start()
        await self.task


@pytest.fixture
async def start_worker(redis_server: str, redis_client: Redis) -> AsyncIterator[Callable[..., Worker]]:
    workers: list[Worker] = []

    def start(whisper_url: str, **changes: Any) -> Worker:
        settings = AudioWorkerSettings(
            **{"profile": "mock", "whisper_url": whisper_url, "lease_ms": 500} | changes
        )
        worker = Worker(settings, RuntimeSettings(redis_url=redis_server))
        workers.append(worker)
        return worker

    yield start
    await asyncio.gather(*(worker.stop() for worker in workers if not worker.task.done()))
