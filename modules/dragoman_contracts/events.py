"""Events and commands on the control streams, each with a versioned schema.

Events are named in the past tense, commands in the imperative. ``to_envelope`` and ``parse_event`` are the
only ways in and out, so that a payload never travels under a wrong type.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from dragoman_contracts.envelope import Envelope, EnvelopeInvalid
from dragoman_contracts.websocket import Ledger, Word


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all payloads. ``schema_version`` is bumped when a reader of the old one would misread."""

    schema_version: ClassVar[int] = 1

    @classmethod
    def type_name(cls) -> str:
        """The ``ce_type``: the class name."""
        return cls.__name__

    @classmethod
    def dataschema(cls) -> str:
        """The ``ce_dataschema``: ``dragoman:<type>:<version>``."""
        return f"dragoman:{cls.__name__}:{cls.schema_version}"


class AudioSessionOpened(Event, frozen=True, kw_only=True):
    """A session has its first speaker; a worker of ``profile`` may lease it."""

    session_id: str
    profile: str
    options: dict[str, Any] = {}


class TranscriptionCompleted(Event, frozen=True, kw_only=True):
    """A segment became final. Readers are idempotent by (session, segment, revision)."""

    session_id: str
    segment_id: str
    revision: int
    text: str
    start_ms: int
    end_ms: int
    language: str
    confidence: float
    words: list[Word] = []


class TranslationCompleted(Event, frozen=True, kw_only=True):
    """A final has a translation. Readers are idempotent by (session, segment, revision, target language)."""

    session_id: str
    segment_id: str
    revision: int
    target_language: str
    source_language: str
    text: str
    start_ms: int
    end_ms: int
    engine: str = ""


class AudioSessionEnded(Event, frozen=True, kw_only=True):
    """A session ended; its ledger adds up to what the client sent."""

    session_id: str
    reason: str
    ledger: Ledger


_EVENTS: dict[str, type[Event]] = {
    cls.__name__: cls
    for cls in (AudioSessionOpened, TranscriptionCompleted, TranslationCompleted, AudioSessionEnded)
}


def to_envelope(event: Event, *, source: str, subject: str, traceparent: str = "") -> Envelope:
    """Wrap a payload; ``source`` is the URI reference of the process, ``subject`` the session or bot."""
    return Envelope(
        type=event.type_name(),
        source=source,
        subject=subject,
        dataschema=event.dataschema(),
        traceparent=traceparent,
        data=msgspec.json.encode(event),
    )


def parse_event(envelope: Envelope) -> Event:
    """Unwrap a payload; the version before the current one is still read.

    Raises:
        EnvelopeInvalid: the type or version is unknown, or the data does not fit the schema.

    """
    cls = _EVENTS.get(envelope.type)
    if cls is None:
        raise EnvelopeInvalid(f"unknown event type {envelope.type!r}; known are {', '.join(sorted(_EVENTS))}")
    if envelope.dataschema:
        version = envelope.dataschema.rpartition(":")[2]
        readable = {str(cls.schema_version), str(cls.schema_version - 1)}
        if version not in readable:
            raise EnvelopeInvalid(
                f"{envelope.type} has schema version {version}, readable: {sorted(readable)}"
            )
    try:
        return msgspec.json.decode(envelope.data, type=cls)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise EnvelopeInvalid(f"{envelope.type} does not fit its schema: {error}") from error
