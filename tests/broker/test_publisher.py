"""Publishing by tick: batches, order, bounds, and what happens while Redis is away."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from dragoman_contracts.errors import BusUnavailable, DragomanError, Overloaded
from dragoman_runtime.broker.base import Broker, BusRejected, EntryIdRefused, Publication
from dragoman_runtime.broker.memory import MemoryBroker
from dragoman_runtime.broker.publisher import TickPublisher


class Faulty(MemoryBroker):
    """A bus that fails the first ``publish_many`` calls after it stored ``stored_before`` of each."""

    def __init__(self, failures: int = 0, *, stored_before: int = 0) -> None:
        super().__init__()
        self.failures = failures
        self.stored_before = stored_before
        self.batches: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()

    async def publish_many(self, publications: Sequence[Publication]) -> list[str | DragomanError]:
        self.asked.set()
        await self.gate.wait()
        self.batches.append(len(publications))
        if self.failures:
            self.failures -= 1
            await super().publish_many(publications[: self.stored_before])
            raise BusUnavailable("the connection broke")
        return await super().publish_many(publications)


async def publish_all(publisher: TickPublisher, ids: Sequence[str], stream: str = "s") -> list[Any]:
    return await asyncio.gather(
        *(publisher.publish(stream, {b"n": entry_id.encode()}, entry_id) for entry_id in ids),
        return_exceptions=True,
    )


async def stored(bus: Broker, stream: str = "s") -> list[str]:
    return [entry.id for entry in (await bus.read({stream: "0-0"}, 1000)).get(stream, [])]


IDS = [f"1-{n}" for n in range(1, 11)]


async def test_publishes_and_returns_the_id(bus: Broker) -> None:
    publisher = TickPublisher(bus)
    assert await publish_all(publisher, IDS) == IDS
    assert await stored(bus) == IDS
    assert await publisher.publish("s", {b"n": b""}) == await bus.last_id("s")


async def test_a_refused_id_fails_its_own_publish_only(bus: Broker) -> None:
    outcomes = await publish_all(TickPublisher(bus), ["1-1", "1-1", "1-2"])
    assert [outcomes[0], outcomes[2]] == ["1-1", "1-2"]
    assert isinstance(outcomes[1], EntryIdRefused)


async def test_what_one_tick_brings_travels_together() -> None:
    bus = Faulty()
    await publish_all(TickPublisher(bus), IDS)
    assert bus.batches == [10]


async def test_what_comes_during_a_flush_travels_together_in_the_next() -> None:
    bus = Faulty()
    bus.gate.clear()
    publisher = TickPublisher(bus, max_batch=4)
    first = asyncio.create_task(publisher.publish("s", {}, "1-1"))
    await bus.asked.wait()
    rest = asyncio.create_task(publish_all(publisher, IDS[1:]))
    await asyncio.sleep(0)
    bus.gate.set()
    assert await first == "1-1"
    assert await rest == IDS[1:]
    assert bus.batches == [1, 4, 4, 1]


async def test_too_much_waiting_is_told() -> None:
    outcomes = await publish_all(TickPublisher(Faulty(), max_waiting=3), IDS)
    assert outcomes[:3] == IDS[:3]
    assert [type(outcome) for outcome in outcomes[3:]] == [Overloaded] * 7


async def test_keeps_the_order_while_redis_is_away(log_lines: list[str]) -> None:
    bus = Faulty(failures=3)
    publisher = TickPublisher(bus, max_batch=2)
    assert await publish_all(publisher, IDS) == IDS
    assert await stored(bus) == IDS
    assert sum("publishing waits" in line for line in log_lines) == 1


async def test_what_a_broken_attempt_stored_counts_as_stored() -> None:
    bus = Faulty(failures=2, stored_before=4)
    assert await publish_all(TickPublisher(bus), IDS) == IDS
    assert await stored(bus) == IDS


async def test_a_stale_epoch_is_refused_even_when_repeated() -> None:
    bus = Faulty(failures=1)
    await bus.publish("s", {}, "2-1")
    [outcome] = await publish_all(TickPublisher(bus), ["1-5"])
    assert isinstance(outcome, EntryIdRefused)


async def test_gives_up_after_its_time_and_fails_all_that_waits() -> None:
    bus = Faulty(failures=1_000)
    outcomes = await publish_all(TickPublisher(bus, max_batch=2, retry_for_s=0), IDS)
    assert [type(outcome) for outcome in outcomes] == [BusUnavailable] * 10
    assert bus.batches == [2]
    bus.failures = 0
    assert await publish_all(TickPublisher(bus), IDS) == IDS


async def test_a_redis_that_takes_no_writes_is_tried_again() -> None:
    class ReadOnly(Faulty):
        refusals = 2

        async def publish_many(self, publications: Sequence[Publication]) -> list[str | DragomanError]:
            if self.refusals:
                self.refusals -= 1
                return [BusUnavailable("read only") for _ in publications]
            return await super().publish_many(publications)

    bus = ReadOnly()
    assert await publish_all(TickPublisher(bus), IDS) == IDS


class Picky(MemoryBroker):
    """Refuses entries of some streams, as a cluster does of which one master is away."""

    def __init__(self, *away: str) -> None:
        super().__init__()
        self.away = set(away)
        self.asked = asyncio.Event()

    async def publish_many(self, publications: Sequence[Publication]) -> list[str | DragomanError]:
        self.asked.set()
        return [
            BusUnavailable("away")
            if publication.stream in self.away
            else (await super(Picky, self).publish_many([publication]))[0]
            for publication in publications
        ]


async def test_a_stream_that_is_refused_waits_in_order_and_the_others_go_on() -> None:
    bus = Picky("a")
    publisher = TickPublisher(bus)
    waiting = asyncio.create_task(publish_all(publisher, IDS[:5], "a"))
    assert await publish_all(publisher, IDS, "b") == IDS
    more = asyncio.create_task(publish_all(publisher, IDS[5:], "a"))
    # While the one waits for its next attempt, the other does not.
    for entry_id in ("2-1", "2-2", "2-3"):
        assert await publisher.publish("b", {}, entry_id) == entry_id
    assert not waiting.done()
    bus.away.clear()
    assert await waiting + await more == IDS
    assert await stored(bus, "a") == IDS
    assert await stored(bus, "b") == [*IDS, "2-1", "2-2", "2-3"]


async def test_giving_up_one_stream_does_not_fail_the_others() -> None:
    bus = Picky("a")
    publisher = TickPublisher(bus, retry_for_s=0)
    outcomes = await asyncio.gather(publish_all(publisher, IDS, "a"), publish_all(publisher, IDS, "b"))
    assert [type(outcome) for outcome in outcomes[0]] == [BusUnavailable] * 10
    assert outcomes[1] == IDS
    bus.away.clear()
    assert await publish_all(publisher, IDS, "a") == IDS


async def test_entries_that_wait_count_against_the_bound() -> None:
    bus = Picky("a")
    publisher = TickPublisher(bus, max_waiting=3)
    waiting = asyncio.create_task(publish_all(publisher, IDS[:3], "a"))
    await bus.asked.wait()
    with pytest.raises(Overloaded):
        await publisher.publish("b", {})
    bus.away.clear()
    assert await waiting == IDS[:3]
    assert await publisher.publish("b", {}, "1-1") == "1-1"


async def test_a_long_line_lets_the_others_have_their_turn() -> None:
    class Slow(MemoryBroker):
        order: list[str]

        async def publish_many(self, publications: Sequence[Publication]) -> list[str | DragomanError]:
            self.order += [publication.stream for publication in publications]
            return await super().publish_many(publications)

    bus = Slow()
    bus.order = []
    publisher = TickPublisher(bus, max_batch=2)
    await asyncio.gather(publish_all(publisher, IDS, "a"), publish_all(publisher, IDS[:1], "b"))
    assert bus.order.index("b") == 2


async def test_other_errors_reach_whoever_asked() -> None:
    class Odd(MemoryBroker):
        async def publish_many(self, publications: Sequence[Publication]) -> list[str | DragomanError]:
            raise BusRejected("wrong type")

    [outcome] = await publish_all(TickPublisher(Odd()), ["1-1"])
    assert isinstance(outcome, BusRejected)


async def test_a_cancelled_publisher_hurts_nobody_else() -> None:
    bus = Faulty()
    bus.gate.clear()
    publisher = TickPublisher(bus)
    tasks = [asyncio.create_task(publisher.publish("s", {}, entry_id)) for entry_id in IDS[:3]]
    await asyncio.sleep(0)
    tasks[1].cancel()
    bus.gate.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert outcomes[0] == "1-1"
    assert isinstance(outcomes[1], asyncio.CancelledError)
    assert outcomes[2] == "1-3"


@pytest.mark.parametrize("under_way", [False, True])
async def test_the_end_of_the_process_lets_nobody_wait_for_ever(under_way: bool) -> None:
    bus = Faulty()
    bus.gate.clear()
    publisher = TickPublisher(bus, max_batch=2)
    before = asyncio.all_tasks()
    waiting = [asyncio.create_task(publisher.publish("s", {}, entry_id)) for entry_id in IDS]
    # One tick: all of them wait, and the flush has not taken its first step.
    await asyncio.sleep(0)
    if under_way:
        await bus.asked.wait()
    [flush] = asyncio.all_tasks() - before - set(waiting)
    flush.cancel()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [BusUnavailable] * 10
    bus.gate.set()
    assert await publisher.publish("s", {}, "2-1") == "2-1"
