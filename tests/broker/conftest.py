"""The buses that the behavioural suite runs on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.cluster.servers import ClusterServers
from tests.servers import server_binary

from dragoman_runtime.broker.base import Broker
from dragoman_runtime.broker.memory import MemoryBroker
from dragoman_runtime.broker.redis import RedisBroker, connect
from dragoman_runtime.embedded_redis import EmbeddedRedis
from dragoman_runtime.settings import RuntimeSettings


@pytest.fixture(scope="session")
def oldest_redis_server() -> Iterator[str]:
    """URL of a Redis 6.2: the oldest that is supported."""
    yield from _running("oldest")


@pytest.fixture(scope="session")
def newest_redis_server() -> Iterator[str]:
    """URL of a Valkey 9."""
    yield from _running("newest")


def _running(which: str) -> Iterator[str]:
    server = EmbeddedRedis(binary=server_binary(which))
    asyncio.run(server.start())
    yield server.url
    asyncio.run(server.close())


@pytest.fixture(scope="session")
def cluster_servers() -> Iterator[ClusterServers]:
    """Three masters; shared, so see ``bus`` for an empty one."""
    with asyncio.Runner() as runner:
        servers = ClusterServers()
        runner.run(servers.start())
        yield servers
        runner.run(servers.close())


@pytest.fixture(params=["memory", "redis-server", "redis-6.2", "valkey-9", "redis-cluster"])
def bus_settings(request: pytest.FixtureRequest) -> RuntimeSettings | None:
    """Where the bus under test is; None for the one in memory."""
    match request.param:
        case "memory":
            return None
        case "redis-cluster":
            servers = request.getfixturevalue("cluster_servers")
            return RuntimeSettings(redis_url=servers.url, redis_cluster=True)
        case name:
            fixture = {"redis-6.2": "oldest_redis_server", "valkey-9": "newest_redis_server"}.get(
                name, "redis_server"
            )
            return RuntimeSettings(redis_url=request.getfixturevalue(fixture))


@pytest.fixture
async def bus(bus_settings: RuntimeSettings | None) -> AsyncIterator[Broker]:
    """An empty bus, one of the kinds."""
    if bus_settings is None:
        yield MemoryBroker()
        return
    client = connect(bus_settings)
    await client.flushall()
    yield (broker := RedisBroker(client))
    await broker.close()
    await client.aclose()
