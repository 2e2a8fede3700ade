"""What every bus does, the same on memory, Redis 7 and Redis 6.2."""

from __future__ import annotations

import asyncio

import pytest

from dragoman_contracts.errors import DragomanError
from dragoman_runtime.broker.base import (
    Broker,
    Delivery,
    EntryIdRefused,
    GroupMissing,
    Publication,
    id_parts,
)
from dragoman_runtime.process import cancel_all

NOT_YET_MS = 600_000


async def fill(bus: Broker, stream: str, count: int, first: int = 1) -> list[str]:
    outcomes = await bus.publish_many(
        [Publication(stream, {b"n": b"%d" % n}, f"1-{n}") for n in range(first, first + count)]
    )
    return [outcome for outcome in outcomes if isinstance(outcome, str)]


def numbers(deliveries: list[Delivery]) -> list[int]:
    return [int(delivery.fields[b"n"]) for delivery in deliveries]


class TestAppendAndRead:
    async def test_what_is_published_is_read_back_byte_for_byte(self, bus: Broker) -> None:
        fields = {b"data": bytes(range(256)) * 13, b"empty": b"", "träge".encode(): b"\r\n$-1\r\n"}
        entry_id = await bus.publish("s", fields)
        assert await bus.read({"s": "0-0"}, 10) == {"s": [(entry_id, fields)]}

    async def test_ids_grow(self, bus: Broker) -> None:
        ids = [await bus.publish("s", {b"n": b"1"}) for _ in range(50)]
        assert ids == sorted(set(ids), key=id_parts)

    async def test_an_automatic_id_follows_a_greater_explicit_one(self, bus: Broker) -> None:
        await bus.publish("s", {b"n": b"1"}, "99999999999999-5")
        assert await bus.publish("s", {b"n": b"2"}) == "99999999999999-6"

    @pytest.mark.parametrize("again", ["5-1", "5-0", "4-9"])
    async def test_an_explicit_id_is_refused_unless_it_is_greater(self, bus: Broker, again: str) -> None:
        await bus.publish("s", {b"n": b"1"}, "5-1")
        with pytest.raises(EntryIdRefused) as refused:
            await bus.publish("s", {b"n": b"2"}, again)
        assert refused.value.permanent
        assert await bus.length("s") == 1

    async def test_publish_many_tells_the_outcome_of_each(self, bus: Broker) -> None:
        outcomes = await bus.publish_many(
            [
                Publication("a", {b"n": b"1"}, "2-1"),
                Publication("a", {b"n": b"2"}, "2-1"),
                Publication("b", {b"n": b"3"}, "1-1"),
                Publication("a", {b"n": b"4"}, "2-2"),
            ]
        )
        assert outcomes[0] == "2-1"
        assert isinstance(outcomes[1], EntryIdRefused)
        assert outcomes[2:] == ["1-1", "2-2"]
        assert [entry.fields[b"n"] for entry in (await bus.read({"a": "0-0"}, 10))["a"]] == [b"1", b"4"]

    async def test_publishing_nothing_is_allowed(self, bus: Broker) -> None:
        assert await bus.publish_many([]) == []

    async def test_read_gives_what_is_past_each_position(self, bus: Broker) -> None:
        await fill(bus, "a", 5)
        await fill(bus, "b", 2)
        found = await bus.read({"a": "1-3", "b": "1-2", "none": "0-0"}, 10)
        assert {name: [entry.id for entry in entries] for name, entries in found.items()} == {
            "a": ["1-4", "1-5"]
        }

    async def test_read_takes_at_most_count_of_each(self, bus: Broker) -> None:
        await fill(bus, "a", 5)
        await fill(bus, "b", 5)
        found = await bus.read({"a": "0-0", "b": "1-1"}, 2)
        assert [entry.id for entry in found["a"]] == ["1-1", "1-2"]
        assert [entry.id for entry in found["b"]] == ["1-2", "1-3"]

    async def test_reading_no_stream_finds_nothing(self, bus: Broker) -> None:
        assert await bus.read({}, 5) == {}

    async def test_read_reverse_begins_with_the_newest(self, bus: Broker) -> None:
        await fill(bus, "s", 5)
        assert [entry.id for entry in await bus.read_reverse("s", 2)] == ["1-5", "1-4"]
        assert await bus.read_reverse("none", 2) == []

    async def test_last_id_survives_trimming(self, bus: Broker) -> None:
        assert await bus.last_id("s") == "0-0"
        await fill(bus, "s", 5)
        assert await bus.trim("s", "2-0") == 5
        assert await bus.last_id("s") == "1-5"
        with pytest.raises(EntryIdRefused):
            await bus.publish("s", {b"n": b"1"}, "1-5")

    async def test_trim_removes_what_is_before(self, bus: Broker) -> None:
        await fill(bus, "s", 5)
        assert await bus.trim("s", "1-4") == 3
        assert [entry.id for entry in (await bus.read({"s": "0-0"}, 10))["s"]] == ["1-4", "1-5"]
        assert await bus.trim("none", "1-4") == 0

    async def test_delete_removes_by_id(self, bus: Broker) -> None:
        await fill(bus, "s", 3)
        assert await bus.delete("s", ["1-2", "9-9"]) == 1
        assert await bus.delete("s", []) == 0
        assert await bus.length("s") == 2

    async def test_drop_removes_streams(self, bus: Broker) -> None:
        await fill(bus, "a", 1)
        assert await bus.drop(["a", "b"]) == 1
        assert await bus.drop([]) == 0
        assert await bus.length("a") == 0

    async def test_ping_returns(self, bus: Broker) -> None:
        await bus.ping()


