"""``GET /v1/languages`` and ``GET|PUT /config``."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, Field

from dragoman_contracts.config import TranslationService as WantedConfig
from dragoman_contracts.config import checksum_of
from dragoman_contracts.translation_api import LANGUAGES_PATH, Languages
from dragoman_translation.config import TranslateConfig
from dragoman_translation.routes.keys import native_key
from dragoman_translation.service import TranslationService

_LANGUAGES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The pairs.",
        "content": {
            "application/json": {
                "example": {
                    "pairs": [
                        {"source": "en", "target": "es", "engines": ["ctranslate2", "apertium"], "via": None},
                        {"source": "de", "target": "es", "engines": ["ctranslate2"], "via": "en"},
                    ]
                }
            }
        },
    }
}


class ConfigState(BaseModel):
    """The configuration in force, what of it was asked for, and how the engines are."""

    config: TranslateConfig
    requested: WantedConfig = Field(description="Asked for with PUT; the rest is as the process was started.")
    checksum: str = Field(description="SHA-256 of the canonical JSON of `requested`.")
    engines: dict[str, str] = Field(
        description='For each engine "ready" or why it cannot be used.', examples=[{"ctranslate2": "ready"}]
    )


def system_routes(service: TranslationService) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["system"], dependencies=[Depends(native_key(service.settings.keys))])

    def state() -> ConfigState:
        requested = service.requested
        return ConfigState(
            config=service.config,
            requested=requested,
            checksum=checksum_of(requested.set_values()),
            engines=service.states,
        )

    @router.get(
        LANGUAGES_PATH,
        summary="The pairs that can be translated now",
        response_class=Response,
        responses=_LANGUAGES,
    )
    async def get_languages() -> Response:
        """With the engines of each pair in their order; ``*`` stands for any language."""
        return Response(msgspec.json.encode(Languages(pairs=service.pairs())), media_type="application/json")

    @router.get(
        "/config",
        summary="How texts are batched and decoded, and by which engines",
        response_model_exclude_none=True,
    )
    async def get_config() -> ConfigState:
        """Values and checksum."""
        return state()

    @router.put(
        "/config",
        summary="Change how texts are batched and decoded, and by which engines",
        response_model_exclude_none=True,
    )
    async def put_config(requested: WantedConfig) -> ConfigState:
        """In force from the next batch on, until the process ends; what is left out is as at its start."""
        service.configure(requested)
        return state()

    return router
