"""What the audio worker does when something dies, lies, or is late."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from starlette.responses import JSONResponse, Response

from dragoman_contracts.audio import AudioFormat
from dragoman_contracts.streams import dead_letter_stream
from dragoman_contracts.websocket import (
    AudioGap,
    ErrorMessage,
    SessionEndedMessage,
    SessionLag,
    TranscriptFinal,
    TranscriptPartial,
)
from dragoman_orchestration.workers.session_runner import SessionRunner
from dragoman_runtime.embedded_redis import EmbeddedRedis
from dragoman_runtime.settings import RuntimeSettings
from dragoman_whisper.app import create_app
from dragoman_whisper.engines.mock_speech import speak
from dragoman_whisper.settings import WhisperSettings

from .conftest import Session, Worker, spoken, whisper_server, words_of

NUMBERS = list(range(200, 212))


async def kill(worker: Worker) -> None:
    """End a worker as SIGKILL would: no drain, no hand-over."""
    worker.task.cancel()
    await asyncio.gather(worker.task, return_exceptions=True)


async def ledger_of(session: Session):
    (ended,) = await session.of_type(SessionEndedMessage)
    return ended.ledger


# --- takeover ---


async def test_a_killed_workers_session_goes_on_in_the_middle_of_a_word(
    new_session, start_worker, whisper_url, eventually
):
    session = new_session("s1")
    await session.open()
    doomed = start_worker(whisper_url)
    audio = spoken(NUMBERS)
    await session.say(audio[: len(audio) // 2])

    async def captioned():
        return await session.of_type(TranscriptPartial)

    partial = (await eventually(captioned))[-1]
    await kill(doomed)
    start_worker(whisper_url)
    await session.say(audio[len(audio) // 2 :])
    await session.end()
    await eventually(session.is_ended)

    assert await session.words() == words_of(NUMBERS)
    (final,) = await session.of_type(TranscriptFinal)
    assert final.segment_id == partial.segment_id
    assert final.revision > partial.revision
    assert final.text.startswith(partial.stable_text)
    assert (await ledger_of(session)).is_complete


async def test_a_drained_worker_hands_over_at_once(new_session, start_worker, whisper_url, eventually):
    session = new_session("s1")
    await session.open()
    # A lease of a minute: only a hand-over can be in time.
    first = start_worker(whisper_url, lease_ms=60_000)
    audio = spoken(NUMBERS)
    await session.say(audio[: len(audio) // 2])
    await eventually(lambda: session.of_type(TranscriptPartial))
    await first.stop()
    start_worker(whisper_url, lease_ms=60_000)
    await session.say(audio[len(audio) // 2 :])
    await session.end()
    await eventually(session.is_ended)
    assert await session.words() == words_of(NUMBERS)


async def test_a_session_that_breaks_every_worker_ends_with_a_told_error(
    new_session, start_worker, whisper_url, eventually, monkeypatch, redis_client
):
    def broken(self, entries):
        raise RuntimeError("poison")

    monkeypatch.setattr(SessionRunner, "feed", broken)
    session = new_session("s1")
    await session.open()
    await session.say(spoken(NUMBERS))
    start_worker(whisper_url, lease_ms=200)
    await eventually(session.is_ended)
    (error,) = await session.of_type(ErrorMessage)
    assert error.code == "session_failed"
    assert (await ledger_of(session)).adds_up
    assert await redis_client.xlen(dead_letter_stream(session.keys.shard.sessions("mock"))) == 1


async def test_one_broken_session_does_not_harm_the_others(
    new_session, start_worker, whisper_url, eventually, monkeypatch
):
    healthy = SessionRunner.feed

    def sometimes_broken(self, entries):
        if self.session_id == "poison":
            raise RuntimeError("poison")
        healthy(self, entries)

    monkeypatch.setattr(SessionRunner, "feed", sometimes_broken)
    poison, good = new_session("poison"), new_session("good")
    await poison.open()
    await good.open()
    start_worker(whisper_url)
    await poison.say(spoken(NUMBERS))
    await good.say(spoken(NUMBERS))
    await good.end()
    await eventually(good.is_ended)
    assert await good.words() == words_of(NUMBERS)


# --- the whisper service ---


async def test_audio_waits_for_a_whisper_service_that_is_away(
    new_session, start_worker, free_port, eventually
):
    session = new_session("s1")
    await session.open()
    start_worker(f"http://127.0.0.1:{free_port}", lag_notice_ms=200)
    await session.say(spoken(NUMBERS))
    await session.end()

    async def told():
        return [lag for lag in await session.of_type(SessionLag) if "whisper" in lag.reason]

    assert (await eventually(told))[0].lag_ms >= 200
    async with whisper_server(create_app(WhisperSettings(profile="mock")), free_port):
        await eventually(session.is_ended)
    assert await session.words() == words_of(NUMBERS)
    assert (await session.of_type(SessionLag))[-1].lag_ms == 0
    assert (await ledger_of(session)).gap_ms == 0


class FlakyService:
    """The whisper service behind a layer that gives ``answer`` to the first ``times`` windows."""

    def __init__(self, *, times: int, answer) -> None:
        self._inner = create_app(WhisperSettings(profile="mock"))
        self._left = times
        self._answer = answer

    async def __call__(self, scope, receive, send) -> None:
        if scope.get("path") == "/v1/windows" and self._left > 0:
            self._left -= 1
            response = await self._answer()
            await response(scope, receive, send)
        else:
            await self._inner(scope, receive, send)


async def fails() -> Response:
    return JSONResponse({"code": "internal"}, 500)


async def garbage() -> Response:
    return Response(b"<html>hello</html>", 200)


async def wrong_shape() -> Response:
    return JSONResponse({"text": 42})


async def late() -> Response:
    await asyncio.sleep(1.0)
    return JSONResponse({"language": "en"})


@pytest.mark.parametrize("answer", [fails, garbage, wrong_shape, late])
async def test_a_whisper_service_that_fails_for_a_while_costs_no_word(
    new_session, start_worker, eventually, answer
):
    session = new_session("s1")
    await session.open()
    async with whisper_server(FlakyService(times=3, answer=answer)) as url:
        start_worker(url, whisper_timeout_s=0.3)
        await session.say(spoken(NUMBERS))
        await session.end()
        await eventually(session.is_ended)
    assert await session.words() == words_of(NUMBERS)
    assert (await ledger_of(session)).gap_ms == 0


@pytest.mark.parametrize(("status", "code"), [(422, "invalid_input"), (500, "decode_failed")])
async def test_a_window_that_is_refused_for_good_becomes_a_told_gap(
    new_session, start_worker, eventually, status, code
):
    async def refuses() -> Response:
        return JSONResponse({"code": code}, status)

    session = new_session("s1")
    await session.open()
    async with whisper_server(FlakyService(times=1, answer=refuses)) as url:
        start_worker(url)
        await session.say(spoken([1, 2]))
        await session.say(spoken(NUMBERS))
        await session.end()
        await eventually(session.is_ended)
    (gap,) = await session.of_type(AudioGap)
    ledger = await ledger_of(session)
    assert ledger.is_complete
    assert ledger.gap_ms == gap.end_ms - gap.start_ms > 0
    assert ledger.gaps[0].reason == code
    assert (await session.words())[-len(NUMBERS) :] == words_of(NUMBERS)


# --- Redis ---


async def test_a_redis_that_is_gone_for_a_while_costs_no_word(whisper_url, eventually, tmp_path):
    from dragoman_orchestration.workers.settings import AudioWorkerSettings
    from dragoman_runtime.broker.redis import connect_redis

    async with EmbeddedRedis(data_dir=tmp_path, appendonly=True) as server:
        client = connect_redis(server.url)
        session = Session(client, "s1")
        await session.open()
        worker = Worker(
            AudioWorkerSettings(profile="mock", whisper_url=whisper_url, lease_ms=500),
            RuntimeSettings(redis_url=server.url, redis_timeout_s=1.0),
        )
        audio = spoken(NUMBERS)
        await session.say(audio[: len(audio) // 2])
        await eventually(lambda: session.of_type(TranscriptPartial))
        await server.stop()
        await asyncio.sleep(0.5)  # the outage itself
        await server.start()
        await session.say(audio[len(audio) // 2 :])
        await session.end()
        await eventually(session.is_ended)
        assert await session.words() == words_of(NUMBERS)
        await worker.stop()
        await client.aclose()


# --- input ---


async def test_silence_gives_no_words_and_a_complete_ledger(
    new_session, start_worker, whisper_url, eventually
):
    session = new_session("s1")
    await session.open()
    start_worker(whisper_url)
    hour = np.zeros(16_000 * 60, dtype=np.float32)
    # An hour of silence, a minute an entry: what counts is that nothing of it is kept.
    for _ in range(60):
        await session.say_bytes((hour * 32767).astype("<i2").tobytes(), 2 * 16_000 * 60)
    await session.end()
    await eventually(session.is_ended)
    ledger = await ledger_of(session)
    assert ledger.silence_ms == ledger.received_ms == 3_600_000
    assert await session.words() == []


async def test_a_session_without_audio_ends_by_itself(new_session, start_worker, whisper_url, eventually):
    session = new_session("s1")
    await session.open()
    start_worker(whisper_url, idle_timeout_s=0.3)
    await session.say(spoken(NUMBERS))
    await eventually(session.is_ended)
    (ended,) = await session.of_type(SessionEndedMessage)
    assert ended.reason == "idle"
    assert await session.words() == words_of(NUMBERS)


async def test_a_flush_makes_final_what_was_said(new_session, start_worker, whisper_url, eventually):
    session = new_session("s1")
    await session.open()
    start_worker(whisper_url)
    await session.say(speak(NUMBERS)[: -16 * 60])
    await session.entry(b"x")
    (final,) = await eventually(lambda: session.of_type(TranscriptFinal))
    assert final.text.split() == words_of(NUMBERS)


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 48_000])
async def test_other_rates_are_resampled(new_session, start_worker, whisper_url, eventually, rate_hz):
    session = new_session("s1", AudioFormat(sample_rate_hz=rate_hz))
    await session.open()
    start_worker(whisper_url)
    data = (spoken(NUMBERS, rate_hz) * 32767).astype("<i2").tobytes()
    await session.say_bytes(data, 2 * rate_hz // 10)
    await session.end()
    await eventually(session.is_ended)
    assert await session.words() == words_of(NUMBERS)
    ledger = await ledger_of(session)
    assert ledger.is_complete
    assert ledger.received_ms == len(data) * 1_000 // (2 * rate_hz)


async def test_floats_and_stereo(new_session, start_worker, whisper_url, eventually):
    session = new_session("s1", AudioFormat(encoding="pcm_f32le", channels=2))
    await session.open()
    start_worker(whisper_url)
    stereo = np.repeat(spoken(NUMBERS)[:, None], 2, axis=1).astype("<f4")
    stereo[5] = np.nan
    await session.say_bytes(stereo.tobytes(), 8 * 1600)
    await session.end()
    await eventually(session.is_ended)
    assert await session.words() == words_of(NUMBERS)


async def test_an_odd_number_of_bytes_is_told_and_survived(
    new_session, start_worker, whisper_url, eventually
):
    session = new_session("s1")
    await session.open()
    start_worker(whisper_url)
    await session.say_bytes(b"odd", 3)
    await session.say(spoken(NUMBERS))
    await session.end()
    await eventually(session.is_ended)
    (error,) = await session.of_type(ErrorMessage)
    assert error.code == "unsupported_audio"
    assert await session.words() == words_of(NUMBERS)


def encoded(samples: np.ndarray, container: str, path: Path) -> bytes:
    """Opus in a container, as a browser's recorder makes it."""
    import av

    target = path / f"speech.{container}"
    with av.open(str(target), "w", format=container) as out:
        stream = out.add_stream("libopus", rate=48_000, layout="mono")
        stream.bit_rate = 64_000
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1).astype(np.float32), "flt", "mono")
        frame.sample_rate = 48_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            out.mux(packet)
    return target.read_bytes()


