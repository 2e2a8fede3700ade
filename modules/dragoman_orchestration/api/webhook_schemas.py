"""Bodies of the webhooks' REST API. Times are RFC 3339 in UTC."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dragoman_orchestration.api.schemas import EXAMPLE_ID, EXAMPLE_TIME
from dragoman_orchestration.webhooks.model import FILTERS, Attempt, DeliveryRecord, Endpoint, State

EXAMPLE_URL = "https://hooks.example.com/dragoman"
MAX_URL = 2048

_CHOICE = ", ".join(f"`{name}`" for name in sorted(FILTERS))


def _known(value: str) -> str:
    if value not in FILTERS:
        raise ValueError(f"it must be one of {', '.join(sorted(FILTERS))}")
    return value


def moment(at_ms: int) -> datetime | None:
    """Unix ms as a time of day; 0 is none."""
    return datetime.fromtimestamp(at_ms / 1000, UTC) if at_ms else None


EventFilter = Annotated[str, AfterValidator(_known)]
Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_URL,
        description="Where events are posted to: https, with a public address.",
        examples=[EXAMPLE_URL],
    ),
]
Filters = Annotated[
    list[EventFilter],
    Field(
        min_length=1,
        max_length=len(FILTERS),
        description=f"Types of events that are wanted, of {_CHOICE}.",
        examples=[["bot.*", "session.ended"]],
    ),
]
Description = Annotated[str, Field(max_length=200, description="For people.", examples=["our chat"])]


class CreateWebhook(BaseModel):
    """A receiver to be told."""

    model_config = ConfigDict(extra="forbid")

    url: Url
    events: Filters = ["*"]
    description: Description = ""


class ChangeWebhook(BaseModel):
    """What shall change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    url: Url | None = None
    events: Filters | None = None
    description: Description | None = None
    enabled: bool | None = Field(
        None,
        description="False: nothing is sent, and what waits fails. True: begin anew, also after it was "
        "disabled for its failures.",
        examples=[True],
    )


class Webhook(BaseModel):
    """A receiver, as it is told now."""

    id: str = Field(examples=[EXAMPLE_ID])
    url: str = Field(examples=[EXAMPLE_URL])
    events: list[str] = Field(examples=[["bot.*", "session.ended"]])
    description: str = Field(examples=["our chat"])
    enabled: bool = Field(examples=[True])
    disabled_reason: str | None = Field(
        description="`by_request`, `gone` (it answered 410) or `failing` (for days, without a success).",
        examples=[None],
    )
    created_at: datetime | None = Field(examples=[EXAMPLE_TIME])
    failing_since: datetime | None = Field(
        description="First failure since the last success.", examples=[None]
    )
    last_success_at: datetime | None = Field(examples=[EXAMPLE_TIME])
    last_failure_at: datetime | None = Field(examples=[None])
    previous_secret_until: datetime | None = Field(
        description="Until then the secret before the last rotation signs too.", examples=[None]
    )

    @classmethod
    def of(cls, endpoint: Endpoint, now_ms: int) -> Webhook:
        """Without its secrets."""
        return cls(**_told(endpoint, now_ms))


class WebhookWithSecret(Webhook):
    """A receiver with its secret, which is shown this once."""

    secret: str = Field(
        description="Verify signatures with it (Standard Webhooks).",
        examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
    )

    @classmethod
    def showing(cls, endpoint: Endpoint, now_ms: int) -> WebhookWithSecret:
        """With the secret that signs now."""
        return cls(secret=endpoint.secret, **_told(endpoint, now_ms))


class WebhookList(BaseModel):
    """The receivers of an API key, oldest first."""

    webhooks: list[Webhook]


class DeliveryAttempt(BaseModel):
    """One attempt to deliver."""

    at: datetime | None = Field(examples=[EXAMPLE_TIME])
    duration_ms: int = Field(examples=[87])
    status: int | None = Field(description="Of HTTP; null: no answer came.", examples=[200])
    error: str | None = Field(
        description="`client_error`, `server_error`, `redirect`, `timeout`, `connection_refused`, "
        "`connection_broken`, `tls_error`, `address_forbidden`, `host_unresolved`, `protocol_error`, "
        "`courier_lost` (whoever sent it died) or null for a success.",
        examples=[None],
    )

    @classmethod
    def of(cls, attempt: Attempt) -> DeliveryAttempt:
        """From the store's record."""
        return cls(
            at=moment(attempt.at_ms),
            duration_ms=attempt.duration_ms,
            status=attempt.status or None,
            error=attempt.error or None,
        )


class Delivery(BaseModel):
    """An event on its way to a receiver."""

    id: str = Field(examples=[EXAMPLE_ID])
    event_id: str = Field(
        description="`webhook-id` and the CloudEvent's `id`: the same in all attempts.", examples=[EXAMPLE_ID]
    )
    event_type: str = Field(examples=["bot.state_changed"])
    state: State = Field(examples=["delivered"])
    reason: str | None = Field(
        description="Of a failure: `attempts_exhausted`, `gone` or `endpoint_disabled`.", examples=[None]
    )
    created_at: datetime | None = Field(examples=[EXAMPLE_TIME])
    next_attempt_at: datetime | None = Field(examples=[None])
    attempts: list[DeliveryAttempt]

    @classmethod
    def of(cls, record: DeliveryRecord) -> Delivery:
        """From the store's record, without the body."""
        return cls(**_delivery(record))


class DeliveryWithEvent(Delivery):
    """A delivery with what is sent."""

    event: dict[str, Any] = Field(
        description="The CloudEvent.",
        examples=[{"specversion": "1.0", "type": "bot.state_changed", "id": EXAMPLE_ID}],
    )

    @classmethod
    def of(cls, record: DeliveryRecord) -> DeliveryWithEvent:
        """From the store's record."""
        return cls(event=json.loads(record.body), **_delivery(record))


class DeliveryList(BaseModel):
    """Deliveries, newest first."""

    deliveries: list[Delivery]
    next_cursor: str | None = Field(
        description="For the next page; null: this was the last.", examples=[None]
    )


def _told(endpoint: Endpoint, now_ms: int) -> dict[str, Any]:
    until_ms = endpoint.previous_until_ms
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "events": list(endpoint.events),
        "description": endpoint.description,
        "enabled": endpoint.enabled,
        "disabled_reason": endpoint.disabled_reason or None,
        "created_at": moment(endpoint.created_ms),
        "failing_since": moment(endpoint.failing_since_ms),
        "last_success_at": moment(endpoint.last_success_ms),
        "last_failure_at": moment(endpoint.last_failure_ms),
        "previous_secret_until": moment(until_ms if until_ms > now_ms else 0),
    }


def _delivery(record: DeliveryRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "event_id": record.event_id,
        "event_type": record.event_type,
        "state": record.state,
        "reason": record.reason or None,
        "created_at": moment(record.created_ms),
        "next_attempt_at": moment(record.next_ms),
        "attempts": [DeliveryAttempt.of(attempt) for attempt in record.attempts],
    }
