"""What each API key uses, by day (UTC): counted from ``stream:audio-results`` and ``stream:bot-control``.

Delivery is at least once, and a worker that takes a session over publishes anew what may be out already, with
another ``ce_id``. So what is counted is named by what it is: a session, a segment's translation, a bot. A
session counts at its end, with all its audio; live sessions count nothing yet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from loguru import logger

from dragoman_contracts.envelope import Envelope
from dragoman_contracts.events import (
    AudioSessionEnded,
    BotRequested,
    TranslationCompleted,
    UsageMetrics,
    parse_event,
    to_envelope,
)
from dragoman_contracts.streams import MONITORING, MonitoringKeys, RecordField, SessionKeys
from dragoman_orchestration.monitoring.store import MonitoringStore
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.broker.scripts import Script, TickScripts

KEEP_USAGE_S = 400 * 86_400
KEEP_COUNTED_S = 3 * 86_400
UNKNOWN_KEY = "unknown"
"""Of sessions whose record has expired, or was lost with Redis' memory."""
MEASURES = ("audio_ms", "sessions", "translated_chars", "bots")
_SEPARATOR = "|"

_COUNT = Script.load(Path(__file__).parent / "lua" / "count_usage.lua")


@dataclass(frozen=True, slots=True)
class Countable:
    """Something that is counted once: its name, and what it adds."""

    name: str
    amounts: dict[str, int]


class UsageCounter:
    """Counts events, each once.

    Args:
        broker: Redis.
        shards: number of shards that sessions are placed on.

    """

    def __init__(self, broker: RedisBroker, *, shards: int) -> None:
        self._broker = broker
        self._scripts = TickScripts(broker)
        self._shards = shards

    async def take(self, envelope: Envelope) -> None:
        """Count an event, if it is one that counts.

        Raises:
            EnvelopeInvalid: it is none of this version.
            BusUnavailable: Redis is away; it may be counted, and taking it again counts nothing twice.

        """
        event = parse_event(envelope)
        day = day_of(envelope.time)
        if isinstance(event, AudioSessionEnded):
            amounts = {"audio_ms": event.ledger.received_ms, "sessions": 1}
            await self._count_session(event.session_id, Countable(f"s:{event.session_id}", amounts), day)
        elif isinstance(event, TranslationCompleted):
            name = f"t:{event.session_id}:{event.segment_id}:{event.revision}:{event.target_language}"
            counted = Countable(name, {"translated_chars": len(event.text)})
            await self._count_session(event.session_id, counted, day)
        elif isinstance(event, BotRequested):
            await self._count(event.owner_key, Countable(f"b:{event.bot_id}", {"bots": 1}), day)

    async def _count_session(self, session_id: str, counted: Countable, day: date) -> None:
        record = SessionKeys(session_id, self._shards).record
        [owner] = await self._broker.ask([("HGET", record, RecordField.OWNER_KEY)])
        await self._count((owner or b"").decode(), counted, day)

    async def _count(self, owner_key: str, counted: Countable, day: date) -> None:
        owner = owner_key or UNKNOWN_KEY
        fields = [
            part
            for measure, amount in counted.amounts.items()
            for part in (f"{owner}{_SEPARATOR}{measure}", amount)
        ]
        # Around midnight the same thing may come again with a time of another day.
        days = [day, day - timedelta(days=1), day + timedelta(days=1)]
        await self._scripts.run(
            _COUNT,
            [MonitoringKeys.usage(str(day)), *(MonitoringKeys.counted(str(one)) for one in days)],
            [_digest(counted.name), KEEP_USAGE_S, KEEP_COUNTED_S, *fields],
        )


class UsageReports:
    """Publishes what changed.

    Args:
        broker: Redis.
        source: the monitoring process.

    """

    def __init__(self, broker: RedisBroker, *, source: str) -> None:
        self._broker = broker
        self._store = MonitoringStore(broker)
        self._source = source

    async def publish(self, now: datetime) -> int:
        """Publish the sums of today and yesterday that differ from what was published; how many.

        Raises:
            BusUnavailable: Redis is away.

        """
        days = [now.date() - timedelta(days=1), now.date()]
        told = await self._store.usage_told()
        published = 0
        for usage in await read_usage(self._broker, days):
            place = f"{usage.day}{_SEPARATOR}{usage.owner_key}"
            if told.get(place) == usage:
                continue
            envelope = to_envelope(usage, source=self._source, subject=usage.owner_key)
            await self._broker.publish(MONITORING, envelope.to_fields())
            await self._store.keep_usage_told(place, usage)
            published += 1
        current = {str(day) for day in days}
        await self._store.drop_usage_told([place for place in told if place[:10] not in current])
        return published


async def read_usage(broker: RedisBroker, days: Iterable[date]) -> list[UsageMetrics]:
    """The sums of these days by key, in their order.

    Raises:
        BusUnavailable: Redis is away.

    """
    asked = list(days)
    replies = await broker.ask([("HGETALL", MonitoringKeys.usage(str(day))) for day in asked])
    found = []
    for day, flat in zip(asked, replies, strict=True):
        sums: dict[str, dict[str, int]] = {}
        walk = iter(flat)
        for name, amount in zip(walk, walk, strict=True):
            owner, _, measure = name.decode().rpartition(_SEPARATOR)
            if measure in MEASURES:
                sums.setdefault(owner, {})[measure] = int(amount)
        found += [UsageMetrics(day=str(day), owner_key=owner, **sums[owner]) for owner in sorted(sums)]
    return found


def day_of(time: str) -> date:
    """The day of an envelope's time; today if it tells none."""
    try:
        return datetime.fromisoformat(time).astimezone(UTC).date()
    except ValueError:
        logger.debug("an event tells no time")
        return datetime.now(UTC).date()


def _digest(name: str) -> bytes:
    """8 bytes instead of a name: a day has millions of segments."""
    return hashlib.blake2b(name.encode(), digest_size=8).digest()
