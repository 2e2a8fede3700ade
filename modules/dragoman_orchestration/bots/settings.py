"""Settings of bots that the API and the workers share."""

from __future__ import annotations

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from dragoman_contracts.bots import MEDIA_SCHEMES, RECIPES
from dragoman_runtime.addresses import Network, parse_networks
from dragoman_runtime.settings import DragomanSettings


class BotSettings(DragomanSettings):
    """What may be asked of bots, how many there may be, and how long they are remembered."""

    model_config = SettingsConfigDict(env_prefix="DRAGOMAN_BOTS_")

    max_per_key: int = Field(100, ge=1, le=100_000, description="Bots of one API key that have not ended.")
    retention_s: int = Field(
        86_400, ge=60, le=2_592_000, description="Seconds that a bot which has ended can be read."
    )
    schemes: str = Field(
        ",".join(sorted(MEDIA_SCHEMES - {"file"})),
        description="Schemes of URLs that media bots may be sent to, of "
        f"{', '.join(sorted(MEDIA_SCHEMES))}; the runner has to allow them, too.",
    )
    recipes: str = Field(
        ",".join(RECIPES), description="Recipes that browser bots may be asked to go by, separated by commas."
    )
    allow_private: bool = Field(
        False,
        description="Whether bots may be sent to loopback and private addresses. Link-local ones never.",
    )
    allowed_networks: str = Field(
        "",
        description="Networks that bots may be sent to though they are not public, such as 10.1.0.0/16.",
    )

    @field_validator("schemes")
    @classmethod
    def _are_known(cls, value: str) -> str:
        if unknown := set(_split(value)) - MEDIA_SCHEMES:
            raise ValueError(f"{', '.join(sorted(unknown))} is none of {', '.join(sorted(MEDIA_SCHEMES))}")
        return value

    @field_validator("allowed_networks")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        parse_networks(value)
        return value

    @property
    def media_schemes(self) -> frozenset[str]:
        """``schemes`` as a set."""
        return frozenset(_split(self.schemes))

    @property
    def recipe_names(self) -> tuple[str, ...]:
        """``recipes``, one by one."""
        return tuple(_split(self.recipes))

    @property
    def networks(self) -> tuple[Network, ...]:
        """``allowed_networks``, parsed."""
        return parse_networks(self.allowed_networks)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
