"""Endpoints and deliveries as plain data, and the one list of the events that webhooks can carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from dragoman_contracts.errors import Conflict, InvalidInput, LimitExceeded, NotFound
from dragoman_contracts.events import (
    AnomalyDetected,
    AnomalyResolved,
    AudioSessionEnded,
    BotDegraded,
    BotRecovered,
    BotStateChanged,
    Event,
)

MAX_CURSOR_DIGITS = 15


class WebhookDisabled(Event, frozen=True, kw_only=True):
    """An endpoint is not called any more, for it said 410 or failed for days; its owner's others tell."""

    webhook_id: str
    reason: str


class WebhookTested(Event, frozen=True, kw_only=True):
    """Somebody asked whether this endpoint can be reached."""

    webhook_id: str


TYPES: dict[str, str] = {
    cls.type_name(): name
    for cls, name in (
        (BotStateChanged, "bot.state_changed"),
        (BotDegraded, "bot.degraded"),
        (BotRecovered, "bot.recovered"),
        (AudioSessionEnded, "session.ended"),
        (AnomalyDetected, "anomaly.detected"),
        (AnomalyResolved, "anomaly.resolved"),
        (WebhookDisabled, "webhook.disabled"),
        (WebhookTested, "webhook.test"),
    )
}
"""Type of the envelope → type of the CloudEvent: the name that sockets and filters use too."""
FILTERS = frozenset(TYPES.values()) | {f"{name.partition('.')[0]}.*" for name in TYPES.values()} | {"*"}
"""What an endpoint can ask for."""


class State(StrEnum):
    """Of a delivery."""

    PENDING = "pending"
    """It waits for its next attempt."""
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    """All attempts failed, or none is made any more; ``reason`` tells."""


class WebhookLimit(LimitExceeded):
    """There are as many endpoints as there may be."""

    code = "webhook_limit"
    default_remedy = "Delete endpoints that are no longer needed, or raise DRAGOMAN_WEBHOOKS_MAX_ENDPOINTS."


class WebhookUnknown(NotFound):
    """There is no such endpoint of this API key."""

    default_remedy = "GET /v1/webhooks lists them."


class DeliveryUnknown(NotFound):
    """There is no such delivery, or it is too old to be kept."""

    default_remedy = "GET /v1/webhooks/{id}/deliveries lists them."


class WebhookStateForbids(Conflict):
    """The endpoint is disabled, or the delivery is still under way."""

    default_remedy = "Enable the endpoint with PATCH, or wait until the delivery has ended."


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A receiver; times in unix ms, 0: never. ``secret`` signs, ``previous_secret`` too until its time."""

    id: str
    owner_key: str
    url: str = field(repr=False)
    events: tuple[str, ...]
    description: str = ""
    secret: str = field(default="", repr=False)
    previous_secret: str = field(default="", repr=False)
    previous_until_ms: int = 0
    enabled: bool = True
    disabled_reason: str = ""
    created_ms: int = 0
    failing_since_ms: int = 0
    last_success_ms: int = 0
    last_failure_ms: int = 0

    def wants(self, event_type: str) -> bool:
        """Whether its filters name this type."""
        family = f"{event_type.partition('.')[0]}.*"
        return not {event_type, family, "*"}.isdisjoint(self.events)

    def fields(self) -> dict[str, str | int]:
        """As the hash in Redis has it."""
        return {
            "id": self.id,
            "owner_key": self.owner_key,
            "url": self.url,
            "events": ",".join(self.events),
            "description": self.description,
            "secret": self.secret,
            "enabled": int(self.enabled),
            "created_ms": self.created_ms,
        }

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> Endpoint:
        """From the hash in Redis."""

        def number(name: str) -> int:
            return int(fields.get(name) or 0)

        return cls(
            id=fields["id"],
            owner_key=fields["owner_key"],
            url=fields["url"],
            events=tuple(filter(None, fields["events"].split(","))),
            description=fields.get("description", ""),
            secret=fields["secret"],
            previous_secret=fields.get("previous_secret", ""),
            previous_until_ms=number("previous_until_ms"),
            enabled=fields["enabled"] == "1",
            disabled_reason=fields.get("disabled_reason", ""),
            created_ms=number("created_ms"),
            failing_since_ms=number("failing_since_ms"),
            last_success_ms=number("last_success_ms"),
            last_failure_ms=number("last_failure_ms"),
        )

    def signing_keys(self, now_ms: int) -> tuple[str, ...]:
        """The secrets that sign now, the newest first."""
        if now_ms < self.previous_until_ms:
            return (self.secret, self.previous_secret)
        return (self.secret,)


class Attempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One try: HTTP ``status`` (0: no answer came), ``error`` is a class of errors, empty for a success."""

    at_ms: int
    duration_ms: int = 0
    status: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRecord:
    """One event on its way to one endpoint. ``event`` is the body, as it is sent."""

    id: str
    endpoint_id: str
    event_id: str
    event_type: str
    state: State
    created_ms: int
    next_ms: int = 0
    reason: str = ""
    attempts: Sequence[Attempt] = ()
    body: bytes = field(default=b"", repr=False)

    @classmethod
    def read(cls, fields: Mapping[bytes, bytes]) -> DeliveryRecord:
        """From the hash in Redis."""
        text = {name.decode(): value.decode() for name, value in fields.items() if name != b"body"}
        lines = text.get("attempts", "").splitlines()
        return cls(
            id=text["id"],
            endpoint_id=text["endpoint"],
            event_id=text["event_id"],
            event_type=text["type"],
            state=State(text["state"]),
            created_ms=int(text["created_ms"]),
            next_ms=int(text.get("next_ms") or 0),
            reason=text.get("reason", ""),
            attempts=[msgspec.json.decode(line, type=Attempt) for line in lines],
            body=fields.get(b"body", b""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A delivery that a courier has leased: all that one attempt needs. ``tries`` counts this one too."""

    delivery_id: str
    endpoint_id: str
    owner_key: str
    lease: str
    tries: int
    event_id: str
    event_type: str
    created_ms: int
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a list by time; many entries may be of the same millisecond."""

    at_ms: int
    id: str

    def __str__(self) -> str:
        return f"{self.at_ms}.{self.id}"

    @classmethod
    def parse(cls, value: str) -> Place:
        """Read ``<unix ms>.<id>``.

        Raises:
            InvalidInput: not of that form.

        """
        at_ms, _, entry_id = value.partition(".")
        if not (at_ms.isascii() and at_ms.isdigit() and len(at_ms) <= MAX_CURSOR_DIGITS and entry_id):
            raise InvalidInput("the cursor is none", remedy="Use next_cursor of the page before, unchanged.")
        return cls(int(at_ms), entry_id)


def pairs(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    """A hash as Redis answers it."""
    walk = iter(flat)
    return dict(zip(walk, walk, strict=True))


def texts(flat: Sequence[bytes]) -> dict[str, str]:
    """A hash of texts as Redis answers it."""
    return {name.decode(): value.decode() for name, value in pairs(flat).items()}
