"""When to decode again: the step between two drafts of an utterance adapts to the load."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class StepPolicy:
    """The step is ``load_factor`` times the smoothed time an answer takes, within its bounds.

    A recogniser that answers in 50 ms is asked every ``min_step_ms``; one that needs a second is asked every
    two, so that drafts take at most half of a session's share and never queue up behind each other.
    """

    min_step_ms: int = 320
    max_step_ms: int = 2_000
    load_factor: float = 2.0
    smoothing: float = 0.3
    _answer_ms: float = 0.0

    def answered(self, round_trip_ms: float) -> None:
        """Learn how long an answer took, queueing included."""
        self._answer_ms += self.smoothing * (round_trip_ms - self._answer_ms)

    @property
    def step_ms(self) -> int:
        """New audio that a window must have before it is decoded again."""
        return int(min(self.max_step_ms, max(self.min_step_ms, self.load_factor * self._answer_ms)))
