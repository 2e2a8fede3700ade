"""The queue between the socket and whoever reads the events: ordered, without repetitions."""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec

from dragoman_contracts.websocket import ServerMessages, StreamPosition, TranscriptPartial

COLLAPSE_ABOVE = 256
"""From this length on, a partial replaces the one before of the same segment."""


class EventQueue:
    """Events in order, each position once.

    After a reconnect the server may send again what was seen before; positions tell. A reader that falls
    behind loses superseded partials, never a final.
    """

    def __init__(self) -> None:
        self.position: StreamPosition | None = None
        self._events: deque[ServerMessages] = deque()
        self._arrived = asyncio.Event()
        self._failure: BaseException | None = None
        self._closed = False

    def is_new(self, event: ServerMessages) -> bool:
        """Whether an event's position was not seen before; notes it. Events without one are always new."""
        position = event.position
        if position is not msgspec.UNSET:
            seen = self.position
            if seen is not None and position.epoch == seen.epoch and position.offset <= seen.offset:
                return False
            self.position = position
        return True

    def put(self, event: ServerMessages) -> None:
        """Add an event, unless its position was seen."""
        if not self.is_new(event):
            return
        if isinstance(event, TranscriptPartial) and len(self._events) > COLLAPSE_ABOVE:
            last = self._events[-1]
            if isinstance(last, TranscriptPartial) and last.segment_id == event.segment_id:
                self._events.pop()
        self._events.append(event)
        self._arrived.set()

    def close(self, failure: BaseException | None = None) -> None:
        """No more events; ``failure`` is raised to the reader after the last one."""
        if not self._closed:
            self._closed = True
            self._failure = failure
            self._arrived.set()

    async def get(self) -> ServerMessages | None:
        """The next event; None after the last one.

        Raises:
            DragomanError: why the connection ended for good.

        """
        while not self._events:
            if self._closed:
                if self._failure is not None:
                    raise self._failure
                return None
            self._arrived.clear()
            await self._arrived.wait()
        return self._events.popleft()
