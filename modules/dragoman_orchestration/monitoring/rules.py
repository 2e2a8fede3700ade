"""When a measure is an anomaly: rules with hysteresis. Pure: no clock, no Redis.

A measure that could not be seen says nothing: what is open stays open, and what was about to open begins
anew. A subject that is no more (a session that ended) resolves what was open of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dragoman_contracts.config import AnomalyRule
from dragoman_contracts.monitoring import Anomaly
from dragoman_orchestration.monitoring.measures import Look, key_of

MAX_OPEN_PER_RULE = 100
"""Anomalies of one rule at a time: beyond it they say nothing new."""


def is_breached(rule: AnomalyRule, value: float) -> bool:
    """Whether ``value`` is past the rule's threshold."""
    too_high = rule.above is not None and value > rule.above
    return too_high or (rule.below is not None and value < rule.below)


def is_cleared(rule: AnomalyRule, value: float) -> bool:
    """Whether ``value`` is back past ``clear``; never while it is past the threshold."""
    if is_breached(rule, value):
        return False
    if rule.clear is None or (rule.above is not None and rule.below is not None):
        return True  # a band has two edges: one value cannot be inside of both
    return value <= rule.clear if rule.above is not None else value >= rule.clear


@dataclass(frozen=True, slots=True)
class Resolution:
    """An anomaly that is over, at ``value`` after ``lasted_ms``; ``message`` tells how it ended."""

    anomaly: Anomaly
    value: float
    lasted_ms: int
    message: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What one look changed."""

    opened: list[Anomaly] = field(default_factory=list)
    resolved: list[Resolution] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Case:
    """A rule and what was seen of one subject at ``now_s`` (monotonic) and ``now_ms`` (unix)."""

    name: str
    rule: AnomalyRule
    subject: str
    value: float
    reason: str
    now_s: float
    now_ms: int

    def anomaly(self, since_ms: int) -> Anomaly:
        """As it is told."""
        return Anomaly(
            rule=self.name,
            subject=self.subject,
            severity=self.rule.severity,
            measure=self.rule.measure,
            value=self.value,
            since_ms=since_ms,
            message=self.reason or self._message(),
        )

    def _message(self) -> str:
        told = f"{what(self.rule.measure, self.subject)} is {self.value:g}"
        if self.rule.above is not None and self.value > self.rule.above:
            return f"{told}, above {self.rule.above:g}"
        if self.rule.below is not None and self.value < self.rule.below:
            return f"{told}, below {self.rule.below:g}"
        return told


@dataclass(slots=True)
class _Track:
    """A rule on a subject: since when it is breached (closed) or cleared (open)."""

    measure: str
    since_s: float | None = None
    since_ms: int = 0
    open: Anomaly | None = None


class AnomalyWatch:
    """What is open of each rule and subject, carried from look to look.

    Args:
        known: anomalies that are open already: those of the monitor before.

    """

    def __init__(self, known: Iterable[Anomaly] = ()) -> None:
        self._tracks = {(one.rule, one.subject): _Track(one.measure, open=one) for one in known}

    @property
    def open(self) -> list[Anomaly]:
        """What is open, with the values of the last look; the gravest and oldest first."""
        found = [track.open for track in self._tracks.values() if track.open is not None]
        order = {"critical": 0, "warning": 1, "info": 2}
        return sorted(found, key=lambda one: (order[one.severity], one.since_ms, one.rule, one.subject))

    def observe(self, rules: Mapping[str, AnomalyRule], look: Look, *, now_s: float, now_ms: int) -> Changes:
        """Take a look at ``now_s`` (monotonic) and ``now_ms`` (unix)."""
        changes = Changes()
        active = {name: rule for name, rule in rules.items() if rule.enabled}
        families = look.families()
        for (name, subject), track in list(self._tracks.items()):
            rule = active.get(name)
            if rule is None or track.measure != rule.measure:
                self._end(name, subject, changes, now_ms, message="the rule is no more")
            elif subject not in families.get(rule.measure, {}):
                self._unseen(name, subject, look, changes, now_ms)
        for name, rule in active.items():
            for subject, value in families.get(rule.measure, {}).items():
                reason = look.reasons.get(key_of(rule.measure, subject), "")
                self._judge(Case(name, rule, subject, value, reason, now_s, now_ms), changes)
        return changes

    def _unseen(self, name: str, subject: str, look: Look, changes: Changes, now_ms: int) -> None:
        track = self._tracks[name, subject]
        if track.measure in look.complete:
            self._end(name, subject, changes, now_ms, message=f"{subject or track.measure} is no more")
        elif track.open is None:
            del self._tracks[name, subject]
        else:
            track.since_s = None

    def _judge(self, case: Case, changes: Changes) -> None:
        track = self._tracks.get((case.name, case.subject))
        if track is None or track.open is None:
            self._judge_closed(case, changes)
        elif not is_cleared(case.rule, case.value):
            track.since_s = None
            track.open = case.anomaly(track.open.since_ms)
        else:
            track.since_s = case.now_s if track.since_s is None else track.since_s
            if case.now_s - track.since_s >= case.rule.clear_for_s:
                message = f"{what(case.rule.measure, case.subject)} is {case.value:g}"
                self._end(case.name, case.subject, changes, case.now_ms, value=case.value, message=message)

    def _judge_closed(self, case: Case, changes: Changes) -> None:
        place = case.name, case.subject
        if not is_breached(case.rule, case.value):
            self._tracks.pop(place, None)
            return
        track = self._tracks.setdefault(place, _Track(case.rule.measure, case.now_s, case.now_ms))
        since_s = case.now_s if track.since_s is None else track.since_s
        if case.now_s - since_s >= case.rule.for_s and self._has_room(case.name):
            track.open, track.since_s = case.anomaly(track.since_ms), None
            changes.opened.append(track.open)

    def _has_room(self, name: str) -> bool:
        of_rule = sum(key[0] == name and track.open is not None for key, track in self._tracks.items())
        return of_rule < MAX_OPEN_PER_RULE

    def _end(
        self, name: str, subject: str, changes: Changes, now_ms: int, *, message: str, value: float = 0.0
    ) -> None:
        track = self._tracks.pop((name, subject))
        if track.open is not None:
            lasted_ms = max(0, now_ms - track.open.since_ms)
            changes.resolved.append(Resolution(track.open, value, lasted_ms, message))


def what(measure: str, subject: str) -> str:
    """A measure of a subject in words."""
    name = measure.replace("_", " ")
    return f"{name} of {subject}" if subject else name
