"""What is the memory bus' alone: its clock and its end."""

from __future__ import annotations

import asyncio

import pytest

from dragoman_contracts.errors import BusUnavailable
from dragoman_runtime.broker.memory import MemoryBroker


async def test_idle_time_follows_the_clock_it_was_given() -> None:
    now_ms = [1_000.0]
    bus = MemoryBroker(lambda: now_ms[0])
    await bus.ensure_group("s", "g")
    assert await bus.publish("s", {b"n": b"1"}) == "1000-0"
    await bus.read_group("s", "g", "dead", 1)
    now_ms[0] += 59_999
    assert await bus.claim_stale("s", "g", "c", 60_000, 1) == []
    now_ms[0] += 1
    assert [delivery.id for delivery in await bus.claim_stale("s", "g", "c", 60_000, 1)] == ["1000-0"]


async def test_a_closed_bus_is_away_also_for_whoever_waits_on_it() -> None:
    bus = MemoryBroker()
    await bus.ensure_group("s", "g")
    reading = asyncio.create_task(bus.read_group("s", "g", "c", 1, block_ms=20_000))
    await asyncio.sleep(0)
    await bus.close()
    with pytest.raises(BusUnavailable):
        await reading
    with pytest.raises(BusUnavailable):
        await bus.publish("s", {})
