"""Logs, traces and their meeting point: the trace id in each line.

Logs go to stderr through loguru, pretty on a terminal and one JSON object a line otherwise; the standard
library's logging is led there too. Traces follow W3C trace context (https://www.w3.org/TR/trace-context/).
Only when an endpoint is set, logs, traces and metrics leave by OTLP/HTTP (:mod:`telemetry_export`). No
secret, audio or transcript belongs in any of them; credentials that slip into a message are masked as a last
line of defence.
"""

from __future__ import annotations

import inspect
import logging
import random
import re
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urlsplit

import msgspec
from loguru import logger
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from dragoman_runtime.settings import RuntimeSettings
from dragoman_runtime.telemetry_export import CHOSEN, OtlpExport, make_sampler

if TYPE_CHECKING:
    from loguru import Message, Record

Attributes = Mapping[str, str | int | float | bool]

_SECRET = re.compile(
    r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^/\s]*@"  # user:password in a URL; a password may hold an @
    r"|(?P<bearer>\bbearer[ .:])\s*[\w.~+/=-]+",
    re.IGNORECASE,
)
_ODD_DIGITS = "13579bdf"
_NOISY = ("httpx", "httpcore", "uvicorn", "opentelemetry", "urllib3", "asyncio")


@dataclass(slots=True)
class _Traces:
    """The process's tracer provider; OpenTelemetry's own global one can be set only once."""

    provider: TracerProvider | None = None
    tracer: trace.Tracer = field(default_factory=trace.NoOpTracer)
    export: OtlpExport | None = None
    ratio: float = 0.0
    """Of frames whose way is traced; 0 where nothing is exported."""


_traces = _Traces()


def setup_telemetry(service: str, settings: RuntimeSettings, *, stream: TextIO | None = None) -> None:
    """Lead this process's logs to ``stream`` (stderr), and its traces to the OTLP endpoint if one is set.

    Calling it again replaces the set-up before.
    """
    out = stream or sys.stderr
    pretty = settings.log_format == "pretty" or (settings.log_format == "auto" and out.isatty())
    logger.remove()
    logger.configure(extra={"service": service}, patcher=_add_trace)
    logger.add(
        _PrettySink(out) if pretty else _JsonSink(out),
        level=settings.log_level,
        format=_pretty_format if pretty else "{message}",
        colorize=pretty and out.isatty(),
        # Diagnose prints the values of variables beside a traceback: keys, transcripts.
        diagnose=False,
        backtrace=False,
    )
    logging.basicConfig(handlers=[_ToLoguru()], level=logging.INFO, force=True)
    for name in _NOISY:
        # httpx logs each URL at INFO, uvicorn tells its start in five lines.
        logging.getLogger(name).setLevel(logging.WARNING)
    # It speaks up within the exporter's own queue, where nobody may log: its exporters tell the same trouble.
    logging.getLogger("opentelemetry.sdk._shared_internal").setLevel(logging.CRITICAL)
    # Each try of an export that fails in the end.
    logging.getLogger("opentelemetry.exporter").setLevel(logging.ERROR)
    shutdown_telemetry()
    resource = Resource.create({"service.name": f"dragoman-{service}", "service.namespace": "dragoman"})
    # Without an endpoint spans are made all the same: their ids tie log lines and problem details together.
    sampler = make_sampler(settings.trace_ratio)
    provider = TracerProvider(resource=resource, sampler=sampler, shutdown_on_exit=False)
    _traces.provider, _traces.tracer = provider, provider.get_tracer("dragoman")
    if settings.otlp_endpoint:
        _traces.export = OtlpExport(settings, resource, provider, mask)
        _traces.ratio = settings.trace_ratio
        logger.add(_traces.export.log, level=settings.log_level, format="{message}", diagnose=False)


def shutdown_telemetry() -> None:
    """Send what waits and stop the exporters; blocks for a few seconds at most."""
    provider, export = _traces.provider, _traces.export
    _traces.provider, _traces.tracer, _traces.export, _traces.ratio = None, trace.NoOpTracer(), None, 0.0
    if export is not None:
        export.shutdown()
    elif provider is not None:
        provider.shutdown()


def tracer() -> trace.Tracer:
    """The tracer of this process; before ``setup_telemetry`` one that records nothing."""
    return _traces.tracer


def is_chosen() -> bool:
    """Whether the way of one more frame is traced: a cheap draw, for a span that is not kept costs more than
    the frame itself."""
    return _traces.ratio > 0.0 and random.random() < _traces.ratio


def begin_chosen(
    name: str, *, kind: SpanKind, links: Sequence[str] = (), attributes: Attributes
) -> trace.Span:
    """The first span of a trace that is recorded for certain, because ``is_chosen`` said so; the caller ends
    it. ``links`` are traceparents that it belongs to."""
    context = otel_context.set_value(CHOSEN, True, Context())
    return _traces.tracer.start_span(
        name, context=context, kind=kind, links=_links(links), attributes=dict(attributes)
    )


def current_traceparent() -> str:
    """The W3C ``traceparent`` of the current span; empty outside of one."""
    return traceparent_of(trace.get_current_span())


