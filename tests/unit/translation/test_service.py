"""Loading of engines, readiness, configuration; the endpoint over a real socket; figures and documents."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from dragoman_contracts.errors import EngineUnavailable, ModelUnavailable
from dragoman_runtime.http_service import serve
from dragoman_runtime.process import Drain
from dragoman_runtime.settings import RuntimeSettings
from dragoman_translation.app import create_app, serve_translation
from dragoman_translation.names import english_name
from dragoman_translation.settings import TranslationSettings

from .engines import LIMIT_S, HeldEngine

REQUEST = {"texts": ["hello"], "targets": ["es"], "source": "en"}


@contextlib.asynccontextmanager
async def serving(
    engines: Sequence[HeldEngine] | None, drain: Drain | None = None, *, loaded: bool = True, **values: Any
) -> AsyncIterator[tuple[httpx.AsyncClient, FastAPI]]:
    drain = drain or Drain()
    bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    app = create_app(TranslationSettings(**values), drain=drain, engines=engines)
    task = asyncio.create_task(serve(app, "127.0.0.1", 0, drain, on_bound=bound.set_result))
    async with httpx.AsyncClient(base_url=await bound, timeout=LIMIT_S) as http:
        if loaded:
            await asyncio.wait_for(app.state.service.wait_loaded(), LIMIT_S)
        try:
            yield http, app
        finally:
            for engine in engines or ():
                engine.gate.set()
            drain.start()
            await task


async def ask(http: httpx.AsyncClient, text: str = "hello", **values: Any) -> httpx.Response:
    return await http.post("/v1/translate", json={**REQUEST, "texts": [text], **values})


def text_of(answer: httpx.Response) -> str:
    return str(answer.json()["results"][0]["texts"][0]["text"])


# --- loading ----------------------------------------------------------------------------------------------


def failing(times: int, error: Exception):
    """A ``load`` that fails so many times."""
    left = [times]

    def load() -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise error

    return load


async def test_an_engine_that_cannot_be_had_is_tried_again_and_told_until_then(eventually) -> None:
    engine = HeldEngine(load=failing(3, ModelUnavailable("the folder is empty", remedy="Fill it.")))
    async with serving([engine], loaded=False, load_retry_s=0.05) as (http, _):

        async def told() -> bool:
            return "the folder is empty" in (await http.get("/ready")).text

        await eventually(told)
        answer = await ask(http)
        assert (answer.status_code, answer.json()["code"]) in {(503, "engine_unavailable"), (200, None)}

        async def ready() -> bool:
            return (await http.get("/ready")).status_code == 200

        await eventually(ready)
        assert text_of(await ask(http)) == "held:es:hello"


async def test_while_nothing_is_loaded_requests_are_told_to_come_again() -> None:
    engine = HeldEngine(load=failing(10**6, ModelUnavailable("the folder is empty", remedy="Fill it.")))
    async with serving([engine], loaded=False) as (http, _):
        answer = await ask(http)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (503, "engine_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        assert (await http.get("/health")).status_code == 200


async def test_one_engine_that_cannot_be_had_leaves_the_other_in_service(log_lines: list[str]) -> None:
    broken = HeldEngine("a", load=failing(10**6, RuntimeError("secret path")))
    async with serving([broken, HeldEngine("b")]) as (http, _):
        assert (await http.get("/ready")).status_code == 200
        assert (await ask(http)).json()["results"][0]["texts"][0]["engine"] == "b"
        states = (await http.get("/config")).json()["engines"]
    assert states == {"a": "loading failed: RuntimeError", "b": "ready"}


async def test_an_error_that_stays_the_same_is_logged_once(eventually, log_lines: list[str]) -> None:
    engine = HeldEngine(load=failing(4, ModelUnavailable("the folder is empty", remedy="Fill it.")))
    async with serving([engine], load_retry_s=0.01):
        pass
    assert len([line for line in log_lines if "the folder is empty" in line]) == 1


async def test_the_end_frees_the_engines_even_those_that_never_loaded() -> None:
    engines = [HeldEngine("a"), HeldEngine("b", load=failing(10**6, ModelUnavailable("no")))]
    async with serving(engines):
        pass
    assert [engine.closed for engine in engines] == [1, 1]


def test_the_mock_imports_no_real_engine() -> None:
    program = """
