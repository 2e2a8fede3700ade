"""The translation service's HTTP application."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.routing import Route

from dragoman_contracts.translation_api import TRANSLATE_PATH
from dragoman_runtime.engine_app import create_engine_app
from dragoman_runtime.http_service import serve
from dragoman_runtime.process import Drain, Health
from dragoman_runtime.settings import RuntimeSettings
from dragoman_translation.engines.base import Engine
from dragoman_translation.routes.deepl import deepl_routes
from dragoman_translation.routes.libretranslate import libretranslate_routes
from dragoman_translation.routes.system import system_routes
from dragoman_translation.routes.translate import TranslateEndpoint, describe
from dragoman_translation.service import TranslationService
from dragoman_translation.settings import TranslationSettings


def create_app(
    settings: TranslationSettings, *, drain: Drain | None = None, engines: Sequence[Engine] | None = None
) -> FastAPI:
    """The application; its lifespan loads the engines in the background and frees them.

    ``engines`` take the place of the settings'. The service is at ``app.state.service``.
    """
    health = Health("translation", drain=drain)
    service = TranslationService(settings, health, engines)

    return create_engine_app(
        health,
        service,
        [system_routes(service), libretranslate_routes(service), deepl_routes(service)],
        fast_route=Route(TRANSLATE_PATH, TranslateEndpoint(service), methods=["POST"]),
        describe=describe,
    )


async def serve_translation(settings: TranslationSettings, runtime: RuntimeSettings, drain: Drain) -> None:
    """Serve until the drain; requests under way are finished.

    Raises:
        AddressTaken: the port is in use.

    """
    app = create_app(settings, drain=drain)
    await serve(app, settings.host, settings.port, drain, grace_s=runtime.drain_timeout_s)
