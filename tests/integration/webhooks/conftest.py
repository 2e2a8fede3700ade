"""A store of webhooks on the Redis of the tests, a clock that tests turn, and couriers on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from dragoman_contracts.bots import BotCause, BotState
from dragoman_contracts.envelope import Envelope
from dragoman_contracts.events import BotStateChanged, to_envelope
from dragoman_orchestration.webhooks.courier import Courier
from dragoman_orchestration.webhooks.fanout import Fanout, unix_ms
from dragoman_orchestration.webhooks.model import DeliveryRecord, Endpoint, State
from dragoman_orchestration.webhooks.settings import WebhookSettings
from dragoman_orchestration.webhooks.signing import new_secret
from dragoman_orchestration.webhooks.store import WebhookStore, delivery_id, new_id
from dragoman_orchestration.webhooks.transport import Outcome
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.process import Drain

OWNER = "suite"


@dataclass
class Clock:
    """Unix ms that go on only when they are told to."""

    now_ms: int = field(default_factory=unix_ms)

    def __call__(self) -> int:
        return self.now_ms

    def advance(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)


@dataclass
class Desk:
    """The parts of webhooks on one store, as tests use them."""

    broker: RedisBroker
    clock: Clock
    settings: WebhookSettings
    store: WebhookStore
    fanout: Fanout

    @classmethod
    def make(cls, broker: RedisBroker, clock: Clock, **settings: Any) -> Desk:
        known = WebhookSettings(**({"allowed_networks": "127.0.0.0/8", "allow_http": True} | settings))
        store = WebhookStore(broker, known)
        return cls(broker, clock, known, store, Fanout(store, clock_ms=clock))

    async def endpoint(self, url: str, *events: str, owner: str = OWNER) -> Endpoint:
        endpoint = Endpoint(
            id=new_id(),
            owner_key=owner,
            url=url,
            events=events or ("*",),
            secret=new_secret(),
            created_ms=self.clock() - 60_000,
        )
        await self.store.create(endpoint)
        return endpoint

    async def offer(self, owner: str | None = OWNER, **changes: Any) -> Envelope:
        envelope = bot_event(**changes)
        await self.fanout.offer(envelope, owner)
        return envelope

    async def delivery(self, envelope: Envelope, endpoint: Endpoint) -> DeliveryRecord:
        return await self.store.delivery(endpoint.id, delivery_id(envelope.id, endpoint.id))

    async def state(self, envelope: Envelope, endpoint: Endpoint) -> State:
        return (await self.delivery(envelope, endpoint)).state

    async def again(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint as it is kept now."""
        return await self.store.get(endpoint.id, endpoint.owner_key)

    def courier(self, **options: Any) -> Courier:
        return Courier(self.store, self.fanout, self.settings, clock_ms=self.clock, poll_s=0.01, **options)

    @asynccontextmanager
    async def delivering(self, **options: Any) -> AsyncIterator[Courier]:
        """A courier that runs; at the end it is drained, or killed if it does not end."""
        drain = Drain()
        courier = self.courier(**options)
        task = asyncio.create_task(courier.run(drain))
        try:
            yield courier
        finally:
            drain.start("the test is over")
            await asyncio.wait([task], timeout=1)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        # A loop that broke must not pass as one that was stopped.
        if not task.cancelled() and (error := task.exception()):
            raise error


class Played:
    """A sender that plays receivers: outcomes by URL, in order, the last one for ever."""

    def __init__(self, **by_host: list[int]) -> None:
        self.by_host = by_host
        self.sent: list[tuple[str, bytes, dict[str, str]]] = []

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> Outcome:
        self.sent.append((url, body, headers))
        left = self.by_host[url.split("/")[2].partition(".")[0]]
        code = left.pop(0) if len(left) > 1 else left[0]
        return Outcome(code, "" if code == 200 else "server_error", 5)


def bot_event(**changes: Any) -> Envelope:
    values: dict[str, Any] = {
        "bot_id": "b1",
        "session_id": "s1",
        "seq": 1,
        "previous": BotState.JOINING,
        "state": BotState.ACTIVE,
        "time_ms": 5,
        "cause": BotCause(code="joined", message="It is in."),
    }
    event = BotStateChanged(**(values | changes))
    return to_envelope(event, source="/dragoman/bots", subject=event.bot_id)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(broker: RedisBroker, clock: Clock) -> Desk:
    return Desk.make(broker, clock)


@pytest.fixture
def make_desk(broker: RedisBroker, clock: Clock) -> Callable[..., Desk]:
    """Parts with settings of one's own, on the same store and clock."""
    return lambda **settings: Desk.make(broker, clock, **settings)
