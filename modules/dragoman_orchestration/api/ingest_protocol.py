"""The rules of a speaker's socket, without a socket: fed with frames, store replies and the time, it yields
actions. No I/O, no clock, no task; ``now`` is any monotonic clock in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

import msgspec

from dragoman_contracts.audio import AudioFormat
from dragoman_contracts.errors import (
    BusUnavailable,
    Conflict,
    DragomanError,
    InvalidInput,
    LimitExceeded,
    MessageInvalid,
    NotFound,
    Overloaded,
    SessionEnded,
    UnsupportedAudio,
)
from dragoman_contracts.streams import AudioKind
from dragoman_contracts.websocket import (
    AudioAck,
    AudioFlush,
    CloseCode,
    ServerMessage,
    SessionConfigure,
    SessionEnd,
    SessionLag,
    SessionResumed,
    SessionStarted,
    parse_client_message,
)
from dragoman_orchestration.api.outbox import Outbox
from dragoman_orchestration.api.refusals import MessageTooLarge, close_code, error_message
from dragoman_orchestration.session.lifecycle import Status
from dragoman_orchestration.session.model import Opened, Progress

FIRST_SEQ = 2
"""Entry 1 of a connection is the format; the store appends it when it opens the session."""
MAX_MISTAKES = 20
"""Wrong messages in a row after which a speaker is not listened to any more."""
ACK_INTERVAL_S = 0.5
MAX_SESSION_S = 366 * 86_400
"""Audio of the longest session that can be resumed; more is no position, but a mistake."""
RESUME_AT = 0.8
"""Part of the backlog limit below which a speaker is read again."""


class Phase(Enum):
    """What the socket waits for."""

    CONFIGURE = auto()
    OPENING = auto()
    STREAMING = auto()
    ENDING = auto()
    CLOSED = auto()


class Tell(NamedTuple):
    """Send a message to the speaker; a later acknowledgement supersedes an earlier one."""

    message: ServerMessage
    supersedes: str = ""


class Open(NamedTuple):
    """Open the session in the store and come back with ``on_opened`` or ``on_refused``."""

    configure: SessionConfigure


class Send(NamedTuple):
    """Something waits in the outbox."""


class Close(NamedTuple):
    """Close the socket."""

    code: CloseCode
    reason: str


Action = Tell | Open | Send | Close
Actions = tuple[Action, ...]

_SEND: Actions = (Send(),)
_NOTHING: Actions = ()


@dataclass(frozen=True, slots=True)
class IngestLimits:
    """The limits of one speaker; units in the names."""

    max_frame_bytes: int = 262_144
    idle_timeout_s: float = 120.0
    configure_timeout_s: float = 10.0
    backlog_limit_ms: int = 30_000
    backlog_patience_s: float = 30.0
    hold_ms: int = 10_000
    max_messages_per_s: int = 500


class _Peek(msgspec.Struct):
    type: str = ""


_peek_decoder = msgspec.json.Decoder(_Peek)


class IngestProtocol:
    """One speaker's socket from accept to close.

    The shell calls ``on_text``, ``on_bytes``, ``on_opened``, ``on_stored``, ``on_progress`` and ``on_tick``,
    carries out the actions they return, and reads on while ``may_read``.
    """

    def __init__(self, session_id: str, limits: IngestLimits, now: float) -> None:
        self.session_id = session_id
        self.phase = Phase.CONFIGURE
        self.epoch = 0
        self.outbox = Outbox(first_seq=FIRST_SEQ, total_bytes=0)
        self.format = AudioFormat()
        self._limits = limits
        self._opened_at = self._heard_at = now
        self._mistakes = 0
        self._stored_bytes = 0
        self._progress = Progress()
        self._progressed_at = now
        self._lagging = False
        self._bus_away = False
        self._hold_bytes = 0
        self._acked: tuple[int, int] | None = None
        self._acked_at = now
        self._tokens = float(2 * limits.max_messages_per_s)
        self._tokens_at = now

    # --- what the shell asks -----------------------------------------------------------------------------

    @property
    def may_read(self) -> bool:
        """Whether the socket should be read; else TCP holds the speaker back."""
        return not self._lagging and self.outbox.waiting_bytes <= self._hold_bytes

    @property
    def received_ms(self) -> int:
        """Audio that Redis has; for containers what was decoded, for only that has a length."""
        if self.format.is_pcm:
            return self.format.duration_ms(self._stored_bytes)
        return self._progress.heard_ms

    def throttle_s(self, now: float) -> float:
        """Count one message; how long to wait before the next is read, in seconds."""
        rate = self._limits.max_messages_per_s
        self._tokens = min(2.0 * rate, self._tokens + (now - self._tokens_at) * rate) - 1.0
        self._tokens_at = now
        return 0.0 if self._tokens >= 0.0 else -self._tokens / rate

    # --- what the speaker sends --------------------------------------------------------------------------

    def on_bytes(self, data: bytes, now: float) -> Actions:
        """A binary frame."""
        self._heard_at = now
        if self.phase is not Phase.STREAMING:
            return self._audio_out_of_place()
        size = len(data)
        if size > self._limits.max_frame_bytes:
            return self._too_large(size)
        if size % self.format.frame_bytes:
            return self._fail(
                UnsupportedAudio(
                    f"a frame of {size} bytes is no whole number of samples "
                    f"({self.format.frame_bytes} bytes each over all channels)",
                    remedy="Send whole samples in each frame; check encoding and channels.",
                )
            )
        if data[:7] == b'{"type"':
            return self._mistake(
                MessageInvalid("a binary frame holds JSON", remedy="Messages go in text frames.")
            )
        if not size:
            return _NOTHING
        self._mistakes = 0
        self.outbox.add_audio(data)
        return _SEND

    def on_text(self, text: str, now: float) -> Actions:
        """A text frame."""
        self._heard_at = now
        if len(text) > self._limits.max_frame_bytes:
            return self._too_large(len(text))
        if self.phase is Phase.CONFIGURE:
            return self._on_first(text)
        try:
            message = parse_client_message(text)
        except MessageInvalid as error:
            return self._mistake(error)
        if self.phase is not Phase.STREAMING:
            return self._mistake(SessionEnded("the session takes no more messages after session.end"))
        if isinstance(message, SessionConfigure):
            return self._mistake(
                Conflict(
                    "the socket is configured already",
                    remedy="Make a new session for another format or other options.",
                )
            )
        self._mistakes = 0
        if isinstance(message, AudioFlush):
            self.outbox.add_mark(AudioKind.FLUSH)
        elif isinstance(message, SessionEnd):
            self.outbox.add_mark(AudioKind.END, b"client")
            self.phase = Phase.ENDING
        return _SEND

    def _on_first(self, text: str) -> Actions:
        try:
            message = parse_client_message(text)
            if isinstance(message, SessionConfigure):
                _check(message)
                self.format = message.audio
                self.phase = Phase.OPENING
                return (Open(message),)
        except MessageInvalid as error:
            return self._bad_first(text, error)
        except InvalidInput as error:
            return self._fail(error)
        return self._fail(_configure_first(), CloseCode.CONFIGURE_FIRST)

    def _bad_first(self, text: str, error: MessageInvalid) -> Actions:
        try:
            kind = _peek_decoder.decode(text).type
        except msgspec.DecodeError:
            return self._fail(error, CloseCode.CONFIGURE_FIRST)
        if kind != "session.configure":
            return self._fail(error, CloseCode.CONFIGURE_FIRST)
        if "$.audio" in error.message:
            return self._fail(UnsupportedAudio(error.message))
        return self._fail(error)

    def _audio_out_of_place(self) -> Actions:
        if self.phase is Phase.CONFIGURE:
            return self._fail(_configure_first(), CloseCode.CONFIGURE_FIRST)
        if self.phase is Phase.OPENING:
            return self._fail(
                InvalidInput("audio came before session.started", remedy="Wait for session.started."),
                CloseCode.CONFIGURE_FIRST,
            )
        return self._mistake(SessionEnded("audio after session.end is not taken"))

    def _too_large(self, size: int) -> Actions:
        error = MessageTooLarge(
            f"a message of {size} is over the limit of {self._limits.max_frame_bytes} bytes",
            remedy="Send frames of 20 to 200 ms.",
        )
        return self._fail(error, CloseCode.FRAME_TOO_LARGE)

    def _mistake(self, error: DragomanError) -> Actions:
        """Something that lost no audio: tell it and go on, but not forever."""
        self._mistakes += 1
        if self._mistakes > MAX_MISTAKES:
            return self._fail(error)
        return (Tell(error_message(error)),)

    def _fail(self, error: DragomanError, code: CloseCode | None = None) -> Actions:
        self.phase = Phase.CLOSED
        return (Tell(error_message(error)), Close(code or close_code(error), error.message[:120]))

    # --- what the store answers --------------------------------------------------------------------------

    def on_opened(self, opened: Opened, progress: Progress, now: float) -> Actions:
        """The session is open; audio may come."""
        self.phase = Phase.STREAMING
        self.epoch = opened.epoch
        self.outbox = Outbox(first_seq=FIRST_SEQ, total_bytes=opened.received_bytes)
        self._hold_bytes = self.format.bytes_per_second * self._limits.hold_ms // 1000
        self._stored_bytes = opened.received_bytes
        self._progress = progress
        self._heard_at = self._progressed_at = now
        greeting = SessionResumed if opened.resumed else SessionStarted
        return (
            Tell(
                greeting(
                    session_id=self.session_id,
                    epoch=opened.epoch,
                    received_ms=self.received_ms,
                    received_bytes=opened.received_bytes,
                )
            ),
        )

    def on_refused(self, error: DragomanError) -> Actions:
        """The store did not open the session, or has lost it since."""
        return self._fail(error)

    def on_stored(self, total_bytes: int, now: float) -> Actions:
        """Redis has the audio up to ``total_bytes``; the first one is acknowledged at once."""
        self._bus_away = False
        self._stored_bytes = total_bytes
        return () if self._acked else self._ack(now)

    def on_end_stored(self, now: float) -> Actions:
        """The end is stored; the results that are left will still come."""
        return self._ack(now)

    def on_bus_away(self, error: BusUnavailable) -> Actions:
        """Redis did not take an entry, which is held and tried again; told once an outage."""
        if self._bus_away:
            return ()
        self._bus_away = True
        return (Tell(error_message(error)),)

    def on_audio_lost(self) -> Actions:
        """Redis restarted without audio that was acknowledged: the speaker must send it again."""
        self.phase = Phase.CLOSED
        error = BusUnavailable(
            "Redis restarted without the last of the audio",
            remedy="Connect again and send from received_ms of session.resumed.",
        )
        return (Tell(error_message(error)), Close(CloseCode.GOING_AWAY, error.message))

    def on_superseded(self) -> Actions:
        """Another connection speaks for the session now."""
        error = Conflict("another connection of this session took over", remedy="Only the newest speaks.")
        return self._fail(error, CloseCode.SUPERSEDED)

    def on_drain(self) -> Actions:
        """The process ends; another one goes on."""
        if self.phase is Phase.CLOSED:
            return ()
        self.phase = Phase.CLOSED
        return (Close(CloseCode.GOING_AWAY, "the server restarts: connect again"),)

    def on_progress(self, progress: Progress, now: float) -> Actions:
        """What record and state say now, at most a few times a second."""
        if self.phase is Phase.CLOSED:
            return ()
        if progress.status is None:
            return self._fail(NotFound("the session is gone"))
        if progress.epoch > self.epoch:
            if progress.status in {Status.ENDING, Status.ENDED}:
                return self._fail(SessionEnded("the session was ended"))
            return self.on_superseded()
        if progress.epoch < self.epoch:
            # Redis restarted without this connection's opening: perhaps no worker knows of the session.
            return self.on_audio_lost()
        before, self._progress = self._progress, progress
        if (before.committed_ms, before.heard_ms, before.consumed_bytes) != (
            progress.committed_ms,
            progress.heard_ms,
            progress.consumed_bytes,
        ):
            self._progressed_at = now
        return self._weigh_backlog(now)

    def on_tick(self, now: float) -> Actions:
        """The time, a few times a second: acknowledgements that are due, and silence that lasts too long."""
        if self.phase is Phase.CONFIGURE:
            if now - self._opened_at > self._limits.configure_timeout_s:
                return self._fail(_configure_first(), CloseCode.CONFIGURE_FIRST)
            return ()
        if self.phase not in {Phase.STREAMING, Phase.ENDING}:
            return ()
        idle_s = now - self._heard_at
        if self.phase is Phase.STREAMING and self.may_read and idle_s > self._limits.idle_timeout_s:
            error = LimitExceeded(
                f"nothing came for {idle_s:.0f} s",
                remedy="Connect again to go on; send audio, if silent, all the time.",
            )
            return self._fail(error, CloseCode.IDLE_TIMEOUT)
        if now - self._acked_at >= ACK_INTERVAL_S and self._acked and self._acked != self._ack_state:
            return self._ack(now)
        return ()

    # --- backlog -----------------------------------------------------------------------------------------

    @property
    def _ack_state(self) -> tuple[int, int]:
        return self._stored_bytes, self._progress.committed_ms

    def _ack(self, now: float) -> Actions:
        self._acked, self._acked_at = self._ack_state, now
        message = AudioAck(
            received_ms=self.received_ms,
            committed_ms=self._progress.committed_ms,
            received_bytes=self._stored_bytes,
        )
        return (Tell(message, "audio.ack"),)

    def _backlog_ms(self) -> int:
        if self.format.is_pcm:
            return self.format.duration_ms(self.outbox.accepted_bytes) - self._progress.committed_ms
        waiting = self.outbox.accepted_bytes - self._progress.consumed_bytes
        return self.format.duration_ms(waiting)

    def _weigh_backlog(self, now: float) -> Actions:
        backlog_ms, limit_ms = self._backlog_ms(), self._limits.backlog_limit_ms
        if not self._lagging:
            if backlog_ms <= limit_ms or self.phase is not Phase.STREAMING:
                return ()
            self._lagging = True
            self._progressed_at = max(self._progressed_at, now)
            return (Tell(SessionLag(lag_ms=backlog_ms, reason="backpressure")),)
        if backlog_ms < limit_ms * RESUME_AT:
            self._lagging = False
            self._heard_at = now
            return (Tell(SessionLag(lag_ms=backlog_ms, reason="caught_up")),)
        stuck_s = now - self._progressed_at
        if stuck_s > self._limits.backlog_patience_s:
            return self._fail(
                Overloaded(
                    f"{backlog_ms} ms of audio wait and no worker took any for {stuck_s:.0f} s",
                    remedy="Connect again later: what was acknowledged is kept. Check that an audio worker "
                    "of the session's profile runs.",
                )
            )
        return ()


def _check(configure: SessionConfigure) -> None:
    """Whether format and ``resume_from_bytes`` are possible.

    Raises:
        UnsupportedAudio: no such format.
        InvalidInput: no such position.

    """
    audio, position = configure.audio.validate(), configure.resume_from_bytes or 0
    if position < 0 or position % audio.frame_bytes or position > MAX_SESSION_S * audio.bytes_per_second:
        raise InvalidInput(
            f"resume_from_bytes is {position}, which is no position in this audio",
            remedy="Give the oldest byte of the session that can still be sent: a whole number of samples "
            f"({audio.frame_bytes} bytes each over all channels).",
        )


def _configure_first() -> InvalidInput:
    return InvalidInput(
        "the first message must be session.configure",
        remedy='Send {"type":"session.configure","audio":{…}} and wait for session.started.',
    )
