"""The one consumer loop: what it must survive, on every bus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from opentelemetry import trace

from dragoman_contracts.envelope import Envelope
from dragoman_contracts.errors import BusUnavailable, InvalidInput, Unavailable
from dragoman_contracts.events import parse_event
from dragoman_contracts.streams import dead_letter_stream
from dragoman_runtime.broker.base import Broker, Delivery
from dragoman_runtime.broker.consumer import Consumer, ConsumerOptions, describe
from dragoman_runtime.broker.memory import MemoryBroker
from dragoman_runtime.process import Drain
from dragoman_runtime.settings import RuntimeSettings
from dragoman_runtime.telemetry import current_traceparent, setup_telemetry

STREAM, GROUP = "stream:test", "testers"
LONG_AGO_MS = 10_000_000
EAGER = ConsumerOptions(claim_every_ms=0, block_ms=5, backoff_ms=2, backoff_max_ms=10)
Handler = Callable[[Envelope], Awaitable[None]]


def event(number: int) -> Envelope:
    return Envelope(type="Tested", source="/test", id=f"id-{number}", data=b"%d" % number)


async def publish(bus: Broker, *numbers: int) -> list[str]:
    return [await bus.publish(STREAM, event(number).to_fields()) for number in numbers]


async def grow_old(bus: Broker, group: str = GROUP) -> None:
    """Make everything pending look as if its holder had been silent for hours."""
    for row in await bus.pending(STREAM, group, count=10_000):
        # release() gives one delivery back; this one counts.
        await bus.release(
            group, row.consumer, [Delivery(row.id, {}, STREAM, row.times_delivered + 1)], LONG_AGO_MS
        )


async def dead_letters(bus: Broker) -> list[dict[bytes, bytes]]:
    found = await bus.read({dead_letter_stream(STREAM): "0-0"}, 1000)
    return [entry.fields for entry in found.get(dead_letter_stream(STREAM), [])]


async def is_done(bus: Broker) -> bool:
    """Everything published was read by the group and nothing is pending."""
    return not await bus.pending(STREAM, GROUP)


class Recorder:
    """A handler that remembers what it was given, and does what the test says."""

    def __init__(self, then: Handler | None = None) -> None:
        self.seen: list[str] = []
        self._then = then

    async def __call__(self, envelope: Envelope) -> None:
        self.seen.append(envelope.id)
        if self._then is not None:
            await self._then(envelope)


@asynccontextmanager
async def consuming(
    bus: Broker, handler: Handler, *, name: str = "me", options: ConsumerOptions = EAGER, **more: Any
) -> AsyncIterator[Drain]:
    drain = Drain()
    task = asyncio.create_task(
        Consumer(bus, STREAM, GROUP, name, handler, options=options, **more).run(drain)
    )
    try:
        yield drain
    finally:
        drain.start()
        async with asyncio.timeout(20):
            await task


async def test_handles_in_order_and_acknowledges(bus: Broker, eventually: Any) -> None:
    handler = Recorder()
    await publish(bus, *range(150))
    async with consuming(bus, handler):
        await eventually(lambda: len(handler.seen) == 150)
        await eventually(lambda: is_done(bus))
        await publish(bus, 150)
        await eventually(lambda: len(handler.seen) == 151)
    assert handler.seen == [f"id-{n}" for n in range(151)]
    assert await bus.length(STREAM) == 151


async def test_can_delete_what_no_other_group_needs(bus: Broker, eventually: Any) -> None:
    await publish(bus, 1, 2)
    async with consuming(bus, Recorder(), options=ConsumerOptions(delete_after_ack=True, block_ms=5)):
        await eventually(lambda: _is_empty(bus))


async def _is_empty(bus: Broker) -> bool:
    return await bus.length(STREAM) == 0


async def test_a_failed_event_is_delivered_again_and_then_handled(bus: Broker, eventually: Any) -> None:
    async def fail_once(envelope: Envelope) -> None:
        if envelope.id == "id-1" and handler.seen.count("id-1") == 1:
            await grow_old(bus)
            raise Unavailable("the part is away")

    handler = Recorder(fail_once)
    await publish(bus, 1, 2)
    async with consuming(bus, handler):
        await eventually(lambda: handler.seen.count("id-1") == 2)
        await eventually(lambda: is_done(bus))
    assert sorted(handler.seen) == ["id-1", "id-1", "id-2"]
    assert await dead_letters(bus) == []


async def test_after_three_deliveries_it_is_dead_lettered_with_the_reason(
    bus: Broker, eventually: Any, log_lines: list[str]
) -> None:
    async def fail(envelope: Envelope) -> None:
        if envelope.id == "id-1":
            await grow_old(bus)
            raise Unavailable("the part is away")

    handler = Recorder(fail)
    [entry_id] = await publish(bus, 1)
    async with consuming(bus, handler):
        [letter] = await eventually(lambda: dead_letters(bus))
        await eventually(lambda: is_done(bus))
        await publish(bus, 2)
        await eventually(lambda: "id-2" in handler.seen)
    assert handler.seen == ["id-1", "id-1", "id-1", "id-2"]
    assert letter[b"dl_reason"] == b"unavailable: the part is away"
    assert letter[b"dl_entry"] == entry_id.encode()
    assert (letter[b"dl_group"], letter[b"dl_consumer"]) == (b"testers", b"me")
    assert letter[b"dl_deliveries"] == b"3"
    assert (letter[b"ce_id"], letter[b"data"]) == (b"id-1", b"1")
    assert any("dead-lettered" in line for line in log_lines)


async def test_a_permanent_error_is_not_tried_again(bus: Broker, eventually: Any) -> None:
    async def refuse(envelope: Envelope) -> None:
        raise InvalidInput("it can never work")

    handler = Recorder(refuse)
    await publish(bus, 1)
    async with consuming(bus, handler):
        [letter] = await eventually(lambda: dead_letters(bus))
        await eventually(lambda: is_done(bus))
    assert handler.seen == ["id-1"]
    assert letter[b"dl_reason"] == b"invalid_input: it can never work"


async def test_a_foreign_errors_text_stays_out_of_the_dead_letter_and_the_log(
    bus: Broker, eventually: Any, log_lines: list[str]
) -> None:
    async def choke(envelope: Envelope) -> None:
        await grow_old(bus)
        raise ValueError("the transcript was: meet me at noon")

    await publish(bus, 1)
    async with consuming(bus, choke):
        [letter] = await eventually(lambda: dead_letters(bus))
    assert letter[b"dl_reason"].startswith(b"ValueError at choke:")
    assert "noon" not in "".join(log_lines)


def test_describing_an_error_that_was_never_raised() -> None:
    assert describe(KeyError("x")) == "KeyError"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({b"what": b"no envelope"}, b"envelope_invalid: the entry lacks ce_id"),
        (Envelope(type="FromTheFuture", source="/test").to_fields(), b"envelope_invalid: unknown event type"),
        ({**event(1).to_fields(), b"ce_specversion": b"9.9"}, b"envelope_invalid: ce_specversion is '9.9'"),
        ({**event(1).to_fields(), b"ce_source": b"\xff"}, b"envelope_invalid: an attribute is not UTF-8"),
    ],
)
async def test_an_unknown_envelope_is_dead_lettered_whole(
    bus: Broker, eventually: Any, fields: dict[bytes, bytes], reason: bytes
) -> None:
    async def parse(envelope: Envelope) -> None:
        parse_event(envelope)

    await bus.publish(STREAM, fields)
    async with consuming(bus, parse):
        [letter] = await eventually(lambda: dead_letters(bus))
        await eventually(lambda: is_done(bus))
    assert letter[b"dl_reason"].startswith(reason)
    assert {name: value for name, value in letter.items() if not name.startswith(b"dl_")} == fields


async def test_what_took_its_process_down_each_time_is_dead_lettered_unhandled(
    bus: Broker, eventually: Any
) -> None:
    await bus.ensure_group(STREAM, GROUP)
    await publish(bus, 1)
    await bus.read_group(STREAM, GROUP, "dead-1", 1)
    for number in (2, 3):
        await bus.claim_stale(STREAM, GROUP, f"dead-{number}", 0, 1)
    await grow_old(bus)
    handler = Recorder()
    async with consuming(bus, handler):
        [letter] = await eventually(lambda: dead_letters(bus))
        await eventually(lambda: is_done(bus))
    assert handler.seen == []
    assert b"ended the process" in letter[b"dl_reason"]
    assert letter[b"dl_deliveries"] == b"4"


async def test_claims_what_a_dead_consumer_left_however_much(bus: Broker, eventually: Any) -> None:
    """The stale entries lie behind more fresh ones than one XAUTOCLAIM looks at."""
    count, fresh, stale = 4, 100, 10
    await bus.ensure_group(STREAM, GROUP)
    await publish(bus, *range(fresh + stale))
    held = await bus.read_group(STREAM, GROUP, "dead", fresh + stale)
    untried = [delivery._replace(times_delivered=2) for delivery in held[fresh:]]
    await bus.release(GROUP, "dead", untried, LONG_AGO_MS)
    handler = Recorder()
    options = ConsumerOptions(count=count, claim_every_ms=0, block_ms=1, claim_idle_ms=LONG_AGO_MS // 2)
    async with consuming(bus, handler, options=options):
        await eventually(lambda: len(handler.seen) >= stale)
    assert handler.seen == [f"id-{n}" for n in range(fresh, fresh + stale)]
    assert {row.consumer for row in await bus.pending(STREAM, GROUP, count=1000)} == {"dead"}
    assert len(await bus.pending(STREAM, GROUP, count=1000)) == fresh


async def test_a_repeated_event_is_handled_once(bus: Broker, eventually: Any) -> None:
    """A publisher whose reply was lost sends the same event again: two entries, one ce_id."""
    handler = Recorder()
    await publish(bus, 1, 1, 2)
    async with consuming(bus, handler):
        await eventually(lambda: "id-2" in handler.seen)
        await eventually(lambda: is_done(bus))
    assert handler.seen == ["id-1", "id-2"]


async def test_remembers_a_bounded_number_of_events(bus: Broker, eventually: Any) -> None:
    handler = Recorder()
    await publish(bus, 1, 2, 3, 1)
    async with consuming(bus, handler, options=ConsumerOptions(remember_ids=2, block_ms=5)):
        await eventually(lambda: len(handler.seen) == 4)
    assert handler.seen == ["id-1", "id-2", "id-3", "id-1"]


class LosesAcks(MemoryBroker):
    """A bus whose first acknowledgement fails after the handler has done its work."""

    lost = 0

    async def ack(self, stream: str, group: str, ids: Any, delete: bool = False) -> int:
        if ids and not self.lost:
            self.lost += 1
            await grow_old(self)
            raise BusUnavailable("the connection broke")
        return await super().ack(stream, group, ids, delete)


async def test_a_lost_acknowledgement_does_not_repeat_the_work(eventually: Any) -> None:
    bus, handler = LosesAcks(), Recorder()
    await publish(bus, 1)
    async with consuming(bus, handler):
        await eventually(lambda: bus.lost)
        await eventually(lambda: is_done(bus))
    assert handler.seen == ["id-1"]


async def test_a_lost_stream_and_group_are_created_again(
    bus: Broker, eventually: Any, log_lines: list[str]
) -> None:
    handler = Recorder()
    async with consuming(bus, handler, options=ConsumerOptions(block_ms=50)):
        await publish(bus, 1)
        await eventually(lambda: handler.seen == ["id-1"])
        await bus.drop([STREAM])
        await publish(bus, 2)
        await eventually(lambda: handler.seen == ["id-1", "id-2"])
    assert any("the group is gone" in line for line in log_lines)


async def test_the_drain_lets_the_handler_finish_and_gives_the_rest_back(
    bus: Broker, eventually: Any
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(envelope: Envelope) -> None:
        begun.set()
        await go_on.wait()

    handler = Recorder(slow)
    await publish(bus, 1, 2, 3)
    async with consuming(bus, handler) as drain:
        await begun.wait()
        drain.start()
        assert len(await bus.pending(STREAM, GROUP)) == 3
        go_on.set()
    assert handler.seen == ["id-1"]
    left = await bus.pending(STREAM, GROUP)
    # Untried: idle long enough to be claimed at once, and this delivery does not count.
    assert [(row.times_delivered, row.idle_ms >= EAGER.claim_idle_ms) for row in left] == [
        (0, True),
        (0, True),
    ]
    successor = Recorder()
    async with consuming(bus, successor, name="successor"):
        await eventually(lambda: len(successor.seen) == 2)
        await eventually(lambda: is_done(bus))
    assert successor.seen == ["id-2", "id-3"]


async def test_a_drain_during_a_claim_reads_no_more(eventually: Any) -> None:
    bus = MemoryBroker()
    await bus.ensure_group(STREAM, GROUP)
    await publish(bus, 1, 2)
    await bus.read_group(STREAM, GROUP, "dead", 1)
    await grow_old(bus)

    async def stop(envelope: Envelope) -> None:
        drain.start()

    handler = Recorder(stop)
    async with consuming(bus, handler) as drain:
        await drain.wait()
    assert handler.seen == ["id-1"]


async def test_a_slow_batch_is_given_back_before_others_may_claim_it(eventually: Any) -> None:
    bus, now_s = MemoryBroker(), [0.0]

    async def slow(envelope: Envelope) -> None:
        now_s[0] += 20

    handler = Recorder(slow)
    await publish(bus, 1, 2, 3)
    async with consuming(bus, handler, options=ConsumerOptions(block_ms=5), clock_s=lambda: now_s[0]):
        # 20 s are more than half of claim_idle_ms: one event a batch, the others are claimed again.
        await eventually(lambda: len(handler.seen) == 3)
        await eventually(lambda: is_done(bus))
    assert sorted(handler.seen) == ["id-1", "id-2", "id-3"]
    assert await dead_letters(bus) == []


async def test_a_handler_that_hangs_is_cut_off(eventually: Any) -> None:
    bus = MemoryBroker()

    async def hang(envelope: Envelope) -> None:
        await grow_old(bus)
        await asyncio.Event().wait()

    await publish(bus, 1)
    async with consuming(bus, hang, options=ConsumerOptions(claim_every_ms=0, block_ms=1, claim_idle_ms=20)):
        [letter] = await eventually(lambda: dead_letters(bus))
    assert letter[b"dl_reason"].startswith(b"TimeoutError")


async def test_names_of_dead_consumers_go_when_nothing_is_pending(bus: Broker, eventually: Any) -> None:
    await bus.ensure_group(STREAM, GROUP)
    await publish(bus, 1, 2)
    await bus.read_group(STREAM, GROUP, "empty", 1)
    await bus.read_group(STREAM, GROUP, "holder", 1)
    first = (await bus.pending(STREAM, GROUP))[0]
    await bus.ack(STREAM, GROUP, [first.id])
    options = ConsumerOptions(
        claim_every_ms=0, block_ms=1, forget_consumers_idle_ms=0, claim_idle_ms=LONG_AGO_MS
    )
    handler = Recorder()
    async with consuming(bus, handler, options=options):
        await publish(bus, 3)
        await eventually(lambda: handler.seen)
    assert "empty" not in await bus.remove_idle_consumers(STREAM, GROUP, 0)
    assert [row.consumer for row in await bus.pending(STREAM, GROUP)] == ["holder"]


async def test_the_handler_runs_in_the_events_trace(eventually: Any) -> None:
    setup_telemetry("test", RuntimeSettings())
    bus, seen = MemoryBroker(), []
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    async def look(envelope: Envelope) -> None:
        seen.append(current_traceparent())

    await bus.publish(STREAM, Envelope(type="Tested", source="/test", traceparent=parent).to_fields())
    async with consuming(bus, look):
        await eventually(lambda: seen)
    assert seen[0].split("-")[1] == "0af7651916cd43dd8448eb211c80319c"
    assert seen[0] != parent
    assert not trace.get_current_span().get_span_context().is_valid


class FailsOften(MemoryBroker):
    """A bus that fails the first calls of each kind."""

    def __init__(self, errors: list[Exception]) -> None:
        super().__init__()
        self.errors = errors

    async def read_group(self, *args: Any, **more: Any) -> list[Delivery]:
        if self.errors:
            raise self.errors.pop(0)
        return await super().read_group(*args, **more)


async def test_no_error_of_the_bus_ends_the_loop(eventually: Any, log_lines: list[str]) -> None:
    bus = FailsOften(
        [BusUnavailable("away"), OSError("redis://user:pw@host is away"), BusUnavailable("away")]
    )
    handler = Recorder()
    await publish(bus, 1)
    async with consuming(bus, handler):
        await eventually(lambda: handler.seen == ["id-1"])
    text = "".join(log_lines)
    assert text.count("the bus fails") == 1
    assert "pw" not in text


async def test_a_dead_letter_that_cannot_be_written_is_not_acknowledged(eventually: Any) -> None:
    class NoGraveyard(MemoryBroker):
        refused = 0

        async def publish(self, stream: str, *args: Any, **more: Any) -> str:
            if stream.endswith(":dead") and self.refused < 2:
                self.refused += 1
                await grow_old(self)
                raise BusUnavailable("away")
            return await super().publish(stream, *args, **more)

    async def refuse(envelope: Envelope) -> None:
        raise InvalidInput("never")

    bus = NoGraveyard()
    await publish(bus, 1)
    async with consuming(bus, refuse):
        await eventually(lambda: dead_letters(bus))
        await eventually(lambda: is_done(bus))
    assert bus.refused == 2
    assert len(await dead_letters(bus)) == 1
