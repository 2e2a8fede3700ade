"""The tables of ``dragoman top``: what each row of the overview shows, and from which width on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from dragoman_contracts.monitoring import Anomaly, Overview, ProcessView, SessionView, StreamView

_SEVERITY = {"info": "cyan", "warning": "yellow", "critical": "bold red"}


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


# --- sections -------------------------------------------------------------------------------------------


def sections_of(seen: Overview) -> list[Section]:
    """All tables, the most important first."""
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
