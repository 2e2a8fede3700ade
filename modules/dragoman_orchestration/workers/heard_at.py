"""When which audio of a session was heard: the lateness of its captions is measured from there. Pure."""

from __future__ import annotations

from bisect import bisect_left
from operator import itemgetter

_TO_MS = itemgetter(0)


class HeardAt:
    """Remembers when the audio up to a session time was heard, for what is not decided yet."""

    def __init__(self) -> None:
        self._heard: list[tuple[int, float]] = []

    def heard(self, to_ms: int, now_s: float) -> None:
        """At ``now_s`` the audio up to session time ``to_ms`` was there."""
        self._heard.append((to_ms, now_s))

    def since_s(self, end_ms: int, now_s: float) -> float | None:
        """How long the audio up to ``end_ms`` has been there; None if that is not known any more."""
        index = bisect_left(self._heard, end_ms, key=_TO_MS)
        return now_s - self._heard[index][1] if index < len(self._heard) else None

    def forget(self, before_ms: int) -> None:
        """Nothing will be asked about audio before ``before_ms``."""
        del self._heard[: bisect_left(self._heard, before_ms, key=_TO_MS)]
