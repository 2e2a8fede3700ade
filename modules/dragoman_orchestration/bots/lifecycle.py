"""The life of a bot as a pure state machine: what happens to it, and what it becomes.

``docs/architecture.md`` draws it; ``mermaid`` is that drawing. Each step counts one up in ``Life.seq`` and is
told as one ``BotStateChanged``; what changes nothing is refused, so that a report that is heard twice, late
or out of order is harmless. A runner that is lost or fails in a way that may pass is started again: at most
``MAX_JOIN_ATTEMPTS`` times until the bot is active, and ``MAX_RESTARTS`` times in all after that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from dragoman_contracts.bots import MAX_JOIN_ATTEMPTS, BotCause, BotState, CompletionReason, FailureStage

MAX_RESTARTS = 3
"""Runners of a bot that may be replaced once it was active (or by request), in all its life."""

S = BotState


class Event(StrEnum):
    """What can happen to a bot."""

    START = "start"
    """A worker has taken it and starts its runner."""
    JOINING = "joining"
    AWAITING_ADMISSION = "awaiting admission"
    NEEDS_HELP = "needs help"
    ACTIVE = "active"
    LEAVING = "leaving"
    """The runner leaves by itself."""
    DONE = "done"
    """The runner has left as it should."""
    STOP = "stop"
    """Somebody wants it to end, or a bound is reached."""
    FAIL = "fail"
    """The runner failed, or is lost."""
    RESTART = "restart"
    """Somebody wants its runner replaced."""
    GONE = "gone"
    """There is no runner any more."""


@dataclass(frozen=True, slots=True)
class Happening:
    """An event with its cause; ``completion`` and ``stage`` as far as it tells them."""

    event: Event
    cause: BotCause
    completion: CompletionReason | None = None
    stage: FailureStage | None = None


@dataclass(frozen=True, slots=True)
class Life:
    """Where a bot is in its life.

    ``seq`` counts its steps, ``attempt`` the runners of this try to join, ``restarts`` those that were
    replaced after it was active, ``launches`` the runners that are wanted in all.
    """

    state: BotState = S.REQUESTED
    seq: int = 1
    attempt: int = 0
    restarts: int = 0
    launches: int = 0
    completion: CompletionReason | None = None
    stage: FailureStage | None = None


_JOINS = (Event.JOINING, Event.AWAITING_ADMISSION, Event.NEEDS_HELP, Event.ACTIVE)
_LIVES = (S.STARTING, S.JOINING, S.AWAITING_ADMISSION, S.NEEDS_HELP, S.ACTIVE)
_ENDS = (Event.LEAVING, Event.DONE, Event.STOP)

TRANSITIONS: Final = MappingProxyType(
    {
        (S.REQUESTED, Event.START): S.STARTING,
        (S.REQUESTED, Event.STOP): S.STOPPING,
        # Whatever is heard first of a runner, it has begun to join.
        **{(S.STARTING, event): S.JOINING for event in _JOINS},
        (S.JOINING, Event.AWAITING_ADMISSION): S.AWAITING_ADMISSION,
        (S.JOINING, Event.NEEDS_HELP): S.NEEDS_HELP,
        (S.JOINING, Event.ACTIVE): S.ACTIVE,
        (S.AWAITING_ADMISSION, Event.NEEDS_HELP): S.NEEDS_HELP,
        (S.AWAITING_ADMISSION, Event.ACTIVE): S.ACTIVE,
        (S.NEEDS_HELP, Event.JOINING): S.JOINING,
        (S.NEEDS_HELP, Event.AWAITING_ADMISSION): S.AWAITING_ADMISSION,
        (S.NEEDS_HELP, Event.ACTIVE): S.ACTIVE,
        **{(state, event): S.STOPPING for state in _LIVES for event in _ENDS},
        # Once it is to end, all that ends its runner completes it.
        **{(S.STOPPING, event): S.COMPLETED for event in (Event.DONE, Event.FAIL, Event.GONE)},
    }
)
"""Every step that has one outcome; what is neither here nor in ``MAY_RETRY`` is refused."""

MAY_RETRY: Final = frozenset({S.REQUESTED, *_LIVES})
"""Where a failure leads to another start, if it may pass and tries are left, else to the end."""
MAY_RESTART: Final = frozenset(_LIVES)


def advance(life: Life, what: Happening) -> Life | None:
    """The life after ``what`` happened; None where that changes nothing."""
    if what.event is Event.RESTART:
        return _restarted(life) if life.state in MAY_RESTART else None
    if what.event is Event.FAIL and life.state in MAY_RETRY:
        return _failed(life, what)
    target = TRANSITIONS.get((life.state, what.event))
    if target is None:
        return None
    after = replace(life, state=target, seq=life.seq + 1)
    if target is S.STARTING:
        return replace(after, attempt=1, launches=life.launches + 1)
    if target in {S.STOPPING, S.COMPLETED}:
        # The first reason counts; a runner that leaves may tell its own when it has left.
        ended_by = life.completion or what.completion
        return replace(after, completion=ended_by or (CompletionReason.STOPPED if target.is_final else None))
    return after


def _failed(life: Life, what: Happening) -> Life:
    if what.cause.transient and life.state is not S.REQUESTED:
        again = _restarted(life) if life.state is S.ACTIVE else _tried_again(life)
        if again is not None:
            return again
    return replace(life, state=S.FAILED, seq=life.seq + 1, stage=what.stage or stage_of(life.state))


def _tried_again(life: Life) -> Life | None:
    if life.attempt >= MAX_JOIN_ATTEMPTS:
        return None
    return replace(
        life, state=S.STARTING, seq=life.seq + 1, attempt=life.attempt + 1, launches=life.launches + 1
    )


def _restarted(life: Life) -> Life | None:
    if life.restarts >= MAX_RESTARTS:
        return None
    return replace(
        life,
        state=S.STARTING,
        seq=life.seq + 1,
        attempt=1,
        restarts=life.restarts + 1,
        launches=life.launches + 1,
    )


_STAGES: Final = {
    S.REQUESTED: FailureStage.REQUEST,
    S.STARTING: FailureStage.LAUNCH,
    S.JOINING: FailureStage.JOIN,
    S.AWAITING_ADMISSION: FailureStage.ADMISSION,
    S.NEEDS_HELP: FailureStage.ADMISSION,
}


def stage_of(state: BotState) -> FailureStage:
    """Where a bot fails that fails in this state, unless its runner knows better."""
    return _STAGES.get(state, FailureStage.RUNNING)


def edges() -> list[tuple[BotState, BotState, list[str]]]:
    """Every step that there is: from, to, and the events that lead there."""
    found: dict[tuple[BotState, BotState], list[str]] = {}
    for (state, event), target in TRANSITIONS.items():
        found.setdefault((state, target), []).append(event)
    for state in S:
        if state in MAY_RETRY:
            if state is not S.REQUESTED:
                found.setdefault((state, S.STARTING), []).append("fail, may pass")
            found.setdefault((state, S.FAILED), []).append(Event.FAIL)
        if state in MAY_RESTART:
            found.setdefault((state, S.STARTING), []).append(Event.RESTART)
    return [(source, target, [str(event) for event in why]) for (source, target), why in found.items()]


def mermaid() -> str:
    """The state diagram of the documentation, drawn from the tables above."""
    lines = ["stateDiagram-v2", f"    [*] --> {S.REQUESTED}"]
    lines += [f"    {source} --> {target}: {' / '.join(why)}" for source, target, why in edges()]
    lines += [f"    {state} --> [*]" for state in S if state.is_final]
    return "\n".join(lines) + "\n"
