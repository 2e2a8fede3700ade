"""Settings of the commands that are clients, ``DRAGOMAN_CLIENT_*``."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from dragoman_runtime.settings import DragomanSettings


class ClientSettings(DragomanSettings):
    """Which server ``dragoman transcribe`` speaks to."""

    model_config = SettingsConfigDict(env_prefix="DRAGOMAN_CLIENT_")

    server: str = Field(
        "",
        description="Address of the API, as http://127.0.0.1:8080; empty: all is started for the call.",
    )
    key: SecretStr = Field(SecretStr(""), description="API key that dragoman transcribe sends.")
