"""Redis not there at start, gone in between, back with less than it had."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from dragoman_contracts.errors import BusUnavailable
from dragoman_contracts.websocket import CloseCode
from dragoman_orchestration.session.store import SessionStore
from dragoman_runtime.broker.base import EntryIdRefused
from dragoman_runtime.broker.publisher import TickPublisher
from dragoman_runtime.broker.redis import connect_redis
from dragoman_runtime.embedded_redis import EmbeddedRedis
from tests.chaos.proxy import Proxy

from .conftest import Worker, running_api

FRAME = bytes(range(100)) * 32
"""100 ms of the default format."""


@pytest.fixture
async def redis() -> AsyncIterator[EmbeddedRedis]:
    async with EmbeddedRedis(port=0, appendonly=True) as server:
        yield server


@pytest.fixture
async def proxy(redis: EmbeddedRedis) -> AsyncIterator[Proxy]:
    async with Proxy("127.0.0.1", redis.port) as made:
        yield made


def through(proxy: Proxy) -> str:
    """The URL of Redis behind the proxy."""
    return f"redis://127.0.0.1:{proxy.port}/0"


@pytest.fixture
async def direct(redis: EmbeddedRedis):
    """A client of Redis that no cut of the proxy reaches."""
    client = connect_redis(redis.url)
    yield client
    await client.aclose()


async def test_redis_is_not_there_at_start(redis, eventually):
    await redis.stop()
    async with running_api(redis.url) as api:
        answer = await api.http.post("/v1/sessions")
        assert (answer.status_code, answer.json()["code"]) == (503, "bus_unavailable")
        assert answer.headers["retry-after"]
        assert answer.json()["remedy"]
        ready = await api.http.get("/ready")
        assert ready.status_code == 503
        assert "Redis" in ready.json()["parts"]["redis"]
        assert (await api.http.get("/health")).status_code == 200
        health = (await api.http.get("/v1/system/health")).json()
        assert health["status"] == "degraded"
        viewer = await api.viewer("0" * 32)
        assert (await viewer.next("error"))["code"] == "bus_unavailable"
        assert await viewer.closed() == CloseCode.BUS_UNAVAILABLE
        await redis.start()

        async def ready_again() -> bool:
            return (await api.http.get("/ready")).status_code == 200

        await eventually(ready_again)
        speaker = await api.speaker(await api.create())
        await speaker.send(FRAME)
        await speaker.acked(len(FRAME))


async def test_gone_in_between_nothing_is_lost_and_sockets_stay(proxy, direct):
    async with running_api(through(proxy)) as api:
        session_id = await api.create()
        played = Worker(direct, session_id)
        speaker, viewer = await api.speaker(session_id), await api.viewer(session_id)
        await viewer.next("session.snapshot")
        await speaker.send(FRAME)
        await speaker.acked(len(FRAME))
        proxy.refuse_all()
        for _ in range(30):
            await speaker.send(FRAME)
        for socket in (speaker, viewer):
            error = await socket.next("error")
            assert (error["code"], error["permanent"]) == ("bus_unavailable", False)
        await played.final(0, "said while the API could not see it")
        proxy.mend()
        await speaker.send(FRAME)
        ack = await speaker.acked(32 * len(FRAME))
        assert ack["received_ms"] == 3_200
        assert await played.audio() == FRAME * 32
        assert (await viewer.next("transcript.final"))["text"].startswith("said while")
        entries = await played.entries()
        assert len(entries) < 10  # what had to wait travels together


async def test_beyond_the_hold_limit_the_speaker_waits(proxy, direct, eventually):
    async with running_api(through(proxy), hold_ms=500, backlog_limit_ms=1_000_000) as api:
        session_id = await api.create()
        speaker = await api.speaker(session_id)
        await speaker.send(FRAME)
        await speaker.acked(len(FRAME))
        before = await _settled(api)
        proxy.refuse_all()
        count = 2_000  # 6.4 MB: more than the hold limit and what TCP buffers

        async def flood() -> None:
            for _ in range(count):
                await speaker.send(FRAME)

        flooding = asyncio.create_task(flood())
        await speaker.next("error")
        taken = await _settled(api) - before
        assert taken < count * len(FRAME) / 2
        proxy.mend()
        await flooding
        await speaker.acked((count + 1) * len(FRAME))
        assert await Worker(direct, session_id).audio() == FRAME * (count + 1)


async def _settled(api) -> float:
    """Bytes of audio that the process has read, once that stands still."""
    last, same = -1.0, 0
    async with asyncio.timeout(20):
        while same < 20:
            text = (await api.http.get("/metrics")).text
            (line,) = [x for x in text.splitlines() if x.startswith("dragoman_api_audio_bytes_total ")]
            now = float(line.split()[1])
            same = same + 1 if now == last else 0
            last = now
            await asyncio.sleep(0.02)
    return last


async def test_a_reply_that_is_lost_does_not_double_the_audio(proxy, direct):
    async with running_api(through(proxy)) as api:
        session_id = await api.create()
        speaker = await api.speaker(session_id)
        await speaker.send(FRAME)
        await speaker.acked(len(FRAME))
        proxy.swallow = True
        await speaker.send(FRAME)
        played = Worker(direct, session_id)
        async with asyncio.timeout(10):
            while len(await played.entries()) < 3:  # stored, but the API is not told so
                await asyncio.sleep(0.01)
        proxy.refuse_all()
        proxy.swallow = False
        proxy.mend()
        await speaker.send(FRAME)
        await speaker.acked(3 * len(FRAME))
        assert await played.audio() == FRAME * 3


async def test_redis_goes_away_right_after_it_refused_an_id(redis, direct, monkeypatch):
    publish, progress, away_until = TickPublisher.publish, SessionStore.progress, 0.0
    clock = asyncio.get_running_loop().time

    async def refused_once(self, stream, fields, entry_id="*"):
        nonlocal away_until
        stored = await publish(self, stream, fields, entry_id)
        if not away_until and entry_id.endswith("-3"):
            away_until = clock() + 0.3
            raise EntryIdRefused("stored by an attempt before")
        return stored

    async def away(self, session_ids):
        if clock() < away_until:
            raise BusUnavailable("Redis went away")
        return await progress(self, session_ids)

    monkeypatch.setattr(TickPublisher, "publish", refused_once)
    monkeypatch.setattr(SessionStore, "progress", away)
    async with running_api(redis.url) as api:
        session_id = await api.create()
        speaker = await api.speaker(session_id)
        for _ in range(4):
            await speaker.send(FRAME)
        await speaker.acked(4 * len(FRAME))
        assert await Worker(direct, session_id).audio() == FRAME * 4


async def test_a_fault_while_storing_closes_the_socket_and_the_audio_is_asked_for_again(
    redis, direct, monkeypatch
):
    publish = TickPublisher.publish

    async def broken_once(self, stream, fields, entry_id="*"):
        if entry_id == "1-3":
            raise RuntimeError("a fault of ours")
        return await publish(self, stream, fields, entry_id)

    monkeypatch.setattr(TickPublisher, "publish", broken_once)
    async with running_api(redis.url) as api:
        session_id = await api.create()
        speaker = await api.speaker(session_id)
        await speaker.send(FRAME)
        await speaker.acked(len(FRAME))
        await speaker.send(FRAME)
        assert await speaker.closed() == CloseCode.GOING_AWAY
        again = await api.speaker(session_id)
        assert again.greeting["received_bytes"] == len(FRAME)


async def test_audio_that_redis_lost_is_asked_for_again(proxy, direct):
    async with running_api(through(proxy)) as api:
        session_id = await api.create()
        speaker = await api.speaker(session_id)
        played = Worker(direct, session_id)
        for number in range(1, 4):
            await speaker.send(FRAME)
            await speaker.acked(number * len(FRAME))
        proxy.refuse_all()
        # What a Redis does that crashes within the second after an fsync: the last entries are gone.
        for entry_id, *_ in (await played.entries())[-2:]:
            await direct.xdel(played.keys.audio, entry_id)
        await speaker.send(FRAME)
        for _ in range(
            2
        ):  # by the results' side, and by the audio's, which must have failed before Redis is back
            await speaker.next("error")
        proxy.mend()
        while "received_ms" not in (await speaker.next("error"))["remedy"]:
            pass
        assert await speaker.closed() == CloseCode.GOING_AWAY
        again = await api.speaker(session_id)
        assert (again.greeting["type"], again.greeting["received_bytes"]) == ("session.resumed", len(FRAME))


async def test_a_restart_is_told_to_viewers(redis):
    async with running_api(redis.url) as api:
        session_id = await api.create()
        client = connect_redis(redis.url)
        viewer = await api.viewer(session_id)
        before = await viewer.next("session.snapshot")
        await Worker(client, session_id).final(0, "before")
        seen = await viewer.next("transcript.final")
        await redis.stop()
        assert (await viewer.next("error"))["code"] == "bus_unavailable"
        await redis.start()
        shown = await viewer.next("session.snapshot")
        assert shown["recovered"] is False
        assert shown["position"]["epoch"] != before["position"]["epoch"]
        assert [one["text"] for one in shown["finals"]] == ["before"]
        old = f"{seen['position']['epoch']}:{seen['position']['offset']}"
        again = await api.viewer(session_id, old)
        assert (await again.next("session.snapshot"))["recovered"] is False
        await client.aclose()


async def test_redis_comes_back_empty(redis):
    async with running_api(redis.url) as api:
        session_id = await api.create()
        speaker = await api.speaker(session_id)
        await speaker.send(FRAME)
        await speaker.acked(len(FRAME))
        client = connect_redis(redis.url)
        await client.flushall()
        await client.aclose()
        assert await speaker.closed() in {CloseCode.NOT_FOUND, CloseCode.GOING_AWAY}
        late = await api.connect(f"/v1/sessions/{session_id}/audio")
        assert await late.closed() == CloseCode.NOT_FOUND
        await api.speaker(await api.create())


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_cut_when_audio_and_captions_arrive_once_and_in_order(proxy, direct, seed):
    chance = random.Random(seed)
    frames = [number.to_bytes(4, "big") * 80 for number in range(150)]
    async with running_api(through(proxy)) as api:
        session_id = await api.create()
        played = Worker(direct, session_id)
        speaker, viewer = await api.speaker(session_id), await api.viewer(session_id)
        await viewer.next("session.snapshot")
        seen: list[str] = []

        async def watch() -> None:
            while len(seen) < len(frames):
                message = await viewer.next()
                if message["type"] == "transcript.final":
                    seen.append(message["text"])
                else:
                    assert message["type"] in {"error", "session.presence"}

        watching = asyncio.create_task(watch())
        for number, frame in enumerate(frames):
            await speaker.send(frame)
            await played.final(number, f"{number}")
            if chance.random() < 0.05:
                proxy.swallow = chance.random() < 0.5
                await asyncio.sleep(chance.random() * 0.02)
                proxy.refuse_all()
                proxy.swallow = False
                await asyncio.sleep(chance.random() * 0.05)
                proxy.mend()
            await asyncio.sleep(0.002)
        await speaker.acked(sum(map(len, frames)))
        await watching
        assert await played.audio() == b"".join(frames)
        assert seen == [f"{number}" for number in range(len(frames))]


async def test_a_redis_that_is_killed_costs_a_client_that_resumes_nothing(redis, eventually):
    audio = b"".join(number.to_bytes(4, "big") * 80 for number in range(300))
    direct = connect_redis(redis.url)
    async with running_api(redis.url) as api:
        session_id = await api.create()
        played = Worker(direct, session_id)
        speaker = await api.speaker(session_id)

        async def send_from(position: int, upto: int) -> None:
            for start in range(position, upto, 320):
                await speaker.send(audio[start : start + 320])

        await send_from(0, len(audio) // 2)
        await speaker.acked(len(audio) // 2)
        await redis.kill()  # in the middle of whatever it does
        await send_from(len(audio) // 2, len(audio))
        await redis.start()

        async def all_there() -> bool:
            nonlocal speaker
            if speaker.raw.close_code is not None:
                assert CloseCode(speaker.raw.close_code).reconnect
                speaker = await api.speaker(session_id)
                await send_from(speaker.greeting["received_bytes"], len(audio))
            try:
                return await played.audio() == audio
            except RedisConnectionError:
                return False

        await eventually(all_there)
    await direct.aclose()
