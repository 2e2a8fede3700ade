"""What the monitoring worker sees and keeps for everybody: ``GET /v1/system/overview``, ``dragoman top``."""

from __future__ import annotations

from typing import Literal

import msgspec

Severity = Literal["info", "warning", "critical"]
Status = Literal["ok", "degraded", "down"]


class ServiceView(msgspec.Struct, frozen=True, kw_only=True):
    """A whisper or translation service, asked over HTTP. ``state`` is "ok" or why not."""

    name: str
    url: str
    state: str
    version: str = ""
    answer_ms: float = 0.0
    config_checksum: str = ""


class ProcessView(msgspec.Struct, frozen=True, kw_only=True):
    """A process that reports itself (``ProcessReport``). ``state`` is "ok" or why not.

    ``skew_ms`` is its clock minus that of Redis, as far as the age of its reports allows to tell.
    """

    name: str
    kind: str
    profile: str
    version: str
    state: str
    age_ms: int
    uptime_s: float
    skew_ms: int = 0
    config_version: int = 0
    breakers: dict[str, str] = {}
    measures: dict[str, float] = {}


class GroupView(msgspec.Struct, frozen=True, kw_only=True):
    """A consumer group of a stream (XINFO GROUPS). ``lag`` None: Redis cannot tell it."""

    group: str
    consumers: int
    pending: int
    lag: int | None = None
    oldest_idle_ms: int = 0


class StreamView(msgspec.Struct, frozen=True, kw_only=True):
    """A control stream."""

    name: str
    length: int
    dead_letters: int = 0
    groups: list[GroupView] = []


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """A session that has not ended.

    ``backlog_s`` is audio that was accepted and is not decided yet (an utterance that is not over belongs to
    it), ``real_time_factor`` what was worked off by what could be in real time (1 keeps up; None: not known
    yet), ``worker`` who holds its lease.
    """

    id: str
    status: str
    profile: str
    owner_key: str
    age_s: float
    received_s: float = 0.0
    backlog_s: float = 0.0
    real_time_factor: float | None = None
    worker: str = ""
    generation: int = 0


class BotView(msgspec.Struct, frozen=True, kw_only=True):
    """A bot that has not ended; ``degraded`` empty, or what it lacks."""

    id: str
    session_id: str
    driver: str
    state: str
    age_s: float
    worker: str = ""
    degraded: str = ""


class RedisView(msgspec.Struct, frozen=True, kw_only=True):
    """Redis itself. ``state`` is "ok" or why not."""

    state: str
    version: str = ""
    role: str = ""
    used_memory_bytes: int = 0
    max_memory_bytes: int = 0
    clients: int = 0
    answer_ms: float = 0.0
    aof_last_write: str = ""


class Anomaly(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that holds now."""

    rule: str
    subject: str
    severity: Severity
    measure: str
    value: float
    since_ms: int
    message: str


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The whole installation in one look, at ``time_ms`` (unix ms) by the monitoring process ``monitor``.

    ``measures`` are those that rules are about; a name with a subject is ``<measure>|<subject>``. Those of
    single sessions are in ``sessions``. ``unseen`` are parts that could not be looked at this time, and why.
    """

    time_ms: int
    monitor: str
    status: Status
    redis: RedisView
    services: list[ServiceView] = []
    processes: list[ProcessView] = []
    streams: list[StreamView] = []
    sessions: list[SessionView] = []
    sessions_total: int = 0
    bots: list[BotView] = []
    bots_by_state: dict[str, int] = {}
    fleets: dict[str, dict[str, float]] = {}
    anomalies: list[Anomaly] = []
    measures: dict[str, float] = {}
    config_version: int = 0
    unseen: dict[str, str] = {}
