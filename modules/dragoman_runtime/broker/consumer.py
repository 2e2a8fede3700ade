"""The one consumer loop of the control streams.

Read new, handle, acknowledge; now and then claim what a dead consumer left. What fails for good, or three
times, goes to the dead-letter stream first and is acknowledged after, so that a death in between doubles it
and never loses it. A wiped Redis is met by creating the group again; no error of Redis ends the loop.

Delivery is at least once. The loop drops repeats of a ``ce_id`` that this process handled already (its
acknowledgement was lost); across processes handlers are idempotent by ``ce_id`` themselves.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from loguru import logger
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Histogram

from dragoman_contracts.envelope import Envelope
from dragoman_contracts.errors import DragomanError
from dragoman_contracts.streams import dead_letter_stream
from dragoman_runtime.broker.base import Broker, Delivery, GroupMissing
from dragoman_runtime.dead_letters import DEAD_LETTERS, dead_letter_fields
from dragoman_runtime.telemetry import messaging, span_from

Handler = Callable[[Envelope], Awaitable[None]]

EVENTS = Counter(
    "dragoman_bus_events_total",
    "Events taken from a control stream, by outcome: handled, repeated, failed, dead.",
    ["stream", "group", "outcome"],
)
CLAIMED = Counter(
    "dragoman_bus_claimed_total", "Entries taken over from consumers that went silent.", ["stream", "group"]
)
LOOP_ERRORS = Counter(
    "dragoman_bus_loop_errors_total", "Times a consumer loop met an error of the bus.", ["stream", "group"]
)
HANDLER_SECONDS = Histogram(
    "dragoman_bus_batch_seconds", "Seconds to handle one batch of events.", ["stream", "group"]
)


class StopSignal(Protocol):
    """What the loop needs of ``process.Drain``."""

    def is_set(self) -> bool:
        """Whether the end was asked for."""
        ...

    async def wait(self, timeout_s: float | None = None) -> bool:
        """Sleep that ends early when the end is asked for."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerOptions:
    """How the loop behaves; times in milliseconds.

    ``claim_idle_ms`` is both the pause before a failed event is tried again and the time after which a
    silent consumer counts as dead: a handler must be done well within it, so each has ``claim_idle_ms / 2``.
    """

    max_deliveries: int = 3
    count: int = 64
    block_ms: int = 500
    claim_idle_ms: int = 30_000
    claim_every_ms: int = 5_000
    forget_consumers_idle_ms: int = 3_600_000
    remember_ids: int = 10_000
    delete_after_ack: bool = False
    backoff_ms: int = 100
    backoff_max_ms: int = 2_000


