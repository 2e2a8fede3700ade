"""How an error is told on a socket: the message, and the close code that says whether to reconnect."""

from __future__ import annotations

from dragoman_contracts.errors import (
    BusUnavailable,
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


class MessageTooLarge(InvalidInput):
    """A message of a speaker is over the size limit; it is so the next time too."""

    code = "message_too_large"


def error_message(error: DragomanError) -> ErrorMessage:
    """The in-band form of an error."""
    return ErrorMessage(
        code=error.code, message=error.message, remedy=error.remedy, permanent=error.permanent
    )


_CLOSE_CODES: tuple[tuple[type[DragomanError], CloseCode], ...] = (
    (Unauthenticated, CloseCode.UNAUTHENTICATED),
    (Forbidden, CloseCode.FORBIDDEN),
    (NotFound, CloseCode.NOT_FOUND),
    (SessionEnded, CloseCode.SESSION_ENDED),
    (UnsupportedAudio, CloseCode.UNSUPPORTED_AUDIO),
    (LimitExceeded, CloseCode.RATE_LIMITED),
    (BusUnavailable, CloseCode.BUS_UNAVAILABLE),
    (Unavailable, CloseCode.OVERLOADED),
)


def close_code(error: DragomanError) -> CloseCode:
    """The close code that tells a client what ``error`` means for reconnecting."""
    for kind, code in _CLOSE_CODES:
        if isinstance(error, kind):
            return code
    return CloseCode.BAD_REQUEST if error.permanent else CloseCode.BUS_UNAVAILABLE
