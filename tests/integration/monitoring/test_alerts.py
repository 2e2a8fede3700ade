"""Whole monitoring workers, as ``dragoman worker monitoring`` runs them, and a receiver of alerts.

It gets one message when something goes wrong and one when it is over, whoever leads and whatever dies.
"""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from standardwebhooks import Webhook

from dragoman_contracts.streams import AlertKeys
from dragoman_runtime.http_service import create_http_app, serve
from dragoman_runtime.ports import held_port
from dragoman_runtime.process import Drain, Health

from .conftest import QUICK, overview_of

START_LIMIT_S = 60
"""Two interpreters that start on a busy machine."""
SECRET = "whsec_" + base64.b64encode(b"monitoring" * 3).decode()


@asynccontextmanager
async def served(app: FastAPI, port: int = 0) -> AsyncIterator[str]:
    drain = Drain()
    bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(app, "127.0.0.1", port, drain, on_bound=bound.set_result, grace_s=1))
    try:
        yield await asyncio.wait_for(bound, 10)
    finally:
        drain.start()
        await task


class Receiver:
    """What came to the alert webhook, by what it tells."""

    def __init__(self) -> None:
        self.url = ""
        self.ids: list[str] = []
        self.told: Counter[str] = Counter()

    def take(self, message: dict[str, Any]) -> None:
        self.ids.append(message["id"])
        for what in ("opened", "resolved"):
            for one in message["data"][what]:
                self.told[f"{what} {one['rule']} {one['subject']}".strip()] += 1


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    app, made = FastAPI(), Receiver()

    @app.post("/hook")
    async def take(request: Request) -> None:
        # Refuses what is not signed.
        made.take(Webhook(SECRET).verify(await request.body(), dict(request.headers)))

    async with served(app) as url:
        made.url = f"{url}/hook"
        yield made


class Worker:
    """A monitoring worker as a process."""

    def __init__(self, port: int, log: Path, **environment: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._log = log.open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dragoman_orchestration.cli", "worker", "monitoring"],
            env={**os.environ, **QUICK, **environment, "DRAGOMAN_METRICS_PORT": str(port)},
            stdout=self._log,
            stderr=self._log,
        )

    async def leads(self) -> bool:
        try:
            async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=5) as http:
                return "dragoman_monitoring_leader 1.0" in (await http.get("/metrics")).text
        except httpx.HTTPError:
            return False

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._log.close()


@pytest.fixture
def pair(redis, bus, receiver, free_port, tmp_path) -> Iterator[list[Worker]]:
    """Two workers that watch a whisper service on ``free_port``."""
    environment = {
        "DRAGOMAN_REDIS_URL": redis.url,
        "DRAGOMAN_MONITORING_WHISPER_URLS": f"http://127.0.0.1:{free_port}",
        "DRAGOMAN_ALERTS_WEBHOOK_URL": receiver.url,
        "DRAGOMAN_ALERTS_WEBHOOK_SECRET": SECRET,
        "DRAGOMAN_ALERTS_GROUP_WINDOW_S": "0",
        "DRAGOMAN_ALERTS_MAX_PER_MINUTE": "100",
        "DRAGOMAN_ALERTS_MIN_SEVERITY": "critical",
    }
    with held_port() as first, held_port() as second:
        workers = [Worker(port, tmp_path / f"log-{port}", **environment) for port in (first, second)]
        yield workers
        for one in workers:
            one.close()


async def leader_of(pair: list[Worker]) -> Worker | None:
    leading = [one for one in pair if one.process.poll() is None and await one.leads()]
    return leading[0] if len(leading) == 1 else None


async def _is_noted(bus: Any) -> bool:
    [noted] = await bus.ask([("HLEN", AlertKeys.TOLD)])
    return bool(noted)


async def _looked_after(bus: Any, time_ms: int) -> bool:
    seen = await overview_of(bus)
    return seen is not None and seen.time_ms > time_ms


async def test_a_service_goes_and_returns_and_the_leader_is_killed_in_between(
    bus, receiver, pair, free_port, eventually
):
    whisper = create_http_app("whisper", Health("whisper"))
    async with served(whisper, free_port):
        await eventually(lambda: leader_of(pair), limit_s=START_LIMIT_S)
        await eventually(lambda: overview_of(bus))
    await eventually(lambda: receiver.told["opened service_away whisper"])
    # Between a message and the note of it is a moment in which a death would have it sent again.
    await eventually(lambda: _is_noted(bus))
    first = await leader_of(pair)
    assert first is not None
    first.process.kill()
    first.process.wait()
    await eventually(lambda: leader_of(pair))
    async with served(whisper, free_port):
        await eventually(lambda: receiver.told["resolved service_away whisper"])
        seen = await overview_of(bus)
        await eventually(lambda: _looked_after(bus, seen.time_ms + 2_000))
    assert receiver.told["opened service_away whisper"] == 1
    assert receiver.told["resolved service_away whisper"] == 1
    assert len(set(receiver.ids)) == len(receiver.ids)


async def test_redis_goes_and_returns(redis, bus, receiver, pair, free_port, eventually):
    async with served(create_http_app("whisper", Health("whisper")), free_port):
        await eventually(lambda: leader_of(pair), limit_s=START_LIMIT_S)
        await eventually(lambda: overview_of(bus))
        await redis.kill()
        await eventually(lambda: receiver.told["opened redis_away"])  # while it is away
        await redis.start()
        await eventually(lambda: receiver.told["resolved redis_away"])
        seen = await eventually(lambda: overview_of(bus))
        await eventually(lambda: _looked_after(bus, seen.time_ms + 2_000))
    assert receiver.told == {"opened redis_away": 1, "resolved redis_away": 1}
