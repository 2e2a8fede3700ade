"""The translation client against the contract: canned by respx, and by the real app (mock engine)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
import respx

from dragoman_contracts.errors import (
    BadUpstream,
    EngineUnavailable,
    InvalidInput,
    ModelUnavailable,
    Overloaded,
    PairUnavailable,
    TranslationFailed,
    UnknownLanguage,
)
from dragoman_contracts.translation_api import (
    MAX_TARGETS,
    TargetResult,
    TermTranslation,
    TranslatedText,
    TranslateRequest,
    TranslateResponse,
    TranslationProblem,
    decode_request,
)
from dragoman_orchestration.clients.translation import TranslationClient
from dragoman_runtime.resilience import CircuitBreaker
from dragoman_translation.app import create_app
from dragoman_translation.settings import TranslationSettings

from .translation_cases import ENGINES, settings_of

URL = "http://translation.test"
TRANSLATE_URL = f"{URL}/v1/translate"
SECRET = "a secret sentence"
LIMIT_S = 60.0

REQUESTS = [
    TranslateRequest(texts=["Good morning."], targets=["es"], source="en"),
    TranslateRequest(texts=["one", "two", "three"], targets=["es", "de", "pt-BR"], source="en"),
    TranslateRequest(
        texts=["The invoice is late."],
        targets=["es"],
        source="en",
        context=["Good morning.", "We begin."],
        glossary={"es": [TermTranslation(source="invoice", target="recibo")]},
        formality="formal",
        session_id="s1",
        fast=True,
    ),
    TranslateRequest(texts=["emoji 🎉 and عربي"], targets=["he"], source="en"),
    TranslateRequest(texts=["", "  "], targets=["es"], source="en"),
    TranslateRequest(texts=["<b>bold</b> & {json}"], targets=["zh-Hans"], source="en"),
    TranslateRequest(texts=["Where is the harbor? " * 60], targets=["fr"], source="en"),
]


def canned(request: TranslateRequest) -> httpx.Response:
    results = [
        TargetResult(
            target=target, texts=[TranslatedText(text=f"[{target}] {text}") for text in request.texts]
        )
        for target in request.targets
    ]
    return httpx.Response(200, content=msgspec.json.encode(TranslateResponse(results=results)))


def problem(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "detail": SECRET})


@pytest.fixture
async def client() -> AsyncIterator[TranslationClient]:
    client = TranslationClient(httpx.AsyncClient(base_url=URL), CircuitBreaker("test", threshold=100))
    yield client
    await client.close()


@pytest.fixture(params=ENGINES)
async def real_client(request: pytest.FixtureRequest) -> AsyncIterator[TranslationClient]:
    async with settings_of(request.param) as values:
        app = create_app(TranslationSettings(request_timeout_s=LIMIT_S, **values))
        async with app.router.lifespan_context(app):
            await asyncio.wait_for(app.state.service.wait_loaded(), LIMIT_S)
            http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=URL)
            client = TranslationClient(http, CircuitBreaker("test", threshold=100))
            assert await client.ready() is None
            yield client
            await client.close()


@respx.mock
@pytest.mark.parametrize("wanted", REQUESTS)
async def test_a_request_is_sent_as_the_contract_says(
    client: TranslationClient, wanted: TranslateRequest
) -> None:
    route = respx.post(TRANSLATE_URL).mock(return_value=canned(wanted))
    results = await client.translate(wanted)
    sent = route.calls.last.request
    assert decode_request(sent.content) == wanted
    assert sent.headers["content-type"] == "application/json"
    assert [result.target for result in results] == wanted.targets


async def test_the_real_app_answers_with_every_engine(real_client: TranslationClient) -> None:
    for wanted in REQUESTS:
        (result,) = await real_client.translate(msgspec.structs.replace(wanted, targets=["es"]))
        assert (result.target, result.error) == ("es", None)
        for said, translated in zip(wanted.texts, result.texts, strict=True):
            assert translated.error is None
            assert translated.source == "en"
            assert bool(translated.text.strip()) == bool(said.strip())


async def test_the_real_app_answers_for_each_target_in_order() -> None:
    app = create_app(TranslationSettings(engines="mock"))
    async with app.router.lifespan_context(app):
        await asyncio.wait_for(app.state.service.wait_loaded(), LIMIT_S)
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=URL)
        client = TranslationClient(http, CircuitBreaker("test"))
        for wanted in REQUESTS:
            results = await client.translate(wanted)
            assert [result.target for result in results] == wanted.targets
            assert all(len(result.texts) == len(wanted.texts) for result in results)
        await client.close()


async def test_the_real_app_tells_what_it_refuses(real_client: TranslationClient) -> None:
    with pytest.raises(UnknownLanguage):
        await real_client.translate(TranslateRequest(texts=["hello"], targets=["german"], source="en"))
    targets = ["en", "es", "de"] * MAX_TARGETS
    with pytest.raises(InvalidInput):
        await real_client.translate(TranslateRequest(texts=["hello"], targets=targets, source="en"))
    with pytest.raises(InvalidInput):
        await real_client.translate(TranslateRequest(texts=["x" * 10_001], targets=["es"], source="en"))


@respx.mock
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (problem(422, "pair_unavailable"), PairUnavailable),
        (problem(422, "unknown_language"), UnknownLanguage),
        (problem(422, "translation_failed"), TranslationFailed),
        (problem(422, "invalid_input"), InvalidInput),
        (problem(503, "overloaded"), Overloaded),
        (problem(429, "limit_exceeded"), Overloaded),
        (problem(503, "model_unavailable"), ModelUnavailable),
        (problem(503, "engine_unavailable"), EngineUnavailable),
        (problem(500, "internal"), EngineUnavailable),
        (httpx.Response(502, text="<html>bad gateway</html>"), EngineUnavailable),
        (httpx.Response(302), BadUpstream),
        (httpx.Response(200, text="<html>hello</html>"), BadUpstream),
        (httpx.Response(200, json={"results": [{"texts": []}]}), BadUpstream),
        (httpx.Response(200, content=b"\xff\xfe"), BadUpstream),
    ],
)
async def test_a_failing_service_is_told_without_its_words(client, answer, error) -> None:
    respx.post(TRANSLATE_URL).mock(return_value=answer)
    with pytest.raises(error) as caught:
        await client.translate(TranslateRequest(texts=[SECRET], targets=["es"]))
    assert type(caught.value) is error
    assert SECRET not in str(caught.value)
    assert caught.value.remedy


def results(*given: TargetResult) -> httpx.Response:
    return httpx.Response(200, content=msgspec.json.encode(TranslateResponse(results=list(given))))


@respx.mock
@pytest.mark.parametrize(
    "answer",
    [
        results(),
        results(TargetResult(target="de", texts=[TranslatedText(), TranslatedText()])),
        results(TargetResult(target="es", texts=[TranslatedText()])),
        results(TargetResult(target="es", texts=[TranslatedText()] * 3)),
        results(*[TargetResult(target="es", texts=[TranslatedText()] * 2)] * 2),
    ],
    ids=["none", "another target", "too few", "too many", "twice"],
)
async def test_an_answer_that_does_not_fit_is_no_answer(client, answer) -> None:
    respx.post(TRANSLATE_URL).mock(return_value=answer)
    with pytest.raises(BadUpstream):
        await client.translate(TranslateRequest(texts=["one", "two"], targets=["es"]))


@respx.mock
async def test_a_target_that_failed_does_not_take_the_others_along(client) -> None:
    away = TranslationProblem(code="pair_unavailable", message="none", remedy="", permanent=True)
    answer = results(
        TargetResult(target="tlh", error=away), TargetResult(target="es", texts=[TranslatedText(text="uno")])
    )
    respx.post(TRANSLATE_URL).mock(return_value=answer)
    klingon, spanish = await client.translate(TranslateRequest(texts=["one"], targets=["tlh", "es"]))
    assert klingon.error == away
    assert spanish.texts[0].text == "uno"


@respx.mock
async def test_a_service_that_fails_again_and_again_is_left_alone_for_a_while() -> None:
    client = TranslationClient(
        httpx.AsyncClient(base_url=URL), CircuitBreaker("the translation service", threshold=2, open_s=60)
    )
    route = respx.post(TRANSLATE_URL).mock(side_effect=httpx.ConnectError("refused"))
    for _ in range(5):
        with pytest.raises(EngineUnavailable):
            await client.translate(REQUESTS[0])
    assert route.call_count == 2
    await client.close()


@respx.mock
@pytest.mark.parametrize("error", [httpx.ReadTimeout("slow"), httpx.ConnectTimeout("slow")])
async def test_a_late_answer_is_told_as_late(client, error) -> None:
    respx.post(TRANSLATE_URL).mock(side_effect=error)
    with pytest.raises(EngineUnavailable, match="too late"):
        await client.translate(REQUESTS[0])


async def test_a_caller_that_leaves_does_not_break_the_connections() -> None:
    begun, gate = asyncio.Event(), asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        begun.set()
        await gate.wait()
        return canned(decode_request(request.content))

    http = httpx.AsyncClient(base_url=URL, transport=httpx.MockTransport(answer))
    client = TranslationClient(http, CircuitBreaker("test"), connections=1)
    left = asyncio.create_task(client.translate(REQUESTS[0]))
    await begun.wait()
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    gate.set()
    assert len(await client.translate(REQUESTS[1])) == 3
    await client.close()
