"""One suite for every engine of the translation service: through the real app, and through a real socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from dragoman_contracts.translation_api import (
    LANGUAGES_PATH,
    TRANSLATE_PATH,
    TargetResult,
    decode_response,
)
from dragoman_runtime.http_service import serve
from dragoman_runtime.process import Drain
from dragoman_translation.app import create_app
from dragoman_translation.settings import TranslationSettings

from .translation_cases import (
    ENGINES,
    LONG,
    MEETING,
    MODELS,
    REFUSALS,
    TEXTS,
    Refusal,
    TextCase,
    is_translated,
    is_well_formed,
    settings_of,
)
from .translation_chat_server import sentences

LIMIT_S = 60.0


@contextlib.asynccontextmanager
async def through_app(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with app.router.lifespan_context(app):
        await asyncio.wait_for(app.state.service.wait_loaded(), LIMIT_S)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://translation") as client:
            yield client


@contextlib.asynccontextmanager
async def through_socket(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    drain = Drain()
    bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(app, "127.0.0.1", 0, drain, on_bound=bound.set_result))
    url = await bound
    await asyncio.wait_for(app.state.service.wait_loaded(), LIMIT_S)
    async with httpx.AsyncClient(base_url=url, timeout=LIMIT_S) as client:
        yield client
    drain.start()
    await serving


TRANSPORTS = {"app": through_app, "socket": through_socket}
# A socket for one engine of each kind: the road does not change what they answer.
ROADS = [(engine, "app") for engine in ENGINES] + [("mock", "socket"), ("ctranslate2", "socket")]


@pytest.fixture(params=ROADS, ids=" by ".join, scope="module")
def road(request: pytest.FixtureRequest) -> tuple[str, str]:
    engine, transport = request.param
    return engine, transport


@pytest.fixture
async def client(road: tuple[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    engine, transport = road
    async with settings_of(engine) as values:
        app = create_app(TranslationSettings(request_timeout_s=LIMIT_S, **values))
        async with TRANSPORTS[transport](app) as client:
            yield client


async def ask(client: httpx.AsyncClient, *texts: str, **options: Any) -> TargetResult:
    request = {"texts": list(texts), "targets": ["es"], "source": "en", **options}
    answer = await client.post(TRANSLATE_PATH, json=request, timeout=LIMIT_S)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    result = decode_response(answer.content).results[0]
    is_well_formed(request, result)
    return result


async def test_every_text_comes_back_translated_and_marked(
    client: httpx.AsyncClient, road: tuple[str, str]
) -> None:
    results = await asyncio.gather(*(ask(client, case.text, **case.options) for case in TEXTS))
    for case, result in zip(TEXTS, results, strict=True):
        _explained(case, result)
        assert result.texts[0].engine in {road[0].split()[0].split("-")[0], ""}


def _explained(case: TextCase, result: TargetResult) -> None:
    try:
        is_translated(case, result.texts[0])
    except AssertionError as error:
        raise AssertionError(f"{case.name}: {result.texts[0]}") from error


async def test_every_bad_request_is_refused_with_what_mends_it(client: httpx.AsyncClient) -> None:
    for refusal in REFUSALS:
        await _is_refused(client, refusal)


async def _is_refused(client: httpx.AsyncClient, refusal: Refusal) -> None:
    body = {"content": refusal.request} if isinstance(refusal.request, str) else {"json": refusal.request}
    answer = await client.post(TRANSLATE_PATH, **body)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (refusal.status, refusal.code), refusal.name
    assert problem["remedy"], refusal.name
    assert refusal.says in problem["detail"], refusal.name


async def test_texts_come_back_in_their_order(client: httpx.AsyncClient) -> None:
    texts = [english for english, _ in sentences()[:3]]
    together = await ask(client, *texts)
    singly = [(await ask(client, text)).texts[0].text for text in texts]
    assert [text.text for text in together.texts] == singly
    assert len(set(singly)) == len(texts)


async def test_many_at_once_get_each_their_own(client: httpx.AsyncClient) -> None:
    texts = [english for english, _ in sentences()[10:26]]
    results = await asyncio.gather(
        *(ask(client, text, session_id=f"s{number % 4}") for number, text in enumerate(texts))
    )
    together = await ask(client, *texts)
    assert [result.texts[0].text for result in results] == [text.text for text in together.texts]


async def test_what_needs_no_translation_is_passed_through(client: httpx.AsyncClient) -> None:
    texts = ["", "  ", "\n", "😀 !", "12:30"]
    result = await ask(client, *texts)
    assert [(text.text, text.engine) for text in result.texts] == [(text, "") for text in texts]
    same = await ask(client, "Hola a todos.", source="es", targets=["es-MX"])
    assert (same.texts[0].text, same.texts[0].engine) == ("Hola a todos.", "")


async def test_the_source_is_detected_text_by_text(client: httpx.AsyncClient) -> None:
    result = await ask(client, MEETING, "Hay once personas en el jardín.", source=None)
    assert [text.source for text in result.texts] == ["en", "es"]
    assert [bool(text.engine) for text in result.texts] == [True, False]
    assert result.texts[1].text == "Hay once personas en el jardín."


async def test_a_variant_is_served_and_comes_back_by_the_name_it_was_asked_for(
    client: httpx.AsyncClient,
) -> None:
    results = [await ask(client, MEETING, targets=[code]) for code in ("es", "es-MX", "ES_419")]
    assert [result.target for result in results] == ["es", "es-MX", "ES_419"]
    assert all(result.texts[0].text for result in results)


async def test_a_text_of_10_000_characters_loses_no_sentence(
    client: httpx.AsyncClient, road: tuple[str, str]
) -> None:
    (text,) = (await ask(client, LONG)).texts
    assert text.error is None
    if road[0].startswith(("ctranslate2", "openai_chat")):
        spanish = " ".join(spanish for _, spanish in sentences())
        assert spanish.startswith(text.text)
    if not road[0].startswith("mock"):
        names = ["Maria", "Toronto"]
        assert [text.text.count(name) for name in names] == [LONG.count(name) for name in names]
    assert text.text.count(".") + text.text.count("?") == LONG.count(".") + LONG.count("?")


async def test_a_glossary_is_honoured_or_what_was_missed_is_told(client: httpx.AsyncClient) -> None:
    terms = [{"source": "garden", "target": "parque"}, {"source": "Maria", "target": "Maria"}]
    result = await ask(client, MEETING, "Why is Maria so tired?", glossary={"es": terms})
    for text, term in zip(result.texts, terms, strict=True):
        assert (term["target"] in text.text) != (term["source"] in text.glossary_missed)


async def test_one_bad_target_does_not_harm_the_other(client: httpx.AsyncClient) -> None:
    request = {"texts": [MEETING], "targets": ["xx", "es"], "source": "en"}
    answer = decode_response((await client.post(TRANSLATE_PATH, json=request)).content)
    bad, good = answer.results
    assert bad.error is not None
    assert (bad.error.code, bad.texts) == ("unknown_language", [])
    assert good.texts[0].text


async def test_a_pair_that_does_not_exist_is_named_with_those_that_do(
    client: httpx.AsyncClient, road: tuple[str, str]
) -> None:
    request = {"texts": ["ねこ"], "targets": ["is"], "source": "ja"}
    answer = await client.post(TRANSLATE_PATH, json=request)
    pairs = (await client.get(LANGUAGES_PATH)).json()["pairs"]
    if pairs[0]["source"] == "*":
        assert answer.status_code == 200
        return
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "pair_unavailable")
    assert "from ja to is" in problem["detail"]
    assert "en-es" in problem["detail"]
    assert {
        "source": "en",
        "target": "es",
        "via": None,
        "engines": [road[0].split()[0].split("-")[0]],
    } in pairs


# --- what only one engine promises ------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "target"), [("en", "es"), ("es", "en")])
async def test_the_small_models_are_exact_on_every_sentence_of_their_vocabulary(
    source: str, target: str
) -> None:
    pairs = sentences() if source == "en" else [(spanish, english) for english, spanish in sentences()]
    app = create_app(TranslationSettings(engines="ctranslate2", models=MODELS))
    async with through_app(app) as client:
        made = []
        for start in range(0, len(pairs), 100):
            texts = [text for text, _ in pairs[start : start + 100]]
            made += (await ask(client, *texts, source=source, targets=[target])).texts
    assert [text.text for text in made] == [expected for _, expected in pairs]
    assert len(made) == 800


async def test_two_real_engines_and_a_chain_between_them() -> None:
    async with settings_of("apertium command") as values:
        app = create_app(
            TranslationSettings(**{**values, "engines": "ctranslate2,apertium", "models": MODELS})
        )
        async with through_app(app) as client:
            assert (await ask(client, MEETING)).texts[0].engine == "ctranslate2"
            config = {"engines": ["apertium"]}
            assert (await client.put("/config", json=config)).status_code == 200
            result = await ask(client, MEETING)
    assert result.texts[0].engine == "apertium"
    assert result.texts[0].text == "Hay once personas en el jardín."


async def test_the_mock_leaves_the_words_and_marks_the_language() -> None:
    app = create_app(TranslationSettings(engines="mock"))
    async with through_app(app) as client:
        result = await ask(client, "w00001 w00002", targets=["pt-BR"])
    assert result.texts[0].text == "[pt-BR] w00001 w00002"
