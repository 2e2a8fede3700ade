"""The socket side that speakers and viewers share: accept, write, refuse, give up.

Raw ASGI, not a framework's WebSocket class: these lines run for every frame and every caption.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from typing import Any

import msgspec
from prometheus_client import Counter
from starlette.types import Receive, Scope, Send

from dragoman_contracts.errors import DragomanError
from dragoman_contracts.websocket import SUBPROTOCOL, CloseCode, ServerMessage
from dragoman_orchestration.api.refusals import close_code, error_message
from dragoman_orchestration.results.mailbox import Mailbox
from dragoman_runtime.process import cancel_all

CLOSE_GRACE_S = 5.0
"""How long a closing socket may take to write what waits."""

LAST_WORDS_S = 2.0
"""How long a process that ends waits until all sockets were told so."""

REASON_BYTES = 123

CLOSED = Counter("dragoman_api_sockets_closed_total", "Sockets closed, by close code.", ["kind", "code"])
for _kind in ("audio", "events"):
    for _code in (*CloseCode, 1006):
        CLOSED.labels(_kind, str(int(_code)))  # from 0 on: increase() does not see a series' first event

_encoder = msgspec.json.Encoder()


def encode(message: ServerMessage) -> str:
    """A message as text frame."""
    return _encoder.encode(message).decode()


def count_closed(kind: str, mailbox: Mailbox) -> None:
    """Count a closed socket; 1006 where the peer left without a word of ours."""
    CLOSED.labels(kind, str(int(mailbox.closing.code)) if mailbox.closing else "1006").inc()


def session_of(scope: Scope) -> str:
    """The session id in the path."""
    return str(scope["path_params"]["session_id"])


async def accept(scope: Scope, receive: Receive, send: Send) -> None:
    """Accept the socket; every refusal comes as a close code after, for browsers hide HTTP statuses."""
    await receive()
    message: dict[str, Any] = {"type": "websocket.accept"}
    if SUBPROTOCOL in scope["subprotocols"]:
        message["subprotocol"] = SUBPROTOCOL
    await send(message)


async def refuse(send: Send, error: DragomanError) -> None:
    """Tell ``error`` and close with the code that says whether to connect again."""
    await send({"type": "websocket.send", "text": encode(error_message(error))})
    await send(_close(close_code(error), error.message))


async def write_out(send: Send, mailbox: Mailbox) -> None:
    """Write what comes into the mailbox until it is closed, then close the socket."""
    while True:
        texts = await mailbox.take()
        for text in texts:
            await send({"type": "websocket.send", "text": text})
        if mailbox.closing and not len(mailbox):
            await send(_close(*mailbox.closing))
            return


def _close(code: int, reason: str) -> dict[str, Any]:
    # RFC 6455, 5.5: a close frame holds at most 123 bytes of reason, which are not characters.
    reason = reason.encode()[:REASON_BYTES].decode(errors="ignore")
    return {"type": "websocket.close", "code": int(code), "reason": reason}


async def until_done(
    receive: Receive,
    mailbox: Mailbox,
    *,
    writer: asyncio.Task[None],
    reader: asyncio.Task[None],
) -> None:
    """Return when the socket is closed by either side; a writer that is stuck is given up.

    ``reader`` ends on disconnect, or on a message after which nothing more is to be read.
    """
    closed = asyncio.ensure_future(mailbox.closed.wait())
    try:
        await asyncio.wait({writer, reader, closed}, return_when=asyncio.FIRST_COMPLETED)
        if not writer.done() and mailbox.closing:
            await asyncio.wait({writer}, timeout=CLOSE_GRACE_S)
            if not writer.done():
                abort_connection(receive)
    finally:
        await cancel_all((writer, reader, closed))


async def tell_until_gone(receive: Receive, send: Send, mailbox: Mailbox) -> None:
    """Write a mailbox to a socket whose peer has nothing to say, until either side closes it."""
    await until_done(
        receive,
        mailbox,
        writer=asyncio.create_task(write_out(send, mailbox)),
        reader=asyncio.create_task(_until_gone(receive)),
    )


async def _until_gone(receive: Receive) -> None:
    """What is sent all the same is read and dropped."""
    while (await receive())["type"] != "websocket.disconnect":
        pass


def abort_connection(receive: Receive) -> None:
    """Drop the TCP connection of a peer that does not read.

    ASGI can only close a transport politely, which waits for the peer to read what is buffered: forever, for
    one that never does. uvicorn's ``receive`` is a method of the protocol object that holds the transport; on
    another server this does nothing, and its own timeout has to do.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is not None:
        with contextlib.suppress(Exception):
            transport.abort()


async def close_all(mailboxes: Collection[Mailbox]) -> None:
    """Close sockets with a code that says "reconnect", as the process ends; for at most ``LAST_WORDS_S``.

    Waited for: the server would close with a code of its own what has not been told yet.
    """
    for mailbox in mailboxes:
        mailbox.close(CloseCode.GOING_AWAY, "the server restarts: connect again")
    deadline = asyncio.get_running_loop().time() + LAST_WORDS_S
    # Their sockets take themselves out of the set, one by one.
    while mailboxes and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
