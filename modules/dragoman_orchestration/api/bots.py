"""REST: bots. The API keeps what is asked for and publishes it; the bots worker does it."""

from __future__ import annotations

import base64
import binascii
import re
import time
import uuid
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Body, Header, Path, Query, Request, Response, status
from loguru import logger
from pydantic import AfterValidator

from dragoman_contracts.bots import MAX_SCREENSHOT_BYTES, RunnerReport
from dragoman_contracts.bots import BotState as State
from dragoman_contracts.errors import BusUnavailable, Conflict, DragomanError, InvalidInput, NotFound
from dragoman_contracts.events import BotReported, BotRequested, BotStopRequested, Event, to_envelope
from dragoman_contracts.streams import BOT_CONTROL
from dragoman_orchestration.api import sessions
from dragoman_orchestration.api.access import BotRunner, KeyHolder, Parts
from dragoman_orchestration.api.bot_schemas import (
    Bot,
    BotList,
    BotQueue,
    BotSummary,
    ClientKey,
    CreateBot,
    Screenshot,
    ScreenshotList,
)
from dragoman_orchestration.api.schemas import EXAMPLE_ID, CreateSession, Transcript, moment
from dragoman_orchestration.api.sessions import problems
from dragoman_orchestration.bots.asking import check_request
from dragoman_orchestration.bots.model import (
    BOT_SESSION_KEEP_S,
    BotRecord,
    Transition,
    fingerprint,
    shown_request,
)
from dragoman_orchestration.container import ApiContainer
from dragoman_orchestration.session.config_scope import SessionConfig, checked_scope
from dragoman_orchestration.session.lifecycle import Status
from dragoman_orchestration.session.model import Cursor, SessionRecord
from dragoman_orchestration.session.store import now_ms
from dragoman_runtime.request_body import Gone, read_body
from dragoman_runtime.telemetry import current_traceparent

router = APIRouter(prefix="/v1/bots", tags=["bots"])

SOURCE = "/dragoman/api"
MAX_REPORT_BYTES = MAX_SCREENSHOT_BYTES * 4 // 3 + 16_384
"""A report with its screenshot in base64."""
_PNG = b"\x89PNG\r\n\x1a\n"
_ID = re.compile("[0-9a-f]{32}")
_report_decoder = msgspec.json.Decoder(RunnerReport)


def _must_be_id(value: str) -> str:
    if _ID.fullmatch(value) is None:
        raise NotFound("there is no such bot, or it ended long ago")
    return value


BotId = Annotated[str, Path(examples=[EXAMPLE_ID]), AfterValidator(_must_be_id)]


class ReportTooLong(InvalidInput):
    """The body of a runner's report is over the limit; it is so the next time too."""

    code = "body_too_large"
    http_status = 413
    default_remedy = f"Send a screenshot of at most {MAX_SCREENSHOT_BYTES} bytes, or none."


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Ask for a bot",
    response_model=Bot,
    responses={
        200: {"model": Bot, "description": "It was asked for before with this client key."},
        **problems(401, 403, 404, 409, 413, 422, 429, 503),
    },
)
async def create_bot(
    request: Request,
    response: Response,
    container: Parts,
    principal: KeyHolder,
    wanted: Annotated[CreateBot, Body()],
    *,
    idempotency_key: Annotated[ClientKey | None, Header()] = None,
) -> Bot:
    """Keep the request; the bots worker starts the bot when it is due and there is room.

    With `Idempotency-Key` (or `client_key`) the same request may be sent any number of times: there is one
    bot.
    """
    asked, store = wanted.request(), container.bots()
    client_key = idempotency_key or wanted.client_key or ""
    options = wanted.session.model_dump(mode="json") if wanted.session else None
    digest = fingerprint(asked, [options, wanted.session_id])
    known = await store.known(principal.name, client_key, digest) if client_key else None
    if known is None:
        await check_request(asked, container.bot_settings(), now_ms=now_ms())
        session = await _session_for(container, principal.name, wanted)
        bot = _new_bot(wanted, session, principal.name)
        try:
            known = await store.create(
                bot, client_key=client_key, digest=digest, limit=container.bot_settings().max_per_key
            )
        except DragomanError as error:
            # Where Redis has not answered, the bot may be kept, and its session is needed.
            if not isinstance(error, BusUnavailable):
                await _drop_session(container, session, wanted)
            raise
        if known is None:
            return await _created(request, response, container, bot)
        await _drop_session(container, session, wanted)
    response.status_code = status.HTTP_200_OK
    response.headers["location"] = f"/v1/bots/{known}"
    return await _shown(request, container, await store.get(known, principal.name))


