"""Prometheus' registry in OTLP's terms."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from dragoman_runtime.telemetry_metrics import to_otlp


def exported(registry: CollectorRegistry) -> dict[str, Any]:
    [part] = to_otlp(registry, Resource.create({}), 1).resource_metrics
    return {metric.name: metric for metric in part.scope_metrics[0].metrics}


def test_a_counter_is_a_cumulative_sum_under_its_full_name() -> None:
    registry = CollectorRegistry()
    Counter("heard_seconds", "Audio.", ["kind"], registry=registry).labels("speech").inc(2.5)
    metric = exported(registry)["heard_seconds_total"]
    [point] = metric.data.data_points
    assert (point.value, dict(point.attributes)) == (2.5, {"kind": "speech"})
    assert (metric.data.is_monotonic, metric.description) == (True, "Audio.")


def test_a_gauge_is_a_gauge_and_seconds_are_its_unit() -> None:
    registry = CollectorRegistry()
    Gauge("lag_seconds", "Lag.", registry=registry).set(3)
    metric = exported(registry)["lag_seconds"]
    assert (metric.data.data_points[0].value, metric.unit) == (3, "s")


def test_a_histogram_counts_between_its_bounds() -> None:
    registry = CollectorRegistry()
    histogram = Histogram("late_seconds", "Late.", ["kind"], registry=registry, buckets=(1, 2, 4))
    for value in (0.5, 1.5, 1.6, 9):
        histogram.labels("final").observe(value)
    [point] = exported(registry)["late_seconds"].data.data_points
    assert list(point.explicit_bounds) == [1, 2, 4]
    assert list(point.bucket_counts) == [1, 2, 0, 1]
    assert (point.count, point.sum, dict(point.attributes)) == (4, 12.6, {"kind": "final"})


def test_what_has_no_series_is_left_out() -> None:
    registry = CollectorRegistry()
    Counter("events", "Events.", ["kind"], registry=registry)
    Histogram("late_seconds", "Late.", ["kind"], registry=registry)
    assert exported(registry) == {}
