"""A request's body, read by plain ASGI and bounded while it comes."""

from __future__ import annotations

from starlette.types import Message, Receive

from dragoman_contracts.errors import InvalidInput


class Gone(Exception):
    """The client hung up before it had sent the request."""


async def read_body(
    content_length: bytes, receive: Receive, *, limit: int, too_long: type[InvalidInput], what: str
) -> bytes:
    """The body of a request, at most ``limit`` bytes.

    Raises:
        InvalidInput: ``too_long``, which names ``what`` is too long.
        Gone: the client hung up.

    """
    if content_length.isdigit() and int(content_length) > limit:
        raise too_long(f"the {what} has {int(content_length)} bytes")
    parts: list[bytes] = []
    size = 0
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise too_long(f"the {what} has more than {limit} bytes")
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)
