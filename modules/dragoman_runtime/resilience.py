"""What keeps a failing service from being asked again and again: a circuit breaker and jittered pauses."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from purgatory import SyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState

from dragoman_contracts.errors import EngineUnavailable


class CircuitBreaker:
    """Opens after ``threshold`` failures in a row; lets one call try after ``open_s`` seconds.

    Built on purgatory (https://purgatory-circuitbreaker.readthedocs.io/), whose synchronous breaker serves:
    its guard never waits.
    """

    def __init__(self, name: str, *, threshold: int = 5, open_s: float = 2.0) -> None:
        self._name = name
        self._factory = SyncCircuitBreakerFactory(default_threshold=threshold, default_ttl=open_s)

    @property
    def name(self) -> str:
        """What it guards."""
        return self._name

    @property
    def state(self) -> str:
        """``closed``, ``opened`` or ``half-opened``."""
        return str(self._factory.get_breaker(self._name).context.state)

    @contextmanager
    def guard(self, *failures: type[Exception]) -> Iterator[None]:
        """Run the body unless the circuit is open; only ``failures`` count against the service.

        Raises:
            EngineUnavailable: the circuit is open.

        """

        def is_answer(error: BaseException) -> bool:
            # An answer, if no welcome one, or a cancelled call: the service is there.
            return not isinstance(error, failures)

        try:
            with self._factory.get_breaker(self._name, exclude=[(BaseException, is_answer)]):
                yield
        except OpenedState:
            raise EngineUnavailable(f"{self._name} failed repeatedly; it is tried again shortly") from None


@dataclass(slots=True)
class Backoff:
    """Exponential pauses with full jitter
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), in seconds.
    """

    base_s: float = 0.1
    cap_s: float = 3.0
    failures: int = 0

    def next_s(self) -> float:
        """Count a failure; how long to wait before the next try."""
        self.failures += 1
        return random.uniform(self.base_s / 2, min(self.cap_s, self.base_s * 2**self.failures))

    def reset(self) -> None:
        """It worked."""
        self.failures = 0
