"""What a monitor asks of others, and how often."""

from __future__ import annotations

import pytest

from dragoman_contracts.events import BotRestartRequested, ConfigResyncRequested
from dragoman_contracts.monitoring import Anomaly, ServiceView
from dragoman_contracts.streams import BOT_CONTROL, CONFIG_SYNC
from dragoman_orchestration.monitoring.recovery import (
    BOT_PAUSE_MS,
    FORGET_MS,
    MAX_BOT_RESTARTS,
    RESYNC_PAUSE_MS,
    bot_requests,
    outdated,
    resync_reasons,
    resync_requests,
)
from dragoman_orchestration.monitoring.store import Recovery

NOW_MS = 10_000_000


def anomaly(
    measure: str = "bot_degraded", subject: str = "b1", age_s: float = 400, rule: str = ""
) -> Anomaly:
    return Anomaly(
        rule=rule or measure,
        subject=subject,
        severity="warning",
        measure=measure,
        value=1,
        since_ms=NOW_MS - int(age_s * 1000),
        message="bot b1 is active and there is no audio",
    )


def test_a_bot_that_is_degraded_for_long_gets_a_new_runner():
    [request] = bot_requests([anomaly()], {}, after_s=300, now_ms=NOW_MS)
    assert request.stream == BOT_CONTROL
    assert request.event == BotRestartRequested(
        bot_id="b1", reason="degraded for 400 s: bot b1 is active and there is no audio"
    )
    assert request.recovery == Recovery(NOW_MS, 1)


def test_a_bot_that_is_degraded_for_a_moment_does_not():
    assert bot_requests([anomaly(age_s=299)], {}, after_s=300, now_ms=NOW_MS) == []


def test_other_anomalies_restart_no_bot():
    assert bot_requests([anomaly("backlog_seconds")], {}, after_s=300, now_ms=NOW_MS) == []


@pytest.mark.parametrize(
    ("age_ms", "times", "asks"),
    [
        (BOT_PAUSE_MS - 1, 1, False),
        (BOT_PAUSE_MS, 1, True),
        (BOT_PAUSE_MS, MAX_BOT_RESTARTS - 1, True),
        (BOT_PAUSE_MS * 10, MAX_BOT_RESTARTS, False),
    ],
)
def test_a_bot_is_restarted_with_pauses_and_so_often_at_most(age_ms, times, asks):
    asked = {"bot-restart|b1": Recovery(NOW_MS - age_ms, times)}
    requests = bot_requests([anomaly()], asked, after_s=300, now_ms=NOW_MS)
    assert [one.recovery for one in requests] == ([Recovery(NOW_MS, times + 1)] if asks else [])


def test_a_service_that_came_back_gets_its_configuration():
    services = [
        ServiceView(name="whisper", url="", state="ok"),
        ServiceView(name="translation", url="", state="no answer (ConnectError)"),
        ServiceView(name="new", url="", state="ok"),
    ]
    before = {"whisper": "no answer (ConnectError)", "translation": "ok"}
    reasons = resync_reasons(before, services, [])
    assert reasons == ["whisper came back"]
    [request] = resync_requests(reasons, {}, now_ms=NOW_MS)
    assert (request.stream, request.event) == (CONFIG_SYNC, ConfigResyncRequested(reason="whisper came back"))


def test_a_drift_gets_the_configuration_when_it_opens():
    drift = anomaly("config_drift", "whisper", rule="config_drift")
    given_up = anomaly("config_drift", "whisper", rule="config_repair_given_up")
    assert resync_reasons({}, [], [drift, given_up]) == [drift.message]


def test_all_reasons_are_one_push_with_a_pause():
    [request] = resync_requests(["a", "b"], {}, now_ms=NOW_MS)
    assert request.reason == "a; b"
    soon = {request.name: Recovery(NOW_MS - RESYNC_PAUSE_MS + 1, 9)}
    assert resync_requests(["a"], soon, now_ms=NOW_MS) == []
    later = {request.name: Recovery(NOW_MS - RESYNC_PAUSE_MS, 9)}
    assert [one.recovery.times for one in resync_requests(["a"], later, now_ms=NOW_MS)] == [10]


def test_without_a_reason_nothing_is_pushed():
    assert resync_requests([], {}, now_ms=NOW_MS) == []


def test_what_was_long_ago_counts_no_more():
    asked = {"old": Recovery(NOW_MS - FORGET_MS - 1, 3), "new": Recovery(NOW_MS - FORGET_MS, 3)}
    assert outdated(asked, NOW_MS) == ["old"]
