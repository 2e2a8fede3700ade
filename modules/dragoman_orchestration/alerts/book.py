"""What was told to whom: in Redis while it is there, in memory always, so that alerts go out without it.

Each alert is one record, and each receiver's part of it says when it was told last: what remains to be told
follows from these alone, so that a process that takes over tells what its predecessor could not, and no more.
Whoever sees anomalies writes the records, whoever tells writes the parts; so neither overwrites the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
from loguru import logger

from dragoman_contracts.errors import BusUnavailable
from dragoman_contracts.monitoring import Anomaly
from dragoman_contracts.streams import AlertKeys
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.broker.wire import Command

MAX_ALERTS = 5000
FORGOTTEN_MS = 86_400_000
"""A recovery that a receiver could not be told for this long is not news any more."""

_FORGET = (Path(__file__).parent / "lua" / "forget_alert.lua").read_text()


class Alert(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An anomaly on its way to people. ``told``: receiver → unix ms of the last time."""

    anomaly: Anomaly
    opened_ms: int
    resolved_ms: int = 0
    told: dict[str, int] = {}

    @property
    def is_open(self) -> bool:
        """Whether the anomaly holds still."""
        return self.resolved_ms == 0


_decoder = msgspec.json.Decoder(Alert)


def identity(anomaly: Anomaly) -> str:
    """What makes two anomalies the same alert."""
    return f"{anomaly.rule}|{anomaly.subject}"


