"""Those who are told: a signed webhook, a chat that takes Slack's shape, and Alertmanager."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import httpx
import msgspec

from dragoman_contracts.envelope import JSON_TYPE, SPEC_VERSION
from dragoman_contracts.monitoring import Anomaly
from dragoman_orchestration.alerts.book import Alert, identity
from dragoman_orchestration.webhooks.cloudevents import CONTENT_TYPE
from dragoman_orchestration.webhooks.signing import signed_headers
from dragoman_orchestration.webhooks.transport import Outcome, Sender

MAX_TOLD = 100
"""Alerts of one kind that the webhook's message lists."""
MAX_SHOWN = 10
"""Alerts of one kind that a chat message shows; of the others it tells the number."""
MAX_TEXT = 300
SOURCE = "/dragoman/alerts"
TYPE = "alerts.notified"
COLOURS = {"critical": "#c0392b", "warning": "#e67e22", "info": "#2980b9", "resolved": "#27ae60"}
_ORDER = {"critical": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Notification:
    """What one message tells: alerts that are new, that are still open, and that are over."""

    opened: Sequence[Alert] = ()
    still_open: Sequence[Alert] = ()
    resolved: Sequence[Alert] = ()

    @property
    def all(self) -> list[Alert]:
        """Everything that it tells."""
        return [*self.opened, *self.still_open, *self.resolved]

    def __bool__(self) -> bool:
        return bool(self.opened or self.still_open or self.resolved)


class Sink(Protocol):
    """A receiver. ``repeat_s``: it is told of open alerts again after this; 0: never."""

    name: str
    repeat_s: float

    async def send(self, told: Notification, now_ms: int) -> Outcome:
        """Make one try; never raises for what the receiver does or is."""
        ...


@dataclass(slots=True)
class WebhookSink:
    """One CloudEvent a message, signed by Standard Webhooks."""

    sender: Sender
    url: str
    secret: str
    repeat_s: float
    name: str = "webhook"

    async def send(self, told: Notification, now_ms: int) -> Outcome:
        """Post the message; its id is made of what it tells, so that one sent twice is known."""
        message_id = _message_id(told)
        body = msgspec.json.encode(
            {
                "specversion": SPEC_VERSION,
                "id": message_id,
                "source": SOURCE,
                "type": TYPE,
                "time": _time(now_ms),
                "datacontenttype": JSON_TYPE,
                "dataschema": f"dragoman:{TYPE}:1",
                "data": {
                    "opened": [_told(one) for one in told.opened[:MAX_TOLD]],
                    "still_open": [_told(one) for one in told.still_open[:MAX_TOLD]],
                    "resolved": [_told(one) for one in told.resolved[:MAX_TOLD]],
                    "opened_total": len(told.opened),
                    "still_open_total": len(told.still_open),
                    "resolved_total": len(told.resolved),
                },
            }
        )
        headers = signed_headers([self.secret], message_id, now_ms, body) | {"content-type": CONTENT_TYPE}
        return await _post(self.sender, self.url, body, headers)


@dataclass(slots=True)
class SlackSink:
    """A text for the notice and an attachment an alert, the gravest first."""

    sender: Sender
    url: str
    repeat_s: float
    name: str = "slack"

    async def send(self, told: Notification, now_ms: int) -> Outcome:
        """Post the message."""
        groups: list[tuple[Sequence[Alert], Callable[[Anomaly], str], str]] = [
            (told.opened, lambda one: one.severity, "open"),
            (told.still_open, lambda one: one.severity, "still open"),
            (told.resolved, lambda _: "resolved", "resolved"),
        ]
        attachments = [
            attachment for alerts, colour, word in groups for attachment in _attachments(alerts, colour, word)
        ]
        message = {"text": _summary(told), "attachments": attachments}
        return await _post(self.sender, self.url, msgspec.json.encode(message), {"content-type": JSON_TYPE})


@dataclass(slots=True)
class AlertmanagerSink:
    """Alertmanager's API v2; it groups, repeats and forgets by itself, and so is told again and again.

    Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
    """

    sender: Sender
    url: str
    repeat_s: float
    name: str = "alertmanager"

    async def send(self, told: Notification, now_ms: int) -> Outcome:
        """Post all alerts; those that are over with the time at which they ended."""
        body = msgspec.json.encode([_alertmanager(alert) for alert in told.all])
        url = f"{self.url.rstrip('/')}/api/v2/alerts"
        return await _post(self.sender, url, body, {"content-type": JSON_TYPE})


async def _post(sender: Sender, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
    parsed = httpx.URL(url)
    if not parsed.userinfo:
        return await sender.post(url, body, headers)
    pair = f"{parsed.username}:{parsed.password}".encode()
    basic = {"authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return await sender.post(str(parsed.copy_with(userinfo=b"")), body, {**headers, **basic})


def _alertmanager(alert: Alert) -> dict[str, Any]:
    anomaly = alert.anomaly
    labels = {
        "alertname": anomaly.rule,
        "service": "dragoman",
        "severity": anomaly.severity,
        "measure": anomaly.measure,
        "subject": anomaly.subject,
    }
    told = {
        "labels": {name: value for name, value in labels.items() if value},
        "annotations": {"summary": anomaly.message, "value": f"{anomaly.value:g}"},
        "startsAt": _time(anomaly.since_ms),
    }
    return told if alert.is_open else told | {"endsAt": _time(alert.resolved_ms)}


def _attachments(
    alerts: Sequence[Alert], colour: Callable[[Anomaly], str], word: str
) -> list[dict[str, Any]]:
    ordered = sorted(alerts, key=lambda alert: _ORDER[alert.anomaly.severity])
    shown = []
    for alert in ordered[:MAX_SHOWN]:
        anomaly = alert.anomaly
        subject = f" `{_plain(anomaly.subject)}`" if anomaly.subject else ""
        lasted = "" if alert.is_open else f" after {_length(alert.resolved_ms - anomaly.since_ms)}"
        text = f"*{_plain(anomaly.rule)}*{subject} {word}{lasted}\n{_plain(anomaly.message)}"
        shown.append(_attachment(COLOURS[colour(anomaly)], text, f"severity {anomaly.severity}"))
    if len(ordered) > MAX_SHOWN:
        colour_of_first = COLOURS[colour(ordered[MAX_SHOWN].anomaly)]
        shown.append(_attachment(colour_of_first, f"and {len(ordered) - MAX_SHOWN} more {word}", "Dragoman"))
    return shown


def _attachment(colour: str, text: str, foot: str) -> dict[str, Any]:
    return {
        "color": colour,
        "fallback": text,
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": text}},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": foot}]},
        ],
    }


