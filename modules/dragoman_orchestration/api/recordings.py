"""REST: the recording of a session, as a WAV file that can be sought in, and who may hear it."""

from __future__ import annotations

from email.utils import formatdate
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response, Security, status
from fastapi.responses import StreamingResponse
from fastapi.security import APIKeyCookie
from fastapi.security.http import HTTPAuthorizationCredentials

from dragoman_contracts.errors import NotFound
from dragoman_orchestration.api.access import KeyHolder, Parts, bearer_scheme
from dragoman_orchestration.api.auth import bearer
from dragoman_orchestration.api.byte_ranges import ByteRange, NotSatisfiable, requested_range
from dragoman_orchestration.api.recording_access import ACCESS_S, COOKIE
from dragoman_orchestration.api.sessions import SessionId, problems
from dragoman_orchestration.container import ApiContainer
from dragoman_orchestration.recordings.folder import RecordingFile
from dragoman_orchestration.recordings.wav import HEADER_BYTES

router = APIRouter(prefix="/v1/sessions", tags=["recordings"])

PATH = "/{session_id}/recording"
WAV = "audio/wav"
_REMEDY = (
    "Sessions are recorded that were created with `record`; recordings are deleted some time after their end."
)

_cookie_scheme = APIKeyCookie(
    name=COOKIE,
    auto_error=False,
    scheme_name="recording",
    description="From `POST /v1/sessions/{session_id}/recording/access`: one recording, for an hour.",
)


async def _listener(
    request: Request,
    session_id: str,
    container: Parts,
    _documented: Annotated[HTTPAuthorizationCredentials | None, Security(bearer_scheme)],
    cookie: Annotated[str | None, Security(_cookie_scheme)],
) -> None:
    credential = bearer(request.scope["headers"])
    if credential is None and cookie:
        container.recording_access().check(session_id, cookie)
        return
    (await container.authenticator().identify(credential)).must_be_key()


Listener = Annotated[None, Depends(_listener)]

_AUDIO: dict[str, Any] = {WAV: {"schema": {"type": "string", "format": "binary"}}}
_HEADERS: dict[str, Any] = {
    name: {"description": description, "schema": {"type": "string"}}
    for name, description in (
        ("Accept-Ranges", "`bytes`"),
        ("ETag", "Another one after each change: a session that is live grows."),
        ("Last-Modified", "When audio was written last."),
    )
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "All of it: mono, 16 kHz, 16 bits.", "content": _AUDIO, "headers": _HEADERS},
    304: {"description": "It is as `If-None-Match` says."},
    **problems(401, 403, 404, 503),
}
_PARTS: dict[int | str, dict[str, Any]] = {
    206: {
        "description": "The part that `Range` asked for.",
        "content": _AUDIO,
        "headers": {
            **_HEADERS,
            "Content-Range": {
                "description": "Which part of how many bytes.",
                "schema": {"type": "string", "examples": ["bytes 44-32043/960044"]},
            },
        },
    },
    416: {"description": "The range begins behind the end; `Content-Range` tells how many bytes there are."},
}


@router.get(PATH, summary="Get the recording", response_class=Response, responses={**_ANSWERS, **_PARTS})
async def get_recording(
    container: Parts,
    _: Listener,
    session_id: SessionId,
    range_: Annotated[
        str | None, Header(alias="range", description="One range of bytes.", examples=["bytes=44-"])
    ] = None,
    if_range: Annotated[str | None, Header(description="The ETag that the range is of.")] = None,
    if_none_match: Annotated[str | None, Header(description="The ETag that is known.")] = None,
) -> Response:
    """The audio of a session as a WAV file; of a live one as far as it is.

    Byte 44 + 32 n is the first of millisecond n of the session, as the words' times count. Audio that was
    lost is silence. Wants an API key or the cookie of `recording/access`.
    """
    file = await _recorded(container, session_id)
    headers, total = _headers(file), HEADER_BYTES + file.size
    if _names(if_none_match, headers["etag"]):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    try:
        part = requested_range(range_ if if_range in {None, headers["etag"]} else None, total)
    except NotSatisfiable:
        told = {"content-range": f"bytes */{total}"}
        return Response(status_code=status.HTTP_416_RANGE_NOT_SATISFIABLE, headers=headers | told)
    code = status.HTTP_200_OK
    if part is not None:
        code = status.HTTP_206_PARTIAL_CONTENT
        headers["content-range"] = f"bytes {part.first}-{part.last}/{total}"
    sent = part or ByteRange(0, total - 1)
    headers["content-length"] = str(sent.length)
    body = container.recordings().read_wav(file, sent.first, sent.last)
    return StreamingResponse(body, code, headers=headers, media_type=WAV)


@router.head(PATH, summary="Look at the recording", response_class=Response, responses=_ANSWERS)
async def head_recording(container: Parts, _: Listener, session_id: SessionId) -> Response:
    """How long the WAV file is now, without it."""
    file = await _recorded(container, session_id)
    length = {"content-length": str(HEADER_BYTES + file.size)}
    return Response(headers=_headers(file) | length, media_type=WAV)


@router.delete(
    PATH,
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete the recording",
    responses=problems(401, 403, 404, 503),
)
async def delete_recording(container: Parts, _: KeyHolder, session_id: SessionId) -> None:
    """Delete the recording for good; a live session is recorded no further. Twice is no error."""
    # First the state: whoever writes may open the file until it is gone, and makes none.
    await container.store().forget_recording(session_id)
    await container.recordings().remove(session_id)


@router.post(
    f"{PATH}/access",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Let this browser hear the recording",
    responses={
        204: {
            "description": "The cookie is set.",
            "headers": {
                "Set-Cookie": {
                    "description": f"`{COOKIE}`: for the recording of this session only, for an hour.",
                    "schema": {"type": "string"},
                }
            },
        },
        **problems(401, 403, 404, 503),
    },
)
async def create_recording_access(
    request: Request, container: Parts, _: KeyHolder, session_id: SessionId
) -> Response:
    """Set a cookie that reaches this recording for an hour: an `<audio>` element cannot send a key."""
    await _recorded(container, session_id)
    response = Response(status_code=status.HTTP_204_NO_CONTENT, headers={"cache-control": "no-store"})
    response.set_cookie(
        COOKIE,
        container.recording_access().issue(session_id),
        max_age=ACCESS_S,
        path=request.url.path.removesuffix("/access"),
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return response


async def _recorded(container: ApiContainer, session_id: str) -> RecordingFile:
    record = await container.store().get(session_id)
    found = await container.recordings().find([session_id]) if record.recording is not None else {}
    if session_id not in found:
        raise NotFound("the session has no recording", remedy=_REMEDY)
    return found[session_id]


def _headers(file: RecordingFile) -> dict[str, str]:
    return {
        "accept-ranges": "bytes",
        "etag": f'"{file.size:x}-{file.modified_ns:x}"',
        "last-modified": formatdate(file.modified_ns / 1e9, usegmt=True),
        "content-disposition": f'attachment; filename="dragoman-{file.session_id}.wav"',
        "cache-control": "private, no-store",
        "x-content-type-options": "nosniff",
    }


def _names(if_none_match: str | None, etag: str) -> bool:
    """Whether the header is of this version; a proxy may have made its tag a weak one."""
    known = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return etag in known or known == ["*"]
