"""The pace at which captured audio is given on: as it would be heard. Pure."""

from __future__ import annotations

from collections.abc import Callable

from dragoman_bots.drivers.base import AUDIO

LIVE_LEAD_S = 5.0
"""How far a source without a length may run ahead. A live one sends a burst first, which is given on at once:
held back, it would delay all that follows. A recording without a length is held to this."""


class Pace:
    """Tells how long to wait before the next chunk.

    Args:
        clock: Seconds, monotonic.
        live: Whether the source may be live: it comes at a pace of its own.

    """

    def __init__(self, clock: Callable[[], float], *, live: bool) -> None:
        self._clock = clock
        self._lead_s = LIVE_LEAD_S if live else 0.0
        self._started_at = clock()
        self._given_s = 0.0

    def wait_s(self, byte_count: int) -> float:
        """Count a chunk; seconds until its last sample would have been heard.

        A source that fell behind is not made up for: its time counts anew from there.
        """
        self._given_s += byte_count / AUDIO.bytes_per_second
        now = self._clock()
        due_at = self._started_at + self._given_s
        if due_at < now:
            self._started_at += now - due_at
            return 0.0
        return max(0.0, due_at - now - self._lead_s)
