"""``GET /v1/models`` and ``GET|PUT /config``."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from dragoman_whisper.config import DecodeConfig
from dragoman_whisper.service import WhisperService


class Model(BaseModel):
    """A model in OpenAI's shape."""

    id: str = Field(examples=["base"])
    object: str = "model"
    created: int = Field(0, description="Always 0: when a model was made is not known here.")
    owned_by: str = Field(description="The engine that runs it.", examples=["faster_whisper"])


class ModelList(BaseModel):
    """The models that can be asked for: the one that is loaded."""

    object: str = "list"
    data: list[Model]


class ConfigState(BaseModel):
    """The configuration in force."""

    config: DecodeConfig
    checksum: str = Field(description="SHA-256 of the values.")


def system_routes(service: WhisperService) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["system"])

    @router.get("/v1/models", summary="The model that is loaded")
    async def get_models() -> ModelList:
        """503 as long as it loads."""
        engine = service.engine
        return ModelList(data=[Model(id=engine.model, owned_by=engine.name)])

    @router.get("/config", summary="How windows are batched and decoded")
    async def get_config() -> ConfigState:
        """Values and checksum."""
        return ConfigState(config=service.config, checksum=service.config.checksum)

    @router.put("/config", summary="Change how windows are batched and decoded")
    async def put_config(config: DecodeConfig) -> ConfigState:
        """In force from the next batch on, until the process ends; what is left out gets its default."""
        service.tune(config)
        return ConfigState(config=service.config, checksum=service.config.checksum)

    return router
