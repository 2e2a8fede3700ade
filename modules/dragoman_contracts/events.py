"""Events and commands on the control streams, each with a versioned schema.

Events are named in the past tense, commands in the imperative. ``to_envelope`` and ``parse_event`` are the
only ways in and out, so that a payload never travels under a wrong type.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec

from dragoman_contracts.bots import BotCause, BotRequest, BotState, CompletionReason, FailureStage
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


# --- stream:config-sync ----------------------------------------------------------------------------------


class ConfigUpdateRequested(Event, frozen=True, kw_only=True):
    """Somebody wants the runtime configuration changed; the config worker decides.

    ``scope`` is ``system`` or ``preset`` (then ``preset`` names it), ``operation`` replaces its values,
    merges into them (JSON merge patch, RFC 7396) or deletes the preset. ``expected_version`` None takes any.
    """

    change_id: str
    scope: Literal["system", "preset"]
    operation: Literal["replace", "merge", "delete"]
    preset: str = ""
    values: dict[str, Any] = {}
    expected_version: int | None = None
    requested_by: str = ""


class ConfigRollbackRequested(Event, frozen=True, kw_only=True):
    """Somebody wants the configuration of ``to_version`` again, as a new version."""

    change_id: str
    to_version: int
    expected_version: int | None = None
    requested_by: str = ""


class ConfigSnapshot(Event, frozen=True, kw_only=True):
    """A version of the configuration is in force: ``document`` is a ``ConfigDocument``."""

    version: int
    checksum: str
    document: dict[str, Any]
    changed_by: str
    change_id: str


class ConfigChangeRejected(Event, frozen=True, kw_only=True):
    """A requested change is not made; all runs as before. ``code`` is ``conflict`` if another came first."""

    change_id: str
    code: str
    message: str


class ConfigDriftDetected(Event, frozen=True, kw_only=True):
    """A service or process runs with something else than it should.

    ``attempts`` at repair were made so far; ``gave_up`` when no more are made until something changes.
    """

    part: str
    kind: str
    expected: str
    found: str
    attempts: int = 0
    gave_up: bool = False
    reason: str = ""


class ConfigResyncRequested(Event, frozen=True, kw_only=True):
    """Push the configuration in force to all services again; monitoring asks for it."""

    reason: str


# --- stream:bot-control ----------------------------------------------------------------------------------


class BotRequested(Event, frozen=True, kw_only=True):
    """Somebody wants a bot; its record is kept already, the worker starts it when it is due and has room."""

    bot_id: str
    session_id: str
    owner_key: str
    request: BotRequest


class BotStopRequested(Event, frozen=True, kw_only=True):
    """The bot shall leave and end, whatever it does now."""

    bot_id: str
    requested_by: str = ""


class BotRestartRequested(Event, frozen=True, kw_only=True):
    """The bot's runner shall be replaced, as one that hangs; monitoring asks for it."""

    bot_id: str
    reason: str


class BotReported(Event, frozen=True, kw_only=True):
    """A runner's report that may change the bot's state; the report itself is kept in the bot's record."""

    bot_id: str
    generation: int
    seq: int


class BotStateChanged(Event, frozen=True, kw_only=True):
    """A bot went from one state to another. ``seq`` counts the bot's transitions from 1, without holes."""

    bot_id: str
    session_id: str
    seq: int
    previous: BotState | None
    state: BotState
    time_ms: int
    cause: BotCause
    completion: CompletionReason | None = None
    stage: FailureStage | None = None
    attempt: int = 0


class BotDegraded(Event, frozen=True, kw_only=True):
    """An active bot does not do what it is there for: ``cause`` is no_audio or no_words."""

    bot_id: str
    session_id: str
    cause: BotCause
    since_ms: int


class BotRecovered(Event, frozen=True, kw_only=True):
    """What ``BotDegraded`` told is over."""

    bot_id: str
    session_id: str
    cause: BotCause
    degraded_ms: int


# --- stream:monitoring -----------------------------------------------------------------------------------


class ServiceHealthReport(Event, frozen=True, kw_only=True):
    """How all parts are, by one look of the monitoring worker: "ok", or exactly what is not."""

    time_ms: int
    status: Literal["ok", "degraded", "down"]
    parts: dict[str, str]
    measures: dict[str, float] = {}


class AnomalyDetected(Event, frozen=True, kw_only=True):
    """A rule of the configuration holds for ``subject`` (a part, session, bot or stream; empty: all)."""

    rule: str
    subject: str
    severity: Literal["info", "warning", "critical"]
    measure: str
    value: float
    since_ms: int
    message: str


class AnomalyResolved(Event, frozen=True, kw_only=True):
    """What ``AnomalyDetected`` told is over."""

    rule: str
    subject: str
    severity: Literal["info", "warning", "critical"]
    measure: str
    value: float
    lasted_ms: int
    message: str


class UsageMetrics(Event, frozen=True, kw_only=True):
    """What an API key has used on a day (UTC, YYYY-MM-DD) so far, in all."""

    day: str
    owner_key: str
    audio_ms: int = 0
    sessions: int = 0
    translated_chars: int = 0
    bots: int = 0


_EVENTS: dict[str, type[Event]] = {cls.__name__: cls for cls in Event.__subclasses__()}


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
