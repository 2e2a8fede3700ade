"""Bodies of the REST API. Times of day are RFC 3339 in UTC, times of audio are ms of session audio."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from dragoman_contracts.config import ConfigValues, PresetName, SessionDefaults
from dragoman_contracts.websocket import Ledger, SessionOptions
from dragoman_orchestration.api.recording_schemas import Recording
from dragoman_orchestration.api.translation_schemas import SessionTranslation, Translation
from dragoman_orchestration.recordings.folder import RecordingFile
from dragoman_orchestration.session.model import SessionRecord
from dragoman_orchestration.session.presence import Connected, Counts

EXAMPLE_ID = "0f3c1d2e4b5a69788796a5b4c3d2e1f0"
EXAMPLE_TIME = "2025-01-31T12:00:00.000Z"
EXAMPLE_TITLE = "Board meeting"
MAX_TITLE_CHARS = 200
MIN_VIEWER_TTL_S = 60

Title = Annotated[
    str,
    Field(
        max_length=MAX_TITLE_CHARS,
        # C0, DEL, C1, and the separators that break a line.
        pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$",
        description="What people call it, in one line without control characters.",
        examples=[EXAMPLE_TITLE],
    ),
]


class CreateSession(BaseModel):
    """What a session wants of the recogniser and the translators; all of it may be left out."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "title": EXAMPLE_TITLE,
                    "language": "en",
                    "hotwords": "Dragoman",
                    "translation": {"targets": ["es", "pt-BR"]},
                },
                {},
            ]
        },
    )

    title: Title = ""
    language: str | None = Field(
        None, pattern="^[a-z]{2,3}$", description="ISO 639 code; left out: detected once an utterance."
    )
    partials: bool = Field(True, description="False: finals only.")
    prompt: str = Field("", max_length=2000, description="Text that the speech continues.")
    hotwords: str = Field("", max_length=2000, description="Names and terms that are likely.")
    profile: str | None = Field(
        None, pattern="^[a-z0-9-]{1,32}$", description="Worker profile; left out: the server's default."
    )
    translation: Translation | None = Field(None, description="Left out: no translation.")
    record: bool = Field(
        False, description="Keep the audio, to be heard and sought in beside the transcript.", examples=[True]
    )
    preset: PresetName | None = Field(
        None, description="Preset of the runtime configuration (`/v1/config/presets`).", examples=["lecture"]
    )
    config: ConfigValues = Field(
        ConfigValues(),
        description="Own values of `voice_activity`, `recognition` and `partials`, over those of the preset.",
        examples=[{"voice_activity": {"min_silence_ms": 700}}],
    )

    def options(self) -> SessionOptions:
        """As the contract has it."""
        return msgspec.convert(
            self.model_dump(exclude={"title", "record", "preset", "config"}), SessionOptions
        )

    def with_defaults(self, defaults: SessionDefaults) -> CreateSession:
        """What is left out is as the configuration says."""
        given = self.model_fields_set
        values = defaults.model_dump(exclude_none=True)
        own: dict[str, Any] = {
            name: values[name] for name in ("profile", "preset", "language", "hotwords") if name in values
        }
        translation = {name: values[name] for name in Translation.model_fields if name in values}
        if translation.get("targets"):
            own["translation"] = Translation.model_validate(translation)
        return self.model_copy(update={name: value for name, value in own.items() if name not in given})


class ChangeSession(BaseModel):
    """What of a session can be changed at any time."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"title": EXAMPLE_TITLE}]})

    title: Title


class Session(BaseModel):
    """A session and where its sockets are."""

    id: str = Field(examples=[EXAMPLE_ID])
    title: str = Field(description="Empty where it was given none.", examples=[EXAMPLE_TITLE])
    status: Literal["created", "live", "ending", "ended"] = Field(
        description="`ending` takes no more audio while the rest is transcribed.", examples=["created"]
    )
    profile: str = Field(examples=["cpu"])
    language: str | None = Field(examples=["en"])
    partials: bool = Field(examples=[True])
    translation: SessionTranslation
    recording: Recording | None = Field(description="Null: it is not recorded.", examples=[None])
    created_at: datetime = Field(examples=[EXAMPLE_TIME])
    ended_at: datetime | None = Field(examples=[None])
    end_reason: str | None = Field(
        description="Who or what ended it: `client`, `request`, `abandoned`.", examples=[None]
    )
    audio_url: str = Field(
        description="The speaker's WebSocket (AsyncAPI: /asyncapi.json).",
        examples=[f"ws://127.0.0.1:8080/v1/sessions/{EXAMPLE_ID}/audio"],
    )
    events_url: str = Field(
        description="The viewers' WebSocket.",
        examples=[f"ws://127.0.0.1:8080/v1/sessions/{EXAMPLE_ID}/events"],
    )

    @classmethod
    def of(cls, record: SessionRecord, base_url: str, file: RecordingFile | None = None) -> Session:
        """From the store's record and its recording; ``base_url`` is ``ws://host`` or ``wss://host``."""
        sockets = f"{base_url}/v1/sessions/{record.id}"
        return cls(
            id=record.id,
            title=record.title,
            status=record.status.value,
            profile=record.profile,
            language=record.options.language,
            partials=record.options.partials,
            translation=SessionTranslation.of(record.translation),
            recording=Recording.of(record, file),
            created_at=moment(record.created_ms / 1000),
            ended_at=moment(record.ended_ms / 1000) if record.ended_ms else None,
            end_reason=record.end_reason or None,
            audio_url=f"{sockets}/audio",
            events_url=f"{sockets}/events",
        )


class ViewedTranslation(BaseModel):
    """What a viewer is told of a session's translation."""

    targets: list[str] = Field(examples=[["es", "pt-BR"]])


