"""The API process: REST, sockets and documents on one port.

``create_app`` puts the routes on a container; ``serve_api`` is what ``dragoman api`` runs.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from loguru import logger
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute

from dragoman_orchestration.api import (
    bots,
    capabilities,
    config,
    glossaries,
    recordings,
    session_config,
    sessions,
    system,
    transcriptions,
    translations,
    webhooks,
)
from dragoman_orchestration.api.asyncapi import build_document
from dragoman_orchestration.api.body_limit import BodyLimit
from dragoman_orchestration.api.bot_events_ws import BotEventsEndpoint
from dragoman_orchestration.api.docs_page import add_docs
from dragoman_orchestration.api.ingest_ws import IngestEndpoint
from dragoman_orchestration.api.page import Page, add_page
from dragoman_orchestration.api.results_ws import ResultsEndpoint
from dragoman_orchestration.api.settings import ApiSettings
from dragoman_orchestration.container import ApiContainer
from dragoman_runtime.http_service import create_http_app, serve
from dragoman_runtime.process import Drain, Health, cancel_all
from dragoman_runtime.settings import RuntimeSettings

DESCRIPTION = """Live transcription: create a session, speak into its WebSocket, read captions from another.

REST is described here, the WebSockets in [/asyncapi.json](/asyncapi.json). Everything but health, metrics and
these documents wants `Authorization: Bearer <key>`. Errors are problem details (RFC 9457) with a `code`, a
`remedy` and a `trace_id`."""

MAX_JSON_BYTES = 262_144
"""Of a request's body, as of a speaker's message; 500 terms in three languages have about 80 kB."""
ROUTES = (
    sessions,
    recordings,
    session_config,
    translations,
    glossaries,
    transcriptions,
    bots,
    webhooks,
    config,
    capabilities,
    system,
)
_STREAMED = re.compile(f"{transcriptions.PATH}|/v1/bots/[0-9a-f]{{32}}/reports")
"""Uploads, and runners' reports with a screenshot."""
LEAVE_S = 1.0
"""For loops that take their leave of Redis."""
WS_MAX_BYTES = 16 * 1024 * 1024
"""Beyond this uvicorn itself closes with 1009; up to it the speaker is told FRAME_TOO_LARGE."""


def create_app(container: ApiContainer) -> FastAPI:
    """The application on the parts of ``container``; nothing connects before the first request."""
    hub, gateway, presence = container.hub(), container.gateway(), container.presence()
    drain = Drain()
    loops: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
        "results": hub.run,
        "gateway": gateway.run,
        "presence": presence.run,
        "watch": container.session_watch().run,
        "config": partial(container.config().run, drain),
        "reporter": partial(container.reporter().run, drain),
        "bots": container.bot_events().run,
    }
    if container.config_sync_settings().sync_mode == "api":
        loops["config-sync"] = partial(container.config_worker().run, drain)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        tasks = {name: asyncio.create_task(run()) for name, run in loops.items()}
        for name, task in tasks.items():
            container.health().watch(name, task)
        try:
            yield
        finally:
            drain.start("the API ends")
            await asyncio.wait({tasks["config"], tasks["reporter"]}, timeout=LEAVE_S)
            await cancel_all(tasks.values())
            await presence.close()
            container.recordings().close()
            await container.whisper_http().aclose()
            await container.translation_http().aclose()
            await container.store_wire().close()
            await container.broker().close()

    app = create_http_app(
        "api",
        container.health(),
        title="Dragoman",
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # FastAPI's own loads its script from another host
        redoc_url=None,
    )
    # Last in the list is innermost: inside of the request's span, so that its refusals have a trace id.
    limit = Middleware(BodyLimit, limit=MAX_JSON_BYTES, streamed=_STREAMED)
    app.user_middleware.append(limit)
    app.state.container = container
    for routes in ROUTES:
        app.include_router(routes.router)
    container.health().add_check("redis", partial(system.redis_state, container.broker()))
    _add_asyncapi(app)
    app.state.viewers, app.state.bot_viewers = _add_sockets(app, container)
    add_docs(app)
    if container.settings().page:
        add_page(app, Page())
    return app


def _add_asyncapi(app: FastAPI) -> None:
    @app.get("/asyncapi.json", tags=["system"], summary="The WebSockets as an AsyncAPI 3 document")
    async def get_asyncapi(request: Request) -> dict[str, Any]:
        """Generated from the messages' own classes."""
        return build_document(request.url.netloc, secure=request.url.scheme == "https", version=app.version)


def _add_sockets(app: FastAPI, container: ApiContainer) -> tuple[ResultsEndpoint, BotEventsEndpoint]:
    settings = container.settings()
    ingest = IngestEndpoint(
        auth=container.authenticator(),
        store=container.store(),
        hub=container.hub(),
        publisher=container.publisher(),
        gateway=container.gateway(),
        presence=container.presence(),
        admission=container.admission(),
        glossaries=container.glossaries(),
        limits=container.ingest_limits(),
        queue_limit=settings.viewer_queue,
    )
    viewers = ResultsEndpoint(
        auth=container.authenticator(),
        store=container.store(),
        hub=container.hub(),
        presence=container.presence(),
        watch=container.session_watch(),
        max_viewers=settings.max_viewers,
        max_viewers_per_session=settings.max_viewers_per_session,
        queue_limit=settings.viewer_queue,
    )
    bot_viewers = BotEventsEndpoint(
        auth=container.authenticator(),
        store=container.bots(),
        hub=container.bot_events(),
        queue_limit=settings.viewer_queue,
        max_viewers=settings.max_viewers,
    )
    for path, endpoint in (
        ("/v1/sessions/{session_id}/audio", ingest),
        ("/v1/sessions/{session_id}/events", viewers),
        ("/v1/bots/events", bot_viewers),
        ("/v1/bots/{bot_id}/events", bot_viewers),
    ):
        app.router.routes.append(WebSocketRoute(path, endpoint))
    return viewers, bot_viewers


async def serve_api(
    settings: ApiSettings,
    runtime: RuntimeSettings,
    drain: Drain,
    *,
    on_bound: Callable[[str], None] | None = None,
) -> None:
    """Run the API until the drain; then accepted audio is stored and sockets are told to reconnect.

    Raises:
        AddressTaken: the port is in use.

    """
    container = ApiContainer(settings=settings, runtime_settings=runtime)
    container.health.override(Health("api", drain=drain))
    if not container.authenticator().has_keys:
        logger.warning("no API key is set: nobody will be let in. Set DRAGOMAN_API_KEYS.")
    app = create_app(container)

    async def close_sockets() -> None:
        await asyncio.gather(
            container.gateway().drain(), app.state.viewers.drain(), app.state.bot_viewers.drain()
        )

    await serve(
        app,
        settings.host,
        settings.port,
        drain,
        on_bound=on_bound,
        before_close=close_sockets,
        ws_max_size=WS_MAX_BYTES,
        # Captions are short and audio does not shrink: compression would cost more than it saves.
        ws_per_message_deflate=False,
        # A speaker that is held back is not read, so its answers to pings are not either.
        ws_ping_timeout=settings.backlog_patience_s + 60,
    )
