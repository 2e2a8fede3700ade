"""The bounds of a bot: how long it waits, stays alone, hears nothing, or stays at all. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from dragoman_bots.drivers.base import AdmissionFailed, DriverFailed, JoinFailed
from dragoman_contracts.bots import CompletionReason, RunnerState, RunnerTask

_ON_ITS_WAY = frozenset({RunnerState.STARTING, RunnerState.JOINING})
_WAITING = frozenset({RunnerState.AWAITING_ADMISSION, RunnerState.NEEDS_HELP})

Verdict = CompletionReason | DriverFailed


@dataclass(slots=True)
class Bounds:
    """Told of states and people as they change, asked for a verdict now and then; ``now_s`` is any clock.

    Waiting for admission and for a person's help share one bound: going to and fro does not extend it.
    """

    task: RunnerTask
    join_timeout_s: float
    _state: RunnerState = field(default=RunnerState.STARTING, init=False)
    _started_at: float | None = field(default=None, init=False)
    _waiting_since: float | None = field(default=None, init=False)
    _active_since: float | None = field(default=None, init=False)
    _alone_since: float | None = field(default=None, init=False)

    def on_state(self, state: RunnerState, now_s: float) -> None:
        """The runner is in that state now."""
        if self._started_at is None:
            self._started_at = now_s
        if state in _WAITING and self._waiting_since is None:
            self._waiting_since = now_s
        if state is RunnerState.ACTIVE and self._active_since is None:
            self._active_since = now_s
        self._state = state

    def on_people(self, present: int | None, now_s: float) -> None:
        """So many others are there; None: not known."""
        if present != 0:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now_s

    def verdict(self, silent_s: float, now_s: float) -> Verdict | None:
        """Why it is over now, if it is; ``silent_s`` is for how long nothing was heard."""
        if self._state in _ON_ITS_WAY and self._waiting_since is None:
            return self._late(now_s)
        if self._state in _WAITING or self._state in _ON_ITS_WAY:
            return self._not_admitted(now_s)
        if self._state is RunnerState.ACTIVE and self._active_since is not None:
            return self._enough(silent_s, now_s, self._active_since)
        return None

    def _late(self, now_s: float) -> Verdict | None:
        if self._started_at is None or now_s - self._started_at < self.join_timeout_s:
            return None
        return JoinFailed(
            "join_timeout", f"it could not join within {self.join_timeout_s:g} s", transient=True
        )

    def _not_admitted(self, now_s: float) -> Verdict | None:
        if self._waiting_since is None or now_s - self._waiting_since < self.task.waiting_room_s:
            return None
        if self._state is RunnerState.NEEDS_HELP:
            return AdmissionFailed("no_help", f"nobody helped within {self.task.waiting_room_s:g} s")
        return AdmissionFailed("not_admitted", f"nobody let it in within {self.task.waiting_room_s:g} s")

    def _enough(self, silent_s: float, now_s: float, active_since: float) -> Verdict | None:
        active_s = now_s - active_since
        if active_s >= self.task.length_s:
            return CompletionReason.MAX_LENGTH
        alone_since = self._alone_since
        if alone_since is not None and now_s - max(alone_since, active_since) >= self.task.alone_s:
            return CompletionReason.ALONE
        if min(silent_s, active_s) >= self.task.silence_s:
            return CompletionReason.SILENCE
        return None
