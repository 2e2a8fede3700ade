"""A worker whose Redis has less than it remembers, and other ways to meet one's own session again."""

from __future__ import annotations

import asyncio
import threading

import msgspec
import numpy as np
import pytest
from redis.asyncio import Redis

from dragoman_contracts.audio import AudioFormat
from dragoman_contracts.errors import BusUnavailable
from dragoman_contracts.events import AudioSessionOpened
from dragoman_contracts.streams import GROUP_AUDIO_PIPELINE, SessionKeys
from dragoman_contracts.websocket import AudioGap, SessionEndedMessage, TranscriptFinal, TranscriptPartial
from dragoman_orchestration.workers.audio_pipeline import AudioWorker
from dragoman_orchestration.workers.service_level import ServiceLevel
from dragoman_orchestration.workers.settings import AudioWorkerSettings
from dragoman_runtime.session_lease import SessionLease, SessionLeases
from dragoman_whisper.engines.mock_speech import speak

from .conftest import spoken, words_of
from .test_lost_audio import FRAME_BYTES, Retold, pcm
from .test_trouble import encoded

NUMBERS = list(range(600, 612))
MINUTE = {"lease_ms": 60_000}
"""A lease that no test waits for: what goes on within it went on at once."""


class Past:
    """A Redis that restarts with less than it had acknowledged: all keys as they were at some moment."""

    def __init__(self, redis: Redis, keys: SessionKeys) -> None:
        self._redis = redis
        self._keys = (keys.audio, keys.results, keys.state, keys.record, keys.outbox, keys.owner)
        self._dumps: dict[str, bytes | None] = {}

    async def remember(self) -> None:
        async with self._redis.pipeline() as pipe:
            for key in self._keys:
                pipe.dump(key)
            self._dumps = dict(zip(self._keys, await pipe.execute(), strict=True))

    async def restore(self) -> None:
        async with self._redis.pipeline() as pipe:
            for key, dump in self._dumps.items():
                pipe.delete(key)
                if dump is not None:
                    pipe.restore(key, 0, dump)
            await pipe.execute()


async def generation(session) -> int:
    return int(await session.redis.hget(session.keys.state, "generation"))


async def heard_ms(session) -> int:
    return int(await session.redis.hget(session.keys.state, "heard_ms") or 0)


