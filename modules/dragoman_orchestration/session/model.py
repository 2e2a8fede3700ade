"""What the store tells about a session: plain data, no Redis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from dragoman_contracts.audio import AudioFormat
from dragoman_contracts.errors import InvalidInput
from dragoman_contracts.streams import RecordField, StateField
from dragoman_contracts.websocket import SessionOptions, TranslationOptions
from dragoman_orchestration.session.config_scope import NOTHING_SET, SessionConfig
from dragoman_orchestration.session.lifecycle import Status
from dragoman_orchestration.session.recording import RecordingStatus

MAX_DIGITS = 15
"""Of a time in ms: beyond it the scores of Redis' sorted sets are not exact."""

_options_decoder = msgspec.json.Decoder(SessionOptions)
_translation_decoder = msgspec.json.Decoder(TranslationOptions)
_format_decoder = msgspec.json.Decoder(AudioFormat)


def encode_format(audio: AudioFormat) -> bytes:
    """The canonical text of a format: containers carry their own rate, so the given one does not count."""
    canonical = audio if audio.is_pcm else AudioFormat(encoding=audio.encoding)
    return msgspec.json.encode(canonical)


def translation_fields(translation: TranslationOptions) -> dict[bytes, bytes]:
    """The fields of the record that tell how a session is translated; all of them change together."""
    return {
        RecordField.TRANSLATION: msgspec.json.encode(translation),
        RecordField.TARGETS: ",".join(translation.targets).encode(),
    }


def read_targets(field_value: bytes | None) -> tuple[str, ...]:
    """The target languages in the record's field."""
    return tuple(field_value.decode().split(",")) if field_value else ()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a session is: what the gateway needs between two frames.

    ``committed_ms``, ``heard_ms`` and ``consumed_bytes`` come from the worker, ``epoch`` and ``status`` from
    the record. ``status`` is None where the record is gone.
    """

    status: Status | None = None
    epoch: int = 0
    committed_ms: int = 0
    heard_ms: int = 0
    consumed_bytes: int = 0

    STATE_FIELDS = (StateField.COMMITTED_MS, StateField.HEARD_MS, StateField.CONSUMED_BYTES)
    RECORD_FIELDS = (RecordField.STATUS, RecordField.EPOCH)

    @classmethod
    def read(cls, record: list[bytes | None], state: list[bytes | None]) -> Progress:
        """From the two HMGET replies."""
        status, epoch = record
        committed, heard, consumed = (int(value or 0) for value in state)
        return cls(Status(status.decode()) if status else None, int(epoch or 0), committed, heard, consumed)


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session as its record and state hashes tell it; times in unix ms, 0 where it has not happened.

    How it is translated is in ``translation`` alone, never in ``options``.
    """

    id: str
    status: Status
    profile: str
    created_ms: int
    owner_key: str
    results_epoch: str
    options: SessionOptions = field(default_factory=SessionOptions)
    translation: TranslationOptions = field(default_factory=TranslationOptions)
    config: SessionConfig = NOTHING_SET
    title: str = ""
    recording: RecordingStatus | None = None
    ended_ms: int = 0
    seen_ms: int = 0
    epoch: int = 0
    end_reason: str = ""
    format: AudioFormat | None = None

    @classmethod
    def read(cls, session_id: str, fields: Mapping[bytes, bytes]) -> SessionRecord:
        """From the record hash."""
        audio = fields.get(RecordField.FORMAT)
        return cls(
            id=session_id,
            status=Status(fields[RecordField.STATUS].decode()),
            profile=fields.get(RecordField.PROFILE, b"").decode(),
            created_ms=int(fields.get(RecordField.CREATED_MS, b"0")),
            owner_key=fields.get(RecordField.OWNER_KEY, b"").decode(),
            results_epoch=fields.get(RecordField.RESULTS_EPOCH, b"").decode(),
            options=_options_decoder.decode(fields.get(RecordField.OPTIONS) or b"{}"),
            translation=_translation_decoder.decode(fields.get(RecordField.TRANSLATION) or b"{}"),
            config=SessionConfig.decode(fields.get(RecordField.CONFIG)),
            title=fields.get(RecordField.TITLE, b"").decode(),
            recording=RecordingStatus.decode(fields.get(RecordField.RECORDING)),
            ended_ms=int(fields.get(RecordField.ENDED_MS) or 0),
            seen_ms=int(fields.get(RecordField.SEEN_MS) or 0),
            epoch=int(fields.get(RecordField.EPOCH) or 0),
            end_reason=fields.get(RecordField.END_REASON, b"").decode(),
            format=_format_decoder.decode(audio) if audio else None,
        )


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place in the list of sessions; many may be created in the same millisecond."""

    created_ms: int
    session_id: str

    def __str__(self) -> str:
        return f"{self.created_ms}.{self.session_id}"

    @classmethod
    def parse(cls, value: str) -> Cursor:
        """Read ``<created_ms>.<session id>``.

        Raises:
            InvalidInput: not of that form.

        """
        created_ms, _, session_id = value.partition(".")
        if not (
            created_ms.isascii() and created_ms.isdigit() and len(created_ms) <= MAX_DIGITS and session_id
        ):
            raise InvalidInput("the cursor is none", remedy="Use next_cursor of the page before, unchanged.")
        return cls(int(created_ms), session_id)


@dataclass(frozen=True, slots=True)
class Opened:
    """A speaker's connection: its epoch, and the bytes of audio that the session has already."""

    epoch: int
    received_bytes: int
    resumed: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Some sessions of a list, and where the next page begins; None on the last."""

    records: list[SessionRecord]
    next: Cursor | None


@dataclass(frozen=True, slots=True)
class Limits:
    """How many sessions there may be at a time."""

    sessions: int
    sessions_per_key: int
