"""The bots' place in Redis: leases, fences and steps, on every server that is supported."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot

from dragoman_contracts.bots import BotRequest, BotState, CompletionReason, RunnerReport, RunnerState
from dragoman_contracts.envelope import Envelope
from dragoman_contracts.errors import BusUnavailable, Conflict, Fenced, LimitExceeded
from dragoman_contracts.events import BotStateChanged, parse_event
from dragoman_contracts.streams import BotKeys
from dragoman_orchestration.bots.model import BotRecord, Transition
from dragoman_orchestration.bots.store import (
    EVENTS_KEPT,
    OWNER_FIELD,
    BotGone,
    BotStore,
    Claim,
    StaleStep,
    state_changed,
)
from dragoman_runtime.broker.redis import Command, RedisBroker, connect_redis
from dragoman_runtime.embedded_redis import EmbeddedRedis
from tests.servers import SERVERS, server_binary

LEASE_MS = 60_000


class LossyBroker(RedisBroker):
    """Loses the next reply when Redis has done what it was asked."""

    loses = False

    async def exchange(self, commands: Sequence[Command], *, wait_s: float = 0.0) -> list[Any]:
        replies = await super().exchange(commands, wait_s=wait_s)
        if self.loses and not any(isinstance(reply, Exception) for reply in replies):
            self.loses = False
            raise BusUnavailable("the reply was lost")
        return replies


@pytest.fixture(params=SERVERS)
async def redis(request: pytest.FixtureRequest) -> AsyncIterator[Redis]:
    async with EmbeddedRedis(binary=server_binary(request.param)) as server:
        client = connect_redis(server.url)
        yield client
        await client.aclose()


@pytest.fixture
def wire(redis: Redis) -> LossyBroker:
    return LossyBroker(redis)


@pytest.fixture
def store(wire: LossyBroker) -> BotStore:
    return BotStore(wire, retention_s=100)


def a_bot(number: int, **changes: Any) -> BotRecord:
    request = BotRequest(driver="media", url="http://host/x", join_at_ms=changes.pop("join_at_ms", 0))
    made = BotRecord(
        id=f"{number:032x}",
        owner_key="tests",
        session_id=f"{number:031x}s",
        driver="media",
        request=request,
        created_ms=1_000 + number,
        since_ms=1_000 + number,
    )
    made.history.append(Transition(seq=1, state=made.state, time_ms=made.since_ms, cause=made.cause))
    return replace(made, **changes)


async def expire(redis: Redis, bot_id: str) -> None:
    """Let the lease on a bot run out."""
    await redis.zadd(BotKeys.LEASES, {bot_id: 1})


def stepped(bot: BotRecord, state: BotState, **changes: Any) -> BotRecord:
    return replace(bot, state=state, seq=bot.seq + 1, **changes)


async def events(redis: Redis) -> list[BotStateChanged]:
    told = [parse_event(Envelope.from_fields(fields)) for _, fields in await redis.xrange(BotKeys.EVENTS)]
    return [event for event in told if isinstance(event, BotStateChanged)]


async def test_a_bot_that_is_made_is_queued_and_told(store: BotStore, redis: Redis) -> None:
    bot = a_bot(1)
    assert await store.create(bot) is None
    assert (await store.read(bot.id)).bot == bot
    assert await store.queue_position(bot.id) == 1
    ((_, fields),) = await redis.xrange(BotKeys.EVENTS)
    assert fields[OWNER_FIELD] == b"tests"
    assert [(event.previous, event.state, event.seq) for event in await events(redis)] == [
        (None, BotState.REQUESTED, 1)
    ]


async def test_making_it_again_makes_one(store: BotStore, wire: LossyBroker, redis: Redis) -> None:
    bot = a_bot(1)
    await store.create(a_bot(9))  # the script is known from here on
    wire.loses = True
    with pytest.raises(BusUnavailable):
        await store.create(bot)
    assert await store.create(bot) is None
    assert len(await events(redis)) == 2


async def test_client_keys_sessions_and_limits_are_kept_in_one_step(store: BotStore) -> None:
    await store.create(a_bot(1), client_key="k", digest="d")
    assert await store.create(a_bot(2), client_key="k", digest="d") == a_bot(1).id
    assert await store.known("tests", "k", "d") == a_bot(1).id
    assert await store.known("tests", "other", "d") is None
    with pytest.raises(Conflict):
        await store.create(a_bot(2), client_key="k", digest="else")
    with pytest.raises(Conflict):
        await store.known("tests", "k", "else")
    with pytest.raises(Conflict):
        await store.create(replace(a_bot(3), session_id=a_bot(1).session_id))
    with pytest.raises(LimitExceeded):
        await store.create(a_bot(4), limit=1)


async def test_a_client_key_of_a_bot_that_is_forgotten_is_free(store: BotStore, redis: Redis) -> None:
    await store.create(a_bot(1), client_key="k", digest="d")
    await redis.delete(BotKeys.record(a_bot(1).id))
    assert await store.known("tests", "k", "d") is None
    assert await store.create(a_bot(2), client_key="k", digest="else") is None


async def test_bots_are_taken_in_order_while_there_is_room_and_by_one_only(store: BotStore) -> None:
    for number in range(5):
        await store.create(a_bot(number))
        await asyncio.sleep(0.002)
    taken = await asyncio.gather(*(store.claim(f"w{n}", room=2, lease_ms=LEASE_MS) for n in range(3)))
    assert [len(claims) for claims in taken] == [2, 2, 1]
    order = [claim.bot_id for claims in taken for claim in claims]
    assert order == [a_bot(number).id for number in range(5)]
    assert len({claim.lease for claims in taken for claim in claims}) == 5
    assert await store.claim("w", room=5, lease_ms=LEASE_MS) == []


async def test_a_scheduled_bot_is_not_taken_before_its_time(store: BotStore, redis: Redis) -> None:
    now_s, _ = await redis.time()
    await store.create(a_bot(1, join_at_ms=(now_s + 60) * 1000))
    assert await store.claim("w", room=5, lease_ms=LEASE_MS) == []
    await redis.zadd(BotKeys.QUEUE, {a_bot(1).id: now_s * 1000})
    assert len(await store.claim("w", room=5, lease_ms=LEASE_MS)) == 1


async def test_a_bot_that_is_to_stop_is_taken_without_room_and_before_its_time(
    store: BotStore, redis: Redis
) -> None:
    now_s, _ = await redis.time()
    await store.create(a_bot(1, join_at_ms=(now_s + 60) * 1000))
    await store.stop(a_bot(1).id, "somebody")
    await store.stop(a_bot(1).id, "somebody else")
    (claim,) = await store.claim("w", room=0, lease_ms=LEASE_MS)
    bot = (await store.read(claim.bot_id)).bot
    assert (bool(bot.stop_ms), bot.stop_by) == (True, "somebody")


async def test_a_silent_worker_is_replaced_and_then_fenced(store: BotStore, redis: Redis) -> None:
    await store.create(a_bot(1))
    (old,) = await store.claim("old", room=1, lease_ms=LEASE_MS)
    held = (await store.read(old.bot_id)).bot
    assert await store.claim("new", room=1, lease_ms=LEASE_MS) == [], "its lease holds"
    await expire(redis, old.bot_id)
    (new,) = await store.claim("new", room=0, lease_ms=LEASE_MS)
    after = stepped(held, BotState.STARTING)
    with pytest.raises(Fenced):
        await store.write(held, after, event=state_changed(after, held.state))
    assert await store.renew([old], LEASE_MS) == set()
    assert await store.renew([new], LEASE_MS) == {old.bot_id}
    for give_back in (store.let_go(old), store.hand_over(old), store.requeue(old, 1)):
        assert await give_back is False
    taken = (await store.read(new.bot_id)).bot
    assert (taken.worker, taken.state, len(await events(redis))) == ("new", BotState.REQUESTED, 1)


async def test_a_step_is_made_once_from_where_it_builds_on(
    store: BotStore, wire: LossyBroker, redis: Redis
) -> None:
    await store.create(a_bot(1))
    (claim,) = await store.claim("w", room=1, lease_ms=LEASE_MS)
    bot = (await store.read(claim.bot_id)).bot
    after = stepped(bot, BotState.STARTING, attempt=1)
    await store.write(bot, after, event=state_changed(after, bot.state))
    with pytest.raises(StaleStep):
        await store.write(bot, after, event=state_changed(after, bot.state))
    assert [event.seq for event in await events(redis)] == [1, 2]
    assert (await store.read(bot.id)).bot.attempt == 1


async def test_what_the_api_wrote_meanwhile_is_kept_by_a_step(store: BotStore) -> None:
    await store.create(replace(a_bot(1), generation=1, launches=1))
    (claim,) = await store.claim("w", room=1, lease_ms=LEASE_MS)
    bot = (await store.read(claim.bot_id)).bot
    report = RunnerReport(generation=1, seq=1, state=RunnerState.ACTIVE, audio_ms=10, peak=0.5)
    await store.report(bot, report, b"")
    await store.stop(bot.id, "somebody")
    after = stepped(bot, BotState.STARTING)
    await store.write(bot, after, event=state_changed(after, bot.state))
    now = (await store.read(bot.id)).bot
    assert (now.report, now.stop_by, now.state) == (report, "somebody", BotState.STARTING)
    assert now.sound_ms == now.report_ms > 0


async def test_a_bot_that_ends_leaves_the_limits_and_its_session_and_expires(
    store: BotStore, redis: Redis
) -> None:
    await store.create(a_bot(1))
    (claim,) = await store.claim("w", room=1, lease_ms=LEASE_MS)
    bot = (await store.read(claim.bot_id)).bot
    after = stepped(bot, BotState.COMPLETED, completion=CompletionReason.STOPPED)
    await store.write(bot, after, event=state_changed(after, bot.state))
    assert not await redis.scard(BotKeys.live_of("tests"))
    assert not await redis.exists(BotKeys.of_session(bot.session_id))
    assert 0 < await redis.ttl(BotKeys.record(bot.id)) <= 100
    await expire(redis, bot.id)
    assert len(await store.claim("w2", room=0, lease_ms=LEASE_MS)) == 1, "what is left is looked after"
    claim = Claim(bot.id, (await store.read(bot.id)).bot.lease)
    assert await store.let_go(claim)
    assert await store.claim("w3", room=9, lease_ms=LEASE_MS) == []


async def test_a_bot_that_is_handed_over_is_taken_at_once_and_one_without_room_in_its_turn(
    store: BotStore, redis: Redis
) -> None:
    for number in (1, 2):
        await store.create(a_bot(number))
    first, second = await store.claim("w", room=2, lease_ms=LEASE_MS)
    assert await store.hand_over(first)
    (again,) = await store.claim("w2", room=0, lease_ms=LEASE_MS)
    assert again.bot_id == first.bot_id
    now_s, _ = await redis.time()
    assert await store.requeue(second, now_s * 1000)
    assert await store.claim("w2", room=0, lease_ms=LEASE_MS) == []
    assert [claim.bot_id for claim in await store.claim("w2", room=1, lease_ms=LEASE_MS)] == [second.bot_id]


async def test_a_wish_to_restart_counts_once_and_is_never_of_the_future(
    store: BotStore, redis: Redis
) -> None:
    await store.create(a_bot(1))
    now_s, _ = await redis.time()
    ahead = (now_s + 3_600) * 1000
    await store.restart(a_bot(1).id, "first", ahead)
    first = (await store.read(a_bot(1).id)).bot
    assert first.restart_ms < ahead
    await store.restart(a_bot(1).id, "the same again", ahead)
    await store.restart(a_bot(1).id, "an older one", ahead - 1)
    assert (await store.read(a_bot(1).id)).bot == first
    await store.restart(a_bot(1).id, "another", ahead + 1)
    assert (await store.read(a_bot(1).id)).bot.restart_reason == "another"


async def test_a_record_that_is_gone_is_no_bot_anywhere(store: BotStore, redis: Redis) -> None:
    await store.create(a_bot(1))
    (claim,) = await store.claim("w", room=1, lease_ms=LEASE_MS)
    bot = (await store.read(claim.bot_id)).bot
    await redis.delete(BotKeys.record(bot.id))
    await expire(redis, bot.id)
    assert await store.claim("w", room=1, lease_ms=LEASE_MS) == []
    assert not await redis.zcard(BotKeys.LEASES)
    assert await store.renew([claim], LEASE_MS) == set()
    for call in (
        store.read(bot.id),
        store.get(bot.id, "tests"),
        store.stop(bot.id, "x"),
        store.restart(bot.id, "x", 1),
        store.write(bot, stepped(bot, BotState.STARTING)),
        store.report(bot, RunnerReport(generation=0, seq=1, state=RunnerState.DONE), b""),
    ):
        with pytest.raises(BotGone):
            await call
    assert await redis.keys("*record*") == [], "nothing was made of it again"


async def test_tidying_up_forgets_what_is_too_old(store: BotStore, redis: Redis) -> None:
    await store.create(a_bot(1))
    await store.create(a_bot(2))
    await redis.delete(BotKeys.record(a_bot(1).id))
    now_s, _ = await redis.time()
    await store.tidy(control_before_ms=0, events_before_ms=(now_s - 60) * 1000)
    assert await redis.zrange(BotKeys.INDEX, 0, -1) == [a_bot(2).id.encode()]
    assert len(await events(redis)) == 2
    await store.tidy(control_before_ms=0, events_before_ms=(now_s + 60) * 1000)
    assert await events(redis) == []
    assert EVENTS_KEPT > 1_000


def test_all_keys_of_bots_are_of_one_slot() -> None:
    keys = [
        *(BotKeys.INDEX, BotKeys.QUEUE, BotKeys.LEASES, BotKeys.EVENTS),
        *(BotKeys.record("a"), BotKeys.screenshots("b"), BotKeys.client_key("{x}", "{y}")),
        *(BotKeys.live_of("{x}"), BotKeys.of_session("{x}")),
    ]
    assert len({key_slot(key.encode()) for key in keys}) == 1
