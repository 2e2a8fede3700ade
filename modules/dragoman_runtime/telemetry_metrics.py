"""The metrics of ``/metrics``, sent by OTLP: what Prometheus would read, under the same names.

There is one set of metrics, Prometheus' own registry; here it is read every few seconds and put into OTLP's
terms (https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/). Where a Prometheus
or a collector scrapes, this is not needed and the interval can be 0.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.samples import Sample

_UNITS = {"seconds": "s", "bytes": "By", "ratio": "1"}
_SCOPE = InstrumentationScope("dragoman")
_STOP_S = 5.0

Labels = tuple[tuple[str, str], ...]


class MetricsExport:
    """Sends the registry every ``interval_s`` from its own thread, and once more at the end; 0: never."""

    def __init__(self, exporter: OTLPMetricExporter, resource: Resource, interval_s: float) -> None:
        self._exporter = exporter
        self._resource = resource
        self._interval_s = interval_s
        self._started_ns = time.time_ns()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="otlp-metrics", daemon=True)
        if interval_s > 0:
            self._thread.start()

    def shutdown(self) -> None:
        """Send the last figures and end; blocks for a few seconds at most."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)
        self._exporter.shutdown()

    def _run(self) -> None:
        ended = False
        while not ended:
            ended = self._end.wait(self._interval_s)
            # A receiver that is away is told of by the exporter itself; the next figures hold all of these.
            self._exporter.export(to_otlp(REGISTRY, self._resource, self._started_ns))


def to_otlp(registry: CollectorRegistry, resource: Resource, started_ns: int) -> MetricsData:
    """All of a registry's metrics as OTLP's data; cumulative since ``started_ns`` (unix time)."""
    now_ns = time.time_ns()
    metrics = [
        metric for family in registry.collect() if (metric := _metric(family, started_ns, now_ns)) is not None
    ]
    scope = ScopeMetrics(scope=_SCOPE, metrics=metrics, schema_url="")
    return MetricsData([ResourceMetrics(resource=resource, scope_metrics=[scope], schema_url="")])


def _metric(family: Family, started_ns: int, now_ns: int) -> Metric | None:
    """One family; None for one without series."""
    times = (started_ns, now_ns)
    if family.type == "histogram":
        points = _histogram_points(family, *times)
        data: Any = Histogram(points, AggregationTemporality.CUMULATIVE)
        return Metric(family.name, family.documentation, _unit(family.name), data) if points else None
    is_counter = family.type == "counter"
    # A family's own name has no _total, its series have: as Prometheus would call it.
    name = f"{family.name}_total" if is_counter else family.name
    numbers = _number_points([sample for sample in family.samples if sample.name == name], *times)
    if not numbers:
        return None
    data = (
        Sum(numbers, AggregationTemporality.CUMULATIVE, is_monotonic=True) if is_counter else Gauge(numbers)
    )
    return Metric(name, family.documentation, _unit(family.name), data)


def _number_points(samples: Iterable[Sample], started_ns: int, now_ns: int) -> list[NumberDataPoint]:
    return [NumberDataPoint(dict(one.labels), started_ns, now_ns, one.value) for one in samples]


def _histogram_points(family: Family, started_ns: int, now_ns: int) -> list[HistogramDataPoint]:
    """Prometheus counts up to each bound, OTLP between two of them."""
    series: dict[Labels, dict[str, Any]] = {}
    for sample in family.samples:
        labels = tuple(sorted((key, value) for key, value in sample.labels.items() if key != "le"))
        found = series.setdefault(labels, {"bounds": [], "sum": 0.0})
        if sample.name.endswith("_bucket"):
            found["bounds"].append((float(sample.labels["le"]), int(sample.value)))
        elif sample.name.endswith("_sum"):
            found["sum"] = sample.value
    return [_histogram_point(labels, found, started_ns, now_ns) for labels, found in series.items()]


def _histogram_point(
    labels: Labels, found: dict[str, Any], started_ns: int, now_ns: int
) -> HistogramDataPoint:
    bounds = sorted(found["bounds"])
    upto = [count for _, count in bounds]
    between = [count - before for count, before in zip(upto, [0, *upto], strict=False)]
    return HistogramDataPoint(
        attributes=dict(labels),
        start_time_unix_nano=started_ns,
        time_unix_nano=now_ns,
        count=upto[-1],
        sum=found["sum"],
        bucket_counts=between,
        explicit_bounds=[bound for bound, _ in bounds[:-1]],
        min=None,  # type: ignore[arg-type]  # not known, and OTLP does without
        max=None,  # type: ignore[arg-type]
    )


def _unit(name: str) -> str:
    return _UNITS.get(name.rpartition("_")[2], "")
