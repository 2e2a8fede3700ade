"""``GET /v1/models`` and ``GET|PUT /config``."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from dragoman_contracts.config import WhisperService as WantedConfig
from dragoman_contracts.config import checksum_of
from dragoman_contracts.whisper_api import MODELS_PATH
from dragoman_whisper.config import DecodeConfig
from dragoman_whisper.service import WhisperService


class Model(BaseModel):
    """A model in OpenAI's shape."""

    id: str = Field(examples=["base"])
    object: str = "model"
    created: int = Field(0, description="Always 0: when a model was made is not known here.")
    owned_by: str = Field(description="The engine that runs it.", examples=["faster_whisper"])
    languages: list[str] = Field(
        description="ISO 639 codes that it recognises; with more than one it detects which is spoken.",
        examples=[["de", "en", "es"]],
    )


class ModelList(BaseModel):
    """The models that can be asked for: the one that is loaded."""

    object: str = "list"
    data: list[Model]


class ConfigState(BaseModel):
    """The configuration in force, and what of it was asked for."""

    config: DecodeConfig
    requested: WantedConfig = Field(description="Asked for with PUT; the rest is as the process was started.")
    checksum: str = Field(description="SHA-256 of the canonical JSON of `requested`.")


def system_routes(service: WhisperService) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["system"])

    def state() -> ConfigState:
        requested = service.requested
        return ConfigState(
            config=service.config, requested=requested, checksum=checksum_of(requested.set_values())
        )

    @router.get(MODELS_PATH, summary="The model that is loaded")
    async def get_models() -> ModelList:
        """503 as long as it loads."""
        engine = service.engine
        model = Model(id=engine.model, owned_by=engine.name, languages=sorted(engine.languages))
        return ModelList(data=[model])

    @router.get("/config", summary="How windows are batched and decoded", response_model_exclude_none=True)
    async def get_config() -> ConfigState:
        """Values and checksum."""
        return state()

    @router.put(
        "/config", summary="Change how windows are batched and decoded", response_model_exclude_none=True
    )
    async def put_config(requested: WantedConfig) -> ConfigState:
        """In force from the next batch on, until the process ends; what is left out is as at its start."""
        service.configure(requested)
        return state()

    return router
