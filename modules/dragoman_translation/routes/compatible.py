"""What the endpoints in other services' wire shapes share: one target, one answer or one error."""

from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse

from dragoman_contracts.errors import DragomanError, InvalidInput
from dragoman_contracts.translation_api import TargetResult, TranslateRequest, TranslationProblem
from dragoman_translation.service import TranslationService

BAD_REQUEST = 400
GONE = 499
"""nginx's status for a client that hung up: nobody reads it but the figures."""


async def translate(service: TranslationService, request: TranslateRequest) -> TargetResult:
    """The only target's texts, all of them.

    Raises:
        DragomanError: a text could not be translated.

    """
    (result,) = (await service.translator.translate(request)).results
    for text in result.texts:
        if text.error is not None:
            raise _Told(text.error)
    return result


class _Told(DragomanError):
    """The error of a text, told as data."""

    def __init__(self, problem: TranslationProblem) -> None:
        super().__init__(problem.message, remedy=problem.remedy)
        self.is_request = problem.permanent and problem.code != "translation_failed"


def status_of(error: DragomanError) -> int:
    """The HTTP status that clients of those services expect: 400 for what the caller must change."""
    if isinstance(error, _Told):
        return BAD_REQUEST if error.is_request else 500 if error.permanent else 503
    return BAD_REQUEST if isinstance(error, InvalidInput) else error.http_status


def sentence(error: DragomanError) -> str:
    """Message and remedy as one text, for shapes that have but one."""
    return f"{error.message[:1].upper()}{error.message[1:]}. {error.remedy}"


def described(summary: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    """For ``openapi_extra``: a body that is JSON or a form, with an example."""
    schema = {"type": "object", "properties": summary}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": schema, "example": example},
                "application/x-www-form-urlencoded": {"schema": schema},
            },
        }
    }


def answer(body: Any, status: int = 200, retry_after_s: int | None = None) -> JSONResponse:
    """An answer; ``retry_after_s`` where the caller should come again."""
    headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
    return JSONResponse(body, status, headers)
