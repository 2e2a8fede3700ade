"""The API as it runs: uvicorn on a free port, a real Redis, real sockets; only the worker is played."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec
import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect

from dragoman_contracts.streams import (
    AudioField,
    AudioKind,
    RecordField,
    ResultField,
    SessionKeys,
    StateField,
)
from dragoman_contracts.websocket import Ledger
from dragoman_orchestration.api.app import serve_api
from dragoman_orchestration.api.settings import ApiSettings
from dragoman_runtime.process import Drain
from dragoman_runtime.settings import RuntimeSettings

KEY = "test-key-of-the-suite"
LIMIT_S = 20.0


@dataclass
class Api:
    """A running API and how to talk to it."""

    url: str
    http: httpx.AsyncClient
    drain: Drain
    sockets: list[ClientConnection] = field(default_factory=list)

    async def create(self, **options: Any) -> str:
        answer = await self.http.post("/v1/sessions", json=options)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def connect(self, path: str, *, key: str | None = KEY, **options: Any) -> Socket:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        socket = await connect(
            f"ws{self.url.removeprefix('http')}{path}",
            additional_headers=headers,
            compression=None,
            proxy=None,
            max_size=None,
            close_timeout=1,
            **options,
        )
        self.sockets.append(socket)
        return Socket(socket)

    async def viewer(
        self, session_id: str, after: str = "", languages: str | None = None, **options: Any
    ) -> Socket:
        query = {"after": after} if after else {}
        if languages is not None:
            query["languages"] = languages
        return await self.connect(f"/v1/sessions/{session_id}/events?{urlencode(query)}", **options)

    async def speaker(self, session_id: str, audio: dict[str, Any] | None = None, **options: Any) -> Socket:
        """A configured speaker; its greeting is in ``greeting``."""
        socket = await self.connect(f"/v1/sessions/{session_id}/audio", **options)
        await socket.send({"type": "session.configure", "audio": audio or {}})
        socket.greeting = await socket.next()
        return socket


class Socket:
    """A client's socket that speaks JSON; every wait has a limit."""

    def __init__(self, socket: ClientConnection) -> None:
        self.raw = socket
        self.greeting: dict[str, Any] = {}

    async def send(self, message: dict[str, Any] | bytes | str) -> None:
        await self.raw.send(json.dumps(message) if isinstance(message, dict) else message)

    async def next(self, kind: str = "") -> dict[str, Any]:
        """The next message; with ``kind`` the next of that type."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                message = json.loads(await self.raw.recv())
                if not kind or message["type"] == kind:
                    return dict(message)

    async def acked(self, received_bytes: int) -> dict[str, Any]:
        """Wait until that much is acknowledged."""
        while (ack := await self.next("audio.ack"))["received_bytes"] < received_bytes:
            pass
        return ack

    async def closed(self) -> int:
        """The code that the server closes with."""
        async with asyncio.timeout(LIMIT_S):
            await self.raw.wait_closed()
        assert self.raw.close_code is not None
        return self.raw.close_code

    async def close(self) -> None:
        await self.raw.close()


class Worker:
    """Plays the audio worker for one session: publishes results and state as the contract says."""

    def __init__(self, redis: Redis, session_id: str) -> None:
        self.redis: Any = redis
        self.keys = SessionKeys(session_id)
        self.offset = 0
        self._partials: list[str] = []

    async def publish(self, kind: str, message: dict[str, Any]) -> int:
        self.offset += 1
        await self.redis.xadd(
            self.keys.results,
            {
                ResultField.TYPE: kind,
                ResultField.DATA: msgspec.json.encode({"type": kind} | message),
                ResultField.TIME_MS: str(time.time_ns() // 1_000_000),
            },
            id=f"{self.offset}-0",
        )
        return self.offset

    async def partial(self, segment: int, text: str, revision: int = 0) -> int:
        offset = await self.publish(
            "transcript.partial",
            _segment(segment, text, revision) | {"stable_text": "", "unstable_text": text},
        )
        self._partials.append(f"{offset}-0")
        return offset

    async def final(self, segment: int, text: str) -> int:
        if self._partials:
            await self.redis.xdel(self.keys.results, *self._partials)
            self._partials.clear()
        return await self.publish("transcript.final", _segment(segment, text, 99))

    async def translation(self, segment: int, language: str, text: str, kind: str = "final") -> int:
        message = {
            "segment_id": f"s{segment}",
            "revision": 99,
            "target_language": language,
            "source_language": "en",
        }
        if kind == "failed":
            told = {"code": "engine_unavailable", "message": text, "permanent": False}
            return await self.publish("translation.failed", message | told)
        times = {"start_ms": segment * 1000, "end_ms": segment * 1000 + 900, "engine": "mock"}
        return await self.publish(
            f"translation.{kind}", message | {"text": text} | (times if kind == "final" else {})
        )

    async def progress(self, *, committed_ms: int = 0, heard_ms: int = 0, consumed_bytes: int = 0) -> None:
        await self.redis.hset(
            self.keys.state,
            mapping={
                StateField.COMMITTED_MS: committed_ms,
                StateField.HEARD_MS: heard_ms,
                StateField.CONSUMED_BYTES: consumed_bytes,
            },
        )

    async def entries(self) -> list[tuple[str, bytes, bytes, int]]:
        """The session's audio stream as (id, kind, data, total bytes)."""
        return [
            (
                entry_id.decode(),
                fields[AudioField.KIND],
                fields[AudioField.DATA],
                int(fields[AudioField.BYTES_TOTAL]),
            )
            for entry_id, fields in await self.redis.xrange(self.keys.audio)
        ]

    async def audio(self) -> bytes:
        """All audio that the session has, in order."""
        return b"".join(data for _, kind, data, _ in await self.entries() if kind == AudioKind.FRAME)

    async def finish(self, ledger: Ledger | None = None, reason: str = "client") -> None:
        """What a worker does when all is transcribed."""
        told = ledger or Ledger()
        await self.redis.hset(self.keys.state, mapping={StateField.LEDGER: msgspec.json.encode(told)})
        await self.publish("session.ended", {"reason": reason, "ledger": msgspec.to_builtins(told)})
        await self.redis.hset(
            self.keys.record, mapping={RecordField.STATUS: "ended", RecordField.ENDED_MS: 1}
        )
        await self.redis.delete(self.keys.audio)


