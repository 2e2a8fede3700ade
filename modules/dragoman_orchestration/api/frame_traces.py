"""The traced frames of one speaker, from its socket until Redis has them."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from opentelemetry.trace import Span, SpanKind

from dragoman_contracts.streams import AUDIO_TEMPLATE
from dragoman_orchestration.api.outbox import OutboxEntry
from dragoman_runtime.telemetry import (
    begin_chosen,
    context_of,
    current_traceparent,
    fail,
    messaging,
    traceparent_of,
    tracer,
)


class FrameTraces:
    """Each frame that is chosen begins a trace of its own, linked to the span of its connection.

    False while nothing of it is under way: then a frame costs one look at it. Frames that travel as one entry
    share what comes after: the first one's trace goes on, the others are linked to it.
    """

    def __init__(self, session_id: str, stream: str) -> None:
        self._session_id = session_id
        self._stream = stream
        self._taken: deque[tuple[int, Span]] = deque()
        self._sending: list[Span] = []

    def __bool__(self) -> bool:
        return bool(self._taken or self._sending)

    def take(self, size: int, end_bytes: int) -> None:
        """A frame of ``size`` bytes was accepted; the session's audio has ``end_bytes`` with it."""
        span = begin_chosen(
            "receive audio frame",
            kind=SpanKind.SERVER,
            links=[current_traceparent()],
            attributes={"session.id": self._session_id, "messaging.message.body.size": size},
        )
        self._taken.append((end_bytes, span))

    def send(self, entry: OutboxEntry, entry_id: str) -> OutboxEntry:
        """The entry is to be stored: it carries the trace of its first traced frame."""
        frames = []
        while self._taken and self._taken[0][0] <= entry.total_bytes:
            frames.append(self._taken.popleft()[1])
        if not frames:
            return entry
        first = traceparent_of(frames[0])
        attributes = messaging("send", self._stream, template=AUDIO_TEMPLATE, message_id=entry_id)
        send = tracer().start_span(
            f"send {AUDIO_TEMPLATE}",
            context=context_of(first),
            kind=SpanKind.PRODUCER,
            attributes={**attributes, "session.id": self._session_id},
        )
        for other in frames[1:]:
            send.add_link(other.get_span_context())
        self._sending = [send, *frames]
        return replace(entry, traceparent=traceparent_of(send))

    def sent(self, *, stored: bool) -> None:
        """The entry is stored, or never will be by this connection."""
        for span in self._sending:
            if not stored:
                fail(span, "not_stored")
            span.end()
        self._sending = []

    def close(self) -> None:
        """The connection is over."""
        for _, span in self._taken:
            fail(span, "not_stored")
            span.end()
        self._taken.clear()
        self.sent(stored=False)
