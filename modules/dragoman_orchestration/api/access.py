"""The REST routes' access to the container and to who asks."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from dragoman_orchestration.api.auth import Principal, bearer
from dragoman_orchestration.container import ApiContainer

bearer_scheme = HTTPBearer(
    auto_error=False,
    scheme_name="bearer",
    description="An API key, (for results of one session) a viewer's token, or (for reports) a runner's.",
)


def parts(request: Request) -> ApiContainer:
    """The container that the application was made with."""
    container: ApiContainer = request.app.state.container
    return container


Parts = Annotated[ApiContainer, Depends(parts)]


async def _principal(
    request: Request,
    container: Parts,
    _documented: Annotated[HTTPAuthorizationCredentials | None, Security(bearer_scheme)],
) -> Principal:
    return await container.authenticator().identify(bearer(request.scope["headers"]))


AnyPrincipal = Annotated[Principal, Depends(_principal)]


def _key(principal: AnyPrincipal) -> Principal:
    principal.must_be_key()
    return principal


def _reader(session_id: str, principal: AnyPrincipal) -> Principal:
    principal.must_reach(session_id)
    return principal


def _runner(bot_id: str, principal: AnyPrincipal) -> Principal:
    principal.must_report(bot_id)
    return principal


KeyHolder = Annotated[Principal, Depends(_key)]
SessionReader = Annotated[Principal, Depends(_reader)]
BotRunner = Annotated[Principal, Depends(_runner)]
