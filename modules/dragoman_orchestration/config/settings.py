"""Settings of config sync: of the config worker, and of an API that applies changes itself."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from dragoman_runtime.settings import DragomanSettings


class ConfigSyncSettings(DragomanSettings):
    """Which services the runtime configuration is pushed to, by whom, and how they are watched."""

    model_config = SettingsConfigDict(env_prefix="DRAGOMAN_CONFIG_")

    sync_mode: Literal["worker", "api"] = Field(
        "worker",
        description="Who applies changes: worker, or api: the API itself, in an installation of one process "
        "that runs no config worker.",
    )
    whisper_urls: str = Field(
        "http://127.0.0.1:8001",
        description="Base URLs of all whisper services, separated by commas; none: there are none.",
    )
    translation_urls: str = Field(
        "http://127.0.0.1:8002",
        description="Base URLs of all translation services, separated by commas; none: there are none.",
    )
    translation_key: SecretStr = Field(
        SecretStr(""),
        description="Key that the translation services want (one of their DRAGOMAN_TRANSLATION_API_KEYS); "
        "empty: none is sent.",
    )
    service_timeout_s: float = Field(
        1.5, gt=0, le=60, description="Seconds until a service that does not answer counts as away."
    )
    drift_interval_s: float = Field(
        2.0, gt=0, le=3600, description="Seconds between two looks at what the services run with."
    )
    repair_attempts: int = Field(
        5, ge=1, le=1_000, description="Repairs of a service that drifted until they are given up."
    )
    lease_ms: int = Field(
        3_000,
        ge=200,
        description="Milliseconds after which another config worker goes on in place of one that died.",
    )
    events_kept_s: int = Field(86_400, ge=60, description="Seconds that stream:config-sync keeps its events.")

    @field_validator("whisper_urls", "translation_urls")
    @classmethod
    def _are_http_urls(cls, value: str) -> str:
        for url in _urls(value):
            if not _is_http(url):
                raise ValueError("each must begin with http:// or https:// and name a host")
        return value

    @property
    def whisper(self) -> list[str]:
        """The whisper services."""
        return _urls(self.whisper_urls)

    @property
    def translation(self) -> list[str]:
        """The translation services."""
        return _urls(self.translation_urls)

    @property
    def turn_s(self) -> float:
        """The longest that a change may take: pushed to all, pushed back, and Redis' part."""
        return 2 * self.service_timeout_s + 1

    @property
    def turn_lease_s(self) -> float:
        """How long the turn of a process that died is kept."""
        return self.turn_s + 1

    @property
    def patience_s(self) -> float:
        """How long to wait for a turn: until that of a leader that died is over."""
        return max(0.0, self.turn_lease_s - self.lease_ms / 1000) + 0.5


def _urls(text: str) -> list[str]:
    if text.strip() == "none":
        return []
    return list(dict.fromkeys(url.strip().rstrip("/") for url in text.split(",") if url.strip()))


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
