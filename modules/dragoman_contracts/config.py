"""The runtime configuration: what can be changed while sessions run.

Values come in scopes, each over the one before: **defaults** (what a process was started with), **system**, a
named **preset**, the **session**. A document holds only what was set; None means "as the scope before". Times
have their unit in their name. ``GET /v1/config/schema`` serves the JSON Schema of ``ConfigValues``.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

SESSION_SECTIONS = ("voice_activity", "recognition", "partials")
"""Sections that a preset or a session may set: the others belong to the installation."""
MAX_PRESETS = 200

PresetName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
RuleName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
EngineName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,40}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]


class Scope(StrEnum):
    """Where a value comes from; later ones win."""

    DEFAULTS = "defaults"
    SYSTEM = "system"
    PRESET = "preset"
    SESSION = "session"


class ConfigSection(BaseModel):
    """Base of the sections: all fields may be left out, none may be unknown."""

    # No NaN, no infinity: JSON has no word for them.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def set_values(self) -> dict[str, Any]:
        """Only what is set, as JSON's own types."""
        return self.model_dump(mode="json", exclude_none=True)


class VoiceActivity(ConfigSection):
    """When speech begins and ends."""

    threshold: float | None = Field(
        None, gt=0, lt=1, description="Speech probability from which speech begins.", examples=[0.5]
    )
    min_silence_ms: int | None = Field(
        None, ge=64, le=5_000, description="Silence that ends an utterance.", examples=[416]
    )


class Recognition(ConfigSection):
    """The window that grows over an utterance, and how often it is decoded."""

    max_utterance_ms: int | None = Field(
        None,
        ge=2_000,
        le=28_000,
        description="Speech without a pause is cut at its quietest point after this.",
        examples=[12_000],
    )
    min_step_ms: int | None = Field(
        None,
        ge=50,
        le=10_000,
        description="Least new audio between two drafts of an utterance.",
        examples=[320],
    )
    max_step_ms: int | None = Field(
        None, ge=50, le=10_000, description="Most new audio between two drafts under load.", examples=[2_000]
    )
    tail_guard_ms: int | None = Field(
        None,
        ge=0,
        le=2_000,
        description="Words that end this close to a window's end are not shown yet.",
        examples=[120],
    )


class Partials(ConfigSection):
    """Drafts: captions before their sentence is final."""

    enabled: bool | None = Field(
        None, description="False: finals only, also for sessions that ask for partials.", examples=[True]
    )
    min_probability: float | None = Field(
        None, ge=0, le=1, description="Unstable words less probable than this are not shown.", examples=[0.5]
    )
    translate_within_ms: int | None = Field(
        None,
        ge=0,
        le=60_000,
        description="Drafts are translated if the translator answers within this; 0: never.",
        examples=[700],
    )
    translate_every_ms: int | None = Field(
        None,
        ge=50,
        le=60_000,
        description="Least time between two translated drafts of a session.",
        examples=[300],
    )


class Degradation(ConfigSection):
    """What an overloaded audio worker gives up, and when."""

    steps: list[Literal["drop_partials", "delay_translation", "smaller_model", "refuse_sessions"]] | None = (
        Field(
            None, description="In this order; an empty list gives nothing up.", examples=[["drop_partials"]]
        )
    )
    degrade_lag_ms: int | None = Field(
        None, ge=100, le=600_000, description="Lag above which a step is taken.", examples=[1_500]
    )
    degrade_after_s: float | None = Field(
        None, ge=0, le=600, description="How long the lag stays above that before each step.", examples=[6]
    )
    recover_lag_ms: int | None = Field(
        None, ge=0, le=600_000, description="Lag below which a step is taken back.", examples=[500]
    )
    recover_after_s: float | None = Field(
        None,
        ge=0,
        le=600,
        description="How long the lag stays below that before each step back.",
        examples=[5],
    )


