"""The viewing side of a session: a snapshot, then the tail, resumed by position after a drop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import msgspec
from websockets.exceptions import ConnectionClosed

from dragoman_client.backoff import Backoff
from dragoman_client.connection import Endpoint, open_socket
from dragoman_client.errors import error_for, error_from_close
from dragoman_client.events import EventQueue
from dragoman_client.retry import Retry
from dragoman_contracts.errors import DragomanError, MessageInvalid
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
    *,
    languages: Sequence[str] | None = None,
    retry: Retry | None = None,
) -> AsyncIterator[ServerMessages]:
    """A session's events until its end; the first is a snapshot.

    The last one is ``session.ended``, also for who comes after the end.

    Connections are made again from the last position seen. The snapshot of such a connection is given on
    only if it says that history was lost (``recovered`` false).

    Args:
        endpoint: Server and credential (an API key, or a viewer token of this session).
        session_id: The session.
        after: Position of the last event seen before; None starts with the whole history.
        languages: Translations that are wanted, as BCP 47 codes; None: all, empty: transcripts only.
        retry: How outages are outlasted.

    Raises:
        DragomanError: the server refuses, or cannot be reached again in time.

    """
    retry = retry or Retry(Backoff())
    seen = EventQueue()
    seen.position = after
    wanted = {} if languages is None else {"languages": ",".join(languages)}
    first = True
    while True:
        failure: DragomanError | None = None
        closed = _Closed()
        try:
            async for event in _one_connection(endpoint, session_id, wanted, seen, closed):
                if isinstance(event, SessionSnapshot):
                    retry.connected()
                    if not first and event.recovered:
                        continue
                    first = False
                elif event.position is not msgspec.UNSET:
                    retry.worked()
                yield event
                if isinstance(event, SessionEndedMessage):
                    return
        except DragomanError as error:
            failure = error
        if closed.code == CloseCode.NORMAL:
            return
        await retry.wait(failure, code=closed.code)


class _Closed:
    """How a connection ended; 1006 if it just broke, or was never made."""

    code: int = 1006


async def _one_connection(
    endpoint: Endpoint, session_id: str, wanted: dict[str, str], seen: EventQueue, closed: _Closed
) -> AsyncIterator[ServerMessages]:
    """The events of one connection that were not seen before."""
    query = wanted | ({"after": str(seen.position)} if seen.position else {})
    socket = await open_socket(endpoint, f"/v1/sessions/{session_id}/events", **query)
    last_error: ErrorMessage | None = None
    joined = False
    try:
        async for text in socket.__aiter__():
            try:
                event = parse_server_message(text)
            except MessageInvalid:
                continue  # of a later protocol version
            if isinstance(event, ErrorMessage):
                last_error = event
                if not joined:
                    continue  # why the server refuses; raised below
            if isinstance(event, SessionSnapshot):
                joined = True
                # A resumed one stands at the position that was asked for, which has been seen.
                seen.note(event)
                yield event
            elif seen.is_new(event):
                yield event
    except ConnectionClosed:
        pass
    finally:
        await socket.close()
    closed.code = socket.close_code or 1006
    failure = error_from_close(closed.code, socket.close_reason or "", last_error)
    if failure is None and last_error is not None and not joined:
        failure = error_for(last_error.code, last_error.message, last_error.remedy)
    if failure is not None:
        raise failure
