"""What a runner tells of itself."""

from __future__ import annotations

import base64
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dragoman_bots.account import Account
from dragoman_bots.drivers.base import (
    Active,
    AdmissionFailed,
    AwaitingAdmission,
    CaptureFailed,
    DriverFailed,
    JoinFailed,
    Joining,
    NeedsHelp,
    People,
    Reconnected,
    RequestRefused,
    RunningFailed,
)
from dragoman_contracts.bots import (
    MAX_SCREENSHOT_BYTES,
    BotCause,
    CompletionReason,
    FailureStage,
    RunnerReport,
    RunnerState,
)

NOTHING: dict[str, Any] = {"audio_ms": 0, "silent_ms": 0, "peak": 0.0}
HELP = NeedsHelp(BotCause(code="captcha"))
NEWS = st.sampled_from([Joining(), AwaitingAdmission(), HELP, Active(), People(2, 1), Reconnected()])


def test_each_report_has_a_number_of_its_own() -> None:
    account = Account(3)
    reports = [account.report(**NOTHING) for _ in range(3)]
    assert [(report.generation, report.seq) for report in reports] == [(3, 1), (3, 2), (3, 3)]


def test_only_what_is_new_is_told_at_once() -> None:
    account = Account(1)
    assert account.take(Joining())
    assert not account.take(Joining())
    assert account.take(People(1, 0))
    assert not account.take(People(1, 0))
    assert account.take(HELP)
    assert account.report(**NOTHING).cause == BotCause(code="captcha")
    assert account.take(Active())
    assert account.report(**NOTHING).cause is None
    assert account.take(Reconnected())
    assert account.report(**NOTHING).reconnects == 1


@given(st.lists(NEWS))
def test_nothing_brings_it_back_once_it_leaves(news: list[Any]) -> None:
    account = Account(1)
    account.leaving()
    for item in news:
        account.take(item)
        assert account.state is RunnerState.LEAVING
    account.done(CompletionReason.ALONE)
    for item in news:
        account.take(item)
    report = account.report(**NOTHING)
    assert (report.state, report.completion) == (RunnerState.DONE, CompletionReason.ALONE)


def test_a_failure_tells_stage_cause_and_picture() -> None:
    kinds: dict[type[DriverFailed], FailureStage] = {
        RequestRefused: FailureStage.REQUEST,
        JoinFailed: FailureStage.JOIN,
        AdmissionFailed: FailureStage.ADMISSION,
        CaptureFailed: FailureStage.CAPTURE,
        RunningFailed: FailureStage.RUNNING,
    }
    for kind, stage in kinds.items():
        account = Account(1)
        account.failed(kind("code", "What happened", transient=True), b"picture")
        report = account.report(**NOTHING)
        assert (report.state, report.stage) == (RunnerState.FAILED, stage)
        assert report.cause == BotCause(code="code", message="What happened", transient=True)
        assert base64.b64decode(report.screenshot) == b"picture"


def test_a_picture_goes_with_the_failure_only_and_not_if_it_is_too_large() -> None:
    account = Account(1)
    account.screenshot = b"early"
    assert account.report(**NOTHING).screenshot == ""
    account.failed(JoinFailed("code", "message"), bytes(MAX_SCREENSHOT_BYTES + 1))
    assert account.report(**NOTHING).screenshot == ""


def test_a_report_reads_back_as_it_was() -> None:
    import msgspec

    account = Account(1)
    account.take(Active())
    account.take(People(3, 2))
    report = account.report(audio_ms=1200, silent_ms=300, peak=0.123456)
    assert msgspec.json.decode(msgspec.json.encode(report), type=RunnerReport) == report
    assert report.peak == 0.1235
