"""The size limit of request bodies that are held in memory; uploads are streamed and have their own."""

from __future__ import annotations

import re
from collections import deque

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dragoman_contracts.errors import LimitExceeded
from dragoman_runtime.http_service import problem_response


class BodyTooLarge(LimitExceeded):
    """The body of the request is over the limit; it is so the next time too."""

    code = "body_too_large"
    permanent = True
    http_status = 413
    default_remedy = "Send a smaller body; for files see DRAGOMAN_API_MAX_BODY_BYTES."


class BodyLimit:
    """ASGI layer: answers 413 to bodies over ``limit`` bytes, but on paths that match ``streamed``.

    The routes on those bound their bodies themselves.

    A body is read here before the application sees the request: it is small, and an application that is told
    in the middle of reading would answer with an error of its own.
    """

    def __init__(self, app: ASGIApp, *, limit: int, streamed: re.Pattern[str]) -> None:
        self._app = app
        self._limit = limit
        self._streamed = streamed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, then hand it on."""
        if scope["type"] != "http" or self._streamed.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"")
        messages = None
        if not (declared.isdigit() and int(declared) > self._limit):
            messages = await self._read(receive)
        if messages is None:
            error = BodyTooLarge(f"the body is larger than {self._limit} bytes")
            await problem_response(error, scope["path"])(scope, receive, send)
            return

        async def replay() -> Message:
            return messages.popleft() if messages else await receive()

        await self._app(scope, replay, send)

    async def _read(self, receive: Receive) -> deque[Message] | None:
        """All messages of the body; None if it is too large."""
        messages: deque[Message] = deque()
        size = 0
        while True:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            if size > self._limit:
                return None
            if message["type"] != "http.request" or not message.get("more_body", False):
                return messages
