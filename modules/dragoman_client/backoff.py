"""When to try again: exponential growth with full jitter, bounded in time.

Source: "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): full jitter spreads clients that lost
the same server at the same moment best. The first waits are short, and stay so while an outage is young: a
server that restarts is back in seconds, and captions must not wait for a client that sleeps.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

RECONNECT_S = 60.0
"""How long a lost connection is tried again by default."""


@dataclass(slots=True)
class Backoff:
    """Waiting times of one outage.

    A wait is drawn from zero up to a bound that doubles from ``first_s`` to ``ceiling_s``; after ``young_s``
    of the outage, or when the server asks for a pause, to ``late_ceiling_s``. ``give_up_s`` bounds the whole
    outage, with the attempts themselves.
    """

    first_s: float = 0.05
    ceiling_s: float = 0.5
    young_s: float = 30.0
    late_ceiling_s: float = 5.0
    give_up_s: float = RECONNECT_S
    draw: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic
    began_at: float | None = field(default=None, init=False)
    attempts: int = field(default=0, init=False)

    def reset(self) -> None:
        """A connection worked: the outage is over."""
        self.began_at = None
        self.attempts = 0

    def next_wait_s(self, *, pause: bool = False) -> float | None:
        """How long to wait before the next attempt; None when the outage has lasted too long.

        Args:
            pause: The server is there and asks not to be asked at once (close codes 4100 to 4199, or a
                refusal that may pass): the bound begins at ``2 * ceiling_s``.

        """
        now = self.clock()
        if self.began_at is None:
            self.began_at = now
        lasted_s = now - self.began_at
        if lasted_s >= self.give_up_s:
            return None
        first_s = 2 * self.ceiling_s if pause else self.first_s
        ceiling_s = self.late_ceiling_s if pause or lasted_s >= self.young_s else self.ceiling_s
        top_s = min(ceiling_s, first_s * 2.0 ** min(self.attempts, 30))
        self.attempts += 1
        # Never quite zero, so that a server which refuses at once cannot make this a busy loop; and never
        # much past the end, so that the last attempt comes in time.
        wait_s = max(first_s / 2, self.draw() * top_s)
        return min(wait_s, max(self.first_s, self.give_up_s - lasted_s))
