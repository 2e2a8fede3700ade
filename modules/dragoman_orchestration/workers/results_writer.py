"""What a session tells: collected between two steps, written in one fenced step, what follows delivered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from dragoman_contracts.errors import BusUnavailable
from dragoman_contracts.websocket import ServerMessage, TranscriptFinal, TranscriptPartial
from dragoman_orchestration.workers import metrics
from dragoman_orchestration.workers.heard_at import HeardAt
from dragoman_orchestration.workers.interpreter import Interpreter
from dragoman_orchestration.workers.outbox import Outbox
from dragoman_orchestration.workers.result_step import (
    collapse,
    drafts_after,
    is_draft,
    replaced,
    result_event,
)
from dragoman_orchestration.workers.traces import SessionTraces
from dragoman_runtime.resilience import Backoff
from dragoman_runtime.session_lease import ResultBatch, SessionLease, SessionLeases

RETRY_CAP_S = 0.5
"""Longest pause between two tries of a publish: Redis' return shall not be waited for in vain."""

MakeBatch = Callable[[Sequence[ServerMessage], Mapping[str, int]], ResultBatch]
"""From the messages of a step and the drafts that it leaves standing: what else the step writes."""


class ResultsWriter:
    """Writes one session's results under its lease; at most one step is under way.

    Args:
        lease: the session.
        leases: for the fenced publish.
        outbox: delivers what follows from finals and translations.
        drafts: of an owner before, the offset of the draft that stands in each place.
        traces: which messages' ways are traced.
        heard: when their audio was heard.

    """

    def __init__(
        self,
        lease: SessionLease,
        leases: SessionLeases,
        outbox: Outbox,
        drafts: Mapping[str, int],
        *,
        traces: SessionTraces,
        heard: HeardAt,
    ) -> None:
        self._lease = lease
        self._leases = leases
        self._outbox = outbox
        self._traces = traces
        self._heard = heard
        self._drafts = dict(drafts)
        self._copied: set[int] = set()
        self._waiting: list[ServerMessage] = []

    @property
    def has_news(self) -> bool:
        """Whether messages wait for the next step."""
        return bool(self._waiting)

    def tell(self, messages: Sequence[ServerMessage]) -> None:
        """Take messages for the next step."""
        self._waiting.extend(messages)

    async def step(self, make_batch: MakeBatch, interpreter: Interpreter) -> None:
        """One fenced step with all that waits; repeated unchanged until Redis has it.

        Raises:
            Fenced: another worker owns the session.

        """
        messages, self._waiting = collapse(self._waiting), []
        gone = replaced(self._drafts, messages)
        standing = {place: offset for place, offset in self._drafts.items() if place not in gone}
        with self._traces.sending(messages) as parents:
            batch = replace(
                make_batch(messages, standing),
                events=[result_event(*one) for one in zip(messages, parents, strict=True)],
                superseded=[self._drafts[place] for place in gone],
            )
            first = await self._publish(batch) - len(messages) + 1
        self._drafts = drafts_after(self._drafts, messages, first)
        for offset, (message, event) in enumerate(zip(messages, batch.events, strict=True), start=first):
            if event.to_outbox:
                self._lease.outbox[offset] = event.data
            if isinstance(message, TranscriptFinal):
                interpreter.final(offset, message)
            if isinstance(message, TranscriptFinal | TranscriptPartial):
                self._count(message)

    def _count(self, caption: TranscriptFinal | TranscriptPartial) -> None:
        late_s = self._heard.since_s(caption.end_ms, time.monotonic())
        metrics.CAPTIONS.labels("partial" if is_draft(caption) else "final").inc()
        if late_s is not None:
            lateness = metrics.PARTIAL_SECONDS if is_draft(caption) else metrics.FINAL_SECONDS
            lateness.observe(late_s)

    async def deliver(self, interpreter: Interpreter) -> bool:
        """Deliver what the outbox holds and clear what is done with; whether nothing of it is left."""
        if self._lease.outbox:
            before = set(self._lease.outbox)
            await self._outbox.deliver(self._lease, self._copied, interpreter.is_settled)
            interpreter.forget(before - self._lease.outbox.keys())
        return not self._lease.outbox

    async def _publish(self, batch: ResultBatch) -> int:
        backoff = Backoff(cap_s=RETRY_CAP_S)
        while True:
            try:
                return await self._leases.publish(self._lease, batch)
            except BusUnavailable:
                metrics.PUBLISH_RETRIES.inc()
                await asyncio.sleep(backoff.next_s())
