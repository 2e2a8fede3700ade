from __future__ import annotations

from email.utils import formatdate

import pytest

from dragoman_orchestration.webhooks.courier import MAX_RETRY_AFTER_S, judge, retry_after_s
from dragoman_orchestration.webhooks.settings import WebhookSettings
from dragoman_orchestration.webhooks.transport import Outcome
from dragoman_runtime.settings import SettingsInvalid

NOW_MS = 1_700_000_000_000
PAUSES_S = (5.0, 30.0, 120.0)


def failed(status: int = 500, retry_after: str = "") -> Outcome:
    return Outcome(status, "server_error", 5, retry_after)


def test_a_success_ends_it_whatever_came_before() -> None:
    for tries in (1, 2, 99):
        assert judge(Outcome(204, "", 5), tries, NOW_MS, PAUSES_S).name == "delivered"


def test_each_attempt_has_its_pause_up_to_a_fifth_shorter_by_chance() -> None:
    for tries, pause_s in enumerate(PAUSES_S, start=1):
        waits = {judge(failed(), tries, NOW_MS, PAUSES_S).next_ms - NOW_MS for _ in range(200)}
        assert min(waits) >= 0.8 * pause_s * 1000
        assert max(waits) <= pause_s * 1000
        assert len(waits) > 20  # by chance, so that receivers are not met by all at once


def test_after_the_last_pause_it_is_given_up() -> None:
    verdict = judge(failed(), len(PAUSES_S) + 1, NOW_MS, PAUSES_S)
    assert (verdict.name, verdict.reason) == ("failed", "attempts_exhausted")


@pytest.mark.parametrize("tries", [1, 4])
def test_410_is_gone_at_once(tries: int) -> None:
    assert judge(Outcome(410, "client_error", 5), tries, NOW_MS, PAUSES_S).name == "gone"


@pytest.mark.parametrize("status", [0, 301, 400, 401, 404, 500, 502])
def test_other_failures_are_tried_again_and_hold_nobody_back(status: int) -> None:
    verdict = judge(failed(status, "3600"), 1, NOW_MS, PAUSES_S)
    assert (verdict.name, verdict.hold_until_ms) == ("retry", 0)
    assert verdict.next_ms <= NOW_MS + 5000


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured_where_it_means_that(status: int) -> None:
    verdict = judge(failed(status, "60"), 1, NOW_MS, PAUSES_S)
    assert verdict.next_ms == verdict.hold_until_ms == NOW_MS + 60_000
    # It makes nothing earlier than the schedule has it.
    assert judge(failed(status, "1"), 3, NOW_MS, PAUSES_S).next_ms >= NOW_MS + 96_000


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("9" * 400, MAX_RETRY_AFTER_S),
        (formatdate(NOW_MS / 1000 + 90, usegmt=True), 90),
        (formatdate(NOW_MS / 1000 - 90, usegmt=True), 0),
        (formatdate(NOW_MS / 1000 + 9e6, usegmt=True), MAX_RETRY_AFTER_S),
        ("", 0),
        ("soon", 0),
        ("-5", 0),
        ("1.5", 0),
        ("٣", 0),
        ("Fri, 99 Foo 2023 99:99:99 GMT", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date_a_day_at_most_and_else_nothing(value: str, seconds: float) -> None:
    assert retry_after_s(value, NOW_MS) == pytest.approx(seconds, abs=1)


def test_the_schedule_lasts_a_day_at_most() -> None:
    settings = WebhookSettings()
    assert settings.pauses_s[:4] == (5, 30, 120, 600)
    assert 0.9 * 86_400 < sum(settings.pauses_s) <= 86_400
    assert settings.attempts == len(settings.pauses_s) + 1


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("retry_after_s", "5,x", "numbers"),
        ("retry_after_s", "5,0", "above 0"),
        ("retry_after_s", "80000,80000", "at most 86400"),
        ("retry_after_s", "nan", "above 0"),
        ("allowed_networks", "10.0.0.1/8", "host bits"),
        ("timeout_s", 0, "greater"),
        ("max_endpoints", 1, "max_endpoints_per_key"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(field: str, value: object, why: str) -> None:
    with pytest.raises(SettingsInvalid, match=why):
        WebhookSettings(**{field: value})


def test_no_retries_at_all_can_be_wanted() -> None:
    assert WebhookSettings(retry_after_s=" ").pauses_s == ()
    assert judge(failed(), 1, NOW_MS, ()).name == "failed"
