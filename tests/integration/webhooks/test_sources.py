from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from dragoman_contracts.envelope import Envelope
from dragoman_contracts.errors import BusUnavailable
from dragoman_contracts.events import (
    AnomalyDetected,
    AnomalyResolved,
    AudioSessionEnded,
    TranscriptionCompleted,
    to_envelope,
)
from dragoman_contracts.streams import (
    AUDIO_RESULTS,
    GROUP_WEBHOOKS,
    MONITORING,
    BotKeys,
    RecordField,
    SessionKeys,
    dead_letter_stream,
)
from dragoman_contracts.websocket import Ledger
from dragoman_orchestration.webhooks.run import run_webhooks
from dragoman_runtime.broker.redis import RedisBroker, connect_redis
from dragoman_runtime.embedded_redis import EmbeddedRedis
from dragoman_runtime.process import Drain
from tests.conftest import Eventually
from tests.integration.webhooks.conftest import Clock, Desk, bot_event
from tests.integration.webhooks.receiver import receiving, status

SHARDS = 4


@asynccontextmanager
async def running(desk: Desk, copies: int = 1) -> AsyncIterator[None]:
    drain = Drain()
    tasks = [
        asyncio.create_task(run_webhooks(desk.broker, desk.settings, drain, shards=SHARDS))
        for _ in range(copies)
    ]
    try:
        yield
    finally:
        drain.start("the test is over")
        await asyncio.wait_for(asyncio.gather(*tasks), 10)


def session_ended(session_id: str) -> Envelope:
    event = AudioSessionEnded(session_id=session_id, reason="client", ledger=Ledger())
    return to_envelope(event, source="/dragoman/worker", subject=session_id)


def anomaly(kind: type[Any] = AnomalyDetected, **changes: Any) -> Envelope:
    values = {
        "rule": "stream_lag",
        "subject": "",
        "severity": "warning",
        "measure": "lag",
        "value": 9.0,
        "message": "late",
    }
    extra = {"since_ms": 5} if kind is AnomalyDetected else {"lasted_ms": 5}
    return to_envelope(kind(**(values | extra | changes)), source="/dragoman/monitor", subject="")


async def own_bot(desk: Desk, bot_id: str, owner: str) -> None:
    await desk.broker.ask([("HSET", BotKeys.record(bot_id), "owner_key", owner)])


async def test_a_bots_event_goes_to_the_endpoints_of_who_asked_for_the_bot(
    desk: Desk, eventually: Eventually
) -> None:
    async with receiving() as mine, receiving() as theirs, running(desk):
        await desk.endpoint(mine.url, "bot.*", owner="mine")
        await desk.endpoint(theirs.url, "bot.*", owner="theirs")
        await own_bot(desk, "b1", "mine")
        await own_bot(desk, "b2", "theirs")
        await desk.broker.publish(BotKeys.EVENTS, bot_event(bot_id="b1").to_fields())
        await desk.broker.publish(BotKeys.EVENTS, bot_event(bot_id="b2").to_fields())
        await eventually(lambda: mine.requests and theirs.requests)
        await eventually(lambda: _acknowledged(desk, BotKeys.EVENTS))
    assert [request.event["subject"] for request in mine.requests] == ["b1"]
    assert [request.event["subject"] for request in theirs.requests] == ["b2"]


async def test_a_sessions_end_goes_to_who_made_the_session(desk: Desk, eventually: Eventually) -> None:
    async with receiving() as mine, receiving() as theirs, running(desk):
        endpoint = await desk.endpoint(mine.url, "session.ended", owner="mine")
        await desk.endpoint(theirs.url, "*", owner="theirs")
        for session_id in ("s1", "s2", "s3"):  # of several shards
            keys = SessionKeys(session_id, SHARDS)
            await desk.broker.ask([("HSET", keys.record, RecordField.OWNER_KEY, "mine")])
            await desk.broker.publish(AUDIO_RESULTS, session_ended(session_id).to_fields())
        await eventually(lambda: len(mine.requests) == 3)
    assert {request.verify(endpoint.secret)["data"]["session_id"] for request in mine.requests} == {
        "s1",
        "s2",
        "s3",
    }
    assert {request.event["type"] for request in mine.requests} == {"session.ended"}
    assert theirs.requests == []


