"""The viewing side of a session: a snapshot, then the tail, resumed by position after a drop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from websockets.exceptions import ConnectionClosed

from dragoman_client.backoff import Backoff
from dragoman_client.connection import Endpoint, open_socket
from dragoman_client.errors import error_from_close
from dragoman_client.events import EventQueue
from dragoman_contracts.errors import DragomanError, MessageInvalid, Unavailable
from dragoman_contracts.websocket import (
    CloseCode,
    ErrorMessage,
    ServerMessages,
    SessionEndedMessage,
    SessionSnapshot,
    StreamPosition,
    parse_server_message,
)


async def watch(
    endpoint: Endpoint,
    session_id: str,
    after: StreamPosition | None = None,
    backoff: Backoff | None = None,
) -> AsyncIterator[ServerMessages]:
    """A session's events until its end; the first is a snapshot.

    The last one is ``session.ended``, unless the session had ended before: then the snapshot is all there is.

    Connections are made again from the last position seen. The snapshot of such a connection is given on
    only if it says that history was lost (``recovered`` false).

    Args:
        endpoint: Server and credential (an API key, or a viewer token of this session).
        session_id: The session.
        after: Position of the last event seen before; None starts with the whole history.
        backoff: Waiting times after a drop.

    Raises:
        DragomanError: the server refuses, or cannot be reached again in time.

    """
    backoff = backoff or Backoff()
    seen = EventQueue()
    seen.position = after
    first = True
    while True:
        try:
            async for event in _one_connection(endpoint, session_id, seen):
                backoff.reset()
                if isinstance(event, SessionSnapshot):
                    if not first and event.recovered:
                        continue
                    first = False
                yield event
                if isinstance(event, SessionEndedMessage):
                    return
        except _Done:
            return
        except DragomanError as error:
            if error.permanent or first:
                raise
        wait_s = backoff.next_wait_s()
        if wait_s is None:
            raise Unavailable(f"no connection to the server for {backoff.give_up_s:.0f} s")
        await asyncio.sleep(wait_s)


async def _one_connection(
    endpoint: Endpoint, session_id: str, seen: EventQueue
) -> AsyncIterator[ServerMessages]:
    """The events of one connection that were not seen before; raises ``_Done`` when there will be no more."""
    query = {"after": str(seen.position)} if seen.position else {}
    socket = await open_socket(endpoint, f"/v1/sessions/{session_id}/events", **query)
    last_error: ErrorMessage | None = None
    try:
        async for text in socket.__aiter__():
            try:
                event = parse_server_message(text)
            except MessageInvalid:
                continue  # of a later protocol version
            if isinstance(event, ErrorMessage):
                last_error = event
            if isinstance(event, SessionSnapshot):
                if not event.recovered:
                    seen.position = None
                # A resumed one stands at the position that was asked for, which has been seen.
                seen.is_new(event)
                yield event
            elif seen.is_new(event):
                yield event
    except ConnectionClosed:
        pass
    finally:
        await socket.close()
    code = socket.close_code or 1006
    if code == CloseCode.NORMAL:
        raise _Done
    failure = error_from_close(code, socket.close_reason or "", last_error)
    if failure is not None:
        raise failure


class _Done(Exception):
    """The server closed with 1000: the session's last event has been told."""