@pytest.mark.parametrize("container", ["webm", "ogg"])
async def test_opus_in_a_container(new_session, start_worker, whisper_url, eventually, container, tmp_path):
    session = new_session("s1", AudioFormat(encoding=f"{container}_opus"))
    await session.open()
    start_worker(whisper_url)
    await session.say_bytes(encoded(spoken(NUMBERS, 48_000), container, tmp_path), 1_000)
    await session.end()
    await eventually(session.is_ended)
    assert await session.words() == words_of(NUMBERS)
    assert (await ledger_of(session)).is_complete


async def test_a_truncated_webm_gives_what_it_holds(
    new_session, start_worker, whisper_url, eventually, tmp_path
):
    data = encoded(spoken(NUMBERS, 48_000), "webm", tmp_path)
    session = new_session("s1", AudioFormat(encoding="webm_opus"))
    await session.open()
    start_worker(whisper_url)
    await session.say_bytes(data[: len(data) * 2 // 3], 1_000)
    await session.end()
    await eventually(session.is_ended)
    words = await session.words()
    assert 4 <= len(words) < len(NUMBERS)
    assert words[:4] == words_of(NUMBERS)[:4]


async def test_bytes_that_are_no_container_end_the_session_with_the_reason(
    new_session, start_worker, whisper_url, eventually
):
    session = new_session("s1", AudioFormat(encoding="webm_opus"))
    await session.open()
    start_worker(whisper_url)
    await session.say_bytes(b"this is no audio at all " * 2_000, 4_000)
    await eventually(session.is_ended)
    (error,) = await session.of_type(ErrorMessage)
    assert error.code == "unsupported_audio"
    assert error.remedy
    (ended,) = await session.of_type(SessionEndedMessage)
    assert ended.reason == "unsupported_audio"


async def test_a_container_survives_its_worker(new_session, start_worker, whisper_url, eventually, tmp_path):
    data = encoded(spoken(NUMBERS, 48_000), "webm", tmp_path)
    session = new_session("s1", AudioFormat(encoding="webm_opus"))
    await session.open()
    doomed = start_worker(whisper_url)
    await session.say_bytes(data[: len(data) // 2], 1_000)
    await eventually(lambda: session.of_type(TranscriptPartial))
    await kill(doomed)
    start_worker(whisper_url)
    await session.say_bytes(data[len(data) // 2 :], 1_000)
    await session.end()
    await eventually(session.is_ended)
    assert await session.words() == words_of(NUMBERS)
