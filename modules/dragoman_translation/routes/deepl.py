"""Endpoints in DeepL's wire shape (https://developers.deepl.com/), for its many clients.

Codes are DeepL's: upper case (``EN-US``, ``PT-BR``, ``ZH-HANS``). Glossaries and documents are not served.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from dragoman_contracts.errors import DragomanError, Forbidden, InvalidInput, Unavailable
from dragoman_contracts.translation_api import Formality, TranslateRequest
from dragoman_runtime.languages import base
from dragoman_runtime.request_body import Gone
from dragoman_translation import metrics
from dragoman_translation.names import english_name, targets_by_source
from dragoman_translation.routes.body import read_parameters, text_of, texts_of
from dragoman_translation.routes.compatible import GONE, answer, described, sentence, status_of, translate
from dragoman_translation.routes.keys import is_known
from dragoman_translation.service import TranslationService

UNLIMITED = 1_000_000_000_000
_SCHEME = "DeepL-Auth-Key "
_FORMALITIES: dict[str, Formality] = {
    "default": "default",
    "more": "formal",
    "prefer_more": "formal",
    "less": "informal",
    "prefer_less": "informal",
}

Parameters = dict[str, Any]
_TRANSLATE = described(
    {
        "text": {"description": "Texts.", "type": "array", "items": {"type": "string"}},
        "target_lang": {"description": "Language code.", "type": "string"},
        "source_lang": {
            "description": "Language code; without it the language is detected.",
            "type": "string",
        },
        "context": {"description": "What was said before.", "type": "string"},
        "formality": {"enum": list(_FORMALITIES), "type": "string"},
    },
    {"text": ["Good morning."], "source_lang": "EN", "target_lang": "ES"},
)


class DeepLApi:
    """The calls of DeepL's API; counts the characters for ``usage``."""

    def __init__(self, service: TranslationService) -> None:
        self._service = service
        self._characters = 0

    async def answered(self, request: Request, work: Callable[[Parameters], Awaitable[Any]]) -> JSONResponse:
        """The answer of ``work``, or its error in DeepL's shape."""
        metrics.REQUESTS.labels("deepl").inc()
        try:
            key = request.headers.get("authorization", "").removeprefix(_SCHEME).strip()
            if not is_known(key, self._service.settings.keys):
                raise Forbidden(
                    "the key is not known",
                    remedy="Send 'Authorization: DeepL-Auth-Key <key of this service>'.",
                )
            return answer(await work(await read_parameters(request)))
        except Gone:
            return answer(None, GONE)
        except DragomanError as error:
            retry_s = self._service.retry_after_s if isinstance(error, Unavailable) else None
            return answer({"message": sentence(error)}, status_of(error), retry_s)

    async def translate(self, parameters: Parameters) -> Any:
        """``POST /v2/translate``."""
        if parameters.get("glossary_id"):
            raise InvalidInput(
                "there are no glossaries here", remedy="Send the terms with POST /v1/translate instead."
            )
        texts = texts_of(parameters.get("text"), "text")
        source, context = (text_of(parameters, name, "") for name in ("source_lang", "context"))
        request = TranslateRequest(
            texts=texts,
            targets=[text_of(parameters, "target_lang")],
            source=source or None,
            context=[context] if context else [],
            formality=_formality(text_of(parameters, "formality", "default")),
        )
        result = await translate(self._service, request)
        self._characters += sum(map(len, texts))
        is_billed = str(parameters.get("show_billed_characters", "")).lower() in {"1", "true"}
        return {
            "translations": [
                {
                    "detected_source_language": base(text.source).upper(),
                    "text": text.text,
                    **({"billed_characters": len(original)} if is_billed else {}),
                }
                for text, original in zip(result.texts, texts, strict=True)
            ]
        }

    async def languages(self, parameters: Parameters) -> Any:
        """``GET /v2/languages``: of the sources, or with ``type=target`` of the targets."""
        targets = targets_by_source(self._service.pairs())
        kind = text_of(parameters, "type", "source")
        if kind not in {"source", "target"}:
            raise InvalidInput("the parameter type must be source or target")
        codes = (
            sorted({code for codes in targets.values() for code in codes}) if kind == "target" else targets
        )
        shown = [{"language": code.upper(), "name": english_name(code)} for code in codes]
        return [{**one, "supports_formality": False} for one in shown] if kind == "target" else shown

    async def usage(self, parameters: Parameters) -> Any:
        """``GET /v2/usage``: the characters since the process began; there is no limit."""
        return {"character_count": self._characters, "character_limit": UNLIMITED}


def deepl_routes(service: TranslationService) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["DeepL-compatible"])
    api = DeepLApi(service)

    @router.post("/v2/translate", summary="Translate, in DeepL's shape", openapi_extra=_TRANSLATE)
    async def post_translate(request: Request) -> JSONResponse:
        """Errors are ``{"message": ...}``."""
        return await api.answered(request, api.translate)

    @router.get("/v2/languages", summary="The languages, in DeepL's shape")
    async def get_languages(request: Request) -> JSONResponse:
        """Source languages; with ``type=target`` target languages."""
        return await api.answered(request, api.languages)

    @router.get("/v2/usage", summary="Characters translated, in DeepL's shape")
    async def get_usage(request: Request) -> JSONResponse:
        """Since the process began."""
        return await api.answered(request, api.usage)

    return router


def _formality(value: str) -> Formality:
    if value not in _FORMALITIES:
        raise InvalidInput(f"the parameter formality must be one of {', '.join(_FORMALITIES)}")
    return _FORMALITIES[value]
