"""What monitors read from the control streams, in the group ``monitoring``; any monitor, not only the leader.

Each has a part in its own stream only and lets the other events by. What is no event, or of another version,
is dead-lettered by the consumer loop.
"""

from __future__ import annotations

from collections.abc import Sequence

from dragoman_contracts.envelope import Envelope
from dragoman_contracts.events import ConfigDriftDetected, ConfigSnapshot, parse_event
from dragoman_contracts.streams import (
    AUDIO_RESULTS,
    BOT_CONTROL,
    CONFIG_SYNC,
    GROUP_MONITORING,
    MONITORING,
)
from dragoman_orchestration.monitoring.store import MonitoringStore
from dragoman_orchestration.monitoring.usage import UsageCounter
from dragoman_runtime.broker.consumer import Consumer, ConsumerOptions, Handler
from dragoman_runtime.broker.redis import RedisBroker

OPTIONS = ConsumerOptions(claim_idle_ms=10_000, claim_every_ms=2_000)


class DriftListener:
    """Notes what the config worker tells of drift.

    Args:
        store: where it is noted.

    """

    def __init__(self, store: MonitoringStore) -> None:
        self._store = store

    async def take(self, envelope: Envelope) -> None:
        """Note it; of another configuration in force, what was told before is of the past.

        Raises:
            EnvelopeInvalid: it is no event of this version.
            BusUnavailable: Redis is away.

        """
        event = parse_event(envelope)
        if isinstance(event, ConfigDriftDetected):
            await self._store.keep_drift(event)
        elif isinstance(event, ConfigSnapshot):
            await self._store.forget_drift()


async def check(envelope: Envelope) -> None:
    """Nothing on ``stream:monitoring`` is for monitors; but what is no event shall not stay unnoticed.

    Raises:
        EnvelopeInvalid: it is no event of this version.

    """
    parse_event(envelope)


def listeners(
    broker: RedisBroker, name: str, *, shards: int, options: ConsumerOptions = OPTIONS
) -> list[Consumer]:
    """The consumer loops of one monitor.

    Args:
        broker: Redis.
        name: of this process.
        shards: number of shards that sessions are placed on.
        options: how the loops behave.

    """
    usage = UsageCounter(broker, shards=shards)
    handlers: Sequence[tuple[str, Handler]] = (
        (AUDIO_RESULTS, usage.take),
        (BOT_CONTROL, usage.take),
        (CONFIG_SYNC, DriftListener(MonitoringStore(broker)).take),
        (MONITORING, check),
    )
    return [
        Consumer(broker, stream, GROUP_MONITORING, name, handler, options=options)
        for stream, handler in handlers
    ]
