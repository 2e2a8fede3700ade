"""The routes of the configuration on an application of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import httpx

from dragoman_orchestration.api import config
from dragoman_orchestration.api.auth import Authenticator
from dragoman_orchestration.api.settings import ApiSettings
from dragoman_orchestration.config.applier import ConfigApplier
from dragoman_orchestration.config.desk import ConfigDesk
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.http_service import create_http_app
from dragoman_runtime.process import Health


@asynccontextmanager
async def config_api(
    broker: RedisBroker, *, applier: ConfigApplier | None = None, key: str = "admin-key"
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the routes, with a key."""
    settings = ApiSettings(keys="admin:admin-key", default_profile="mock")
    authenticator = Authenticator(settings)
    desk = ConfigDesk(broker, applier=applier)
    app = create_http_app("api", Health("api"))
    app.state.container = SimpleNamespace(
        settings=lambda: settings,
        authenticator=lambda: authenticator,
        config_desk=lambda: desk,
        store_wire=lambda: broker,
    )
    app.include_router(config.router)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://api",
        headers={"authorization": f"Bearer {key}"} if key else {},
    ) as http:
        http.token = authenticator.issue_viewer_token("0" * 32).token  # type: ignore[attr-defined]
        yield http