class SessionDefaults(ConfigSection):
    """What a new session gets that does not say otherwise."""

    profile: str | None = Field(
        None,
        pattern="^[a-z0-9-]{1,32}$",
        description="Worker profile, and with it the model.",
        examples=["cpu"],
    )
    preset: PresetName | None = Field(None, description="Preset of this configuration.", examples=["lecture"])
    language: str | None = Field(
        None, pattern="^[a-z]{2,3}$", description="Spoken language; left out: detected.", examples=["en"]
    )
    hotwords: str | None = Field(
        None, max_length=2_000, description="Names and terms that are likely.", examples=["Dragoman"]
    )
    targets: list[Language] | None = Field(
        None, max_length=20, description="Languages that sessions are translated into.", examples=[["es"]]
    )
    on_demand: bool | None = Field(
        None, description="Translate only into what a viewer subscribes to.", examples=[False]
    )
    drafts: bool | None = Field(None, description="False: only finals are translated.", examples=[True])
    formality: Literal["default", "formal", "informal"] | None = Field(None, examples=["default"])
    glossaries: list[str] | None = Field(
        None, max_length=20, description="Named sets of terms.", examples=[["medical"]]
    )


class WhisperService(ConfigSection):
    """Pushed to every whisper service; what its own ``PUT /config`` takes."""

    batch_max: int | None = Field(
        None, ge=1, le=256, description="Windows of different sessions in one engine call.", examples=[16]
    )
    batch_wait_ms: float | None = Field(
        None, ge=0, le=100, description="How long a busy engine waits for a fuller batch.", examples=[5]
    )
    beam_size: int | None = Field(
        None, ge=1, le=16, description="Beams for windows that are not fast.", examples=[5]
    )
    fast_beam_size: int | None = Field(
        None, ge=1, le=16, description="Beams for fast windows (drafts).", examples=[1]
    )
    no_speech_threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Probability of silence above which an unsure hypothesis is dropped.",
        examples=[0.6],
    )
    log_prob_threshold: float | None = Field(
        None,
        ge=-10,
        le=0,
        description="Average log probability below which a hypothesis counts as unsure.",
        examples=[-1.0],
    )
    compression_ratio_threshold: float | None = Field(
        None,
        ge=1,
        le=10,
        description="zlib ratio of a text above which it counts as a repetition loop.",
        examples=[2.4],
    )
    temperature_fallbacks: int | None = Field(
        None, ge=0, le=2, description="How often an unsure or looping window is sampled again.", examples=[1]
    )
    max_repeats: int | None = Field(
        None,
        ge=1,
        le=20,
        description="How often in a row a phrase may stand before the rest is cut.",
        examples=[3],
    )


class TranslationService(ConfigSection):
    """Pushed to every translation service; what its own ``PUT /config`` takes."""

    engines: list[EngineName] | None = Field(
        None,
        max_length=16,
        description="In the order in which they are asked; empty: the order of the service's settings.",
        examples=[["ctranslate2", "apertium"]],
    )
    pivot: Annotated[str, StringConstraints(pattern=r"^([A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*)?$")] | None = (
        Field(
            None,
            description="Language that a pair goes through which no engine has directly; empty: none.",
            examples=["en"],
        )
    )
    batch_max: int | None = Field(
        None, ge=1, le=256, description="Texts of one language pair in one engine call.", examples=[32]
    )
    batch_wait_ms: float | None = Field(
        None, ge=0, le=100, description="How long a busy engine waits for a fuller batch.", examples=[0]
    )
    beam_size: int | None = Field(
        None, ge=1, le=16, description="Beams for texts that are not fast.", examples=[1]
    )
    fast_beam_size: int | None = Field(
        None, ge=1, le=16, description="Beams for fast texts (drafts).", examples=[1]
    )

    @field_validator("engines")
    @classmethod
    def _each_once(cls, value: list[str] | None) -> list[str] | None:
        if value is not None and len(set(value)) != len(value):
            raise ValueError("each engine may be named once")
        return value


