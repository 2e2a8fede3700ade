"""REST: webhooks of an API key, and the log of their deliveries.

URLs may carry a receiver's token, so that only their owner is shown them; no log line has one.
"""

from __future__ import annotations

import re
from typing import Annotated

import httpx
from fastapi import APIRouter, Path, Query, Response, status
from loguru import logger
from pydantic import AfterValidator

from dragoman_contracts.errors import InvalidInput
from dragoman_contracts.events import to_envelope
from dragoman_orchestration.api.access import KeyHolder, Parts
from dragoman_orchestration.api.schemas import EXAMPLE_ID
from dragoman_orchestration.api.sessions import problems
from dragoman_orchestration.api.webhook_schemas import (
    ChangeWebhook,
    CreateWebhook,
    Delivery,
    DeliveryList,
    DeliveryWithEvent,
    Webhook,
    WebhookList,
    WebhookWithSecret,
)
from dragoman_orchestration.session.store import now_ms
from dragoman_orchestration.webhooks.cloudevents import structured
from dragoman_orchestration.webhooks.model import (
    TYPES,
    DeliveryUnknown,
    Endpoint,
    Place,
    State,
    WebhookStateForbids,
    WebhookTested,
    WebhookUnknown,
)
from dragoman_orchestration.webhooks.settings import ALLOWED_SETTING, WebhookSettings
from dragoman_orchestration.webhooks.signing import new_secret
from dragoman_orchestration.webhooks.store import delivery_id, new_id
from dragoman_runtime.addresses import check_public

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

SOURCE = "/dragoman/api"
MAX_PORT = 65_535
_ID = re.compile("[0-9a-f]{32}")


class UrlRefused(InvalidInput):
    """The URL is none that webhooks can be sent to."""

    code = "url_refused"
    default_remedy = "Give https://host/path, without user name, password and fragment."


def _webhook_id(value: str) -> str:
    if _ID.fullmatch(value) is None:
        raise WebhookUnknown("there is no such webhook")
    return value


def _delivery_id(value: str) -> str:
    if _ID.fullmatch(value) is None:
        raise DeliveryUnknown("there is no such delivery of this webhook")
    return value


WebhookId = Annotated[str, Path(examples=[EXAMPLE_ID]), AfterValidator(_webhook_id)]
DeliveryId = Annotated[str, Path(examples=[EXAMPLE_ID]), AfterValidator(_delivery_id)]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Make a webhook",
    responses=problems(401, 403, 413, 422, 429, 503),
)
async def create_webhook(
    response: Response, container: Parts, principal: KeyHolder, wanted: CreateWebhook
) -> WebhookWithSecret:
    """Events are posted to `url` from now on, as CloudEvents signed by Standard Webhooks.

    The secret is shown this once. An attempt succeeds with any 2xx; others are repeated for up to a day.
    """
    await check_url(wanted.url, container.webhook_settings())
    endpoint = Endpoint(
        id=new_id(),
        owner_key=principal.name,
        url=wanted.url,
        events=tuple(dict.fromkeys(wanted.events)),
        description=wanted.description,
        secret=new_secret(),
        created_ms=now_ms(),
    )
    await container.webhooks().create(endpoint)
    logger.bind(webhook=endpoint.id).info("webhook created for {}", ", ".join(endpoint.events))
    response.headers["location"] = f"/v1/webhooks/{endpoint.id}"
    return WebhookWithSecret.showing(endpoint, now_ms())


@router.get("", summary="List webhooks", responses=problems(401, 403, 503))
async def list_webhooks(container: Parts, principal: KeyHolder) -> WebhookList:
    """Those of this API key, oldest first."""
    found = await container.webhooks().endpoints_of(principal.name)
    return WebhookList(webhooks=[Webhook.of(endpoint, now_ms()) for endpoint in found])


@router.get("/{webhook_id}", summary="Get a webhook", responses=problems(401, 403, 404, 503))
async def get_webhook(container: Parts, principal: KeyHolder, webhook_id: WebhookId) -> Webhook:
    """The webhook as it is now, without its secret."""
    return Webhook.of(await container.webhooks().get(webhook_id, principal.name), now_ms())


@router.patch("/{webhook_id}", summary="Change a webhook", responses=problems(401, 403, 404, 413, 422, 503))
async def change_webhook(
    container: Parts, principal: KeyHolder, webhook_id: WebhookId, wanted: ChangeWebhook
) -> Webhook:
    """What is left out stays. The secret is changed with `rotate`."""
    store = container.webhooks()
    changes: dict[str, str | int] = {}
    if wanted.url is not None:
        await check_url(wanted.url, container.webhook_settings())
        changes["url"] = wanted.url
    if wanted.events is not None:
        changes["events"] = ",".join(dict.fromkeys(wanted.events))
    if wanted.description is not None:
        changes["description"] = wanted.description
    if wanted.enabled is not None:
        changes["enabled"] = int(wanted.enabled)
    await store.update(webhook_id, principal.name, changes, now_ms())
    logger.bind(webhook=webhook_id).info("webhook changed: {}", ", ".join(changes) or "nothing")
    return Webhook.of(await store.get(webhook_id, principal.name), now_ms())


