"""What one speaker has sent and Redis has not stored yet. Pure: no I/O, no clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from dragoman_contracts.streams import AudioField, AudioKind

MAX_ENTRY_BYTES = 65_536
"""Frames that wait together travel as one entry of up to this size."""


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One entry of the audio stream; ``total_bytes`` counts the session's audio up to its end,
    ``traceparent`` is set where its way is traced."""

    seq: int
    kind: bytes
    data: bytes
    total_bytes: int
    traceparent: str = ""

    def fields(self) -> dict[bytes, bytes]:
        """The stream fields."""
        fields = {
            AudioField.KIND: self.kind,
            AudioField.DATA: self.data,
            AudioField.BYTES_TOTAL: b"%d" % self.total_bytes,
        }
        if self.traceparent:
            fields[AudioField.TRACE] = self.traceparent.encode()
        return fields


class Outbox:
    """Frames in order; ``take`` numbers them from ``first_seq`` on.

    A frame that finds the bus free travels alone. Frames that had to wait are joined, so that catching up
    after an outage, or an upload faster than real time, costs one entry for many frames.
    """

    def __init__(self, *, first_seq: int, total_bytes: int) -> None:
        self._waiting: deque[tuple[bytes, bytes]] = deque()
        self._next_seq = first_seq
        self._taken_total = total_bytes
        self.accepted_bytes = total_bytes
        """Bytes of audio of the session, with all that waits here."""
        self.waiting_bytes = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add_audio(self, data: bytes) -> None:
        """A binary frame."""
        self._waiting.append((AudioKind.FRAME, data))
        self.waiting_bytes += len(data)
        self.accepted_bytes += len(data)

    def add_mark(self, kind: bytes, data: bytes = b"") -> None:
        """A flush or the end, at its place between the frames."""
        self._waiting.append((kind, data))

    def take(self) -> OutboxEntry:
        """The next entry; the caller sends it, again if need be, before it takes another."""
        kind, data = self._waiting.popleft()
        if kind == AudioKind.FRAME:
            data = self._join(data)
            self.waiting_bytes -= len(data)
            self._taken_total += len(data)
        entry = OutboxEntry(self._next_seq, kind, data, self._taken_total)
        self._next_seq += 1
        return entry

    def _join(self, first: bytes) -> bytes:
        waiting = self._waiting
        if not waiting or waiting[0][0] != AudioKind.FRAME:
            return first
        parts, size = [first], len(first)
        while waiting and waiting[0][0] == AudioKind.FRAME and size + len(waiting[0][1]) <= MAX_ENTRY_BYTES:
            part = waiting.popleft()[1]
            parts.append(part)
            size += len(part)
        return b"".join(parts)
