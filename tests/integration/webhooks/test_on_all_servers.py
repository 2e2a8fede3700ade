"""The whole way on the oldest and the newest server that are supported, and on a cluster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from dragoman_contracts.monitoring import Anomaly
from dragoman_contracts.streams import AUDIO_RESULTS, BotKeys, RecordField, SessionKeys, leader_key
from dragoman_orchestration.alerts.notify import AlertNotifier
from dragoman_orchestration.alerts.settings import AlertSettings
from dragoman_orchestration.alerts.sinks import SlackSink
from dragoman_orchestration.webhooks.signing import new_secret
from dragoman_orchestration.webhooks.transport import Sender
from dragoman_runtime.addresses import parse_networks
from dragoman_runtime.broker.redis import RedisBroker, connect
from dragoman_runtime.embedded_redis import EmbeddedRedis
from dragoman_runtime.process import Drain
from dragoman_runtime.settings import RuntimeSettings
from tests.cluster.servers import ClusterServers
from tests.conftest import Eventually
from tests.integration.webhooks.conftest import Clock, Desk, bot_event
from tests.integration.webhooks.receiver import receiving, status
from tests.integration.webhooks.test_sources import own_bot, running, session_ended
from tests.servers import server_binary

SHARDS = 4


@asynccontextmanager
async def _server(which: str) -> AsyncIterator[RuntimeSettings]:
    if which == "cluster":
        async with ClusterServers() as servers:
            yield RuntimeSettings(redis_url=servers.url, redis_cluster=True)
        return
    async with EmbeddedRedis(binary=server_binary(which)) as server:
        yield RuntimeSettings(redis_url=server.url)


@pytest.fixture(params=["oldest", "newest", "cluster"])
async def broker(request: pytest.FixtureRequest) -> AsyncIterator[RedisBroker]:
    async with _server(request.param) as settings:
        made = RedisBroker(connect(settings))
        yield made
        await made.close()


async def test_events_of_bots_and_sessions_arrive_fail_and_are_sent_again(
    desk: Desk, clock: Clock, eventually: Eventually
) -> None:
    async with receiving(status(500)) as receiver, running(desk):
        endpoint = await desk.endpoint(receiver.url)
        await own_bot(desk, "b1", "suite")
        record = SessionKeys("s1", SHARDS).record
        await desk.broker.ask([("HSET", record, RecordField.OWNER_KEY, "suite")])
        await desk.broker.publish(BotKeys.EVENTS, bot_event().to_fields())
        await desk.broker.publish(AUDIO_RESULTS, session_ended("s1").to_fields())
        await eventually(lambda: len(receiver.requests) == 2)
        await desk.store.rotate(endpoint.id, "suite", new_secret(), clock())
        receiver.answer = status(200)

        async def failed_once() -> bool:
            records, _ = await desk.store.deliveries(endpoint.id, limit=5)
            return [len(one.attempts) for one in records] == [1, 1]

        await eventually(failed_once)
        clock.advance(60)  # of a courier beside the one of the running copy
        async with desk.delivering():
            await eventually(lambda: len(receiver.requests) >= 4)
        await desk.store.delete(endpoint.id, "suite", clock())
        assert await desk.store.endpoints() == []
    for request in receiver.requests:
        request.verify(endpoint.secret)


async def test_an_alert_is_told_and_its_recovery_too(broker: RedisBroker, eventually: Eventually) -> None:
    drain = Drain()
    anomaly = Anomaly(
        rule="lag", subject="s", severity="critical", measure="m", value=1.0, since_ms=5, message="It lags."
    )
    async with receiving() as receiver:
        sender = Sender(allowed=parse_networks("127.0.0.0/8"))
        sink = SlackSink(sender, receiver.url, 0)
        notifier = AlertNotifier([sink], AlertSettings(group_window_s=0), broker, tick_s=0.01)
        task = asyncio.create_task(notifier.run(drain))
        notifier.opened(anomaly)
        await eventually(lambda: len(receiver.requests) == 1)
        notifier.resolved(anomaly)
        await eventually(lambda: len(receiver.requests) == 2)
        drain.start()
        await asyncio.wait_for(task, 10)
    assert [request.event["text"] for request in receiver.requests] == [
        "Dragoman: critical: It lags.",
        "Dragoman: resolved: It lags.",
    ]
    assert await broker.ask([("GET", leader_key("alerts"))]) == [None]  # given back at once
