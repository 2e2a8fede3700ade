"""When to try again: exponential growth with full jitter, bounded in time.

Source: "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): full jitter spreads clients that lost
the same server at the same moment best.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Backoff:
    """Waiting times of one outage.

    ``first_s`` and ``ceiling_s`` bound a single wait, ``give_up_s`` the whole outage.
    """

    first_s: float = 0.1
    ceiling_s: float = 5.0
    give_up_s: float = 60.0
    draw: Callable[[], float] = random.random
    waited_s: float = field(default=0.0, init=False)
    attempts: int = field(default=0, init=False)

    def reset(self) -> None:
        """A connection worked: the outage is over."""
        self.waited_s = 0.0
        self.attempts = 0

    def next_wait_s(self) -> float | None:
        """How long to wait before the next attempt; None when the outage has lasted too long."""
        if self.waited_s >= self.give_up_s:
            return None
        top_s = min(self.ceiling_s, self.first_s * 2.0 ** min(self.attempts, 30))
        self.attempts += 1
        # Never quite zero, so that a server which refuses at once cannot make this a busy loop.
        wait_s = max(self.first_s / 2, self.draw() * top_s)
        self.waited_s += wait_s
        return wait_s
