"""The hot path over a real socket: clients that hang up, a queue that is full, a process that drains."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from dragoman_contracts.whisper_api import (
    WINDOW_HEADER,
    WINDOW_MEDIA_TYPE,
    WINDOW_PATH,
    WindowOptions,
    WindowResult,
)
from dragoman_runtime.http_service import serve
from dragoman_runtime.process import Drain
from dragoman_whisper.app import create_app
from dragoman_whisper.batcher import Batcher
from dragoman_whisper.settings import WhisperSettings

from .engines import LIMIT_S, HeldEngine


@contextlib.asynccontextmanager
async def serving(
    engine: HeldEngine, drain: Drain | None = None, **values
) -> AsyncIterator[tuple[httpx.AsyncClient, FastAPI]]:
    drain = drain or Drain()
    bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    settings = WhisperSettings(**{"profile": "mock", "batch_max": 1, **values})
    app = create_app(settings, drain=drain, engine=engine)
    task = asyncio.create_task(serve(app, "127.0.0.1", 0, drain, on_bound=bound.set_result))
    async with httpx.AsyncClient(base_url=await bound, timeout=LIMIT_S) as http:
        await app.state.service.wait_loaded()
        try:
            yield http, app
        finally:
            engine.gate.set()
            drain.start()
            await task


async def ask(http: httpx.AsyncClient, content: int, **options) -> httpx.Response:
    headers = {
        "content-type": "Audio/L16; rate=16000",
        WINDOW_HEADER: WindowOptions(**options).to_header(),
    }
    return await http.post(WINDOW_PATH, content=content.to_bytes(2, "little"), headers=headers)


def waiting(batcher: Batcher) -> list[asyncio.Future[WindowResult]]:
    lanes = batcher._queue._lanes.values()
    return [item.answer for lane in lanes for items in lane.sessions.values() for item in items]


async def test_a_client_that_hangs_up_takes_its_window_back(eventually) -> None:
    engine = HeldEngine()
    engine.gate.clear()
    async with serving(engine) as (http, app):
        batcher = app.state.service.batcher
        held = asyncio.create_task(ask(http, 1))
        await eventually(lambda: engine.batches == [[1]])
        gone = asyncio.create_task(ask(http, 2))
        await eventually(lambda: len(waiting(batcher)) == 1)
        kept = asyncio.create_task(ask(http, 3))
        await eventually(lambda: len(waiting(batcher)) == 2)
        gone.cancel()
        await eventually(lambda: [answer.cancelled() for answer in waiting(batcher)] == [True, False])
        engine.gate.set()
        assert (await kept).json()["text"] == "3"
        assert (await held).json()["text"] == "1"
    assert engine.batches == [[1], [3]]


async def test_a_full_queue_answers_503_with_retry_after(eventually) -> None:
    engine = HeldEngine()
    engine.gate.clear()
    async with serving(engine, queue_max=1) as (http, app):
        held = asyncio.create_task(ask(http, 1))
        await eventually(lambda: engine.batches == [[1]])
        waits = asyncio.create_task(ask(http, 2))
        await eventually(lambda: len(waiting(app.state.service.batcher)) == 1)
        answer = await ask(http, 3)
        assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        assert int(answer.headers["retry-after"]) >= 1
        engine.gate.set()
        assert [(await one).json()["text"] for one in (held, waits)] == ["1", "2"]
        assert (await ask(http, 4)).json()["text"] == "4"


async def test_the_drain_finishes_what_was_asked(eventually) -> None:
    engine = HeldEngine()
    engine.gate.clear()
    drain = Drain()
    async with serving(engine, drain) as (http, _):
        held = asyncio.create_task(ask(http, 1))
        await eventually(lambda: engine.batches == [[1]])
        drain.start()
        engine.gate.set()
        assert (await held).json()["text"] == "1"
    assert engine.closed == 1


async def test_an_engine_error_is_a_problem_without_its_text() -> None:
    engine = HeldEngine(poison=5)
    async with serving(engine) as (http, _):
        answer = await ask(http, 5)
        assert (answer.status_code, answer.json()["code"]) == (500, "decode_failed")
        assert "secret" not in answer.text
        assert (await ask(http, 6)).json()["text"] == "6"


async def test_a_body_without_a_length_is_bounded(eventually) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield bytes(50_000)

    async with serving(HeldEngine()) as (http, _):
        headers = {"content-type": WINDOW_MEDIA_TYPE}
        answer = await http.post(WINDOW_PATH, content=endless(), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "window_too_long")


async def test_a_client_that_leaves_while_sending_is_no_error(log_lines: list[str], eventually) -> None:
    async with serving(HeldEngine()) as (http, _):
        host, port = http.base_url.host, http.base_url.port
        _, writer = await asyncio.open_connection(host, port)
        head = f"POST {WINDOW_PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: {WINDOW_MEDIA_TYPE}\r\n"
        writer.write(f"{head}content-length: 1000\r\n\r\n".encode() + bytes(10))
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert (await ask(http, 1)).json()["text"] == "1"
    assert not [line for line in log_lines if line.startswith("ERROR")]


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_other_methods_are_told(method: str) -> None:
    async with serving(HeldEngine()) as (http, _):
        answer = await http.request(method, WINDOW_PATH)
        assert (answer.status_code, answer.json()["code"]) == (405, "http_error")
