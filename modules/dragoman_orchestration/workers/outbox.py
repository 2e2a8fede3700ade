"""What follows from a final: its copy on ``stream:audio-results`` for archive, metrics and webhooks.

A final is written to the session's outbox in the same fenced step as to its results, and cleared when its
copy is out. A worker's death in between leaves it there; the successor delivers it. So readers of
``stream:audio-results`` see each final at least once and tell repeats by (session, segment, revision).
"""

from __future__ import annotations

import msgspec
from loguru import logger

from dragoman_contracts.errors import DragomanError
from dragoman_contracts.events import AudioSessionEnded, Event, TranscriptionCompleted, to_envelope
from dragoman_contracts.streams import AUDIO_RESULTS
from dragoman_contracts.websocket import Ledger, TranscriptFinal
from dragoman_runtime.broker.publisher import TickPublisher
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.broker.wire import raise_first
from dragoman_runtime.session_lease import SessionLease

SOURCE = "/audio-worker"
RETRY_FOR_S = 0.5
"""How long a delivery holds its session up: of a cluster, another master than the session's may be away."""


class Outbox:
    """Delivers what the leases' outboxes hold."""

    def __init__(self, broker: RedisBroker) -> None:
        self._broker = broker
        self._publisher = TickPublisher(broker, retry_for_s=RETRY_FOR_S)
        self._waits = False

    async def deliver(self, lease: SessionLease) -> None:
        """Publish and clear what waits; what cannot be delivered now stays for the next time."""
        for offset, data in sorted(lease.outbox.items()):
            try:
                await self._publish(lease, _completed(lease.session_id, data))
                raise_first(await self._broker.exchange([("HDEL", lease.keys.outbox, offset)]))
            except DragomanError as error:
                if not self._waits:
                    logger.warning("session {}: the outbox waits: {}", lease.session_id, error.message)
                self._waits = True
                return
            self._waits = False
            del lease.outbox[offset]

    async def session_ended(self, lease: SessionLease, reason: str, ledger: Ledger) -> None:
        """Tell that the session ended."""
        await self._publish(
            lease, AudioSessionEnded(session_id=lease.session_id, reason=reason, ledger=ledger)
        )

    async def _publish(self, lease: SessionLease, event: Event) -> None:
        envelope = to_envelope(event, source=SOURCE, subject=lease.session_id, traceparent=lease.traceparent)
        await self._publisher.publish(AUDIO_RESULTS, envelope.to_fields())


def _completed(session_id: str, data: bytes) -> TranscriptionCompleted:
    final = msgspec.json.decode(data, type=TranscriptFinal)
    return TranscriptionCompleted(
        session_id=session_id,
        segment_id=final.segment_id,
        revision=final.revision,
        text=final.text,
        start_ms=final.start_ms,
        end_ms=final.end_ms,
        language=final.language,
        confidence=final.confidence,
        words=final.words,
    )
