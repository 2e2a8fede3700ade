"""How spans, log lines and metrics leave a process: OTLP/HTTP, in batches, from threads of their own.

The sampler is parent-based: who begins a trace decides for all processes behind it. A receiver that is away
costs what waits for it, within bounds, and never holds anybody up.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from opentelemetry import context as otel_context
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context, create_key
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_ON,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes

from dragoman_runtime.settings import RuntimeSettings
from dragoman_runtime.telemetry_metrics import MetricsExport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loguru import Message

EXPORT_TIMEOUT_S = 3
SHUTDOWN_S = 4.0
CHOSEN = create_key("dragoman-chosen")
"""In a context: the trace that begins here was chosen already."""

_OWN_LOGGERS = ("opentelemetry", "urllib3", "requests")
"""What tells of failing exports must not be exported: each failure would make the next."""
_SEVERITIES = {
    "TRACE": SeverityNumber.TRACE,
    "DEBUG": SeverityNumber.DEBUG,
    "INFO": SeverityNumber.INFO,
    "SUCCESS": SeverityNumber.INFO2,
    "WARNING": SeverityNumber.WARN,
    "ERROR": SeverityNumber.ERROR,
    "CRITICAL": SeverityNumber.FATAL,
}

Mask = Callable[[str], str]


class _RootSampler(Sampler):
    """Of traces that begin here those that were chosen, and this share of the others."""

    def __init__(self, ratio: float) -> None:
        self._others = TraceIdRatioBased(ratio)

    def should_sample(  # noqa: PLR0917  # OpenTelemetry's own signature
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Decide about a root span."""
        chosen = otel_context.get_value(CHOSEN, parent_context)
        sampler = ALWAYS_ON if chosen else self._others
        return sampler.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """For OpenTelemetry's own messages."""
        return f"dragoman({self._others.get_description()})"


def make_sampler(ratio: float) -> Sampler:
    """The sampler of a process: parent-based, with this share of the traces that begin here."""
    return ParentBased(root=_RootSampler(ratio))


class OtlpExport:
    """The exporters of a process.

    Args:
        settings: endpoint and intervals.
        resource: what this process calls itself.
        provider: whose spans are sent.
        mask: takes credentials out of a text.

    """

    def __init__(
        self, settings: RuntimeSettings, resource: Resource, provider: TracerProvider, mask: Mask
    ) -> None:
        base = settings.otlp_endpoint
        self._mask = mask
        self._provider = provider
        provider.add_span_processor(
            BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{base}/v1/traces", timeout=EXPORT_TIMEOUT_S))
        )
        self._logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self._logs.add_log_record_processor(
            BatchLogRecordProcessor(OTLPLogExporter(endpoint=f"{base}/v1/logs", timeout=EXPORT_TIMEOUT_S))
        )
        self._logger = self._logs.get_logger("dragoman")
        exporter = OTLPMetricExporter(endpoint=f"{base}/v1/metrics", timeout=EXPORT_TIMEOUT_S)
        self._metrics = MetricsExport(exporter, resource, settings.otlp_metrics_interval_s)

    def shutdown(self) -> None:
        """Send what waits, all three at once, for ``SHUTDOWN_S`` at most: a receiver may be away."""
        ends = (self._provider.shutdown, self._logs.shutdown, self._metrics.shutdown)
        threads = [threading.Thread(target=end, name="otlp-end", daemon=True) for end in ends]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + SHUTDOWN_S
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def log(self, message: Message) -> None:
        """A sink for loguru: the line as it goes to stderr, masked like there, with its trace."""
        record = message.record
        if (record["name"] or "").startswith(_OWN_LOGGERS):
            return
        within = get_current_span().get_span_context()
        # A line may be bound to another trace than the one that it is written in: that of its session.
        trace_id = int(record["extra"].get("trace_id") or "0", 16) or within.trace_id
        nanoseconds = int(record["time"].timestamp() * 1e9)
        self._logger.emit(
            LogRecord(
                timestamp=nanoseconds,
                observed_timestamp=nanoseconds,
                trace_id=trace_id,
                span_id=within.span_id if within.trace_id == trace_id else None,
                trace_flags=within.trace_flags,
                severity_text=record["level"].name,
                severity_number=_SEVERITIES.get(record["level"].name, SeverityNumber.INFO),
                body=self._mask(record["message"]),
                attributes={**self._bound(record["extra"]), **self._error(message)},
            )
        )

    def _bound(self, extra: Mapping[str, object]) -> dict[str, str | int | float | bool]:
        """What is bound to the line; the session under the name that OpenTelemetry gives it."""
        shown: dict[str, str | int | float | bool] = {}
        for key, value in extra.items():
            if key in {"trace_id", "service"} or key[0] == "_" or value in ("", None):
                continue
            name = "session.id" if key == "session_id" else key
            shown[name] = value if isinstance(value, bool | int | float) else self._mask(str(value))
        return shown

    def _error(self, message: Message) -> dict[str, str]:
        record = message.record
        place = {"code.function.name": f"{record['name']}:{record['line']}"}
        error = record["exception"]
        if error is None or error.value is None:
            return place
        lines = "".join(traceback.format_exception(error.value))
        return place | {
            "exception.type": type(error.value).__name__,
            "exception.stacktrace": self._mask(lines),
        }
