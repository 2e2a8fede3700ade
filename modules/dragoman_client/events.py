"""The queue between the socket and whoever reads the events: ordered, without repetitions."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque

import msgspec

from dragoman_contracts.websocket import (
    AudioAck,
    ServerMessages,
    SessionPresence,
    SessionSnapshot,
    StreamPosition,
    TranscriptFinal,
    TranscriptPartial,
)

COLLAPSE_ABOVE = 256
"""From this length on, partials, acknowledgements and presence that a later one supersedes are left out."""
FINALS_KNOWN = 1024
"""Finals that are told apart from repetitions: more than a snapshot holds, or a killed Redis loses."""


class EventQueue:
    """Events in order, each position and each final once.

    After a reconnect the server may send again what was seen before; positions tell. Where it lost history,
    positions count anew, and the same final may come again, as an event or in a snapshot; its segment and
    text tell. A reader that falls behind loses what later events supersede, never a final.
    """

    def __init__(self) -> None:
        self.position: StreamPosition | None = None
        self._finals: OrderedDict[tuple[str, int, int, str], None] = OrderedDict()
        self._events: deque[ServerMessages] = deque()
        self._arrived = asyncio.Event()
        self._failure: BaseException | None = None
        self._closed = False
        self._collapse_above = COLLAPSE_ABOVE

    def is_new(self, event: ServerMessages) -> bool:
        """Whether an event was not seen before; notes it. Events without a position are always new."""
        position = event.position
        if position is not msgspec.UNSET:
            seen = self.position
            if seen is not None and position.epoch == seen.epoch and position.offset <= seen.offset:
                return False
            self.position = position
        return not isinstance(event, TranscriptFinal) or self._is_new_final(event)

    def note(self, snapshot: SessionSnapshot) -> list[TranscriptFinal]:
        """Go on after a snapshot; those of its finals that were not seen before."""
        finals = [msgspec.convert(final, TranscriptFinal) for final in snapshot.finals]
        if snapshot.position is not msgspec.UNSET:
            self.position = snapshot.position
        elif not snapshot.recovered:
            self.position = None
        return [final for final in finals if self._is_new_final(final)]

    def _is_new_final(self, final: TranscriptFinal) -> bool:
        key = (final.segment_id, final.start_ms, final.end_ms, final.text)
        if key in self._finals:
            return False
        self._finals[key] = None
        while len(self._finals) > FINALS_KNOWN:
            self._finals.popitem(last=False)
        return True

    def put(self, event: ServerMessages) -> None:
        """Add an event, unless its position was seen."""
        if self.is_new(event):
            self._add(event)

    def put_snapshot(self, snapshot: SessionSnapshot) -> None:
        """Add what a snapshot tells that was not seen before, as the events that it stands for.

        The snapshot itself is added, without them, where it cannot tell all that was missed.
        """
        for final in self.note(snapshot):
            self._add(final)
        if not snapshot.recovered or snapshot.truncated:
            self._add(msgspec.structs.replace(snapshot, finals=[], partial=None))
        if snapshot.partial is not None:
            self._add(msgspec.convert(snapshot.partial, TranscriptPartial))

    def _add(self, event: ServerMessages) -> None:
        self._events.append(event)
        self._arrived.set()
        if len(self._events) > self._collapse_above:
            self._collapse()
            # Looked at again when it has doubled: what is left must all be told.
            self._collapse_above = max(COLLAPSE_ABOVE, 2 * len(self._events))

    def _collapse(self) -> None:
        """Leave out what a later event makes worthless."""
        seen: set[str] = set()
        kept: deque[ServerMessages] = deque()
        for event in reversed(self._events):
            key = _superseded_by(event)
            if key not in seen:
                kept.appendleft(event)
            if isinstance(event, TranscriptFinal):
                seen.add(f"partial of {event.segment_id}")
            elif key:
                seen.add(key)
        self._events = kept

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
            self._collapse_above = COLLAPSE_ABOVE
            self._arrived.clear()
            await self._arrived.wait()
        return self._events.popleft()


def _superseded_by(event: ServerMessages) -> str:
    """What a later event must be to make this one worthless; empty for what must be told."""
    if isinstance(event, TranscriptPartial):
        return f"partial of {event.segment_id}"
    return str(event.__struct_config__.tag) if isinstance(event, AudioAck | SessionPresence) else ""
