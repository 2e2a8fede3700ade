"""Who is told of anomalies beside the stream."""

from __future__ import annotations

from typing import Protocol

from dragoman_contracts.monitoring import Anomaly


class AlertSink(Protocol):
    """Takes what opened and what is over. Neither waits nor fails: it queues."""

    def opened(self, anomaly: Anomaly) -> None:
        """A rule holds."""
        ...

    def resolved(self, anomaly: Anomaly) -> None:
        """What was told is over."""
        ...
