"""Settings of the API process."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from dragoman_runtime.settings import DragomanSettings


class ApiSettings(DragomanSettings):
    """Where the API listens, who may use it, and how much."""

    model_config = SettingsConfigDict(env_prefix="DRAGOMAN_API_")

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for all.")
    port: int = Field(8080, ge=0, le=65_535, description="Port to listen on; 0: any free one.")
    page: bool = Field(True, description="Serve the live page at /; False: the API alone.")
    keys: SecretStr = Field(
        SecretStr(""),
        description="API keys, separated by commas, each <name>:<key> or <key>; empty: nobody is let in. "
        "Two keys may share a name, to change one without a pause.",
    )
    viewer_token_secret: SecretStr = Field(
        SecretStr(""),
        description="Signs viewers' tokens; the same in all API processes. Empty: a random one, so that "
        "tokens end with the process.",
    )
    viewer_token_ttl_s: int = Field(
        86_400, ge=1, le=31_536_000, description="Seconds that a viewer's token is valid."
    )
    default_profile: str = Field(
        "cpu",
        pattern="^[a-z0-9-]{1,32}$",
        description="Worker profile of sessions that name none: mock, cpu, gpu.",
    )
    whisper_url: str = Field(
        "http://127.0.0.1:8001",
        description="Base URL of the whisper service, for POST /v1/audio/transcriptions and "
        "GET /v1/capabilities.",
    )
    translation_url: str = Field(
        "http://127.0.0.1:8002",
        description="Base URL of the translation service, for GET /v1/capabilities.",
    )
    whisper_timeout_s: float = Field(
        600.0, gt=0, le=86_400, description="Seconds until a file's transcription counts as failed."
    )
    admission: bool = Field(
        True,
        description="Refuse new sessions (503 overloaded) while the workers of their profile have no room. "
        "False: admit all; their audio waits.",
    )
    max_sessions: int = Field(1000, ge=1, description="Sessions that have not ended, in all.")
    max_sessions_per_key: int = Field(1000, ge=1, description="Sessions that have not ended, of one API key.")
    max_viewers: int = Field(5000, ge=1, description="Events sockets of one API process.")
    max_viewers_per_session: int = Field(
        2000, ge=1, description="Events sockets on one session, of one API process."
    )
    max_frame_bytes: int = Field(
        262_144, ge=1024, le=8_388_608, description="Bytes of one WebSocket message of a speaker."
    )
    max_messages_per_s: int = Field(
        500, ge=1, description="Messages a second that are read from one speaker; more wait on the wire."
    )
    max_body_bytes: int = Field(
        524_288_000, ge=1024, description="Bytes of an uploaded file (POST /v1/audio/transcriptions)."
    )
    idle_timeout_s: float = Field(
        120.0, gt=0, description="Seconds without a message until a speaker's socket is closed."
    )
    configure_timeout_s: float = Field(
        10.0, gt=0, description="Seconds until the first message of a speaker must have come."
    )
    abandoned_after_s: float = Field(
        3600.0, gt=0, description="Seconds without a speaker until a live session is ended."
    )
    backlog_limit_ms: int = Field(
        30_000,
        ge=1000,
        description="Milliseconds of audio that may wait for the worker before a speaker is read no further.",
    )
    backlog_patience_s: float = Field(
        30.0, gt=0, description="Seconds that a full backlog may stand still until the speaker is closed."
    )
    hold_ms: int = Field(
        10_000, ge=100, description="Milliseconds of audio that are held for one speaker while Redis is away."
    )
    viewer_queue: int = Field(256, ge=8, description="Messages that may wait for one socket's reader.")
    results_interval_ms: int = Field(
        20, ge=1, le=1000, description="Milliseconds between two reads of new results."
    )
