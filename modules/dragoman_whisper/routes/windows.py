"""``POST /v1/windows``: the hot path, plain ASGI, no model validation but msgspec's."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import numpy as np
from opentelemetry import trace
from starlette.types import Receive, Scope, Send

from dragoman_contracts.audio import MODEL_RATE_HZ
from dragoman_contracts.errors import InvalidInput, Overloaded, UnsupportedAudio
from dragoman_contracts.whisper_api import (
    MAX_WINDOW_MS,
    WINDOW_HEADER,
    WINDOW_MEDIA_TYPE,
    WINDOW_PATH,
    WindowOptions,
    WindowResult,
)
from dragoman_runtime.http_service import PROBLEM_RESPONSES, problem_response
from dragoman_runtime.request_body import Gone, read_body
from dragoman_whisper.engines.base import Window
from dragoman_whisper.fair_queue import Lane
from dragoman_whisper.service import WhisperService

MAX_WINDOW_BYTES = MAX_WINDOW_MS * MODEL_RATE_HZ * 2 // 1000
_HEADER = WINDOW_HEADER.encode()
_MEDIA_TYPE = WINDOW_MEDIA_TYPE.encode()


class WindowTooLong(InvalidInput):
    """A window of more than 30 s."""

    code = "window_too_long"
    http_status = 413
    default_remedy = "Send at most 30 s (960,000 bytes) in one window; longer audio is cut by the caller."


class WindowEndpoint:
    """ASGI application of the window endpoint."""

    def __init__(self, service: WhisperService) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Decode one window; a client that hangs up takes its window back."""
        try:
            window, lane = await self._read(dict(scope["headers"]), receive)
            answer = self._service.batcher.submit(window, lane)
        except Gone:
            return
        except Overloaded as error:
            wait_s = self._service.batcher.retry_after_s
            headers = {"retry-after": str(wait_s)}
            await problem_response(error, scope["path"], headers=headers)(scope, receive, send)
            return
        watch = asyncio.ensure_future(receive())  # nothing but http.disconnect can come now
        watch.add_done_callback(lambda _: answer.cancel())
        try:
            result = await answer
            _describe_span(result)
            body = msgspec.json.encode(result)
        except asyncio.CancelledError:
            if watch.done() and not watch.cancelled():
                return
            answer.cancel()
            raise
        finally:
            watch.cancel()
        await _send_json(send, body)

    async def _read(self, headers: dict[bytes, bytes], receive: Receive) -> tuple[Window, Lane]:
        _check_media_type(headers.get(b"content-type", b""))
        options = WindowOptions.from_header(headers.get(_HEADER, b"").decode("latin-1"))
        self._service.check_language(options.language)
        body = await read_body(
            headers.get(b"content-length", b""),
            receive,
            limit=MAX_WINDOW_BYTES,
            too_long=WindowTooLong,
            what="window",
        )
        if len(body) % 2 or not body:
            raise UnsupportedAudio(
                f"the window has {len(body)} bytes, which is no whole number of 16-bit samples",
                remedy="Send at least one sample of little-endian signed 16 bits.",
            )
        window = Window(np.frombuffer(body, dtype="<i2"), options)
        return window, Lane.DRAFT if options.fast else Lane.FINAL


def describe(document: dict[str, Any]) -> None:
    """Add the endpoint, which FastAPI does not know, to an OpenAPI document."""
    (options, result), schemas = msgspec.json.schema_components(
        [WindowOptions, WindowResult], ref_template="#/components/schemas/{name}"
    )
    document.setdefault("components", {}).setdefault("schemas", {}).update(schemas)
    document["paths"][WINDOW_PATH] = {
        "post": {
            "tags": ["windows"],
            "summary": "Transcribe one window of live audio",
            "description": "Little-endian signed 16 bit, mono, 16 kHz, at most 30 s. "
            "A window that is fast gives way to those that are not.",
            "parameters": [
                {
                    "name": WINDOW_HEADER,
                    "in": "header",
                    "description": "Options as one JSON object in ASCII.",
                    "content": {"application/json": {"schema": options}},
                }
            ],
            "requestBody": {
                "required": True,
                "content": {WINDOW_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
            },
            "responses": {
                "200": {
                    "description": "The hypothesis.",
                    "content": {"application/json": {"schema": result}},
                },
                **PROBLEM_RESPONSES,
            },
        }
    }


def _check_media_type(value: bytes) -> None:
    if value == _MEDIA_TYPE:
        return
    kind, *parameters = value.decode("latin-1").lower().replace(" ", "").split(";")
    given = dict(parameter.partition("=")[::2] for parameter in parameters)
    rate, channels = given.get("rate", ""), given.get("channels", "1")
    if kind != "audio/l16" or rate != str(MODEL_RATE_HZ) or channels != "1":
        raise UnsupportedAudio(
            "the content type is not that of a window", remedy=f"Send content-type: {WINDOW_MEDIA_TYPE}"
        )


def _describe_span(result: WindowResult) -> None:
    """What the engine did, on the request's span, if that is recorded."""
    span = trace.get_current_span()
    if span.is_recording():
        span.set_attributes(
            {
                "dragoman.engine": result.engine,
                "dragoman.queue_ms": result.queue_ms,
                "dragoman.inference_ms": result.inference_ms,
                "dragoman.batch_size": result.batch_size,
            }
        )


async def _send_json(send: Send, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
