"""What can be changed while the service runs: ``GET|PUT /config``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dragoman_contracts.config import WhisperService as WantedConfig
from dragoman_contracts.errors import InvalidInput


class DecodeConfig(BaseModel):
    """How windows are batched and decoded."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    batch_max: int = Field(1, ge=1, le=256, description="Windows of different sessions in one engine call.")
    batch_wait_ms: float = Field(
        0,
        ge=0,
        le=100,
        description="How long a busy engine waits for a fuller batch; a lone window never waits.",
    )
    beam_size: int = Field(5, ge=1, le=16, description="Beams for windows that are not fast.")
    fast_beam_size: int = Field(1, ge=1, le=16, description="Beams for fast windows (drafts).")
    no_speech_threshold: float = Field(
        0.6, ge=0, le=1, description="Probability of silence above which an unsure hypothesis is dropped."
    )
    log_prob_threshold: float = Field(
        -1.0, ge=-10, le=0, description="Average log probability below which a hypothesis counts as unsure."
    )
    compression_ratio_threshold: float = Field(
        2.4, ge=1, le=10, description="zlib ratio of a text above which it counts as a repetition loop."
    )
    temperature_fallbacks: int = Field(
        1, ge=0, le=2, description="How often an unsure or looping window is sampled again (0.4, then 0.8)."
    )
    max_repeats: int = Field(
        3, ge=1, le=20, description="How often in a row a phrase may stand before the rest is cut."
    )

    def over(self, requested: WantedConfig) -> DecodeConfig:
        """These values with what was requested over them.

        Raises:
            InvalidInput: a value is not possible.

        """
        try:
            return DecodeConfig.model_validate(self.model_dump() | requested.set_values())
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False, include_context=False)[0]
            field = ".".join(str(part) for part in wrong["loc"])
            raise InvalidInput(f"{field}: {wrong['msg'].removeprefix('Value error, ')}") from None
