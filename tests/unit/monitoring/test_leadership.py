"""Who tells: the leader, and in an outage the last one that led."""

from __future__ import annotations

import pytest

from dragoman_contracts.errors import BusUnavailable
from dragoman_orchestration.monitoring.leadership import Lead, Leadership
from dragoman_runtime.leader import LeaderLease

LEASE_MS = 5_000


class Redis:
    """A Redis with one key, that of the leader; the test turns its clock."""

    def __init__(self) -> None:
        self.now = 100.0
        self.away = False
        self.holder: tuple[str, float] | None = None

    def clock(self) -> float:
        return self.now

    async def ping(self) -> None:
        if self.away:
            raise BusUnavailable("Redis does not answer.")

    def monitor(self, name: str) -> Leadership:
        lease = Lease(self, name)
        return Leadership(self, lease, lease_ms=LEASE_MS, clock=self.clock)


class Lease(LeaderLease):
    """The real lease's clock, on the played Redis."""

    def __init__(self, redis: Redis, name: str) -> None:
        self._redis, self._name = redis, name
        self._clock = redis.clock
        self._valid_until = float("-inf")

    async def hold(self) -> bool:
        await self._redis.ping()
        holder = self._redis.holder
        won = holder is None or holder[0] == self._name or holder[1] <= self._redis.now
        if won:
            self._redis.holder = (self._name, self._redis.now + LEASE_MS / 1000)
        self._valid_until = self._redis.now + LEASE_MS / 1000 if won else float("-inf")
        return won

    async def leave(self) -> None:
        await self._redis.ping()
        self._redis.holder = None


@pytest.fixture
def redis() -> Redis:
    return Redis()


async def test_one_leads_and_the_other_follows_until_the_first_is_silent(redis):
    one, other = redis.monitor("one"), redis.monitor("other")
    assert [await one.renew(), await other.renew()] == [Lead.LEADS, Lead.FOLLOWS]
    assert (one.may_tell, other.may_tell) == (True, False)
    redis.now += LEASE_MS / 1000
    assert not one.may_tell  # it knows by its own clock
    assert await other.renew() is Lead.LEADS
    assert await one.renew() is Lead.FOLLOWS


async def test_the_leader_goes_on_in_the_dark_and_the_followers_do_not(redis):
    one, other = redis.monitor("one"), redis.monitor("other")
    await one.renew()
    await other.renew()
    redis.away = True
    assert [await one.renew(), await other.renew()] == [Lead.DARK, Lead.FOLLOWS]
    redis.now += 3_600
    assert (one.may_tell, other.may_tell) == (True, False)


@pytest.mark.parametrize("wiped", [True, False])
async def test_after_an_outage_the_last_leader_comes_first(redis, wiped):
    one, other = redis.monitor("one"), redis.monitor("other")
    await one.renew()
    await other.renew()
    redis.away = True
    await one.renew()
    await other.renew()
    redis.now += 60
    redis.away = False
    if wiped:
        redis.holder = None
    assert await other.renew() is Lead.FOLLOWS  # all leases have run out: it waits for its turn
    redis.now += 1
    assert await one.renew() is Lead.LEADS
    redis.now += LEASE_MS / 1000 - 1.5
    assert await other.renew() is Lead.FOLLOWS
    await one.renew()
    redis.now += 2
    assert await other.renew() is Lead.FOLLOWS


async def test_if_the_last_leader_died_in_the_outage_another_one_leads_after_a_lease(redis):
    other = redis.monitor("other")
    redis.away = True
    await other.renew()
    redis.away = False
    assert await other.renew() is Lead.FOLLOWS
    redis.now += LEASE_MS / 1000
    assert await other.renew() is Lead.LEADS


async def test_a_leader_that_was_cut_off_alone_steps_back(redis):
    one, other = redis.monitor("one"), redis.monitor("other")
    await one.renew()
    redis.away = True
    assert await one.renew() is Lead.DARK
    redis.away = False
    redis.now += LEASE_MS / 1000
    assert await other.renew() is Lead.LEADS
    assert await one.renew() is Lead.FOLLOWS
    assert not one.may_tell


async def test_leaving_lets_another_lead_at_once(redis):
    one, other = redis.monitor("one"), redis.monitor("other")
    await one.renew()
    await one.leave()
    assert not one.may_tell
    assert await other.renew() is Lead.LEADS
    redis.away = True
    await other.leave()  # cannot be told; it runs out
    assert not other.may_tell
