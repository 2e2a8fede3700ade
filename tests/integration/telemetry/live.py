"""A small real system under the eyes of an OTLP receiver and a real Prometheus, with one spoken session."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import yaml
from websockets.asyncio.client import connect

from dragoman_orchestration.cli.stack import RunningStack, StackConfig, running_stack
from dragoman_runtime.ports import held_port
from dragoman_whisper.engines.mock_speech import speak

from .receiver import Received, Receiver

ROOT = Path(__file__).parents[3]
RULES = ROOT / "observability" / "rules"
NUMBERS = [31_001, 31_002, 31_003, 31_004, 31_005, 31_006]
WORDS = [f"w{number:05d}" for number in NUMBERS]
FRAME_MS = 100
SCRAPE_S = 1
LIMIT_S = 90.0
PROMETHEUS = shutil.which("prometheus")


@dataclass
class Observed:
    """What was seen from outside."""

    received: Received
    session_id: str = ""
    key: str = ""
    frames: list[bytes] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    """What the viewer got."""
    scrapes: dict[str, str] = field(default_factory=dict)
    """Process -> its /metrics."""
    answers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """PromQL -> the series that Prometheus gave."""


def spoken_frames() -> list[bytes]:
    """Mock speech, a pause, more of it."""
    quiet = np.zeros(16_000, dtype=np.float32)
    samples = np.concatenate([quiet[:4_800], speak(NUMBERS), quiet, speak(NUMBERS[::-1]), quiet])
    data = (samples * 32767).astype("<i2").tobytes()
    size = 2 * 16 * FRAME_MS
    return [data[start : start + size] for start in range(0, len(data), size)]


async def observe(queries: list[str]) -> Observed:
    """Run the system, have one session spoken and watched, ask Prometheus, and end everything."""
    with Receiver() as receiver:
        observed = Observed(receiver.received, frames=spoken_frames())
        async with _system(receiver.url) as running:
            observed.key = running.key
            urls = {child.spec.name: child.spec.ready_url for child in running.supervisor.children}
            with _prometheus(urls) as prometheus:
                if prometheus:
                    # What is counted before the first scrape is no increase.
                    await _until(prometheus, f'sum(up{{job=~"dragoman.*"}}) == {len(urls)}')
                await _converse(running, observed)
                observed.scrapes = await _scrape(urls)
                if prometheus:
                    observed.answers = await _ask(prometheus, queries)
        # Each process sends what waits when it ends.
    return observed


@asynccontextmanager
async def _system(otlp_url: str) -> AsyncIterator[RunningStack]:
    lines: list[str] = []
    config = StackConfig("mock", page=False, operations=True, patience_s=LIMIT_S)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRAGOMAN_OTLP_ENDPOINT", otlp_url)
        patch.setenv("DRAGOMAN_TRACE_RATIO", "1")
        patch.setenv("DRAGOMAN_OTLP_METRICS_INTERVAL_S", "2")
        on_line = lambda child, text: lines.append(f"{child}: {text}")  # noqa: E731
        async with running_stack(config, on_line, lambda child, text: None) as running:
            yield running


async def _converse(running: RunningStack, observed: Observed) -> None:
    headers = {"authorization": f"Bearer {running.key}"}
    async with httpx.AsyncClient(base_url=running.url, headers=headers, timeout=30, trust_env=False) as http:
        created = await http.post("/v1/sessions", json={"translation": {"targets": ["es"], "drafts": False}})
        assert created.status_code == 201, created.text
        observed.session_id = created.json()["id"]
    base = f"{running.url.replace('http', 'ws', 1)}/v1/sessions/{observed.session_id}"
    async with (
        connect(f"{base}/events", additional_headers=headers) as viewer,
        connect(f"{base}/audio", additional_headers=headers) as speaker,
        asyncio.timeout(LIMIT_S),
    ):
        await speaker.send('{"type":"session.configure"}')
        await speaker.recv()
        for frame in observed.frames:
            await speaker.send(frame)
            await asyncio.sleep(FRAME_MS / 1000)
        await speaker.send('{"type":"session.end"}')
        async for message in viewer:
            observed.told.append(json.loads(message))


async def _scrape(urls: dict[str, str]) -> dict[str, str]:
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        return {name: (await http.get(url.replace("/ready", "/metrics"))).text for name, url in urls.items()}


@contextmanager
def _prometheus(urls: dict[str, str]) -> Iterator[str]:
    """A real Prometheus that scrapes the processes and evaluates our rules; its URL, empty without one."""
    if PROMETHEUS is None:
        yield ""
        return
    with held_port() as port, _folder() as folder:
        config = {
            "global": {"scrape_interval": f"{SCRAPE_S}s", "evaluation_interval": f"{SCRAPE_S}s"},
            "rule_files": [str(RULES / "recording.yaml"), str(RULES / "alerts.yaml")],
            "scrape_configs": [
                {
                    "job_name": f"dragoman-{name}",
                    "static_configs": [{"targets": [url.split("/")[2]]}],
                }
                for name, url in urls.items()
            ],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        process = subprocess.Popen(
            [
                PROMETHEUS,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=error",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


@contextmanager
def _folder() -> Iterator[Path]:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="dragoman-prometheus-") as folder:
        yield Path(folder)


async def _ask(url: str, queries: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Each query's series; first waits until the last figures were scraped twice and the rules have seen
    them."""
    await _until(url, f"min(timestamp(dragoman:sessions:sum)) > {time.time() + 2 * SCRAPE_S}")
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:
        return {query: await _series(http, query) for query in queries}


async def _until(url: str, query: str) -> None:
    """Wait until a query has an answer."""
    deadline = time.monotonic() + LIMIT_S
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:
        while not await _series(http, query):
            assert time.monotonic() < deadline, f"Prometheus does not get on: {query}"
            await asyncio.sleep(0.1)


async def _series(http: httpx.AsyncClient, query: str) -> list[dict[str, Any]]:
    try:
        answer = await http.get("/api/v1/query", params={"query": query})
    except httpx.TransportError:
        return []  # it has just been started
    if answer.status_code == 503:
        return []
    assert answer.status_code == 200, f"{query}: {answer.text}"
    return list(answer.json()["data"]["result"])
