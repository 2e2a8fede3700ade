"""Bots and the workers that hold them, in any order of events: real scripts on a real Redis.

Whatever happens, no bot that has not ended is forgotten or held twice, whoever lost it writes nothing, and
what is told about it has no hole. No time passes: a lease runs out by its score. Whether this can fail is
tested at the end, with scripts that were broken on purpose.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from dragoman_contracts.bots import BotCause, BotRequest, RunnerReport, RunnerState
from dragoman_contracts.envelope import Envelope
from dragoman_contracts.errors import Fenced
from dragoman_contracts.events import BotStateChanged, parse_event
from dragoman_contracts.streams import BotKeys
from dragoman_orchestration.bots import store as bots_store
from dragoman_orchestration.bots.lifecycle import Event, Happening, advance
from dragoman_orchestration.bots.model import BotRecord
from dragoman_orchestration.bots.store import BotStore, Claim, StaleStep, state_changed
from dragoman_runtime.broker.redis import RedisBroker, connect_redis
from dragoman_runtime.broker.scripts import Script
from dragoman_runtime.embedded_redis import EmbeddedRedis

LEASE_MS = 3_600_000
BOTS, WORKERS = 3, 2
bots = st.integers(0, BOTS - 1)
workers = st.integers(0, WORKERS - 1)
steps = st.builds(
    Happening, st.sampled_from(Event), st.builds(BotCause, code=st.just("c"), transient=st.booleans())
)
actions = st.one_of(
    st.tuples(st.just("create"), bots),
    st.tuples(st.just("claim"), workers, st.integers(0, 3)),
    st.tuples(st.just("steal"), bots, workers),
    st.tuples(st.just("step"), workers, bots, steps),
    st.tuples(st.just("step"), workers, bots, steps),
    st.tuples(st.just("renew"), workers),
    st.tuples(st.just("hand_over"), workers, bots),
    st.tuples(st.just("requeue"), workers, bots),
    st.tuples(st.just("let_go"), workers, bots),
    st.tuples(st.just("stop"), bots),
    st.tuples(st.just("restart"), bots),
    st.tuples(st.just("report"), bots, st.integers(0, 2), st.integers(0, 5)),
)


def a_bot(number: int) -> BotRecord:
    return BotRecord(
        id=f"{number:032x}",
        owner_key="k",
        session_id=f"s{number}",
        driver="media",
        request=BotRequest(driver="media", url="http://x"),
        created_ms=1,
        since_ms=1,
    )


@dataclass
class World:
    """Redis, and what the workers believe to hold."""

    redis: Redis
    store: BotStore
    made: set[str] = field(default_factory=set)
    owner: dict[str, Claim] = field(default_factory=dict)
    believed: dict[int, dict[str, Claim]] = field(default_factory=lambda: defaultdict(dict))

    async def do(self, name: str, *arguments: Any) -> None:
        await getattr(self, name)(*arguments)

    async def create(self, number: int) -> None:
        bot = a_bot(number)
        await self.store.create(bot)
        self.made.add(bot.id)

    async def claim(self, worker: int, room: int) -> None:
        before = {member.decode() for member in await self.redis.zrange(BotKeys.QUEUE, 0, -1)}
        urgent = {member.decode() for member in await self.redis.zrangebyscore(BotKeys.QUEUE, "-inf", 0)}
        for claim in await self.store.claim(f"w{worker}", room=room, lease_ms=LEASE_MS):
            room -= claim.bot_id in before - urgent
            self.owner[claim.bot_id] = self.believed[worker][claim.bot_id] = claim
        assert room >= 0, "more were taken than there is room for"

    async def steal(self, number: int, worker: int) -> None:
        """The lease on a bot runs out, and a worker looks."""
        await self.redis.zadd(BotKeys.LEASES, {a_bot(number).id: 1}, xx=True)
        await self.claim(worker, 1)

    async def step(self, worker: int, number: int, what: Happening) -> None:
        claim = self.believed[worker].get(a_bot(number).id)
        if claim is None:
            return
        bot = (await self.store.read(claim.bot_id)).bot
        life = advance(bot.life, what)
        if life is None:
            return
        # What the worker believes, not what is so: this is the write that the fence is for.
        mine = replace(bot, lease=claim.lease)
        after = replace(mine, **asdict(life))
        try:
            await self.store.write(mine, after, event=state_changed(after, bot.state))
        except Fenced:
            assert self.owner.get(claim.bot_id) != claim, "the owner was fenced"
        else:
            assert self.owner.get(claim.bot_id) == claim, "a stranger wrote"
            with pytest.raises(StaleStep):
                await self.store.write(mine, after, event=state_changed(after, bot.state))

    async def renew(self, worker: int) -> None:
        claims = list(self.believed[worker].values())
        kept = await self.store.renew(claims, LEASE_MS)
        assert kept == {claim.bot_id for claim in claims if self.owner.get(claim.bot_id) == claim}

    async def _give(self, worker: int, number: int, how: str, *more: Any) -> None:
        claim = self.believed[worker].get(a_bot(number).id)
        if claim is not None:
            was_mine = self.owner.get(claim.bot_id) == claim
            assert await getattr(self.store, how)(claim, *more) is was_mine
            if was_mine:
                del self.owner[claim.bot_id]

    async def hand_over(self, worker: int, number: int) -> None:
        await self._give(worker, number, "hand_over")

    async def requeue(self, worker: int, number: int) -> None:
        # A bot that has ended is never queued.
        if a_bot(number).id in self.made and not (await self.store.read(a_bot(number).id)).bot.state.is_final:
            await self._give(worker, number, "requeue", 1)

    async def let_go(self, worker: int, number: int) -> None:
        if a_bot(number).id in self.made and (await self.store.read(a_bot(number).id)).bot.state.is_final:
            await self._give(worker, number, "let_go")

    async def stop(self, number: int) -> None:
        if a_bot(number).id in self.made:
            await self.store.stop(a_bot(number).id, "somebody")

    async def restart(self, number: int) -> None:
        if a_bot(number).id in self.made:
            await self.store.restart(a_bot(number).id, "why", 5)

    async def report(self, number: int, generation: int, seq: int) -> None:
        if a_bot(number).id not in self.made:
            return
        bot = (await self.store.read(a_bot(number).id)).bot
        report = RunnerReport(generation=generation, seq=seq, state=RunnerState.ACTIVE)
        if generation != bot.generation:
            with pytest.raises(Fenced):
                await self.store.report(bot, report, b"")
            return
        known = bot.current_report
        heard = await self.store.report(bot, report, b"")
        assert heard.is_new == (known is None or seq > known.seq)

    async def check(self) -> None:
        queue = dict(await self.redis.zrange(BotKeys.QUEUE, 0, -1, withscores=True))
        leases = set(await self.redis.zrange(BotKeys.LEASES, 0, -1))
        live = await self.redis.smembers(BotKeys.live_of("k"))
        told = defaultdict(list)
        for _, fields in await self.redis.xrange(BotKeys.EVENTS):
            event = parse_event(Envelope.from_fields(fields))
            assert isinstance(event, BotStateChanged)
            told[event.bot_id].append((event.seq, event.previous, event.state))
        for bot_id in self.made:
            bot = (await self.store.read(bot_id)).bot
            key = bot_id.encode()
            assert not (key in queue and key in leases), "it waits and is held"
            if not bot.state.is_final:
                assert key in queue or key in leases, "nobody will ever look at it again"
            assert (key in live) is not bot.state.is_final
            assert bool(await self.redis.exists(BotKeys.of_session(bot.session_id))) is not bot.state.is_final
            if bot.stop_ms and key in queue:
                assert queue[key] == 0, "it waits for room to be stopped"
            assert [seq for seq, _, _ in told[bot_id]] == list(range(1, bot.seq + 1))
            chain = [state for _, _, state in told[bot_id]]
            assert [previous for _, previous, _ in told[bot_id]] == [None, *chain[:-1]]
            assert chain[-1] is bot.state
            assert bot.lease == (self.owner[bot_id].lease if bot_id in self.owner else "")


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedRedis]:
    redis = EmbeddedRedis()
    asyncio.run(redis.start())
    yield redis
    asyncio.run(redis.close())


async def play(url: str, played: list[tuple[Any, ...]], broken: dict[str, Script]) -> None:
    client = connect_redis(url)
    await client.flushall()
    store = BotStore(RedisBroker(client))
    store._lua |= broken
    world = World(client, store)
    for number in range(2):
        await world.create(number)
    for action in played:
        await world.do(*action)
        await world.check()
    await client.aclose()


CALM = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@CALM
@given(played=st.lists(actions, min_size=5, max_size=50))
def test_no_bot_is_forgotten_held_twice_or_written_by_a_stranger(
    server: EmbeddedRedis, played: list[tuple[Any, ...]]
) -> None:
    asyncio.run(play(server.url, played, {}))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "line", "broken", "begins"),
    [
        ("write_bot", "if found[1] ~= ARGV[2] then", "if false then", 6),
        ("write_bot", "if found[2] ~= ARGV[3] then", "if false then", 3),
        ("write_bot", "redis.call('SREM', KEYS[4], ARGV[1])", "", 22),
        ("claim_bots", "redis.call('ZADD', leases, now + lease, id)", "", None),
        ("claim_bots", "redis.call('ZREM', queue, id)", "", None),
        ("claim_bots", "while room > 0 do", "while true do", None),
        ("let_go_bot", "redis.call('ZADD', queue, stopped and 0 or ARGV[4], ARGV[1])", "", None),
        ("let_go_bot", "stopped and 0 or ARGV[4]", "ARGV[4]", None),
        ("stop_bot", "redis.call('ZADD', KEYS[2], 'XX', 0, ARGV[1])", "", None),
        ("renew_bots", "== ARGV[i + 1]", "~= ''", 7),
        ("report_bot", "if tonumber(ARGV[2]) > known then", "if true then", None),
    ],
)
def test_a_script_that_is_broken_is_found_out(
    server: EmbeddedRedis, name: str, line: str, broken: str, begins: int | None
) -> None:
    """``begins``: the seed of the search, where it takes long from the one that it has by itself."""
    source = (Path(bots_store.__file__).parent / "lua" / f"{name}.lua").read_text()
    assert line in source
    wrong = source.replace(line, broken)
    script = Script(wrong, hashlib.sha1(wrong.encode(), usedforsecurity=False).hexdigest())

    @settings(CALM, max_examples=300, database=None, phases=[Phase.generate], derandomize=True)
    @given(played=st.lists(actions, min_size=5, max_size=50))
    def lives(played: list[tuple[Any, ...]]) -> None:
        asyncio.run(play(server.url, played, {name: script}))

    with pytest.raises((AssertionError, pytest.fail.Exception)):
        (lives if begins is None else seed(begins)(lives))()