import asyncio, sys
from dragoman_translation.app import create_app
from dragoman_translation.settings import TranslationSettings

async def main():
    app = create_app(TranslationSettings(profile="mock"))
    async with app.router.lifespan_context(app):
        await app.state.service.wait_loaded()

asyncio.run(main())
heavy = {"ctranslate2", "sentencepiece", "huggingface_hub", "torch"} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


# --- the endpoint over a real socket ----------------------------------------------------------------------


async def test_a_client_that_hangs_up_takes_its_texts_back(eventually) -> None:
    engine = HeldEngine()
    async with serving([engine]) as (http, app):
        (line,) = app.state.service._lines
        engine.gate.clear()
        held = asyncio.create_task(ask(http, "held"))
        await eventually(lambda: engine.batches == [["held"]])
        gone = asyncio.create_task(ask(http, "gone"))
        await eventually(lambda: len(line.batcher._queue) == 1)
        gone.cancel()
        kept = asyncio.create_task(ask(http, "kept"))
        await eventually(lambda: len(line.batcher._queue) == 2)
        await eventually(lambda: _first_waiting(line.batcher).cancelled())
        engine.gate.set()
        assert [text_of(await one) for one in (held, kept)] == ["held:es:held", "held:es:kept"]
    assert engine.batches == [["held"], ["kept"]]


def _first_waiting(batcher: Any) -> asyncio.Future[Any]:
    (group,) = batcher._queue._groups.values()
    return next(
        item.answer for lane in group._lanes.values() for items in lane.sessions.values() for item in items
    )


async def test_a_full_queue_answers_503_with_retry_after(eventually) -> None:
    engine = HeldEngine()
    async with serving([engine], queue_max=1) as (http, app):
        engine.gate.clear()
        held = asyncio.create_task(ask(http, "held"))
        await eventually(lambda: engine.batches == [["held"]])
        waits = asyncio.create_task(ask(http, "waits"))
        (line,) = app.state.service._lines
        await eventually(lambda: len(line.batcher._queue) == 1)
        answer = await ask(http, "refused")
        assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        assert int(answer.headers["retry-after"]) >= 1
        engine.gate.set()
        assert [text_of(await one) for one in (held, waits)] == ["held:es:held", "held:es:waits"]


async def test_the_drain_finishes_what_was_asked(eventually) -> None:
    engine, drain = HeldEngine(), Drain()
    async with serving([engine], drain) as (http, _):
        engine.gate.clear()
        held = asyncio.create_task(ask(http, "held"))
        await eventually(lambda: engine.batches == [["held"]])
        drain.start()
        engine.gate.set()
        assert text_of(await held) == "held:es:held"


async def test_a_body_without_a_length_is_bounded() -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 1_000_000

    async with serving([HeldEngine()]) as (http, _):
        for path in ("/v1/translate", "/translate", "/v2/translate"):
            answer = await http.post(path, content=endless(), headers={"content-type": "application/json"})
            assert answer.status_code in {413, 400}
        assert text_of(await ask(http)) == "held:es:hello"


async def test_a_client_that_leaves_while_sending_is_no_error(log_lines: list[str]) -> None:
    async with serving([HeldEngine()]) as (http, _):
        for path in ("/v1/translate", "/translate", "/v2/translate"):
            _, writer = await asyncio.open_connection(http.base_url.host, http.base_url.port)
            head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            writer.write(f"{head}content-length: 1000\r\n\r\n{{".encode())
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        assert text_of(await ask(http)) == "held:es:hello"
    assert not [line for line in log_lines if line.startswith("ERROR")]


