"""The whisper service's HTTP application."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.routing import Route

from dragoman_contracts.whisper_api import WINDOW_PATH
from dragoman_runtime.engine_app import create_engine_app
from dragoman_runtime.http_service import serve
from dragoman_runtime.process import Drain, Health
from dragoman_runtime.settings import RuntimeSettings
from dragoman_whisper.engines.base import Engine
from dragoman_whisper.routes.files import file_routes
from dragoman_whisper.routes.system import system_routes
from dragoman_whisper.routes.windows import WindowEndpoint, describe
from dragoman_whisper.service import WhisperService
from dragoman_whisper.settings import WhisperSettings


def create_app(
    settings: WhisperSettings, *, drain: Drain | None = None, engine: Engine | None = None
) -> FastAPI:
    """The application; its lifespan loads the model in the background and frees it.

    ``engine`` takes the place of the profile's. The service is at ``app.state.service``.
    """
    health = Health("whisper", drain=drain)
    service = WhisperService(settings, health, engine)

    return create_engine_app(
        health,
        service,
        [file_routes(service), system_routes(service)],
        fast_route=Route(WINDOW_PATH, WindowEndpoint(service), methods=["POST"]),
        describe=describe,
    )


async def serve_whisper(settings: WhisperSettings, runtime: RuntimeSettings, drain: Drain) -> None:
    """Serve until the drain; requests under way are finished.

    Raises:
        AddressTaken: the port is in use.

    """
    app = create_app(settings, drain=drain)
    await serve(app, settings.host, settings.port, drain, grace_s=runtime.drain_timeout_s)