async def test_an_anomaly_goes_to_all_that_want_it(desk: Desk, eventually: Eventually) -> None:
    async with receiving() as one, receiving() as two, receiving() as none, running(desk):
        await desk.endpoint(one.url, "anomaly.*", owner="a")
        await desk.endpoint(two.url, "anomaly.resolved", owner="b")
        await desk.endpoint(none.url, "bot.*", owner="c")
        await desk.broker.publish(MONITORING, anomaly().to_fields())
        await desk.broker.publish(MONITORING, anomaly(AnomalyResolved).to_fields())
        await eventually(lambda: len(one.requests) == 2 and len(two.requests) == 1)
    assert {request.event["type"] for request in one.requests} == {"anomaly.detected", "anomaly.resolved"}
    assert none.requests == []


async def test_what_was_said_never_reaches_a_webhook(desk: Desk, eventually: Eventually) -> None:
    spoken = TranscriptionCompleted(
        session_id="s1",
        segment_id="s1-1",
        revision=1,
        text="the secret words",
        start_ms=0,
        end_ms=9,
        language="en",
        confidence=1.0,
    )
    async with receiving() as receiver, running(desk):
        await desk.endpoint(receiver.url, "*")
        await desk.broker.ask([("HSET", SessionKeys("s1", SHARDS).record, RecordField.OWNER_KEY, "suite")])
        await desk.broker.publish(AUDIO_RESULTS, to_envelope(spoken, source="/x", subject="s1").to_fields())
        await desk.broker.publish(AUDIO_RESULTS, session_ended("s1").to_fields())
        await eventually(lambda: receiver.requests)
    assert [request.event["type"] for request in receiver.requests] == ["session.ended"]
    assert all(b"secret words" not in request.body for request in receiver.requests)


async def test_fields_that_the_schema_does_not_know_do_not_travel(desk: Desk, eventually: Eventually) -> None:
    envelope = bot_event()
    data = msgspec.json.decode(envelope.data) | {"url": "https://meeting.example/?password=hidden"}
    envelope = msgspec.structs.replace(envelope, data=msgspec.json.encode(data))
    async with receiving() as receiver, running(desk):
        await desk.endpoint(receiver.url)
        await own_bot(desk, "b1", "suite")
        await desk.broker.publish(BotKeys.EVENTS, envelope.to_fields())
        await eventually(lambda: receiver.requests)
    assert b"hidden" not in receiver.requests[0].body
    assert receiver.requests[0].event["data"]["bot_id"] == "b1"


async def test_events_that_come_twice_or_through_several_copies_arrive_once(
    desk: Desk, eventually: Eventually
) -> None:
    async with receiving() as receiver, running(desk, copies=3):
        await desk.endpoint(receiver.url)
        await own_bot(desk, "b1", "suite")
        events = [bot_event(seq=number) for number in range(30)]
        for envelope in events + events[::-1]:
            await desk.broker.publish(BotKeys.EVENTS, envelope.to_fields())
        await eventually(lambda: _acknowledged(desk, BotKeys.EVENTS))
        await eventually(lambda: len(receiver.requests) >= 30)
    assert sorted(receiver.ids()) == sorted(envelope.id for envelope in events)


@pytest.mark.parametrize("stream", [BotKeys.EVENTS, AUDIO_RESULTS, MONITORING])
async def test_malformed_and_unknown_version_events_are_dead_lettered_and_the_loop_lives_on(
    desk: Desk, eventually: Eventually, redis_client: Redis, stream: str
) -> None:
    good = {BotKeys.EVENTS: bot_event(), AUDIO_RESULTS: session_ended("s1"), MONITORING: anomaly()}[stream]
    bad: list[dict[bytes, bytes]] = [
        {b"nonsense": b"\xff"},
        good.to_fields() | {b"ce_id": b"no-json", b"data": b"{"},
        good.to_fields() | {b"ce_id": b"no-shape", b"data": b'{"bot_id": 5}'},
        good.to_fields() | {b"ce_id": b"future", b"ce_dataschema": f"dragoman:{good.type}:99".encode()},
    ]
    async with receiving() as receiver, running(desk):
        await desk.endpoint(receiver.url)
        await own_bot(desk, "b1", "suite")
        await desk.broker.ask([("HSET", SessionKeys("s1", SHARDS).record, RecordField.OWNER_KEY, "suite")])
        for fields in [*bad, good.to_fields()]:
            await desk.broker.publish(stream, fields)
        await eventually(lambda: receiver.requests)
        await eventually(lambda: _acknowledged(desk, stream))
    assert receiver.ids() == [good.id]
    assert await redis_client.xlen(dead_letter_stream(stream)) == len(bad)


