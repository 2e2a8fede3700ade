"""What ``dragoman top`` shows: one frame of a terminal of any size. Pure: an overview in, a renderable out.

Rows are shared out: what is wrong first (anomalies), then what there is little of, and sessions get the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dragoman_contracts.monitoring import (
    Anomaly,
    Overview,
    ProcessView,
    SessionView,
    StreamView,
)

OLD_MS = 15_000
"""An overview older than this is shown as of the past."""
_STATUS = {"ok": "green", "degraded": "yellow", "down": "bold red"}
_SEVERITY = {"info": "cyan", "warning": "yellow", "critical": "bold red"}
_LEAST_ROWS = 3


@dataclass(frozen=True, slots=True)
class Frame:
    """What is to be shown: the newest overview, and why there is no newer one."""

    overview: Overview | None = None
    trouble: Text | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a section, left out on terminals narrower than ``from_width``."""

    name: str
    cell: Callable[[Any], str | Text]
    from_width: int = 0
    right: bool = False
    grows: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A table with its title and, in a few words, what there is in all."""

    title: str
    summary: str
    rows: Sequence[Any]
    columns: Sequence[Column]


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
    sections = [section for section in _sections(frame.overview) if section.rows]
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


# --- sections -------------------------------------------------------------------------------------------


def _sections(seen: Overview) -> list[Section]:
    waiting = ", ".join(f"{count} {state}" for state, count in sorted(seen.bots_by_state.items()))
    listed = f"{len(seen.sessions)} of {seen.sessions_total}" if seen.sessions else ""
    return [
        Section("anomalies", "", seen.anomalies, _ANOMALIES),
        Section("services", "", seen.services, _SERVICES),
        Section("processes", "", sorted(seen.processes, key=lambda one: one.state == "ok"), _PROCESSES),
        Section("bots", waiting, seen.bots, _BOTS),
        Section("streams", "", _groups(seen.streams), _STREAMS),
        Section("sessions", listed, seen.sessions, _SESSIONS),
    ]


@dataclass(frozen=True, slots=True)
class _Group:
    """A line of the streams: one group of one stream, or a stream without any."""

    stream: str
    length: str
    dead: int
    group: str = ""
    lag: str = ""
    pending: int = 0
    idle_ms: int = 0


def _groups(streams: Sequence[StreamView]) -> list[_Group]:
    lines = []
    for stream in streams:
        if not stream.groups:
            lines.append(_Group(stream.name, str(stream.length), stream.dead_letters))
        for number, group in enumerate(stream.groups):
            lag = "?" if group.lag is None else str(group.lag)
            name, length, dead = (stream.name, str(stream.length), stream.dead_letters)
            if number:
                name, length, dead = "", "", 0
            lines.append(_Group(name, length, dead, group.group, lag, group.pending, group.oldest_idle_ms))
    return lines


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
        table.add_row(*(column.cell(row) for column in columns))
    summary = [section.summary] if section.summary else []
    summary += [f"{hidden} more"] if hidden > 0 else []
    note = Text(" · ".join(summary), style="dim")
    return [table, _cut(note, width)]


def _state(state: str) -> Text:
    return Text(state, style="green" if state == "ok" else "red")


def _severity(one: Anomaly) -> Text:
    return Text(one.rule, style=_SEVERITY[one.severity])


def _since(one: Anomaly) -> str:
    return duration(max(0, time.time() - one.since_ms / 1000))


def _factor(one: SessionView) -> Text:
    if one.real_time_factor is None:
        return Text("-", style="dim")
    return Text(f"{one.real_time_factor:.2f}", style="red" if one.real_time_factor < 1 else "green")


def _backlog(one: SessionView) -> Text:
    slow = one.real_time_factor is not None and one.real_time_factor < 1
    return Text(f"{one.backlog_s:.1f} s", style="red" if slow else "")


def _lag_of(one: ProcessView) -> str:
    lag_ms = one.measures.get("lag_ms")
    return "" if lag_ms is None else f"{lag_ms / 1000:.1f} s"


def _breakers(one: ProcessView) -> Text:
    broken = [name for name, state in one.breakers.items() if state != "closed"]
    return Text(", ".join(broken), style="red")


def _figure(name: str) -> Callable[[ProcessView], str]:
    return lambda one: f"{one.measures[name]:g}" if name in one.measures else ""


def _skew(one: ProcessView) -> Text:
    return Text(f"{one.skew_ms} ms" if one.skew_ms else "", style="yellow")


_ANOMALIES: tuple[Column, ...] = (
    Column("", _severity),
    Column("message", lambda one: Text(one.message), grows=True),
    Column("for", _since, right=True),
)

_SERVICES: tuple[Column, ...] = (
    Column("", lambda one: one.name),
    Column("state", lambda one: _state(one.state), grows=True),
    Column("answer", lambda one: f"{one.answer_ms:g} ms" if one.state == "ok" else "", right=True),
    Column("version", lambda one: one.version, from_width=80),
    Column("url", lambda one: one.url, from_width=100),
    Column("config", lambda one: one.config_checksum[:8], from_width=120),
)

_PROCESSES: tuple[Column, ...] = (
    Column("", lambda one: one.name),
    Column("kind", lambda one: f"{one.kind} {one.profile}".strip()),
    Column("state", lambda one: _state(one.state), grows=True),
    Column("sessions", _figure("sessions"), from_width=80, right=True),
    Column("room", _figure("room"), from_width=100, right=True),
    Column("lag", _lag_of, from_width=80, right=True),
    Column("up", lambda one: duration(one.uptime_s), right=True),
    Column("config", lambda one: str(one.config_version), from_width=100, right=True),
    Column("skew", _skew, from_width=120, right=True),
    Column("not asked", _breakers, from_width=120),
)

_BOTS: tuple[Column, ...] = (
    Column("", lambda one: one.id),
    Column("state", lambda one: one.state, grows=True),
    Column("degraded", lambda one: Text(one.degraded, style="red")),
    Column("driver", lambda one: one.driver, from_width=80),
    Column("age", lambda one: duration(one.age_s), right=True),
    Column("worker", lambda one: one.worker, from_width=120),
)

_STREAMS: tuple[Column, ...] = (
    Column("", lambda one: one.stream),
    Column("length", lambda one: one.length, right=True),
    Column("group", lambda one: one.group, grows=True),
    Column("lag", lambda one: one.lag, right=True),
    Column("pending", lambda one: str(one.pending) if one.group else "", right=True),
    Column(
        "idle", lambda one: duration(one.idle_ms / 1000) if one.idle_ms else "", from_width=80, right=True
    ),
    Column("dead", lambda one: Text(str(one.dead) if one.dead else "", style="red"), right=True),
)

_SESSIONS: tuple[Column, ...] = (
    Column("", lambda one: one.id),
    Column("status", lambda one: one.status, grows=True),
    Column("backlog", _backlog, right=True),
    Column("factor", _factor, right=True),
    Column("audio", lambda one: duration(one.received_s), from_width=80, right=True),
    Column("age", lambda one: duration(one.age_s), from_width=80, right=True),
    Column("profile", lambda one: one.profile, from_width=100),
    Column("key", lambda one: one.owner_key, from_width=100),
    Column("worker", lambda one: one.worker or Text("nobody", style="red"), from_width=120),
    Column("gen", lambda one: str(one.generation), from_width=120, right=True),
)


# --- figures --------------------------------------------------------------------------------------------


def duration(seconds: float) -> str:
    """Seconds in the largest units that fit: 0.4 s, 12 s, 3m05, 2h07, 5d03h."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60}m{whole % 60:02d}"
    if whole < 86_400:
        return f"{whole // 3_600}h{whole % 3_600 // 60:02d}"
    return f"{whole // 86_400}d{whole % 86_400 // 3_600:02d}h"


def size(count: int) -> str:
    """Bytes in binary units."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def _cut(text: Text, width: int) -> Text:
    text.truncate(width, overflow="ellipsis")
    text.no_wrap = True
    return text