async def _created(request: Request, response: Response, container: ApiContainer, bot: BotRecord) -> Bot:
    logger.bind(bot_id=bot.id, session_id=bot.session_id).info("bot requested: {}", bot.driver)
    await _publish(
        container,
        BotRequested(
            bot_id=bot.id,
            session_id=bot.session_id,
            owner_key=bot.owner_key,
            request=shown_request(bot.request),
        ),
        bot.id,
    )
    response.headers["location"] = f"/v1/bots/{bot.id}"
    return await _shown(request, container, bot)


def _new_bot(wanted: CreateBot, session: SessionRecord, owner_key: str) -> BotRecord:
    asked, time_ms = wanted.request(), now_ms()
    bot = BotRecord(
        id=uuid.uuid4().hex,
        owner_key=owner_key,
        session_id=session.id,
        driver=asked.driver,
        request=asked,
        created_ms=time_ms,
        since_ms=time_ms,
    )
    bot.history.append(Transition(seq=1, state=bot.state, time_ms=time_ms, cause=bot.cause))
    return bot


@router.get("", summary="List bots", responses=problems(401, 403, 422, 503))
async def list_bots(
    container: Parts,
    principal: KeyHolder,
    state: Annotated[list[State] | None, Query(description="Only those in these states.")] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Bots of one page.")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=64, description="`next_cursor` of the page before.")
    ] = None,
) -> BotList:
    """Your bots, newest first, also those that ended within the last day."""
    before = Cursor.parse(cursor) if cursor else None
    bots, following = await container.bots().newest(
        principal.name,
        limit=limit,
        states=frozenset(state or State),
        before=(before.created_ms, before.session_id) if before else None,
    )
    return BotList(
        bots=[BotSummary.of(bot) for bot in bots],
        next_cursor=str(Cursor(*following)) if following else None,
    )


@router.get("/{bot_id}", summary="Get a bot", responses=problems(401, 403, 404, 503))
async def get_bot(request: Request, container: Parts, principal: KeyHolder, bot_id: BotId) -> Bot:
    """The bot as it is now, its history, and whether it waits for room."""
    return await _shown(request, container, await container.bots().get(bot_id, principal.name))


@router.delete(
    "/{bot_id}",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Stop a bot",
    responses=problems(401, 403, 404, 503),
)
async def stop_bot(request: Request, container: Parts, principal: KeyHolder, bot_id: BotId) -> Bot:
    """Let the bot leave and end, whatever it does now. Stopping it twice, or after its end, is no error."""
    store = container.bots()
    await store.get(bot_id, principal.name)
    await store.stop(bot_id, principal.name)
    await _publish(container, BotStopRequested(bot_id=bot_id, requested_by=principal.name), bot_id)
    return await _shown(request, container, await store.get(bot_id, principal.name))


@router.get(
    "/{bot_id}/transcript",
    summary="Get the transcript of a bot",
    response_model=Transcript,
    responses={
        200: {"content": {"text/plain": {}, "application/x-subrip": {}, "text/vtt": {}}},
        **problems(401, 403, 404, 422, 503),
    },
)
async def get_bot_transcript(
    container: Parts,
    principal: KeyHolder,
    bot_id: BotId,
    form: Annotated[Literal["json", "txt", "srt", "vtt"], Query(alias="format")] = "json",
    language: Annotated[
        str | None, Query(max_length=80, description="As for a session's transcript.", examples=["es"])
    ] = None,
) -> Response:
    """The transcript of its session so far; see `GET /v1/sessions/{session_id}/transcript`."""
    bot = await container.bots().get(bot_id, principal.name)
    return await sessions.get_transcript(container, principal, bot.session_id, form, language)


@router.get(
    "/{bot_id}/screenshots", summary="List a bot's screenshots", responses=problems(401, 403, 404, 503)
)
async def list_screenshots(container: Parts, principal: KeyHolder, bot_id: BotId) -> ScreenshotList:
    """What a browser bot saw when it failed, or needed help."""
    await container.bots().get(bot_id, principal.name)
    times = await container.bots().screenshots(bot_id)
    return ScreenshotList(
        screenshots=[
            Screenshot(
                time_ms=time_ms, at=moment(time_ms / 1000), url=f"/v1/bots/{bot_id}/screenshots/{time_ms}"
            )
            for time_ms in times
        ]
    )


@router.get(
    "/{bot_id}/screenshots/{time_ms}",
    summary="Get a screenshot",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}, **problems(401, 403, 404, 422, 503)},
)
async def get_screenshot(
    container: Parts, principal: KeyHolder, bot_id: BotId, time_ms: Annotated[int, Path(ge=0, lt=10**15)]
) -> Response:
    """The picture, as PNG."""
    await container.bots().get(bot_id, principal.name)
    image = await container.bots().screenshot(bot_id, time_ms)
    headers = {"cache-control": "private, no-store", "x-content-type-options": "nosniff"}
    return Response(image, media_type="image/png", headers=headers)


