"""The store's scripts on a real Redis: the same rules as the pure state machine, on one shard or many."""

from __future__ import annotations

import asyncio

import pytest

from dragoman_contracts.audio import AudioFormat
from dragoman_contracts.envelope import Envelope
from dragoman_contracts.errors import (
    BusUnavailable,
    Conflict,
    DragomanError,
    Fenced,
    LimitExceeded,
    NotFound,
    SessionEnded,
)
from dragoman_contracts.events import AudioSessionOpened, parse_event
from dragoman_contracts.streams import AudioField, RecordField, shard_of
from dragoman_contracts.websocket import GlossaryTerm, SessionConfigure, SessionOptions, TranslationOptions
from dragoman_orchestration.session.glossaries import Glossaries
from dragoman_orchestration.session.lifecycle import Command, Status, next_status
from dragoman_orchestration.session.model import Limits, Progress
from dragoman_orchestration.session.store import SessionStore
from dragoman_orchestration.session.watched import WatchRegister
from dragoman_runtime.broker.redis import RedisBroker, connect_redis
from dragoman_runtime.embedded_redis import EmbeddedRedis
from tests.servers import SERVERS, server_binary

LIMITS = Limits(100, 100)
CONFIGURE = SessionConfigure()


@pytest.fixture(params=SERVERS)
async def store(request):
    """A store on each of the servers."""
    async with EmbeddedRedis(binary=server_binary(request.param)) as server:
        client = connect_redis(server.url)
        yield SessionStore(RedisBroker(client))
        await client.aclose()


async def create(store, **options):
    return await store.create(SessionOptions(**options), profile="mock", owner_key="a", limits=LIMITS)


async def in_status(store, status):
    record = await create(store)
    if status is not Status.CREATED:
        await store.open(record, CONFIGURE)
    if status is Status.ENDING:
        await store.end(record.id, "client")
    if status is Status.ENDED:
        await store._broker.client.hset(store.keys(record.id).record, "status", "ended")
    return await store.get(record.id)


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("command", [Command.OPEN, Command.END])
async def test_scripts_and_state_machine_agree(store, status, command):
    record = await in_status(store, status)
    assert record.status is status
    try:
        expected: Status | type[DragomanError] = next_status(status, command)
    except DragomanError as error:
        expected = type(error)
    try:
        if command is Command.OPEN:
            await store.open(record, CONFIGURE)
        else:
            await store.end(record.id, "request")
        found: Status | type[DragomanError] = (await store.get(record.id)).status
    except DragomanError as error:
        found = type(error)
    assert found == expected


