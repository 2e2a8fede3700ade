"""Dead letters: what is given up is kept whole, listed, tried again or dropped."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable

import msgspec
import pytest
from typer.testing import CliRunner

from dragoman_contracts.audio import AudioFormat
from dragoman_contracts.envelope import Envelope
from dragoman_contracts.errors import Conflict, NotFound
from dragoman_contracts.events import AudioSessionEnded, parse_event, to_envelope
from dragoman_contracts.streams import AUDIO_RESULTS, CONFIG_SYNC, dead_letter_stream
from dragoman_contracts.websocket import (
    ErrorMessage,
    Ledger,
    SessionEndedMessage,
    SessionOptions,
    TranscriptFinal,
    TranscriptPartial,
)
from dragoman_orchestration.cli.app import app
from dragoman_orchestration.workers.session_runner import SessionRunner
from dragoman_runtime.broker.base import Entry
from dragoman_runtime.broker.consumer import Consumer
from dragoman_runtime.dead_letters import DeadLetter, DeadLetters
from dragoman_runtime.process import Drain

from .conftest import spoken, words_of

NUMBERS = list(range(500, 512))
LATER = [21, 22, 23, 24]


@pytest.fixture
def dead(broker) -> DeadLetters:
    return DeadLetters(broker, shards=1, profiles=("mock",))


@pytest.fixture
def cli(redis_server, monkeypatch) -> Callable[..., tuple[int, str]]:
    """``dragoman`` in a thread of its own, as it has an event loop of its own."""
    monkeypatch.setenv("DRAGOMAN_REDIS_URL", redis_server)
    monkeypatch.setattr("dragoman_orchestration.cli.lifecycle.logger.remove", lambda: None)
    monkeypatch.setattr("asyncio.unix_events._UnixSelectorEventLoop.add_signal_handler", lambda *_: None)

    def run(*arguments: str, answer: str = "") -> tuple[int, str]:
        seen = []
        thread = threading.Thread(
            target=lambda: seen.append(CliRunner().invoke(app, ["dead-letters", *arguments], input=answer))
        )
        thread.start()
        thread.join(60)
        (result,) = seen
        return result.exit_code, result.output

    return run


class Poison:
    """Breaks the worker from a byte of the session on, until it is cured."""

    def __init__(self, monkeypatch) -> None:
        self.from_bytes: int | None = None
        healthy = SessionRunner.feed

        def feed(runner, entries):
            for entry in entries:
                if self.from_bytes is not None and int(entry.fields[b"n"]) > self.from_bytes:
                    raise RuntimeError("poison")
                healthy(runner, [entry])

        monkeypatch.setattr(SessionRunner, "feed", feed)


@pytest.fixture
async def buried(new_session, start_worker, whisper_url, eventually, monkeypatch, redis_client):
    """A session that was given up in its second half, and the poison that did it."""
    poison = Poison(monkeypatch)
    session = new_session("s1")
    await session.open(SessionOptions(prompt="a secret prompt"))
    await redis_client.hset(session.keys.record, "format", msgspec.json.encode(session.audio))
    start_worker(whisper_url, lease_ms=200)
    await session.say(spoken(NUMBERS))
    await eventually(lambda: session.of_type(TranscriptFinal))
    poison.from_bytes = session._bytes
    await session.say(spoken(LATER))
    await eventually(session.is_ended)
    return session, poison


async def test_a_session_that_is_given_up_keeps_its_audio_and_a_ledger_of_all_of_it(buried, redis_client):
    session, _ = buried
    (told,) = await session.of_type(SessionEndedMessage)
    assert told.reason == "failed"
    assert told.ledger.is_complete
    assert told.ledger.received_ms == session._bytes // 32
    assert told.ledger.gaps[-1].reason == "failed"
    (error,) = await session.of_type(ErrorMessage)
    assert "dragoman dead-letters" in error.remedy
    for key in (session.keys.audio, session.keys.state, session.keys.record, session.keys.results):
        assert 0 < await redis_client.ttl(key) <= 86_400
    assert await redis_client.exists(session.keys.owner) == 0


@pytest.mark.parametrize("ended_by_speaker", [False, True])
async def test_a_retried_session_goes_on_from_its_checkpoint(
    buried, dead, eventually, redis_client, ended_by_speaker
):
    session, poison = buried
    if ended_by_speaker:
        await session.end()
    before = await session.of_type(TranscriptFinal)
    poison.from_bytes = None
    (letter,) = await dead.all()
    assert (letter.session_id, letter.type, letter.deliveries) == ("s1", "AudioSessionOpened", 4)
    assert await dead.keeps_audio(letter)
    await dead.retry(letter)
    assert await redis_client.hget(session.keys.record, "status") in (b"ending", b"ended")
    await eventually(session.is_ended)

    assert await session.words() == words_of([*NUMBERS, *LATER])
    assert (await session.of_type(TranscriptFinal))[: len(before)] == before
    (ended,) = await session.of_type(SessionEndedMessage)
    assert ended.reason == ("client" if ended_by_speaker else "retried")
    assert ended.ledger.is_complete
    assert (ended.ledger.received_ms, ended.ledger.gap_ms) == (session._bytes // 32, 0)
    assert (await session.results())[-1] == ended
    assert await dead.all() == []
    assert await redis_client.exists(session.keys.audio, session.keys.owner, session.keys.outbox) == 0
    with pytest.raises(NotFound):
        await dead.retry(letter)


async def test_a_session_that_fails_again_is_a_dead_letter_again(buried, dead, eventually):
    session, _ = buried
    (letter,) = await dead.all()
    await dead.retry(letter)
    await eventually(session.is_ended)
    (again,) = await dead.all()
    assert again.id != letter.id
    assert await dead.keeps_audio(again)
    assert len(await session.of_type(SessionEndedMessage)) == 1


async def test_what_cannot_be_retried_is_refused_with_the_reason(buried, dead, redis_client):
    session, _ = buried
    (letter,) = await dead.all()
    await redis_client.hset(session.keys.record, "status", "live")
    with pytest.raises(Conflict, match="running"):
        await dead.retry(letter)
    await redis_client.hset(session.keys.record, "status", "ended")
    await redis_client.delete(session.keys.audio)
    assert not await dead.keeps_audio(letter)
    with pytest.raises(Conflict, match="expired") as refused:
        await dead.retry(letter)
    assert f"dead-letters drop {letter.id}" in refused.value.remedy
    assert await dead.all() == [letter]


async def test_dropping_a_session_drops_its_audio(buried, dead, redis_client):
    session, _ = buried
    (letter,) = await dead.all()
    await dead.drop(letter)
    assert await dead.all() == []
    assert await redis_client.exists(session.keys.audio, session.keys.outbox) == 0
    assert await redis_client.exists(session.keys.results, session.keys.record) == 2
    with pytest.raises(NotFound):
        await dead.drop(letter)


async def test_a_container_is_given_up_and_retried(
    new_session, start_worker, whisper_url, eventually, monkeypatch, redis_client, dead, tmp_path
):
    from .test_trouble import encoded

    poison = Poison(monkeypatch)
    session = new_session("s1", AudioFormat(encoding="webm_opus"))
    await session.open()
    await redis_client.hset(session.keys.record, "format", msgspec.json.encode(session.audio))
    data = encoded(spoken(NUMBERS, 48_000), "webm", tmp_path)
    start_worker(whisper_url, lease_ms=200)
    await session.say_bytes(data[: len(data) // 2], 1_000)
    await eventually(lambda: session.of_type(TranscriptPartial))
    poison.from_bytes = session._bytes
    await session.say_bytes(data[len(data) // 2 :], 1_000)
    await session.end()
    await eventually(session.is_ended)
    poison.from_bytes = None
    (letter,) = await dead.all()
    await dead.retry(letter)
    await eventually(session.is_ended)
    assert await session.words() == words_of(NUMBERS)


async def test_a_state_that_no_worker_can_read_ends_neither_the_worker_nor_its_other_sessions(
    new_session, start_worker, whisper_url, eventually, redis_client, dead
):
    broken, good = new_session("broken"), new_session("good")
    await redis_client.hset(broken.keys.state, mapping={"state": b"{{", "ledger": b"{{"})
    await broken.open()
    await good.open()
    await good.say(spoken(NUMBERS))
    await good.end()
    start_worker(whisper_url, lease_ms=200)
    await eventually(broken.is_ended)
    await eventually(good.is_ended)
    assert await good.words() == words_of(NUMBERS)
    assert [letter.session_id for letter in await dead.all()] == ["broken"]


# --- events of control streams ---


async def fail_once(broker, eventually) -> Envelope:
    """An event on a control stream that its handler refuses for good."""
    event = AudioSessionEnded(session_id="s9", reason="client", ledger=Ledger())
    envelope = to_envelope(event, source="/test", subject="s9")
    await broker.publish(CONFIG_SYNC, envelope.to_fields())

    async def refuse(_: Envelope) -> None:
        raise Conflict("it does not fit")

    drain = Drain()

    async def died():
        return await broker.length(dead_letter_stream(CONFIG_SYNC))

    task = asyncio.create_task(Consumer(broker, CONFIG_SYNC, "config-sync", "c1", refuse).run(drain))
    await eventually(died)
    drain.start()
    await task
    return envelope


async def test_an_event_goes_back_as_it_was(broker, dead, eventually, redis_client):
    envelope = await fail_once(broker, eventually)
    (letter,) = await dead.all()
    assert (letter.stream, letter.reason, letter.session_id) == (CONFIG_SYNC, "conflict: it does not fit", "")
    new_id = await dead.retry(letter)
    ((entry_id, fields),) = await redis_client.xrange(CONFIG_SYNC, min=new_id)
    assert entry_id.decode() == new_id
    assert fields == envelope.to_fields()
    assert parse_event(Envelope.from_fields(fields)).session_id == "s9"
    assert await dead.counts() == dict.fromkeys(await dead.counts(), 0)


async def test_where_two_slots_are_needed_an_event_is_copied_first(broker, dead, eventually, redis_client):
    envelope = await fail_once(broker, eventually)
    (letter,) = await dead.all()
    new_id = await dead._move(letter)
    ((_, fields),) = await redis_client.xrange(CONFIG_SYNC, min=new_id)
    assert fields == envelope.to_fields()
    assert await dead.all() == []


async def test_an_id_on_two_streams_wants_the_streams_name(broker, dead):
    for stream in (AUDIO_RESULTS, CONFIG_SYNC):
        await broker.publish(dead_letter_stream(stream), {b"dl_reason": b"odd"}, "5-1")
    with pytest.raises(Conflict, match="2 streams"):
        await dead.find("5-1")
    assert (await dead.find("5-1", CONFIG_SYNC)).stream == CONFIG_SYNC
    with pytest.raises(NotFound):
        await dead.find("5-2")


def test_a_letter_that_is_no_event_can_be_read():
    letter = DeadLetter.read("stream:x", Entry("7-0", {b"data": b"\xff", b"dl_deliveries": b"many"}))
    assert (letter.type, letter.session_id, letter.deliveries, letter.died_ms) == ("", "", 0, 7)


# --- the command ---


@pytest.mark.usefixtures("buried")
async def test_the_command_lists_shows_and_drops(cli, dead):
    (letter,) = await dead.all()
    code, output = cli("list", "--json")
    assert code == 0
    (listed,) = json.loads(output)
    assert listed | {"time": ""} == {
        "id": letter.id, "stream": "{0}:sessions:mock", "type": "AudioSessionOpened", "subject": "s1",
        "reason": "taken over 3 times without progress", "time": "", "deliveries": 4,
    }  # fmt: skip
    code, output = cli("list")
    assert letter.id in output
    assert "taken over 3 times" in output

    for arguments in (("show", letter.id), ("show", letter.id, "--json")):
        code, output = cli(*arguments)
        assert code == 0
        assert "audio_kept" in output
        assert "secret prompt" not in output
        assert not any(word in output for word in words_of(NUMBERS))

    assert cli("drop", letter.id, answer="n\n")[0] == 1
    assert await dead.all() == [letter]
    code, output = cli("drop", letter.id, "--yes")
    assert (code, await dead.all()) == (0, [])
    code, output = cli("list")
    assert (code, output) == (0, "There are no dead letters.\n")
    code, output = cli("retry", letter.id)
    assert code == 1
    assert "there is no dead letter" in output


async def test_the_command_retries_what_it_can(buried, cli, dead, eventually):
    session, poison = buried
    poison.from_bytes = None
    (letter,) = await dead.all()
    code, output = cli("retry", "1-1", letter.id)
    assert code == 1
    assert f"{letter.id}: back on" in output
    await eventually(session.is_ended)
    assert await session.words() == words_of([*NUMBERS, *LATER])
