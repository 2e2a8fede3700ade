"""The control streams and the streams that sessions are leased from: what waits in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dragoman_contracts.errors import DragomanError
from dragoman_contracts.monitoring import GroupView, StreamView
from dragoman_contracts.streams import (
    CONTROL_STREAMS,
    GROUP_AUDIO_PIPELINE,
    ShardKeys,
    dead_letter_stream,
)
from dragoman_orchestration.monitoring.measures import Look
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.broker.scripts import Script
from dragoman_runtime.broker.wire import bus_error

NEW_WITHIN_S = 300
"""Dead letters count as new for so long."""
MAX_NEW = 100
MAX_LAG = 10_000
"""Where Redis cannot tell the lag (6.2, or after entries were deleted), it is counted up to this."""
MAX_PENDING = 100
_IDLE_FROM_MS = 1_000
"""Deliveries that wait for less are under way."""

_LUA = Path(__file__).parent / "lua"
_COUNT_AFTER = Script.load(_LUA / "count_after.lua")
_COUNT_RECENT = Script.load(_LUA / "count_recent.lua")


@dataclass(slots=True)
class _Queue:
    """One stream as the first round of questions tells it."""

    stream: str
    length: int
    dead: int
    dead_new: int
    groups: list[dict[bytes, Any]]


async def look_at_streams(
    broker: RedisBroker, look: Look, *, shards: int, profiles: Sequence[str]
) -> list[StreamView]:
    """The control streams, and for each profile the streams of its sessions together.

    Raises:
        BusUnavailable: none of them can be seen.

    """
    of_sessions = {
        ShardKeys(shard).sessions(profile): profile for profile in profiles for shard in range(shards)
    }
    queues, away = await _ask([*CONTROL_STREAMS, *of_sessions], broker)
    groups = await _groups(queues, broker)
    views = [_view(queue, groups) for queue in queues]
    control = [view for view in views if view.name not in of_sessions]
    for view in control:
        _measure_control(view, look)
    for queue in queues:
        if queue.dead_new or queue.stream in CONTROL_STREAMS:
            look.note("dead_letters_new", queue.dead_new, queue.stream, reason=_new_ones(queue))
    summed = []
    for profile in profiles:
        parts = [view for view in views if of_sessions.get(view.name) == profile]
        if any(part.length or part.groups or part.dead_letters for part in parts):
            summed.append(_sum(profile, parts))
            _measure_sessions(profile, summed[-1], look)
    if not away:
        look.covers("stream_lag", "pending_idle_seconds", "dead_letters", "dead_letters_new")
        look.covers("sessions_waiting", "lease_idle_seconds")
    return [*control, *summed]


async def _ask(streams: Sequence[str], broker: RedisBroker) -> tuple[list[_Queue], int]:
    """What is there of each stream; and how many could not be seen."""
    window_ms = NEW_WITHIN_S * 1000
    replies = iter(
        await broker.exchange(
            [
                command
                for stream in streams
                for command in (
                    ("XLEN", stream),
                    ("XINFO", "GROUPS", stream),
                    ("XLEN", dead_letter_stream(stream)),
                    ("EVAL", _COUNT_RECENT.source, 1, dead_letter_stream(stream), window_ms, MAX_NEW),
                )
            ]
        )
    )
    queues: list[_Queue] = []
    failures: list[DragomanError] = []
    for stream in streams:
        length, groups, dead, dead_new = (_reply(next(replies)) for _ in range(4))
        failed = next((one for one in (length, dead, dead_new) if isinstance(one, DragomanError)), None)
        if failed is not None:
            failures.append(failed)
        else:
            known = [] if isinstance(groups, DragomanError) else [_pairs(flat) for flat in groups]
            queues.append(_Queue(stream, length, dead, dead_new, known))
    if failures and not queues:
        raise failures[0]
    return queues, len(failures)


def _reply(reply: Any) -> Any:
    return bus_error(reply) if isinstance(reply, Exception) else reply


async def _groups(queues: Sequence[_Queue], broker: RedisBroker) -> dict[tuple[str, str], GroupView]:
    places = [(queue, group) for queue in queues for group in queue.groups]
    replies = iter(
        await broker.exchange(
            [
                command
                for queue, group in places
                for command in (
                    ("XPENDING", queue.stream, group[b"name"], "IDLE", _IDLE_FROM_MS, "-", "+", MAX_PENDING),
                    ("EVAL", _COUNT_AFTER.source, 1, queue.stream, _after(group), MAX_LAG),
                )
            ]
        )
    )
    found = {}
    for queue, group in places:
        pending, behind = _reply(next(replies)), _reply(next(replies))
        lag = group.get(b"lag")
        if lag is None and not isinstance(behind, DragomanError):
            lag = behind
        idle = [] if isinstance(pending, DragomanError) else [int(row[2]) for row in pending]
        name = group[b"name"].decode()
        found[queue.stream, name] = GroupView(
            group=name,
            consumers=group[b"consumers"],
            pending=group[b"pending"],
            lag=lag,
            oldest_idle_ms=max(idle, default=0),
        )
    return found


def _after(group: dict[bytes, Any]) -> str:
    return f"({group[b'last-delivered-id'].decode()}"


def _view(queue: _Queue, groups: dict[tuple[str, str], GroupView]) -> StreamView:
    names = [group[b"name"].decode() for group in queue.groups]
    return StreamView(
        name=queue.stream,
        length=queue.length,
        dead_letters=queue.dead,
        groups=[groups[queue.stream, name] for name in names],
    )


def _measure_control(view: StreamView, look: Look) -> None:
    look.note("dead_letters", view.dead_letters, view.name)
    for group in view.groups:
        subject = f"{view.name}/{group.group}"
        if group.lag is not None:
            look.note("stream_lag", group.lag, subject)
        look.note("pending_idle_seconds", group.oldest_idle_ms / 1000, subject)


def _measure_sessions(profile: str, view: StreamView, look: Look) -> None:
    look.note("dead_letters", view.dead_letters, view.name)
    group = next((one for one in view.groups if one.group == GROUP_AUDIO_PIPELINE), None)
    waiting = view.length if group is None else group.lag or 0
    reason = f"{waiting} sessions of profile {profile} wait for a worker" if waiting else ""
    look.note("sessions_waiting", waiting, profile, reason=reason)
    look.note("lease_idle_seconds", group.oldest_idle_ms / 1000 if group else 0, profile)


def _sum(profile: str, parts: Sequence[StreamView]) -> StreamView:
    """The streams of a profile's sessions as one."""
    groups: dict[str, GroupView] = {}
    for one in (group for part in parts for group in part.groups):
        known = groups.get(one.group, GroupView(group=one.group, consumers=0, pending=0, lag=0))
        groups[one.group] = GroupView(
            group=one.group,
            # The same workers read all shards.
            consumers=max(known.consumers, one.consumers),
            pending=known.pending + one.pending,
            lag=None if known.lag is None or one.lag is None else known.lag + one.lag,
            oldest_idle_ms=max(known.oldest_idle_ms, one.oldest_idle_ms),
        )
    return StreamView(
        name=f"sessions:{profile}",
        length=sum(part.length for part in parts),
        dead_letters=sum(part.dead_letters for part in parts),
        groups=list(groups.values()),
    )


def _new_ones(queue: _Queue) -> str:
    if not queue.dead_new:
        return ""
    return f"{queue.dead_new} entries of {queue.stream} became dead letters in {NEW_WITHIN_S // 60} minutes"


def _pairs(flat: Sequence[Any]) -> dict[bytes, Any]:
    walk = iter(flat)
    return dict(zip(walk, walk, strict=True))
