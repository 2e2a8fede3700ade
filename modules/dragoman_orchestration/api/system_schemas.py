"""Bodies of ``/v1/system``. The overview's are those of ``dragoman_contracts.monitoring``, field by field."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from pydantic import BaseModel, Field

from dragoman_contracts.events import UsageMetrics
from dragoman_contracts.monitoring import Overview
from dragoman_orchestration.session.fleet import Fleet

EXAMPLE_ID = "0f3c1d2e4b5a69788796a5b4c3d2e1f0"
EXAMPLE_WORKER = "host-4711-a1b2c3"

Status = Literal["ok", "degraded", "down"]


class FleetHealth(BaseModel):
    """The workers of one profile, as they told within the last seconds."""

    workers: int = Field(examples=[2])
    sessions: int = Field(description="Sessions that they hold.", examples=[180])
    room: int = Field(
        description="New sessions that they would take; 0: new ones are refused.", examples=[70]
    )
    level: int = Field(description="Level of degradation; 0: full service.", examples=[0])
    lag_ms: int = Field(description="Lag of the slowest worker's sessions.", examples=[140])

    @classmethod
    def of(cls, fleet: Fleet) -> FleetHealth:
        """From the workers' reports."""
        return cls(
            workers=len(fleet.reports),
            sessions=fleet.sessions,
            room=fleet.room,
            level=fleet.level,
            lag_ms=fleet.lag_ms,
        )


class MonitorHealth(BaseModel):
    """The whole installation, in short, as the monitor saw it last."""

    status: Status = Field(examples=["ok"])
    monitor: str = Field(description="The monitoring process that looked.", examples=[EXAMPLE_WORKER])
    age_ms: int = Field(description="How long ago that was.", examples=[850])
    anomalies: int = Field(description="Anomalies that are open.", examples=[0])

    @classmethod
    def of(cls, overview: Overview) -> MonitorHealth:
        """From the newest overview."""
        return cls(
            status=overview.status,
            monitor=overview.monitor,
            age_ms=age_ms(overview),
            anomalies=len(overview.anomalies),
        )


class SystemHealth(BaseModel):
    """The parts of the installation as this process sees them."""

    status: Literal["ok", "degraded"] = Field(examples=["ok"])
    parts: dict[str, str] = Field(
        description="For each part `ok`, or why it is not.", examples=[{"redis": "ok", "whisper": "ok"}]
    )
    fleets: dict[str, FleetHealth] = Field(
        description="The audio workers by profile.",
        examples=[{"cpu": {"workers": 2, "sessions": 180, "room": 70, "level": 0, "lag_ms": 140}}],
    )
    speakers: int = Field(description="Audio sockets of this process.", examples=[4])
    viewers: int = Field(description="Events sockets of this process.", examples=[12])
    monitor: MonitorHealth | None = Field(
        None,
        description="What the monitor saw last; null if none has looked within the last seconds.",
        examples=[{"status": "ok", "monitor": EXAMPLE_WORKER, "age_ms": 850, "anomalies": 0}],
    )


# --- the overview ---------------------------------------------------------------------------------------


class RedisSeen(BaseModel):
    """Redis itself."""

    state: str = Field(description="`ok`, or why not.", examples=["ok"])
    version: str = Field(examples=["7.0.15"])
    role: str = Field(examples=["master"])
    used_memory_bytes: int = Field(examples=[41_943_040])
    max_memory_bytes: int = Field(description="0: no limit.", examples=[0])
    clients: int = Field(examples=[14])
    answer_ms: float = Field(examples=[0.4])
    aof_last_write: str = Field(description="Empty where there is no append-only file.", examples=["ok"])


class ServiceSeen(BaseModel):
    """A whisper or translation service."""

    name: str = Field(examples=["whisper"])
    url: str = Field(examples=["http://127.0.0.1:8001"])
    state: str = Field(description="`ok`, or why not.", examples=["ok"])
    version: str = Field(examples=["0.1.0"])
    answer_ms: float = Field(examples=[1.8])
    config_checksum: str = Field(description="Of what it was asked to run with.", examples=["44136fa3"])


class ProcessSeen(BaseModel):
    """A process that reports itself, or one that went without a word."""

    name: str = Field(examples=[EXAMPLE_WORKER])
    kind: str = Field(description="api, audio, config, bots or monitoring.", examples=["audio"])
    profile: str = Field(examples=["cpu"])
    version: str = Field(examples=["0.1.0"])
    state: str = Field(description="`ok`, or why not.", examples=["ok"])
    age_ms: int = Field(description="Since its last report came.", examples=[700])
    uptime_s: float = Field(examples=[86_400])
    skew_ms: int = Field(description="Its clock minus that of Redis.", examples=[0])
    config_version: int = Field(examples=[7])
    breakers: dict[str, str] = Field(examples=[{"the whisper service": "closed"}])
    measures: dict[str, float] = Field(examples=[{"sessions": 90}])


class GroupSeen(BaseModel):
    """A consumer group of a stream."""

    group: str = Field(examples=["monitoring"])
    consumers: int = Field(examples=[2])
    pending: int = Field(description="Delivered and not acknowledged.", examples=[0])
    lag: int | None = Field(description="Not delivered yet; null: cannot be told.", examples=[0])
    oldest_idle_ms: int = Field(description="How long the oldest delivery waits.", examples=[0])


