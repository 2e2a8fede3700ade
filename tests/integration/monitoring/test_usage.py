"""What is counted, and that it is counted once: whoever counts, however often, in whatever order."""

from __future__ import annotations

import asyncio
import random
import uuid
from datetime import UTC, date, datetime

import msgspec
import pytest

from dragoman_contracts.bots import BotRequest
from dragoman_contracts.envelope import Envelope
from dragoman_contracts.errors import BusUnavailable
from dragoman_contracts.events import (
    AudioSessionEnded,
    BotRequested,
    Event,
    TranscriptionCompleted,
    TranslationCompleted,
    UsageMetrics,
    to_envelope,
)
from dragoman_contracts.streams import (
    AUDIO_RESULTS,
    BOT_CONTROL,
    GROUP_MONITORING,
    MonitoringKeys,
    SessionKeys,
)
from dragoman_contracts.websocket import Ledger
from dragoman_orchestration.monitoring.listeners import listeners
from dragoman_orchestration.monitoring.usage import UsageCounter, UsageReports, day_of, read_usage
from dragoman_runtime.broker.consumer import ConsumerOptions
from dragoman_runtime.process import Drain, cancel_all

TODAY = "2026-03-01T12:00:00.000+00:00"
DAY = date(2026, 3, 1)


def ended(session_id: str, received_ms: int = 1_000) -> AudioSessionEnded:
    return AudioSessionEnded(session_id=session_id, reason="client", ledger=Ledger(received_ms=received_ms))


def translated(session_id: str, segment: str, text: str, *, target: str = "es", revision: int = 1):
    return TranslationCompleted(
        session_id=session_id, segment_id=segment, revision=revision, target_language=target,
        source_language="en", text=text, start_ms=0, end_ms=1,
    )  # fmt: skip


def envelope(event: Event, time: str = TODAY) -> Envelope:
    return msgspec.structs.replace(
        to_envelope(event, source="/t", subject=""), time=time, id=uuid.uuid4().hex
    )


@pytest.fixture
async def owned(broker):
    """Two sessions of two keys; the third's record is gone."""
    await broker.ask([("HSET", SessionKeys("s1").record, "owner_key", "app")])
    await broker.ask([("HSET", SessionKeys("s2").record, "owner_key", "other|key")])
    return broker


EVENTS = [
    ended("s1", 60_000),
    ended("s2", 5_000),
    ended("s3", 7_000),
    translated("s1", "g1", "hola"),
    translated("s1", "g1", "ciao!", target="it"),
    translated("s1", "g1", "hola!!", revision=2),
    translated("s1", "g2", "señor"),
    BotRequested(
        bot_id="b1", session_id="s9", owner_key="app", request=BotRequest(driver="media", url="http://x")
    ),
]
SUMS = [
    UsageMetrics(day="2026-03-01", owner_key="app", audio_ms=60_000, sessions=1, translated_chars=20, bots=1),
    UsageMetrics(day="2026-03-01", owner_key="other|key", audio_ms=5_000, sessions=1),
    UsageMetrics(day="2026-03-01", owner_key="unknown", audio_ms=7_000, sessions=1),
]


async def test_each_event_counts_once_over_repeats_reordering_and_several_counters(owned):
    counters = [UsageCounter(owned, shards=1) for _ in range(3)]
    for _ in range(4):
        shuffled = random.sample(EVENTS, len(EVENTS))
        # A repeat has a ce_id of its own where a worker took the session over.
        await asyncio.gather(*(random.choice(counters).take(envelope(event)) for event in shuffled))
    assert await read_usage(owned, [DAY]) == SUMS


async def test_around_midnight_a_repeat_with_another_day_counts_nothing(owned):
    counter = UsageCounter(owned, shards=1)
    await counter.take(envelope(ended("s1"), "2026-03-01T23:59:59.000+00:00"))
    await counter.take(envelope(ended("s1"), "2026-03-02T00:00:01.000+00:00"))
    await counter.take(envelope(ended("s2"), "2026-03-02T00:00:01.000+00:00"))
    await counter.take(envelope(ended("s2"), "2026-03-01T23:59:59.000+00:00"))
    found = await read_usage(owned, [DAY, date(2026, 3, 2)])
    assert [(one.day, one.owner_key, one.sessions) for one in found] == [
        ("2026-03-01", "app", 1),
        ("2026-03-02", "other|key", 1),
    ]


