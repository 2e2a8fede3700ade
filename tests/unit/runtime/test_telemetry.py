"""Logs and traces: both faces, the trace id in each line, masks, and what reaches a collector."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from loguru import logger
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from dragoman_runtime import telemetry
from dragoman_runtime.settings import RuntimeSettings
from dragoman_runtime.telemetry import current_trace_id, current_traceparent, mask, setup_telemetry, span_from

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE_ID = PARENT.split("-")[1]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def out() -> io.StringIO:
    stream = io.StringIO()
    setup_telemetry("test", RuntimeSettings(), stream=stream)
    return stream


@pytest.fixture
def collector() -> Iterator[tuple[str, list[tuple[str, ExportTraceServiceRequest]]]]:
    """An OTLP/HTTP receiver: its URL, and what it got."""
    got: list[tuple[str, ExportTraceServiceRequest]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((self.path, ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    thread.join()
    server.server_close()


def test_json_lines_carry_service_trace_and_what_is_bound(out: io.StringIO) -> None:
    with span_from(PARENT, "work"):
        logger.bind(session="s1", place=object).info("two\nlines")
    logger.info("outside")
    inside, outside = map(json.loads, out.getvalue().splitlines())
    assert inside["message"] == "two\nlines"
    assert (inside["level"], inside["service"], inside["session"]) == ("INFO", "test", "s1")
    assert inside["trace_id"] == TRACE_ID
    assert "trace_id" not in outside


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()])
def test_pretty_lines_carry_the_trace_and_masked_tracebacks(stream: io.StringIO) -> None:
    form = "auto" if stream.isatty() else "pretty"
    setup_telemetry("test", RuntimeSettings(log_format=form), stream=stream)
    with span_from(PARENT, "work"):
        logger.bind(session="s1").info("hello")
    try:
        raise ValueError("redis://:hunter2@h")
    except ValueError:
        logger.exception("broke")
    text = stream.getvalue()
    assert "hello" in text
    assert "session=s1" in text
    assert f"trace_id={TRACE_ID}" in text
    assert "ValueError: redis://***@h" in text.replace("\x1b[0m", "").replace("\x1b[1m", "").replace(
        "\x1b[31m", ""
    )
    assert "hunter2" not in text
    assert ("\x1b[" in text) == stream.isatty()


def test_stdlib_logging_is_led_here_under_its_own_place(out: io.StringIO) -> None:
    logging.getLogger("foreign").warning("at %s", "redis://u:hunter2@h")
    logging.getLogger("foreign").log(35, "odd level {}")
    logging.getLogger("httpx").info("GET /secret")
    first, second = map(json.loads, out.getvalue().splitlines())
    assert (first["level"], first["message"]) == ("WARNING", "at redis://***@h")
    assert "test_telemetry" in first["logger"]
    assert (second["level"], second["message"]) == ("Level 35", "odd level {}")


def test_json_masks_messages_bound_values_and_tracebacks(out: io.StringIO) -> None:
    try:
        raise ValueError("Bearer hunter2")
    except ValueError:
        logger.bind(url="redis://u:hunter2@h").exception("to https://u:hunter2@h")
    line = json.loads(out.getvalue())
    assert line["error"] == "ValueError"
    assert "Bearer ***" in line["traceback"]
    assert (line["url"], line["message"]) == ("redis://***@h", "to https://***@h")
    assert "hunter2" not in out.getvalue()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("redis://:p@ss@h:1/0", "redis://***@h:1/0"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("dragoman.bearer.abc", "dragoman.bearer.***"),
        ("http://h/a mail@b", "http://h/a mail@b"),
    ],
)
def test_mask(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_a_public_url_has_neither_user_nor_query() -> None:
    assert telemetry.public_url("https://u:p@h:1/a?key=b") == "https://h:1/a"


def test_spans_reach_the_collector_without_the_text_of_errors(
    collector: tuple[str, list[tuple[str, ExportTraceServiceRequest]]],
) -> None:
    url, got = collector
    setup_telemetry("test", RuntimeSettings(otlp_endpoint=url), stream=io.StringIO())
    with pytest.raises(ValueError, match="hunter2"), span_from(PARENT, "work", n=1):
        raise ValueError("hunter2")
    telemetry.shutdown_telemetry()
    [(path, request)] = [one for one in got if one[0].endswith("traces")]
    resource = request.resource_spans[0]
    [span] = resource.scope_spans[0].spans
    assert path == "/v1/traces"
    assert (span.name, span.trace_id.hex(), span.parent_span_id.hex()) == (
        "work",
        TRACE_ID,
        PARENT.split("-")[2],
    )
    assert (span.status.code, span.status.message) == (2, "ValueError")
    assert "dragoman-test" in str(resource.resource)
    assert "hunter2" not in str(request)


def test_without_endpoint_nothing_is_sent_but_ids_exist(
    collector: tuple[str, list[tuple[str, ExportTraceServiceRequest]]], out: io.StringIO
) -> None:
    del out
    with span_from("broken", "work"):
        assert current_traceparent().split("-")[1] == current_trace_id() != ""
    telemetry.shutdown_telemetry()
    assert collector[1] == []


def test_before_setup_spans_record_nothing() -> None:
    with span_from("", "work"):
        assert current_traceparent() == ""
        assert current_trace_id() == ""
