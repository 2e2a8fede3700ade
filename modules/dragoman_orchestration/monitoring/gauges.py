"""What the leading monitor exports for autoscaling and alarms; a monitor that does not lead exports no sums.

====================================  =============  =============================================
metric                                labels         meaning
====================================  =============  =============================================
dragoman_monitoring_leader                           1 on the monitor that leads, else 0
dragoman_fleet_sessions               profile        sessions that have not ended
dragoman_fleet_workers                profile        audio workers that live
dragoman_fleet_room                   profile        sessions that they would take more
dragoman_fleet_lag_seconds            profile        lateness of captions at the slowest worker
dragoman_fleet_backlog_seconds        profile        audio accepted and not decided, in all
dragoman_fleet_sessions_waiting       profile        sessions that no worker has taken
dragoman_fleet_bots                   state          bots by state; ``waiting``: due, without room
dragoman_fleet_stream_lag             stream, group  entries that the group was not given yet
dragoman_fleet_stream_pending         stream, group  entries that it has not acknowledged
dragoman_fleet_dead_letters           stream         dead letters that wait
dragoman_fleet_part_up                part           1 if Redis or a service works, else 0
dragoman_fleet_anomalies              severity       anomalies that are open
dragoman_monitoring_look_seconds                     time of one look at everything
dragoman_monitoring_anomalies_total   rule, change   anomalies that this monitor told
dragoman_monitoring_recoveries_total  kind           recoveries that this monitor asked for
====================================  =============  =============================================

Audio workers scale by ``max by (profile) (dragoman_fleet_sessions)`` or by the backlog, bots workers by
``max(dragoman_fleet_bots{state="waiting"})``: ``max`` over all monitors is what the leader says.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from dragoman_contracts.monitoring import Anomaly
from dragoman_orchestration.monitoring.collector import Seen
from dragoman_orchestration.monitoring.recovery import BOT_RESTART, RESYNC

LEADER = Gauge("dragoman_monitoring_leader", "1 on the monitor that leads, else 0.")
LOOK_SECONDS = Histogram("dragoman_monitoring_look_seconds", "Seconds of one look at everything.")
ALERTS = Counter(
    "dragoman_monitoring_anomalies_total",
    "Anomalies that this monitor told, by rule and change: opened, resolved.",
    ["rule", "change"],
)
RECOVERIES = Counter(
    "dragoman_monitoring_recoveries_total", "Recoveries that this monitor asked for.", ["kind"]
)
for _kind in (RESYNC, BOT_RESTART):
    RECOVERIES.labels(_kind)  # from 0 on: increase() does not see a series' first event

SESSIONS = Gauge("dragoman_fleet_sessions", "Sessions that have not ended.", ["profile"])
WORKERS = Gauge("dragoman_fleet_workers", "Audio workers that live.", ["profile"])
ROOM = Gauge("dragoman_fleet_room", "Sessions that the workers would take more.", ["profile"])
LAG = Gauge("dragoman_fleet_lag_seconds", "Lateness of captions at the slowest worker.", ["profile"])
BACKLOG = Gauge(
    "dragoman_fleet_backlog_seconds",
    "Audio that was accepted and is not decided, over all sessions.",
    ["profile"],
)
WAITING = Gauge("dragoman_fleet_sessions_waiting", "Sessions that no worker has taken.", ["profile"])
BOTS = Gauge("dragoman_fleet_bots", "Bots by state; waiting: due, without room.", ["state"])
STREAM_LAG = Gauge(
    "dragoman_fleet_stream_lag", "Entries that the group was not given yet.", ["stream", "group"]
)
STREAM_PENDING = Gauge(
    "dragoman_fleet_stream_pending", "Entries that the group has not acknowledged.", ["stream", "group"]
)
DEAD_LETTERS = Gauge("dragoman_fleet_dead_letters", "Dead letters that wait.", ["stream"])
PART_UP = Gauge("dragoman_fleet_part_up", "1 if Redis or a service answers and works, else 0.", ["part"])
ANOMALIES = Gauge("dragoman_fleet_anomalies", "Anomalies that are open.", ["severity"])

_OF_ALL = (
    SESSIONS, WORKERS, ROOM, LAG, BACKLOG, WAITING, BOTS, STREAM_LAG, STREAM_PENDING, DEAD_LETTERS, PART_UP,
    ANOMALIES,
)  # fmt: skip
_OF_FLEETS = (("workers", WORKERS, 1.0), ("room", ROOM, 1.0), ("lag_ms", LAG, 1000.0))


def clear() -> None:
    """This monitor does not lead: what it knew is old."""
    LEADER.set(0)
    for gauge in _OF_ALL:
        gauge.clear()


def export(seen: Seen, anomalies: list[Anomaly]) -> None:
    """Export one look; what could not be seen is absent."""
    clear()
    LEADER.set(1)
    for profile, figures in seen.fleets.items():
        for name, gauge, unit in _OF_FLEETS:
            gauge.labels(profile).set(figures[name] / unit)
    _export_sessions(seen)
    for stream in seen.streams:
        DEAD_LETTERS.labels(stream.name).set(stream.dead_letters)
        for group in stream.groups:
            STREAM_PENDING.labels(stream.name, group.group).set(group.pending)
            if group.lag is not None:
                STREAM_LAG.labels(stream.name, group.group).set(group.lag)
    if "bots" not in seen.unseen:
        BOTS.labels("waiting").set(seen.look.values.get("bots_waiting", 0))
        for state, count in seen.bots_by_state.items():
            BOTS.labels(state).set(count)
    for part, state in [("redis", seen.redis.state), *((view.name, view.state) for view in seen.services)]:
        PART_UP.labels(part).set(state == "ok")
    for severity in ("info", "warning", "critical"):
        ANOMALIES.labels(severity).set(sum(one.severity == severity for one in anomalies))


def _export_sessions(seen: Seen) -> None:
    if "sessions" in seen.unseen:
        return
    for profile in {*seen.fleets, *seen.sessions_by_profile}:
        SESSIONS.labels(profile).set(seen.sessions_by_profile.get(profile, 0))
        BACKLOG.labels(profile).set(seen.backlog_by_profile.get(profile, 0))
    for profile, waiting in seen.look.subjects("sessions_waiting").items():
        WAITING.labels(profile).set(waiting)
