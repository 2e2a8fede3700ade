"""The application of a service that holds engines: loaded in the background, with one route for speed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from fastapi import APIRouter, FastAPI
from starlette.routing import Route

from dragoman_runtime.http_service import create_http_app
from dragoman_runtime.process import Health


class EngineService(Protocol):
    """What lives as long as the application."""

    def start(self) -> None:
        """Begin to load."""

    async def stop(self) -> None:
        """Finish what is under way and free the engines."""


def create_engine_app(
    health: Health,
    service: EngineService,
    routers: Sequence[APIRouter],
    *,
    fast_route: Route,
    describe: Callable[[dict[str, Any]], None],
) -> FastAPI:
    """An application with its service at ``app.state.service``.

    Args:
        health: its name is the service's.
        service: started and stopped with the application.
        routers: what FastAPI routes.
        fast_route: what FastAPI's own work would cost too much for; ``describe`` adds it to the OpenAPI
            document, which knows only what FastAPI routes.
        describe: see there.

    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        try:
            yield
        finally:
            await service.stop()

    app = create_http_app(
        health.service, health, title=f"Dragoman {health.service} service", lifespan=lifespan
    )
    app.state.service = service
    for router in routers:
        app.include_router(router)
    # First: each route before it would be matched against each request, 25 µs in all.
    app.router.routes.insert(0, fast_route)
    known = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            describe(known())
        return known()

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document
    return app
