"""The HTTP face: health, metrics, problem details that echo nothing, and the server on a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from dragoman_contracts.errors import DragomanError, NotFound, Overloaded, Unauthenticated
from dragoman_runtime import http_service
from dragoman_runtime.http_service import (
    StartFailed,
    create_http_app,
    serve,
    worker_face,
)
from dragoman_runtime.ports import AddressTaken, bind_socket
from dragoman_runtime.process import Drain, Health
from dragoman_runtime.settings import RuntimeSettings
from dragoman_runtime.telemetry import setup_telemetry

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Body(BaseModel):
    count: int


@pytest.fixture
def app() -> FastAPI:
    app = create_http_app("test", Health("test"))
    errors = {"missing": NotFound("no such"), "busy": Overloaded("full"), "who": Unauthenticated("no key")}

    @app.get("/raise/{what}")
    async def raise_it(what: str) -> None:
        raise errors.get(what) or ValueError("hunter2")

    @app.post("/count")
    async def count(body: Body) -> int:
        return body.count

    @app.get("/half")
    async def half() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"one"
            raise ValueError("half way")

        return StreamingResponse(parts())

    @app.websocket("/ws")
    async def ws(socket: WebSocket) -> None:
        await socket.accept()
        raise ValueError("broken")

    return app


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


@pytest.mark.parametrize(
    ("what", "status", "header"),
    [("missing", 404, None), ("busy", 503, "retry-after"), ("who", 401, "www-authenticate")],
)
async def test_errors_are_problem_details(
    http: httpx.AsyncClient, what: str, status: int, header: str | None
) -> None:
    setup_telemetry("test", RuntimeSettings())
    answer = await http.get(f"/raise/{what}", headers={"traceparent": TRACEPARENT})
    body = answer.json()
    assert (answer.status_code, body["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["type"] == f"urn:dragoman:error:{body['code']}"
    assert body["instance"] == f"/raise/{what}"
    assert body["trace_id"] == TRACEPARENT.split("-")[1]
    assert body["title"]
    assert body["detail"]
    assert body["remedy"]
    assert header is None or header in answer.headers


async def test_an_invalid_body_is_told_by_place_and_not_echoed(http: httpx.AsyncClient) -> None:
    answer = await http.post("/count", json={"count": "hunter2"})
    assert answer.status_code == 422
    assert [error["location"] for error in answer.json()["errors"]] == ["body.count"]
    assert "hunter2" not in answer.text
    assert (await http.post("/count", json={"count": 3})).json() == 3


async def test_unknown_routes_and_methods_are_problems(http: httpx.AsyncClient) -> None:
    missing, method = await http.get("/nothing"), await http.get("/count")
    assert (missing.status_code, missing.json()["code"]) == (404, "http_error")
    assert (method.status_code, method.headers["allow"]) == (405, "POST")


async def test_an_unforeseen_error_tells_the_caller_nothing(
    http: httpx.AsyncClient, log_lines: list[str]
) -> None:
    answer = await http.get("/raise/other")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert answer.json()["title"] == "An error that nobody foresaw."
    assert "hunter2" not in answer.text
    assert any("GET /raise/other failed" in line for line in log_lines)


async def test_an_error_after_the_head_ends_the_answer(http: httpx.AsyncClient, log_lines: list[str]) -> None:
    with pytest.raises((ValueError, ExceptionGroup)):
        await http.get("/half")
    assert any("GET /half failed" in line for line in log_lines)


async def test_an_error_in_a_websocket_is_logged(app: FastAPI, log_lines: list[str]) -> None:
    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: object) -> None:
        del message

    scope = {"type": "websocket", "path": "/ws", "headers": [], "query_string": b"", "subprotocols": []}
    with pytest.raises(ValueError, match="broken"):
        await app(scope, receive, send)
    assert any("WEBSOCKET /ws failed" in line for line in log_lines)


async def test_foreign_errors_are_passed_on() -> None:
    scope = {"type": "http", "path": "/", "headers": [], "query_string": b"", "server": ("h", 1)}
    request = Request(scope)
    for handler in (
        http_service._on_dragoman_error,
        http_service._on_validation_error,
        http_service._on_http_exception,
    ):
        with pytest.raises(KeyError):
            await handler(request, KeyError("x"))


async def test_health_ready_and_metrics() -> None:
    health = Health("test")
    health.not_ready("model", "loading")
    transport = httpx.ASGITransport(create_http_app("faces", health))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        assert (await http.get("/health")).json() == {"status": "ok", "service": "test", "parts": {}}
        ready = await http.get("/ready")
        assert (ready.status_code, ready.json()["parts"]) == (503, {"model": "loading"})
        await http.get("/secret-id")
        metrics = (await http.get("/metrics")).text
    assert 'service="faces",status="404"' in metrics
    assert "secret-id" not in metrics
    assert 'route="/ready",service="faces"' not in metrics


async def test_serve_finishes_what_is_under_way_after_the_drain() -> None:
    drain, entered, go_on = Drain(), asyncio.Event(), asyncio.Event()
    app = create_http_app("test", Health("test", drain=drain))

    @app.get("/slow")
    async def slow() -> str:
        entered.set()
        await go_on.wait()
        return "done"

    async def before_close() -> None:
        go_on.set()

    bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        serve(app, "127.0.0.1", 0, drain, on_bound=bound.set_result, before_close=before_close)
    )
    async with httpx.AsyncClient(base_url=await bound) as http:
        asking = asyncio.create_task(http.get("/slow"))
        await entered.wait()
        drain.start()
        assert (await asking).json() == "done"
        await serving
        with pytest.raises(httpx.ConnectError):
            await http.get("/health")


async def test_a_cancelled_server_closes_its_socket() -> None:
    bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    app = create_http_app("test", Health("test"))
    serving = asyncio.create_task(serve(app, "127.0.0.1", 0, Drain(), on_bound=bound.set_result))
    port = int((await bound).rpartition(":")[2])
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    bind_socket("127.0.0.1", port).close()


async def test_a_failed_start_is_an_error_and_no_quiet_end() -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        raise DragomanError("no model")
        yield

    app = create_http_app("test", Health("test"), lifespan=lifespan)
    with pytest.raises(StartFailed):
        await serve(app, "127.0.0.1", 0, Drain())


async def test_a_service_without_websockets_and_without_callbacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    drain = Drain()
    started = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "lifespan"
        await receive()
        await send({"type": "lifespan.startup.complete"})
        started.set()
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    serving = asyncio.create_task(serve(app, "127.0.0.1", 0, drain))
    await started.wait()
    drain.start()
    await serving


async def test_a_workers_face_stays_up_while_it_drains() -> None:
    drain = Drain()
    async with worker_face(Health("worker", drain=drain), RuntimeSettings()) as url:
        drain.start("SIGTERM")
        async with httpx.AsyncClient(base_url=url) as http:
            ready = await http.get("/ready")
            assert (await http.get("/health")).status_code == 200
            assert (await http.get("/docs")).status_code == 404
            # The second face on the same port cannot be had.
            with pytest.raises(AddressTaken):
                async with worker_face(
                    Health("other"), RuntimeSettings(metrics_port=http.base_url.port or 0)
                ):
                    pass
    assert (ready.status_code, ready.json()["parts"]) == (503, {"process": "draining: SIGTERM"})
