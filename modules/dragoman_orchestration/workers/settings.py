"""Settings of the audio worker."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from dragoman_orchestration.workers.ladder import LadderLimits, Step
from dragoman_runtime.settings import DragomanSettings

Profile = Literal["mock", "cpu", "gpu", "npu"]


class AudioWorkerSettings(DragomanSettings):
    """What one audio worker takes on and how it listens."""

    model_config = SettingsConfigDict(env_prefix="DRAGOMAN_AUDIO_")

    profile: Profile = Field("cpu", description="Which sessions to lease: mock, cpu, gpu or npu.")
    whisper_url: str = Field("http://127.0.0.1:8001", description="Base URL of the whisper service.")
    whisper_timeout_s: float = Field(
        15.0, gt=0, description="Seconds until an answer of the whisper service counts as late."
    )
    whisper_connections: int = Field(
        0,
        ge=0,
        le=1_000,
        description="Windows under way at the whisper service at once; 0 is the profile's (4, 8 or 32).",
    )
    translation_url: str = Field(
        "", description="Base URL of the translation service; empty: nothing is translated."
    )
    translation_timeout_s: float = Field(
        10.0, gt=0, description="Seconds until an answer of the translation service counts as late."
    )
    translation_connections: int = Field(
        32, ge=1, le=1_000, description="Requests under way at the translation service at once."
    )
    translation_patience_s: float = Field(
        10.0,
        ge=0,
        description="Seconds that a session's end waits for translations; what is missing then has failed.",
    )
    draft_latency_ms: int = Field(
        700, ge=0, description="Milliseconds that a translator may take if drafts are to be asked; 0: none."
    )
    draft_interval_ms: int = Field(
        300, ge=50, description="Least milliseconds between two drafts of a session in one language."
    )
    max_sessions: int = Field(250, ge=1, description="Sessions that one worker leases at most.")
    lease_ms: int = Field(
        2_000, ge=200, description="Milliseconds after which another worker takes a silent worker's sessions."
    )
    read_interval_ms: int = Field(
        20, ge=5, le=1_000, description="Milliseconds between two reads of all sessions' audio."
    )
    read_ahead_ms: int = Field(
        20_000, ge=2_000, description="Milliseconds of audio held unfinished; more waits in Redis."
    )
    idle_timeout_s: float = Field(
        300.0, gt=0, description="Seconds without any audio after which a session is ended."
    )
    retention_s: int = Field(
        86_400, ge=1, description="Seconds that an ended session's transcript and ledger can be read."
    )
    lag_notice_ms: int = Field(
        2_000, ge=100, description="Milliseconds behind after which viewers are told (session.lag)."
    )
    vad: Literal["auto", "silero", "energy"] = Field(
        "auto",
        description="Voice activity: silero, energy, or auto: energy in the mock profile, else silero.",
    )
    vad_threshold: float = Field(0.5, gt=0, lt=1, description="Speech probability from which speech begins.")
    min_silence_ms: int = Field(
        416, ge=64, le=5_000, description="Milliseconds of silence that end an utterance."
    )
    max_utterance_ms: int = Field(
        12_000,
        ge=2_000,
        le=28_000,
        description="Milliseconds after which speech without a pause is cut at its quietest point.",
    )
    min_step_ms: int = Field(
        320, ge=50, description="Least milliseconds of new audio between two drafts of an utterance."
    )
    max_step_ms: int = Field(
        2_000, ge=50, description="Most milliseconds of new audio between two drafts under load."
    )

    degradation: str = Field(
        ",".join(Step),
        description="What is given up under overload, in this order; none: nothing.",
    )
    degrade_lag_ms: int = Field(
        1_500, ge=100, description="Milliseconds of lag above which a step of degradation is taken."
    )
    degrade_after_s: float = Field(
        6.0, ge=0, description="Seconds that the lag stays above that before each step."
    )
    recover_lag_ms: int = Field(
        500, ge=0, description="Milliseconds of lag below which a step is taken back; under degrade_lag_ms."
    )
    recover_after_s: float = Field(
        5.0, ge=0, description="Seconds that the lag stays below that before each step back."
    )
    fallback_whisper_url: str = Field(
        "",
        description="Base URL of a whisper service with a smaller model for overload; empty: there is none.",
    )

    @field_validator("degradation")
    @classmethod
    def _are_steps(cls, value: str) -> str:
        names = _names(value)
        if unknown := [name for name in names if name not in set(Step)]:
            raise ValueError(f"{unknown[0]!r} is no step; known are {', '.join(Step)}")
        if len(set(names)) < len(names):
            raise ValueError("a step is named twice")
        return value

    @field_validator("recover_lag_ms")
    @classmethod
    def _is_under_the_other(cls, value: int, info: ValidationInfo) -> int:
        if value > info.data.get("degrade_lag_ms", value):
            raise ValueError("it must not be above DRAGOMAN_AUDIO_DEGRADE_LAG_MS")
        return value

    @property
    def ladder_steps(self) -> tuple[Step, ...]:
        """The steps of degradation in their order."""
        return tuple(Step(name) for name in _names(self.degradation))

    @property
    def ladder_limits(self) -> LadderLimits:
        """When a step is taken and taken back."""
        return LadderLimits(
            degrade_lag_ms=self.degrade_lag_ms,
            degrade_after_s=self.degrade_after_s,
            recover_lag_ms=self.recover_lag_ms,
            recover_after_s=self.recover_after_s,
        )

    @property
    def connections(self) -> int:
        """Connections to the whisper service: what its engine can use. httpx looks at each for each call."""
        return self.whisper_connections or {"mock": 4, "cpu": 8}.get(self.profile, 32)

    @property
    def use_silero(self) -> bool:
        """Whether the Silero network is wanted."""
        return self.vad == "silero" or (self.vad == "auto" and self.profile != "mock")


def _names(value: str) -> list[str]:
    return [] if value.strip() == "none" else [name.strip() for name in value.split(",") if name.strip()]
