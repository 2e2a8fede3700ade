"""Scripts by tick: batches, forgotten scripts, refusals, and who is told when Redis is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from dragoman_contracts.errors import BusUnavailable
from dragoman_runtime.broker.base import BusRejected, GroupMissing
from dragoman_runtime.broker.redis import RedisBroker, connect_redis
from dragoman_runtime.broker.scripts import Script, ScriptRefused, TickScripts


class Watched(RedisBroker):
    """A bus that records what travels together, and holds it while the gate is closed."""

    def __init__(self, url: str) -> None:
        super().__init__(connect_redis(url, timeout_s=2))
        self.trips: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()

    async def exchange(self, commands: Sequence[tuple[Any, ...]], *, wait_s: float = 0.0) -> list[Any]:
        self.trips.append([command[0] for command in commands])
        self.asked.set()
        await self.gate.wait()
        return await super().exchange(commands, wait_s=wait_s)


@pytest.fixture(params=["redis_server", "oldest_redis_server", "newest_redis_server"])
def url(request: pytest.FixtureRequest) -> str:
    """All ages of Redis; asked for outside the event loop, for starting a server needs one of its own."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture
async def watched(url: str) -> AsyncIterator[Watched]:
    bus = Watched(url)
    await bus.exchange([("FLUSHALL",), ("SCRIPT", "FLUSH")])
    bus.trips.clear()
    bus.asked.clear()
    yield bus
    await bus.close()


def script(tmp_path: Path, source: str) -> Script:
    path = tmp_path / "script.lua"
    path.write_text(source)
    return Script.load(path)


@pytest.fixture
def append(tmp_path: Path) -> Script:
    """Appends its argument to a list; returns the length."""
    return script(tmp_path, "return redis.call('RPUSH', KEYS[1], ARGV[1])")


async def run_all(scripts: TickScripts, lua: Script, count: int) -> list[Any]:
    return await asyncio.gather(
        *(scripts.run(lua, ("list",), (number,)) for number in range(count)), return_exceptions=True
    )


async def values(bus: RedisBroker) -> list[int]:
    return [int(value) for value in (await bus.exchange([("LRANGE", "list", 0, -1)]))[0]]


async def test_what_redis_forgot_is_sent_in_full_once(watched: Watched, append: Script) -> None:
    scripts = TickScripts(watched)
    assert await scripts.run(append, ("list",), (0,)) == 1
    assert await scripts.run(append, ("list",), (1,)) == 2
    await watched.exchange([("SCRIPT", "FLUSH")])
    assert await scripts.run(append, ("list",), (2,)) == 3
    assert watched.trips == [["EVALSHA"], ["EVAL"], ["EVALSHA"], ["SCRIPT"], ["EVALSHA"], ["EVAL"]]
    assert await values(watched) == [0, 1, 2]


async def test_the_calls_of_one_tick_travel_together_and_in_order(watched: Watched, append: Script) -> None:
    scripts = TickScripts(watched)
    await scripts.run(append, ("list",), (99,))
    watched.trips.clear()
    assert await run_all(scripts, append, 10) == list(range(2, 12))
    assert watched.trips == [["EVALSHA"] * 10]
    assert await values(watched) == [99, *range(10)]


async def test_what_comes_during_a_batch_travels_in_the_next_ones(watched: Watched, append: Script) -> None:
    scripts = TickScripts(watched, max_batch=4)
    await scripts.run(append, ("list",), (99,))
    watched.trips.clear()
    watched.asked.clear()
    watched.gate.clear()
    first = asyncio.create_task(scripts.run(append, ("list",), (98,)))
    await watched.asked.wait()
    rest = [asyncio.create_task(scripts.run(append, ("list",), (number,))) for number in range(6)]
    await asyncio.sleep(0)
    watched.gate.set()
    assert await first == 2
    assert await asyncio.gather(*rest) == list(range(3, 9))
    assert [len(trip) for trip in watched.trips] == [1, 4, 2]


async def test_a_refusal_reaches_its_caller_alone_with_its_reason(
    watched: Watched, append: Script, tmp_path: Path
) -> None:
    refuse = script(tmp_path, "return redis.error_reply('FENCED another owner holds it')")
    scripts = TickScripts(watched)
    outcomes = await asyncio.gather(
        scripts.run(refuse, ("list",)), scripts.run(append, ("list",), (0,)), return_exceptions=True
    )
    refused, length = outcomes
    assert isinstance(refused, ScriptRefused)
    assert isinstance(refused, BusRejected)
    assert refused.reason == "FENCED"
    assert length == 1


@pytest.mark.parametrize("prefix", ["", "ERR "])
def test_the_reason_is_the_first_word_of_the_reply(prefix: str) -> None:
    assert ScriptRefused(f"{prefix}STALE the checkpoint moved").reason == "STALE"


async def test_a_missing_group_inside_a_script_is_told_as_such(watched: Watched, tmp_path: Path) -> None:
    look = script(tmp_path, "return redis.call('XPENDING', KEYS[1], 'nobody')")
    with pytest.raises(GroupMissing):
        await TickScripts(watched).run(look, ("list",))


async def test_while_redis_is_away_everyone_is_told(free_port: int, append: Script) -> None:
    bus = Watched(f"redis://127.0.0.1:{free_port}/0")
    outcomes = await run_all(TickScripts(bus, max_batch=2), append, 5)
    assert [type(outcome) for outcome in outcomes] == [BusUnavailable] * 5
    await bus.close()


async def test_a_cancelled_caller_hurts_nobody_else(watched: Watched, append: Script) -> None:
    scripts = TickScripts(watched)
    watched.gate.clear()
    calls = [asyncio.create_task(scripts.run(append, ("list",), (number,))) for number in range(3)]
    await watched.asked.wait()
    calls[1].cancel()
    watched.gate.set()
    first, cancelled, last = await asyncio.gather(*calls, return_exceptions=True)
    # It was on its way already, so its script ran.
    assert (first, last) == (1, 3)
    assert isinstance(cancelled, asyncio.CancelledError)
    assert await values(watched) == [0, 1, 2]


async def test_a_caller_cancelled_while_redis_is_away(free_port: int, append: Script) -> None:
    bus = Watched(f"redis://127.0.0.1:{free_port}/0")
    bus.gate.clear()
    scripts = TickScripts(bus)
    calls = [asyncio.create_task(scripts.run(append, ("list",), (number,))) for number in range(2)]
    await bus.asked.wait()
    calls[0].cancel()
    bus.gate.set()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError, BusUnavailable]
    await bus.close()


@pytest.mark.parametrize("under_way", [False, True])
async def test_the_end_of_the_process_lets_nobody_wait_for_ever(
    watched: Watched, append: Script, under_way: bool
) -> None:
    scripts = TickScripts(watched, max_batch=2)
    watched.gate.clear()
    before = asyncio.all_tasks()
    waiting = [asyncio.create_task(scripts.run(append, ("list",), (number,))) for number in range(5)]
    # One tick: all of them wait, and the flush has not taken its first step.
    await asyncio.sleep(0)
    if under_way:
        await watched.asked.wait()
    [flush] = asyncio.all_tasks() - before - set(waiting)
    flush.cancel()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [BusUnavailable] * 5
    watched.gate.set()
    assert await scripts.run(append, ("list",), (7,)) == 1
