"""The endpoints in LibreTranslate's and DeepL's wire shapes, asked by their real clients over sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import urllib.error
from collections.abc import AsyncIterator, Callable
from typing import Any

import deepl
import httpx
import pytest
from libretranslatepy import LibreTranslateAPI

from dragoman_runtime.http_service import serve
from dragoman_runtime.process import Drain
from dragoman_translation.app import create_app
from dragoman_translation.settings import TranslationSettings

from .translation_cases import MEETING, MODELS

KEY = "a-key-of-this-test"
SPANISH = "Hay once personas en el jardín."
ANY_PAIR = {"engines": "mock"}
SMALL_MODELS = {"engines": "ctranslate2", "models": MODELS}


@contextlib.asynccontextmanager
async def served(**values: Any) -> AsyncIterator[str]:
    drain = Drain()
    bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    app = create_app(TranslationSettings(**values))
    task = asyncio.create_task(serve(app, "127.0.0.1", 0, drain, on_bound=bound.set_result))
    url = await bound
    await asyncio.wait_for(app.state.service.wait_loaded(), 30)
    try:
        yield url
    finally:
        drain.start()
        await task


async def in_thread(work: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(work)


def refused(work: Callable[[], Any]) -> tuple[int, str]:
    """Status and error of a call that the LibreTranslate client raises for."""
    with pytest.raises(urllib.error.HTTPError) as raised:
        work()
    return raised.value.code, json.loads(raised.value.read())["error"]


@pytest.fixture(autouse=True)
def _no_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deepl.http_client, "max_network_retries", 0)


# --- LibreTranslate ---------------------------------------------------------------------------------------


async def test_the_libretranslate_client_translates_detects_and_lists() -> None:
    async with served(**SMALL_MODELS) as url:
        client = LibreTranslateAPI(url)
        assert await in_thread(lambda: client.translate(MEETING, "en", "es")) == SPANISH
        assert await in_thread(lambda: client.translate(SPANISH, "auto", "en")) == MEETING
        (found, *_) = await in_thread(lambda: client.detect(SPANISH))
        assert found["language"] == "es"
        assert found["confidence"] > 50
        (german, *_) = await in_thread(lambda: client.detect("Guten Morgen, wie geht es Ihnen heute?"))
        assert german["language"] == "de"
        assert await in_thread(lambda: client.detect("123 !")) == []
        assert await in_thread(client.languages) == [
            {"code": "en", "name": "English", "targets": ["es"]},
            {"code": "es", "name": "Spanish", "targets": ["en"]},
        ]


async def test_a_list_comes_back_as_a_list_with_the_languages_that_were_detected() -> None:
    async with served(**SMALL_MODELS) as url, httpx.AsyncClient(base_url=url) as http:
        body = {"q": [MEETING, SPANISH, ""], "source": "auto", "target": "es", "format": "text"}
        answer = (await http.post("/translate", json=body)).json()
        one = (await http.post("/translate", json={"q": MEETING, "target": "es"})).json()
    assert answer["translatedText"] == [SPANISH, SPANISH, ""]
    assert [found["language"] for found in answer["detectedLanguage"]] == ["en", "es", ""]
    assert one["translatedText"] == SPANISH
    assert one["detectedLanguage"]["language"] == "en"


async def test_libretranslates_codes_are_understood() -> None:
    async with served(**ANY_PAIR) as url:
        client = LibreTranslateAPI(url)
        for code, ours in (("pt-BR", "pt-BR"), ("pb", "pt-BR"), ("zh-Hans", "zh-Hans"), ("zt", "zh-Hant")):
            made = await in_thread(lambda code=code: client.translate("hello there", "en", code))
            assert made == f"[{ours}] hello there"
        languages = await in_thread(client.languages)
    assert {"en", "es", "zh"} <= {language["code"] for language in languages}


async def test_libretranslates_key_is_wanted_where_keys_are_set() -> None:
    async with served(**ANY_PAIR, api_keys=f"other,{KEY}") as url:
        known = LibreTranslateAPI(url, KEY)
        assert await in_thread(lambda: known.translate("hello there", "en", "es")) == "[es] hello there"
        assert await in_thread(known.languages)
        for wrong in (LibreTranslateAPI(url), LibreTranslateAPI(url, "wrong")):
            for call in (lambda c=wrong: c.translate("hello", "en", "es"), wrong.languages):
                status, message = await in_thread(lambda call=call: refused(call))
                assert (status, "api_key" in message) == (403, True)


async def test_libretranslates_errors_have_its_shape() -> None:
    async with served(**SMALL_MODELS) as url:
        client = LibreTranslateAPI(url)
        status, message = await in_thread(lambda: refused(lambda: client.translate(MEETING, "en", "fr")))
        assert (status, "from en to fr; there are en-es, es-en" in message) == (400, True)
        status, message = await in_thread(lambda: refused(lambda: client.translate(MEETING, "en", "xx")))
        assert (status, "'xx' is no language code" in message) == (400, True)
        status, message = await in_thread(lambda: refused(lambda: client.translate("a" * 10_001, "en", "es")))
        assert (status, "at most 10000" in message) == (400, True)
        async with httpx.AsyncClient(base_url=url) as http:
            for body in ({}, {"q": "x"}, {"q": 5, "target": "es"}, {"q": ["a", 5], "target": "es"}):
                answer = await http.post("/translate", json=body)
                assert (answer.status_code, list(answer.json())) == (400, ["error"])
            for content, kind in (
                ("{", "application/json"),
                ("[]", "application/json"),
                ("x", "multipart/form-data"),
            ):
                answer = await http.post("/translate", content=content, headers={"content-type": kind})
                assert (answer.status_code, list(answer.json())) == (400, ["error"])


# --- DeepL ------------------------------------------------------------------------------------------------


async def test_the_deepl_client_translates_lists_and_counts() -> None:
    async with served(**SMALL_MODELS) as url:
        client = deepl.DeepLClient("any", server_url=url)
        one = await in_thread(lambda: client.translate_text(MEETING, target_lang="ES"))
        many = await in_thread(
            lambda: client.translate_text([MEETING, ""], source_lang="EN", target_lang="ES", context="Hello.")
        )
        sources = await in_thread(client.get_source_languages)
        targets = await in_thread(client.get_target_languages)
        usage = await in_thread(client.get_usage)
    assert (one.text, one.detected_source_lang, one.billed_characters) == (SPANISH, "EN", len(MEETING))
    assert [result.text for result in many] == [SPANISH, ""]
    assert [(language.code.upper(), language.name) for language in sources] == [
        ("EN", "English"),
        ("ES", "Spanish"),
    ]
    assert [language.supports_formality for language in targets] == [False, False]
    assert usage.character.count == 2 * len(MEETING)
    assert not usage.any_limit_reached


@pytest.mark.parametrize(("code", "ours"), [("EN-US", "en-US"), ("PT-BR", "pt-BR"), ("ZH-HANS", "zh-Hans")])
async def test_deepls_codes_are_understood(code: str, ours: str) -> None:
    async with served(**ANY_PAIR) as url:
        client = deepl.DeepLClient("any", server_url=url)
        made = await in_thread(
            lambda: client.translate_text(
                "hallo zusammen", source_lang="DE", target_lang=code, formality="more"
            )
        )
    assert made.text == f"[{ours}] hallo zusammen"
    assert made.detected_source_lang == "DE"


async def test_deepls_form_bodies_are_taken() -> None:
    async with served(**SMALL_MODELS) as url, httpx.AsyncClient(base_url=url) as http:
        form = {"text": [MEETING, MEETING], "target_lang": "ES", "source_lang": "EN"}
        answer = await http.post("/v2/translate", data=form)
    assert answer.json() == {"translations": [{"detected_source_language": "EN", "text": SPANISH}] * 2}


async def test_deepls_key_is_wanted_where_keys_are_set() -> None:
    async with served(**ANY_PAIR, api_keys=KEY) as url:
        known = deepl.DeepLClient(KEY, server_url=url)
        assert (
            await in_thread(lambda: known.translate_text("hello", source_lang="EN", target_lang="ES"))
        ).text
        wrong = deepl.DeepLClient("wrong", server_url=url)
        for call in (wrong.get_usage, wrong.get_target_languages):
            with pytest.raises(deepl.AuthorizationException):
                await in_thread(call)


async def test_deepls_errors_have_its_shape() -> None:
    async with served(**SMALL_MODELS) as url:
        client = deepl.DeepLClient("any", server_url=url)
        for options, message in (
            ({"target_lang": "FR"}, "from en to fr; there are en-es, es-en"),
            ({"target_lang": "XX"}, "'XX' is no language code"),
            ({"target_lang": "ES", "glossary": "g1"}, "no glossaries"),
        ):
            with pytest.raises(deepl.DeepLException, match=message) as raised:
                await in_thread(
                    lambda options=options: client.translate_text(MEETING, source_lang="EN", **options)
                )
            assert raised.value.http_status_code == 400
        async with httpx.AsyncClient(base_url=url) as http:
            for body in (
                {},
                {"text": ["x"]},
                {"text": [1], "target_lang": "ES"},
                {"text": ["x"], "formality": "rude"},
            ):
                answer = await http.post("/v2/translate", json=body)
                assert (answer.status_code, list(answer.json())) == (400, ["message"])
            answer = await http.get("/v2/languages", params={"type": "x"})
            assert (answer.status_code, list(answer.json())) == (400, ["message"])


# --- both -------------------------------------------------------------------------------------------------


async def test_an_engine_that_is_away_is_503_in_both_shapes(free_port: int) -> None:
    values = {
        "engines": "mock,openai_chat",
        "openai_url": f"http://127.0.0.1:{free_port}/v1",
        "openai_model": "m",
    }
    async with served(**values) as url, httpx.AsyncClient(base_url=url) as http:
        assert (await http.put("/config", json={"engines": ["openai_chat"]})).status_code == 200
        libre = await http.post("/translate", json={"q": "hello", "source": "en", "target": "es"})
        deep = await http.post(
            "/v2/translate", json={"text": ["hello"], "source_lang": "EN", "target_lang": "ES"}
        )
    assert (libre.status_code, list(libre.json())) == (503, ["error"])
    assert (deep.status_code, list(deep.json())) == (503, ["message"])
    assert int(libre.headers["retry-after"]) >= 1
    assert int(deep.headers["retry-after"]) >= 1


async def test_the_native_endpoints_want_a_bearer_where_keys_are_set() -> None:
    async with served(**ANY_PAIR, api_keys=KEY) as url, httpx.AsyncClient(base_url=url) as http:
        request = {"texts": ["hello"], "targets": ["es"], "source": "en"}
        for method, path in (
            ("POST", "/v1/translate"),
            ("GET", "/v1/languages"),
            ("GET", "/config"),
            ("PUT", "/config"),
        ):
            body = {"json": request if method == "POST" else {}} if method != "GET" else {}
            for key in ("", "Bearer wrong", KEY, f"Basic {KEY}"):
                answer = await http.request(method, path, headers={"authorization": key}, **body)
                assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
            answer = await http.request(method, path, headers={"authorization": f"Bearer {KEY}"}, **body)
            assert answer.status_code == 200
        for path in ("/health", "/ready", "/metrics"):
            assert (await http.get(path)).status_code == 200


async def test_neither_texts_nor_keys_are_logged(log_lines: list[str]) -> None:
    async with served(**SMALL_MODELS, api_keys=KEY) as url, httpx.AsyncClient(base_url=url) as http:
        await http.get("/languages", params={"api_key": KEY})
        await http.post(
            "/translate", json={"q": "confidential", "source": "en", "target": "fr", "api_key": KEY}
        )
        await http.post("/translate", content="confidential", headers={"content-type": "application/json"})
    assert not [line for line in log_lines if KEY in line or "confidential" in line]