@router.post(
    "/{bot_id}/reports", summary="A runner's report", responses=problems(401, 403, 404, 409, 422, 503)
)
async def post_report(request: Request, container: Parts, _: BotRunner, bot_id: BotId) -> dict[str, Any]:
    """What a bot's runner tells every second, with its own token; the answer says what is wanted of it.

    409 `fenced`: another runner has its place; it has to leave.
    """
    report, screenshot = await _read_report(request)
    store = container.bots()
    bot = (await store.read(bot_id)).bot
    heard = await store.report(bot, report, screenshot)
    before = bot.current_report
    if heard.is_new and (before is None or (before.state, before.cause) != (report.state, report.cause)):
        told = BotReported(bot_id=bot_id, generation=report.generation, seq=report.seq)
        await _publish(container, told, bot_id)
    return dict(msgspec.to_builtins(heard.orders))


async def _read_report(request: Request) -> tuple[RunnerReport, bytes]:
    """The report without its screenshot, and that as PNG.

    Raises:
        InvalidInput: it is none.

    """
    length = request.headers.get("content-length", "").encode()
    try:
        body = await read_body(
            length, request.receive, limit=MAX_REPORT_BYTES, too_long=ReportTooLong, what="report"
        )
        report = _report_decoder.decode(body)
        screenshot = base64.b64decode(report.screenshot, validate=True)
    except Gone:
        raise InvalidInput("the runner hung up") from None
    except (msgspec.DecodeError, binascii.Error, UnicodeError, RecursionError):
        raise InvalidInput("the body is no report") from None
    if screenshot and (not screenshot.startswith(_PNG) or len(screenshot) > MAX_SCREENSHOT_BYTES):
        raise InvalidInput(f"the screenshot is no PNG of at most {MAX_SCREENSHOT_BYTES} bytes")
    return msgspec.structs.replace(report, screenshot=""), screenshot


# --- what the routes share -------------------------------------------------------------------------------


async def _shown(request: Request, container: ApiContainer, bot: BotRecord) -> Bot:
    url = request.base_url
    base = f"{'wss' if url.scheme == 'https' else 'ws'}://{url.netloc}{url.path.rstrip('/')}"
    return Bot.shown(bot, await _queue(container, bot), base)


async def _queue(container: ApiContainer, bot: BotRecord) -> BotQueue:
    scheduled = bot.request.join_at_ms > time.time() * 1000
    if bot.state.is_final or bot.lease or scheduled:
        return BotQueue(queued=False, position=None)
    position = await container.bots().queue_position(bot.id)
    return BotQueue(queued=position is not None, position=position)


async def _publish(container: ApiContainer, event: Event, bot_id: str) -> None:
    """Wake a worker; what is to be done is in the record, so that a wake-up that is lost costs a moment."""
    envelope = to_envelope(event, source=SOURCE, subject=bot_id, traceparent=current_traceparent())
    try:
        await container.broker().publish(BOT_CONTROL, envelope.to_fields())
    except BusUnavailable as error:
        logger.bind(bot_id=bot_id).warning("the bots workers are not woken: {}", error.message)


async def _session_for(container: ApiContainer, owner_key: str, wanted: CreateBot) -> SessionRecord:
    """The session that the bot speaks into: the one that is named, or a new one."""
    if wanted.session_id is None:
        return await _new_session(container, owner_key, wanted.session or CreateSession())
    record = await container.store().get(wanted.session_id)
    if record.owner_key != owner_key:
        raise NotFound("there is no such session, or it ended long ago")
    if record.status is not Status.CREATED:
        raise Conflict(
            f"the session is {record.status} and takes no bot",
            remedy="Give a session that nobody has spoken into, or leave session_id out.",
        )
    # It would be forgotten after an hour; its bot may come later.
    keys = container.store().keys(record.id)
    await container.store_wire().ask([("EXPIRE", keys.record, BOT_SESSION_KEEP_S)])
    return record


async def _new_session(container: ApiContainer, owner_key: str, wanted: CreateSession) -> SessionRecord:
    document = container.config().document
    wanted = wanted.with_defaults(document.system.session)
    config = checked_scope(SessionConfig(preset=wanted.preset, values=wanted.config), document)
    options = wanted.options()
    if options.translation is not None:
        translation = await container.glossaries().resolve(options.translation)
        options = msgspec.structs.replace(options, translation=translation)
    record: SessionRecord = await container.bot_sessions().create(
        options,
        profile=options.profile or container.settings().default_profile,
        owner_key=owner_key,
        limits=container.session_limits(),
        config=config,
    )
    return record


async def _drop_session(container: ApiContainer, session: SessionRecord, wanted: CreateBot) -> None:
    """The bot is not made: a session that was made for it is not needed."""
    if wanted.session_id is None:
        await container.store().end(session.id, "bot")