def _summary(told: Notification) -> str:
    if len(told.all) == 1:
        (alert,) = told.all
        word = alert.anomaly.severity if alert.is_open else "resolved"
        return f"Dragoman: {word}: {_plain(alert.anomaly.message)}"
    parts = [
        f"{len(alerts)} {word}"
        for alerts, word in (
            (told.opened, "new"),
            (told.still_open, "still open"),
            (told.resolved, "resolved"),
        )
        if alerts
    ]
    return f"Dragoman: {', '.join(parts)}"


def _plain(text: str) -> str:
    """As Slack wants text that is no markup: a rule's message may name what a stranger called something."""
    short = text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
    return short.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _told(alert: Alert) -> dict[str, Any]:
    told = msgspec.to_builtins(alert.anomaly)
    return dict(told) if alert.is_open else {**told, "resolved_ms": alert.resolved_ms}


def _message_id(told: Notification) -> str:
    lines = [
        f"{kind} {identity(alert.anomaly)} {alert.opened_ms} {alert.resolved_ms} {sorted(alert.told.items())}"
        for kind, alerts in (("o", told.opened), ("s", told.still_open), ("r", told.resolved))
        for alert in alerts
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")


def _length(ms: int) -> str:
    seconds = max(0, round(ms / 1000))
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
