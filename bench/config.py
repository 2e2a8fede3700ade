"""bench-config: how soon a change of the runtime configuration is in force everywhere, while people speak.

Two whisper services, a translation service, an audio worker and an API on one machine; ``SESSIONS`` live
sessions. Each change touches what is pushed to all services and what the worker follows:

- ``answered_ms``: from the request (``Prefer: wait``) to its answer that the change is applied.
- ``services_ms``: until all three services report the checksum.
- ``everywhere_ms``: until the audio worker and the API run with the version, too.
- ``words_lost``: of what was said in the sessions meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import httpx

from bench.harness import (
    Figures,
    api_client,
    child_process,
    create_session,
    metric,
    parser,
    percentile,
    run,
    say,
    speak_live,
    stack,
    to_frames,
)
from dragoman_contracts.config import ConfigValues, checksum_of
from dragoman_contracts.websocket import TranscriptFinal, parse_server_message
from dragoman_orchestration.cli.stack import DRAGOMAN, RunningStack
from dragoman_runtime.ports import LOOPBACK, held_port
from dragoman_whisper.engines.mock_speech import speak

SESSIONS = 5
POLL_S = 0.005
READY_S = 60.0
PAUSE_S = 0.3
LIMIT_S = 15.0


@dataclass(slots=True)
class Times:
    """Milliseconds of each change."""

    answered: list[float] = field(default_factory=list)
    services: list[float] = field(default_factory=list)
    everywhere: list[float] = field(default_factory=list)

    def figures(self) -> Figures:
        """Median and 95th percentile of each."""
        return {
            f"{name}_ms": {"p50": percentile(values, 50), "p95": percentile(values, 95), "max": max(values)}
            for name, values in (
                ("answered", self.answered),
                ("services", self.services),
                ("everywhere", self.everywhere),
            )
        }


async def measure(*, changes: int) -> Figures:
    """Start everything, speak, and change."""
    async with stack("mock") as running, api_client(running) as api:
        with ExitStack() as started:
            whisper_port = started.enter_context(held_port())
            whisper = f"http://{LOOPBACK}:{whisper_port}"
            started.enter_context(process("whisper", running, DRAGOMAN_WHISPER_PORT=str(whisper_port)))
            services = [service_url(running, "whisper"), whisper, running.translation_url]
            started.enter_context(
                process(
                    "worker config",
                    running,
                    DRAGOMAN_CONFIG_WHISPER_URLS=",".join(services[:2]),
                    DRAGOMAN_CONFIG_TRANSLATION_URLS=services[2],
                )
            )
            async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
                await until(lambda: is_ready(http, whisper), READY_S)
                # The first change waits for the config worker to start.
                await change(api, ConfigValues())
                speaking = [
                    asyncio.create_task(say_words(running, api, seconds=int(changes * 1.2) + 5, seed=seed))
                    for seed in range(SESSIONS)
                ]
                times = await change_often(running, api, http, services, changes)
                lost = sum(await asyncio.gather(*speaking))
    return {"changes": changes, "sessions": SESSIONS, **times.figures(), "words_lost": lost}


async def change_often(
    running: RunningStack, api: httpx.AsyncClient, http: httpx.AsyncClient, services: list[str], count: int
) -> Times:
    """Make changes one after another, each when the one before is in force everywhere."""
    times = Times()
    followers = [service_url(running, "audio"), running.url]
    for number in range(count):
        values = ConfigValues.model_validate(
            {
                "whisper": {"beam_size": 1 + number % 5, "batch_max": 8 + number},
                "translation": {"batch_max": 8 + number},
                "recognition": {"min_step_ms": 300 + number},
            }
        )
        parts = values.set_values()
        sums = [checksum_of(parts[section]) for section in ("whisper", "whisper", "translation")]
        began = time.monotonic()
        answering = asyncio.create_task(change(api, values))
        reporting = [
            asyncio.create_task(until(lambda url=url, wanted=wanted: reports(http, url, wanted)))  # type: ignore[misc]
            for url, wanted in zip(services, sums, strict=True)
        ]
        await asyncio.gather(*reporting)
        times.services.append(since(began))
        version = await answering
        times.answered.append(since(began))
        for url in followers:
            await until(lambda url=url: runs_with(http, url, version))  # type: ignore[misc]  # noqa: B023
        times.everywhere.append(since(began))
        say(f"change {number + 1}: {times.everywhere[-1]:.0f} ms")
        await asyncio.sleep(random.uniform(0, PAUSE_S))
    return times


def since(began: float) -> float:
    """Milliseconds."""
    return round((time.monotonic() - began) * 1000, 1)


async def change(api: httpx.AsyncClient, values: ConfigValues) -> int:
    """Replace the system's values; the version that is in force then."""
    answer = await api.put("/v1/config", json=values.set_values(), headers={"prefer": "wait=10"})
    answer.raise_for_status()
    return int((await api.get("/v1/config")).json()["version"])


