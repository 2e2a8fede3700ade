"""REST: sessions, their transcripts, ledgers and viewers' tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Body, Path, Query, Request, Response, status
from loguru import logger
from pydantic import AfterValidator

from dragoman_contracts.errors import DragomanError, NotFound
from dragoman_orchestration.api import transcripts
from dragoman_orchestration.api.access import KeyHolder, Parts, SessionReader
from dragoman_orchestration.api.schemas import (
    EXAMPLE_ID,
    ChangeSession,
    CreateSession,
    Session,
    SessionConnections,
    SessionLedger,
    SessionList,
    Transcript,
    ViewedSession,
    ViewerTokenIssued,
    ViewerTokenWanted,
    moment,
)
from dragoman_orchestration.container import ApiContainer
from dragoman_orchestration.recordings.archive import RecordingsUnavailable
from dragoman_orchestration.session.config_scope import SessionConfig, checked_scope
from dragoman_orchestration.session.model import Cursor, SessionRecord
from dragoman_orchestration.session.store import now_ms
from dragoman_runtime.http_service import PROBLEM_CONTENT

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])

_ID = re.compile("[0-9a-f]{32}")


def _must_be_id(value: str) -> str:
    """A text that is no id names no session, as an id that was never given."""
    if _ID.fullmatch(value) is None:
        raise NotFound("there is no such session, or it ended long ago")
    return value


SessionId = Annotated[str, Path(examples=[EXAMPLE_ID]), AfterValidator(_must_be_id)]
ENDED_BY_REQUEST = "request"


def problems(*codes: int) -> dict[int | str, dict[str, Any]]:
    """The documented problems of a route."""
    told = {
        401: "No key or token, or one that is not known.",
        403: "The token does not reach this.",
        404: "There is no such thing.",
        409: "Its state forbids the request.",
        413: "The body is over the limit.",
        422: "The request is not valid.",
        429: "A limit is reached; `Retry-After` tells when to try again.",
        502: "The whisper service answered something that is no answer.",
        503: "Redis or a service is away, or no worker has room (`overloaded`); `Retry-After` tells when to "
        "try again.",
    }
    return {code: {"description": told[code], "content": PROBLEM_CONTENT} for code in codes}


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Create a session",
    responses=problems(401, 403, 413, 422, 429, 503),
)
async def create_session(
    request: Request,
    response: Response,
    container: Parts,
    principal: KeyHolder,
    wanted: Annotated[CreateSession | None, Body()] = None,
) -> Session:
    """Make a session; its speaker connects to `audio_url`, its viewers to `events_url`.

    A session that no speaker opens within an hour is forgotten.
    """
    document = container.config().document
    wanted = (wanted or CreateSession()).with_defaults(document.system.session)
    config = checked_scope(SessionConfig(preset=wanted.preset, values=wanted.config), document)
    options = wanted.options()
    if options.translation is not None:
        translation = await container.glossaries().resolve(options.translation)
        options = msgspec.structs.replace(options, translation=translation)
    profile = options.profile or container.settings().default_profile
    await container.admission().check(profile)
    recorded_as = await container.recordings().begin() if wanted.record else ""
    try:
        record = await container.store().create(
            options,
            profile=profile,
            owner_key=principal.name,
            limits=container.session_limits(),
            config=config,
            title=wanted.title,
            recorded_as=recorded_as,
        )
    except DragomanError:
        if recorded_as:
            await container.recordings().remove(recorded_as)
        raise
    logger.bind(session_id=record.id).info("session created")
    response.headers["location"] = f"/v1/sessions/{record.id}"
    return await _told(request, container, record)


@router.get("", summary="List sessions", responses=problems(401, 403, 422, 503))
async def list_sessions(
    request: Request,
    container: Parts,
    _: KeyHolder,
    limit: Annotated[int, Query(ge=1, le=200, description="Sessions of one page.")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=64, description="`next_cursor` of the page before.")
    ] = None,
) -> SessionList:
    """Sessions, newest first, also those that ended a while ago."""
    before = Cursor.parse(cursor) if cursor else None
    page = await container.store().newest(limit=limit, before=before)
    return SessionList(
        sessions=await _all_told(request, container, page.records),
        next_cursor=str(page.next) if page.next else None,
    )


@router.get("/{session_id}", summary="Get a session", responses=problems(401, 403, 404, 503))
async def get_session(
    request: Request, container: Parts, principal: SessionReader, session_id: SessionId
) -> Session | ViewedSession:
    """The session as it is now; with a viewer's token what a viewer has to know of it."""
    record = await container.store().get(session_id)
    if principal.is_key:
        return await _told(request, container, record)
    return ViewedSession.of(Session.of(record, _sockets_url(request)))


@router.patch("/{session_id}", summary="Rename a session", responses=problems(401, 403, 404, 413, 422, 503))
async def change_session(
    request: Request, container: Parts, _: KeyHolder, session_id: SessionId, wanted: ChangeSession
) -> Session:
    """Give a session a title, also one that has ended."""
    store = container.store()
    await store.set_title(session_id, wanted.title)
    return await _told(request, container, await store.get(session_id))