class AlertBook:
    """The records as this process knows them, and their twin in Redis; None: there is no Redis."""

    def __init__(self, broker: RedisBroker | None) -> None:
        self._broker = broker
        self._alerts: dict[str, Alert] = {}
        self._changed: set[str] = set()
        self._told: set[tuple[str, str]] = set()
        self._forgotten: dict[str, bytes] = {}
        """With each alert's record as it was known when it was forgotten."""
        self._raw: dict[str, bytes] = {}
        """The records as Redis had them when they were last read or written."""
        self._run = ""

    def __len__(self) -> int:
        return sum(alert.is_open for alert in self._alerts.values())

    def alerts(self) -> list[Alert]:
        """Copies of all records, the oldest first."""
        copies = [msgspec.structs.replace(one, told=dict(one.told)) for one in self._alerts.values()]
        return sorted(copies, key=lambda alert: (alert.opened_ms, alert.anomaly.rule))

    def opened(self, anomaly: Anomaly, now_ms: int) -> None:
        """An anomaly holds; one that is known already is the same alert, also if it was away for a moment."""
        key = identity(anomaly)
        known = self._alerts.get(key)
        if known is not None and known.is_open:
            return
        if known is None and len(self._alerts) >= MAX_ALERTS:
            logger.error("there are {} alerts: {} is not told", MAX_ALERTS, anomaly.rule)
            return
        told = known.told if known is not None else {}
        self._alerts[key] = Alert(anomaly=anomaly, opened_ms=now_ms, told=told)
        self._changed.add(key)
        self._forgotten.pop(key, None)

    def resolved(self, anomaly: Anomaly, now_ms: int) -> None:
        """It is over; whoever was told of it is told that, nobody else."""
        key = identity(anomaly)
        known = self._alerts.get(key)
        if known is not None and known.is_open:
            known.resolved_ms = now_ms
            self._changed.add(key)

    def told(self, alerts: Iterable[Alert], receiver: str, now_ms: int) -> None:
        """A receiver has taken these, copies as it was told them: which are open, and which are over."""
        for copy in alerts:
            key = identity(copy.anomaly)
            known = self._alerts.get(key)
            if known is None:
                continue
            if copy.is_open:
                known.told[receiver] = now_ms
            else:
                known.told.pop(receiver, None)
            self._told.add((receiver, key))

    def tidy(self, receivers: Iterable[str], now_ms: int) -> None:
        """Forget what is over and told to all of ``receivers`` who had heard of it; for the one who tells."""
        known = set(receivers)
        for key, alert in list(self._alerts.items()):
            nobody_waits = known.isdisjoint(alert.told) or now_ms - alert.resolved_ms > FORGOTTEN_MS
            if not alert.is_open and nobody_waits:
                self._told |= {(receiver, key) for receiver in alert.told}
                del self._alerts[key]
                self._changed.discard(key)
                if key in self._raw:
                    self._forgotten[key] = self._raw[key]

    async def sync(self, *, keep_mine: bool = False) -> bool:
        """Bring memory and Redis together; whether Redis is there.

        Args:
            keep_mine: what Redis does not have it has lost, for nobody else forgets alerts now.

        """
        if self._broker is None:
            return False
        try:
            run = await self._broker.server_run(AlertKeys.OPEN)
            flats = await self._broker.ask([("HGETALL", AlertKeys.OPEN), ("HGETALL", AlertKeys.TOLD)])
            # Another run of Redis may lack the last writes of the one before.
            self._take_over(_read(*flats), keep_mine=keep_mine or self._run not in {"", run})
            self._raw = _pairs(flats[0])
            self._run = run
            await self._write(self._broker)
        except BusUnavailable:
            return False
        return True

    def _take_over(self, stored: dict[str, Alert], *, keep_mine: bool) -> None:
        for key, theirs in stored.items():
            mine = self._alerts.get(key)
            if mine is None:
                if key not in self._forgotten:
                    self._alerts[key] = theirs
                continue
            own = {receiver for receiver, of in self._told if of == key}
            kept = {name: at for name, at in mine.told.items() if name in own}
            others = {name: at for name, at in theirs.told.items() if name not in own}
            base = mine if key in self._changed else theirs
            self._alerts[key] = msgspec.structs.replace(base, told=others | kept)
        for key in [key for key in self._alerts if key not in stored and key not in self._changed]:
            if keep_mine:
                self._changed.add(key)
            else:
                del self._alerts[key]
        if keep_mine:
            # Where the record is lost its parts are too; to write them all again harms nothing.
            self._told |= {(name, key) for key, alert in self._alerts.items() for name in alert.told}

    async def _write(self, broker: RedisBroker) -> None:
        changed, told, forgotten = self._changed, self._told, self._forgotten
        self._changed, self._told, self._forgotten = set(), set(), {}
        records = {key: self._record(key) for key in changed if key in self._alerts}
        # The parts first: a record without them would be told again.
        commands = [
            *(self._part(receiver, key) for receiver, key in told),
            *(("HSET", AlertKeys.OPEN, key, raw) for key, raw in records.items()),
            *(("EVAL", _FORGET, 1, AlertKeys.OPEN, key, raw) for key, raw in forgotten.items()),
        ]
        try:
            if commands:
                await broker.ask(commands)
        except BusUnavailable:
            self._changed |= changed
            self._told |= told
            self._forgotten |= {key: raw for key, raw in forgotten.items() if key not in self._alerts}
            raise
        self._raw |= records

    def _part(self, receiver: str, key: str) -> Command:
        alert = self._alerts.get(key)
        at_ms = alert.told.get(receiver) if alert is not None else None
        field = f"{receiver}|{key}"
        return ("HDEL", AlertKeys.TOLD, field) if at_ms is None else ("HSET", AlertKeys.TOLD, field, at_ms)

    def _record(self, key: str) -> bytes:
        return msgspec.json.encode(msgspec.structs.replace(self._alerts[key], told={}))


def _pairs(flat: list[bytes]) -> dict[str, bytes]:
    walk = iter(flat)
    return {name.decode(errors="replace"): value for name, value in zip(walk, walk, strict=True)}


def _read(records: list[bytes], parts: list[bytes]) -> dict[str, Alert]:
    alerts = {}
    for key, raw in _pairs(records).items():
        try:
            alerts[key] = _decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue  # of another version: it is opened anew
    for field, at_ms in _pairs(parts).items():
        receiver, _, key = field.partition("|")
        if key in alerts and at_ms.isdigit():
            alerts[key].told[receiver] = int(at_ms)
    return alerts