async def test_an_engine_error_is_told_without_its_text() -> None:
    async with serving([HeldEngine(poison="bad")]) as (http, _):
        answer = await ask(http, "bad")
    (text,) = answer.json()["results"][0]["texts"]
    assert (text["text"], text["error"]["code"]) == ("", "translation_failed")
    assert "secret" not in answer.text


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_other_methods_are_told(method: str) -> None:
    async with serving([HeldEngine()]) as (http, _):
        answer = await http.request(method, "/v1/translate")
    assert (answer.status_code, answer.json()["code"]) == (405, "http_error")


async def test_the_process_serves_on_its_settings_port_until_the_drain(free_port: int, eventually) -> None:
    drain = Drain()
    values = TranslationSettings(profile="mock", port=free_port, mock_delay_ms=1)
    task = asyncio.create_task(serve_translation(values, RuntimeSettings(), drain))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{free_port}") as http:

        async def ready() -> bool:
            with contextlib.suppress(httpx.TransportError):
                return (await http.get("/ready")).status_code == 200
            return False

        await eventually(ready)
        assert text_of(await ask(http)) == "[es] hello"
    drain.start()
    await asyncio.wait_for(task, LIMIT_S)


# --- configuration, figures, documents --------------------------------------------------------------------


async def test_a_configuration_is_in_force_from_the_next_batch_on() -> None:
    engines = [HeldEngine("a"), HeldEngine("b")]
    async with serving(engines) as (http, _):
        before = (await http.get("/config")).json()
        assert before["config"]["engines"] == ["a", "b"]
        answer = await http.put(
            "/config", json={"engines": ["b"], "batch_max": 3, "pivot": "", "beam_size": 2}
        )
        after = answer.json()
        assert after["config"] | {"engines": ["b"], "batch_max": 3, "pivot": ""} == after["config"]
        assert after["checksum"] != before["checksum"]
        assert (await ask(http)).json()["results"][0]["texts"][0]["engine"] == "b"
    assert engines[1].tuned[-1].beam_size == 2


@pytest.mark.parametrize(
    "config",
    [
        {"engines": ["c"]},
        {"engines": ["a", "a"]},
        {"batch_max": 0},
        {"beam_size": 17},
        {"pivot": "english"},
        {"batch_wait_ms": -1},
        {"colour": "red"},
        [],
    ],
)
async def test_a_configuration_that_cannot_be_used_is_refused_and_changes_nothing(config: Any) -> None:
    async with serving([HeldEngine("a")]) as (http, _):
        before = (await http.get("/config")).json()
        answer = await http.put("/config", json=config)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
        assert (await http.get("/config")).json() == before


def figure(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"dragoman_translation_{name}", labels) or 0.0


async def test_the_figures_tell_what_was_done() -> None:
    async with serving([HeldEngine("figures")]) as (http, _):
        await ask(http)
        assert figure("texts_total", engine="figures", pair="en-es") == 1
        assert figure("characters_total", engine="figures", pair="en-es") == len("hello")
        assert figure("batch_size_count", engine="figures") == 1
        assert figure("inference_seconds_count", engine="figures") == 1
        assert figure("queue_seconds_count", engine="figures") == 1
        assert figure("engine_ready", engine="figures") == 1
        metrics = (await http.get("/metrics")).text
    assert "dragoman_translation_queue_depth" in metrics


async def test_failures_and_an_open_breaker_are_counted() -> None:
    engine = HeldEngine("breaking", error=EngineUnavailable("away"))
    async with serving([engine], breaker_failures=2, breaker_open_s=60) as (http, _):
        for _ in range(3):
            assert (await ask(http)).status_code == 503
    assert figure("failures_total", engine="breaking", code="engine_unavailable") == 3
    assert figure("breaker_open", engine="breaking", pair="en-es") == 1


