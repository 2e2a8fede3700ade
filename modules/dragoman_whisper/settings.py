"""Settings of the whisper service, ``DRAGOMAN_WHISPER_*``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from dragoman_runtime.settings import DragomanSettings
from dragoman_whisper.config import DecodeConfig

Profile = Literal["mock", "cpu", "gpu", "npu"]


@dataclass(frozen=True, slots=True)
class ProfileDefaults:
    """What a profile chooses where no setting says otherwise."""

    engine: str
    device: str
    compute_type: str
    batch_max: int
    batch_wait_ms: float


PROFILES: dict[Profile, ProfileDefaults] = {
    "mock": ProfileDefaults("mock", "cpu", "", 64, 0),
    # On a CPU the encoder gains nothing from batches (8 windows cost 8 times one) and the decoder's gain is a
    # tenth of the whole: a batch would only make its first window wait for its last.
    "cpu": ProfileDefaults("faster_whisper", "cpu", "int8", 1, 0),
    "gpu": ProfileDefaults("faster_whisper", "cuda", "float16", 16, 5),
    "npu": ProfileDefaults("openvino", "npu", "", 1, 0),
}


class WhisperSettings(DragomanSettings):
    """Which engine and model, on what, and with which limits."""

    model_config = SettingsConfigDict(env_prefix="DRAGOMAN_WHISPER_")

    host: str = Field("127.0.0.1", description="Address that the service listens on.")
    port: int = Field(
        8001, ge=0, le=65_535, description="Port that the service listens on; 0 takes a free one."
    )
    profile: Profile = Field(
        "cpu", description="mock, cpu or gpu: engine, device, compute type and batch. (npu comes later.)"
    )
    model: str = Field(
        "base",
        description="Folder of a CTranslate2 Whisper model, or a hub name such as base or large-v3-turbo.",
    )
    download_dir: str = Field("", description="Folder for fetched models; empty is the hub's own cache.")
    offline: bool = Field(False, description="Never fetch a model; use folders and the cache only.")
    compute_type: str = Field(
        "", description="CTranslate2 compute type; empty is the profile's (cpu int8, gpu float16)."
    )
    engine_threads: int = Field(
        1, ge=1, le=16, description="Batches decoded at the same time, all on one model copy."
    )
    cpu_threads: int = Field(
        1, ge=1, le=64, description="Threads inside one decode on a CPU; 1 is best for live windows."
    )
    encoder: Literal["short", "full"] = Field(
        "short", description="short pads a window to the next encoder length; full pads it to Whisper's 30 s."
    )
    encoder_pad_ms: int = Field(
        1_500,
        ge=500,
        le=10_000,
        description="Silence in ms that a short encoder window has at least at its end.",
    )
    encoder_step_frames: int = Field(
        100, ge=2, le=3_000, description="Short encoder lengths are multiples of this many frames of 10 ms."
    )
    encoder_min_frames: int = Field(
        300, ge=100, le=3_000, description="Frames of 10 ms that the shortest encoder window has."
    )
    hub_url: str = Field("", description="Mirror of the model hub; empty is the hub itself.")
    batch_max: int = Field(0, ge=0, le=256, description="Windows in one engine call; 0 is the profile's.")
    batch_wait_ms: float = Field(
        -1, ge=-1, le=100, description="ms that a busy engine waits for a fuller batch; -1 is the profile's."
    )
    queue_max: int = Field(
        512, ge=1, description="Windows that may wait; more are answered 503 with Retry-After."
    )
    session_queue_max: int = Field(16, ge=1, description="Windows of one session that may wait.")
    beam_size: int = Field(5, ge=1, le=16, description="Beams for final windows and files.")
    file_max_mb: int = Field(25, ge=1, description="Largest file that is transcribed, in MB.")
    file_max_minutes: int = Field(180, ge=1, description="Longest file that is transcribed, in minutes.")
    file_chunk_s: float = Field(8, ge=1, le=29, description="Seconds of speech that a file is cut into.")
    files_max: int = Field(4, ge=1, description="Files transcribed at the same time; more are answered 503.")
    load_retry_s: float = Field(
        30, gt=0, description="Seconds until a model that could not be had is tried again."
    )
    mock_delay_ms: float = Field(
        0, ge=0, le=60_000, description="Engine time in ms that the mock simulates per window."
    )

    @property
    def defaults(self) -> ProfileDefaults:
        """What the profile chooses."""
        return PROFILES[self.profile]

    @property
    def model_name(self) -> str:
        """The model's name as clients see it: the hub name, or the folder's last part."""
        return Path(self.model).name if Path(self.model).is_dir() else self.model

    def decode_config(self) -> DecodeConfig:
        """The values that ``PUT /config`` can change, as the service starts with them."""
        return DecodeConfig(
            batch_max=self.batch_max or self.defaults.batch_max,
            batch_wait_ms=self.defaults.batch_wait_ms if self.batch_wait_ms < 0 else self.batch_wait_ms,
            beam_size=self.beam_size,
        )
