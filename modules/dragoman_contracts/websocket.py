"""Native WebSocket protocol: messages, positions, close codes. JSON text frames plus binary audio.

All times are milliseconds of session audio. ``docs/protocol.md`` tells it in prose, the AsyncAPI 3 document
(``GET /asyncapi.json``) is generated from these classes.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Literal

import msgspec

from dragoman_contracts.audio import AudioFormat
from dragoman_contracts.errors import MessageInvalid

SUBPROTOCOL = "dragoman.v1"
BEARER_SUBPROTOCOL = "dragoman.bearer."
"""Prefix of the subprotocol that carries a credential from browsers, which cannot set a header."""


class CloseCode(IntEnum):
    """Why the server closes (RFC 6455, private range).

    The range says what to do: 1000 done; 4000–4099 reconnect at once and resume; 4100–4199 reconnect after a
    pause; 4400–4499 do not reconnect, the request must change.
    """

    NORMAL = 1000
    GOING_AWAY = 4000
    """The process drains; another takes over."""
    SLOW_CONSUMER = 4001
    """The viewer's queue was full; resume by position."""
    BUS_UNAVAILABLE = 4100
    OVERLOADED = 4101
    RATE_LIMITED = 4102
    IDLE_TIMEOUT = 4103
    BAD_REQUEST = 4400
    UNAUTHENTICATED = 4401
    FORBIDDEN = 4403
    NOT_FOUND = 4404
    CONFIGURE_FIRST = 4405
    UNSUPPORTED_AUDIO = 4406
    SUPERSEDED = 4409
    """Another connection of the same session took over; the newest wins."""
    SESSION_ENDED = 4410
    FRAME_TOO_LARGE = 4413

    @property
    def reconnect(self) -> bool:
        """Whether a client should connect again by itself."""
        return 4000 <= self.value < 4200


# --- shared parts ---------------------------------------------------------------------------------------


class StreamPosition(msgspec.Struct, frozen=True):
    """Where an event stands in a session's results.

    ``offset`` grows by at least one an event (superseded partials leave holes); it counts within ``epoch``
    only. A position of another epoch means that history was lost and cannot be replayed.
    """

    epoch: str
    offset: int

    def __str__(self) -> str:
        return f"{self.epoch}:{self.offset}"

    @classmethod
    def parse(cls, value: str) -> StreamPosition:
        """Read ``<epoch>:<offset>``.

        Raises:
            MessageInvalid: not of that form.

        """
        epoch, _, offset = value.rpartition(":")
        if not epoch or not offset.isascii() or not offset.isdigit() or len(offset) > 18:
            raise MessageInvalid(
                f"position {value[:40]!r} is not of the form <epoch>:<offset>",
                remedy="Use the position of the last event you saw, unchanged.",
            )
        return cls(epoch, int(offset))


class Word(msgspec.Struct, frozen=True):
    """A word with its times in ms of session audio and its probability in [0, 1]."""

    text: str
    start_ms: int
    end_ms: int
    probability: float = 1.0


class Gap(msgspec.Struct, frozen=True):
    """Audio that will not be transcribed, and why."""

    start_ms: int
    end_ms: int
    reason: str


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """Where every accepted millisecond went: the four sums add up to ``received_ms``."""

    received_ms: int = 0
    transcribed_ms: int = 0
    silence_ms: int = 0
    pending_ms: int = 0
    gap_ms: int = 0
    gaps: list[Gap] = []

    @property
    def is_complete(self) -> bool:
        """Whether the sums add up and nothing is pending."""
        return self.pending_ms == 0 and self.adds_up

    @property
    def adds_up(self) -> bool:
        """Whether transcribed + silence + pending + gap is what was received."""
        return self.received_ms == self.transcribed_ms + self.silence_ms + self.pending_ms + self.gap_ms


class GlossaryTerm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a term is to be translated.

    ``source`` is the term as it is spoken, ``translations`` its translation by BCP 47 code. ``keep`` leaves
    it as it is in all languages that ``translations`` does not name. ``hotword`` tells the recogniser to
    expect it.
    """

    source: str
    translations: dict[str, str] = {}
    keep: bool = False
    hotword: bool = False


class TranslationOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Into which languages a session is translated, and how; may be changed while it is live.

    ``targets`` are BCP 47 codes. ``on_demand`` translates only into those of them that a viewer subscribes to
    at the time. ``drafts`` False translates finals only. ``glossaries`` are names of sets kept by the server,
    whose terms come before those of ``glossary``.
    """

    targets: list[str] = []
    on_demand: bool = False
    drafts: bool = True
    formality: Literal["default", "formal", "informal"] = "default"
    glossary: list[GlossaryTerm] = []
    glossaries: list[str] = []


class SessionOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a session wants of the recogniser and the translators.

    ``language`` (ISO 639-1) None detects it, once an utterance. ``partials`` False sends finals only.
    ``translation`` None leaves it as it is: none, for a new session.
    """

    language: str | None = None
    partials: bool = True
    prompt: str = ""
    hotwords: str = ""
    profile: str | None = None
    translation: TranslationOptions | None = None


# --- client → server ------------------------------------------------------------------------------------


class ClientMessage(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True):
    """Base of what a speaker may send as text."""


class SessionConfigure(ClientMessage, frozen=True, kw_only=True, tag="session.configure"):
    """First message on an audio socket: how to read the binary frames, what to do with them.

    ``resume_from_bytes`` is the oldest byte of the session that the client still has. Where the server has
    less (Redis lost more than the client kept), what lies between becomes a gap that is told.
    """

    audio: AudioFormat = AudioFormat()
    options: SessionOptions | None = None
    resume_from_bytes: int | None = None


class AudioFlush(ClientMessage, frozen=True, kw_only=True, tag="audio.flush"):
    """Make what is pending final now, as if the utterance had ended here."""


class SessionEnd(ClientMessage, frozen=True, kw_only=True, tag="session.end"):
    """No more audio; ``session.ended`` follows when all of it is transcribed."""


ClientMessages = SessionConfigure | AudioFlush | SessionEnd
_client_decoder: msgspec.json.Decoder[ClientMessages] = msgspec.json.Decoder(ClientMessages)


def parse_client_message(text: str | bytes) -> ClientMessages:
    """Read a text frame of a speaker.

    Raises:
        MessageInvalid: no JSON, an unknown type, an unknown or wrongly typed field.

    """
    try:
        return _client_decoder.decode(text)
    except msgspec.ValidationError as error:
        raise MessageInvalid(
            f"the message does not fit the protocol: {error}",
            remedy="Known types: session.configure, audio.flush, session.end; see docs/protocol.md.",
        ) from error
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise MessageInvalid("the text frame is no JSON", remedy="Audio goes in binary frames.") from error


# --- server → client ------------------------------------------------------------------------------------


class ServerMessage(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of what the server sends. ``position`` is set on everything that comes from the results."""

    position: StreamPosition | msgspec.UnsetType = msgspec.UNSET


class SessionStarted(ServerMessage, frozen=True, kw_only=True, tag="session.started"):
    """The socket is configured; send audio from ``received_ms`` on."""

    session_id: str
    epoch: int
    received_ms: int = 0
    received_bytes: int = 0


class SessionResumed(ServerMessage, frozen=True, kw_only=True, tag="session.resumed"):
    """As ``session.started``, on a session that has audio already: send from ``received_ms`` on."""

    session_id: str
    epoch: int
    received_ms: int
    received_bytes: int


class AudioAck(ServerMessage, frozen=True, kw_only=True, tag="audio.ack"):
    """Audio up to ``received_ms`` is stored, up to ``committed_ms`` it is final (or silence)."""

    received_ms: int
    committed_ms: int
    received_bytes: int


class SpeechStarted(ServerMessage, frozen=True, kw_only=True, tag="speech.started"):
    """Voice activity began."""

    start_ms: int


class SpeechEnded(ServerMessage, frozen=True, kw_only=True, tag="speech.ended"):
    """Voice activity ended."""

    end_ms: int


class TranscriptPartial(ServerMessage, frozen=True, kw_only=True, tag="transcript.partial"):
    """A segment as it is heard so far; ``stable_text`` will not be taken back."""

    segment_id: str
    revision: int
    text: str
    stable_text: str
    unstable_text: str
    start_ms: int
    end_ms: int
    language: str
    confidence: float = 0.0
    words: list[Word] = []
    speaker: str | None = None


class TranscriptFinal(ServerMessage, frozen=True, kw_only=True, tag="transcript.final"):
    """A segment that stays."""

    segment_id: str
    revision: int
    text: str
    start_ms: int
    end_ms: int
    language: str
    confidence: float = 0.0
    words: list[Word] = []
    speaker: str | None = None