async def test_the_first_speaker_opens_the_session_for_a_worker(store):
    record = await create(store, language="es")
    await store.open(record, CONFIGURE, traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01")
    await store.open(record, CONFIGURE)
    keys = store.keys(record.id)
    ((_, fields),) = await store._broker.client.xrange(keys.shard.sessions("mock"))
    envelope = Envelope.from_fields(fields)
    assert envelope.subject == record.id
    assert envelope.traceparent.startswith("00-1")
    event = parse_event(envelope)
    assert isinstance(event, AudioSessionOpened)
    assert event.options["language"] == "es"
    assert await store._broker.client.ttl(keys.record) == -1  # a live session does not expire


async def test_options_of_the_speaker_count_at_the_first_open_only(store):
    record = await create(store, language="es")
    await store.open(record, SessionConfigure(options=SessionOptions(language="en")))
    assert (await store.get(record.id)).options.language == "en"
    await store.open(record, SessionConfigure(options=SessionOptions(language="fr")))
    assert (await store.get(record.id)).options.language == "en"


SPANISH = TranslationOptions(targets=["es"], glossary=[GlossaryTerm(source="board")])
FRENCH = TranslationOptions(targets=["fr", "pt-BR"], on_demand=True)


async def test_the_translation_is_kept_apart_from_the_options(store):
    record = await create(store, language="en", translation=SPANISH)
    assert await store.get(record.id) == record
    assert (record.options, record.translation) == (SessionOptions(language="en"), SPANISH)


async def test_the_speakers_translation_counts_at_the_first_open_only(store):
    record = await create(store, translation=SPANISH)
    await store.open(record, SessionConfigure(options=SessionOptions(language="en")))
    assert (await store.get(record.id)).translation == SPANISH
    record = await create(store, translation=SPANISH)
    for translation in (FRENCH, SPANISH):
        await store.open(record, SessionConfigure(options=SessionOptions(translation=translation)))
        assert (await store.get(record.id)).translation == FRENCH
    keys = store.keys(record.id)
    targets = await store._broker.client.hget(keys.record, RecordField.TARGETS.decode())
    assert targets == b"fr,pt-BR"
    # What only the record is to hold is neither in the audio nor with the workers' events.
    streams = [await store._broker.client.xrange(key) for key in (keys.audio, keys.shard.sessions("mock"))]
    assert b"pt-BR" not in repr(streams).encode()


@pytest.mark.parametrize("status", list(Status))
async def test_the_translation_is_changed_until_the_end(store, status):
    record = await in_status(store, status)
    if status is Status.ENDED:
        with pytest.raises(SessionEnded):
            await store.set_translation(record.id, FRENCH)
    else:
        await store.set_translation(record.id, FRENCH)
    expected = TranslationOptions() if status is Status.ENDED else FRENCH
    assert (await store.get(record.id)).translation == expected


async def test_translating_the_unknown_does_not_raise_the_dead(store):
    with pytest.raises(NotFound):
        await store.set_translation("nobody", FRENCH)
    assert not await store._broker.client.exists(store.keys("nobody").record)


async def test_watched_sessions_over_shards_are_told_and_asked_in_one_round_trip(store):
    spread = SessionStore(store._broker, shards=4)
    register = WatchRegister(store._broker, shards=4)
    records = [
        await spread.create(
            SessionOptions(translation=SPANISH if number % 2 else None),
            profile="mock",
            owner_key="a",
            limits=LIMITS,
        )
        for number in range(8)
    ]
    asked = [*(record.id for record in records), "nobody"]
    known = await register.exchange(asked, {records[0].id: ["es", "fr"]}, now_ms=1_000)
    expected = {record.id: tuple(record.translation.targets) for record in records}
    assert known == {**expected, "nobody": None}
    wanted = await store._broker.client.zrange(spread.keys(records[0].id).wanted, 0, -1, withscores=True)
    assert wanted == [(b"es", 16_000.0), (b"fr", 16_000.0)]
    assert await register.exchange([], {}, now_ms=1_000) == {}


async def test_another_format_is_a_conflict(store):
    record = await create(store)
    await store.open(record, CONFIGURE)
    with pytest.raises(Conflict, match="16000"):
        await store.open(record, SessionConfigure(audio=AudioFormat(sample_rate_hz=8_000)))


async def test_what_redis_lost_and_the_speaker_no_longer_has_is_counted(store):
    record = await create(store)
    keys = store.keys(record.id)
    await store.open(record, CONFIGURE)
    await store._broker.client.xadd(
        keys.audio, {AudioField.KIND: b"a", AudioField.BYTES_TOTAL: 640}, id="1-2"
    )
    # It still has all of that, or more: nothing is lost, and the total never shrinks.
    for oldest in (None, 0, 320, 640):
        assert (await store.open(record, SessionConfigure(resume_from_bytes=oldest))).received_bytes == 640
    opened = await store.open(record, SessionConfigure(resume_from_bytes=16_000))
    assert (opened.received_bytes, opened.resumed) == (16_000, True)
    assert await store.stored_bytes(record.id) == 16_000
    assert (await store.open(record, CONFIGURE)).received_bytes == 16_000
    totals = [
        int(fields[AudioField.BYTES_TOTAL]) for _, fields in await store._broker.client.xrange(keys.audio)
    ]
    assert totals == [0, 640, 640, 640, 640, 640, 16_000, 16_000]


async def test_epochs_grow_even_if_redis_forgot_the_last_one(store):
    record = await create(store)
    await store.open(record, CONFIGURE)
    assert (await store.open(record, CONFIGURE)).epoch == 2
    await store._broker.client.hset(store.keys(record.id).record, RecordField.EPOCH.decode(), 1)
    assert (await store.open(record, CONFIGURE)).epoch == 3


async def test_only_the_newest_speaker_can_end(store):
    record = await create(store)
    first = await store.open(record, CONFIGURE)
    second = await store.open(record, CONFIGURE)
    with pytest.raises(Fenced):
        await store.end(record.id, "client", epoch=first.epoch, seq=2)
    assert await store.end(record.id, "client", epoch=second.epoch, seq=2) is Status.ENDING
    assert await store.end(record.id, "client", epoch=second.epoch, seq=2) is Status.ENDING
    entries = await store._broker.client.xrange(store.keys(record.id).audio)
    assert [(entry_id, fields[AudioField.KIND]) for entry_id, fields in entries] == [
        (b"1-1", b"f"),
        (b"2-1", b"f"),
        (b"2-2", b"e"),
    ]


async def test_ending_the_unknown(store):
    with pytest.raises(NotFound):
        await store.end("nobody", "request")
    with pytest.raises(NotFound):
        await store.get("nobody")


async def test_an_unopened_session_is_forgotten(store):
    record = await create(store)
    assert 0 < await store._broker.client.ttl(store.keys(record.id).record) <= 3_600
    await store._broker.client.delete(store.keys(record.id).record)
    assert (await store.newest(limit=10)).records == []
    assert await store._broker.client.zcard(store.keys(record.id).shard.index) == 0
    with pytest.raises(NotFound):
        await store.open(record, CONFIGURE)


async def test_touching_does_not_raise_the_dead(store):
    record = await create(store)
    await store.touch([record.id, "nobody"])
    assert (await store.get(record.id)).seen_ms > 0
    assert not await store._broker.client.exists(store.keys("nobody").record)


async def test_progress_of_many_in_one_round_trip(store):
    record = await create(store)
    opened = await store.open(record, CONFIGURE)
    assert await store.progress([record.id, "nobody"]) == [Progress(Status.LIVE, opened.epoch), Progress()]
    assert await store.progress([]) == []


async def test_the_limit_holds_under_a_rush(store):
    async def one():
        return await store.create(SessionOptions(), profile="mock", owner_key="a", limits=Limits(5, 100))

    answers = await asyncio.gather(*(one() for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(answer, LimitExceeded) for answer in answers) == 15


async def test_all_of_it_on_many_shards(store):
    spread = SessionStore(store._broker, shards=4)
    limits = Limits(12, 10)
    records = [
        await spread.create(SessionOptions(), profile="mock", owner_key=f"k{number % 2}", limits=limits)
        for number in range(12)
    ]
    assert len({shard_of(record.id, 4) for record in records}) > 1
    with pytest.raises(LimitExceeded):
        await spread.create(SessionOptions(), profile="mock", owner_key="k0", limits=limits)
    for record in records:
        await spread.open(record, CONFIGURE)
        assert f"{{{shard_of(record.id, 4)}}}:" in spread.keys(record.id).audio
    listed = (await spread.newest(limit=20)).records
    assert {record.id for record in listed} == {record.id for record in records}
    assert listed == sorted(listed, key=lambda record: (record.created_ms, record.id), reverse=True)
    first = await spread.newest(limit=5)
    assert first.records == listed[:5]
    assert (await spread.newest(limit=20, before=first.next)).records == listed[5:]
    assert set(await spread.silent_since(-10_000)) == {record.id for record in records}
    assert await spread.silent_since(60_000) == []


async def test_audio_that_came_too_late_is_forgotten_and_what_is_kept_for_a_retry_stays(store):
    redis = store._broker.client
    late, kept = await in_status(store, Status.ENDED), await in_status(store, Status.ENDED)
    for record in (late, kept):
        await redis.xadd(store.keys(record.id).audio, {"k": "a", "d": "x", "n": 1}, id="9-9")
    await redis.expire(store.keys(kept.id).audio, 60)
    for record in (late, kept):
        await store.forget_audio(record.id)
    assert await redis.exists(store.keys(late.id).audio) == 0
    assert await redis.exists(store.keys(kept.id).audio) == 1


async def test_an_ended_session_takes_nothing(store):
    record = await in_status(store, Status.ENDED)
    with pytest.raises(SessionEnded):
        await store.open(record, CONFIGURE)


async def test_a_redis_that_is_not_there(free_port):
    client = connect_redis(f"redis://:secret@127.0.0.1:{free_port}/0", timeout_s=1)
    away = SessionStore(RedisBroker(client))
    with pytest.raises(BusUnavailable) as caught:
        await away.get("s")
    assert "secret" not in str(caught.value)
    for call in (
        away.newest(limit=1),
        away.progress(["s"]),
        away.touch(["s"]),
        away.server_run(0),
        away.set_translation("s", FRENCH),
        WatchRegister(RedisBroker(client)).exchange(["s"], {}, now_ms=0),
        Glossaries(RedisBroker(client)).names(),
        create(away),
    ):
        with pytest.raises(BusUnavailable):
            await call
    await client.aclose()
