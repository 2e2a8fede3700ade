"""``POST /v1/audio/transcriptions`` in OpenAI's shape: a file goes through to the whisper service.

The upload is streamed, not held: its size costs this process nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect

from dragoman_contracts.errors import BadUpstream, EngineUnavailable
from dragoman_orchestration.api.access import KeyHolder, Parts
from dragoman_orchestration.api.body_limit import BodyTooLarge
from dragoman_orchestration.api.sessions import problems
from dragoman_runtime.http_service import PROBLEM_TYPE
from dragoman_runtime.telemetry import current_traceparent

PATH = "/v1/audio/transcriptions"
SERVER_ERROR = 500

router = APIRouter(tags=["transcriptions"])

_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "model"],
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "The recording."},
                        "model": {"type": "string", "examples": ["whisper-1"]},
                        "language": {"type": "string", "examples": ["en"]},
                        "prompt": {"type": "string"},
                        "response_format": {
                            "type": "string",
                            "enum": ["json", "text", "srt", "vtt", "verbose_json"],
                            "default": "json",
                        },
                        "temperature": {"type": "number", "default": 0},
                        "timestamp_granularities[]": {
                            "type": "array",
                            "items": {"type": "string", "enum": ["word", "segment"]},
                        },
                    },
                }
            }
        },
    }
}


@router.post(
    PATH,
    summary="Transcribe a file (OpenAI-compatible)",
    openapi_extra=_FORM,
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "As OpenAI's API answers for `response_format`.",
            "content": {
                "application/json": {"example": {"text": "Hello. Welcome to Dragoman."}},
                "text/plain": {"example": "Hello. Welcome to Dragoman.\n"},
            },
        },
        **problems(401, 403, 413, 422, 429, 502, 503),
    },
)
async def create_transcription(request: Request, container: Parts, _: KeyHolder) -> StreamingResponse:
    """Transcribe a whole recording; for live audio create a session instead."""
    limit = container.settings().max_body_bytes
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    client = container.whisper_http()
    upstream = client.build_request(
        "POST", PATH, content=_bounded(request, limit), headers=_headers(request, declared)
    )
    try:
        answer = await client.send(upstream, stream=True)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise EngineUnavailable(
            f"the whisper service cannot be reached ({type(error).__name__})",
            remedy="Check that 'dragoman whisper' runs and that DRAGOMAN_API_WHISPER_URL points at it.",
        ) from error
    except httpx.HTTPError as error:
        raise EngineUnavailable(f"the whisper service broke off ({type(error).__name__})") from error
    kind = answer.headers.get("content-type", "")
    if answer.status_code >= SERVER_ERROR and not kind.startswith(PROBLEM_TYPE):
        await answer.aclose()
        raise BadUpstream(f"the whisper service answered with status {answer.status_code}")
    passed = {name: answer.headers[name] for name in ("retry-after",) if name in answer.headers}
    return StreamingResponse(
        answer.aiter_raw(),
        status_code=answer.status_code,
        media_type=kind or "application/octet-stream",
        headers=passed,
        background=BackgroundTask(answer.aclose),
    )


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"the file is larger than {limit} bytes",
        remedy="Send a shorter or compressed file, or raise DRAGOMAN_API_MAX_BODY_BYTES.",
    )


def _headers(request: Request, declared: str) -> dict[str, str]:
    """The caller's key stays here; the type and the trace go on."""
    headers = {"content-type": request.headers.get("content-type", "application/octet-stream")}
    if declared:
        headers["content-length"] = declared
    if trace := current_traceparent():
        headers["traceparent"] = trace
    # The answer is passed on as it comes, so it must come as this side can name it.
    headers["accept-encoding"] = "identity"
    return headers


async def _bounded(request: Request, limit: int) -> AsyncIterator[bytes]:
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            yield chunk
    except ClientDisconnect:
        # Ends the request upstream too: it is shorter than its content-length told.
        return