class TestGroups:
    async def test_a_group_begins_at_the_streams_beginning(self, bus: Broker) -> None:
        await fill(bus, "s", 3)
        await bus.ensure_group("s", "g")
        assert numbers(await bus.read_group("s", "g", "c", 10)) == [1, 2, 3]

    async def test_ensure_group_twice_changes_nothing(self, bus: Broker) -> None:
        await bus.ensure_group("s", "g")
        await fill(bus, "s", 2)
        await bus.read_group("s", "g", "c", 1)
        await bus.ensure_group("s", "g")
        assert numbers(await bus.read_group("s", "g", "c", 10)) == [2]

    async def test_each_entry_goes_to_one_member_and_to_every_group(self, bus: Broker) -> None:
        for group in ("g", "h"):
            await bus.ensure_group("s", group)
        await fill(bus, "s", 4)
        first = await bus.read_group("s", "g", "c1", 2)
        second = await bus.read_group("s", "g", "c2", 10)
        assert (numbers(first), numbers(second)) == ([1, 2], [3, 4])
        assert numbers(await bus.read_group("s", "h", "c1", 10)) == [1, 2, 3, 4]
        assert {delivery.times_delivered for delivery in first + second} == {1}
        assert {delivery.stream for delivery in first} == {"s"}

    async def test_read_group_does_not_wait_by_default(self, bus: Broker) -> None:
        await bus.ensure_group("s", "g")
        assert await bus.read_group("s", "g", "c", 10) == []

    async def test_read_group_waits_for_the_first_entry(self, bus: Broker) -> None:
        await bus.ensure_group("s", "g")
        reading = asyncio.create_task(bus.read_group("s", "g", "c", 10, block_ms=4_000))
        await asyncio.sleep(0)
        await fill(bus, "s", 1)
        assert numbers(await reading) == [1]

    async def test_read_group_gives_up_after_its_time(self, bus: Broker) -> None:
        await bus.ensure_group("s", "g")
        assert await bus.read_group("s", "g", "c", 10, block_ms=20) == []

    async def test_a_cancelled_wait_leaves_the_bus_usable(self, bus: Broker) -> None:
        await bus.ensure_group("s", "g")
        for _ in range(3):
            reading = asyncio.create_task(bus.read_group("s", "g", "c", 10, block_ms=4_000))
            await asyncio.sleep(0.01)
            await cancel_all([reading])
            assert reading.cancelled()
        # Replies of the cancelled reads must not answer these commands.
        await fill(bus, "other", 3)
        assert await bus.length("other") == 3
        assert await bus.last_id("other") == "1-3"

    async def test_no_group_is_told(self, bus: Broker) -> None:
        for stream in ("none", "s"):
            await fill(bus, "s", 1, first=1) if stream == "s" else None
            for call in (
                bus.read_group(stream, "g", "c", 1),
                bus.claim_stale(stream, "g", "c", 0, 1),
                bus.pending(stream, "g"),
                bus.remove_idle_consumers(stream, "g", 0),
            ):
                with pytest.raises(GroupMissing):
                    await call

    async def test_ack_takes_from_pending(self, bus: Broker) -> None:
        await bus.ensure_group("s", "g")
        await fill(bus, "s", 3)
        await bus.read_group("s", "g", "c", 10)
        assert await bus.ack("s", "g", ["1-1", "1-3", "9-9"]) == 2
        assert [entry.id for entry in await bus.pending("s", "g")] == ["1-2"]
        assert await bus.ack("s", "g", ["1-1"]) == 0
        assert await bus.ack("s", "g", []) == 0
        assert await bus.ack("none", "g", ["1-1"]) == 0
        assert await bus.length("s") == 3

    async def test_ack_can_delete(self, bus: Broker) -> None:
        await bus.ensure_group("s", "g")
        await fill(bus, "s", 3)
        await bus.read_group("s", "g", "c", 2)
        assert await bus.ack("s", "g", ["1-1", "1-2"], delete=True) == 2
        assert await bus.length("s") == 1

    async def test_pending_tells_who_holds_what(self, bus: Broker) -> None:
        await bus.ensure_group("s", "g")
        await fill(bus, "s", 3)
        await bus.read_group("s", "g", "c1", 1)
        await bus.read_group("s", "g", "c2", 10)
        rows = await bus.pending("s", "g")
        assert [(row.id, row.consumer, row.times_delivered) for row in rows] == [
            ("1-1", "c1", 1),
            ("1-2", "c2", 1),
            ("1-3", "c2", 1),
        ]
        assert all(row.idle_ms >= 0 for row in rows)
        assert len(await bus.pending("s", "g", count=2)) == 2


