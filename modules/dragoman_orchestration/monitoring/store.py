"""What monitors keep in Redis: the overview for everybody, and what the leader that follows must know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from dragoman_contracts.events import ConfigDriftDetected, UsageMetrics
from dragoman_contracts.monitoring import Anomaly, Overview
from dragoman_contracts.streams import MonitoringKeys
from dragoman_orchestration.monitoring.looks.processes import GoneProcess
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.broker.wire import Command

KEEP_S = 7 * 86_400
"""What nobody writes any more is forgotten after this."""
DRIFT_KEPT_S = 86_400

S = TypeVar("S", bound=msgspec.Struct)


class KeptAnomaly(msgspec.Struct, frozen=True):
    """An open anomaly. ``told`` False: whoever found it may have died before it was told."""

    anomaly: Anomaly
    told: bool


class Recovery(msgspec.Struct, frozen=True):
    """When something was asked for last (unix ms), and how often."""

    asked_ms: int
    times: int


class MonitoringStore:
    """The keys of monitoring. Every method raises ``BusUnavailable`` while Redis is away."""

    def __init__(self, broker: RedisBroker) -> None:
        self._broker = broker

    async def keep_overview(self, overview: Overview, *, valid_s: float) -> None:
        """Replace it; after ``valid_s`` it is no more."""
        await self._ask(
            ("SET", MonitoringKeys.OVERVIEW, msgspec.json.encode(overview), "PX", int(valid_s * 1000))
        )

    async def overview(self) -> Overview | None:
        """The newest one; None if no monitor of this version has looked lately."""
        [raw] = await self._ask(("GET", MonitoringKeys.OVERVIEW))
        try:
            return msgspec.json.decode(raw, type=Overview) if raw else None
        except msgspec.DecodeError:
            return None

    async def anomalies(self) -> list[KeptAnomaly]:
        """What is open."""
        return list((await self._hash(MonitoringKeys.ANOMALIES, KeptAnomaly)).values())

    async def keep_anomalies(self, kept: Iterable[KeptAnomaly]) -> None:
        """Write or replace these."""
        await self._put(MonitoringKeys.ANOMALIES, {place_of(one.anomaly): one for one in kept})

    async def drop_anomalies(self, anomalies: Iterable[Anomaly]) -> None:
        """They are over."""
        await self._drop(MonitoringKeys.ANOMALIES, [place_of(one) for one in anomalies])

    async def gone(self) -> dict[str, GoneProcess]:
        """The processes that are missed, by name."""
        return await self._hash(MonitoringKeys.GONE, GoneProcess)

    async def keep_gone(self, gone: Mapping[str, GoneProcess]) -> None:
        """Replace all of them."""
        known = await self.gone()
        await self._put(MonitoringKeys.GONE, {name: one for name, one in gone.items() if name not in known})
        await self._drop(MonitoringKeys.GONE, [name for name in known if name not in gone])

    async def recoveries(self) -> dict[str, Recovery]:
        """What was asked for."""
        return await self._hash(MonitoringKeys.RECOVERIES, Recovery)

    async def keep_recovery(self, name: str, recovery: Recovery) -> None:
        """Note that it was asked for."""
        await self._put(MonitoringKeys.RECOVERIES, {name: recovery})

    async def drop_recoveries(self, names: Sequence[str]) -> None:
        """They count no more."""
        await self._drop(MonitoringKeys.RECOVERIES, names)

    async def drift(self) -> dict[str, ConfigDriftDetected]:
        """What the config worker told last, by part."""
        return await self._hash(MonitoringKeys.DRIFT, ConfigDriftDetected)

    async def keep_drift(self, event: ConfigDriftDetected) -> None:
        """Note what the config worker told last of a part."""
        await self._put(MonitoringKeys.DRIFT, {event.part: event}, keep_s=DRIFT_KEPT_S)

    async def forget_drift(self) -> None:
        """Another configuration is in force: what was told was of the one before."""
        await self._ask(("DEL", MonitoringKeys.DRIFT))

    async def usage_told(self) -> dict[str, UsageMetrics]:
        """The usage that was published last, by day and key."""
        return await self._hash(MonitoringKeys.USAGE_TOLD, UsageMetrics)

    async def keep_usage_told(self, place: str, usage: UsageMetrics) -> None:
        """It was published."""
        await self._put(MonitoringKeys.USAGE_TOLD, {place: usage})

    async def drop_usage_told(self, places: Sequence[str]) -> None:
        """They are of the past."""
        await self._drop(MonitoringKeys.USAGE_TOLD, places)

    async def _hash(self, key: str, kind: type[S]) -> dict[str, S]:
        [flat] = await self._ask(("HGETALL", key))
        walk = iter(flat)
        found = {}
        for name, raw in zip(walk, walk, strict=True):
            try:
                found[name.decode()] = msgspec.json.decode(raw, type=kind)
            except msgspec.DecodeError:
                continue  # of another version
        return found

    async def _put(self, key: str, values: Mapping[str, msgspec.Struct], *, keep_s: int = KEEP_S) -> None:
        if values:
            pairs = [part for name, one in values.items() for part in (name, msgspec.json.encode(one))]
            await self._ask(("HSET", key, *pairs), ("EXPIRE", key, keep_s))

    async def _drop(self, key: str, names: Sequence[str]) -> None:
        if names:
            await self._ask(("HDEL", key, *names))

    async def _ask(self, *commands: Command) -> list[Any]:
        return await self._broker.ask(commands)


def place_of(anomaly: Anomaly) -> str:
    """Where an anomaly is kept: one of a rule and subject."""
    return f"{anomaly.rule}|{anomaly.subject}"
