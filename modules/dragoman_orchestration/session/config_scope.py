"""What a session sets of the runtime configuration: the last scope, kept in its record."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dragoman_contracts.config import SESSION_SECTIONS, ConfigDocument, ConfigValues, PresetName
from dragoman_contracts.errors import InvalidInput


class SessionConfig(BaseModel):
    """The preset that a session names, and its own values over it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preset: PresetName | None = Field(None, description="Preset of the configuration.", examples=["lecture"])
    values: ConfigValues = Field(
        ConfigValues(),
        description="Own values of the sections voice_activity, recognition and partials.",
        examples=[{"voice_activity": {"min_silence_ms": 700}}],
    )

    def encode(self) -> bytes:
        """As the record holds it; empty if nothing is set."""
        if self == NOTHING_SET:
            return b""
        return self.model_dump_json(exclude_none=True, exclude_defaults=True).encode()

    @classmethod
    def decode(cls, raw: bytes | None) -> SessionConfig:
        """Of the record's field; nothing where it cannot be read, as one that a newer version wrote."""
        try:
            return cls.model_validate_json(raw) if raw else NOTHING_SET
        except ValidationError:
            return NOTHING_SET


NOTHING_SET = SessionConfig()


def checked_scope(config: SessionConfig, document: ConfigDocument) -> SessionConfig:
    """The same, if it is possible under this configuration.

    Raises:
        InvalidInput: it sets what belongs to the installation, or names a preset that does not exist.

    """
    foreign = [name for name in config.values.set_values() if name not in SESSION_SECTIONS]
    if foreign:
        raise InvalidInput(
            f"config.{foreign[0]} belongs to the installation, not to a session",
            remedy=f"A session may set {', '.join(SESSION_SECTIONS)}; PATCH /v1/config sets the others.",
        )
    if config.preset is not None and config.preset not in document.presets:
        known = ", ".join(sorted(document.presets)) or "none"
        raise InvalidInput(
            f"there is no preset {config.preset}",
            remedy=f"There are: {known}. PUT /v1/config/presets/{{name}} makes one.",
        )
    return config
