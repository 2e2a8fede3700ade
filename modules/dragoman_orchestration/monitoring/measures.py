"""The numbers that rules are about: what each means, and what one look brought of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

SEPARATOR = "|"
"""Between a measure and its subject."""

MEASURES: dict[str, str] = {
    "redis_away": "1 while Redis does not answer",
    "redis_read_only": "1 while Redis answers and is a replica, as after a failover",
    "redis_shards_away": "shards of a cluster whose master does not answer",
    "redis_memory_ratio": "used memory by maxmemory; only where Redis has a limit",
    "redis_aof_failed": "1 if the last write of the append-only file failed",
    "redis_answer_ms": "ms that Redis takes to answer",
    "service_away": "of each service: 1 while nobody answers at its URL",
    "service_not_ready": "of each service: 1 while it answers that it cannot work",
    "service_answer_ms": "of each service: ms that it takes to answer",
    "process_not_ready": "of each process: 1 while it reports that a part does not work",
    "process_gone": "of each process: 1 from when it went without a word until another has its place",
    "processes_lost": "processes that went without a word within the last ten minutes, replaced or not",
    "clock_skew_ms": "of each process: ms by which its clock differs from that of Redis",
    "breaker_open": "of each process and what it asks: 1 while its circuit breaker is open",
    "config_drift": "of each part: 1 if it runs with another configuration than it should, 2 if repair was "
    "given up",
    "worker_missing": "of each profile: 1 if it has live sessions and no audio worker",
    "room": "of each profile: sessions that its workers would take more",
    "degradation": "of each profile: the workers' level of degradation, 0 is full service",
    "lag_seconds": "of each profile: seconds by which captions are late at the slowest worker",
    "sessions_waiting": "of each profile: sessions that no worker has taken",
    "lease_idle_seconds": "of each profile: seconds since the longest silent lease of a session was renewed",
    "sessions_live": "sessions that have not ended",
    "backlog_seconds": "of each session: seconds of audio that wait; 0 while its worker is no slower than "
    "real time",
    "real_time_factor": "of each session: audio worked off by what was there to work off; 1 keeps up",
    "stream_lag": "of each stream and group: entries that were not delivered yet",
    "pending_idle_seconds": "of each stream and group: seconds that the longest waiting delivery is not "
    "acknowledged",
    "dead_letters": "of each stream: dead letters that wait for somebody to decide",
    "dead_letters_new": "of each stream: dead letters of the last five minutes, at most 100",
    "bots_waiting": "bots that are due and wait for room",
    "bots_running": "bots that somebody runs",
    "bots_failed": "bots that failed within the last ten minutes",
    "bot_degraded": "of each bot: 1 while it is active and no audio or no words come",
}
"""Every measure with its meaning. "Of each …": its name has a subject, ``<measure>|<subject>``."""


def key_of(measure: str, subject: str = "") -> str:
    """The name of a measure of a subject."""
    return f"{measure}{SEPARATOR}{subject}" if subject else measure


def split_key(key: str) -> tuple[str, str]:
    """A measure and its subject, empty where it has none."""
    measure, _, subject = key.partition(SEPARATOR)
    return measure, subject


@dataclass(slots=True)
class Look:
    """The measures of one look.

    ``complete`` are the measures all of whose subjects were seen: there a subject that is missing is no more.
    Of the others, what is missing is not known. ``reasons`` tell for a measure what is behind its value.
    """

    values: dict[str, float] = field(default_factory=dict)
    complete: set[str] = field(default_factory=set)
    reasons: dict[str, str] = field(default_factory=dict)

    def note(self, measure: str, value: float, subject: str = "", *, reason: str = "") -> None:
        """Set a measure; ``reason`` is a sentence for people."""
        key = key_of(measure, subject)
        self.values[key] = float(value)
        if reason:
            self.reasons[key] = reason

    def covers(self, *measures: str) -> None:
        """All subjects of these measures were seen."""
        self.complete.update(measures)

    def add(self, others: Iterable[Look]) -> None:
        """Take in what other parts saw."""
        for other in others:
            self.values |= other.values
            self.complete |= other.complete
            self.reasons |= other.reasons

    def families(self) -> dict[str, dict[str, float]]:
        """All values by measure and subject."""
        found: dict[str, dict[str, float]] = {}
        for key, value in self.values.items():
            measure, subject = split_key(key)
            found.setdefault(measure, {})[subject] = value
        return found

    def subjects(self, measure: str) -> dict[str, float]:
        """The values of one measure by subject."""
        return self.families().get(measure, {})
