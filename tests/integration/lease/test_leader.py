"""Who may do what must not be done twice: a lease on a real Redis."""

from __future__ import annotations

import asyncio

import pytest

from dragoman_contracts.errors import BusUnavailable
from dragoman_contracts.streams import leader_key
from dragoman_runtime.broker.redis import RedisBroker, connect_redis
from dragoman_runtime.embedded_redis import EmbeddedRedis
from dragoman_runtime.leader import LeaderLease


@pytest.fixture
async def server():
    async with EmbeddedRedis() as running:
        yield running


@pytest.fixture
async def broker(server):
    broker = RedisBroker(connect_redis(server.url))
    yield broker
    await broker.close()


async def test_one_of_two_leads_until_it_leaves(broker):
    first, second = LeaderLease(broker, "r", "a"), LeaderLease(broker, "r", "b")
    assert await first.hold()
    assert not await second.hold()
    assert await first.hold()  # renewed
    await second.leave()  # is not its own to give back
    assert not await second.hold()
    await first.leave()
    assert not first.is_held
    assert await second.hold()
    assert not await first.hold()


async def test_a_silent_leader_is_replaced_and_knows_by_its_own_clock(broker, eventually):
    now = 0.0
    first = LeaderLease(broker, "r", "a", lease_ms=300, clock=lambda: now)
    second = LeaderLease(broker, "r", "b", lease_ms=60_000)
    assert await first.hold()
    assert first.is_held
    now = 0.31
    assert not first.is_held
    await eventually(second.hold, what="the second one leads")
    assert not await first.hold()


async def test_many_at_once_have_one_leader(broker):
    leases = [LeaderLease(broker, "r", str(number)) for number in range(20)]
    assert sum(await asyncio.gather(*(lease.hold() for lease in leases))) == 1


async def test_roles_are_led_apart_and_the_holder_is_told(broker, server):
    assert await LeaderLease(broker, "r", "a").hold()
    assert await LeaderLease(broker, "other", "b").hold()
    holder = (await broker.ask([("GET", leader_key("r"))]))[0]
    assert holder.startswith(b"a:")


async def test_while_redis_is_away_nobody_leads_for_longer_than_the_lease(server, broker):
    now = 0.0
    lease = LeaderLease(broker, "r", "a", lease_ms=1_000, clock=lambda: now)
    assert await lease.hold()
    await server.kill()
    with pytest.raises(BusUnavailable):
        await lease.hold()
    assert lease.is_held
    now = 1.01
    assert not lease.is_held
