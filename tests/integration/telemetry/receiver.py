"""An OTLP/HTTP receiver: decodes what is exported to it, as a collector would."""

from __future__ import annotations

import gzip
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Span:
    """A span as it was exported."""

    service: str
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    start_ns: int
    end_ns: int
    error: bool
    attributes: dict[str, Any]
    links: list[str]


@dataclass(frozen=True)
class Line:
    """A log record as it was exported."""

    service: str
    body: str
    severity: str
    trace_id: str
    attributes: dict[str, Any]


@dataclass
class Received:
    """Everything that came in."""

    spans: list[Span] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    metrics: dict[str, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    """Service -> name -> the newest metric."""
    raw: list[bytes] = field(default_factory=list)

    def traces(self) -> dict[str, list[Span]]:
        found: dict[str, list[Span]] = defaultdict(list)
        for span in self.spans:
            found[span.trace_id].append(span)
        return found


def tree(spans: list[Span]) -> str:
    """A trace as text: each span below its parent, with its service, start and duration."""
    known = {span.span_id for span in spans}
    begin = min(span.start_ns for span in spans)
    lines: list[str] = []

    def add(span: Span, depth: int) -> None:
        at_ms, took_ms = (span.start_ns - begin) / 1e6, (span.end_ns - span.start_ns) / 1e6
        shown = f"{'  ' * depth}{span.name}"
        detail = span.attributes.get("dragoman.message.type") or span.attributes.get(
            "dragoman.window.quality", ""
        )
        lines.append(f"{shown:<58} {span.service:<21} +{at_ms:8.1f} ms {took_ms:8.1f} ms  {detail}")
        for child in sorted(spans, key=lambda one: one.start_ns):
            if child.parent_id == span.span_id:
                add(child, depth + 1)

    for span in sorted(spans, key=lambda one: one.start_ns):
        if span.parent_id not in known:
            add(span, 0)
    return "\n".join(lines)


def _plain(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value")) if value.WhichOneof("value") else None


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _plain(pair.value) for pair in pairs}


def _service(resource: Any) -> str:
    return str(_attributes(resource.attributes)["service.name"])


def _take_spans(received: Received, body: bytes) -> None:
    for part in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope in part.scope_spans:
            for span in scope.spans:
                received.spans.append(
                    Span(
                        _service(part.resource),
                        span.name,
                        span.kind,
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        span.start_time_unix_nano,
                        span.end_time_unix_nano,
                        span.status.code == 2,
                        _attributes(span.attributes),
                        [link.trace_id.hex() for link in span.links],
                    )
                )


def _take_lines(received: Received, body: bytes) -> None:
    for part in ExportLogsServiceRequest.FromString(body).resource_logs:
        for scope in part.scope_logs:
            for line in scope.log_records:
                received.lines.append(
                    Line(
                        _service(part.resource),
                        str(_plain(line.body)),
                        line.severity_text,
                        line.trace_id.hex(),
                        _attributes(line.attributes),
                    )
                )


def _take_metrics(received: Received, body: bytes) -> None:
    for part in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        for scope in part.scope_metrics:
            for metric in scope.metrics:
                received.metrics[_service(part.resource)][metric.name] = metric


_TAKERS = {"/v1/traces": _take_spans, "/v1/logs": _take_lines, "/v1/metrics": _take_metrics}


class Receiver:
    """Listens on a free loopback port while it is entered."""

    def __init__(self) -> None:
        self.received = received = Received()
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                with lock:
                    received.raw.append(body)
                    _TAKERS[self.path](received, body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