class StreamSeen(BaseModel):
    """A control stream, or `sessions:<profile>`: what workers lease sessions from."""

    name: str = Field(examples=["stream:audio-results"])
    length: int = Field(examples=[120])
    dead_letters: int = Field(examples=[0])
    groups: list[GroupSeen]


class SessionSeen(BaseModel):
    """A session that has not ended."""

    id: str = Field(examples=[EXAMPLE_ID])
    status: str = Field(examples=["live"])
    profile: str = Field(examples=["cpu"])
    owner_key: str = Field(description="Name of its API key.", examples=["app"])
    age_s: float = Field(examples=[312.4])
    received_s: float = Field(description="Audio that was accepted.", examples=[310.2])
    backlog_s: float = Field(
        description="Audio that is not decided yet; an utterance that is not over belongs to it.",
        examples=[2.1],
    )
    real_time_factor: float | None = Field(
        description="Worked off by what could be in real time; 1 keeps up, null: not known yet.",
        examples=[1.0],
    )
    worker: str = Field(description="Who holds its lease; empty: nobody.", examples=[EXAMPLE_WORKER])
    generation: int = Field(description="Workers that had it so far.", examples=[1])


class BotSeen(BaseModel):
    """A bot that has not ended."""

    id: str = Field(examples=[EXAMPLE_ID])
    session_id: str = Field(examples=[EXAMPLE_ID])
    driver: str = Field(examples=["browser"])
    state: str = Field(examples=["active"])
    age_s: float = Field(examples=[95.0])
    worker: str = Field(examples=[EXAMPLE_WORKER])
    degraded: str = Field(description="Empty, or what it lacks.", examples=[""])


class AnomalySeen(BaseModel):
    """A rule that holds now."""

    rule: str = Field(examples=["backlog_seconds"])
    subject: str = Field(examples=[EXAMPLE_ID])
    severity: Literal["info", "warning", "critical"] = Field(examples=["warning"])
    measure: str = Field(examples=["backlog_seconds"])
    value: float = Field(examples=[24.0])
    since_ms: int = Field(description="Unix ms.", examples=[1_738_324_800_000])
    message: str = Field(examples=[f"backlog seconds of {EXAMPLE_ID} is 24, above 20"])


class SystemOverview(BaseModel):
    """The whole installation in one look of the monitor."""

    time_ms: int = Field(description="Of the look, unix ms.", examples=[1_738_324_800_000])
    age_ms: int = Field(description="How long ago that was.", examples=[850])
    monitor: str = Field(description="The monitoring process that looked.", examples=[EXAMPLE_WORKER])
    status: Status = Field(examples=["ok"])
    redis: RedisSeen
    services: list[ServiceSeen]
    processes: list[ProcessSeen]
    streams: list[StreamSeen]
    sessions: list[SessionSeen] = Field(description="Those that are behind first, then the newest.")
    sessions_total: int = Field(examples=[180])
    bots: list[BotSeen]
    bots_by_state: dict[str, int] = Field(examples=[{"active": 2, "completed": 17}])
    fleets: dict[str, dict[str, float]] = Field(
        description="The audio workers by profile.",
        examples=[{"cpu": {"workers": 2, "sessions": 180, "room": 70, "level": 0, "lag_ms": 140}}],
    )
    anomalies: list[AnomalySeen]
    measures: dict[str, float] = Field(
        description="What rules are about; `<measure>|<subject>` where there are several.",
        examples=[{"redis_away": 0, "stream_lag|stream:audio-results/monitoring": 0}],
    )
    config_version: int = Field(description="Of the runtime configuration in force.", examples=[7])
    unseen: dict[str, str] = Field(
        description="Parts that could not be looked at this time, and why.", examples=[{}]
    )

    @classmethod
    def of(cls, overview: Overview) -> SystemOverview:
        """From the contract's overview."""
        told: dict[str, Any] = msgspec.to_builtins(overview)
        return cls.model_validate({**told, "age_ms": age_ms(overview)})


# --- usage ----------------------------------------------------------------------------------------------


class KeyUsage(BaseModel):
    """What an API key used on a day."""

    day: str = Field(description="UTC.", examples=["2025-01-31"])
    owner_key: str = Field(description="Name of the API key.", examples=["app"])
    audio_ms: int = Field(description="Audio of sessions that ended on that day.", examples=[5_400_000])
    sessions: int = Field(description="Sessions that ended on that day.", examples=[12])
    translated_chars: int = Field(description="Characters of translated finals.", examples=[48_210])
    bots: int = Field(description="Bots that were asked for.", examples=[3])


class SystemUsage(BaseModel):
    """Usage by day and API key, the oldest day first. A live session counts at its end."""

    usage: list[KeyUsage]

    @classmethod
    def of(cls, found: Iterable[UsageMetrics]) -> SystemUsage:
        """From the sums."""
        return cls(usage=[KeyUsage.model_validate(msgspec.to_builtins(one)) for one in found])


def age_ms(overview: Overview) -> int:
    """How long ago a look was; never negative, for clocks differ."""
    return max(0, time.time_ns() // 1_000_000 - overview.time_ms)
