"""Endpoints and deliveries in Redis. What must be atomic is a Lua script in ``lua/`` after ``schedule.lua``.

A delivery waits in the queue of its endpoint; the endpoint waits for its turn in one set of all. A courier
takes deliveries under a lease, so that a killed one delays them and loses none.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from dragoman_contracts.streams import WebhookKeys
from dragoman_orchestration.webhooks.model import (
    Attempt,
    DeliveryRecord,
    DeliveryUnknown,
    Endpoint,
    Parcel,
    Place,
    State,
    WebhookLimit,
    WebhookStateForbids,
    WebhookUnknown,
    pairs,
    texts,
)
from dragoman_orchestration.webhooks.settings import WebhookSettings
from dragoman_orchestration.webhooks.signing import BOTH_VALID_MS
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.broker.scripts import Argument, Script, TickScripts

KEPT_AT_LEAST_MS = 3_600_000
"""A delivery is known for this long, so that an event that comes again makes no second one."""
LEASE_MARGIN_MS = 20_000
"""A lease is longer than an attempt can last by this: the clocks of two couriers may differ."""
_LUA = Path(__file__).parent / "lua"


def _load(name: str) -> Script:
    source = (_LUA / "schedule.lua").read_text() + (_LUA / f"{name}.lua").read_text()
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


def delivery_id(event_id: str, endpoint_id: str) -> str:
    """The one delivery of this event to this endpoint."""
    return hashlib.sha256(f"{event_id}\n{endpoint_id}".encode()).hexdigest()[:32]


class WebhookStore:
    """The webhooks in Redis. Every method raises ``BusUnavailable`` while Redis is away; times in unix ms."""

    def __init__(self, broker: RedisBroker, settings: WebhookSettings) -> None:
        self._broker = broker
        self._settings = settings
        self._scripts = TickScripts(broker)
        self._loaded: dict[str, Script] = {}
        # While a delivery waits it must not expire: a day of attempts, and then it is kept.
        self._kept_ms = int(1000 * (sum(settings.pauses_s) + settings.retention_s))

    # --- endpoints ---------------------------------------------------------------------------------------

    async def create(self, endpoint: Endpoint) -> None:
        """Keep a new endpoint.

        Raises:
            WebhookLimit: there are as many as there may be, in all or of this key.

        """
        s = self._settings
        fields = [part for pair in endpoint.fields().items() for part in pair]
        verdict = await self._run(
            "create_endpoint",
            endpoint.id,
            endpoint.owner_key,
            endpoint.created_ms,
            s.max_endpoints_per_key,
            s.max_endpoints,
            *fields,
        )
        if verdict != b"made":
            whose = "of this key" if verdict == b"limit_of_key" else "of this server"
            raise WebhookLimit(f"the number of webhooks {whose} is at its limit")

    async def version(self) -> int:
        """Another number after each change of an endpoint."""
        (value,) = await self._broker.ask([("GET", WebhookKeys.VERSION)])
        return int(value or 0)

    async def endpoints(self) -> list[Endpoint]:
        """All of them, oldest first."""
        return await self._listed(WebhookKeys.ENDPOINTS)

    async def endpoints_of(self, owner_key: str) -> list[Endpoint]:
        """Those of an API key, oldest first."""
        return await self._listed(WebhookKeys.endpoints_of(owner_key))

    async def get(self, endpoint_id: str, owner_key: str) -> Endpoint:
        """An endpoint of this API key.

        Raises:
            WebhookUnknown: there is none.

        """
        (flat,) = await self._broker.ask([("HGETALL", WebhookKeys.endpoint(endpoint_id))])
        if not flat or (endpoint := Endpoint.read(texts(flat))).owner_key != owner_key:
            raise WebhookUnknown("there is no such webhook")
        return endpoint

    async def update(
        self, endpoint_id: str, owner_key: str, changes: Mapping[str, str | int], now_ms: int
    ) -> None:
        """Set fields of an endpoint. A disabled one fails all that waits; enabling it begins anew.

        Raises:
            WebhookUnknown: there is none.

        """
        flat = [part for pair in changes.items() for part in pair]
        self._must_exist(
            await self._run(
                "update_endpoint", endpoint_id, owner_key, now_ms, self._settings.endpoint_concurrency, *flat
            )
        )

    async def rotate(self, endpoint_id: str, owner_key: str, secret: str, now_ms: int) -> None:
        """Sign with ``secret`` from now on, and for a day with the one before too.

        Raises:
            WebhookUnknown: there is none.

        """
        until_ms = now_ms + BOTH_VALID_MS
        self._must_exist(await self._run("rotate_secret", endpoint_id, owner_key, now_ms, secret, until_ms))

    async def delete(self, endpoint_id: str, owner_key: str, now_ms: int) -> None:
        """Forget an endpoint and its deliveries.

        Raises:
            WebhookUnknown: there is none.

        """
        self._must_exist(await self._run("delete_endpoint", endpoint_id, owner_key, now_ms))

    # --- deliveries --------------------------------------------------------------------------------------

    async def offer(
        self, endpoint: Endpoint, *, event_id: str, event_type: str, body: bytes, now_ms: int
    ) -> str:
        """Make the delivery of an event, once: ``made``, ``known``, ``disabled`` or ``full``."""
        s = self._settings
        one = delivery_id(event_id, endpoint.id)
        new: dict[str, Argument] = {
            "id": one,
            "endpoint": endpoint.id,
            "event_id": event_id,
            "type": event_type,
            "created_ms": now_ms,
            "body": body,
        }
        verdict = await self._run(
            "offer_delivery",
            endpoint.id,
            one,
            now_ms,
            s.endpoint_concurrency,
            s.max_waiting,
            self._kept_ms,
            s.max_logged,
            KEPT_AT_LEAST_MS,
            *(part for pair in new.items() for part in pair),
        )
        return str(verdict.decode())

    async def take(self, wanted: int, now_ms: int) -> tuple[int | None, list[Parcel]]:
        """Lease what is due; also the ms until the next turn of any endpoint, None if nothing waits."""
        s = self._settings
        lease = secrets.token_hex(8)
        until_ms = now_ms + int(s.timeout_s * 1000) + LEASE_MARGIN_MS
        lost = msgspec.json.encode(Attempt(at_ms=now_ms, error="courier_lost"))
        wait_ms, taken = await self._run(
            "take_deliveries",
            now_ms,
            until_ms,
            wanted,
            s.endpoint_concurrency,
            lease,
            s.attempts,
            lost,
        )
        parcels = [
            _parcel(pairs(delivery), Endpoint.read(texts(endpoint)), now_ms) for delivery, endpoint in taken
        ]
        return (None if wait_ms < 0 else int(wait_ms)), parcels

    async def settle(
        self,
        parcel: Parcel,
        attempt: Attempt,
        verdict: str,
        *,
        now_ms: int,
        reason: str = "",
        next_ms: int = 0,
        hold_until_ms: int = 0,
    ) -> str:
        """Note an attempt; ``verdict`` is delivered, retry, failed or gone.

        Returns ``ok``, ``fenced`` if the lease was lost, or ``disabled`` if this disabled the endpoint.
        """
        s = self._settings
        answer = await self._run(
            "settle_delivery",
            parcel.endpoint_id,
            parcel.delivery_id,
            now_ms,
            s.endpoint_concurrency,
            parcel.lease,
            msgspec.json.encode(attempt),
            verdict,
            reason,
            next_ms,
            hold_until_ms,
            s.retention_s * 1000,
            s.disable_after_s * 1000,
        )
        return str(answer.decode())

    async def redeliver(self, endpoint_id: str, one: str, now_ms: int) -> None:
        """Send what has ended once more.

        Raises:
            DeliveryUnknown: there is no such delivery of this endpoint.
            WebhookStateForbids: it is under way, or the endpoint is disabled.

        """
        s = self._settings
        answer = await self._run("redeliver", endpoint_id, one, now_ms, s.endpoint_concurrency, self._kept_ms)
        if answer == b"missing":
            raise DeliveryUnknown("there is no such delivery of this webhook")
        if answer != b"ok":
            what = (
                "the webhook is disabled" if answer == b"disabled" else f"the delivery is {answer.decode()}"
            )
            raise WebhookStateForbids(what)

    async def delivery(self, endpoint_id: str, one: str) -> DeliveryRecord:
        """A delivery with its body.

        Raises:
            DeliveryUnknown: there is no such delivery of this endpoint.

        """
        (flat,) = await self._broker.ask([("HGETALL", WebhookKeys.delivery(one))])
        if not flat or (record := DeliveryRecord.read(pairs(flat))).endpoint_id != endpoint_id:
            raise DeliveryUnknown("there is no such delivery of this webhook")
        return record

    async def deliveries(
        self, endpoint_id: str, *, limit: int, before: Place | None = None, state: State | None = None
    ) -> tuple[list[DeliveryRecord], Place | None]:
        """The newest first, at most ``limit`` of them looked at, and where the next page begins."""
        log = WebhookKeys.log(endpoint_id)
        top: str | int = "+inf" if before is None else before.at_ms
        # Those of the cursor's own millisecond are fetched again and left out by their id.
        ties = 0 if before is None else (await self._broker.ask([("ZCOUNT", log, top, top)]))[0]
        (row,) = await self._broker.ask(
            [("ZREVRANGEBYSCORE", log, top, "-inf", "WITHSCORES", "LIMIT", 0, limit + ties)]
        )
        places = [Place(int(float(score)), one.decode()) for one, score in pairs(row).items()]
        places = sorted((p for p in places if before is None or p < before), reverse=True)[:limit]
        flats = await self._broker.ask([("HGETALL", WebhookKeys.delivery(place.id)) for place in places])
        records = [DeliveryRecord.read(pairs(flat)) for flat in flats if flat]
        wanted = [record for record in records if state is None or record.state is state]
        return wanted, places[-1] if len(places) == limit else None

    # --- inside ------------------------------------------------------------------------------------------

    async def _listed(self, index: str) -> list[Endpoint]:
        (ids,) = await self._broker.ask([("ZRANGE", index, 0, -1)])
        flats = await self._broker.ask([("HGETALL", WebhookKeys.endpoint(one.decode())) for one in ids])
        return [Endpoint.read(texts(flat)) for flat in flats if flat]

    async def _run(self, name: str, *arguments: Argument) -> Any:
        script = self._loaded.get(name) or self._loaded.setdefault(name, _load(name))
        return await self._scripts.run(script, [WebhookKeys.ENDPOINTS], arguments)

    @staticmethod
    def _must_exist(verdict: bytes) -> None:
        if verdict != b"ok":
            raise WebhookUnknown("there is no such webhook")


def new_id() -> str:
    """Of an endpoint or an event."""
    return uuid.uuid4().hex


def _parcel(delivery: Mapping[bytes, bytes], endpoint: Endpoint, now_ms: int) -> Parcel:
    return Parcel(
        delivery_id=delivery[b"id"].decode(),
        endpoint_id=endpoint.id,
        owner_key=endpoint.owner_key,
        lease=delivery[b"lease"].decode(),
        tries=int(delivery[b"tries"]),
        event_id=delivery[b"event_id"].decode(),
        event_type=delivery[b"type"].decode(),
        created_ms=int(delivery[b"created_ms"]),
        url=endpoint.url,
        secrets=endpoint.signing_keys(now_ms),
        body=delivery[b"body"],
    )