async def test_other_events_and_transcripts_count_nothing(owned):
    event = TranscriptionCompleted(
        session_id="s1", segment_id="g", revision=1, text="hello", start_ms=0, end_ms=1, language="en",
        confidence=1,
    )  # fmt: skip
    await UsageCounter(owned, shards=1).take(envelope(event))
    assert await read_usage(owned, [DAY]) == []


async def test_all_that_is_kept_expires(owned):
    await UsageCounter(owned, shards=1).take(envelope(ended("s1")))
    usage, counted = await owned.ask(
        [("TTL", MonitoringKeys.usage(str(DAY))), ("TTL", MonitoringKeys.counted(str(DAY)))]
    )
    assert 0 < counted < usage


def test_a_day_is_that_of_utc():
    assert day_of("2026-03-01T23:30:00-05:00") == date(2026, 3, 2)
    assert day_of("nonsense") == datetime.now(UTC).date()


class Broken(UsageCounter):
    """A counter that dies between counting and acknowledging."""

    async def take(self, envelope: Envelope) -> None:
        await super().take(envelope)
        raise BusUnavailable("killed between handling and acknowledging")


async def test_a_counter_killed_between_counting_and_acknowledging_counts_nothing_twice(
    owned, eventually, monkeypatch
):
    """What it leaves pending is taken over by another monitor and counted no more."""
    options = ConsumerOptions(claim_idle_ms=200, claim_every_ms=100, max_deliveries=50, block_ms=50)
    for event in EVENTS:
        stream = BOT_CONTROL if isinstance(event, BotRequested) else AUDIO_RESULTS
        await owned.publish(stream, envelope(event).to_fields())

    drain = Drain()
    with monkeypatch.context() as patch:
        patch.setattr("dragoman_orchestration.monitoring.listeners.UsageCounter", Broken)
        broken = listeners(owned, "broken", shards=1, options=options)
    tasks = [asyncio.create_task(one.run(drain)) for one in broken]

    async def all_counted() -> bool:
        return await read_usage(owned, [DAY]) == SUMS

    await eventually(all_counted)
    await cancel_all(tasks)
    assert len(await owned.pending(AUDIO_RESULTS, GROUP_MONITORING)) == 7

    tasks = [
        asyncio.create_task(one.run(drain)) for one in listeners(owned, "sound", shards=1, options=options)
    ]

    async def all_acknowledged() -> bool:
        waiting = [
            len(await owned.pending(stream, GROUP_MONITORING)) for stream in (AUDIO_RESULTS, BOT_CONTROL)
        ]
        return waiting == [0, 0]

    await eventually(all_acknowledged)
    drain.start()
    await asyncio.gather(*tasks)
    assert await read_usage(owned, [DAY]) == SUMS


async def test_reports_tell_what_changed_and_of_yesterday_too(owned):
    counter, reports = UsageCounter(owned, shards=1), UsageReports(owned, source="/t")
    await counter.take(envelope(ended("s1")))
    await counter.take(envelope(ended("s2")))
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert await reports.publish(noon) == 2
    assert await reports.publish(noon) == 0
    assert await UsageReports(owned, source="/another").publish(noon) == 0  # another leader goes on
    await counter.take(envelope(translated("s1", "g9", "hola")))
    assert await reports.publish(datetime(2026, 3, 2, 1, tzinfo=UTC)) == 1
    await counter.take(envelope(translated("s1", "g10", "hola")))
    assert await reports.publish(datetime(2026, 3, 3, 1, tzinfo=UTC)) == 0
    assert await owned.ask([("HLEN", MonitoringKeys.USAGE_TOLD)]) == [0]
