"""The last part of a traced way: from the results stream into the viewers' sockets."""

from __future__ import annotations

import time

from opentelemetry.trace import SpanKind

from dragoman_contracts.streams import RESULTS_TEMPLATE, ResultField
from dragoman_orchestration.results.feed import Feed
from dragoman_orchestration.results.history import offset_of
from dragoman_orchestration.results.mailbox import Item
from dragoman_runtime.broker.base import Entry
from dragoman_runtime.telemetry import context_of, messaging, span_from, traceparent_of, tracer

SOCKETS_TRACED = 8
"""Of one message; thousands may watch a session."""


def deliver_traced(feed: Feed, entry: Entry, item: Item, language: str) -> int:
    """As ``Feed.deliver``, with a span for it and one for each of the first sockets it is written to."""
    attributes = messaging("process", feed.stream, template=RESULTS_TEMPLATE, message_id=entry.id)
    attributes |= {
        "session.id": feed.session_id,
        "dragoman.message.type": entry.fields[ResultField.TYPE].decode("ascii", "replace"),
    }
    parent = entry.fields[ResultField.TRACE].decode("ascii", "replace")
    with span_from(
        parent, f"process {RESULTS_TEMPLATE}", kind=SpanKind.CONSUMER, attributes=attributes
    ) as span:
        traced = item._replace(written=_Written(traceparent_of(span), feed.session_id))
        count = feed.deliver(offset_of(entry.id), traced, language)
        span.set_attribute("dragoman.sockets", count)
        return count


class _Written:
    """Notes that a socket took the message: a span from its delivery until now."""

    def __init__(self, parent: str, session_id: str) -> None:
        self._parent = parent
        self._session_id = session_id
        self._since_ns = time.time_ns()
        self._left = SOCKETS_TRACED

    def __call__(self) -> None:
        if not self._left:
            return
        self._left -= 1
        span = tracer().start_span(
            "write to socket",
            context=context_of(self._parent),
            kind=SpanKind.PRODUCER,
            attributes={"session.id": self._session_id, "network.protocol.name": "websocket"},
            start_time=self._since_ns,
        )
        span.end()
