"""``POST /v1/audio/transcriptions`` and ``/v1/audio/translations`` in OpenAI's shape."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from dragoman_contracts.errors import InvalidInput, NotFound, UnsupportedAudio
from dragoman_whisper import formats
from dragoman_whisper.files import FileOptions, FileTranscriber
from dragoman_whisper.formats import MEDIA_TYPES, Granularity, ResponseFormat
from dragoman_whisper.media import FileTooLong
from dragoman_whisper.service import WhisperService
from dragoman_whisper.transcript import Transcript

T = TypeVar("T")
Task = Literal["transcribe", "translate"]

ANY_MODEL = "whisper-1"
"""The name that OpenAI's clients send; it means the model that is loaded."""
CLIENT_CLOSED_REQUEST = 499
"""Nobody reads it; the access metrics do."""
_FORM_OVERHEAD_BYTES = 65_536


class FileForm(BaseModel):
    """The fields of the form beside the file."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    model: str = Field(ANY_MODEL, description="The loaded model's name, or whisper-1.")
    language: str | None = Field(None, description="ISO 639-1 code; left out, it is detected.")
    prompt: str = Field("", max_length=4_000, description="Context: names, style, what was said before.")
    hotwords: str = Field("", max_length=1_000, description="Words that are likely to be said.")
    response_format: ResponseFormat = "json"
    temperature: Annotated[float, Field(ge=0, le=1, description="0 searches; above 0 samples.")] = 0.0
    timestamp_granularities: list[Granularity] = Field(
        ["segment"], alias="timestamp_granularities[]", description="For verbose_json: word, segment or both."
    )
    stream: Literal[False] = Field(False, description="Streamed answers are not offered; use the live API.")


def _request_body(task: Task) -> dict[str, Any]:
    schema = FileForm.model_json_schema(by_alias=True)
    if task == "translate":
        schema["properties"].pop("language")
    schema["properties"]["file"] = {
        "type": "string",
        "format": "binary",
        "description": "Audio or video of any format that FFmpeg reads.",
    }
    schema["required"] = ["file"]
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def file_routes(service: WhisperService) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["files"])
    transcriber = FileTranscriber(service)

    async def answer(request: Request, task: Task) -> Response:
        try:
            return await transcribed(request, task)
        except ClientDisconnect:
            return Response(status_code=CLIENT_CLOSED_REQUEST)

    async def transcribed(request: Request, task: Task) -> Response:
        _ = service.engine  # no upload for a model that is not there
        limit_bytes = service.settings.file_max_mb * 1_000_000
        async with _limited(request, limit_bytes).form(max_files=1, max_fields=32) as form:
            fields = _fields(form)
            _check_model(fields.model, service)
            options = FileOptions(
                language=fields.language or None if task == "transcribe" else None,
                task=task,
                prompt=fields.prompt,
                hotwords=fields.hotwords,
                temperature=fields.temperature,
            )
            work = transcriber.transcribe(_upload(form, limit_bytes).file, options)
            return _render(await _while_connected(request.receive, work), fields)

    @router.post(
        "/v1/audio/transcriptions",
        summary="Transcribe a file",
        response_class=Response,
        openapi_extra=_request_body("transcribe"),
    )
    async def transcribe(request: Request) -> Response:
        """The transcript in the file's language."""
        return await answer(request, "transcribe")

    @router.post(
        "/v1/audio/translations",
        summary="Translate a file into English",
        response_class=Response,
        openapi_extra=_request_body("translate"),
    )
    async def translate(request: Request) -> Response:
        """The transcript in English."""
        return await answer(request, "translate")

    return router


def _limited(request: Request, limit_bytes: int) -> Request:
    """The request, with an end to what it may send: a form is parsed to its end before anyone can look."""
    limit = limit_bytes + _FORM_OVERHEAD_BYTES
    too_large = FileTooLong(f"the request is larger than {limit_bytes // 1_000_000} MB")
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise too_large
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise InvalidInput(
            "the request is no form with a file", remedy="Send multipart/form-data with the field file."
        )
    received = 0

    async def receive() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise too_large
        return message

    return Request(request.scope, receive)


def _fields(form: FormData) -> FileForm:
    given: dict[str, Any] = {name: value for name, value in form.items() if isinstance(value, str)}
    name = "timestamp_granularities[]"
    granularities = form.getlist(name) or form.getlist("timestamp_granularities")
    if granularities:
        given[name] = [str(value) for value in granularities]
    try:
        return FileForm.model_validate(given)
    except ValidationError as error:
        places = [
            f"{'.'.join(str(part) for part in detail['loc'])}: {detail['msg']}"
            for detail in error.errors(include_input=False, include_url=False)
        ]
        raise InvalidInput(f"the form is not valid: {'; '.join(places)}") from None


def _upload(form: FormData, limit_bytes: int) -> UploadFile:
    upload = form.get("file")
    if not isinstance(upload, UploadFile):
        raise InvalidInput("the form has no file", remedy="Send the audio as the form's field file.")
    if not upload.size:
        raise UnsupportedAudio("the file is empty", remedy="Send a file with sound in it.")
    if upload.size > limit_bytes:
        raise FileTooLong(f"the file is larger than {limit_bytes // 1_000_000} MB")
    return upload


def _check_model(name: str, service: WhisperService) -> None:
    loaded = service.engine.model
    if name not in {loaded, service.settings.model, ANY_MODEL, ""}:
        raise NotFound(
            f"the model {name[:80]!r} is not loaded", remedy=f"Ask for {loaded}, or for {ANY_MODEL}."
        )


async def _while_connected(receive: Receive, work: Awaitable[T]) -> T:
    """The outcome of ``work``, which is cancelled when the client hangs up."""
    task = asyncio.ensure_future(work)
    watch = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()
        watch.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _render(transcript: Transcript, fields: FileForm) -> Response:
    match fields.response_format:
        case "json":
            return JSONResponse(formats.as_json(transcript))
        case "verbose_json":
            return JSONResponse(formats.as_verbose_json(transcript, fields.timestamp_granularities))
        case "text":
            body = formats.as_text(transcript)
        case "srt":
            body = formats.as_srt(transcript)
        case "vtt":
            body = formats.as_vtt(transcript)
    return Response(body, media_type=MEDIA_TYPES[fields.response_format])
