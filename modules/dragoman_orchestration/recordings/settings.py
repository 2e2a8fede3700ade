"""Settings of recordings; the same for the API and the audio workers."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from dragoman_runtime.settings import DragomanSettings


class RecordingSettings(DragomanSettings):
    """Where the audio of recorded sessions is kept and how long; for the API and the audio workers alike."""

    model_config = SettingsConfigDict(env_prefix="DRAGOMAN_RECORDINGS_")

    dir: str = Field(
        "",
        description="Folder of the recordings, the same for the API and all audio workers of an installation "
        "and for no other one; empty: recordings are not kept here.",
    )
    keep_s: int = Field(
        604_800,
        ge=60,
        description="Seconds that an ended session's recording is kept, and not longer than the session.",
    )
