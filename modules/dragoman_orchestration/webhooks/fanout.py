"""From an event to one delivery for each endpoint that wants it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

from loguru import logger
from prometheus_client import Counter

from dragoman_contracts.envelope import Envelope
from dragoman_orchestration.webhooks.cloudevents import structured
from dragoman_orchestration.webhooks.model import TYPES, Endpoint
from dragoman_orchestration.webhooks.store import WebhookStore

OFFERED = Counter(
    "dragoman_webhook_deliveries_total",
    "Deliveries by what became of the offer: made, known (the event came again), disabled, full.",
    ["type", "outcome"],
)


def unix_ms() -> int:
    """Unix time in ms."""
    return time.time_ns() // 1_000_000


class Fanout:
    """Makes deliveries. Safe to call again with the same event: there is one delivery an endpoint."""

    def __init__(self, store: WebhookStore, *, clock_ms: Callable[[], int] = unix_ms) -> None:
        self._store = store
        self._clock_ms = clock_ms
        self._known: list[Endpoint] = []
        self._version = -1

    async def offer(self, envelope: Envelope, owner_key: str | None) -> int:
        """Deliver an event to the endpoints that want it; how many deliveries were made.

        Args:
            envelope: its type must be one of ``TYPES``; of others nothing is made.
            owner_key: name of the API key whose endpoints get it; None: all that want it.

        Raises:
            BusUnavailable: Redis is away; offer it again.
            EnvelopeInvalid: it cannot be told.

        """
        event_type = TYPES.get(envelope.type)
        if event_type is None:
            return 0
        wanting = [
            endpoint
            for endpoint in await self._endpoints()
            if endpoint.enabled
            and owner_key in {None, endpoint.owner_key}
            and endpoint.wants(event_type)
            and not _is_older(envelope.time, endpoint.created_ms)
        ]
        if not wanting:
            return 0
        body = structured(envelope)
        made = await asyncio.gather(*(self.deliver(envelope.id, event_type, body, one) for one in wanting))
        return sum(made)

    async def deliver(self, event_id: str, event_type: str, body: bytes, endpoint: Endpoint) -> bool:
        """Make the one delivery of an event to this endpoint, whatever its filters; whether it was made."""
        outcome = await self._store.offer(
            endpoint, event_id=event_id, event_type=event_type, body=body, now_ms=self._clock_ms()
        )
        OFFERED.labels(event_type, outcome).inc()
        if outcome == "full":
            logger.bind(webhook=endpoint.id).warning("too many deliveries wait: {} is dropped", event_type)
        return outcome == "made"

    async def _endpoints(self) -> list[Endpoint]:
        version = await self._store.version()
        if version != self._version:
            # The number is of before: a change in between is read again.
            self._known, self._version = await self._store.endpoints(), version
        return self._known


def _is_older(time_text: str, than_ms: int) -> bool:
    """Whether an event is of before the endpoint: who comes late gets no history."""
    try:
        return datetime.fromisoformat(time_text).timestamp() * 1000 < than_ms
    except (ValueError, OverflowError):
        return False
