"""Settings of the bots worker."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from dragoman_runtime.settings import DragomanSettings


class BotsWorkerSettings(DragomanSettings):
    """How many bots one worker holds, and where their runners run."""

    model_config = SettingsConfigDict(env_prefix="DRAGOMAN_BOTS_WORKER_")

    api_url: str = Field(
        "http://127.0.0.1:8080", description="Base URL of the API as runners reach it; http:// or https://."
    )
    max_bots: int = Field(
        3, ge=1, le=10_000, description="Bots that one worker holds at most; more wait. A browser takes 1 GB."
    )
    launcher: Literal["process", "kubernetes"] = Field(
        "process", description="Where runners run: as processes of this machine, or as Jobs of Kubernetes."
    )
    lease_ms: int = Field(
        5_000, ge=500, le=60_000, description="Milliseconds after which others take a silent worker's bots."
    )
    stop_grace_s: float = Field(
        40.0,
        ge=1,
        le=600,
        description="Seconds that a runner may take to leave and to await its transcript; then it is killed.",
    )
    end_runners_on_drain: bool = Field(
        False,
        description="Whether bots end with this worker. False: their runners go on, and others take them.",
    )
    folder: str = Field(
        "", description="Folder of the output of running runners; empty: one in the temporary folder."
    )
    runner_cpu_s: int = Field(
        0, ge=0, description="Seconds of processor time of one process of a runner; 0: no bound."
    )
    runner_open_files: int = Field(4096, ge=256, description="Files that one process of a runner may open.")
    runner_niceness: int = Field(
        5, ge=0, le=19, description="Niceness of runners: recognition goes before them."
    )
    kubernetes_url: str = Field(
        "", description="URL of the API server; empty: that of the pod or of the KUBECONFIG."
    )
    kubernetes_token: SecretStr = Field(
        SecretStr(""), description="Token for kubernetes_url; empty: that of the pod or of the KUBECONFIG."
    )
    kubernetes_namespace: str = Field(
        "", description="Namespace of the runners' Jobs; empty: that of the pod or of the KUBECONFIG."
    )
    runner_image: str = Field(
        "dragoman-bots:latest",
        description="Image of the runners' Jobs; its command runs dragoman bot-runner.",
    )
    runner_service_account: str = Field(
        "",
        description="Service account of the runners' Jobs; empty: the namespace's default, without a token.",
    )
    runner_cpu: str = Field("1", description="Processors of a runner's Job, as Kubernetes writes it (500m).")
    runner_memory: str = Field("2Gi", description="Memory of a runner's Job, as Kubernetes writes it.")

    @field_validator("api_url", "kubernetes_url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("it must begin with http:// or https://")
        return value.rstrip("/")
