"""What a worker makes of a bot that it holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dragoman_contracts.bots import (
    BotCause,
    BotLimits,
    BotRequest,
    BotState,
    CompletionReason,
    FailureStage,
    RunnerReport,
    RunnerState,
)
from dragoman_contracts.config import Bots
from dragoman_orchestration.bots.bounds import BotBounds, runner_task
from dragoman_orchestration.bots.lifecycle import Event
from dragoman_orchestration.bots.model import BotRecord
from dragoman_orchestration.bots.supervision import (
    JOIN_BOUND_S,
    MARGIN_S,
    RETRY_CAP_S,
    Deed,
    Facts,
    Patience,
    deed,
    judge,
    lacks,
    retry_s,
)
from dragoman_orchestration.session.lifecycle import Status

NOW = 10_000_000
PATIENCE = Patience(launch_s=30, lost_s=10, orphan_s=30, stop_signal_s=3, stop_grace_s=20)


def bot(state: BotState, **changes: Any) -> BotRecord:
    """A bot whose first runner was just heard."""
    made = BotRecord(
        id="b",
        owner_key="k",
        session_id="s",
        driver="media",
        request=BotRequest(driver="media", url="http://x"),
        created_ms=NOW,
        state=state,
        seq=3,
        attempt=1,
        launches=1,
        generation=1,
        launched_ms=NOW,
        since_ms=NOW,
        report_ms=NOW,
    )
    return replace(made, **changes)


def report(state: RunnerState, **fields: Any) -> RunnerReport:
    return RunnerReport(**{"generation": 1, "seq": 5, "state": state} | fields)


def facts(**changes: Any) -> Facts:
    return Facts(**{"now_ms": NOW, "running": True, "watched_ms": 0, "session": Status.LIVE} | changes)


def judged(one: BotRecord, **known: Any) -> Any:
    return judge(one, facts(**known), BotBounds(), PATIENCE)


def test_a_bot_that_is_due_is_started() -> None:
    waiting = bot(BotState.REQUESTED, generation=0, launches=0, attempt=0)
    assert judged(waiting, running=False, session=Status.CREATED).event is Event.START


@pytest.mark.parametrize("state", [one for one in BotState if not one.is_final and one != "stopping"])
def test_a_stop_is_obeyed_in_every_state(state: BotState) -> None:
    what = judged(bot(state, stop_ms=NOW, stop_by="somebody"))
    assert (what.event, what.completion) == (Event.STOP, CompletionReason.STOPPED)


def test_a_stop_goes_before_a_failure_that_is_told_at_the_same_time() -> None:
    failed = report(RunnerState.FAILED, cause=BotCause(code="x", transient=True))
    assert judged(bot(BotState.ACTIVE, stop_ms=NOW, report=failed)).event is Event.STOP


def test_a_report_of_the_runner_before_is_not_heard() -> None:
    old = report(RunnerState.ACTIVE, generation=1)
    assert judged(bot(BotState.STARTING, generation=2, launches=2, report=old)) is None


def test_a_failure_is_not_heard_again_while_the_next_runner_waits_for_its_time() -> None:
    failed = report(RunnerState.FAILED, cause=BotCause(code="x", transient=True))
    assert judged(bot(BotState.STARTING, generation=1, launches=2, attempt=2, report=failed)) is None


@pytest.mark.parametrize(
    ("state", "stage"),
    [(BotState.STARTING, "launch"), (BotState.JOINING, "join"), (BotState.ACTIVE, "running")],
)
def test_a_runner_that_ended_without_a_word_is_lost_where_it_was(state: BotState, stage: str) -> None:
    what = judged(bot(state), running=False)
    assert (what.event, what.stage, what.cause.transient) == (Event.FAIL, FailureStage(stage), True)


def test_a_runner_that_is_silent_is_lost() -> None:
    active = bot(BotState.ACTIVE, report=report(RunnerState.ACTIVE))
    assert judged(active, now_ms=NOW + 9_999) is None
    assert judged(active, now_ms=NOW + 10_001).cause.code == "runner_silent"


def test_why_a_runner_has_left_is_told() -> None:
    left = report(RunnerState.DONE, completion=CompletionReason.ALONE)
    what = judged(bot(BotState.ACTIVE, report=left))
    assert (what.event, what.cause.code, what.completion) == (Event.DONE, "alone", "alone")


def test_silence_before_the_worker_watched_says_nothing() -> None:
    active = bot(BotState.ACTIVE, report=report(RunnerState.ACTIVE))
    assert judged(active, now_ms=NOW + 60_000, watched_ms=NOW + 55_000) is None


def test_a_runner_has_time_for_its_first_report() -> None:
    starting = bot(BotState.STARTING)
    assert judged(starting, now_ms=NOW + 29_000) is None
    assert judged(starting, now_ms=NOW + 31_000).cause.code == "runner_never_reported"


def test_a_runner_that_overstays_the_waiting_room_is_given_up() -> None:
    waiting = bot(BotState.AWAITING_ADMISSION, report=report(RunnerState.AWAITING_ADMISSION))
    late = NOW + round((600 + MARGIN_S) * 1000) + 1
    what = judged(replace(waiting, report_ms=late), now_ms=late)
    assert (what.event, what.stage, what.cause.transient) == (Event.FAIL, FailureStage.ADMISSION, False)


def test_a_join_that_goes_nowhere_is_tried_again() -> None:
    late = NOW + round(JOIN_BOUND_S * 1000) + 1
    what = judged(bot(BotState.JOINING, report=report(RunnerState.JOINING), report_ms=late), now_ms=late)
    assert (what.cause.code, what.cause.transient) == ("join_stuck", True)


def test_a_bot_that_overstays_its_length_or_the_silence_is_stopped() -> None:
    late = NOW + round((14_400 + MARGIN_S) * 1000) + 1
    active = bot(BotState.ACTIVE, report=report(RunnerState.ACTIVE), report_ms=late, active_ms=NOW)
    assert judged(active, now_ms=late).completion is CompletionReason.MAX_LENGTH
    quiet = report(RunnerState.ACTIVE, silent_ms=round((1_800 + MARGIN_S) * 1000) + 1)
    assert judged(bot(BotState.ACTIVE, report=quiet)).completion is CompletionReason.SILENCE


def test_the_end_of_the_session_ends_the_bot_unless_its_own_runner_ended_it() -> None:
    active = bot(BotState.ACTIVE, report=report(RunnerState.ACTIVE))
    assert judged(active, session=Status.ENDED, session_reason="request").completion == "session_ended"
    assert judged(active, session=Status.ENDED, session_reason="client") is None
    gone = judged(active, session=Status.ENDED, session_reason="client", running=False)
    assert gone.completion == "session_ended"
    again = replace(active, state=BotState.STARTING, launches=2)
    assert judged(again, session=Status.ENDING, session_reason="client").completion == "session_ended"


def test_a_session_that_is_gone_fails_the_bot() -> None:
    what = judged(bot(BotState.REQUESTED, generation=0, launches=0), session=None, running=False)
    assert (what.event, what.cause.code, what.cause.transient) == (Event.FAIL, "session_gone", False)


def test_a_wish_to_restart_is_of_the_runner_that_was_there() -> None:
    active = bot(BotState.ACTIVE, report=report(RunnerState.ACTIVE), restart_reason="hangs")
    assert judged(replace(active, restart_ms=NOW + 1)).event is Event.RESTART
    assert judged(replace(active, restart_ms=NOW)) is None
    assert (
        judged(replace(active, restart_ms=NOW + 1, generation=1, launches=2, state=BotState.STARTING)) is None
    )


def test_a_stopping_bot_is_over_when_its_runner_says_so_or_is_gone() -> None:
    stopping = bot(BotState.STOPPING, completion=CompletionReason.STOPPED)
    assert judged(stopping) is None
    assert judged(replace(stopping, report=report(RunnerState.DONE))).event is Event.DONE
    assert judged(stopping, running=False).event is Event.GONE
    # Where nobody can look: when it has certainly ended by itself.
    assert judged(stopping, running=None, now_ms=NOW + 29_000) is None
    assert judged(stopping, running=None, now_ms=NOW + 31_000).event is Event.GONE


def done(one: BotRecord, **known: Any) -> Deed:
    return deed(one, facts(**known), PATIENCE)


def test_the_next_runner_is_launched_when_the_one_before_is_gone_and_its_time_has_come() -> None:
    again = bot(BotState.STARTING, launches=2, due_ms=NOW + 500)
    assert done(again, running=True) is Deed.KILL
    assert done(again, running=False) is Deed.NOTHING
    assert done(again, running=False, now_ms=NOW + 500) is Deed.LAUNCH
    assert done(again, running=None, now_ms=NOW + 29_000) is Deed.KILL
    assert done(again, running=None, now_ms=NOW + 31_000) is Deed.LAUNCH


def test_a_runner_that_has_told_its_failure_may_clean_up() -> None:
    failed = report(RunnerState.FAILED)
    again = bot(BotState.STARTING, launches=2, report=failed)
    assert done(again, now_ms=NOW + 9_500) is Deed.NOTHING
    assert done(again, now_ms=NOW + 10_500) is Deed.KILL
    assert done(again, running=None, now_ms=NOW + 10_500) is Deed.LAUNCH


def test_a_runner_that_does_not_leave_is_asked_by_a_signal_and_then_killed() -> None:
    stopping = bot(BotState.STOPPING)
    assert done(stopping) is Deed.NOTHING
    assert done(stopping, now_ms=NOW + 3_500) is Deed.ASK
    assert done(stopping, now_ms=NOW + 20_500) is Deed.KILL
    leaving = replace(stopping, report=report(RunnerState.LEAVING))
    assert done(leaving, now_ms=NOW + 3_500) is Deed.NOTHING, "it has heard it already"
    assert done(leaving, now_ms=NOW + 20_500) is Deed.KILL


def test_a_bot_that_has_ended_is_released_when_nothing_of_it_is_left() -> None:
    failed = bot(BotState.FAILED)
    assert done(failed, running=True) is Deed.KILL
    assert done(failed, running=False) is Deed.RELEASE
    assert done(failed, running=None) is Deed.RELEASE


def test_pauses_between_runners_grow_to_a_bound() -> None:
    pauses = [retry_s(tries) for tries in range(1, 12)]
    assert pauses == sorted(pauses)
    assert pauses[0] == 1.0
    assert pauses[-1] == RETRY_CAP_S


# --- what it hears ------------------------------------------------------------------------------------------

BOUNDS = BotBounds(no_audio_notice_s=30, no_words_notice_s=120)


def lacking(one: BotRecord, after_s: float, words_ms: int = 0) -> str:
    return lacks(one, facts(now_ms=NOW + round(after_s * 1000)), BOUNDS, words_ms)


def test_an_active_bot_without_audio_says_so_and_not_before() -> None:
    active = bot(BotState.ACTIVE)
    assert lacking(active, 29) == ""
    assert lacking(active, 31) == "no_audio"
    assert lacking(bot(BotState.JOINING), 31) == ""


def test_what_was_told_stays_until_sound_comes() -> None:
    told = bot(BotState.ACTIVE, degraded="no_audio", degraded_ms=NOW + 31_000)
    assert lacking(told, 32) == "no_audio"
    assert lacking(replace(told, sound_ms=NOW + 33_000), 33) == ""


def test_audio_without_words_is_told_and_is_over_with_the_next_words() -> None:
    heard = bot(BotState.ACTIVE, sound_ms=NOW + 120_000)
    assert lacking(heard, 119) == ""
    assert lacking(heard, 121) == "no_words"
    told = replace(heard, degraded="no_words", degraded_ms=NOW + 121_000)
    assert lacking(told, 122, words_ms=NOW + 1_000) == "no_words"
    assert lacking(told, 123, words_ms=NOW + 122_500) == ""


# --- bounds -------------------------------------------------------------------------------------------------


def test_a_bound_is_the_requests_then_the_configurations_then_the_default() -> None:
    request = BotRequest(driver="media", url="http://x", limits=BotLimits(alone_s=5))
    bounds = BotBounds.of(request, Bots(max_alone_s=7, max_silence_s=8))
    assert (bounds.alone_s, bounds.silence_s, bounds.length_s) == (5, 8, 14_400)


@pytest.mark.parametrize(
    ("asked", "configured", "posted"),
    [(None, "Hello.", "Hello."), ("", "Hello.", None), ("Hi.", "Hello.", "Hi."), (None, None, None)],
)
def test_a_notice_is_the_requests_or_the_configurations(
    asked: str | None, configured: str | None, posted: str | None
) -> None:
    request = BotRequest(driver="browser", url="http://x", notice=asked)
    task = runner_task("b", "s", 2, request, Bots(notice=configured), active_s=60)
    assert task.request.notice == posted
    assert task.request.display_name == "Dragoman"
    assert task.length_s == 14_400 - 60
