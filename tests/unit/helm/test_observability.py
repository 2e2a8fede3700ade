"""Dashboards and rules are taken from files of the chart, whatever is there."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.unit.helm.chart import CHART, ROOT, Rendered, name_of, render_folder

RULES = """\
groups:
  - name: captions
    rules:
      - alert: CaptionsLate
        expr: dragoman_fleet_lag_seconds > 3
        for: 1m
        annotations: {summary: "{{ $labels.profile }} is {{ $value }} s late"}
"""
ON = {"metrics": {"rules": {"enabled": True}, "dashboards": {"enabled": True}}}


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chart") / "dragoman"
    shutil.copytree(CHART, folder)
    for name in ("dashboards", "rules"):
        shutil.rmtree(folder / "files" / name, ignore_errors=True)
        (folder / "files" / name).mkdir()
    (folder / "files/dashboards/captions_live.json").write_text(
        '{"title": "Captions {{instance}}"}', encoding="utf-8"
    )
    (folder / "files/rules/captions.yaml").write_text(RULES, encoding="utf-8")
    return folder


def test_a_dashboard_is_a_config_map_that_grafana_finds(chart: Path) -> None:
    dashboard = render_folder(chart, "default", ON).one("ConfigMap", "captions-dashboard-captions-live")
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert dashboard["data"] == {"captions_live.json": '{"title": "Captions {{instance}}"}'}


def test_rules_are_of_the_operator_or_plain(chart: Path) -> None:
    rule = render_folder(chart, "default", ON).one("PrometheusRule", "captions-rules-captions")
    assert rule["apiVersion"] == "monitoring.coreos.com/v1"
    (group,) = rule["spec"]["groups"]
    assert group["rules"][0]["annotations"]["summary"] == "{{ $labels.profile }} is {{ $value }} s late"
    plain = render_folder(chart, "default", {"metrics": {"rules": {"enabled": True, "kind": "ConfigMap"}}})
    assert plain.one("ConfigMap", "captions-rules-captions")["data"] == {"captions.yaml": RULES}


def test_none_is_made_unless_it_is_asked_for(chart: Path) -> None:
    names = [name_of(one) for one in render_folder(chart, "default", {}).manifests]
    assert not [name for name in names if "-dashboard-" in name or "-rules-" in name]


def test_all_dashboards_and_rules_of_the_chart_are_rendered(everything: Rendered) -> None:
    names = {name_of(one) for one in everything.manifests}
    for path in (CHART / "files").glob("dashboards/*.json"):
        assert f"captions-dashboard-{path.stem.lower().replace('_', '-')}" in names
        # A ConfigMap holds a mebibyte.
        assert len(json.dumps(path.read_text(encoding="utf-8"))) < 2**20
    for path in (CHART / "files").glob("rules/*.yaml"):
        assert f"captions-rules-{path.stem.lower().replace('_', '-')}" in names


def test_the_chart_carries_what_lies_elsewhere_in_the_repository() -> None:
    done = subprocess.run(
        [str(ROOT / "helm/sync-files"), "--check"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"run helm/sync-files\n{done.stderr}"


def test_a_copy_that_is_out_of_date_is_told(tmp_path: Path) -> None:
    for name in ("helm", "docker"):
        shutil.copytree(ROOT / name, tmp_path / name)
    with (tmp_path / "docker/nginx.conf").open("a", encoding="utf-8") as file:
        file.write("# something new\n")
    check = [str(tmp_path / "helm/sync-files"), "--check"]
    old = subprocess.run(check, capture_output=True, text=True, timeout=60, check=False)
    assert old.returncode == 1
    assert "something new" in old.stderr
    subprocess.run(check[:1], timeout=60, check=True)
    assert subprocess.run(check, capture_output=True, timeout=60, check=False).returncode == 0