class TestClaims:
    async def held_by_dead(self, bus: Broker, count: int) -> None:
        await bus.ensure_group("s", "g")
        await fill(bus, "s", count)
        assert len(await bus.read_group("s", "g", "dead", count)) == count

    async def test_stale_entries_are_taken_over_and_counted(self, bus: Broker) -> None:
        await self.held_by_dead(bus, 3)
        claimed = await bus.claim_stale("s", "g", "c", 0, 10)
        assert numbers(claimed) == [1, 2, 3]
        assert [delivery.times_delivered for delivery in claimed] == [2, 2, 2]
        assert {row.consumer for row in await bus.pending("s", "g")} == {"c"}
        assert [d.times_delivered for d in await bus.claim_stale("s", "g", "c", 0, 1)] == [3]

    async def test_fresh_entries_stay_with_their_holder(self, bus: Broker) -> None:
        await self.held_by_dead(bus, 3)
        assert await bus.claim_stale("s", "g", "c", NOT_YET_MS, 10) == []
        assert {row.consumer for row in await bus.pending("s", "g")} == {"dead"}

    async def test_takes_at_most_count(self, bus: Broker) -> None:
        await self.held_by_dead(bus, 5)
        assert numbers(await bus.claim_stale("s", "g", "c", 0, 2)) == [1, 2]

    async def test_walks_past_many_entries_that_are_not_stale(self, bus: Broker) -> None:
        """One XAUTOCLAIM looks at COUNT x 10 entries only; the stale ones lie behind them."""
        count, stale = 3, 4
        await self.held_by_dead(bus, count * 10 * 3 + stale)
        rows = await bus.pending("s", "g", count=1000)
        behind = [Delivery(row.id, {}, "s", row.times_delivered) for row in rows[-stale:]]
        await bus.release("g", "dead", behind, NOT_YET_MS)
        claimed = await bus.claim_stale("s", "g", "c", NOT_YET_MS, count)
        assert [delivery.id for delivery in claimed] == [delivery.id for delivery in behind[:count]]

    async def test_released_entries_are_stale_at_once_and_this_delivery_does_not_count(
        self, bus: Broker
    ) -> None:
        await bus.ensure_group("s", "g")
        await fill(bus, "s", 2)
        held = await bus.read_group("s", "g", "c1", 10)
        await bus.release("g", "c1", held[1:], NOT_YET_MS)
        claimed = await bus.claim_stale("s", "g", "c2", NOT_YET_MS, 10)
        assert [(delivery.id, delivery.times_delivered) for delivery in claimed] == [("1-2", 1)]
        await bus.release("g", "c2", [], NOT_YET_MS)

    async def test_releasing_what_was_acknowledged_brings_nothing_back(self, bus: Broker) -> None:
        await bus.ensure_group("s", "g")
        await fill(bus, "s", 1)
        held = await bus.read_group("s", "g", "c1", 10)
        await bus.ack("s", "g", ["1-1"])
        await bus.release("g", "c1", held, NOT_YET_MS)
        assert await bus.pending("s", "g") == []

    async def test_deleted_entries_leave_the_pending_list(self, bus: Broker) -> None:
        await self.held_by_dead(bus, 5)
        await bus.delete("s", ["1-1", "1-3", "1-5"])
        assert numbers(await bus.claim_stale("s", "g", "c", 0, 10)) == [2, 4]
        assert [row.id for row in await bus.pending("s", "g")] == ["1-2", "1-4"]

    async def test_names_of_the_dead_go_only_when_they_hold_nothing(self, bus: Broker) -> None:
        await self.held_by_dead(bus, 1)
        await fill(bus, "s", 1, first=2)
        await bus.read_group("s", "g", "idle", 1)
        await bus.ack("s", "g", ["1-2"])
        assert await bus.remove_idle_consumers("s", "g", NOT_YET_MS) == []
        assert await bus.remove_idle_consumers("s", "g", 0) == ["idle"]
        assert [row.consumer for row in await bus.pending("s", "g")] == ["dead"]
        await bus.ack("s", "g", ["1-1"])
        assert await bus.remove_idle_consumers("s", "g", 0) == ["dead"]


async def test_errors_carry_code_permanence_and_remedy(bus: Broker) -> None:
    with pytest.raises(DragomanError) as missing:
        await bus.read_group("none", "g", "c", 1)
    assert missing.value.code == "group_missing"
    assert missing.value.remedy
