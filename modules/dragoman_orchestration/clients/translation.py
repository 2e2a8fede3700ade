"""Client of the translation service (``dragoman_contracts.translation_api``)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from dragoman_contracts.errors import (
    BadUpstream,
    EngineUnavailable,
    ModelUnavailable,
    PairUnavailable,
    TranslationFailed,
    UnknownLanguage,
)
from dragoman_contracts.translation_api import (
    TRANSLATE_PATH,
    TargetResult,
    TranslateRequest,
    decode_response,
)
from dragoman_orchestration.clients.service import Refusals, ServiceClient


class TranslationClient(ServiceClient):
    """Asks the translation service for texts in other languages."""

    name: ClassVar[str] = "the translation service"
    refusals: ClassVar[Refusals] = {
        PairUnavailable.code: (PairUnavailable, " has no engine for this pair of languages"),
        UnknownLanguage.code: (UnknownLanguage, " cannot tell or does not know the language"),
        TranslationFailed.code: (TranslationFailed, " gave no usable translation"),
        ModelUnavailable.code: (ModelUnavailable, " has no model"),
    }

    async def translate(self, request: TranslateRequest) -> list[TargetResult]:
        """Translate; one result a target, in the order of the request, each with all texts or an error.

        Raises:
            EngineUnavailable: no answer, a late one, or the circuit is open.
            Overloaded: the service's queue is full.
            PairUnavailable: no engine has any of these pairs of languages.
            TranslationFailed: no engine gave a usable translation, in any of the targets.
            InvalidInput: the service refuses the request; asking again gives the same answer.
            BadUpstream: the answer does not fit the request.

        """
        body = msgspec.json.encode(request)
        with self._breaker.guard(EngineUnavailable, BadUpstream):
            answer = await self._post(TRANSLATE_PATH, body, {"content-type": "application/json"})
            return _checked(decode_response(answer).results, request)


def _checked(results: list[TargetResult], request: TranslateRequest) -> list[TargetResult]:
    """A short or shuffled answer would put a translation under another sentence."""
    fits = [result.target for result in results] == request.targets and all(
        result.error is not None or len(result.texts) == len(request.texts) for result in results
    )
    if not fits:
        raise BadUpstream("the translation service's answer does not fit the request")
    return results
