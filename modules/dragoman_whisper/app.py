"""The whisper service's HTTP application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.routing import Route

from dragoman_contracts.whisper_api import WINDOW_PATH
from dragoman_runtime.http_service import create_http_app, serve
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

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        try:
            yield
        finally:
            await service.stop()

    app = create_http_app("whisper", health, title="Dragoman whisper service", lifespan=lifespan)
    app.state.service = service
    app.include_router(file_routes(service))
    app.include_router(system_routes(service))
    # First: each route before it would be matched against each window, 25 µs in all.
    app.router.routes.insert(0, Route(WINDOW_PATH, WindowEndpoint(service), methods=["POST"]))
    _describe_windows(app)
    return app


def _describe_windows(app: FastAPI) -> None:
    known = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            describe(known())
        return known()

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document


async def serve_whisper(settings: WhisperSettings, runtime: RuntimeSettings, drain: Drain) -> None:
    """Serve until the drain; requests under way are finished.

    Raises:
        AddressTaken: the port is in use.

    """
    app = create_app(settings, drain=drain)
    await serve(app, settings.host, settings.port, drain, grace_s=runtime.drain_timeout_s)
