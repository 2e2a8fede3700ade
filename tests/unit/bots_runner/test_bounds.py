"""When a bot has waited, been alone, heard nothing or stayed long enough."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman_bots.bounds import Bounds
from dragoman_bots.drivers.base import AdmissionFailed, JoinFailed
from dragoman_contracts.bots import BotRequest, CompletionReason, RunnerState, RunnerTask


def bounds(**limits: Any) -> Bounds:
    given = {"waiting_room_s": 100.0, "alone_s": 50.0, "silence_s": 200.0, "length_s": 1000.0} | limits
    request = BotRequest(driver="media", url="http://x/")
    task = RunnerTask(bot_id="b", session_id="s", generation=1, request=request, **given)  # type: ignore[arg-type]
    made = Bounds(task, join_timeout_s=30)
    made.on_state(RunnerState.STARTING, 0)
    return made


def test_joining_has_a_limit_that_may_pass() -> None:
    b = bounds()
    b.on_state(RunnerState.JOINING, 1)
    assert b.verdict(0, 29.9) is None
    verdict = b.verdict(0, 30)
    assert isinstance(verdict, JoinFailed)
    assert verdict.cause.transient


@pytest.mark.parametrize(
    ("state", "code"),
    [(RunnerState.AWAITING_ADMISSION, "not_admitted"), (RunnerState.NEEDS_HELP, "no_help")],
)
def test_waiting_has_a_limit_that_trying_again_does_not_mend(state: RunnerState, code: str) -> None:
    b = bounds()
    b.on_state(state, 20)
    assert b.verdict(0, 119.9) is None
    verdict = b.verdict(0, 120)
    assert isinstance(verdict, AdmissionFailed)
    assert (verdict.cause.code, verdict.cause.transient) == (code, False)


def test_going_to_and_fro_does_not_extend_the_wait() -> None:
    b = bounds()
    b.on_state(RunnerState.AWAITING_ADMISSION, 0)
    b.on_state(RunnerState.JOINING, 60)
    b.on_state(RunnerState.NEEDS_HELP, 90)
    assert isinstance(b.verdict(0, 100), AdmissionFailed)


def test_alone_counts_from_when_it_is_in_and_anew_after_somebody_came() -> None:
    b = bounds()
    b.on_people(0, 0)
    b.on_state(RunnerState.ACTIVE, 40)
    assert b.verdict(0, 89) is None
    assert b.verdict(0, 90) is CompletionReason.ALONE
    b.on_people(2, 91)
    b.on_people(0, 100)
    assert b.verdict(0, 149) is None
    assert b.verdict(0, 150) is CompletionReason.ALONE


def test_who_cannot_see_people_is_never_alone() -> None:
    b = bounds()
    b.on_state(RunnerState.ACTIVE, 0)
    b.on_people(None, 1)
    assert b.verdict(0, 900) is None


def test_silence_counts_only_while_it_is_in() -> None:
    b = bounds()
    b.on_state(RunnerState.ACTIVE, 100)
    assert b.verdict(silent_s=250, now_s=250) is None
    assert b.verdict(silent_s=199, now_s=400) is None
    assert b.verdict(silent_s=200, now_s=400) is CompletionReason.SILENCE


def test_the_longest_time_counts_from_when_it_came_in() -> None:
    b = bounds(silence_s=9e9)
    b.on_state(RunnerState.ACTIVE, 500)
    assert b.verdict(0, 1499) is None
    assert b.verdict(0, 1500) is CompletionReason.MAX_LENGTH


def test_who_is_leaving_is_not_judged_any_more() -> None:
    b = bounds()
    b.on_state(RunnerState.ACTIVE, 0)
    b.on_state(RunnerState.LEAVING, 1)
    assert b.verdict(9e9, 9e9) is None