class ViewedSession(BaseModel):
    """What a viewer is told of a session: what it is and in which languages it can be read."""

    id: str = Field(examples=[EXAMPLE_ID])
    title: str = Field(examples=[EXAMPLE_TITLE])
    status: Literal["created", "live", "ending", "ended"] = Field(examples=["live"])
    language: str | None = Field(description="Null: detected as it is spoken.", examples=["en"])
    translation: ViewedTranslation
    created_at: datetime = Field(examples=[EXAMPLE_TIME])
    ended_at: datetime | None = Field(examples=[None])
    events_url: str = Field(
        description="The viewers' WebSocket.",
        examples=[f"ws://127.0.0.1:8080/v1/sessions/{EXAMPLE_ID}/events"],
    )

    @classmethod
    def of(cls, session: Session) -> ViewedSession:
        """From all that there is to tell."""
        return cls(
            id=session.id,
            title=session.title,
            status=session.status,
            language=session.language,
            translation=ViewedTranslation(targets=session.translation.targets),
            created_at=session.created_at,
            ended_at=session.ended_at,
            events_url=session.events_url,
        )


class SessionList(BaseModel):
    """A page of sessions, newest first."""

    sessions: list[Session]
    next_cursor: str | None = Field(
        description="`cursor` of the next page; null on the last.", examples=[f"1738324800000.{EXAMPLE_ID}"]
    )


class LedgerGap(BaseModel):
    """Audio that was not transcribed, and why."""

    start_ms: int = Field(examples=[12_000])
    end_ms: int = Field(examples=[12_400])
    reason: str = Field(examples=["decode_error"])


class SessionLedger(BaseModel):
    """Where every received millisecond went; the four sums add up to `received_ms`."""

    received_ms: int = Field(examples=[60_000])
    transcribed_ms: int = Field(examples=[41_200])
    silence_ms: int = Field(examples=[16_400])
    pending_ms: int = Field(examples=[2_000])
    gap_ms: int = Field(examples=[400])
    gaps: list[LedgerGap] = []

    @classmethod
    def of(cls, ledger: Ledger) -> SessionLedger:
        """From the contract's ledger."""
        return cls(
            received_ms=ledger.received_ms,
            transcribed_ms=ledger.transcribed_ms,
            silence_ms=ledger.silence_ms,
            pending_ms=ledger.pending_ms,
            gap_ms=ledger.gap_ms,
            gaps=[
                LedgerGap(start_ms=gap.start_ms, end_ms=gap.end_ms, reason=gap.reason) for gap in ledger.gaps
            ],
        )


class SessionConnection(BaseModel):
    """A socket that is connected to a session."""

    role: Literal["speaker", "viewer"] = Field(examples=["viewer"])
    since: datetime = Field(examples=[EXAMPLE_TIME])
    name: str = Field(description="Name of its API key, or `token`.", examples=["token"])


class SessionConnections(BaseModel):
    """Who is connected to a session now, in all API processes."""

    speakers: int = Field(examples=[1])
    viewers: int = Field(examples=[12])
    connections: list[SessionConnection] = Field(description="Of each role at most 1000, speakers first.")

    @classmethod
    def of(cls, counts: Counts, connected: Iterable[Connected]) -> SessionConnections:
        """From the register's answer."""
        return cls(
            speakers=counts.speakers,
            viewers=counts.viewers,
            connections=[
                SessionConnection(role=one.role, since=moment(one.since_ms / 1000), name=one.name)
                for one in connected
            ],
        )


class ViewerTokenWanted(BaseModel):
    """How long a viewer's token is to be valid."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"ttl_s": 3600}, {}]})

    ttl_s: int | None = Field(
        None,
        ge=MIN_VIEWER_TTL_S,
        description="Seconds, at most `DRAGOMAN_API_VIEWER_TOKEN_TTL_S`; left out: that.",
        examples=[3600],
    )


class ViewerTokenIssued(BaseModel):
    """A token for one session's events, transcript and ledger."""

    token: str = Field(examples=["WyIwZjNjMWQyZSIsMTczODQxMTIwMF0.c2lnbmF0dXJl"])
    expires_at: datetime = Field(examples=[EXAMPLE_TIME])


class Transcript(BaseModel):
    """All final segments so far, as the `transcript.final` events tell them, and their translations."""

    session_id: str = Field(examples=[EXAMPLE_ID])
    status: str = Field(examples=["live"])
    text: str = Field(examples=["Hello. Welcome to Dragoman."])
    segments: list[TranscriptSegment]
    languages: list[str] | None = Field(
        None, description="Those asked for, as the session has them; only if some were.", examples=[["es"]]
    )


class TranscriptWord(BaseModel):
    """A word with its times and its probability."""

    text: str = Field(examples=["Hello."])
    start_ms: int = Field(examples=[480])
    end_ms: int = Field(examples=[900])
    probability: float = Field(examples=[0.97])


class TranscriptSegment(BaseModel):
    """One final segment."""

    segment_id: str = Field(examples=["s1"])
    text: str = Field(examples=["Hello."])
    start_ms: int = Field(examples=[480])
    end_ms: int = Field(examples=[900])
    language: str = Field(examples=["en"])
    confidence: float = Field(examples=[0.95])
    speaker: str | None = Field(None, examples=[None])
    words: list[TranscriptWord] = []
    texts: dict[str, str | None] | None = Field(
        None,
        description="The languages asked for, null where there is no translation; only if some were.",
        examples=[{"es": "Hola."}],
    )


def moment(unix_s: float) -> datetime:
    """Unix seconds as a time in UTC."""
    return datetime.fromtimestamp(unix_s, UTC)


Transcript.model_rebuild()
