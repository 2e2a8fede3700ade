"""The same conversations on one Redis that is full, read-only and forgetful in turn."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dragoman_client import ErrorMessage
from dragoman_runtime.broker.redis import connect_redis
from dragoman_runtime.embedded_redis import EmbeddedRedis
from dragoman_runtime.settings import RuntimeSettings
from tests.servers import SERVERS, server_binary

from .conversation import Conversation, begin, running_system


def troubles(talk: Conversation) -> int:
    """How often the speaker was told that the bus is away."""
    return sum(isinstance(event, ErrorMessage) for event in talk.heard)


@pytest.mark.parametrize("which", SERVERS)
async def test_a_session_outlasts_a_redis_that_cannot_serve(which: str, eventually: Any) -> None:
    async with EmbeddedRedis(binary=server_binary(which)) as server:
        redis: Any = connect_redis(server.url)
        async with running_system(RuntimeSettings(redis_url=server.url, redis_timeout_s=2)) as dragoman:
            [talk] = await begin(dragoman, 1)
            running = asyncio.create_task(talk.run(dragoman))
            await eventually(lambda: talk.finals, what="a first final")

            await redis.config_set("maxmemory-policy", "noeviction")
            await redis.config_set("maxmemory", 1)
            await eventually(lambda: troubles(talk) > 0, what="the speaker hears that Redis is full")
            await redis.config_set("maxmemory", 0)
            await goes_on(talk, eventually)

            # On a busy machine a pause may have been told besides.
            told = troubles(talk)
            await redis.replicaof("127.0.0.1", 1)
            await eventually(lambda: troubles(talk) > told, what="the speaker hears that Redis is read-only")
            await redis.replicaof("NO", "ONE")
            await redis.script_flush()
            await goes_on(talk, eventually)

            await talk.finish(running)
        await redis.aclose()


async def goes_on(talk: Conversation, eventually: Any) -> None:
    stored = talk.stored_bytes
    await eventually(lambda: talk.stored_bytes > stored, what="audio is stored again")
