"""Bodies of the REST API about the runtime configuration; its values are ``dragoman_contracts.config``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, Field

from dragoman_contracts.config import ChangeState, ConfigValues, PresetName, Scope
from dragoman_orchestration.api.schemas import EXAMPLE_ID, EXAMPLE_TIME, moment
from dragoman_orchestration.config.document import FieldChange
from dragoman_orchestration.config.records import ChangeRecord, VersionRecord
from dragoman_orchestration.config.state import ConfigState
from dragoman_runtime.http_service import ProblemError

Name = Annotated[
    PresetName, Path(description="1 to 64 small letters, digits and hyphens.", examples=["lecture"])
]

EXAMPLE_CHECKSUM = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class ConfigView(BaseModel):
    """What is set for the whole installation."""

    values: ConfigValues = Field(description="Only what is set; the rest is as each process was started.")
    version: int = Field(description="0: nothing was ever set.", examples=[7])
    checksum: str = Field(description="Of all scopes together.", examples=[EXAMPLE_CHECKSUM])
    changed_at: datetime | None = Field(examples=[EXAMPLE_TIME])
    changed_by: str = Field(description="Name of the API key.", examples=["admin"])
    presets: list[str] = Field(description="Names of all presets.", examples=[["lecture"]])

    @classmethod
    def of(cls, state: ConfigState) -> ConfigView:
        """From the version in force."""
        return cls(
            values=state.document.system,
            version=state.version,
            checksum=state.checksum,
            changed_at=_moment(state.changed_ms),
            changed_by=state.changed_by,
            presets=sorted(state.document.presets),
        )


class PresetView(BaseModel):
    """A preset."""

    name: str = Field(examples=["lecture"])
    values: ConfigValues = Field(description="Only what is set.")
    version: int = Field(description="Of the whole configuration.", examples=[7])


class PresetNames(BaseModel):
    """The presets."""

    presets: list[str] = Field(examples=[["interview", "lecture"]])
    version: int = Field(description="Of the whole configuration.", examples=[7])


class EffectiveConfig(BaseModel):
    """What a new session runs with, and where each value comes from."""

    profile: str = Field(examples=["cpu"])
    preset: str | None = Field(examples=["lecture"])
    version: int = Field(examples=[7])
    started_by: str | None = Field(
        description="The audio worker whose own settings are the defaults; null: none runs, and what no "
        "other scope sets is left out.",
        examples=["host-1-4711-0f3c1d"],
    )
    values: dict[str, dict[str, Any]] = Field(
        description="By section.", examples=[{"voice_activity": {"threshold": 0.5, "min_silence_ms": 700}}]
    )
    provenance: dict[str, Scope] = Field(
        description="The scope of each `section.field`.",
        examples=[{"voice_activity.threshold": "defaults", "voice_activity.min_silence_ms": "preset"}],
    )


class VersionSummary(BaseModel):
    """A version that was in force."""

    version: int = Field(examples=[7])
    checksum: str = Field(examples=[EXAMPLE_CHECKSUM])
    changed_at: datetime | None = Field(examples=[EXAMPLE_TIME])
    changed_by: str = Field(examples=["admin"])
    change_id: str = Field(examples=[EXAMPLE_ID])

    @classmethod
    def of(cls, record: VersionRecord) -> VersionSummary:
        """From the history's record."""
        return cls(
            version=record.version,
            checksum=record.checksum,
            changed_at=_moment(record.changed_ms),
            changed_by=record.changed_by,
            change_id=record.change_id,
        )


class VersionView(VersionSummary):
    """A version with all that it set."""

    document: dict[str, Any] = Field(examples=[{"system": {"whisper": {"beam_size": 3}}, "presets": {}}])


class History(BaseModel):
    """The newest versions first; the last 100 are kept."""

    versions: list[VersionSummary]
    next_before: int | None = Field(
        description="Give it as `before` for the next page; null: there is none.", examples=[3]
    )


class FieldDifference(BaseModel):
    """A field that two versions differ in; null where it is not set."""

    path: str = Field(examples=["system.whisper.beam_size"])
    before: Any = Field(examples=[5])
    after: Any = Field(examples=[3])


class ConfigDiff(BaseModel):
    """What differs between two versions."""

    from_version: int = Field(examples=[6])
    to_version: int = Field(examples=[7])
    changes: list[FieldDifference]


class ConfigPreview(BaseModel):
    """What a change would do; nothing was changed. Whether the services take the values, only they know."""

    dry_run: bool = Field(True, examples=[True])
    from_version: int = Field(examples=[7])
    checksum: str = Field(description="That the configuration would have.", examples=[EXAMPLE_CHECKSUM])
    changes: list[FieldDifference]
    document: dict[str, Any] = Field(
        description="That would be in force.", examples=[{"system": {"whisper": {"beam_size": 3}}}]
    )


class ConfigChange(BaseModel):
    """A requested change and what became of it."""

    change_id: str = Field(examples=[EXAMPLE_ID])
    state: ChangeState = Field(
        description="`requested` and `applying` are not decided yet.", examples=["applied"]
    )
    version: int | None = Field(description="That it made.", examples=[8])
    code: str | None = Field(description="Why it was not made.", examples=[None])
    message: str | None = Field(examples=[None])
    errors: list[ProblemError] = Field(description="The fields that were wrong.")
    services: dict[str, str] = Field(
        description="For each service `in_sync`, or why not. One that is `away` gets the configuration when "
        "it returns.",
        examples=[{"whisper 127.0.0.1:8001": "in_sync"}],
    )
    requested_by: str = Field(examples=["admin"])
    requested_at: datetime | None = Field(examples=[EXAMPLE_TIME])
    decided_at: datetime | None = Field(examples=[EXAMPLE_TIME])

    @classmethod
    def of(cls, record: ChangeRecord) -> ConfigChange:
        """From its record."""
        is_made = record.state is ChangeState.APPLIED
        return cls(
            change_id=record.change_id,
            state=record.state,
            version=record.version if is_made else None,
            code=record.code or None,
            message=record.message or None,
            errors=[ProblemError(location=one.location, message=one.message) for one in record.errors],
            services=record.services,
            requested_by=record.requested_by,
            requested_at=_moment(record.requested_ms),
            decided_at=_moment(record.decided_ms),
        )


class Rollback(BaseModel):
    """Which version is wanted again."""

    model_config = {"extra": "forbid"}

    to_version: int = Field(ge=0, description="0: nothing is set.", examples=[6])


def differences(changes: Sequence[FieldChange]) -> list[FieldDifference]:
    """As bodies have them."""
    return [FieldDifference(path=one.path, before=one.before, after=one.after) for one in changes]


def _moment(unix_ms: int) -> datetime | None:
    return moment(unix_ms / 1000) if unix_ms else None