async def reports(http: httpx.AsyncClient, url: str, checksum: str) -> bool:
    """Whether a service says that it runs with what has this checksum."""
    return bool((await http.get(f"{url}/config")).json()["checksum"] == checksum)


async def runs_with(http: httpx.AsyncClient, url: str, version: int) -> bool:
    """Whether a process that follows has applied this version or a later one."""
    return await metric(http, url, "dragoman_config_version") >= version


async def is_ready(http: httpx.AsyncClient, url: str) -> bool:
    """Whether a process takes work."""
    try:
        return (await http.get(f"{url}/ready")).is_success
    except httpx.HTTPError:
        return False


async def until(condition: Callable[[], Awaitable[bool]], limit_s: float = LIMIT_S) -> None:
    """Wait for it, and say when it did not come."""
    async with asyncio.timeout(limit_s):
        while not await condition():
            await asyncio.sleep(POLL_S)


async def say_words(running: RunningStack, api: httpx.AsyncClient, *, seconds: int, seed: int) -> int:
    """Speak; how many words did not come back."""
    numbers = random.Random(seed).sample(range(65_536), seconds * 3)
    session_id = await create_session(api)
    live = await speak_live(running, session_id, to_frames(speak(numbers)), keep=is_final)
    finals = [parse_server_message(data) for _, data in live.messages]
    heard = [word for final in finals if isinstance(final, TranscriptFinal) for word in final.text.split()]
    return len({f"w{number:05d}" for number in numbers} - set(heard))


def is_final(data: bytes) -> bool:
    """Whether a message is a final caption."""
    return b'"transcript.final"' in data


def service_url(running: RunningStack, name: str) -> str:
    """Base URL of a process of the stack."""
    [spec] = [child.spec for child in running.supervisor.children if child.spec.name == name]
    return spec.ready_url.removesuffix("/ready")


@contextmanager
def process(command: str, running: RunningStack, **environment: str) -> Iterator[None]:
    """One more process beside the stack, with the stack's Redis."""
    redis_url = child_process(running, "api").environ()["DRAGOMAN_REDIS_URL"]
    variables = {
        "DRAGOMAN_REDIS_URL": redis_url,
        "DRAGOMAN_WHISPER_PROFILE": "mock",
        "DRAGOMAN_LOG_LEVEL": "WARNING",
    }
    started = subprocess.Popen(  # our own command
        [*DRAGOMAN, *command.split()],
        env={**os.environ, **variables, **environment},
        stdout=subprocess.DEVNULL,
        stderr=sys.stderr,
    )
    try:
        yield
    finally:
        started.terminate()
        started.wait(20)


if __name__ == "__main__":
    arguments = parser("How soon a change of the configuration is in force everywhere, while people speak.")
    arguments.add_argument("--changes", type=int, default=50)
    given = arguments.parse_args()
    run("config", lambda: measure(changes=given.changes), as_json=given.json)
