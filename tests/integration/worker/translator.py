"""A translation service that the tests hold in their hands: it can be slow, away or wrong."""

from __future__ import annotations

import asyncio
from collections import Counter

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dragoman_contracts.translation_api import (
    TRANSLATE_PATH,
    TargetResult,
    TranslatedText,
    TranslateRequest,
    TranslateResponse,
    decode_request,
)


class Translator:
    """Marks each text with its target language; ``gate`` holds answers back, ``problem`` refuses."""

    def __init__(self) -> None:
        self.requests: list[TranslateRequest] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.problem: tuple[int, str] | None = None
        self.under_way: Counter[tuple[str, str]] = Counter()
        self.most_under_way = 0
        self.app = Starlette(routes=[Route(TRANSLATE_PATH, self._translate, methods=["POST"])])

    def asked(self, target: str, *, drafts: bool = False) -> list[str]:
        """The texts that were asked for in a language, in order."""
        return [
            text
            for request in self.requests
            if target in request.targets and request.fast == drafts
            for text in request.texts
        ]

    async def _translate(self, http: Request) -> Response:
        request = decode_request(await http.body())
        self.requests.append(request)
        lanes = [(request.session_id, target) for target in request.targets]
        self.under_way.update(lanes)
        self.most_under_way = max(self.most_under_way, *(self.under_way[lane] for lane in lanes))
        try:
            await self.gate.wait()
        finally:
            self.under_way.subtract(lanes)
        if self.problem is not None:
            status, code = self.problem
            return Response(msgspec.json.encode({"code": code}), status_code=status)
        answer = TranslateResponse(results=[_result(request, target) for target in request.targets])
        return Response(msgspec.json.encode(answer), media_type="application/json")


def _result(request: TranslateRequest, target: str) -> TargetResult:
    source = request.source or "en"
    texts = [
        TranslatedText(text=f"[{target}] {text}", source=source, engine="test") for text in request.texts
    ]
    return TargetResult(target=target, texts=texts)