def traceparent_of(span: trace.Span) -> str:
    """The W3C ``traceparent`` of a span; empty where there is none."""
    context = span.get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def is_sampled(traceparent: str) -> bool:
    """Whether the spans of this trace are recorded: the lowest of the flags, of which there may be more."""
    return traceparent[-1:] in _ODD_DIGITS and traceparent != ""


def current_trace_id() -> str:
    """The trace id of the current span as 32 hex digits; empty outside of one."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else ""


def context_of(traceparent: str) -> Context | None:
    """The context in which a span goes on with a trace; None, the current one, for an empty one."""
    return TraceContextTextMapPropagator().extract({"traceparent": traceparent}) if traceparent else None


def _links(traceparents: Sequence[str]) -> list[trace.Link]:
    contexts = [trace.get_current_span(context_of(one)).get_span_context() for one in traceparents if one]
    return [trace.Link(context) for context in contexts if context.is_valid]


@contextmanager
def span_from(
    traceparent: str,
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    links: Sequence[str] = (),
    attributes: Attributes | None = None,
    **more: str | int | float | bool,
) -> Iterator[trace.Span]:
    """A span that continues a trace from another process.

    A missing or broken ``traceparent`` starts a new trace. An exception marks the span as failed by its class
    alone: its text may hold what the caller sent.
    """
    with tracer().start_as_current_span(
        name,
        context=context_of(traceparent),
        kind=kind,
        links=_links(links),
        attributes={**(attributes or {}), **more},
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except Exception as error:
            fail(span, type(error).__name__)
            raise


def messaging(
    operation: str, stream: str, *, template: str = "", message_id: str = ""
) -> dict[str, str | int | float | bool]:
    """Attributes of a span about a stream, by OpenTelemetry's conventions for messaging; ``template`` names
    streams that there are many of."""
    attributes: dict[str, str | int | float | bool] = {
        "messaging.system": "redis",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": stream,
    }
    if template:
        attributes["messaging.destination.template"] = template
    if message_id:
        attributes["messaging.message.id"] = message_id
    return attributes


def fail(span: trace.Span, kind: str) -> None:
    """Mark a span as failed; ``kind`` is an error's class or code, never its text."""
    span.set_status(trace.StatusCode.ERROR, kind)
    span.set_attribute("error.type", kind)


@contextmanager
def following(traceparent: str) -> Iterator[None]:
    """What is asked of others belongs to this trace, though no span tells of it."""
    token = otel_context.attach(context_of(traceparent) or otel_context.get_current())
    try:
        yield
    finally:
        otel_context.detach(token)


def mask(text: str) -> str:
    """``text`` without credentials: the user part of URLs and what follows "bearer" become ``***``."""
    return _SECRET.sub(_mask_one, text)


def _mask_one(found: re.Match[str]) -> str:
    return f"{found['scheme']}***@" if found["scheme"] else f"{found['bearer']}***"


def public_url(url: str) -> str:
    """Scheme, host, port and path of a URL: what may be shown of it."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def _add_trace(record: Record) -> None:
    record["extra"].setdefault("trace_id", current_trace_id())
    record["message"] = mask(record["message"])


def _pretty_format(record: Record) -> str:
    bound = {key: value for key, value in record["extra"].items() if value and key != "service"}
    record["extra"]["_bound"] = " ".join(f"{key}={value}" for key, value in bound.items() if key[0] != "_")
    return (
        "<green>{time:HH:mm:ss.SSS}</green> <level>{level: <7}</level> <cyan>{extra[service]}</cyan> "
        "{message} <dim>{extra[_bound]}</dim>\n{exception}"
    )


class _PrettySink:
    """Writes formatted lines; a traceback's text is masked too."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __call__(self, message: Message) -> None:
        self._out.write(mask(str(message)))
        self._out.flush()


class _JsonSink:
    """Writes one JSON object a line: time, level, message, logger, and all that is bound."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __call__(self, message: Message) -> None:
        record = message.record
        line: dict[str, Any] = {
            "time": record["time"].isoformat(timespec="milliseconds"),
            "level": record["level"].name,
            "message": record["message"],
            "logger": f"{record['name']}:{record['line']}",
        }
        bound = {key: value for key, value in record["extra"].items() if value != ""}
        line |= {key: mask(value) if isinstance(value, str) else value for key, value in bound.items()}
        error = record["exception"]
        if error is not None and error.value is not None:
            line["error"] = type(error.value).__name__
            line["traceback"] = mask("".join(traceback.format_exception(error.value)))
        self._out.write(msgspec.json.encode(line, enc_hook=lambda value: mask(str(value))).decode() + "\n")
        self._out.flush()


class _ToLoguru(logging.Handler):
    """Hands the standard library's log records to loguru, under the place that made them."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level: str | int = logger.level(record.levelname).name
        except ValueError:
            level = record.levelno
        frame, depth = inspect.currentframe(), 0
        while frame and (depth == 0 or frame.f_code.co_filename == logging.__file__):
            frame, depth = frame.f_back, depth + 1
        logger.opt(depth=depth, exception=record.exc_info).log(level, "{}", record.getMessage())
