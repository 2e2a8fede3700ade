"""What all tests share: a Redis of their own, free ports, and waiting for a condition instead of sleeping."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import itertools
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from loguru import logger
from redis.asyncio import Redis

from dragoman_runtime import settings, telemetry
from dragoman_runtime.broker.redis import RedisBroker, connect_redis
from dragoman_runtime.embedded_redis import EmbeddedRedis
from dragoman_runtime.ports import held_port

WAIT_LIMIT_S = 20.0
POLL_S = 0.01

Eventually = Callable[..., Awaitable[Any]]

# A busy machine is no failure: no example is timed, and none counts as too slow to make.
hypothesis.settings.register_profile(
    "dragoman", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("dragoman")

# Each worker of pytest and each process that a test starts would compile the same modules again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


BUSY, QUICK = {"e2e", "chaos"}, {"unit", "contract"}
"""Folders whose tests keep processors busy for long, and those whose files take a moment; the others wait."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that work and files that wait take turns, so that neither all processors idle nor all fight over
    them; the quick ones come last, for they fill what is left."""
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    kinds: dict[str, list[Path]] = {"busy": [], "waiting": [], "quick": []}
    for path in files:
        folder = path.relative_to(Path(__file__).parent).parts[0]
        kinds["busy" if folder in BUSY else "quick" if folder in QUICK else "waiting"].append(path)
    turns = itertools.zip_longest(kinds["busy"], kinds["waiting"])
    order = [path for turn in turns for path in turn if path is not None] + kinds["quick"]
    items[:] = [item for path in order for item in files[path]]


@pytest.fixture(autouse=True, scope="session")
def _own_settings() -> Iterator[None]:
    """No test sees the developer's variables or .env.local."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("DRAGOMAN_")]:
            patch.delenv(name)
        patch.setattr(settings, "ENV_FILE", None)
        yield


@pytest.fixture(autouse=True, scope="module")
def _short_garbage_collections() -> Iterator[None]:
    """What earlier modules left alive is not looked through again: pauses of seconds look like outages."""
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _telemetry_restored() -> Iterator[None]:
    """A test that sets up telemetry leaves neither sinks nor exporters behind."""
    yield
    telemetry.shutdown_telemetry()


@pytest.fixture
def log_lines() -> Iterator[list[str]]:
    """Everything that is logged through loguru during the test, as "LEVEL message {extra}"."""
    lines: list[str] = []
    sink = logger.add(lines.append, level="TRACE", format="{level} {message} {extra}", diagnose=False)
    yield lines
    with contextlib.suppress(ValueError):  # setup_telemetry replaces all sinks
        logger.remove(sink)


@pytest.fixture
def free_port() -> Iterator[int]:
    """A loopback TCP port on which nobody else listens during the test."""
    with held_port() as port:
        yield port


@pytest.fixture
def eventually() -> Eventually:
    """``await eventually(condition)``: poll until it gives something true and return that.

    ``condition`` may be sync or async; ``limit_s`` bounds the wait, ``what`` names it in the failure.
    """

    async def wait(condition: Callable[[], Any], *, limit_s: float = WAIT_LIMIT_S, what: str = "") -> Any:
        deadline = time.monotonic() + limit_s
        while True:
            seen = condition()
            if inspect.isawaitable(seen):
                seen = await seen
            if seen:
                return seen
            if time.monotonic() > deadline:
                pytest.fail(f"not within {limit_s:g} s: {what or inspect.getsource(condition).strip()}")
            await asyncio.sleep(POLL_S)

    return wait


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """URL of a Redis server of this test session; shared, so see ``redis_client`` for an empty one."""
    server = EmbeddedRedis()
    asyncio.run(server.start())
    yield server.url
    asyncio.run(server.close())


@pytest.fixture
async def redis_client(redis_server: str) -> AsyncIterator[Redis]:
    """A client of the session's Redis, emptied."""
    client = connect_redis(redis_server)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
async def broker(redis_client: Redis) -> RedisBroker:
    """The bus on the session's Redis, emptied."""
    return RedisBroker(redis_client)