class TranslationPartial(ServerMessage, frozen=True, kw_only=True, tag="translation.partial"):
    """A draft translation of the stable part of a segment; the next one, or the final one, replaces it.

    ``revision`` is that of the transcript it was made from.
    """

    segment_id: str
    revision: int
    target_language: str
    source_language: str
    text: str


class TranslationFinal(ServerMessage, frozen=True, kw_only=True, tag="translation.final"):
    """The translation of a final segment.

    ``engine`` names what made it; it is empty where the segment was spoken in the target language already and
    is passed through. ``glossary_missed`` are terms of the glossary that the engine did not translate as
    told.
    """

    segment_id: str
    revision: int
    target_language: str
    source_language: str
    text: str
    start_ms: int
    end_ms: int
    engine: str = ""
    glossary_missed: list[str] = []


class TranslationFailedMessage(ServerMessage, frozen=True, kw_only=True, tag="translation.failed"):
    """A final segment has no translation: for good if ``permanent``, else until the translator is back."""

    segment_id: str
    revision: int
    target_language: str
    code: str
    message: str
    permanent: bool


class SessionTargets(ServerMessage, frozen=True, kw_only=True, tag="session.targets"):
    """Into which languages the session is translated from here on."""

    targets: list[str]
    on_demand: bool = False


class SessionLag(ServerMessage, frozen=True, kw_only=True, tag="session.lag"):
    """Processing is ``lag_ms`` behind what was received; 0 tells that it caught up."""

    lag_ms: int
    reason: str


class SessionDegraded(ServerMessage, frozen=True, kw_only=True, tag="session.degraded"):
    """The session runs at a lower level of service."""

    level: int
    reason: str


class AudioGap(ServerMessage, frozen=True, kw_only=True, tag="audio.gap"):
    """This audio will not be transcribed."""

    start_ms: int
    end_ms: int
    reason: str


class SessionPresence(ServerMessage, frozen=True, kw_only=True, tag="session.presence"):
    """How many sockets are connected to the session now, in all API processes. It has no position."""

    speakers: int
    viewers: int


class SessionEndedMessage(ServerMessage, frozen=True, kw_only=True, tag="session.ended"):
    """The last event of a session."""

    reason: str
    ledger: Ledger


class SessionSnapshot(ServerMessage, frozen=True, kw_only=True, tag="session.snapshot"):
    """First message on an events socket: what a late joiner must know.

    ``recovered`` tells, for ``after=<position>``, whether everything since that position follows. ``finals``,
    ``partial`` and ``translations`` (final and failed ones, and the last draft of each language, in the
    languages that the viewer subscribes to) are events as they were sent; the tail begins after ``position``.
    ``targets`` are the languages that the session is translated into. ``truncated`` tells that older finals
    are left out; ``GET /v1/sessions/{id}/transcript`` has all of them.
    """

    session_id: str
    status: str
    recovered: bool = True
    truncated: bool = False
    finals: list[dict[str, Any]] = []
    partial: dict[str, Any] | None = None
    translations: list[dict[str, Any]] = []
    targets: list[str] = []


class ErrorMessage(ServerMessage, frozen=True, kw_only=True, tag="error"):
    """Something went wrong; ``permanent`` False means that it may mend by itself."""

    code: str
    message: str
    remedy: str
    permanent: bool


ServerMessages = (
    SessionStarted
    | SessionResumed
    | AudioAck
    | SpeechStarted
    | SpeechEnded
    | TranscriptPartial
    | TranscriptFinal
    | TranslationPartial
    | TranslationFinal
    | TranslationFailedMessage
    | SessionTargets
    | SessionLag
    | SessionDegraded
    | AudioGap
    | SessionPresence
    | SessionEndedMessage
    | SessionSnapshot
    | ErrorMessage
)
_server_decoder: msgspec.json.Decoder[ServerMessages] = msgspec.json.Decoder(ServerMessages)


def parse_server_message(text: str | bytes) -> ServerMessages:
    """Read a text frame of the server (for clients and tests).

    Raises:
        MessageInvalid: no message of this protocol version.

    """
    try:
        return _server_decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise MessageInvalid(f"the server sent something that is no message: {error}") from error