async def test_the_document_describes_every_endpoint_with_examples() -> None:
    async with serving([HeldEngine()]) as (http, _):
        document = (await http.get("/openapi.json")).json()
    operation = document["paths"]["/v1/translate"]["post"]
    body = operation["requestBody"]["content"]["application/json"]
    assert body["schema"]["$ref"].endswith("/TranslateRequest")
    assert set(body["example"]) <= set(document["components"]["schemas"]["TranslateRequest"]["properties"])
    assert operation["responses"]["200"]["content"]["application/json"]["example"]["results"]
    for path in (
        "/v1/languages",
        "/config",
        "/translate",
        "/detect",
        "/languages",
        "/v2/translate",
        "/v2/usage",
    ):
        assert path in document["paths"]


async def test_the_documents_example_is_a_request_that_works() -> None:
    async with serving([HeldEngine()]) as (http, _):
        document = (await http.get("/openapi.json")).json()
        content = document["paths"]["/v1/translate"]["post"]["requestBody"]["content"]
        assert (
            await http.post("/v1/translate", json=content["application/json"]["example"])
        ).status_code == 200


# --- whatever is sent -------------------------------------------------------------------------------------

BODIES = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=60).map(str.encode),
    st.dictionaries(
        st.sampled_from(
            ["texts", "targets", "source", "q", "target", "text", "target_lang", "glossary", "context"]
        ),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.text(max_size=8)
            | st.sampled_from(["es", "en", "auto"]),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
            ),
            max_leaves=4,
        ),
        max_size=5,
    ).map(lambda value: json.dumps(value).encode()),
)


@given(
    bodies=st.lists(BODIES, min_size=1, max_size=15),
    kind=st.sampled_from(
        ["application/json", "application/x-www-form-urlencoded", "", "multipart/form-data"]
    ),
)
@settings(max_examples=25, deadline=None)
def test_whatever_is_sent_the_answer_is_one_and_no_mistake_of_ours(bodies: list[bytes], kind: str) -> None:
    async def send() -> list[int]:
        app = create_app(TranslationSettings(), engines=[HeldEngine(pairs=["en-es", "es-en"])])
        async with app.router.lifespan_context(app):
            await app.state.service.wait_loaded()
            transport = httpx.ASGITransport(app, raise_app_exceptions=True)
            async with httpx.AsyncClient(transport=transport, base_url="http://translation") as http:
                answers = [
                    await http.post(path, content=body, headers={"content-type": kind})
                    for body in bodies
                    for path in ("/v1/translate", "/translate", "/detect", "/v2/translate")
                ]
        return [answer.status_code for answer in answers]

    assert set(asyncio.run(send())) <= {200, 400, 422}


async def test_a_text_that_cannot_be_translated_is_an_error_in_the_compatible_shapes() -> None:
    async with serving([HeldEngine(poison="bad")]) as (http, _):
        libre = await http.post("/translate", json={"q": ["good", "bad"], "source": "en", "target": "es"})
        deep = await http.post(
            "/v2/translate", json={"text": ["good", "bad"], "source_lang": "EN", "target_lang": "ES"}
        )
        short = await http.post("/translate", json={"q": ["Good morning, everybody.", "ok"], "target": "es"})
    assert (libre.status_code, list(libre.json())) == (500, ["error"])
    assert (deep.status_code, list(deep.json())) == (500, ["message"])
    assert (short.status_code, list(short.json())) == (400, ["error"])


async def test_too_many_fields_are_refused() -> None:
    query = "&".join(f"f{number}=x" for number in range(1_001))
    async with serving([HeldEngine()]) as (http, _):
        for answer in (await http.get(f"/languages?{query}"), await http.post("/translate", content=query)):
            assert (answer.status_code, list(answer.json())) == (400, ["error"])


def test_a_language_without_a_known_name_is_shown_by_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    english_name.cache_clear()
    assert english_name("pt-BR") == "Portuguese (Brazil)"
    english_name.cache_clear()
    monkeypatch.setitem(sys.modules, "language_data.names", None)
    monkeypatch.setitem(sys.modules, "language_data", None)
    assert english_name("pt-BR") == "pt-BR"
    english_name.cache_clear()
