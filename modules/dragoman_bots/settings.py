"""Settings of a runner: what it may reach, which browser it drives, and how long it waits."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from dragoman_runtime.addresses import Network, parse_networks
from dragoman_runtime.settings import DragomanSettings

MEDIA_PROTOCOLS = frozenset({"http", "https", "rtmp", "rtmps", "rtsp", "srt"})
"""What FFmpeg may be asked to read, besides files."""


class BotRunnerSettings(DragomanSettings):
    """The process that joins a meeting or reads a stream."""

    model_config = SettingsConfigDict(env_prefix="DRAGOMAN_BOT_RUNNER_")

    ALLOW_SETTING: ClassVar[str] = "DRAGOMAN_BOT_RUNNER_ALLOWED_NETWORKS"

    chromium: str = Field("", description="Path of Chromium or Chrome; empty: the first on PATH.")
    chromium_args: str = Field(
        "", description="Further arguments of Chromium, separated by spaces, such as --proxy-pac-url=…."
    )
    headless: bool = Field(True, description="Whether Chromium runs without a window.")
    sandbox: Literal["auto", "on", "off"] = Field(
        "auto", description="Chromium's sandbox: on, off, or auto: off for root only, who cannot have it."
    )
    recipes: str = Field(
        "", description="Folder with further recipes (*.toml); one of the same name replaces a built-in one."
    )
    protocols: str = Field(
        ",".join(sorted(MEDIA_PROTOCOLS)),
        description="Protocols that the media driver may read, of http, https, rtmp, rtmps, rtsp, srt.",
    )
    allow_files: bool = Field(
        False, description="Whether the media driver may read files of the runner's machine (file:///…)."
    )
    allow_private: bool = Field(
        False,
        description="Whether URLs may lead to loopback and private addresses. Link-local ones never.",
    )
    allowed_networks: str = Field(
        "",
        description="Networks that URLs may lead to though not public, such as 10.1.0.0/16,fd12::/48.",
    )
    tls_verify: bool = Field(
        True, description="Whether the media driver refuses https servers whose certificate is not valid."
    )
    ca_file: str = Field(
        "",
        description="Authorities that the media driver trusts, as PEM; empty: SSL_CERT_FILE, else certifi's.",
    )
    open_timeout_s: float = Field(
        15.0, gt=0, le=300, description="Seconds until a source that does not open counts as failed."
    )
    read_timeout_s: float = Field(
        15.0, gt=0, le=300, description="Seconds without data until a source counts as dropped."
    )
    reconnect_s: float = Field(
        60.0, ge=0, le=3600, description="Seconds that a source which dropped is tried again."
    )
    ends_with_pid: int = Field(
        0, ge=0, description="Process that the runner must not outlive; 0: none. Set by dragoman up."
    )
    join_timeout_s: float = Field(
        90.0, gt=0, le=3600, description="Seconds from the start until a meeting is joined or waited for."
    )
    hang_s: float = Field(
        20.0, gt=0, le=300, description="Seconds until a page that answers nothing is hung."
    )
    leave_timeout_s: float = Field(
        15.0, gt=0, le=300, description="Seconds for leaving politely; then the browser is killed."
    )
    silence_dbfs: float = Field(
        -50.0, ge=-120, le=0, description="Audio whose peak stays below this level counts as silence."
    )

    @field_validator("protocols")
    @classmethod
    def _are_known(cls, value: str) -> str:
        if unknown := split(value) - MEDIA_PROTOCOLS:
            raise ValueError(f"{', '.join(sorted(unknown))} is none of {', '.join(sorted(MEDIA_PROTOCOLS))}")
        return value

    @field_validator("allowed_networks")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        parse_networks(value)
        return value

    @property
    def media_protocols(self) -> frozenset[str]:
        """``protocols`` as a set."""
        return split(self.protocols)

    @property
    def networks(self) -> tuple[Network, ...]:
        """``allowed_networks``, parsed."""
        return parse_networks(self.allowed_networks)


def split(text: str) -> frozenset[str]:
    """The parts of a comma-separated list."""
    return frozenset(part.strip().lower() for part in text.split(",") if part.strip())