class Bots(ConfigSection):
    """Bounds and manners of bots that do not say otherwise."""

    display_name: str | None = Field(
        None, min_length=1, max_length=80, description="Name that a bot enters.", examples=["Dragoman"]
    )
    notice: str | None = Field(
        None,
        max_length=500,
        description="Posted to the chat on joining; empty: nothing.",
        examples=["This meeting is transcribed."],
    )
    max_waiting_room_s: float | None = Field(
        None, ge=1, le=86_400, description="Then the bot gives up waiting to be admitted.", examples=[600]
    )
    max_alone_s: float | None = Field(
        None, ge=1, le=86_400, description="Then the bot leaves a meeting that it is alone in.", examples=[60]
    )
    max_silence_s: float | None = Field(
        None,
        ge=1,
        le=86_400,
        description="Then the bot leaves a meeting in which nobody speaks.",
        examples=[1_800],
    )
    max_length_s: float | None = Field(
        None, ge=1, le=604_800, description="Then the bot leaves in any case.", examples=[14_400]
    )
    no_audio_notice_s: float | None = Field(
        None,
        ge=1,
        le=86_400,
        description="bot.degraded is told when no audio comes for this long.",
        examples=[30],
    )
    no_words_notice_s: float | None = Field(
        None,
        ge=1,
        le=86_400,
        description="bot.degraded is told when audio, but no words come for this long.",
        examples=[120],
    )


class AnomalyRule(ConfigSection):
    """When a measure of the monitoring worker is an anomaly, with hysteresis.

    It opens after ``measure`` was above ``above`` (or below ``below``) for ``for_s`` without a break, and
    closes after it was back past ``clear`` for ``clear_for_s``.
    """

    measure: str = Field(
        pattern="^[a-z][a-z0-9_]{0,63}$",
        description="GET /v1/system/overview lists them.",
        examples=["backlog_seconds"],
    )
    above: float | None = Field(None, examples=[5])
    below: float | None = Field(None, examples=[None])
    clear: float | None = Field(None, description="Left out: the same threshold.", examples=[2])
    for_s: float = Field(10, ge=0, le=86_400)
    clear_for_s: float = Field(10, ge=0, le=86_400)
    severity: Literal["info", "warning", "critical"] = "warning"
    enabled: bool = True


class Monitoring(ConfigSection):
    """Rules of the monitoring worker, by name, over its own of the same names."""

    rules: dict[RuleName, AnomalyRule] | None = Field(None, max_length=200)


class ConfigValues(ConfigSection):
    """What one scope sets."""

    voice_activity: VoiceActivity = VoiceActivity()
    recognition: Recognition = Recognition()
    partials: Partials = Partials()
    degradation: Degradation = Degradation()
    session: SessionDefaults = SessionDefaults()
    whisper: WhisperService = WhisperService()
    translation: TranslationService = TranslationService()
    bots: Bots = Bots()
    monitoring: Monitoring = Monitoring()

    def set_values(self) -> dict[str, Any]:
        """Only what is set, as JSON's own types; a section of which nothing is set is left out."""
        return {name: values for name, values in super().set_values().items() if values}


class ConfigDocument(BaseModel):
    """All that is set, in all scopes but the sessions'."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: ConfigValues = ConfigValues()
    presets: dict[PresetName, ConfigValues] = Field({}, max_length=MAX_PRESETS)

    def to_json(self) -> dict[str, Any]:
        """Only what is set."""
        return {
            "system": self.system.set_values(),
            "presets": {name: values.set_values() for name, values in sorted(self.presets.items())},
        }

    @property
    def checksum(self) -> str:
        """SHA-256 of the canonical JSON of what is set."""
        return checksum_of(self.to_json())


def checksum_of(values: object) -> str:
    """SHA-256 of the canonical JSON: sorted keys, no spaces. Two services that report the same one of what
    they were asked for run alike.
    """
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


class ChangeState(StrEnum):
    """What became of a requested change; the last three are final."""

    REQUESTED = "requested"
    APPLYING = "applying"
    APPLIED = "applied"
    REJECTED = "rejected"
    """It was not valid, or a service refused it: everything runs as before."""
    CONFLICT = "conflict"
    """Another change came first."""


class ServiceConfigState(BaseModel):
    """What ``GET|PUT /config`` of a whisper or translation service answers, as far as everybody reads it.

    ``config`` are the values in force, ``requested`` those that were asked for with ``PUT`` (the rest is what
    the process was started with), ``checksum`` is ``checksum_of(requested)``.
    """

    model_config = ConfigDict(extra="ignore")

    config: dict[str, Any]
    requested: dict[str, Any] = {}
    checksum: str
