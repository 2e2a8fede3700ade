"""What can be changed while the service runs: ``GET|PUT /config``."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from dragoman_contracts.config import TranslationService as WantedConfig
from dragoman_contracts.errors import InvalidInput, UnknownLanguage
from dragoman_runtime.languages import canonical

EngineName = Literal["mock", "ctranslate2", "apertium", "openai_chat"]


class TranslateConfig(BaseModel):
    """Which engines are asked in which order, and how texts are batched and decoded."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engines: list[str] = Field(
        [],
        description="Engines in the order in which they are asked; empty is the order of the settings.",
        examples=[["ctranslate2", "apertium"]],
    )
    pivot: str = Field(
        "en",
        description="Language that a pair goes through which no engine has directly; empty: none.",
        examples=["en"],
    )
    batch_max: int = Field(
        32, ge=1, le=256, description="Texts of one language pair, of any sessions, in one engine call."
    )
    batch_wait_ms: float = Field(
        0,
        ge=0,
        le=100,
        description="How long a busy engine waits for a fuller batch; a lone text never waits.",
    )
    beam_size: int = Field(1, ge=1, le=16, description="Beams for texts that are not fast.")
    fast_beam_size: int = Field(1, ge=1, le=16, description="Beams for fast texts (drafts).")

    @field_validator("pivot")
    @classmethod
    def _is_language(cls, value: str) -> str:
        try:
            return canonical(value) if value else ""
        except UnknownLanguage as error:
            raise ValueError(error.message) from None

    @field_validator("engines")
    @classmethod
    def _each_once(cls, value: list[str]) -> list[str]:
        if len(set(value)) != len(value):
            raise ValueError("each engine may be named once")
        return value

    def over(self, requested: WantedConfig) -> TranslateConfig:
        """These values with what was requested over them.

        Raises:
            InvalidInput: a value is not possible.

        """
        try:
            return TranslateConfig.model_validate(self.model_dump() | requested.set_values())
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False, include_context=False)[0]
            field = ".".join(str(part) for part in wrong["loc"])
            raise InvalidInput(f"{field}: {wrong['msg'].removeprefix('Value error, ')}") from None
