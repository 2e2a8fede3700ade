"""Tells on ``stream:config-sync`` what happens to the configuration."""

from __future__ import annotations

import uuid

import msgspec

from dragoman_contracts.events import Event, to_envelope
from dragoman_contracts.streams import CONFIG_SYNC
from dragoman_runtime.broker.base import Broker
from dragoman_runtime.telemetry import current_traceparent

_NAMESPACE = uuid.UUID("7f6f2f4e-4a52-5d86-9d0d-3d5a0a6a3f11")
"""Of the ids of events that may be told twice."""


class Announcer:
    """Publishes events of one process.

    Args:
        broker: the bus.
        source: URI reference of the process, as ``/dragoman/config``.

    """

    def __init__(self, broker: Broker, source: str) -> None:
        self._broker = broker
        self._source = source

    async def tell(self, event: Event, *, subject: str = "", key: str = "") -> None:
        """Publish; events of one type with one ``key`` have one id, so that readers see a repeat.

        Raises:
            BusUnavailable: Redis is away.

        """
        envelope = to_envelope(
            event, source=self._source, subject=subject, traceparent=current_traceparent() or ""
        )
        if key:
            repeatable = uuid.uuid5(_NAMESPACE, f"{envelope.type}:{key}").hex
            envelope = msgspec.structs.replace(envelope, id=repeatable)
        await self._broker.publish(CONFIG_SYNC, envelope.to_fields())
