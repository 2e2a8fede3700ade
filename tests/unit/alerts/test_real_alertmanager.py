"""Against a real Alertmanager, where one is installed (Debian: prometheus-alertmanager)."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import Eventually

from dragoman_contracts.monitoring import Anomaly
from dragoman_orchestration.alerts.notify import AlertNotifier
from dragoman_orchestration.alerts.settings import AlertSettings
from dragoman_runtime.process import Drain

BINARY = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
CONFIGURATION = "route: {receiver: none}\nreceivers: [{name: none}]\n"

pytestmark = pytest.mark.skipif(BINARY is None, reason="no Alertmanager on PATH")


@pytest.fixture
async def url(tmp_path: Path, free_port: int, eventually: Eventually) -> AsyncIterator[str]:
    assert BINARY is not None
    (tmp_path / "am.yml").write_text(CONFIGURATION)
    process = await asyncio.create_subprocess_exec(
        BINARY,
        f"--config.file={tmp_path / 'am.yml'}",
        f"--storage.path={tmp_path}",
        f"--web.listen-address=127.0.0.1:{free_port}",
        "--cluster.listen-address=",
        stderr=asyncio.subprocess.DEVNULL,
    )
    base = f"http://127.0.0.1:{free_port}"

    async def is_ready() -> bool:
        try:
            async with httpx.AsyncClient(trust_env=False) as http:
                return (await http.get(f"{base}/-/ready")).is_success
        except httpx.HTTPError:
            return False

    try:
        await eventually(is_ready)
        yield base
    finally:
        process.kill()
        await process.wait()


async def test_it_takes_an_alert_keeps_it_alive_and_takes_its_end(url: str, eventually: Eventually) -> None:
    settings = AlertSettings(
        alertmanager_url=url,  # type: ignore[arg-type]
        group_window_s=0,
        alertmanager_repeat_s=0.1,
        max_per_minute=600,
    )
    notifier = AlertNotifier.from_settings(settings, tick_s=0.05)
    anomaly = Anomaly(
        rule="stream_lag",
        subject="stream:monitoring",
        severity="critical",
        measure="lag",
        value=42.0,
        since_ms=time.time_ns() // 1_000_000 - 5000,
        message="It lags.",
    )

    async def alerts() -> list[dict[str, Any]]:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            return list((await http.get("/api/v2/alerts")).json())

    drain = Drain()
    running = asyncio.create_task(notifier.run(drain))
    notifier.opened(anomaly)
    (told,) = await eventually(alerts)
    assert told["labels"]["alertname"] == "stream_lag"
    assert told["labels"]["subject"] == "stream:monitoring"
    assert told["annotations"]["summary"] == "It lags."
    assert told["status"]["state"] in {"active", "unprocessed"}

    async def is_told_again() -> bool:
        (now,) = await alerts()
        return bool(now["endsAt"] > told["endsAt"] and now["startsAt"] == told["startsAt"])

    await eventually(is_told_again)
    notifier.resolved(anomaly)

    async def is_over() -> bool:
        return await alerts() == []

    await eventually(is_over)
    drain.start()
    await running
