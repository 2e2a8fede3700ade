"""The audio worker from ingest entries to results."""

from __future__ import annotations

from dragoman_contracts.envelope import Envelope
from dragoman_contracts.events import AudioSessionEnded, TranscriptionCompleted, parse_event
from dragoman_contracts.streams import AUDIO_RESULTS
from dragoman_contracts.websocket import (
    SessionEndedMessage,
    SpeechEnded,
    SpeechStarted,
    TranscriptFinal,
    TranscriptPartial,
)

from .conftest import spoken, words_of

NUMBERS = [7, 42, 65_535, 1_000, 3]


async def test_words_come_out_in_order_and_the_ledger_adds_up(
    new_session, start_worker, whisper_url, eventually
):
    session = new_session("s1")
    await session.open()
    start_worker(whisper_url)
    await session.say(spoken(NUMBERS))
    await session.say(spoken([9, 8]))
    await session.end()
    await eventually(session.is_ended)

    assert await session.words() == words_of([*NUMBERS, 9, 8])
    (ended,) = await session.of_type(SessionEndedMessage)
    assert ended.reason == "client"
    assert ended.ledger.is_complete
    assert ended.ledger.received_ms == 2000 + 2000 + 300 * 7
    assert ended.ledger.gap_ms == 0
    finals = await session.of_type(TranscriptFinal)
    assert [final.segment_id for final in finals] == ["seg-0", "seg-1"]
    assert len(await session.of_type(SpeechStarted)) == len(await session.of_type(SpeechEnded)) == 2


async def test_finals_are_copied_to_the_control_stream_once(
    new_session, start_worker, whisper_url, eventually, redis_client
):
    session = new_session("s1")
    await session.open()
    start_worker(whisper_url)
    await session.say(spoken(NUMBERS))
    await session.end()
    await eventually(session.is_ended)

    entries = await redis_client.xrange(AUDIO_RESULTS)
    events = [parse_event(Envelope.from_fields(fields)) for _, fields in entries]
    completed = [event for event in events if isinstance(event, TranscriptionCompleted)]
    assert [event.text.split() for event in completed] == [words_of(NUMBERS)]
    assert isinstance(events[-1], AudioSessionEnded)
    assert await redis_client.exists(session.keys.outbox) == 0


async def test_partials_are_superseded_in_the_stream(new_session, start_worker, whisper_url, eventually):
    session = new_session("s1")
    await session.open()
    start_worker(whisper_url)
    seen: list[TranscriptPartial] = []

    async def first_partial():
        seen.extend(await session.of_type(TranscriptPartial))
        return seen

    await session.say(spoken(list(range(100, 110)))[:-16_000])
    partial = (await eventually(first_partial))[-1]
    assert partial.text == " ".join(part for part in (partial.stable_text, partial.unstable_text) if part)
    await session.end()
    await eventually(session.is_ended)
    assert await session.of_type(TranscriptPartial) == []
    assert await session.words() == words_of(list(range(100, 110)))


async def test_an_ended_session_leaves_only_what_expires(
    new_session, start_worker, whisper_url, eventually, redis_client
):
    session = new_session("s1")
    await session.open()
    start_worker(whisper_url)
    await session.say(spoken(NUMBERS))
    await session.end()
    await eventually(session.is_ended)
    keys = [key async for key in redis_client.scan_iter("*s1*")]
    assert sorted(keys) == sorted(
        key.encode() for key in (session.keys.record, session.keys.results, session.keys.state)
    )
    for key in keys:
        assert 0 < await redis_client.ttl(key) <= 86_400
    assert await redis_client.xlen(session.keys.shard.sessions("mock")) == 0
