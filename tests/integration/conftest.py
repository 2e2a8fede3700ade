"""What the tests of whole workers share: their consumers notice soon that the test is over."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman_runtime.broker.redis import RedisBroker

BLOCK_MS_MAX = 100


@pytest.fixture(autouse=True)
def _prompt_consumers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A consumer that waits for events looks up after 0.1 s: half a second would be added to each test."""
    read_group = RedisBroker.read_group

    async def read_shortly(
        broker: RedisBroker, stream: str, group: str, consumer: str, count: int, block_ms: int = 0
    ) -> Any:
        return await read_group(broker, stream, group, consumer, count, min(block_ms, BLOCK_MS_MAX))

    monkeypatch.setattr(RedisBroker, "read_group", read_shortly)
