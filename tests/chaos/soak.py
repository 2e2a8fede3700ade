"""A long run without faults, with sessions that come and go: nothing may grow."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from tests.chaos.crowd import Crowd
from tests.chaos.storm import Say
from tests.chaos.system import System

SAMPLE_S = 10.0
WARM_UP = 0.25
"""Share of the run after which slopes are taken: caches and pools are full by then."""
CHURN_S = 60
LIMITS = {
    "DRAGOMAN_API_MAX_SESSIONS": "5000",
    "DRAGOMAN_API_MAX_SESSIONS_PER_KEY": "5000",
    "DRAGOMAN_AUDIO_RETENTION_S": "60",
}


async def soak(*, sessions: int, seconds: int, seed: int, say: Say) -> tuple[dict[str, Any], bool]:
    """Memory, descriptors and keys over time; slopes per hour, after the first quarter."""
    with tempfile.TemporaryDirectory(prefix="dragoman-soak-") as folder:
        async with System(Path(folder), workers=2, apis=2, environment=LIMITS) as system:
            crowd = Crowd(system, sessions=sessions, seconds=seconds, seed=seed, churn_s=CHURN_S)
            samples: list[tuple[float, dict[str, float]]] = []
            sampling = asyncio.create_task(_sample(system, samples, say))
            await crowd.run()
            sampling.cancel()
            await asyncio.gather(sampling, return_exceptions=True)
            leaked = await system.keys_without_end()
    verdict = crowd.verdict
    figures: dict[str, Any] = {
        "sessions": sessions,
        "seconds": seconds,
        "meetings": crowd.finished,
        "errors": verdict.errors,
        "leaked_keys": len(leaked),
        "slope_per_hour": slopes(samples),
        "last": samples[-1][1] if samples else {},
    }
    for note in verdict.notes:
        say(f"! {note}")
    return figures, not verdict.errors and not leaked


async def _sample(system: System, samples: list[tuple[float, dict[str, float]]], say: Say) -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(SAMPLE_S)
        facts: dict[str, float] = {}
        for process in system.processes:
            for name, value in process.facts().items():
                facts[f"{process.name}.{name}"] = value / 1e6 if name == "rss" else value
            facts[f"{process.name}.tasks"] = await _tasks(system.http, process.ready_url)
        info = await system.direct.info("memory")
        facts["redis.used_mb"] = info["used_memory"] / 1e6
        facts["redis.keys"] = await system.direct.dbsize()
        facts["redis.clients"] = (await system.direct.info("clients"))["connected_clients"]
        samples.append((time.monotonic() - began, facts))
        if len(samples) % 6 == 0:
            say(f"{samples[-1][0]:6.0f} s  " + "  ".join(f"{k} {v:.1f}" for k, v in facts.items()))


async def _tasks(http: httpx.AsyncClient, ready_url: str) -> float:
    """How many asyncio tasks the process says it has, where it says so."""
    text = (await http.get(ready_url.replace("/ready", "/metrics"))).text
    lines = [line for line in text.splitlines() if line.startswith("dragoman_process_tasks ")]
    return float(lines[0].split()[1]) if lines else float("nan")


def slopes(samples: list[tuple[float, dict[str, float]]]) -> dict[str, float]:
    """Growth per hour of each figure, by least squares over the later part of the run."""
    if not samples:
        return {}
    later = [one for one in samples if one[0] >= samples[-1][0] * WARM_UP]
    if len(later) < 3:
        return {}
    hours = np.array([at for at, _ in later]) / 3600
    fit: Callable[[list[float]], float] = lambda values: float(np.polyfit(hours, values, 1)[0])  # noqa: E731
    return {
        name: round(fit([facts[name] for _, facts in later]), 2)
        for name in later[0][1]
        if not np.isnan(later[0][1][name])
    }
