"""Requests of a session's languages that travel as one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from dragoman_contracts.errors import DragomanError, EngineUnavailable, PairUnavailable
from dragoman_contracts.translation_api import (
    TargetResult,
    TermTranslation,
    TranslatedText,
    TranslateRequest,
    TranslationProblem,
)
from dragoman_orchestration.workers.gathering import Gatherer

PROBLEM = TranslationProblem(code="pair_unavailable", message="none", remedy="", permanent=True)


class Service:
    """Answers as it is told to, for each target."""

    def __init__(self) -> None:
        self.requests: list[TranslateRequest] = []
        self.took_ms: dict[str, float] = {}
        self.away: set[str] = set()
        self.unknown: set[str] = set()

    @property
    def asked(self) -> list[list[str]]:
        return [request.targets for request in self.requests]

    async def translate(self, request: TranslateRequest) -> list[TargetResult]:
        self.requests.append(request)
        await asyncio.sleep(0)
        if self.away & set(request.targets):
            raise EngineUnavailable("no answer")
        if set(request.targets) <= self.unknown:
            raise PairUnavailable("no engine has this pair")
        return [
            TargetResult(target=target, error=PROBLEM)
            if target in self.unknown
            else TargetResult(
                target=target,
                texts=[TranslatedText(text=f"{target} {text}") for text in request.texts],
                inference_ms=self.took_ms.get(target, 1),
            )
            for target in request.targets
        ]


class Session:
    def __init__(self) -> None:
        self.service = Service()
        self.tasks: set[asyncio.Task[None]] = set()
        self.gatherer = Gatherer(self.service, self._spawn)  # type: ignore[arg-type]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.add(asyncio.create_task(work))

    async def ask(self, *targets: str, text: str = "one", **options: Any) -> list[str]:
        """What becomes of each target: the text, or the error's code."""
        asked = (
            self.gatherer.ask(TranslateRequest(texts=[text], targets=[target], source="en", **options))
            for target in targets
        )
        async with asyncio.timeout(5):
            return [_outcome(found) for found in await asyncio.gather(*asked, return_exceptions=True)]


def _outcome(found: TargetResult | BaseException) -> str:
    if isinstance(found, DragomanError):
        return found.code
    if isinstance(found, BaseException):
        raise found
    return found.error.code if found.error is not None else found.texts[0].text


@pytest.fixture
def session() -> Session:
    return Session()


async def test_languages_that_ask_for_the_same_share_a_request(session: Session) -> None:
    assert await session.ask("es", "de", "fr") == ["es one", "de one", "fr one"]
    assert session.service.asked == [["es", "de", "fr"]]


async def test_what_differs_travels_apart(session: Session) -> None:
    await asyncio.gather(
        session.ask("es"),
        session.ask("de", text="two"),
        session.ask("fr", fast=True),
        session.ask("it", context=["before"]),
    )
    assert sorted(session.service.asked) == [["de"], ["es"], ["fr"], ["it"]]


async def test_each_language_keeps_its_terms(session: Session) -> None:
    terms = {target: [TermTranslation(source="a", target=target)] for target in ("es", "de")}
    await asyncio.gather(
        *(session.ask(target, glossary={target: terms[target]}) for target in terms), session.ask("fr")
    )
    (request,) = session.service.requests
    assert request.glossary == terms


async def test_a_language_that_is_much_slower_goes_alone_and_comes_back(session: Session) -> None:
    session.service.took_ms = {"de": 900}
    await session.ask("es", "de", "fr")
    session.service.took_ms = {}
    await session.ask("es", "de", "fr")
    await session.ask("es", "de", "fr")
    assert session.service.asked == [["es", "de", "fr"], ["es", "fr"], ["de"], ["es", "de", "fr"]]


async def test_a_missing_pair_is_told_of_its_language_alone(session: Session) -> None:
    session.service.unknown = {"tlh"}
    assert await session.ask("es", "tlh") == ["es one", "pair_unavailable"]
    assert await session.ask("es", "tlh") == ["es one", "pair_unavailable"]
    assert session.service.asked == [["es", "tlh"], ["tlh"], ["tlh"], ["es"]]


async def test_an_error_of_all_is_asked_for_singly(session: Session) -> None:
    session.service.unknown = {"tlh", "qya"}
    assert await session.ask("qya", "tlh") == ["pair_unavailable", "pair_unavailable"]
    assert session.service.asked == [["qya", "tlh"], ["qya"], ["tlh"]]


async def test_an_engine_that_hangs_keeps_the_others_away_once(session: Session) -> None:
    session.service.away = {"de"}
    assert await session.ask("es", "de", "fr") == ["engine_unavailable"] * 3
    assert await session.ask("es", "de", "fr") == ["es one", "engine_unavailable", "fr one"]
    session.service.requests.clear()
    await session.ask("es", "de", "fr")
    assert sorted(session.service.asked) == [["de"], ["es", "fr"]]


async def test_who_has_gone_does_not_harm_the_rest(session: Session) -> None:
    gone = asyncio.create_task(session.ask("de"))
    staying = asyncio.create_task(session.ask("es"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gone.cancel()
    assert await staying == ["es one"]
