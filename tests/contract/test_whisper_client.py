"""The whisper client against the contract's cases: canned by respx, and by the real app (mock engine)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import numpy as np
import pytest
import respx

from dragoman_contracts.errors import (
    BadUpstream,
    DecodeFailed,
    EngineUnavailable,
    InvalidInput,
    ModelUnavailable,
    Overloaded,
)
from dragoman_contracts.whisper_api import WINDOW_HEADER, WINDOW_MEDIA_TYPE, WindowOptions
from dragoman_orchestration.clients.whisper import WhisperClient
from dragoman_runtime import telemetry
from dragoman_runtime.resilience import CircuitBreaker
from dragoman_runtime.settings import RuntimeSettings
from dragoman_whisper.app import create_app
from dragoman_whisper.settings import WhisperSettings

from .whisper_cases import HEARD, REFUSALS, WINDOWS, Refusal, WindowCase, canned

URL = "http://whisper.test"
WINDOWS_URL = f"{URL}/v1/windows"


def samples_of(case: WindowCase) -> np.ndarray:
    return np.frombuffer(case.body(), dtype="<i2")


@pytest.fixture
async def client() -> AsyncIterator[WhisperClient]:
    client = WhisperClient(httpx.AsyncClient(base_url=URL), CircuitBreaker("test", threshold=100))
    yield client
    await client.close()


@pytest.fixture
async def real_client() -> AsyncIterator[WhisperClient]:
    app = create_app(WhisperSettings(profile="mock"))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        client = WhisperClient(httpx.AsyncClient(transport=transport, base_url=URL), CircuitBreaker("test"))
        await app.state.service.wait_loaded()
        assert await client.ready() is None
        yield client
        await client.close()


@respx.mock
@pytest.mark.parametrize("case", WINDOWS, ids=lambda case: case.name)
async def test_each_case_is_sent_as_the_contract_says(client: WhisperClient, case: WindowCase) -> None:
    route = respx.post(WINDOWS_URL).mock(return_value=canned(case))
    result = await client.decode(samples_of(case), case.options)
    request = route.calls.last.request
    assert request.content == case.body()
    assert request.headers["content-type"] == WINDOW_MEDIA_TYPE
    assert WindowOptions.from_header(request.headers[WINDOW_HEADER]) == case.options
    assert str(request.url) == WINDOWS_URL
    assert (result == HEARD) == bool(result.words)


@pytest.mark.parametrize("case", WINDOWS, ids=lambda case: case.name)
async def test_the_real_app_answers_each_case(real_client: WhisperClient, case: WindowCase) -> None:
    result = await real_client.decode(samples_of(case), case.options)
    assert result.engine == "mock"
    assert "".join(word.text for word in result.words) == result.text


@respx.mock
@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.name)
async def test_a_refusal_is_permanent(client: WhisperClient, case: Refusal) -> None:
    respx.post(WINDOWS_URL).mock(return_value=canned(case))
    with pytest.raises(InvalidInput, match=case.code) as caught:
        await client.decode(np.zeros(160, np.int16), WindowOptions())
    assert caught.value.permanent


def problem(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "detail": "a secret transcript"})


@respx.mock
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (problem(503, "overloaded"), Overloaded),
        (problem(429, "limit_exceeded"), Overloaded),
        (problem(503, "model_unavailable"), ModelUnavailable),
        (problem(503, "unavailable"), EngineUnavailable),
        (problem(500, "internal"), EngineUnavailable),
        (problem(503, "model_loading"), EngineUnavailable),
        (problem(500, "decode_failed"), DecodeFailed),
        (httpx.Response(502, text="<html>bad gateway</html>"), EngineUnavailable),
        (httpx.Response(503, json=["no", "object"]), EngineUnavailable),
        (httpx.Response(302), BadUpstream),
        (httpx.Response(200, text="<html>hello</html>"), BadUpstream),
        (httpx.Response(200, json={"text": "no language"}), BadUpstream),
        (httpx.Response(200, content=b""), BadUpstream),
        (httpx.Response(200, content=b"\xff\xfe"), BadUpstream),
    ],
)
async def test_a_failing_service_is_told_without_its_words(client, answer, error) -> None:
    respx.post(WINDOWS_URL).mock(return_value=answer)
    with pytest.raises(error) as caught:
        await client.decode(np.zeros(160, np.int16), WindowOptions())
    assert type(caught.value) is error
    assert "secret" not in str(caught.value)
    assert caught.value.remedy


@respx.mock
@pytest.mark.parametrize(
    "failure", [httpx.ConnectError("no"), httpx.ReadTimeout("late"), httpx.RemoteProtocolError("cut")]
)
async def test_a_service_that_does_not_answer(client, failure) -> None:
    respx.post(WINDOWS_URL).mock(side_effect=failure)
    with pytest.raises(EngineUnavailable):
        await client.decode(np.zeros(160, np.int16), WindowOptions())


@respx.mock
async def test_a_trace_goes_on_in_the_service(client: WhisperClient) -> None:
    telemetry.setup_telemetry("test", RuntimeSettings(otlp_endpoint="http://127.0.0.1:9"))
    route = respx.post(WINDOWS_URL).mock(return_value=canned(WINDOWS[0]))
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    with telemetry.span_from(parent, "decode window"):
        await client.decode(np.zeros(160, np.int16), WindowOptions())
    assert route.calls.last.request.headers["traceparent"].startswith(f"00-{'a' * 32}-")
    await client.decode(np.zeros(160, np.int16), WindowOptions())
    assert "traceparent" not in route.calls.last.request.headers


@respx.mock
async def test_the_circuit_opens_for_failures_and_not_for_refusals() -> None:
    client = WhisperClient(httpx.AsyncClient(base_url=URL), CircuitBreaker("test", threshold=2, open_s=60))
    route = respx.post(WINDOWS_URL)
    route.mock(return_value=canned(REFUSALS[0]))
    for _ in range(3):
        with pytest.raises(InvalidInput):
            await client.decode(np.zeros(160, np.int16), WindowOptions())
    route.mock(return_value=problem(500, "internal"))
    for _ in range(4):
        with pytest.raises(EngineUnavailable):
            await client.decode(np.zeros(160, np.int16), WindowOptions())
    assert route.call_count == 5
    await client.close()


@respx.mock
async def test_readiness_is_told(client: WhisperClient) -> None:
    route = respx.get(f"{URL}/ready")
    route.mock(return_value=httpx.Response(200))
    assert await client.ready() is None
    route.mock(return_value=httpx.Response(503))
    assert await client.ready() == "the whisper service is not ready"
    route.mock(side_effect=httpx.ConnectError("no"))
    assert "cannot be reached" in (await client.ready() or "")


async def test_a_request_whose_caller_is_cancelled_ends_by_itself_and_frees_its_turn():
    """Cancelled in the pool, a request would keep its connection for ever, and in the end all of them."""
    samples = np.zeros(1_600, dtype=np.int16)
    answer, begun, cut_off = asyncio.Event(), asyncio.Queue[None](), 0

    async def slow(request: httpx.Request) -> httpx.Response:
        nonlocal cut_off
        begun.put_nowait(None)
        try:
            await answer.wait()
        except asyncio.CancelledError:
            cut_off += 1
            raise
        return httpx.Response(503)

    http = httpx.AsyncClient(base_url=URL, transport=httpx.MockTransport(slow))
    client = WhisperClient(http, CircuitBreaker("test", threshold=100), connections=2)
    calls = [asyncio.create_task(client.decode(samples, WindowOptions())) for _ in range(3)]
    async with asyncio.timeout(10):
        await begun.get()
        await begun.get()
        for call in calls:
            call.cancel()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
        later = asyncio.create_task(client.decode(samples, WindowOptions()))
        await asyncio.sleep(0)
        assert begun.empty()  # both turns are taken until the forgotten requests are over
        answer.set()
        with pytest.raises(EngineUnavailable):
            await later
    assert cut_off == 0
    await client.close()
