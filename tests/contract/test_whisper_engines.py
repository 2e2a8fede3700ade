"""One suite for every engine of the whisper service: through the real app, and through a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from dragoman_contracts.whisper_api import WINDOW_PATH, WindowOptions, WindowResult, decode_result
from dragoman_runtime.http_service import serve
from dragoman_runtime.process import Drain
from dragoman_whisper.app import create_app
from dragoman_whisper.settings import WhisperSettings

from .whisper_cases import (
    MICRO_MODEL,
    REFUSALS,
    SPEECH,
    WINDOWS,
    Refusal,
    WindowCase,
    is_well_formed,
    pcm,
    silence,
)

ENGINES = {
    "mock": {"profile": "mock"},
    "faster_whisper": {"profile": "cpu", "model": str(MICRO_MODEL)},
    "faster_whisper batched": {
        "profile": "cpu",
        "model": str(MICRO_MODEL),
        "batch_max": 8,
        "engine_threads": 2,
    },
    "faster_whisper full": {"profile": "cpu", "model": str(MICRO_MODEL), "encoder": "full"},
}


@contextlib.asynccontextmanager
async def through_app(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with app.router.lifespan_context(app):
        await app.state.service.wait_loaded()
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://whisper") as client:
            yield client


@contextlib.asynccontextmanager
async def through_socket(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    drain = Drain()
    bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(app, "127.0.0.1", 0, drain, on_bound=bound.set_result))
    url = await bound
    await app.state.service.wait_loaded()
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        yield client
    drain.start()
    await serving


TRANSPORTS = {"app": through_app, "socket": through_socket}


# A socket of its own for engines that differ in what they answer; how they compute does not reach it.
ROADS = [(engine, "app") for engine in ENGINES] + [("mock", "socket"), ("faster_whisper", "socket")]


@pytest.fixture(params=ROADS, ids=" by ".join)
async def client(request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    engine, transport = request.param
    app = create_app(WhisperSettings(**ENGINES[engine]))
    async with TRANSPORTS[transport](app) as client:
        yield client


async def ask(client: httpx.AsyncClient, case: WindowCase) -> WindowResult:
    answer = await client.post(WINDOW_PATH, content=case.body(), headers=case.headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return decode_result(answer.content)


@pytest.mark.parametrize("case", WINDOWS, ids=lambda case: case.name)
async def test_a_window_is_answered(client: httpx.AsyncClient, case: WindowCase) -> None:
    result = await ask(client, case)
    is_well_formed(case.body(), result)
    case.check(result)


# That a request is refused does not hang on how an engine computes: two roads of the six are enough.
@pytest.mark.parametrize(
    "client", [("mock", "app"), ("faster_whisper", "socket")], indirect=True, ids=" by ".join
)
@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.name)
async def test_a_wrong_request_is_refused_with_a_remedy(client: httpx.AsyncClient, case: Refusal) -> None:
    answer = await client.post(WINDOW_PATH, content=case.body, headers=case.headers)
    assert answer.status_code == case.status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == case.code
    assert problem["detail"]
    assert problem["remedy"]


async def test_after_a_refusal_the_service_goes_on(client: httpx.AsyncClient) -> None:
    for case in REFUSALS:
        await client.post(WINDOW_PATH, content=case.body, headers=case.headers)
    result = await ask(client, WINDOWS[0])
    assert result.words


async def test_the_same_audio_gives_the_same_words(client: httpx.AsyncClient) -> None:
    first, second = await ask(client, WINDOWS[0]), await ask(client, WINDOWS[0])
    assert (first.text, first.words) == (second.text, second.words)


async def test_lost_audio_changes_the_words(client: httpx.AsyncClient) -> None:
    whole = await ask(client, WINDOWS[0])
    body = pcm(SPEECH)
    cut = body[:32_000] + body[64_000:]
    rest = await ask(client, dataclasses.replace(WINDOWS[0], body=lambda: cut))
    assert whole.text != rest.text


async def test_many_sessions_at_once_each_get_their_own_words(client: httpx.AsyncClient) -> None:
    quiet = dataclasses.replace(WINDOWS[0], body=lambda: silence(1))
    cases = [quiet if index % 3 == 0 else WINDOWS[index % 2] for index in range(12)]
    expected = {case.name + str(case is quiet): (await ask(client, case)).text for case in cases}
    together = [
        dataclasses.replace(
            case, options=msgspec.structs.replace(case.options, session_id=f"session {index}")
        )
        for index, case in enumerate(cases)
    ]
    results = await asyncio.gather(*(ask(client, case) for case in together))
    for case, result in zip(cases, results, strict=True):
        assert result.text == expected[case.name + str(case is quiet)]


async def test_the_header_carries_text_in_any_script(client: httpx.AsyncClient) -> None:
    options = WindowOptions(language="en", prompt="naïve – 東京 🎙", hotwords='"quoted"\n')
    result = await ask(client, dataclasses.replace(WINDOWS[0], options=options))
    assert result.words


async def test_readiness_models_and_configuration(client: httpx.AsyncClient) -> None:
    ready = await client.get("/ready")
    assert (ready.status_code, ready.json()["parts"]["model"]) == (200, "ok")
    assert (await client.get("/health")).status_code == 200
    models = (await client.get("/v1/models")).json()
    assert models["object"] == "list"
    assert [model["object"] for model in models["data"]] == ["model"]
    assert "en" in models["data"][0]["languages"]

    before = (await client.get("/config")).json()
    changed = (await client.put("/config", json={**before["config"], "beam_size": 2})).json()
    assert changed["config"]["beam_size"] == 2
    assert changed["checksum"] != before["checksum"]
    assert (await client.get("/config")).json() == changed
    assert (await ask(client, WINDOWS[0])).words

    for wrong in ({"beam_size": 0}, {"beam_size": "many"}, {"beams": 3}, []):
        refused = await client.put("/config", json=wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")
    assert (await client.get("/config")).json() == changed


async def test_metrics_count_windows_and_audio(client: httpx.AsyncClient) -> None:
    def figure(text: str, name: str) -> float:
        return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name + " "))

    before = (await client.get("/metrics")).text
    await ask(client, WINDOWS[0])
    after = (await client.get("/metrics")).text
    audio = "dragoman_whisper_audio_seconds_total"
    assert figure(after, audio) - figure(before, audio) == pytest.approx(3.048, abs=0.01)
    assert figure(after, "dragoman_whisper_queue_depth") == 0
    for kind in ("batch_size", "inference_seconds", "queue_seconds"):
        name = f"dragoman_whisper_{kind}_count"
        assert figure(after, name) == figure(before, name) + 1
    assert figure(after, "dragoman_whisper_real_time_factor") > 0


async def test_the_api_document_describes_all_routes(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    expected = {WINDOW_PATH, "/v1/audio/transcriptions", "/v1/audio/translations", "/v1/models", "/config"}
    assert expected <= set(document["paths"])
    assert {"WindowOptions", "WindowResult"} <= set(document["components"]["schemas"])