@router.delete(
    "/{session_id}",
    status_code=status.HTTP_202_ACCEPTED,
    summary="End a session",
    responses=problems(401, 403, 404, 503),
)
@router.post(
    "/{session_id}/end",
    status_code=status.HTTP_202_ACCEPTED,
    summary="End a session (for clients without DELETE)",
    responses=problems(401, 403, 404, 503),
)
async def end_session(request: Request, container: Parts, _: KeyHolder, session_id: SessionId) -> Session:
    """End the session, also while its speaker is connected (the socket is closed with 4410).

    What was accepted is still transcribed: the status is `ending` until `session.ended` was sent. Ending a
    session twice is no error.
    """
    store = container.store()
    await store.end(session_id, ENDED_BY_REQUEST)
    await container.gateway().refresh(session_id)
    return await _told(request, container, await store.get(session_id))


@router.get(
    "/{session_id}/transcript",
    summary="Get the transcript so far",
    response_model=Transcript,
    responses={
        200: {
            "content": {
                "text/plain": {"example": "Hello.\nWelcome to Dragoman.\n"},
                "application/x-subrip": {"example": "1\n00:00:00,480 --> 00:00:01,313\nHello.\n"},
                "text/vtt": {"example": "WEBVTT\n\n00:00:00.480 --> 00:00:01.313\nHello.\n"},
            }
        },
        **problems(401, 403, 404, 422, 503),
    },
)
async def get_transcript(
    container: Parts,
    _: SessionReader,
    session_id: SessionId,
    form: Annotated[Literal["json", "txt", "srt", "vtt"], Query(alias="format")] = "json",
    language: Annotated[
        str | None,
        Query(
            max_length=80,
            description="A BCP 47 code, or two with a comma between, shown together; left out: as spoken.",
            examples=["es", "en,es"],
        ),
    ] = None,
) -> Response:
    """All final segments, as JSON, plain text, SubRip or WebVTT, as spoken or translated.

    A segment that has no translation is shown as it was spoken, in brackets; in JSON its text is null.
    """
    store = container.store()
    record = await store.get(session_id)
    segments = transcripts.decode_segments(await store.results(session_id, transcripts.KINDS))
    languages = transcripts.languages_of(language, segments, record.translation.targets)
    match form:
        case "txt":
            return Response(transcripts.to_text(segments, languages), media_type="text/plain")
        case "srt":
            return Response(transcripts.to_srt(segments, languages), media_type="application/x-subrip")
        case "vtt":
            return Response(transcripts.to_vtt(segments, languages), media_type="text/vtt")
        case _:
            body = transcripts.to_json(session_id, record.status, segments, languages)
            return Response(body, media_type="application/json")


@router.get("/{session_id}/ledger", summary="Get the ledger", responses=problems(401, 403, 404, 503))
async def get_ledger(container: Parts, _: SessionReader, session_id: SessionId) -> SessionLedger:
    """Where every received millisecond of the session's audio went."""
    store = container.store()
    return SessionLedger.of(await store.ledger(await store.get(session_id)))


@router.get("/{session_id}/presence", summary="Get who is connected", responses=problems(401, 403, 404, 503))
async def get_presence(container: Parts, _: KeyHolder, session_id: SessionId) -> SessionConnections:
    """The speakers and viewers that are connected now, in all API processes.

    Sockets of a process that was killed are listed for up to 30 s.
    """
    await container.store().get(session_id)
    counts, connected = await container.presence_register().connected(session_id, now_ms=now_ms())
    return SessionConnections.of(counts, connected)


@router.post(
    "/{session_id}/viewer-tokens",
    status_code=status.HTTP_201_CREATED,
    summary="Make a token for viewers",
    responses=problems(401, 403, 404, 413, 422, 503),
)
async def create_viewer_token(
    container: Parts,
    _: KeyHolder,
    session_id: SessionId,
    wanted: Annotated[ViewerTokenWanted | None, Body()] = None,
) -> ViewerTokenIssued:
    """A token that reads this session: its title and status, its events, its transcript and its ledger."""
    await container.store().get(session_id)
    issued = container.authenticator().issue_viewer_token(session_id, wanted.ttl_s if wanted else None)
    return ViewerTokenIssued(token=issued.token, expires_at=moment(issued.expires_at_s))


async def _told(request: Request, container: ApiContainer, record: SessionRecord) -> Session:
    return (await _all_told(request, container, [record]))[0]


async def _all_told(
    request: Request, container: ApiContainer, records: Sequence[SessionRecord]
) -> list[Session]:
    """The sessions with what is on the disk of those that are recorded."""
    recorded = [record.id for record in records if record.recording is not None]
    try:
        files = await container.recordings().find(recorded) if recorded else {}
    except RecordingsUnavailable as error:
        logger.warning("sessions are told without the length of their recordings: {}", error.message)
        files = {}
    base = _sockets_url(request)
    return [Session.of(record, base, files.get(record.id)) for record in records]


def _sockets_url(request: Request) -> str:
    url = request.base_url
    return f"{'wss' if url.scheme == 'https' else 'ws'}://{url.netloc}{url.path.rstrip('/')}"
