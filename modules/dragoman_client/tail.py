"""The audio that may have to be sent again, and what is to be sent next. Pure: no I/O, no clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from dragoman_client.errors import ResumeImpossible
from dragoman_contracts.websocket import ClientMessage


@dataclass(slots=True)
class AudioTail:
    """Keeps what the server has not stored yet, plus ``keep_bytes`` of what it has.

    All positions are bytes since the session's first byte. The margin is for a server that lost its last
    moments (Redis with ``appendfsync everysec``) and asks for audio that it had acknowledged before.
    ``frame_bytes_max`` bounds a piece given to the socket; pieces end on whole samples of ``align_bytes``.
    """

    keep_bytes: int
    frame_bytes_max: int = 32_768
    align_bytes: int = 1
    end: int = field(default=0, init=False)
    """Bytes given so far."""
    acknowledged: int = field(default=0, init=False)
    """Bytes that the server has stored."""
    _start: int = field(default=0, init=False)
    _kept: deque[bytes] = field(default_factory=deque, init=False)
    _controls: deque[tuple[int, ClientMessage]] = field(default_factory=deque, init=False)
    _queue: deque[bytes | ClientMessage] = field(default_factory=deque, init=False)

    @property
    def oldest(self) -> int:
        """The first byte that can still be sent."""
        return self._start

    @property
    def unacknowledged_bytes(self) -> int:
        """Bytes given that the server has not stored, as far as this client knows."""
        return self.end - self.acknowledged

    def begin_at(self, received_bytes: int) -> None:
        """Go on where an earlier speaker of the session stopped; only before anything was given."""
        self._start = self.end = self.acknowledged = received_bytes

    def append(self, audio: bytes) -> None:
        """Add audio at the end, cut into pieces that the server takes."""
        step = max(self.align_bytes, self.frame_bytes_max // self.align_bytes * self.align_bytes)
        for begin in range(0, len(audio), step):
            piece = audio[begin : begin + step]
            self._kept.append(piece)
            self._queue.append(piece)
        self.end += len(audio)

    def control(self, message: ClientMessage) -> None:
        """Add a message that belongs after the audio given so far."""
        self._controls.append((self.end, message))
        self._queue.append(message)

    def next(self) -> bytes | ClientMessage | None:
        """What the connection has to send next; None if there is nothing."""
        return self._queue.popleft() if self._queue else None

    def acknowledge(self, received_bytes: int) -> None:
        """The server has stored all before ``received_bytes``; forget what is older than the margin."""
        self.acknowledged = max(self.acknowledged, min(received_bytes, self.end))
        while self._kept and self._start + len(self._kept[0]) <= self.acknowledged - self.keep_bytes:
            self._start += len(self._kept.popleft())
        # A message at the very end may still be under way: an acknowledgement counts audio only.
        while self._controls and self._controls[0][0] < self._start:
            self._controls.popleft()

    def resume_at(self, received_bytes: int) -> None:
        """A new connection, and the server has ``received_bytes``: queue everything after that again.

        Messages at or after that position are sent again too; repeating a flush or an end does no harm.

        Raises:
            ResumeImpossible: it has more than was ever given, or less than ``oldest`` although it was told.

        """
        if not self._start <= received_bytes <= self.end:
            raise ResumeImpossible(
                f"the server has {received_bytes} bytes of this session, "
                f"this client keeps {self._start} to {self.end}"
            )
        self.acknowledged = received_bytes
        self._queue.clear()
        controls = deque((at, message) for at, message in self._controls if at >= received_bytes)
        position = self._start
        for piece in self._kept:
            piece_end = position + len(piece)
            while controls and controls[0][0] <= position:
                self._queue.append(controls.popleft()[1])
            if piece_end > received_bytes:
                self._queue.append(piece[max(0, received_bytes - position) :])
            position = piece_end
        self._queue.extend(message for _, message in controls)
