"""What a small real system exports of one session: one trace from frame to viewer, logs, metrics; and that
every query of dashboards and alerts finds data in it."""

from __future__ import annotations

import asyncio
import math
import re
import shutil
import subprocess
import sys

import pytest

from .live import PROMETHEUS, ROOT, WORDS, Observed, observe
from .receiver import Span, tree

sys.path.insert(0, str(ROOT))

from observability import panels, rules

RATE_WINDOW = "1m"
FIRING = 'count(ALERTS{alertname=~"Dragoman.+"}) or vector(0)'
PROCESSES = {"api", "audio", "whisper", "translation", "config", "bots", "monitoring"}
OF_THE_TABLE = {
    "every one": PROCESSES,
    "API": {"api"},
    "API, workers": PROCESSES - {"whisper", "translation"},
    "API, audio worker": {"api", "audio"},
    "audio worker": {"audio"},
    "whisper": {"whisper"},
    "translation": {"translation"},
    "config worker": {"config"},
    "bots worker": {"bots"},
    "monitoring worker": {"monitoring"},
}
"""What the table's last column means."""
SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
AUDIO, RESULTS = "{shard}:{session}:audio", "{shard}:{session}:results"
WAY = [
    ("receive audio frame", "dragoman-api", SERVER),
    (f"send {AUDIO}", "dragoman-api", PRODUCER),
    (f"process {AUDIO}", "dragoman-audio-worker", CONSUMER),
    ("decode window", "dragoman-audio-worker", CLIENT),
    ("POST /v1/windows", "dragoman-whisper", SERVER),
    (f"send {RESULTS}", "dragoman-audio-worker", PRODUCER),
    (f"process {RESULTS}", "dragoman-api", CONSUMER),
    ("write to socket", "dragoman-api", PRODUCER),
    ("translate", "dragoman-audio-worker", CLIENT),
    ("POST /v1/translate", "dragoman-translation", SERVER),
]
NOT_HERE = {
    "dragoman_translation_failures_total": "no engine failed; its labels are those of engines and errors",
    "dragoman_translation_glossary_total": "the session has no glossary",
    "dragoman_webhook_attempt_seconds": "no webhook is registered",
    "dragoman_webhook_delivered_seconds": "no webhook is registered",
    "dragoman_webhook_failed_total": "no delivery was given up; its labels are those of reasons",
    "dragoman_webhook_disabled_total": "no endpoint was disabled; its labels are those of reasons",
    "dragoman_alert_messages_total": "no receiver of alerts is set",
}
"""Metrics whose queries may be without data in a healthy system, and why."""


def queries() -> list[str]:
    """Every query of dashboards and rules, ranges as short as this test's life."""
    shown = [
        query.expr
        for board in panels.BOARDS
        for _, row in board.rows
        for panel in row
        for query in panel.queries
    ]
    asked = [alert.query for alert in rules.all_alerts()]
    return [one.replace(panels.RATE, RATE_WINDOW) for one in [*shown, *asked, *rules.recordings().values()]]


@pytest.fixture(scope="module")
def observed() -> Observed:
    return asyncio.run(observe([*sorted(set(queries())), FIRING]))


def whole_way(observed: Observed) -> list[Span]:
    """The trace with the most of the way in it."""
    names = {name for name, _, _ in WAY}
    traces = observed.received.traces().values()
    return max(traces, key=lambda spans: (len(names & {span.name for span in spans}), len(spans)))


def test_one_trace_leads_from_the_frame_to_the_viewers_socket(observed: Observed) -> None:
    spans = whole_way(observed)
    found = {(span.name, span.service, span.kind) for span in spans}
    assert not set(WAY) - found, f"missing {set(WAY) - found} in\n{tree(spans)}"
    print(tree(spans))


def test_each_span_of_the_way_is_below_the_one_before(observed: Observed) -> None:
    spans = whole_way(observed)
    by_id = {span.span_id: span for span in spans}

    def above(span: Span) -> list[str]:
        parent = by_id.get(span.parent_id)
        return [] if parent is None else [parent.name, *above(parent)]

    ways = [above(span)[::-1] for span in spans if span.name == "write to socket"]
    audio = ["receive audio frame", f"send {AUDIO}", f"process {AUDIO}", "decode window"]
    results = [f"send {RESULTS}", f"process {RESULTS}"]
    assert [*audio, *results] in ways, tree(spans)
    assert [*audio, "translate", *results] in ways, tree(spans)


def test_spans_of_streams_follow_the_conventions_for_messaging(observed: Observed) -> None:
    for span in whole_way(observed):
        if span.kind in {PRODUCER, CONSUMER} and span.name != "write to socket":
            operation, template = span.name.split(" ", 1)
            shown = span.attributes
            assert shown["messaging.system"] == "redis"
            assert shown["messaging.operation.name"] == shown["messaging.operation.type"] == operation
            assert shown["messaging.destination.template"] == template
            assert observed.session_id in shown["messaging.destination.name"]
            assert shown["session.id"] == observed.session_id


