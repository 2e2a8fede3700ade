"""``POST /v1/translate``: the hot path, plain ASGI, no model validation but msgspec's."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from dragoman_contracts.errors import Overloaded
from dragoman_contracts.translation_api import (
    TRANSLATE_PATH,
    TranslateRequest,
    TranslateResponse,
    decode_request,
)
from dragoman_runtime.http_service import PROBLEM_RESPONSES, problem_response
from dragoman_runtime.request_body import Gone
from dragoman_translation import metrics
from dragoman_translation.routes.body import read_body
from dragoman_translation.routes.keys import check_bearer
from dragoman_translation.service import TranslationService

_EXAMPLE_REQUEST = {
    "texts": ["Good morning.", "Where is the station?"],
    "targets": ["es"],
    "source": "en",
    "context": ["Welcome, everybody."],
    "glossary": {"es": [{"source": "Dragoman", "target": "Dragoman"}]},
}
_EXAMPLE_RESPONSE: dict[str, Any] = {
    "results": [
        {
            "target": "es",
            "texts": [
                {
                    "text": "Buenos días.",
                    "source": "en",
                    "engine": "ctranslate2",
                    "glossary_missed": [],
                    "error": None,
                },
                {
                    "text": "¿Dónde está la estación?",
                    "source": "en",
                    "engine": "ctranslate2",
                    "glossary_missed": [],
                    "error": None,
                },
            ],
            "error": None,
            "model": "opus-mt-en-es",
            "inference_ms": 41.2,
            "queue_ms": 0.1,
            "batch_size": 2,
        }
    ]
}


class TranslateEndpoint:
    """ASGI application of the translation endpoint."""

    def __init__(self, service: TranslationService) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Translate the texts of one request; a client that hangs up takes them back."""
        headers = dict(scope["headers"])
        check_bearer(headers.get(b"authorization", b"").decode("latin-1"), self._service.settings.keys)
        try:
            body = await read_body(headers.get(b"content-length", b""), receive)
        except Gone:
            return
        metrics.REQUESTS.labels("native").inc()
        work = asyncio.ensure_future(self._service.translator.translate(decode_request(body)))
        watch = asyncio.ensure_future(receive())  # nothing but http.disconnect can come now
        watch.add_done_callback(lambda _: work.cancel())
        try:
            answer = msgspec.json.encode(await work)
        except Overloaded as error:
            retry = {"retry-after": str(self._service.retry_after_s)}
            await problem_response(error, scope["path"], headers=retry)(scope, receive, send)
            return
        except asyncio.CancelledError:
            if watch.done() and not watch.cancelled():
                return
            work.cancel()
            raise
        finally:
            watch.cancel()
        await _send_json(send, answer)


def describe(document: dict[str, Any]) -> None:
    """Add the endpoint, which FastAPI does not know, to an OpenAPI document."""
    (request, response), schemas = msgspec.json.schema_components(
        [TranslateRequest, TranslateResponse], ref_template="#/components/schemas/{name}"
    )
    document.setdefault("components", {}).setdefault("schemas", {}).update(schemas)
    document["paths"][TRANSLATE_PATH] = {
        "post": {
            "tags": ["translation"],
            "summary": "Translate texts into several languages",
            "description": "At most 128 texts of 10,000 characters and 20 languages. Without a source the "
            "language of each text is detected. A target that cannot be served has an error in the place of "
            "its texts.",
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": request, "example": _EXAMPLE_REQUEST}},
            },
            "responses": {
                "200": {
                    "description": "One result for each target, in their order.",
                    "content": {"application/json": {"schema": response, "example": _EXAMPLE_RESPONSE}},
                },
                **PROBLEM_RESPONSES,
            },
        }
    }


async def _send_json(send: Send, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
