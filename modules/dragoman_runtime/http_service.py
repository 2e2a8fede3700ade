"""The HTTP face that all services share: health, metrics, problem details, traces, and the server itself.

Errors are problem details (RFC 9457): ``type, title, status, detail, code, remedy, instance, trace_id``. They
never echo what the caller sent, for that may be a key or a transcript.
"""

from __future__ import annotations

import asyncio
import importlib.util
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from loguru import logger
from opentelemetry.trace import Span, SpanKind
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from dragoman_contracts.errors import DragomanError, InvalidInput, LimitExceeded, Unauthenticated, Unavailable
from dragoman_runtime.ports import bind_socket
from dragoman_runtime.process import Drain, Health, HealthReport
from dragoman_runtime.settings import RuntimeSettings
from dragoman_runtime.telemetry import current_trace_id, fail, span_from

PROBLEM_TYPE = "application/problem+json"
RETRY_AFTER_S = 1

_QUIET_PATHS = frozenset({"/health", "/ready", "/metrics"})
"""Asked every few seconds by machines: no span."""

REQUESTS = Counter(
    "dragoman_http_requests_total", "HTTP requests answered.", ["service", "method", "route", "status"]
)
REQUEST_SECONDS = Histogram(
    "dragoman_http_request_seconds",
    "Seconds from a request's head to the end of its answer.",
    ["service", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
TASKS = Gauge("dragoman_process_tasks", "asyncio tasks of this process: a leak shows as a slope.")
LOOP_LAG_SECONDS = Histogram(
    "dragoman_process_loop_lag_seconds",
    "How late the event loop of this process is: what saturates it shows here first.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
LOOP_LOOK_S = 0.5


class StartFailed(DragomanError):
    """The application's own start-up failed."""

    code = "start_failed"
    default_remedy = "The error before this line in the log tells the cause."


class ProblemError(BaseModel):
    """One wrong place in a request."""

    location: str = Field(examples=["body.language"])
    message: str = Field(examples=["Input should be a valid string"])


class Problem(BaseModel):
    """Problem details of RFC 9457, with a code, a remedy and the trace id."""

    type: str = Field(description="URN of the kind of problem.", examples=["urn:dragoman:error:not_found"])
    title: str = Field(examples=["No such thing."])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no session 4f0c."])
    code: str = Field(examples=["not_found"])
    remedy: str = Field(description="What the caller can do about it.")
    instance: str = Field(description="Path of the request.", examples=["/v1/sessions/4f0c"])
    trace_id: str = Field(description="Finds the request in logs and traces.")
    errors: list[ProblemError] | None = Field(None, description="The wrong places of an invalid request.")


_SCHEMA_REFERENCE = "#/components/schemas/{model}"
PROBLEM_CONTENT: dict[str, Any] = {
    PROBLEM_TYPE: {"schema": {"$ref": _SCHEMA_REFERENCE.format(model=Problem.__name__)}}
}
"""For ``content`` of a response in FastAPI's ``responses=``; applications of ``create_http_app`` have the
schema among their components."""

PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {"description": "Problem details (RFC 9457)", "content": PROBLEM_CONTENT}
}
"""For ``responses=`` of FastAPI: what every route answers when it fails."""


class _ServiceApp(FastAPI):
    """An application whose OpenAPI document has the problem among its components."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            _, problem = models_json_schema([(Problem, "serialization")], ref_template=_SCHEMA_REFERENCE)
            schemas = super().openapi().setdefault("components", {}).setdefault("schemas", {})
            schemas.update(problem["$defs"])
        return super().openapi()


def create_http_app(
    name: str,
    health: Health,
    *,
    title: str = "",
    version: str = "0.1.0",
    description: str = "",
    lifespan: Lifespan[FastAPI] | None = None,
    **options: Any,
) -> FastAPI:
    """An application with ``/health``, ``/ready``, ``/metrics``, problem details and a span a request.

    ``name`` is the service's name in metrics and traces; ``options`` go to ``FastAPI``.
    """
    app = _ServiceApp(
        title=title or f"Dragoman {name}",
        version=version,
        description=description,
        lifespan=lifespan,
        responses=PROBLEM_RESPONSES,
        **options,
    )
    app.add_middleware(_Observed, service=name)
    app.add_exception_handler(DragomanError, _on_dragoman_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    _add_health_routes(app, health)
    return app


def _add_health_routes(app: FastAPI, health: Health) -> None:
    @app.get("/health", tags=["system"], summary="Whether the process lives")
    async def get_health() -> Response:
        """200 while a restart would not help, else 503."""
        return _health_response(health.service, await health.alive())

    @app.get("/ready", tags=["system"], summary="Whether the process can take work")
    async def get_ready() -> Response:
        """200 when every part works, else 503 with the reason for each part that does not."""
        return _health_response(health.service, await health.ready_report())

    @app.get("/metrics", tags=["system"], summary="Prometheus metrics", response_class=Response)
    async def get_metrics() -> Response:
        """Metrics in Prometheus' text format."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _health_response(service: str, report: HealthReport) -> Response:
    body = {"status": "ok" if report.ok else "unavailable", "service": service, "parts": report.parts}
    return JSONResponse(body, status_code=200 if report.ok else 503, headers={"cache-control": "no-store"})


# --- problem details ------------------------------------------------------------------------------------


def problem_response(
    error: DragomanError,
    path: str,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    errors: list[ProblemError] | None = None,
) -> JSONResponse:
    """The answer that tells ``error`` to the caller of ``path``."""
    problem = Problem(
        type=f"urn:dragoman:error:{error.code}",
        title=(type(error).__doc__ or error.code).strip().splitlines()[0],
        status=status or error.http_status,
        detail=error.message,
        code=error.code,
        remedy=error.remedy,
        instance=path,
        trace_id=current_trace_id(),
        errors=errors,
    )
    extra = dict(headers or {})
    if isinstance(error, (Unavailable, LimitExceeded)):
        extra.setdefault("retry-after", str(RETRY_AFTER_S))
    if isinstance(error, Unauthenticated):
        extra.setdefault("www-authenticate", "Bearer")
    return JSONResponse(
        problem.model_dump(exclude_none=True), problem.status, headers=extra, media_type=PROBLEM_TYPE
    )


async def _on_dragoman_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, DragomanError):
        raise error
    return problem_response(error, request.url.path)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    places = [
        # "input" and "ctx" of pydantic's details hold what the caller sent: left out.
        ProblemError(location=".".join(str(part) for part in detail["loc"]), message=str(detail["msg"]))
        for detail in error.errors()
    ]
    what = "; ".join(f"{place.location}: {place.message}" for place in places[:3])
    return problem_response(
        InvalidInput(f"the request is not valid: {what}"), request.url.path, errors=places
    )


class _Unexpected(DragomanError):
    """An error that nobody foresaw."""


class _HttpProblem(DragomanError):
    """The request does not fit the API."""

    code = "http_error"
    default_remedy = "See /docs for the routes, their methods and their bodies."


async def _on_http_exception(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    problem = _HttpProblem(str(error.detail))
    return problem_response(problem, request.url.path, status=error.status_code, headers=error.headers)


class _Observed:
    """ASGI layer: a span and metrics for each request, and the last word on errors nobody handled.

    Plain ASGI, not Starlette's BaseHTTPMiddleware, which would buffer streamed bodies.
    """

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"} or scope["path"] in _QUIET_PATHS:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        method = scope.get("method", "WEBSOCKET")
        parent = headers.get(b"traceparent", b"").decode("ascii", "replace")
        with span_from(parent, method, kind=SpanKind.SERVER) as span:
            status = await self._answer(scope, receive, send)
            if span.is_recording():
                _describe(span, method, scope, status)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> int:
        status = 0
        started = time.perf_counter()

        async def watched_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except Exception:
            logger.exception("{} {} failed", scope.get("method", "WEBSOCKET"), scope["path"])
            if scope["type"] != "http" or status:
                raise
            error = _Unexpected("The service made a mistake.")
            await problem_response(error, scope["path"])(scope, receive, watched_send)
        self._count(scope, status, time.perf_counter() - started)
        return status

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        if scope["type"] == "http":
            # The route's pattern, never the path: ids would make a time series each.
            route = getattr(scope.get("route"), "path", "unmatched")
            REQUESTS.labels(self._service, scope["method"], route, str(status)).inc()
            REQUEST_SECONDS.labels(self._service, route).observe(seconds)


def _describe(span: Span, method: str, scope: Scope, status: int) -> None:
    """Name the span by its route: a path has ids in it, and would make a name each."""
    route = _route_of(scope)
    span.update_name(f"{method} {route}")
    span.set_attributes({"http.request.method": method, "http.route": route, "url.path": scope["path"]})
    if status:
        span.set_attribute("http.response.status_code", status)
    if status >= 500:
        fail(span, str(status))


def _route_of(scope: Scope) -> str:
    path = getattr(scope.get("route"), "path", None)
    if path is None:
        path = scope["path"]
        for name, value in scope.get("path_params", {}).items():
            path = path.replace(str(value), f"{{{name}}}")
    return str(path)


# --- the server -----------------------------------------------------------------------------------------


class _Server(uvicorn.Server):
    """uvicorn's server, with the signals left to ``run_process`` and its start told to whoever waits."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        with suppress(SystemExit):  # uvicorn's way to end; from a task it would tear down the event loop
            await super().startup(sockets)
        if not self.started:
            raise StartFailed("the application did not start")
        self.accepting.set()


async def serve(
    app: ASGIApp,
    host: str,
    port: int,
    drain: Drain,
    *,
    on_bound: Callable[[str], None] | None = None,
    before_close: Callable[[], Awaitable[None]] | None = None,
    grace_s: float = 5.0,
    **options: Any,
) -> None:
    """Serve ``app`` until the drain, then finish requests under way for at most ``grace_s`` seconds.

    Args:
        app: The ASGI application.
        host: Address to listen on.
        port: 0 takes a free one.
        drain: Ends the server.
        on_bound: Called with the base URL once the server accepts connections.
        before_close: Awaited after the drain began and before sockets are closed, so that an application can
            close its WebSockets with a code of its own.
        grace_s: Seconds for what is under way.
        options: Further options of ``uvicorn.Config``, such as ``ws_max_size`` in bytes.

    Raises:
        AddressTaken: the address is in use.
        StartFailed: the application's start-up failed.

    """
    listener = bind_socket(host, port)
    url = f"http://{host}:{listener.getsockname()[1]}"
    has_websockets = importlib.util.find_spec("websockets") is not None
    config = uvicorn.Config(
        app,
        # 15-20 % cheaper than the legacy implementation; a service without sockets needs no websockets wheel.
        ws="websockets-sansio" if has_websockets else "none",
        http="httptools",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(grace_s)),
        **options,
    )
    server = _Server(config)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    helpers = [
        asyncio.ensure_future(_announce(server, url, on_bound)),
        asyncio.ensure_future(_close_on_drain(server, drain, before_close)),
        asyncio.ensure_future(_watch_loop()),
    ]
    try:
        # Shielded: uvicorn must close its sockets even when this task is cancelled.
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.force_exit = server.should_exit = True
        await serving
        raise
    finally:
        for helper in helpers:
            helper.cancel()
        listener.close()


async def _announce(server: _Server, url: str, on_bound: Callable[[str], None] | None) -> None:
    await server.accepting.wait()
    logger.info("listening on {}", url)
    if on_bound is not None:
        on_bound(url)


async def _watch_loop() -> None:
    """Measure how late the event loop is, and how many tasks it has; until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LOOP_LOOK_S
        TASKS.set(len(asyncio.all_tasks()))
        await asyncio.sleep(LOOP_LOOK_S)
        LOOP_LAG_SECONDS.observe(max(0.0, loop.time() - due))


async def _close_on_drain(
    server: _Server, drain: Drain, before_close: Callable[[], Awaitable[None]] | None
) -> None:
    await drain.wait()
    try:
        if before_close is not None:
            await before_close()
    finally:
        server.should_exit = True


@asynccontextmanager
async def worker_face(health: Health, settings: RuntimeSettings) -> AsyncIterator[str]:
    """The small HTTP face of a process that serves nothing else: ``/health``, ``/ready``, ``/metrics``.

    It stays up while the worker drains (and says so on ``/ready``), and ends with the block. Yields its URL.

    Raises:
        AddressTaken: ``metrics_port`` is in use.

    """
    stop = Drain()
    bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    app = create_http_app(health.service, health, docs_url=None, redoc_url=None, openapi_url=None)
    task = asyncio.ensure_future(
        serve(app, settings.metrics_host, settings.metrics_port, stop, on_bound=bound.set_result, grace_s=1)
    )
    waiting: set[asyncio.Future[Any]] = {task, bound}
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    try:
        yield bound.result()
    finally:
        stop.start("the worker ended")
        await task