def _segment(segment: int, text: str, revision: int) -> dict[str, Any]:
    return {
        "segment_id": f"s{segment}",
        "revision": revision,
        "text": text,
        "start_ms": segment * 1000,
        "end_ms": segment * 1000 + 900,
        "language": "en",
    }


@asynccontextmanager
async def running_api(redis_url: str, **settings: Any) -> AsyncIterator[Api]:
    """The API on a free port, drained at the end."""
    drain = Drain()
    bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(
        serve_api(
            ApiSettings(**({"port": 0, "keys": f"suite:{KEY}"} | settings)),
            RuntimeSettings(redis_url=redis_url, redis_timeout_s=2),
            drain,
            on_bound=bound.set_result,
        )
    )
    waiting: set[asyncio.Future[Any]] = {task, bound}
    await asyncio.wait(waiting, timeout=LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    url = bound.result()
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=LIMIT_S) as http:
        api = Api(url, http, drain)
        try:
            yield api
        finally:
            drain.start("the test is over")
            for socket in api.sockets:
                await socket.close()
            await asyncio.wait_for(task, LIMIT_S)


@pytest.fixture
async def api(redis_server: str, redis_client: Redis) -> AsyncIterator[Api]:
    """An API on the emptied Redis of the test session."""
    async with running_api(redis_server) as running:
        yield running


@pytest.fixture
def worker(redis_client: Redis) -> Callable[[str], Worker]:
    """Makes the worker of a session."""
    return lambda session_id: Worker(redis_client, session_id)


@pytest.fixture
def start_api(redis_server: str, redis_client: Redis) -> Callable[..., Any]:
    """Starts an API with settings of one's own: ``async with start_api(max_sessions=1) as api``."""
    return lambda **settings: running_api(redis_server, **settings)


Waiter = Callable[..., Awaitable[Any]]
