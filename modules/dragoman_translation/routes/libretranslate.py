"""Endpoints in LibreTranslate's wire shape (https://docs.libretranslate.com/), for its many clients.

Codes are LibreTranslate's: ``zh-Hans`` and ``pt-BR`` as here, ``auto`` for a source that is to be detected.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from dragoman_contracts.errors import DragomanError, Forbidden, Unavailable
from dragoman_contracts.translation_api import TargetResult, TranslateRequest
from dragoman_runtime.request_body import Gone
from dragoman_translation import metrics
from dragoman_translation.detect import SURE_BYTES, Guess, rank
from dragoman_translation.names import english_name, targets_by_source
from dragoman_translation.routes.body import read_parameters, text_of, texts_of
from dragoman_translation.routes.compatible import GONE, answer, described, sentence, status_of, translate
from dragoman_translation.routes.keys import is_known
from dragoman_translation.service import TranslationService
from dragoman_translation.text import clean

AUTO = "auto"
_OLD_CODES = {"zt": "zh-Hant", "pb": "pt-BR"}
_DETECTIONS = 3
_LEAST_SHOWN = 1.0

Parameters = dict[str, Any]
_TRANSLATE = described(
    {
        "q": {"description": "A text or a list of texts.", "type": ["string", "array"]},
        "source": {"description": "Language code, or auto.", "type": "string"},
        "target": {"description": "Language code.", "type": "string"},
        "api_key": {"type": "string"},
    },
    {"q": "Good morning.", "source": "en", "target": "es"},
)
_DETECT = described({"q": {"type": "string"}, "api_key": {"type": "string"}}, {"q": "Buenos días a todos"})


def libretranslate_routes(service: TranslationService) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["LibreTranslate-compatible"])

    @router.post("/translate", summary="Translate, in LibreTranslate's shape", openapi_extra=_TRANSLATE)
    async def post_translate(request: Request) -> JSONResponse:
        """A text gives a text, a list a list; errors are ``{"error": ...}``."""
        return await _answered(service, request, _translate)

    @router.post("/detect", summary="Detect a language, in LibreTranslate's shape", openapi_extra=_DETECT)
    async def post_detect(request: Request) -> JSONResponse:
        """The most probable languages with their confidence in percent; empty where it cannot be told."""
        return await _answered(service, request, _detect)

    @router.get("/languages", summary="The languages, in LibreTranslate's shape")
    async def get_languages(request: Request) -> JSONResponse:
        """Each source language with its targets."""
        return await _answered(service, request, _languages)

    return router


async def _answered(
    service: TranslationService,
    request: Request,
    work: Callable[[TranslationService, Parameters], Awaitable[Any]],
) -> JSONResponse:
    metrics.REQUESTS.labels("libretranslate").inc()
    try:
        parameters = await read_parameters(request)
        _check_key(request, parameters, service.settings.keys)
        return answer(await work(service, parameters))
    except Gone:
        return answer(None, GONE)
    except DragomanError as error:
        retry_s = service.retry_after_s if isinstance(error, Unavailable) else None
        return answer({"error": sentence(error)}, status_of(error), retry_s)


def _check_key(request: Request, parameters: Parameters, keys: frozenset[str]) -> None:
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    if not is_known(str(parameters.get("api_key") or bearer), keys):
        raise Forbidden("invalid API key", remedy="Send a key of this service as api_key.")


async def _translate(service: TranslationService, parameters: Parameters) -> Any:
    texts = texts_of(parameters.get("q"), "q")
    source = text_of(parameters, "source", AUTO)
    target = text_of(parameters, "target")
    request = TranslateRequest(
        texts=texts,
        targets=[_OLD_CODES.get(target, target)],
        source=None if source == AUTO else _OLD_CODES.get(source, source),
    )
    result = await translate(service, request)
    body = {"translatedText": [text.text for text in result.texts]}
    if source == AUTO:
        body["detectedLanguage"] = _detected(service, result, texts)
    return body if isinstance(parameters["q"], list) else {name: values[0] for name, values in body.items()}


def _guesses(service: TranslationService, text: str) -> list[Guess]:
    """A short text is told only among the languages that can occur here."""
    return rank(text, [] if len(text.encode()) >= SURE_BYTES else service.source_languages())


def _detected(service: TranslationService, result: TargetResult, texts: list[str]) -> list[Any]:
    detected = []
    for text, original in zip(result.texts, texts, strict=True):
        sure = {guess.language: guess.probability for guess in _guesses(service, clean(original))}
        confidence = round(100 * sure.get(text.source.partition("-")[0], 0.0), 1)
        detected.append({"confidence": confidence, "language": text.source})
    return detected


async def _detect(service: TranslationService, parameters: Parameters) -> Any:
    guesses = _guesses(service, clean(text_of(parameters, "q")))
    shown = [
        {"confidence": round(100 * guess.probability, 1), "language": guess.language}
        for guess in guesses[:_DETECTIONS]
    ]
    return [one for one in shown if float(str(one["confidence"])) >= _LEAST_SHOWN]


async def _languages(service: TranslationService, parameters: Parameters) -> Any:
    targets = targets_by_source(service.pairs())
    return [{"code": code, "name": english_name(code), "targets": targets[code]} for code in targets]
