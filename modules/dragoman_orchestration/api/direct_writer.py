"""The short way of a message to a viewer: framed once for all of them, straight into each one's transport.

By ASGI each message wakes a task for each viewer, passes all layers of the application and is framed anew:
more than half of what a viewer costs. Here it is one call, as long as the socket takes what it is given. As
soon as it does not, messages wait in the viewer's mailbox, and its writer takes the long way.
"""

from __future__ import annotations

from functools import lru_cache

from starlette.types import Receive
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State

_USED = ("conn", "writable", "transport")
"""What is used of uvicorn's protocol object: a version without it takes the long way."""
FRAMES_KEPT = 16
"""A message goes to all of its viewers before the next one does: few are enough."""


class DirectWriter:
    """Writes to the socket that ``receive`` belongs to, past ASGI; on a server that it does not know, never.

    uvicorn's ``receive`` is a method of the protocol object that holds the transport.
    """

    __slots__ = ("_protocol",)

    def __init__(self, receive: Receive) -> None:
        protocol = getattr(receive, "__self__", None)
        knows = isinstance(protocol, WebSocketsSansIOProtocol) and all(
            hasattr(protocol, name) for name in _USED
        )
        self._protocol = protocol if knows else None

    def __call__(self, text: str) -> bool:
        """Whether ``text`` was written: not while the peer is slow to read, or the socket closes."""
        protocol = self._protocol
        if protocol is None or protocol.conn.state is not State.OPEN:
            return False
        if not protocol.writable.is_set() or protocol.transport.is_closing():
            return False
        protocol.transport.write(_frame_of(text))
        return True


@lru_cache(maxsize=FRAMES_KEPT)
def _frame_of(text: str) -> bytes:
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)
