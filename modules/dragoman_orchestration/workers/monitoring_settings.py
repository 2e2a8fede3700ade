"""Settings of the monitoring worker."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from dragoman_runtime.settings import DragomanSettings


class MonitoringSettings(DragomanSettings):
    """What the monitoring worker looks at, and how often."""

    model_config = SettingsConfigDict(env_prefix="DRAGOMAN_MONITORING_")

    whisper_urls: str = Field(
        "http://127.0.0.1:8001", description="Base URLs of the whisper services, separated by commas."
    )
    translation_urls: str = Field(
        "",
        description="Base URLs of the translation services, separated by commas; empty: there are none.",
    )
    translation_key: SecretStr = Field(
        SecretStr(""), description="Key of the translation services, if they want one."
    )
    interval_s: float = Field(2.0, ge=0.1, le=60, description="Seconds between two looks at everything.")
    timeout_s: float = Field(
        2.0, gt=0, le=30, description="Seconds until a part that does not answer counts as away."
    )
    lease_ms: int = Field(
        5_000,
        ge=500,
        le=60_000,
        description="Milliseconds after which another monitor goes on where a silent one stopped.",
    )
    report_interval_s: float = Field(
        30.0, ge=1, le=3_600, description="Most seconds between two health reports; one follows each change."
    )
    usage_interval_s: float = Field(
        60.0, ge=1, le=3_600, description="Least seconds between two usage reports of an API key."
    )
    keep_events_s: int = Field(
        86_400, ge=60, description="Seconds that stream:monitoring keeps what it was told."
    )
    listed_sessions: int = Field(
        100, ge=1, le=2_000, description="Sessions that the overview shows one by one; sums are of all."
    )
    forget_gone_s: float = Field(
        900.0, ge=10, description="Seconds after which a lost process without successor is missed no more."
    )
    bot_restart_after_s: float = Field(
        300.0, ge=10, description="Seconds that a bot is degraded until its runner is replaced."
    )

    @field_validator("whisper_urls", "translation_urls")
    @classmethod
    def _are_urls(cls, value: str) -> str:
        for url in split_urls(value):
            if urlsplit(url).scheme not in {"http", "https"}:
                raise ValueError("each must begin with http:// or https://")
        return value

    @property
    def service_urls(self) -> dict[str, list[str]]:
        """The services' URLs by kind."""
        return {"whisper": split_urls(self.whisper_urls), "translation": split_urls(self.translation_urls)}


def split_urls(value: str) -> list[str]:
    """The URLs of a list with commas."""
    return [url.strip().rstrip("/") for url in value.split(",") if url.strip()]
