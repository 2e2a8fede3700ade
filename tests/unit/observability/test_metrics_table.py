"""The table of metrics in docs/observability.md is what the code registers, both ways."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from prometheus_client import REGISTRY, Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase

ROOT = Path(__file__).parents[3]
PACKAGES = (
    "dragoman_runtime",
    "dragoman_orchestration",
    "dragoman_whisper",
    "dragoman_translation",
    "dragoman_bots",
)
UNBOUNDED = {"session", "session_id", "id", "bot_id", "path", "url", "user", "key", "trace_id", "language"}
_ROW = re.compile(r"^\| `(dragoman_\w+)` \| (\w+) \| (\w*) ?\| ([\w, ]*?) ?\| (.+) \| (.+) \|$", re.MULTILINE)


class Row(NamedTuple):
    """A metric as the table tells it, or as the code does."""

    type: str
    unit: str
    labels: str
    meaning: str


def documented() -> dict[str, Row]:
    text = (ROOT / "docs" / "observability.md").read_text()
    return {name: Row(*rest) for name, *rest, _ in _ROW.findall(text)}


def registered() -> dict[str, Row]:
    for package in PACKAGES:
        folder = importlib.import_module(package).__path__
        for module in pkgutil.walk_packages(folder, f"{package}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    found = {}
    for metric in REGISTRY._names_to_collectors.values():
        if isinstance(metric, MetricWrapperBase) and metric._name.startswith("dragoman_"):
            counts = isinstance(metric, Counter)
            name = f"{metric._name}_total" if counts else metric._name
            unit = {"seconds": "s", "bytes": "byte"}.get(metric._name.rpartition("_")[2], "")
            kind = type(metric).__name__.lower()
            found[name] = Row(kind, unit, ", ".join(metric._labelnames), metric._documentation)
    return found


def test_the_table_is_what_the_code_registers() -> None:
    told, real = documented(), registered()
    assert sorted(told.keys() - real.keys()) == [], "documented, not there"
    assert sorted(real.keys() - told.keys()) == [], "there, not documented"
    assert told == real


def test_no_label_grows_with_use() -> None:
    labels = {name: set(row.labels.split(", ")) & UNBOUNDED for name, row in registered().items()}
    assert not {name: bad for name, bad in labels.items() if bad}


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("dragoman_audio_partial_seconds", 0.05, 5.0), ("dragoman_audio_final_seconds", 0.1, 10.0)],
)
def test_buckets_suit_captions(name: str, least: float, most: float) -> None:
    registered()
    histogram = REGISTRY._names_to_collectors[name]
    assert isinstance(histogram, Histogram)
    assert (histogram._upper_bounds[0], histogram._upper_bounds[-2]) == (least, most)


def test_the_objective_of_finals_is_a_bucket_of_its_own() -> None:
    registered()
    histogram = REGISTRY._names_to_collectors["dragoman_audio_final_seconds"]
    assert isinstance(histogram, Histogram)
    assert 2.0 in histogram._upper_bounds
