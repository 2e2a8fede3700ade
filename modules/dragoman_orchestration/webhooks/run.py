"""All of webhooks that a worker runs: sources and courier, any number of copies."""

from __future__ import annotations

import asyncio

from dragoman_orchestration.fleet.reporter import process_name
from dragoman_orchestration.webhooks.courier import Courier
from dragoman_orchestration.webhooks.fanout import Fanout
from dragoman_orchestration.webhooks.settings import WebhookSettings
from dragoman_orchestration.webhooks.sources import sources
from dragoman_orchestration.webhooks.store import WebhookStore
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.process import Drain


async def run_webhooks(broker: RedisBroker, settings: WebhookSettings, drain: Drain, *, shards: int) -> None:
    """Turn events into deliveries and send them, until the drain. Raises nothing of the bus.

    Args:
        broker: Redis; its client must be one whose commands may block.
        settings: the schedule and the bounds.
        drain: ends it; attempts under way have 5 s.
        shards: of the sessions, as in the settings of all processes.

    """
    store = WebhookStore(broker, settings)
    fanout = Fanout(store)
    courier = Courier(store, fanout, settings)
    async with asyncio.TaskGroup() as group:
        group.create_task(courier.run(drain))
        for consumer in sources(broker, fanout, process_name(), shards=shards):
            group.create_task(consumer.run(drain))
