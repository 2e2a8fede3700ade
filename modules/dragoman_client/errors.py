"""What the server says no with, as the contract's own errors.

A problem document (RFC 9457), an ``error`` message and a close code all carry the contract's error code, so a
caller catches the same classes as the server raises.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from dragoman_contracts.errors import (
    Conflict,
    DragomanError,
    Forbidden,
    InvalidInput,
    LimitExceeded,
    NotFound,
    SessionEnded,
    Unauthenticated,
    Unavailable,
    UnsupportedAudio,
)
from dragoman_contracts.websocket import CloseCode, ErrorMessage


class ResumeImpossible(DragomanError):
    """The server's audio of the session is not that of this client: it has more than was ever given."""

    code = "resume_impossible"
    default_remedy = (
        "A session has one speaker: start a new session; the ledger of this one tells what was transcribed."
    )


def _classes(base: type[DragomanError] = DragomanError) -> Iterator[type[DragomanError]]:
    yield base
    for child in base.__subclasses__():
        yield from _classes(child)


def error_for(code: str, message: str, remedy: str = "") -> DragomanError:
    """The contract's error of that code; of an unknown code, the base class."""
    cls = next((cls for cls in _classes() if cls.code == code), DragomanError)
    return cls(message, remedy=remedy or None)


_BY_STATUS: dict[int, type[DragomanError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: LimitExceeded,
    415: UnsupportedAudio,
    429: LimitExceeded,
}


def error_from_response(status: int, body: bytes) -> DragomanError:
    """Read a problem document; an answer that is none is told by its status."""
    try:
        problem: Any = json.loads(body)
    except ValueError:
        problem = None
    if isinstance(problem, dict) and isinstance(problem.get("code"), str):
        message = str(problem.get("detail") or problem.get("title") or f"the server answered {status}")
        return error_for(problem["code"], message, str(problem.get("remedy") or ""))
    cls = _BY_STATUS.get(status, Unavailable if status >= 500 else InvalidInput)
    return cls(f"the server answered {status}")


_BY_CLOSE_CODE: dict[CloseCode, type[DragomanError]] = {
    CloseCode.BAD_REQUEST: InvalidInput,
    CloseCode.UNAUTHENTICATED: Unauthenticated,
    CloseCode.FORBIDDEN: Forbidden,
    CloseCode.NOT_FOUND: NotFound,
    CloseCode.CONFIGURE_FIRST: InvalidInput,
    CloseCode.UNSUPPORTED_AUDIO: UnsupportedAudio,
    CloseCode.SUPERSEDED: Conflict,
    CloseCode.SESSION_ENDED: SessionEnded,
    CloseCode.FRAME_TOO_LARGE: LimitExceeded,
}


def error_from_close(code: int, reason: str, last: ErrorMessage | None) -> DragomanError | None:
    """Why a socket was closed for good; None if the client should connect again.

    Args:
        code: The close code (RFC 6455, 7.4); 1006 if the connection just broke.
        reason: The close reason, possibly empty.
        last: The ``error`` message that came before, which tells more than the code.

    """
    try:
        known = CloseCode(code)
    except ValueError:
        return None
    if known.reconnect or known is CloseCode.NORMAL:
        return None
    if last is not None and last.permanent:  # one that may mend by itself is not why it is over
        return error_for(last.code, last.message, last.remedy)
    cls = _BY_CLOSE_CODE.get(known, DragomanError)
    return cls(f"the server closed the socket: {reason or known.name.lower().replace('_', ' ')}")
