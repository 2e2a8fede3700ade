"""Grafana's JSON, made with its own SDK from :mod:`observability.panels`."""

from __future__ import annotations

from string import ascii_uppercase

from grafana_foundation_sdk.builders import dashboard, prometheus, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from observability.panels import BOARDS, Board, Panel

DATASOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
WIDTH, HEIGHT = 8, 7


def files() -> dict[str, str]:
    """File name -> JSON of each dashboard."""
    return {f"{board.uid}.json": _render(board) for board in BOARDS}


def _render(board: Board) -> str:
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .tags(["dragoman"])
        .refresh("10s")
        .time("now-1h", "now")
        .timezone("browser")
        .with_variable(dashboard.DatasourceVariable("datasource").type("prometheus").label("Data source"))
    )
    for title, panels in board.rows:
        made = made.with_row(dashboard.Row(title))
        for panel in panels:
            made = made.with_panel(_panel(panel))
    return JSONEncoder(sort_keys=True, indent=1).encode(made.build()) + "\n"


def _panel(panel: Panel) -> timeseries.Panel:
    made = (
        timeseries.Panel()
        .title(panel.title)
        .description(panel.tells)
        .unit(panel.unit)
        .min(0)
        .fill_opacity(8)
        .datasource(DATASOURCE)
        .span(WIDTH)
        .height(HEIGHT)
    )
    for letter, query in zip(ascii_uppercase, panel.queries, strict=False):
        target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend).ref_id(letter)
        made = made.with_target(target.datasource(DATASOURCE))
    return made
