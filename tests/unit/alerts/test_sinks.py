from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from standardwebhooks import Webhook

from dragoman_contracts.monitoring import Anomaly
from dragoman_orchestration.alerts.book import Alert
from dragoman_orchestration.alerts.notify import AlertNotifier
from dragoman_orchestration.alerts.settings import AlertSettings
from dragoman_orchestration.alerts.sinks import (
    MAX_SHOWN,
    MAX_TOLD,
    AlertmanagerSink,
    Notification,
    SlackSink,
    WebhookSink,
)
from dragoman_orchestration.webhooks.fanout import unix_ms
from dragoman_orchestration.webhooks.signing import new_secret
from dragoman_orchestration.webhooks.transport import Outcome
from dragoman_runtime.settings import SettingsInvalid

START_MS = 1_700_000_000_000


class Posted:
    """Takes what a sink posts."""

    def __init__(self) -> None:
        self.url = ""
        self.body = b""
        self.headers: dict[str, str] = {}

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> Outcome:
        self.url, self.body, self.headers = url, body, dict(headers)
        return Outcome(200, "", 1)

    @property
    def told(self) -> Any:
        return json.loads(self.body)


def alert(rule: str = "redis_away", *, resolved_s: float = 0, **changes: Any) -> Alert:
    values: dict[str, Any] = {
        "subject": "",
        "severity": "critical",
        "measure": "redis_up",
        "value": 0.0,
        "since_ms": START_MS,
        "message": "Redis does not answer.",
    }
    return Alert(
        anomaly=Anomaly(rule=rule, **(values | changes)),
        opened_ms=START_MS,
        resolved_ms=START_MS + round(resolved_s * 1000) if resolved_s else 0,
    )


@pytest.fixture
def posted() -> Posted:
    return Posted()


async def test_the_webhook_is_a_signed_cloudevent(posted: Posted) -> None:
    secret = new_secret()
    sink = WebhookSink(posted, "http://x/", secret, 0)  # type: ignore[arg-type]
    told = Notification([alert()], [], [alert("stream_lag", resolved_s=90, severity="warning")])
    await sink.send(told, unix_ms())
    event = Webhook(secret).verify(posted.body, posted.headers)
    assert (event["type"], event["specversion"]) == ("alerts.notified", "1.0")
    assert event["id"] == posted.headers["webhook-id"]
    data = event["data"]
    assert [one["rule"] for one in data["opened"]] == ["redis_away"]
    assert data["opened"][0]["message"] == "Redis does not answer."
    assert "resolved_ms" not in data["opened"][0]
    assert data["resolved"][0]["resolved_ms"] == START_MS + 90_000
    assert (data["opened_total"], data["still_open_total"], data["resolved_total"]) == (1, 0, 1)


async def test_the_same_message_has_the_same_id_and_another_has_another(posted: Posted) -> None:
    sink = WebhookSink(posted, "http://x/", new_secret(), 0)  # type: ignore[arg-type]
    ids = []
    for told in (
        Notification([alert()]),
        Notification([alert()]),
        Notification([alert(), alert("stream_lag")]),
        Notification([], [], [alert(resolved_s=9)]),
    ):
        await sink.send(told, unix_ms())
        ids.append(posted.told["id"])
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


async def test_a_storm_is_one_bounded_webhook_message(posted: Posted) -> None:
    sink = WebhookSink(posted, "http://x/", new_secret(), 0)  # type: ignore[arg-type]
    await sink.send(Notification([alert(subject=f"s{number}") for number in range(500)]), unix_ms())
    assert len(posted.told["data"]["opened"]) == MAX_TOLD
    assert posted.told["data"]["opened_total"] == 500


async def test_slack_is_told_the_severity_in_words_and_colour(posted: Posted) -> None:
    sink = SlackSink(posted, "http://x/", 0)  # type: ignore[arg-type]
    await sink.send(Notification([alert(subject="redis")]), START_MS)
    assert posted.told["text"] == "Dragoman: critical: Redis does not answer."
    (attachment,) = posted.told["attachments"]
    assert attachment["color"] == "#c0392b"
    section, foot = attachment["blocks"]
    assert section["type"] == "section"
    assert section["text"] == {
        "type": "mrkdwn",
        "text": "*redis_away* `redis` open\nRedis does not answer.",
    }
    assert foot["elements"][0]["text"] == "severity critical"