def test_a_frames_trace_is_linked_to_its_connection(observed: Observed) -> None:
    spans = observed.received.spans
    sockets = {span.trace_id for span in spans if span.name == "WEBSOCKET /v1/sessions/{session_id}/audio"}
    frames = [span for span in spans if span.name == "receive audio frame"]
    assert len(frames) == len(observed.frames)
    assert {link for frame in frames for link in frame.links} == sockets
    assert len(sockets) == 1


def test_lines_carry_the_session_and_the_trace(observed: Observed) -> None:
    lines = [
        line for line in observed.received.lines if line.attributes.get("session.id") == observed.session_id
    ]
    services = {line.service for line in lines}
    assert {"dragoman-api", "dragoman-audio-worker"} <= services, sorted({line.body for line in lines})
    of_the_worker = [
        line for line in lines if line.service == "dragoman-audio-worker" and "ended: client" in line.body
    ]
    speaker = [line for line in lines if "speaker opened" in line.body]
    assert {line.trace_id for line in of_the_worker} == {line.trace_id for line in speaker}
    assert speaker[0].trace_id in observed.received.traces()


def test_metrics_arrive_as_prometheus_names_them(observed: Observed) -> None:
    metrics = observed.received.metrics
    frames = metrics["dragoman-api"]["dragoman_api_audio_frames_total"]
    assert frames.sum.is_monotonic
    assert frames.sum.data_points[0].as_double == len(observed.frames)
    finals = metrics["dragoman-audio-worker"]["dragoman_audio_final_seconds"]
    [point] = finals.histogram.data_points
    told = [one for one in observed.told if one["type"] == "transcript.final"]
    assert point.count == sum(point.bucket_counts) == len(told) > 0
    assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
    assert (finals.unit, finals.histogram.aggregation_temporality) == ("s", 2)


def test_every_process_exports_all_three(observed: Observed) -> None:
    received = observed.received
    services = {line.service for line in received.lines}
    assert len(services) == len(PROCESSES), services
    assert received.metrics.keys() == services


def test_nothing_that_was_said_and_no_key_leaves_the_processes(observed: Observed) -> None:
    everything = b"\0".join(observed.received.raw)
    said = " ".join(one.get("text", "") for one in observed.told)
    assert all(word in said for word in WORDS)
    assert not [word for word in WORDS if word.encode() in everything]
    assert observed.key.encode() not in everything
    assert not [frame for frame in observed.frames if any(frame) and frame[:400] in everything]


@pytest.mark.skipif(PROMETHEUS is None, reason="Debian's package prometheus is not installed")
def test_every_query_of_dashboards_and_rules_returns_data(observed: Observed) -> None:
    empty = {}
    for query, series in observed.answers.items():
        values = [float(one["value"][1]) for one in series]
        if not [value for value in values if not math.isnan(value)] and not _is_explained(query):
            empty[query] = series[:2]
    print(f"{len(observed.answers)} queries, {len(empty)} without data")
    assert not empty


@pytest.mark.skipif(PROMETHEUS is None, reason="Debian's package prometheus is not installed")
def test_no_alert_is_even_pending_in_a_healthy_system(observed: Observed) -> None:
    [series] = observed.answers[FIRING]
    assert series["value"][1] == "0"


def _is_explained(query: str) -> bool:
    return any(metric in query for metric in NOT_HERE)


@pytest.mark.skipif(PROMETHEUS is None, reason="Debian's package prometheus is not installed")
def test_what_is_said_to_be_without_data_is(observed: Observed) -> None:
    for metric, reason in NOT_HERE.items():
        found = [
            series
            for query, answer in observed.answers.items()
            for series in answer
            if metric in query and not math.isnan(float(series["value"][1]))
        ]
        assert not found, f"{metric} has data, though {reason}"


def test_each_process_has_the_metrics_that_the_table_gives_it(observed: Observed) -> None:
    text = (ROOT / "docs" / "observability.md").read_text()
    rows = re.findall(r"^\| `(dragoman_\w+)` \|.*\| ([^|]+) \|$", text, re.MULTILINE)
    assert len(rows) > 80
    missing = [
        (name, process)
        for name, where in rows
        for process in OF_THE_TABLE[where]
        if f"# TYPE {name} " not in observed.scrapes[process]
    ]
    assert not missing


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Debian's package prometheus is not installed")
@pytest.mark.parametrize("process", sorted(PROCESSES))
def test_promtool_finds_no_fault_with_the_metrics(observed: Observed, process: str) -> None:
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=observed.scrapes[process],
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in checked.stderr.splitlines() if line.startswith("dragoman_")]
    assert not said, said
