"""The whole monitoring worker with a receiver of alerts: told once, and that it is over once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI, Request

from dragoman_orchestration.workers.monitoring import run_monitoring_worker
from dragoman_orchestration.workers.monitoring_settings import MonitoringSettings
from dragoman_runtime.http_service import create_http_app, serve
from dragoman_runtime.process import Drain, Health
from dragoman_runtime.settings import RuntimeSettings

from .conftest import overview_of


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


@pytest.fixture
async def received() -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """A receiver of Slack's shape: its URL and what it got."""
    app, got = FastAPI(), []

    @app.post("/hook")
    async def take(request: Request) -> None:
        got.append(await request.json())

    async with served(app) as url:
        yield f"{url}/hook", got


async def test_a_service_that_goes_and_returns_is_two_messages(
    redis, bus, received, monkeypatch, free_port, eventually
):
    url, got = received
    monkeypatch.setenv("DRAGOMAN_ALERTS_SLACK_URL", url)
    monkeypatch.setenv("DRAGOMAN_ALERTS_GROUP_WINDOW_S", "0")
    settings = MonitoringSettings(
        interval_s=0.1, timeout_s=1, lease_ms=1_500, whisper_urls=f"http://127.0.0.1:{free_port}"
    )
    drain = Drain()
    worker = asyncio.create_task(run_monitoring_worker(settings, RuntimeSettings(redis_url=redis.url), drain))
    try:
        async with served(create_http_app("whisper", Health("whisper")), free_port):
            await eventually(lambda: overview_of(bus))
            assert (await overview_of(bus)).status == "ok"
        await eventually(lambda: any("no answer (ConnectError)" in str(one) for one in got))
        count = len(got)
        async with served(create_http_app("whisper", Health("whisper")), free_port):
            await eventually(lambda: len(got) > count)
            seen = await overview_of(bus)
            await eventually(lambda: _looked_after(bus, seen.time_ms + 1_500))
        assert len(got) == 2
        assert "resolved" in str(got[1]).lower() or "recovered" in str(got[1]).lower()
    finally:
        drain.start()
        await asyncio.wait_for(worker, 20)


async def _looked_after(bus: Any, time_ms: int) -> bool:
    seen = await overview_of(bus)
    return seen is not None and seen.time_ms > time_ms
