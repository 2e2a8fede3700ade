"""What ``dragoman top`` shows: one frame of a terminal of any size. Pure: an overview in, a renderable out.

Rows are shared out: what is wrong first (anomalies), then what there is little of, and sessions get the rest.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dragoman_contracts.monitoring import Overview
from dragoman_orchestration.cli.top_tables import Section, duration, sections_of, size

OLD_MS = 15_000
"""An overview older than this is shown as of the past."""
_STATUS = {"ok": "green", "degraded": "yellow", "down": "bold red"}
_LEAST_ROWS = 3


@dataclass(frozen=True, slots=True)
class Frame:
    """What is to be shown: the newest overview, and why there is no newer one."""

    overview: Overview | None = None
    trouble: Text | None = None


def frame_view(frame: Frame, *, width: int, height: int) -> RenderableType:
    """One frame of ``width`` by ``height`` characters at most."""
    lines: list[RenderableType] = []
    if frame.overview is not None:
        lines += _head(frame.overview, width)
    if frame.trouble is not None:
        trouble = frame.trouble.copy()
        trouble.stylize("bold red")
        lines.append(_cut(trouble, width))
    if frame.overview is None:
        return Group(*lines)
    sections = [section for section in sections_of(frame.overview) if section.rows]
    shares = share_rows([len(section.rows) for section in sections], height - len(lines) - 1, overhead=2)
    for section, rows in zip(sections, shares, strict=True):
        if rows > 0:
            lines += _section_view(section, rows, width)
    return Group(*lines)


def share_rows(wanted: Sequence[int], height: int, *, overhead: int) -> list[int]:
    """How many rows each section gets of ``height`` lines, in the order of their importance.

    Each needs ``overhead`` lines beside its rows. First each gets some, then the first ones what they want.
    """
    shares = [0] * len(wanted)
    left = height
    for place, rows in enumerate(wanted):
        least = min(rows, _LEAST_ROWS)
        if left >= overhead + 1:
            shares[place] = min(least, left - overhead)
            left -= overhead + shares[place]
    for place, rows in enumerate(wanted):
        if shares[place]:
            more = min(rows - shares[place], left)
            shares[place] += more
            left -= more
    return shares


# --- head -----------------------------------------------------------------------------------------------


def _head(seen: Overview, width: int) -> list[RenderableType]:
    age_ms = max(0, time.time_ns() // 1_000_000 - seen.time_ms)
    title = Text.assemble(
        ("dragoman top", "bold"),
        "  ",
        (seen.status, _STATUS[seen.status]),
        (f"  {duration(age_ms / 1000)} ago", "bold red" if age_ms > OLD_MS else "dim"),
        f"  sessions {seen.sessions_total}  anomalies {len(seen.anomalies)}  config {seen.config_version}",
    )
    redis = seen.redis
    memory = size(redis.used_memory_bytes)
    if redis.max_memory_bytes:
        memory += f" of {size(redis.max_memory_bytes)}"
    facts = f"{redis.version} {redis.role}  {memory}  {redis.clients} clients  {redis.answer_ms:g} ms"
    server = Text.assemble(("redis ", "bold"), facts if redis.state == "ok" else (redis.state, "bold red"))
    if redis.aof_last_write not in {"", "ok"}:
        server.append(f"  AOF {redis.aof_last_write}", style="bold red")
    lines: list[RenderableType] = [_cut(title, width), _cut(server, width)]
    for profile, figures in sorted(seen.fleets.items()):
        lines.append(_cut(_fleet(profile, figures), width))
    if seen.unseen and redis.state == "ok":
        reasons = "; ".join(f"{part}: {why}" for part, why in sorted(seen.unseen.items()))
        lines.append(_cut(Text(f"not seen: {reasons}", style="red"), width))
    return lines


def _fleet(profile: str, figures: dict[str, float]) -> Text:
    level = int(figures.get("level", 0))
    lag_s = figures.get("lag_ms", 0) / 1000
    return Text.assemble(
        (f"{profile} ", "bold"),
        f"workers {figures.get('workers', 0):g}  sessions {figures.get('sessions', 0):g}  ",
        f"room {figures.get('room', 0):g}  ",
        (f"lag {lag_s:.1f} s", "red" if lag_s > 3 else ""),
        (f"  degraded to level {level}" if level else "", "yellow"),
    )


def _section_view(section: Section, rows: int, width: int) -> list[RenderableType]:
    columns = [column for column in section.columns if width >= column.from_width]
    table = Table(box=None, expand=True, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for place, column in enumerate(columns):
        table.add_column(
            Text(section.title, style="bold cyan") if place == 0 else column.name,
            justify="right" if column.right else "left",
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if column.grows else None,
        )
    hidden = len(section.rows) - rows
    for row in section.rows[:rows]:
        table.add_row(*(_shown(column.cell(row)) for column in columns))
    summary = [section.summary] if section.summary else []
    summary += [f"{hidden} more"] if hidden > 0 else []
    note = Text(" · ".join(summary), style="dim")
    return [table, _cut(note, width)]


def _cut(text: Text, width: int) -> Text:
    text.plain = "".join(one if one.isprintable() else " " for one in text.plain)
    text.truncate(width, overflow="ellipsis")
    text.no_wrap = True
    return text


def _shown(cell: str | Text) -> Text:
    """One line without markup or control codes, whatever the overview brings."""
    text, style = (cell.plain, cell.style) if isinstance(cell, Text) else (cell, "")
    return Text("".join(one if one.isprintable() else " " for one in text), style=style)
