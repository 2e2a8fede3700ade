"""Replicas: how many, who sets them, and what happens to them when nodes go."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.helm.chart import (
    FOREIGN,
    ROOT,
    WORKLOADS,
    Manifest,
    Rendered,
    RenderError,
    component_of,
    name_of,
    pod_of,
    render,
)

GAUGE = re.compile(r"dragoman_[a-z_]+")


def known_metrics() -> set[str]:
    """What the monitor and the API export, by their documents."""
    text = (ROOT / "docs/monitoring.md").read_text(encoding="utf-8")
    text += (ROOT / "docs/observability.md").read_text(encoding="utf-8")
    return set(re.findall(r"`(dragoman_[a-z_]+)`", text))


def test_a_budget_is_made_only_where_there_is_more_than_one_pod(rendered: Rendered) -> None:
    budgets = {name_of(one) for one in rendered.of("PodDisruptionBudget")}
    least = {name_of(one): one["spec"]["minReplicas"] for one in rendered.of("HorizontalPodAutoscaler")}
    least |= {name_of(one): one["spec"]["minReplicaCount"] for one in rendered.of("ScaledObject")}
    for workload in rendered.of(*WORKLOADS):
        name = name_of(workload)
        replicas = workload["spec"].get("replicas", least.get(name))
        assert (name in budgets) == (replicas > 1), name


def test_a_budget_selects_the_pods_of_its_process(rendered: Rendered) -> None:
    for budget in rendered.of("PodDisruptionBudget"):
        workload = next(one for one in rendered.of(*WORKLOADS) if name_of(one) == name_of(budget))
        assert budget["spec"]["selector"] == workload["spec"]["selector"]
        assert budget["spec"]["maxUnavailable"] == 1


def test_pods_of_a_process_spread_over_zones_and_nodes(rendered: Rendered) -> None:
    for workload in rendered.of(*WORKLOADS):
        if component_of(workload) == "redis":
            continue
        spread = pod_of(workload)["topologySpreadConstraints"]
        assert [one["topologyKey"] for one in spread] == [
            "topology.kubernetes.io/zone",
            "kubernetes.io/hostname",
        ]
        assert all(one["labelSelector"] == workload["spec"]["selector"] for one in spread)


def test_nothing_scales_by_itself_unless_it_is_asked_to() -> None:
    assert not render("default").of("HorizontalPodAutoscaler", "ScaledObject")


def test_a_number_of_pods_has_one_master(everything: Rendered) -> None:
    scalers = everything.of("HorizontalPodAutoscaler", "ScaledObject")
    targets = [one["spec"]["scaleTargetRef"]["name"] for one in scalers]
    assert len(targets) == len(set(targets)) == 6
    for workload in everything.of(*WORKLOADS):
        assert ("replicas" in workload["spec"]) == (name_of(workload) not in targets)
        for scaler in scalers:
            if scaler["spec"]["scaleTargetRef"]["name"] == name_of(workload):
                assert scaler["spec"]["scaleTargetRef"]["kind"] == workload["kind"]
    with pytest.raises(RenderError, match="api has autoscaling and keda enabled: two masters of one number"):
        render("default", {"api": {"autoscaling": {"enabled": True}, "keda": {"enabled": True}}})


def external(scaler: Manifest) -> dict[str, tuple[dict[str, str], str]]:
    return {
        one["external"]["metric"]["name"]: (
            one["external"]["metric"]["selector"]["matchLabels"],
            one["external"]["target"]["averageValue"],
        )
        for one in scaler["spec"]["metrics"]
        if one["type"] == "External"
    }


def test_audio_workers_scale_by_the_monitors_gauges_of_their_profile_and_by_processors() -> None:
    rendered = render("default", {"audio": {"autoscaling": {"enabled": True}}})
    scaler = rendered.one("HorizontalPodAutoscaler", "captions-audio-cpu")
    assert external(scaler) == {
        "dragoman_fleet_backlog_seconds": ({"profile": "cpu"}, "10"),
        "dragoman_fleet_sessions": ({"profile": "cpu"}, "40"),
    }
    assert external(scaler).keys() <= known_metrics()
    assert scaler["spec"]["metrics"][0]["resource"]["target"] == {
        "type": "Utilization",
        "averageUtilization": 70,
    }
    plain = render("default", {"audio": {"autoscaling": {"enabled": True, "metrics": False}}})
    assert not external(plain.one("HorizontalPodAutoscaler", "captions-audio-cpu"))


def test_bots_workers_scale_by_the_bots_that_wait() -> None:
    rendered = render("default", {"bots": {"enabled": True, "autoscaling": {"enabled": True}}})
    scaler = rendered.one("HorizontalPodAutoscaler", "captions-bots")
    assert external(scaler) == {"dragoman_fleet_bots": ({"state": "waiting"}, "5")}


def queries(scaled: Manifest) -> dict[str, str]:
    return {one["name"]: one["metadata"]["query"] for one in scaled["spec"]["triggers"]}


def test_keda_asks_for_pending_entries_free_capacity_and_backlog(everything: Rendered) -> None:
    asked = queries(everything.one("ScaledObject", "captions-audio-gpu"))
    stream, profile = '{stream="sessions:gpu",group="audio-pipeline"}', '{profile="gpu"}'
    assert asked == {
        "pending-entries": f"max(dragoman_fleet_stream_pending{stream})"
        f" + (max(dragoman_fleet_stream_lag{stream}) or vector(0))",
        "free-capacity": f"clamp_min(max(dragoman_fleet_workers{profile})"
        f" + (20 - max(dragoman_fleet_room{profile})) / 40, 0)",
        "backlog": 'max(dragoman_fleet_backlog_seconds{profile="gpu"})',
    }
    assert queries(everything.one("ScaledObject", "captions-bots")) == {
        "waiting-bots": 'max(dragoman_fleet_bots{state="waiting"})'
    }


def test_the_streams_that_keda_names_are_those_of_the_sessions() -> None:
    from dragoman_contracts.streams import GROUP_AUDIO_PIPELINE, ShardKeys

    assert GROUP_AUDIO_PIPELINE == "audio-pipeline"
    # The monitor shows the shards' streams of a profile as one, without the shard's tag.
    assert ShardKeys(3).sessions("gpu") == "{3}:sessions:gpu"


def test_each_query_asks_for_metrics_that_there_are(everything: Rendered) -> None:
    api = render("default", {"api": {"keda": {"enabled": True}}}).one("ScaledObject", "captions-api")
    known = known_metrics()
    for scaled in (*everything.of("ScaledObject"), api):
        for query in queries(scaled).values():
            names = set(GAUGE.findall(query))
            assert names
            assert names <= known


def test_scaled_objects_have_the_shape_that_keda_takes(everything: Rendered) -> None:
    for scaled in everything.of("ScaledObject"):
        assert scaled["apiVersion"] == "keda.sh/v1alpha1"
        assert scaled["spec"]["minReplicaCount"] <= scaled["spec"]["maxReplicaCount"]
        for trigger in scaled["spec"]["triggers"]:
            assert trigger["type"] == "prometheus"
            assert trigger["metricType"] == "AverageValue"
            # KEDA's metadata is a map of texts.
            assert all(isinstance(value, str) for value in trigger["metadata"].values())
            assert float(trigger["metadata"]["threshold"]) > 0
            assert trigger["metadata"]["ignoreNullValues"] == "false"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="there is no promtool")
@pytest.mark.parametrize(
    ("workers", "room", "pending", "lag", "wanted"),
    [
        # Room for 20 sessions is wanted, a worker takes 40.
        (2, 20, 60, 0, {"free-capacity": 2, "pending-entries": 60}),
        (2, 0, 80, 15, {"free-capacity": 2.5, "pending-entries": 95}),
        (2, 80, 0, None, {"free-capacity": 0.5, "pending-entries": 0}),
        (4, 180, 0, 0, {"free-capacity": 0, "pending-entries": 0}),
    ],
)
def test_prometheus_reckons_what_is_wanted(
    tmp_path: Path,
    everything: Rendered,
    workers: int,
    room: int,
    pending: int,
    lag: int | None,
    wanted: dict[str, float],
) -> None:
    asked = queries(everything.one("ScaledObject", "captions-audio-gpu"))
    group = 'stream="sessions:gpu",group="audio-pipeline"'
    series = {
        'dragoman_fleet_workers{profile="gpu",pod="leader"}': workers,
        'dragoman_fleet_room{profile="gpu",pod="leader"}': room,
        'dragoman_fleet_workers{profile="cpu",pod="leader"}': 99,
        f'dragoman_fleet_stream_pending{{{group},pod="leader"}}': pending,
    }
    if lag is not None:
        series[f'dragoman_fleet_stream_lag{{{group},pod="leader"}}'] = lag
    case = {
        "interval": "15s",
        "input_series": [{"series": name, "values": f"{value}x4"} for name, value in series.items()],
        "promql_expr_test": [
            {"expr": asked[name], "eval_time": "1m", "exp_samples": [{"labels": "{}", "value": value}]}
            for name, value in wanted.items()
        ],
    }
    (tmp_path / "case.yaml").write_text(yaml.safe_dump({"rule_files": [], "tests": [case]}), encoding="utf-8")
    done = subprocess.run(
        ["promtool", "test", "rules", "case.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_monitors_find_every_process_once(everything: Rendered) -> None:
    service_monitor = everything.one("ServiceMonitor", "captions")["spec"]
    pod_monitor = everything.one("PodMonitor", "captions")["spec"]
    by_service: list[str] = []
    for service in everything.of("Service"):
        labels = service["metadata"]["labels"]
        if matches(service_monitor["selector"], labels):
            assert "http" in [port["name"] for port in service["spec"]["ports"]]
            by_service.append(component_of(service))
    (endpoint,) = pod_monitor["podMetricsEndpoints"]
    by_pod = [
        component_of(one)
        for one in everything.of(*WORKLOADS)
        for container in pod_of(one)["containers"]
        if any(port["name"] == endpoint["port"] for port in container["ports"])
    ]
    assert sorted(by_service + by_pod) == sorted(everything.components() - FOREIGN)
    assert everything.one("PodMonitor", "captions")["metadata"]["labels"]["release"] == "prometheus"


def matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """As Kubernetes reckons it, of the operators that the chart uses."""
    if not selector["matchLabels"].items() <= labels.items():
        return False
    for one in selector.get("matchExpressions", []):
        has = labels.get(one["key"])
        if one["operator"] == "DoesNotExist" and has is not None:
            return False
        if one["operator"] == "NotIn" and has in one["values"]:
            return False
    return True
