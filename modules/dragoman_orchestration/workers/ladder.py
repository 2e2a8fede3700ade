"""What a worker does without while it is overloaded: a ladder with hysteresis. Pure, no clock.

One step down the ladder of service after the lag has been high for a while, one back after it has been low
for longer. Between the two thresholds nothing changes, so that a worker at its limit does not swing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """What is given up, in the order that the settings tell."""

    DROP_PARTIALS = "drop_partials"
    """No drafts are decoded; captions come as finals only."""
    DELAY_TRANSLATION = "delay_translation"
    """Translations may come later than their finals."""
    SMALLER_MODEL = "smaller_model"
    """Windows go to the fallback whisper service."""
    REFUSE_SESSIONS = "refuse_sessions"
    """No new sessions; those of a worker that died are still taken over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderLimits:
    """Lags in ms, times in s: one level up after ``degrade_after_s`` above ``degrade_lag_ms``, one down after
    ``recover_after_s`` below ``recover_lag_ms``.
    """

    degrade_lag_ms: int = 1_500
    degrade_after_s: float = 6.0
    recover_lag_ms: int = 500
    recover_after_s: float = 5.0


class Ladder:
    """The level of degradation: 0 is full service, each level adds one of ``steps``."""

    def __init__(self, steps: Sequence[Step], limits: LadderLimits | None = None) -> None:
        self._steps = tuple(steps)
        self._limits = limits or LadderLimits()
        self._high_since: float | None = None
        self._low_since: float | None = None
        self.level = 0

    def retune(self, steps: Sequence[Step], limits: LadderLimits) -> None:
        """Judge by other limits; steps that are taken stay taken, as far as there are as many."""
        self._steps, self._limits = tuple(steps), limits
        self.level = min(self.level, len(self._steps))

    @property
    def in_effect(self) -> tuple[Step, ...]:
        """The steps taken at this level."""
        return self._steps[: self.level]

    def observe(self, lag_ms: int, now_s: float) -> bool:
        """Take the lag at ``now_s`` (any monotonic clock); whether the level changed."""
        limits = self._limits
        self._high_since = _since(self._high_since, lag_ms > limits.degrade_lag_ms, now_s)
        self._low_since = _since(self._low_since, lag_ms < limits.recover_lag_ms, now_s)
        if _lasts(self._high_since, limits.degrade_after_s, now_s) and self.level < len(self._steps):
            self.level += 1
            self._high_since = now_s
            return True
        if _lasts(self._low_since, limits.recover_after_s, now_s) and self.level > 0:
            self.level -= 1
            self._low_since = now_s
            return True
        return False


def _since(before: float | None, holds: bool, now_s: float) -> float | None:
    if not holds:
        return None
    return now_s if before is None else before


def _lasts(since: float | None, for_s: float, now_s: float) -> bool:
    return since is not None and now_s - since >= for_s


class Pace:
    """How far a session's audio runs ahead of the clock.

    A recording that is sent faster than it plays waits at any recogniser, however quick: that is no overload.
    Its audio counts as if it came at ``catch_up`` times real time. So does the backlog after a takeover;
    being ahead fades while audio comes in real time.
    """

    def __init__(self, *, catch_up: float = 2.0, most_s: float = 20.0) -> None:
        self._catch_up = catch_up
        self._most_s = most_s
        self._due_s = -math.inf

    def heard(self, audio_ms: int, now_s: float) -> None:
        """So much audio came at ``now_s``."""
        due_s = max(self._due_s, now_s) + audio_ms / 1000 / self._catch_up
        self._due_s = min(due_s, now_s + self._most_s)

    def ahead_ms(self, now_s: float) -> int:
        """Audio that a speaker would not have said by now."""
        return max(0, int((self._due_s - now_s) * 1000)) if math.isfinite(self._due_s) else 0


def percentile_90(values: Iterable[int]) -> int:
    """The nearest-rank 90th percentile; 0 of nothing."""
    ordered = sorted(values)
    return ordered[math.ceil(0.9 * len(ordered)) - 1] if ordered else 0
