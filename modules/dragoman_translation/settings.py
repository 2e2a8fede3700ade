"""Settings of the translation service, ``DRAGOMAN_TRANSLATION_*``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from dragoman_contracts.errors import DragomanError
from dragoman_runtime.settings import DragomanSettings
from dragoman_translation.config import EngineName, TranslateConfig
from dragoman_translation.engines.base import ANY, Pair
from dragoman_translation.engines.pairs import parse_pair

Profile = Literal["mock", "cpu", "gpu"]
ENGINE_NAMES: tuple[str, ...] = get_args(EngineName)


@dataclass(frozen=True, slots=True)
class ProfileDefaults:
    """What a profile chooses where no setting says otherwise."""

    engines: str
    device: str
    compute_type: str
    batch_max: int
    batch_wait_ms: float
    beam_size: int


PROFILES: dict[Profile, ProfileDefaults] = {
    "mock": ProfileDefaults("mock", "cpu", "", 64, 0, 1),
    # Four beams cost a CPU twice the time, and halve what a batch gains, for about half a point of BLEU.
    "cpu": ProfileDefaults("ctranslate2,apertium", "cpu", "int8", 32, 0, 1),
    "gpu": ProfileDefaults("ctranslate2,apertium", "cuda", "float16", 64, 5, 4),
}


class TranslationSettings(DragomanSettings):
    """Which engines and models, on what, and with which limits."""

    model_config = SettingsConfigDict(env_prefix="DRAGOMAN_TRANSLATION_")

    host: str = Field("127.0.0.1", description="Address that the service listens on.")
    port: int = Field(
        8002, ge=0, le=65_535, description="Port that the service listens on; 0 takes a free one."
    )
    profile: Profile = Field("cpu", description="mock, cpu or gpu: engines, device, compute type and batch.")
    engines: str = Field(
        "",
        description="Engines in the order in which they are asked, of ctranslate2, apertium, openai_chat and "
        "mock, as ctranslate2,apertium; empty is the profile's.",
    )
    pivot: str = Field(
        "en",
        description="Language that a pair goes through which no engine has directly; none: no such detour.",
    )
    models: str = Field(
        "",
        description="CTranslate2 models by pair, folder or hub name, as "
        "en-es=/models/opus-en-es,es-en=owner/name; *=/models/nllb is a model of many languages.",
    )
    download_dir: str = Field("", description="Folder for fetched models; empty is the hub's own cache.")
    offline: bool = Field(False, description="Never fetch a model; use folders and the cache only.")
    hub_url: str = Field("", description="Mirror of the model hub; empty is the hub itself.")
    compute_type: str = Field(
        "", description="CTranslate2 compute type; empty is the profile's (cpu int8, gpu float16)."
    )
    engine_threads: int = Field(
        1, ge=1, le=16, description="Batches translated at the same time by an engine of this process."
    )
    cpu_threads: int = Field(1, ge=1, le=64, description="Threads inside one CTranslate2 batch on a CPU.")
    max_pieces: int = Field(
        128,
        ge=16,
        le=1_024,
        description="SentencePiece pieces a model is given at once; longer texts are split.",
    )
    apertium_url: str = Field(
        "",
        description="Base URL of apertium-apy, as http://127.0.0.1:2737; empty: the local apertium command.",
    )
    apertium_command: str = Field("apertium", description="The local command, a name on PATH or a path.")
    openai_url: str = Field(
        "", description="Base URL of an OpenAI-compatible endpoint, as http://127.0.0.1:11434/v1."
    )
    openai_model: str = Field("", description="Model that the endpoint is asked for.")
    openai_api_key: SecretStr = Field(SecretStr(""), description="Key of the endpoint; empty: none is sent.")
    openai_schema: bool = Field(
        True, description="Ask the endpoint for JSON by a schema; switch off where it does not know that."
    )
    request_timeout_s: float = Field(
        10, gt=0, le=600, description="Seconds until a call of another server or command counts as failed."
    )
    requests_max: int = Field(
        4, ge=1, le=256, description="Calls of apertium-apy or of the chat endpoint at the same time."
    )
    batch_max: int = Field(0, ge=0, le=256, description="Texts in one engine call; 0 is the profile's.")
    batch_wait_ms: float = Field(
        -1, ge=-1, le=100, description="ms that a busy engine waits for a fuller batch; -1 is the profile's."
    )
    beam_size: int = Field(
        0, ge=0, le=16, description="Beams for texts that are not fast; 0 is the profile's (cpu 1, gpu 4)."
    )
    queue_max: int = Field(
        4_096, ge=1, description="Texts that may wait for an engine; more are answered 503 with Retry-After."
    )
    session_queue_max: int = Field(
        1_024, ge=1, description="Texts of one session that may wait for an engine."
    )
    breaker_failures: int = Field(
        5, ge=1, description="Failures in a row after which an engine is left alone for a pair."
    )
    breaker_open_s: float = Field(
        5, gt=0, description="Seconds for which it is left alone; then one call tries again."
    )
    load_retry_s: float = Field(
        30, gt=0, description="Seconds until an engine that could not be had is tried again."
    )
    mock_delay_ms: float = Field(
        0, ge=0, le=60_000, description="Engine time in ms that the mock simulates per batch."
    )
    api_keys: SecretStr = Field(
        SecretStr(""),
        description="Keys of which a caller must send one, separated by commas; empty: open, as suits a "
        "network of one's own.",
    )

    @property
    def defaults(self) -> ProfileDefaults:
        """What the profile chooses."""
        return PROFILES[self.profile]

    @property
    def engine_names(self) -> list[str]:
        """The engines, in their order."""
        return _items(self.engines or self.defaults.engines)

    @property
    def model_names(self) -> dict[Pair, str]:
        """Folder or hub name of the model for each pair; both sides of a pair may be ``*``."""
        return _models(self.models)

    @property
    def keys(self) -> frozenset[str]:
        """The keys of callers; none: open."""
        return frozenset(_items(self.api_keys.get_secret_value()))

    def translate_config(self) -> TranslateConfig:
        """The values that ``PUT /config`` can change, as the service starts with them."""
        return TranslateConfig(
            engines=self.engine_names,
            pivot="" if self.pivot == "none" else self.pivot,
            batch_max=self.batch_max or self.defaults.batch_max,
            batch_wait_ms=self.defaults.batch_wait_ms if self.batch_wait_ms < 0 else self.batch_wait_ms,
            beam_size=self.beam_size or self.defaults.beam_size,
        )

    @field_validator("engines")
    @classmethod
    def _are_engines(cls, value: str) -> str:
        names = _items(value)
        unknown = [name for name in names if name not in ENGINE_NAMES]
        if unknown:
            raise ValueError(f"there is no engine {unknown[0][:40]!r}; there are {', '.join(ENGINE_NAMES)}")
        if len(set(names)) != len(names):
            raise ValueError("each engine may be named once")
        return value

    @field_validator("pivot")
    @classmethod
    def _is_pivot(cls, value: str) -> str:
        if value != "none":
            TranslateConfig(pivot=value)
        return value

    @field_validator("models")
    @classmethod
    def _are_models(cls, value: str) -> str:
        _models(value)
        return value

    @field_validator("apertium_url", "openai_url")
    @classmethod
    def _is_http_url(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in {"http", "https"}:
            raise ValueError("it must begin with http:// or https://, or be empty")
        return value.rstrip("/")


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _models(text: str) -> dict[Pair, str]:
    models: dict[Pair, str] = {}
    for item in _items(text):
        name, _, model = item.partition("=")
        if not model.strip():
            raise ValueError(f"{item[:80]!r} is not of the form en-es=/path/of/model")
        try:
            pair = Pair(ANY, ANY) if name.strip() == ANY else parse_pair(name.strip())
        except DragomanError as error:
            raise ValueError(error.message) from None
        if pair in models:
            raise ValueError(f"the pair {pair} has two models")
        models[pair] = model.strip()
    return models
