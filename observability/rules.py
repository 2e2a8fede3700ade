"""Prometheus' rules and promtool's tests of them, from :mod:`alerts` and :mod:`objectives`."""

from __future__ import annotations

from typing import Any

import yaml

from observability.alerts import ALERTS, Alert, Series
from observability.objectives import OBJECTIVES

RUNBOOK = "docs/runbook.md"
INTERVAL = "30s"
EVALUATED_EVERY = "1m"
LOOK_AT = "12m"
RECORDED = {
    "dragoman:finals_in_time:ratio_rate5m": "1 - dragoman:finals_late_bad:ratio_rate5m",
    "dragoman:lost_seconds:increase1h": (
        'sum(increase(dragoman_audio_settled_seconds_total{kind="gap"}[1h]))'
    ),
    "dragoman:sessions:sum": "sum(dragoman_audio_sessions)",
    "dragoman:workers_in_use:ratio": "sum(dragoman_audio_sessions) / sum(dragoman_audio_sessions_max)",
}


def all_alerts() -> list[Alert]:
    """Those of objectives first."""
    return [*(alert for one in OBJECTIVES for alert in one.alerts()), *ALERTS]


def recordings() -> dict[str, str]:
    """Recorded series -> expression."""
    burns = {name: expr for one in OBJECTIVES for name, expr in one.recordings().items()}
    return burns | RECORDED


def files() -> dict[str, str]:
    """File name -> YAML, of rules only."""
    record = [{"record": name, "expr": expr} for name, expr in recordings().items()]
    alerts = [_rule(alert) for alert in all_alerts()]
    return {
        "recording.yaml": _dump({"groups": [{"name": "dragoman.recording", "rules": record}]}),
        "alerts.yaml": _dump({"groups": [{"name": "dragoman.alerts", "rules": alerts}]}),
    }


def tests() -> str:
    """promtool's test file: each alert fires once on its own series, and none on the healthy ones of all."""
    alerts = all_alerts()
    healthy = {name: values for alert in alerts for name, values in alert.healthy.items()}
    return _dump(
        {
            "rule_files": ["../rules/recording.yaml", "../rules/alerts.yaml"],
            "evaluation_interval": EVALUATED_EVERY,
            "tests": [
                *(
                    _test(f"{alert.name} fires once", alert.fires, f'{{alertname="{alert.name}"}}', 1)
                    for alert in alerts
                ),
                _test("none fires while all is well", healthy, "", 0),
            ],
        }
    )


def anchor(alert: Alert) -> str:
    """Where the runbook tells of it."""
    return f"{RUNBOOK}#{alert.name.lower()}"


def _rule(alert: Alert) -> dict[str, Any]:
    labels = {"severity": alert.severity} | ({"slo": alert.slo} if alert.slo else {})
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": alert.hold,
        "labels": labels,
        "annotations": {"summary": alert.summary, "runbook_url": anchor(alert)},
    }


def _test(name: str, series: Series, which: str, count: int) -> dict[str, Any]:
    firing = f'count(ALERTS{{alertstate="firing"}} and ALERTS{which})'
    return {
        "name": name,
        "interval": INTERVAL,
        "input_series": [{"series": one, "values": values} for one, values in series.items()],
        "promql_expr_test": [
            {
                "expr": firing,
                "eval_time": LOOK_AT,
                "exp_samples": [{"labels": "{}", "value": count}] if count else [],
            }
        ],
    }


def _dump(document: dict[str, Any]) -> str:
    head = "# Made by `python -m observability.export`; edit observability/*.py instead.\n"
    return head + yaml.safe_dump(document, sort_keys=False, width=108, allow_unicode=True)