@router.delete(
    "/{webhook_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a webhook",
    responses=problems(401, 403, 404, 503),
)
async def delete_webhook(container: Parts, principal: KeyHolder, webhook_id: WebhookId) -> Response:
    """Nothing more is sent, and its deliveries are forgotten."""
    await container.webhooks().delete(webhook_id, principal.name, now_ms())
    logger.bind(webhook=webhook_id).info("webhook deleted")
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.post(
    "/{webhook_id}/rotate", summary="Give a webhook a new secret", responses=problems(401, 403, 404, 503)
)
async def rotate_secret(container: Parts, principal: KeyHolder, webhook_id: WebhookId) -> WebhookWithSecret:
    """The new secret is shown this once; for 24 h the old one signs too, each in a signature of its own."""
    store = container.webhooks()
    await store.rotate(webhook_id, principal.name, new_secret(), now_ms())
    logger.bind(webhook=webhook_id).info("webhook's secret rotated")
    return WebhookWithSecret.showing(await store.get(webhook_id, principal.name), now_ms())


@router.post(
    "/{webhook_id}/test",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Send a test event",
    responses=problems(401, 403, 404, 409, 503),
)
async def send_test(
    response: Response, container: Parts, principal: KeyHolder, webhook_id: WebhookId
) -> Delivery:
    """Post a `webhook.test`, whatever the webhook's filters; read the delivery to see what came of it."""
    store = container.webhooks()
    endpoint = await store.get(webhook_id, principal.name)
    envelope = to_envelope(WebhookTested(webhook_id=webhook_id), source=SOURCE, subject=webhook_id)
    verdict = await store.offer(
        endpoint,
        event_id=envelope.id,
        event_type=TYPES[envelope.type],
        body=structured(envelope),
        now_ms=now_ms(),
    )
    if verdict != "made":
        what = "is disabled" if verdict == "disabled" else "has too many deliveries waiting"
        raise WebhookStateForbids(f"the webhook {what}")
    record = await store.delivery(webhook_id, delivery_id(envelope.id, webhook_id))
    response.headers["location"] = f"/v1/webhooks/{webhook_id}/deliveries/{record.id}"
    return Delivery.of(record)


@router.get(
    "/{webhook_id}/deliveries", summary="List deliveries", responses=problems(401, 403, 404, 422, 503)
)
async def list_deliveries(
    container: Parts,
    principal: KeyHolder,
    webhook_id: WebhookId,
    *,
    limit: Annotated[int, Query(ge=1, le=200, description="Deliveries that a page looks at.")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=64, description="`next_cursor` of the page before.")
    ] = None,
    state: Annotated[
        State | None, Query(description="Only these; a page may then be shorter and not the last.")
    ] = None,
) -> DeliveryList:
    """The log of what was sent and how it went, newest first."""
    store = container.webhooks()
    await store.get(webhook_id, principal.name)
    before = Place.parse(cursor) if cursor else None
    records, place = await store.deliveries(webhook_id, limit=limit, before=before, state=state)
    return DeliveryList(
        deliveries=[Delivery.of(record) for record in records], next_cursor=str(place) if place else None
    )


@router.get(
    "/{webhook_id}/deliveries/{delivery}", summary="Get a delivery", responses=problems(401, 403, 404, 503)
)
async def get_delivery(
    container: Parts, principal: KeyHolder, webhook_id: WebhookId, delivery: DeliveryId
) -> DeliveryWithEvent:
    """A delivery with the event that is sent."""
    store = container.webhooks()
    await store.get(webhook_id, principal.name)
    return DeliveryWithEvent.of(await store.delivery(webhook_id, delivery))


@router.post(
    "/{webhook_id}/deliveries/{delivery}/redeliver",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Send a delivery again",
    responses=problems(401, 403, 404, 409, 503),
)
async def redeliver(
    container: Parts, principal: KeyHolder, webhook_id: WebhookId, delivery: DeliveryId
) -> Delivery:
    """Post an event again that was delivered or given up, with the same id and all attempts anew."""
    store = container.webhooks()
    await store.get(webhook_id, principal.name)
    await store.redeliver(webhook_id, delivery, now_ms())
    return Delivery.of(await store.delivery(webhook_id, delivery))


async def check_url(url: str, settings: WebhookSettings) -> None:
    """Whether webhooks may be sent there; each attempt checks the address again.

    Raises:
        UrlRefused: it is no URL, or not of a kind that is allowed.
        AddressForbidden: its address is not public.
        HostUnresolved: it has no address now.

    """
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise UrlRefused("it is no URL") from None
    schemes = {"https", "http"} if settings.allow_http else {"https"}
    if parsed.scheme not in schemes:
        raise UrlRefused(f"its scheme must be {' or '.join(sorted(schemes))}")
    if not parsed.host or not 0 < (parsed.port or 443) <= MAX_PORT:
        raise UrlRefused("it names no host, or no port")
    if parsed.userinfo or parsed.fragment:
        raise UrlRefused("it has a user name, a password or a fragment")
    port = parsed.port or (443 if parsed.scheme == "https" else 80)
    await check_public(parsed.raw_host.decode(), port, allowed=settings.networks, setting=ALLOWED_SETTING)
