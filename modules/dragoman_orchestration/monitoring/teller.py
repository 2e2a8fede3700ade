"""Tells what changed: to the alert sink at once, to ``stream:monitoring`` as soon as Redis takes it.

Each event's id follows from what it tells, so that one which is told twice (the leader died between telling
and noting it) is known as a repeat by readers.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Sequence

import msgspec
from loguru import logger

from dragoman_contracts.events import AnomalyDetected, AnomalyResolved, Event, to_envelope
from dragoman_contracts.monitoring import Anomaly
from dragoman_contracts.streams import MONITORING
from dragoman_orchestration.monitoring import gauges
from dragoman_orchestration.monitoring.alerts import AlertSink
from dragoman_orchestration.monitoring.rules import Resolution
from dragoman_runtime.broker.redis import RedisBroker

MAX_WAITING = 1_000
"""Events that wait for Redis; of more the oldest are dropped."""
_NAMESPACE = uuid.UUID("6f6a0c1e-5b1c-4f0a-9a52-0d6b1f3c7e11")


class Teller:
    """One monitor's voice.

    Args:
        broker: Redis.
        sink: told of anomalies beside the stream.
        source: this process, as events name it.

    """

    def __init__(self, broker: RedisBroker, sink: AlertSink, *, source: str) -> None:
        self._broker = broker
        self._sink = sink
        self.source = source
        self._waiting: deque[tuple[str, dict[bytes, bytes]]] = deque(maxlen=MAX_WAITING)

    def opened(self, anomalies: Sequence[Anomaly]) -> None:
        """Tell that these are open."""
        for one in anomalies:
            logger.warning("anomaly {} ({}): {}", one.rule, one.severity, one.message)
            gauges.ALERTS.labels(one.rule, "opened").inc()
            self._sink.opened(one)
            event = AnomalyDetected(**msgspec.structs.asdict(one))
            self.queue(MONITORING, event, subject=one.subject, once=f"opened|{_identity(one)}")

    def resolved(self, resolutions: Sequence[Resolution]) -> None:
        """Tell that these are over."""
        for one in resolutions:
            anomaly = one.anomaly
            logger.info("anomaly {} is over: {}", anomaly.rule, one.message)
            gauges.ALERTS.labels(anomaly.rule, "resolved").inc()
            self._sink.resolved(anomaly)
            event = AnomalyResolved(
                rule=anomaly.rule,
                subject=anomaly.subject,
                severity=anomaly.severity,
                measure=anomaly.measure,
                value=one.value,
                lasted_ms=one.lasted_ms,
                message=one.message,
            )
            self.queue(MONITORING, event, subject=anomaly.subject, once=f"resolved|{_identity(anomaly)}")

    def queue(self, stream: str, event: Event, *, subject: str = "", once: str = "") -> None:
        """An event for a stream; two with the same ``once`` are the same event."""
        envelope = to_envelope(event, source=self.source, subject=subject)
        if once:
            envelope = msgspec.structs.replace(envelope, id=uuid.uuid5(_NAMESPACE, once).hex)
        self._waiting.append((stream, envelope.to_fields()))

    async def flush(self) -> None:
        """Publish what waits, in its order.

        Raises:
            BusUnavailable: Redis is away; what is not published stays.

        """
        while self._waiting:
            stream, fields = self._waiting[0]
            await self._broker.publish(stream, fields)
            self._waiting.popleft()


def _identity(anomaly: Anomaly) -> str:
    return f"{anomaly.rule}|{anomaly.subject}|{anomaly.since_ms}"
