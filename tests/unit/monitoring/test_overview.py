"""When a health report is due, and what it says; documented metrics are those that are exported."""

from __future__ import annotations

import re

import pytest
from prometheus_client import REGISTRY

from dragoman_contracts.monitoring import Anomaly, ProcessView, RedisView, ServiceView
from dragoman_orchestration.monitoring import gauges
from dragoman_orchestration.monitoring.collector import Seen
from dragoman_orchestration.monitoring.measures import MEASURES, Look, key_of, split_key
from dragoman_orchestration.monitoring.overview import HealthReports, overview_of, parts_of, status_of


def seen(*, redis: str = "ok", whisper: str = "ok", translation: str = "ok", worker: str = "ok") -> Seen:
    return Seen(
        time_ms=5,
        look=Look(values={"room|cpu": 1}),
        redis=RedisView(state=redis),
        services=[
            ServiceView(name="whisper-1", url="", state=whisper),
            ServiceView(name="translation", url="", state=translation),
        ],
        processes=[
            ProcessView(
                name="w1", kind="audio", profile="cpu", version="1", state=worker, age_ms=0, uptime_s=1
            )
        ],
        sessions_by_profile={"cpu": 3, "gpu": 4},
    )


def anomaly(severity: str) -> Anomaly:
    return Anomaly(rule="r", subject="", severity=severity, measure="m", value=1, since_ms=0, message="")


def test_a_report_is_due_on_change_and_now_and_then():
    reports = HealthReports(every_s=30)
    assert reports.take(seen(), [], 100).parts == parts_of(seen())
    assert reports.take(seen(), [], 129) is None
    assert reports.take(seen(whisper="no answer"), [], 129.5).status == "down"
    assert reports.take(seen(whisper="no answer"), [], 140) is None
    assert reports.take(seen(), [], 141).status == "ok"
    assert reports.take(seen(), [], 171).measures == {"room|cpu": 1}


def test_a_new_leader_reports_at_once():
    reports = HealthReports(every_s=30)
    reports.take(seen(), [], 100)
    reports.forget()
    assert reports.take(seen(), [], 101) is not None


@pytest.mark.parametrize(
    ("state", "severities", "status"),
    [
        ({}, [], "ok"),
        ({}, ["info"], "ok"),
        ({}, ["warning"], "degraded"),
        ({}, ["critical"], "degraded"),
        ({"translation": "no answer"}, [], "degraded"),
        ({"worker": "gone without a word"}, [], "degraded"),
        ({"whisper": "no answer"}, [], "down"),
        ({"redis": "Redis does not answer"}, [], "down"),
    ],
)
def test_the_status_is_of_all_parts(state, severities, status):
    assert status_of(seen(**state), [anomaly(one) for one in severities]) == status


def test_one_of_several_whisper_services_is_enough():
    look = seen(whisper="no answer")
    look.services.append(ServiceView(name="whisper-2", url="", state="ok"))
    assert status_of(look, []) == "degraded"


def test_the_overview_counts_all_sessions():
    told = overview_of(seen(), [anomaly("info")], monitor="m1")
    assert (told.sessions_total, told.monitor, len(told.anomalies)) == (7, "m1", 1)


def test_documented_metrics_are_those_that_there_are():
    documented = set(re.findall(r"^(dragoman_\w+) ", gauges.__doc__ or "", re.MULTILINE))
    known = {
        f"{family.name}_total" if family.type == "counter" else family.name for family in REGISTRY.collect()
    }
    exported = {name for name in known if name.startswith(("dragoman_fleet_", "dragoman_monitoring_"))}
    assert documented == exported


@pytest.mark.parametrize("measure", MEASURES)
def test_names_of_measures_fit_rules_and_subjects(measure):
    assert re.fullmatch("[a-z][a-z0-9_]{0,63}", measure)
    for subject in ("", "s1", "stream:x/group", "a|b"):
        assert split_key(key_of(measure, subject)) == (measure, subject)
