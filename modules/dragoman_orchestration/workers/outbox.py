"""What follows from a final or a translation: its copy on ``stream:audio-results`` for archive, metrics,
webhooks.

Both are written to the session's outbox in the same fenced step as to its results. A final is cleared when
its copy is out and it is translated into all languages of its session; a worker's death in between leaves it
there, and the successor does what is missing. So readers of ``stream:audio-results`` see each at least once
and tell repeats by (session, segment, revision, language).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from loguru import logger

from dragoman_contracts.errors import DragomanError
from dragoman_contracts.events import (
    AudioSessionEnded,
    Event,
    TranscriptionCompleted,
    TranslationCompleted,
    to_envelope,
)
from dragoman_contracts.streams import AUDIO_RESULTS
from dragoman_contracts.websocket import Ledger, TranscriptFinal, TranslationFinal
from dragoman_runtime.broker.publisher import TickPublisher
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.session_lease import SessionLease

SOURCE = "/audio-worker"
RETRY_FOR_S = 0.5
"""How long a delivery holds its session up: of a cluster, another master than the session's may be away."""

Kept = TranscriptFinal | TranslationFinal
"""What is recorded in an outbox."""
_decoder: msgspec.json.Decoder[Kept] = msgspec.json.Decoder(Kept)


def decode_kept(data: bytes) -> Kept:
    """The message that an outbox holds."""
    return _decoder.decode(data)


class Outbox:
    """Delivers what the leases' outboxes hold."""

    def __init__(self, broker: RedisBroker) -> None:
        self._broker = broker
        self._publisher = TickPublisher(broker, retry_for_s=RETRY_FOR_S)
        self._waits = False

    async def deliver(
        self, lease: SessionLease, copied: set[int], is_settled: Callable[[int], bool] = lambda _: True
    ) -> None:
        """Publish what waits and clear what is done with; what cannot be delivered now stays for the next
        time.

        Args:
            lease: the session.
            copied: offsets whose copy is out; grows and shrinks here.
            is_settled: whether nothing else is to follow from what is under an offset.

        """
        try:
            await self._copy(
                lease, [offset for offset in sorted(lease.outbox) if offset not in copied], copied
            )
            done = [offset for offset in sorted(lease.outbox) if is_settled(offset)]
            if done:
                await self._broker.ask([("HDEL", lease.keys.outbox, *done)])
        except DragomanError as error:
            if not self._waits:
                logger.bind(session_id=lease.session_id).warning(
                    "session {}: the outbox waits: {}", lease.session_id, error.message
                )
            self._waits = True
            return
        self._waits = False
        for offset in done:
            del lease.outbox[offset]
        copied.difference_update(done)

    async def session_ended(self, lease: SessionLease, reason: str, ledger: Ledger) -> None:
        """Tell that the session ended."""
        await self._publish(
            lease, AudioSessionEnded(session_id=lease.session_id, reason=reason, ledger=ledger)
        )

    async def _copy(self, lease: SessionLease, offsets: list[int], copied: set[int]) -> None:
        # All at once: they go out in one pipeline, in their order.
        outcomes = await asyncio.gather(
            *(self._publish(lease, _copy_of(lease.session_id, lease.outbox[offset])) for offset in offsets),
            return_exceptions=True,
        )
        for offset, outcome in zip(offsets, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                raise outcome
            copied.add(offset)

    async def _publish(self, lease: SessionLease, event: Event) -> None:
        envelope = to_envelope(event, source=SOURCE, subject=lease.session_id, traceparent=lease.traceparent)
        await self._publisher.publish(AUDIO_RESULTS, envelope.to_fields())


def _copy_of(session_id: str, data: bytes) -> Event:
    kept = decode_kept(data)
    if isinstance(kept, TranslationFinal):
        return TranslationCompleted(
            session_id=session_id,
            segment_id=kept.segment_id,
            revision=kept.revision,
            target_language=kept.target_language,
            source_language=kept.source_language,
            text=kept.text,
            start_ms=kept.start_ms,
            end_ms=kept.end_ms,
            engine=kept.engine,
        )
    return TranscriptionCompleted(
        session_id=session_id,
        segment_id=kept.segment_id,
        revision=kept.revision,
        text=kept.text,
        start_ms=kept.start_ms,
        end_ms=kept.end_ms,
        language=kept.language,
        confidence=kept.confidence,
        words=kept.words,
    )
