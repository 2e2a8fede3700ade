"""The queue between the socket and whoever reads the events: ordered, without repetitions."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterable
from typing import Any

import msgspec

from dragoman_contracts.websocket import (
    AudioAck,
    ServerMessages,
    SessionPresence,
    SessionSnapshot,
    SessionTargets,
    StreamPosition,
    TranscriptFinal,
    TranscriptPartial,
    TranslationFailedMessage,
    TranslationFinal,
    TranslationPartial,
)

COLLAPSE_ABOVE = 256
"""From this length on, partials, acknowledgements and presence that a later one supersedes are left out."""
FINALS_KNOWN = 1024
"""Finals that are told apart from repetitions: more than a snapshot holds, or a killed Redis loses."""
TRANSLATIONS_KNOWN = 8 * FINALS_KNOWN
"""As many translations: there are up to 20 of each final."""


class EventQueue:
    """Events in order, each position and each final once.

    After a reconnect the server may send again what was seen before; positions tell. Where it lost history,
    positions count anew, and the same final or translation may come again, as an event or in a snapshot; its
    segment and text tell. A reader that falls behind loses what later events supersede, never a final.
    """

    def __init__(self) -> None:
        self.position: StreamPosition | None = None
        self._finals: OrderedDict[Hashable, None] = OrderedDict()
        self._translations: OrderedDict[Hashable, None] = OrderedDict()
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
        return self._is_new_text(event)

    def note(self, snapshot: SessionSnapshot) -> list[ServerMessages]:
        """Go on after a snapshot; those of its finals and translations that were not seen before."""
        told: list[ServerMessages] = [*_known(snapshot.finals, TranscriptFinal)]
        told += _known(
            snapshot.translations, TranslationPartial | TranslationFinal | TranslationFailedMessage
        )
        if snapshot.position is not msgspec.UNSET:
            self.position = snapshot.position
        elif not snapshot.recovered:
            self.position = None
        return [event for event in told if self._is_new_text(event)]

    def _is_new_text(self, event: ServerMessages) -> bool:
        """Whether a final text was not seen before; all else is new."""
        if isinstance(event, TranscriptFinal):
            return _note(
                self._finals, (event.segment_id, event.start_ms, event.end_ms, event.text), FINALS_KNOWN
            )
        if isinstance(event, TranslationFinal):
            key = (event.target_language, event.segment_id, event.start_ms, event.end_ms, event.text)
            return _note(self._translations, key, TRANSLATIONS_KNOWN)
        return True

    def put(self, event: ServerMessages) -> None:
        """Add an event, unless its position was seen."""
        if self.is_new(event):
            self._add(event)

    def put_snapshot(self, snapshot: SessionSnapshot) -> None:
        """Add what a snapshot tells that was not seen before, as the events that it stands for.

        The snapshot itself is added, without them, where it cannot tell all that was missed.
        """
        for event in self.note(snapshot):
            self._add(event)
        if not snapshot.recovered or snapshot.truncated:
            self._add(msgspec.structs.replace(snapshot, finals=[], partial=None, translations=[]))
        for partial in _known([snapshot.partial or {}], TranscriptPartial):
            self._add(partial)

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
            elif isinstance(event, TranslationFinal):
                seen.add(f"draft of {event.segment_id} into {event.target_language}")
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
    if isinstance(event, TranslationPartial):
        return f"draft of {event.segment_id} into {event.target_language}"
    is_state = isinstance(event, AudioAck | SessionPresence | SessionTargets)
    return str(event.__struct_config__.tag) if is_state else ""


def _note(book: OrderedDict[Hashable, None], key: Hashable, limit: int) -> bool:
    """Write a key down; whether it was not there."""
    if key in book:
        return False
    book[key] = None
    while len(book) > limit:
        book.popitem(last=False)
    return True


def _known(events: Iterable[dict[str, Any]], kind: Any) -> list[Any]:
    """Those events of a snapshot that this client knows; a later server may have others."""
    found = []
    for event in events:
        with contextlib.suppress(msgspec.ValidationError):
            found.append(msgspec.convert(event, kind))
    return found
