"""Settings of webhooks, for the API that takes endpoints and for the workers that deliver."""

from __future__ import annotations

from functools import cached_property

from pydantic import Field, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from dragoman_runtime.addresses import Network, parse_networks
from dragoman_runtime.settings import DragomanSettings

MAX_RETRY_S = 86_400
ALLOWED_SETTING = "DRAGOMAN_WEBHOOKS_ALLOWED_NETWORKS"


class WebhookSettings(DragomanSettings):
    """Which receivers are allowed, and how hard they are tried."""

    model_config = SettingsConfigDict(env_prefix="DRAGOMAN_WEBHOOKS_")

    allow_http: bool = Field(False, description="Take endpoints with http://, whose bodies anybody can read.")
    allowed_networks: str = Field(
        "",
        description="Networks that are not public and may be called all the same, separated by commas, "
        "as 10.1.0.0/16,fd12::/48.",
    )
    timeout_s: float = Field(
        10.0,
        gt=0,
        le=60,
        description="Seconds for one attempt in all, from the name's address to the answer.",
    )
    retry_after_s: str = Field(
        "5,30,120,600,1800,7200,18000,36000,22000",
        description="Seconds between the attempts, separated by commas, a day at most in all; each is up to "
        "20 % shorter by chance.",
    )
    concurrency: int = Field(32, ge=1, le=1000, description="Attempts under way at once, of one process.")
    endpoint_concurrency: int = Field(
        4, ge=1, le=100, description="Attempts under way at once to one endpoint; one while it fails."
    )
    retention_s: int = Field(
        259_200,
        ge=3600,
        le=2_592_000,
        description="Seconds that a delivery can be read and sent again after its last attempt.",
    )
    max_logged: int = Field(
        1000,
        ge=10,
        le=100_000,
        description="Ended deliveries that are kept of one endpoint; those of the last hour always are.",
    )
    max_waiting: int = Field(
        10_000, ge=1, le=100_000, description="Deliveries that may wait for one endpoint; more are dropped."
    )
    disable_after_s: int = Field(
        432_000,
        ge=60,
        description="Seconds that an endpoint may fail without a success until it is disabled.",
    )
    max_endpoints_per_key: int = Field(20, ge=1, le=1000, description="Endpoints of one API key.")
    max_endpoints: int = Field(1000, ge=1, le=100_000, description="Endpoints in all.")

    @field_validator("allowed_networks")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        parse_networks(value)
        return value

    @field_validator("retry_after_s")
    @classmethod
    def _is_schedule(cls, value: str) -> str:
        try:
            pauses = [float(part) for part in value.split(",") if part.strip()]
        except ValueError:
            raise ValueError("it must be numbers with commas between") from None
        if any(not 0 < pause <= MAX_RETRY_S for pause in pauses) or sum(pauses) > MAX_RETRY_S:
            raise ValueError(f"each must be above 0, and all together at most {MAX_RETRY_S}")
        return value

    @model_validator(mode="after")
    def _lasts(self) -> WebhookSettings:
        if self.max_endpoints < self.max_endpoints_per_key:
            raise ValueError("max_endpoints must not be below max_endpoints_per_key")
        return self

    @cached_property
    def networks(self) -> tuple[Network, ...]:
        """``allowed_networks``, read."""
        return parse_networks(self.allowed_networks)

    @cached_property
    def pauses_s(self) -> tuple[float, ...]:
        """``retry_after_s``, read."""
        return tuple(float(part) for part in self.retry_after_s.split(",") if part.strip())

    @property
    def attempts(self) -> int:
        """Attempts of a delivery at most."""
        return len(self.pauses_s) + 1
