"""What FFmpeg's errors mean for a bot; the library's own texts are not told, they hold the URL."""

from __future__ import annotations

from typing import NamedTuple

import av

from dragoman_bots.drivers.base import CaptureFailed, DriverFailed, JoinFailed, RequestRefused

BUILT_IN = frozenset({"http", "https", "rtmp", "rtmps", "rtsp", "file"})
"""What every FFmpeg of PyAV's own wheels speaks; SRT is not in all of them."""


class _Meaning(NamedTuple):
    kinds: tuple[type[BaseException], ...]
    failure: type[DriverFailed]
    code: str
    message: str
    transient: bool = False


_MEANINGS = (
    # In this order: some of FFmpeg's errors are some of Python's, too.
    _Meaning((av.error.HTTPNotFoundError,), JoinFailed, "not_found", "the source is not there (HTTP 404)"),
    _Meaning(
        (av.error.HTTPUnauthorizedError,), JoinFailed, "unauthorized", "the source wants a login (HTTP 401)"
    ),
    _Meaning((av.error.HTTPForbiddenError,), JoinFailed, "forbidden", "the source refuses (HTTP 403)"),
    _Meaning(
        (av.error.HTTPTooManyRequestsError,),
        JoinFailed,
        "too_many_requests",
        "too many listeners (HTTP 429)",
        True,
    ),
    _Meaning((av.error.HTTPClientError,), JoinFailed, "refused", "the source refuses (HTTP 4xx)"),
    _Meaning((av.error.HTTPServerError,), JoinFailed, "server_error", "its server fails (HTTP 5xx)", True),
    _Meaning(
        (av.error.InvalidDataError, av.error.EOFError, av.error.DemuxerNotFoundError, ValueError),
        CaptureFailed,
        "not_media",
        "the source is no audio or video that can be read",
    ),
    _Meaning(
        (av.error.DecoderNotFoundError,),
        CaptureFailed,
        "no_decoder",
        "nothing here decodes the source's audio",
    ),
    _Meaning((FileNotFoundError,), JoinFailed, "not_found", "the source is not there"),
    _Meaning((IsADirectoryError, PermissionError), JoinFailed, "forbidden", "the source cannot be read"),
    _Meaning(
        (TimeoutError, av.error.ExitError), JoinFailed, "timeout", "the source did not answer in time", True
    ),
)


def no_such_protocol(protocol: str) -> RequestRefused:
    """FFmpeg knows nobody who speaks it: forbidden to a source that leads on, or not built in."""
    if protocol in BUILT_IN:
        return RequestRefused("protocol_not_allowed", "the source uses a protocol that is not allowed here")
    return RequestRefused(
        "protocol_not_built",
        f"the FFmpeg of this installation does not speak {protocol}",
        remedy="Install PyAV built on an FFmpeg that does (pip install --no-binary av av).",
    )


def failure_of(error: BaseException) -> DriverFailed:
    """What a failure to read means; the library's own text is not told, it holds the URL."""
    for meaning in _MEANINGS:
        if isinstance(error, meaning.kinds):
            return meaning.failure(meaning.code, meaning.message, transient=meaning.transient)
    return JoinFailed("unreachable", "the source cannot be reached", transient=True)