class Consumer:
    """One member of a consumer group on one stream.

    Args:
        broker: The bus.
        stream: A control stream.
        group: The consumer group; created at the stream's beginning.
        consumer_name: Unique among the live members of the group.
        handler: Called for each event. A permanent ``DragomanError`` dead-letters the event at once, any
            other error leaves it for another delivery.
        max_deliveries: Deliveries after which an event that still fails is dead-lettered.
        options: Everything else.
        clock_s: Monotonic seconds; tests hand in one that they turn themselves.

    """

    def __init__(
        self,
        broker: Broker,
        stream: str,
        group: str,
        consumer_name: str,
        handler: Handler,
        *,
        max_deliveries: int | None = None,
        options: ConsumerOptions | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock_s = clock_s
        self._broker = broker
        self._stream = stream
        self._group = group
        self._name = consumer_name
        self._handler = handler
        self._options = options or ConsumerOptions()
        self._max_deliveries = max_deliveries or self._options.max_deliveries
        self._handled: OrderedDict[str, None] = OrderedDict()
        self._next_claim = 0.0
        self._log = logger.bind(stream=stream, group=group, consumer=consumer_name)
        # From 0 on: increase() does not see a series' first event.
        for outcome in ("handled", "repeated", "failed", "dead"):
            EVENTS.labels(stream, group, outcome)
        CLAIMED.labels(stream, group)
        LOOP_ERRORS.labels(stream, group)
        DEAD_LETTERS.labels(stream)

    async def run(self, drain: StopSignal) -> None:
        """Consume until the drain; returns when the handler under way is done. Raises nothing of the bus."""
        self._log.info("consumes")
        failures = 0
        has_group = False
        while not drain.is_set():
            try:
                if not has_group:
                    await self._broker.ensure_group(self._stream, self._group)
                    has_group = True
                await self._step(drain)
                failures = 0
            except GroupMissing:
                self._log.warning("the group is gone, as after a wiped Redis; it is created again")
                has_group = False
            except Exception as error:
                failures += 1
                LOOP_ERRORS.labels(self._stream, self._group).inc()
                self._tell(error, failures)
                await drain.wait(self._pause_s(failures))
        self._log.info("stopped")

    def _tell(self, error: Exception, failures: int) -> None:
        if failures == 1:
            reason = error.message if isinstance(error, DragomanError) else type(error).__name__
            self._log.warning("the bus fails, trying again: {}", reason)

    def _pause_s(self, failures: int) -> float:
        """Exponential with full jitter, so that the processes do not come back all at once."""
        longest = min(self._options.backoff_max_ms, self._options.backoff_ms << min(failures, 16))
        return longest * random.uniform(0.5, 1.0) / 1000

    async def _step(self, drain: StopSignal) -> None:
        if self._clock_s() >= self._next_claim:
            claimed = await self._claim()
            # A full batch means that more may wait: look again before sleeping.
            full = len(claimed) >= self._options.count
            self._next_claim = self._clock_s() + (0 if full else self._options.claim_every_ms / 1000)
            await self._handle_batch(claimed, drain)
            if drain.is_set() or full:
                return
        o = self._options
        fresh = await self._broker.read_group(self._stream, self._group, self._name, o.count, o.block_ms)
        await self._handle_batch(fresh, drain)

    async def _claim(self) -> list[Delivery]:
        o = self._options
        claimed = await self._broker.claim_stale(
            self._stream, self._group, self._name, o.claim_idle_ms, o.count
        )
        if claimed:
            CLAIMED.labels(self._stream, self._group).inc(len(claimed))
            self._log.info("claimed {} entries that were left pending", len(claimed))
        await self._broker.remove_idle_consumers(self._stream, self._group, o.forget_consumers_idle_ms)
        return claimed

    async def _handle_batch(self, batch: Sequence[Delivery], drain: StopSignal) -> None:
        if not batch:
            return
        started = self._clock_s()
        done: list[str] = []
        try:
            for place, delivery in enumerate(batch):
                # Past half the claim time others may soon take over what waits behind a slow handler.
                if drain.is_set() or self._clock_s() - started > self._options.claim_idle_ms / 2000:
                    await self._broker.release(
                        self._group, self._name, batch[place:], self._options.claim_idle_ms
                    )
                    return
                if await self._handle(delivery):
                    done.append(delivery.id)
        finally:
            HANDLER_SECONDS.labels(self._stream, self._group).observe(self._clock_s() - started)
            await self._broker.ack(self._stream, self._group, done, self._options.delete_after_ack)

    async def _handle(self, delivery: Delivery) -> bool:
        """Handle one event; whether it is to be acknowledged."""
        if delivery.times_delivered > self._max_deliveries:
            # It never came back with an error: its handler took the process down with it.
            await self._bury(
                delivery, "delivered too often without an outcome: its handler ended the process"
            )
            return True
        try:
            envelope = Envelope.from_fields(delivery.fields)
            if envelope.id in self._handled:
                self._count("repeated")
                return True
            await self._call_handler(envelope)
        except Exception as error:
            return await self._failed(delivery, error)
        self._remember(envelope.id)
        self._count("handled")
        return True

    async def _call_handler(self, envelope: Envelope) -> None:
        async with asyncio.timeout(self._options.claim_idle_ms / 2000):
            if not envelope.traceparent:
                await self._handler(envelope)
                return
            attributes = messaging("process", self._stream, message_id=envelope.id) | {
                "messaging.consumer.group.name": self._group,
                "cloudevents.event_type": envelope.type,
            }
            with span_from(
                envelope.traceparent, f"process {self._stream}", kind=SpanKind.CONSUMER, attributes=attributes
            ):
                await self._handler(envelope)

    async def _failed(self, delivery: Delivery, error: Exception) -> bool:
        permanent = isinstance(error, DragomanError) and error.permanent
        if permanent or delivery.times_delivered >= self._max_deliveries:
            await self._bury(delivery, describe(error))
            return True
        self._count("failed")
        self._log.bind(entry=delivery.id, delivery=delivery.times_delivered).warning(
            "an event failed and is tried again: {}", describe(error)
        )
        return False

    async def _bury(self, delivery: Delivery, reason: str) -> None:
        """Append to the dead-letter stream; the caller acknowledges after."""
        grave = dead_letter_stream(self._stream)
        await self._broker.publish(
            grave,
            dead_letter_fields(
                delivery.fields,
                reason=reason,
                entry_id=delivery.id,
                group=self._group,
                consumer=self._name,
                deliveries=delivery.times_delivered,
            ),
        )
        DEAD_LETTERS.labels(self._stream).inc()
        self._count("dead")
        self._log.bind(entry=delivery.id, dead_letter=grave).error("an event is dead-lettered: {}", reason)

    def _remember(self, event_id: str) -> None:
        self._handled[event_id] = None
        if len(self._handled) > self._options.remember_ids:
            self._handled.popitem(last=False)

    def _count(self, outcome: str) -> None:
        EVENTS.labels(self._stream, self._group, outcome).inc()


def describe(error: Exception) -> str:
    """Why an event failed, without its content: a foreign error's text may quote what it choked on."""
    if isinstance(error, DragomanError):
        return f"{error.code}: {error.message}"
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f" at {place.tb_frame.f_code.co_name}:{place.tb_lineno}" if place else ""
    return f"{type(error).__name__}{where}"