async def finish(session, eventually, numbers: list[int]) -> None:
    await session.end()
    await eventually(session.is_ended)
    assert await session.words() == words_of(numbers)
    (ended,) = await session.of_type(SessionEndedMessage)
    assert ended.ledger.is_complete
    assert (ended.ledger.received_ms, ended.ledger.gap_ms) == (session._bytes // 32, 0)


async def test_a_redis_with_an_older_state_is_gone_on_with_at_once(
    redis_client, start_worker, whisper_url, eventually
):
    session = Retold(redis_client, "s1")
    past = Past(redis_client, session.keys)
    await session.open()
    start_worker(whisper_url, **MINUTE)
    data = pcm(np.concatenate([spoken(NUMBERS), spoken([1, 2, 3, 4])]))
    cut = len(data) // 3 // FRAME_BYTES * FRAME_BYTES
    await session.say_bytes(data[:cut], FRAME_BYTES)
    await eventually(lambda: session.of_type(TranscriptPartial))
    await past.remember()
    await session.say_bytes(data[cut : len(data) * 3 // 4 // FRAME_BYTES * FRAME_BYTES], FRAME_BYTES)
    await eventually(lambda: session.of_type(TranscriptFinal))
    await past.restore()
    await session.connect(2, cut)
    await session.say_bytes(data[cut:], 3 * FRAME_BYTES)
    await finish(session, eventually, [*NUMBERS, 1, 2, 3, 4])
    assert await generation(session) == 2


@pytest.mark.parametrize("frames_again", [1, 2, 4])
async def test_ids_that_come_again_for_other_audio_are_read(
    redis_client, start_worker, whisper_url, eventually, frames_again
):
    """The connection itself was lost: the next one gets its epoch again, and so the ids that were read.

    With the same cuts the same ids hold the same bytes; with longer pieces the next id would show a hole;
    with still longer ones the ids that were read are never passed.
    """
    session = Retold(redis_client, "s1")
    past = Past(redis_client, session.keys)
    await session.open()
    start_worker(whisper_url, **MINUTE)
    data = pcm(spoken(NUMBERS))
    cut = len(data) // 3 // FRAME_BYTES * FRAME_BYTES
    await session.say_bytes(data[:cut], FRAME_BYTES)

    async def caught_up():
        return await heard_ms(session) == session._bytes // 32

    await eventually(caught_up)
    await past.remember()
    await session.connect(2, cut)
    await session.say_bytes(data[cut : cut + 12 * FRAME_BYTES], FRAME_BYTES)
    await eventually(caught_up)
    # Only the audio is lost, not the state that was written meanwhile: no publish finds it out.
    state = await redis_client.dump(session.keys.state)
    results = await redis_client.dump(session.keys.results)
    await past.restore()
    await redis_client.restore(session.keys.state, 0, state, replace=True)
    await redis_client.restore(session.keys.results, 0, results, replace=True)
    await session.connect(2, cut)
    await session.say_bytes(data[cut:], frames_again * FRAME_BYTES)
    await finish(session, eventually, NUMBERS)
    assert await session.of_type(AudioGap) == []
    assert await generation(session) == (1 if frames_again == 1 else 2)


async def test_a_worker_outlives_an_emptied_redis(
    redis_client, new_session, start_worker, whisper_url, eventually
):
    session = new_session("s1")
    await session.open()
    worker = start_worker(whisper_url)
    await session.say(spoken(NUMBERS)[: 16_000 * 3])
    await eventually(lambda: session.of_type(TranscriptPartial))
    await redis_client.flushall()
    other = new_session("s2")
    await other.open()
    await other.say(spoken(NUMBERS))
    await other.end()
    await eventually(other.is_ended)
    assert await other.words() == words_of(NUMBERS)
    assert not worker.task.done()
    assert [key async for key in redis_client.scan_iter("*s1*")] == []


async def test_a_worker_that_claims_its_own_session_begins_again(
    redis_client, new_session, start_worker, whisper_url, eventually
):
    session = new_session("s1")
    await session.open()
    start_worker(whisper_url)
    audio = spoken(NUMBERS)
    await session.say(audio[: len(audio) // 2])
    await eventually(lambda: session.of_type(TranscriptPartial))
    stream = session.keys.shard.sessions("mock")
    (pending,) = await redis_client.xpending_range(stream, GROUP_AUDIO_PIPELINE, "-", "+", 1)

    async def again():
        # As if the worker had slept: its lease looks old to itself, too.
        mine, entry_id = pending["consumer"], pending["message_id"]
        await redis_client.xclaim(stream, GROUP_AUDIO_PIPELINE, mine, 0, [entry_id], idle=9_999, justid=True)
        return await generation(session) > 1

    await eventually(again)
    await session.say(audio[len(audio) // 2 :])
    await finish(session, eventually, NUMBERS)


async def test_a_runner_that_is_fenced_leaves_no_thread_behind(
    new_session, start_worker, whisper_url, eventually, tmp_path
):
    def decoders() -> list[threading.Thread]:
        return [one for one in threading.enumerate() if one.name == "container-decoder"]

    data = encoded(spoken(NUMBERS, 48_000), "webm", tmp_path)
    session = new_session("s1", AudioFormat(encoding="webm_opus"))
    await session.open()
    start_worker(whisper_url, **MINUTE)
    await session.say_bytes(data[: len(data) // 2], 1_000)
    await eventually(lambda: session.of_type(TranscriptPartial))
    (first,) = decoders()
    await session.redis.delete(session.keys.owner)

    async def again():
        return await generation(session) == 2

    await eventually(again)
    await eventually(lambda: not first.is_alive())
    await session.say_bytes(data[len(data) // 2 :], 1_000)
    await session.end()
    await eventually(session.is_ended)
    assert await session.words() == words_of(NUMBERS)
    await eventually(lambda: decoders() == [])


async def test_a_start_that_redis_interrupts_is_tried_again_at_once(
    new_session, start_worker, whisper_url, eventually, monkeypatch
):
    activate, failures = SessionLeases.activate, iter([True, True])

    async def interrupted(self, lease):
        if next(failures, False):
            raise BusUnavailable("away")
        await activate(self, lease)

    monkeypatch.setattr(SessionLeases, "activate", interrupted)
    session = new_session("s1")
    await session.open()
    await session.say(spoken(NUMBERS))
    start_worker(whisper_url, **MINUTE)
    await finish(session, eventually, NUMBERS)


class Recorded:
    """Leases of a Redis that is away now and then; notes what is claimed."""

    def __init__(self) -> None:
        self.is_away = False
        self.claims: list[bool] = []

    async def renew(self, leases):
        if self.is_away:
            raise BusUnavailable("away")
        return []

    async def claim(self, room, *, stale, new):
        self.claims.append(stale)
        return []


async def test_after_an_outage_the_living_may_renew_before_anybody_takes_over(broker, monkeypatch):
    leases, now = Recorded(), [100.0]
    settings = AudioWorkerSettings(profile="mock", lease_ms=2_000)
    worker = AudioWorker(
        leases, broker, ServiceLevel(None), settings, lambda: None, name="a", shards=1
    )  # fmt: skip
    monkeypatch.setattr("dragoman_orchestration.workers.audio_pipeline.time.monotonic", lambda: now[0])
    await worker._keep_leases()
    await worker._claim()
    leases.is_away = True
    now[0] += 10
    with pytest.raises(BusUnavailable):
        await worker._keep_leases()
    leases.is_away = False
    for _ in range(4):
        now[0] += 1
        await worker._keep_leases()
        await worker._claim()
    assert leases.claims == [True, False, False, True, True]


async def test_a_worker_that_was_late_to_renew_takes_nothing_over(broker, monkeypatch):
    leases, now = Recorded(), [100.0]
    settings = AudioWorkerSettings(profile="mock", lease_ms=2_000)
    worker = AudioWorker(
        leases, broker, ServiceLevel(None), settings, lambda: None, name="a", shards=1
    )  # fmt: skip
    monkeypatch.setattr("dragoman_orchestration.workers.audio_pipeline.time.monotonic", lambda: now[0])
    await worker._keep_leases()
    now[0] += 5
    await worker._claim()
    await worker._keep_leases()
    await worker._claim()
    assert leases.claims == [False, True]


class SlowRedis:
    """Leases whose activation takes long, as with a Redis that answers late; counts those under way."""

    def __init__(self, sessions: int) -> None:
        self.waiting = [
            SessionLease(
                opened=AudioSessionOpened(session_id=f"s{number}", profile="mock"),
                keys=SessionKeys(f"s{number}"),
                entry_id=f"{number}-0",
                times_delivered=1,
            )
            for number in range(sessions)
        ]
        self.under_way = self.most_under_way = self.renewed = 0

    async def claim(self, room, *, stale, new):
        found, self.waiting = self.waiting, []
        return found

    async def renew(self, leases):
        self.renewed = len(leases)
        return []

    async def activate(self, lease):
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(0.05)
        self.under_way -= 1
        raise BusUnavailable("away")


async def test_many_sessions_are_started_at_once_and_renewed_meanwhile(broker):
    leases = SlowRedis(20)
    settings = AudioWorkerSettings(profile="mock", lease_ms=2_000)
    worker = AudioWorker(leases, broker, ServiceLevel(None), settings, lambda: None, name="a", shards=1)
    claiming = asyncio.create_task(worker._claim())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await worker._keep_leases()
    assert leases.renewed == 20
    with pytest.raises(BusUnavailable):
        await claiming
    assert leases.most_under_way == 20


async def test_no_more_is_read_than_may_wait(redis_client, new_session, start_worker, free_port, eventually):
    session = new_session("s1")
    await session.open()
    start_worker(f"http://127.0.0.1:{free_port}", read_ahead_ms=10_000)
    data = pcm(speak([n % 60_000 for n in range(200)]))
    for start in range(0, len(data), 32 * 4_000):
        session._bytes += len(data[start : start + 32 * 4_000])
        await session.entry(b"a", data[start : start + 32 * 4_000])

    async def full():
        return await heard_ms(session) >= 10_000

    await eventually(full)
    assert await heard_ms(session) < 10_000 + 4_000
    assert msgspec.json.decode(await redis_client.hget(session.keys.state, "ledger"))["pending_ms"] < 14_000