async def test_what_is_no_event_is_dead_lettered_also_when_nobody_wants_it(
    desk: Desk, eventually: Eventually, redis_client: Redis
) -> None:
    async with running(desk):
        await desk.broker.publish(BotKeys.EVENTS, bot_event().to_fields() | {b"data": b"{"})
        await eventually(lambda: redis_client.xlen(dead_letter_stream(BotKeys.EVENTS)))


async def test_an_event_of_a_bot_or_session_that_is_forgotten_is_told_to_nobody(
    desk: Desk, eventually: Eventually, redis_client: Redis, log_lines: list[str]
) -> None:
    async with receiving() as receiver, running(desk):
        await desk.endpoint(receiver.url)
        await desk.broker.publish(BotKeys.EVENTS, bot_event(bot_id="gone").to_fields())
        await desk.broker.publish(AUDIO_RESULTS, session_ended("gone").to_fields())
        for stream in (BotKeys.EVENTS, AUDIO_RESULTS):
            await eventually(lambda wanted=stream: _acknowledged(desk, wanted))
    assert receiver.requests == []
    assert sum("is of nobody any more" in line for line in log_lines) == 2
    assert await redis_client.exists(dead_letter_stream(BotKeys.EVENTS)) == 0


async def test_redis_that_goes_and_comes_back_ends_nothing_and_loses_nothing(
    clock: Clock, eventually: Eventually
) -> None:
    async with EmbeddedRedis(port=0, appendonly=True) as server:
        broker = RedisBroker(connect_redis(server.url, timeout_s=2))
        desk = Desk.make(broker, clock)
        async with receiving() as receiver, running(desk):
            await desk.endpoint(receiver.url)
            await own_bot(desk, "b1", "suite")
            await broker.publish(BotKeys.EVENTS, bot_event(seq=1).to_fields())
            await eventually(lambda: len(receiver.requests) == 1)
            await server.stop()
            with pytest.raises(BusUnavailable):
                await desk.store.version()
            await server.start()
            await eventually(lambda: _published(broker, bot_event(seq=2)))
            await eventually(lambda: len(receiver.requests) == 2)
        await broker.close()
    assert [request.event["data"]["seq"] for request in receiver.requests] == [1, 2]


WORKER = """
import asyncio, sys
from dragoman_orchestration.webhooks.run import run_webhooks
from dragoman_orchestration.webhooks.settings import WebhookSettings
from dragoman_runtime.broker.redis import RedisBroker, connect_redis
from dragoman_runtime.process import Drain

settings = WebhookSettings(allow_http=True, allowed_networks="127.0.0.0/8", timeout_s=1)
asyncio.run(run_webhooks(RedisBroker(connect_redis(sys.argv[1])), settings, Drain(), shards=1))
"""


async def test_a_process_killed_in_the_middle_of_a_delivery_is_replaced_and_nothing_is_lost(
    desk: Desk, clock: Clock, redis_server: str, eventually: Eventually
) -> None:
    reached = asyncio.Event()

    async def hang(*_: object) -> None:
        reached.set()
        await asyncio.sleep(60)

    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    async with receiving(hang) as receiver:
        await desk.endpoint(receiver.url)
        await own_bot(desk, "b1", "suite")
        with subprocess.Popen([sys.executable, "-c", WORKER, redis_server], env=environment) as worker:
            try:
                envelope = bot_event()
                await desk.broker.publish(BotKeys.EVENTS, envelope.to_fields())
                async with asyncio.timeout(30):
                    await reached.wait()
            finally:
                worker.send_signal(signal.SIGKILL)
        receiver.answer = status(200)
        async with desk.delivering():
            clock.advance(60)
            await eventually(lambda: len(receiver.requests) >= 2)
    assert receiver.ids() == [envelope.id, envelope.id]


async def _acknowledged(desk: Desk, stream: str) -> bool:
    """Whether the group has read all and owes nothing."""
    (rows,) = await desk.broker.ask([("XINFO", "GROUPS", stream)])
    for row in rows:
        facts = dict(zip(row[::2], row[1::2], strict=True))
        if facts[b"name"] == GROUP_WEBHOOKS.encode():
            return bool(
                facts[b"pending"] == 0
                and facts[b"last-delivered-id"].decode() == await desk.broker.last_id(stream)
            )
    return False


async def _published(broker: RedisBroker, envelope: Envelope) -> bool:
    try:
        await broker.publish(BotKeys.EVENTS, envelope.to_fields())
    except BusUnavailable:
        return False
    return True
