"""Dashboards, rules, routes and the runbook fit together and are what their code makes."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from observability import export, panels, rules

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "observability"
ALERTMANAGER = FOLDER / "alertmanager" / "alertmanager.yml"
HAS_PROMTOOL = shutil.which("promtool") is not None
HAS_AMTOOL = shutil.which("amtool") is not None
needs_promtool = pytest.mark.skipif(not HAS_PROMTOOL, reason="Debian's package prometheus is not installed")
needs_amtool = pytest.mark.skipif(
    not HAS_AMTOOL, reason="Debian's package prometheus-alertmanager is not installed"
)
_METRIC = re.compile(r"\b(dragoman[_:][a-z0-9_:]+)")


def run(*command: str, cwd: Path = FOLDER) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def alert_rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((FOLDER / "rules" / "alerts.yaml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


# --- what is committed ------------------------------------------------------------------------------------


def test_dashboards_and_rules_are_what_their_code_makes() -> None:
    made = export.exported()
    stale = [str(path.relative_to(ROOT)) for path, text in made.items() if not _is(path, text)]
    assert not stale, "run: python -m observability.export"
    extra = [path for folder in export.folders() for path in folder.iterdir() if path not in made]
    assert not extra


def _is(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


def test_the_charts_copies_are_the_same_files() -> None:
    for kind in ("dashboards", "rules"):
        ours, theirs = FOLDER / kind, export.CHART / kind
        assert {path.name: path.read_bytes() for path in ours.iterdir()} == {
            path.name: path.read_bytes() for path in theirs.iterdir()
        }


def test_every_query_asks_for_metrics_that_exist() -> None:
    known = set(re.findall(r"^\| `(\w+)`", (ROOT / "docs" / "observability.md").read_text(), re.MULTILINE))
    known |= rules.recordings().keys()
    shown = [
        query.expr
        for board in panels.BOARDS
        for _, row in board.rows
        for panel in row
        for query in panel.queries
    ]
    asked = {
        name
        for text in [*shown, *(one.expr for one in rules.all_alerts()), *rules.recordings().values()]
        for name in _METRIC.findall(text)
    }
    unknown = {name for name in asked if re.sub(r"_(bucket|sum|count)$", "", name) not in known}
    assert not {name for name in unknown if name not in known}


# --- Prometheus -------------------------------------------------------------------------------------------


@needs_promtool
def test_promtool_takes_the_rules() -> None:
    checked = run("promtool", "check", "rules", "rules/recording.yaml", "rules/alerts.yaml")
    assert checked.returncode == 0, checked.stderr


@needs_promtool
def test_each_alert_fires_once_and_none_while_all_is_well() -> None:
    tested = run("promtool", "test", "rules", "rules.yaml", cwd=FOLDER / "tests")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    document = yaml.safe_load((FOLDER / "tests" / "rules.yaml").read_text())
    names = [test["name"] for test in document["tests"]]
    fires = [f"{rule['alert']} fires once" for rule in alert_rules()]
    assert names == [*fires, "none fires while all is well"]


@needs_promtool
def test_a_rule_that_never_fires_fails_its_test(tmp_path: Path) -> None:
    shutil.copytree(FOLDER / "rules", tmp_path / "rules")
    shutil.copytree(FOLDER / "tests", tmp_path / "tests")
    document = yaml.safe_load((FOLDER / "tests" / "rules.yaml").read_text())
    document["tests"] = [one for one in document["tests"] if one["name"] == "DragomanAudioLost fires once"]
    (tmp_path / "tests" / "rules.yaml").write_text(yaml.safe_dump(document))

    def tested() -> int:
        return run("promtool", "test", "rules", "rules.yaml", cwd=tmp_path / "tests").returncode

    assert tested() == 0
    alerts = tmp_path / "rules" / "alerts.yaml"
    alerts.write_text(alerts.read_text().replace("> 0\n", "> 1000000\n"))
    assert tested() != 0


# --- the runbook ------------------------------------------------------------------------------------------


def test_each_alert_has_an_entry_in_the_runbook_and_each_entry_an_alert() -> None:
    headings = re.findall(r"^### (\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    assert sorted(headings) == sorted(rule["alert"] for rule in alert_rules())


def test_each_alert_leads_to_its_entry() -> None:
    for rule in alert_rules():
        assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"]


def test_the_runbooks_links_lead_somewhere() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text()
    own = {heading.lower() for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
    for link in re.findall(r"\]\(([^)]+)\)", text):
        name, _, place = link.partition("#")
        if not name:
            assert place in own, link
        else:
            assert (ROOT / "docs" / name).exists(), link


# --- Alertmanager and the collector -----------------------------------------------------------------------


@needs_amtool
def test_amtool_takes_the_routes() -> None:
    checked = run("amtool", "check-config", str(ALERTMANAGER))
    assert checked.returncode == 0, checked.stdout + checked.stderr


@needs_amtool
@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        (["severity=critical", "alertname=DragomanAudioLost"], "slack,webhook"),
        (["severity=warning", "alertname=DragomanDegraded"], "slack-quiet"),
        (["alertname=Other"], "webhook"),
    ],
)
def test_alerts_are_routed_by_their_severity(labels: list[str], receivers: str) -> None:
    routed = run("amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}", *labels)
    assert routed.stdout.strip() == receivers, routed.stderr


def test_inhibitions_name_alerts_that_exist() -> None:
    names = {rule["alert"] for rule in alert_rules()}
    for rule in yaml.safe_load(ALERTMANAGER.read_text())["inhibit_rules"]:
        for matcher in [*rule["source_matchers"], *rule["target_matchers"]]:
            label, _, value = matcher.partition("=")
            pattern = value.lstrip("~").strip('"')
            if label == "alertname":
                parts = pattern.split("|") if "(" not in pattern else [pattern]
                assert all(any(re.fullmatch(part, name) for name in names) for part in parts), matcher


def test_the_collectors_pipelines_use_what_is_defined() -> None:
    document = yaml.safe_load((FOLDER / "otel-collector.yaml").read_text())
    pipelines = document["service"]["pipelines"]
    assert pipelines.keys() == {"traces", "logs", "metrics"}
    for pipeline in pipelines.values():
        for kind, names in pipeline.items():
            assert set(names) <= document[kind].keys()