async def test_slack_is_told_of_a_recovery_with_its_length_in_green(posted: Posted) -> None:
    sink = SlackSink(posted, "http://x/", 0)  # type: ignore[arg-type]
    await sink.send(Notification([], [], [alert(resolved_s=90)]), START_MS)
    assert posted.told["text"] == "Dragoman: resolved: Redis does not answer."
    (attachment,) = posted.told["attachments"]
    assert attachment["color"] == "#27ae60"
    assert "resolved after 90 s" in attachment["blocks"][0]["text"]["text"]


async def test_slack_is_told_a_storm_in_one_message_the_gravest_first(posted: Posted) -> None:
    sink = SlackSink(posted, "http://x/", 0)  # type: ignore[arg-type]
    lesser = [alert("lag", subject=f"s{number}", severity="warning") for number in range(499)]
    await sink.send(Notification([*lesser, alert()]), START_MS)
    assert posted.told["text"] == "Dragoman: 500 new"
    attachments = posted.told["attachments"]
    assert len(attachments) == MAX_SHOWN + 1
    assert "redis_away" in attachments[0]["fallback"]
    assert attachments[-1]["fallback"] == "and 490 more open"


async def test_a_message_cannot_make_markup_in_slack(posted: Posted) -> None:
    sink = SlackSink(posted, "http://x/", 0)  # type: ignore[arg-type]
    await sink.send(Notification([alert(message="<!channel> & <http://evil|click>" + "x" * 9000)]), START_MS)
    text = posted.told["attachments"][0]["blocks"][0]["text"]["text"]
    assert "<" not in text
    assert "&lt;!channel&gt; &amp;" in text
    assert len(text) < 3000  # Slack refuses longer ones


async def test_alertmanager_is_told_labels_annotations_and_times(posted: Posted) -> None:
    sink = AlertmanagerSink(posted, "http://127.0.0.1:9093/", 60)  # type: ignore[arg-type]
    told = Notification([alert(subject="redis")], [], [alert("stream_lag", resolved_s=90)])
    await sink.send(told, START_MS)
    assert posted.url == "http://127.0.0.1:9093/api/v2/alerts"
    first, second = posted.told
    assert first["labels"] == {
        "alertname": "redis_away",
        "service": "dragoman",
        "severity": "critical",
        "measure": "redis_up",
        "subject": "redis",
    }
    assert first["annotations"] == {"summary": "Redis does not answer.", "value": "0"}
    assert first["startsAt"] == "2023-11-14T22:13:20.000+00:00"
    assert "endsAt" not in first
    assert second["endsAt"] == "2023-11-14T22:14:50.000+00:00"
    assert "subject" not in second["labels"]


async def test_a_name_and_password_in_the_url_are_sent_as_basic_authorization(posted: Posted) -> None:
    sink = AlertmanagerSink(posted, "http://us:pa%40ss@am:9093/prefix", 60)  # type: ignore[arg-type]
    await sink.send(Notification([alert()]), START_MS)
    assert posted.url == "http://am:9093/prefix/api/v2/alerts"
    assert base64.b64decode(posted.headers["authorization"].removeprefix("Basic ")) == b"us:pa@ss"


def test_each_url_that_is_set_makes_its_sink() -> None:
    settings = AlertSettings(
        webhook_url="https://hooks.example/",  # type: ignore[arg-type]
        webhook_secret=new_secret(),  # type: ignore[arg-type]
        slack_url="https://chat.example/secret-path",  # type: ignore[arg-type]
        alertmanager_url="http://am:9093",  # type: ignore[arg-type]
    )
    receivers = AlertNotifier.from_settings(settings)._receivers
    assert [one.sink.name for one in receivers] == ["webhook", "slack", "alertmanager"]
    assert [one.sink.repeat_s for one in receivers] == [14_400, 14_400, 60]
    assert "secret-path" not in repr(settings)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!", "é"])
def test_a_webhook_without_a_secret_that_signs_is_refused(secret: str) -> None:
    with pytest.raises(SettingsInvalid, match="webhook_secret"):
        AlertSettings(webhook_url="https://hooks.example/", webhook_secret=secret)  # type: ignore[arg-type]


def test_a_url_that_is_none_is_refused_without_being_shown() -> None:
    with pytest.raises(SettingsInvalid, match="DRAGOMAN_ALERTS_SLACK_URL") as caught:
        AlertSettings(slack_url="hooks.example/secret-path")  # type: ignore[arg-type]
    assert "secret-path" not in caught.value.message
