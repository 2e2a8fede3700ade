"""Coming back: speakers by bytes, viewers by position; and speakers that are faster than the worker."""

from __future__ import annotations

import asyncio

import msgspec

from dragoman_client import Dragoman
from dragoman_contracts.websocket import CloseCode, SessionEndedMessage, SessionSnapshot

from .conftest import KEY, Worker

SECOND = bytes(range(250)) * 128
"""One second of the default format."""


def after(event: dict) -> str:
    return f"{event['position']['epoch']}:{event['position']['offset']}"


async def test_a_speaker_goes_on_where_redis_has_it(api, worker):
    session_id = await api.create()
    speaker = await api.speaker(session_id)
    await speaker.send(SECOND)
    await speaker.acked(32_000)
    await speaker.close()
    again = await api.speaker(session_id)
    assert again.greeting == {
        "type": "session.resumed",
        "session_id": session_id,
        "epoch": 2,
        "received_ms": 1_000,
        "received_bytes": 32_000,
    }
    await again.send(b"bb")
    await again.acked(32_002)
    played = worker(session_id)
    assert await played.audio() == SECOND + b"bb"
    assert [entry_id for entry_id, *_ in await played.entries()] == ["1-1", "1-2", "2-1", "2-2"]


async def test_a_speaker_that_has_less_than_redis_lacks_goes_on_after_the_gap(api, worker, redis_client):
    session_id = await api.create()
    played = worker(session_id)
    speaker = await api.speaker(session_id)
    for _ in range(3):
        await speaker.send(SECOND)
    await speaker.acked(96_000)
    await speaker.close()
    for entry_id, *_ in (await played.entries())[2:]:
        await redis_client.xdel(played.keys.audio, entry_id)  # a Redis that lost the last two seconds
    again = await api.connect(f"/v1/sessions/{session_id}/audio")
    await again.send({"type": "session.configure", "resume_from_bytes": 64_000})
    greeting = await again.next("session.resumed")
    assert (greeting["received_bytes"], greeting["received_ms"]) == (64_000, 2_000)
    await again.send(SECOND)
    await again.acked(96_000)
    kept = [(kind, total) for _, kind, _, total in await played.entries()]
    assert kept[-2:] == [(b"f", 64_000), (b"a", 96_000)]
    ledger = (await api.http.get(f"/v1/sessions/{session_id}/ledger")).json()
    assert ledger["received_ms"] == 3_000


async def test_received_counts_what_the_worker_has_trimmed(api, worker, redis_client):
    session_id = await api.create()
    speaker = await api.speaker(session_id)
    await speaker.send(SECOND)
    await speaker.acked(32_000)
    await speaker.close()
    played = worker(session_id)
    await played.progress(committed_ms=1_000, heard_ms=1_000, consumed_bytes=32_000)
    await redis_client.xtrim(played.keys.audio, minid="9-0", approximate=False)
    assert (await api.speaker(session_id)).greeting["received_bytes"] == 32_000


async def test_a_speaker_that_comes_back_learns_what_it_missed(api, worker):
    session_id = await api.create()
    played = worker(session_id)
    speaker = await api.speaker(session_id)
    await played.final(0, "seen")
    seen = await speaker.next("transcript.final")
    await speaker.close()
    await played.final(1, "missed")
    by_position = await api.connect(f"/v1/sessions/{session_id}/audio?after={after(seen)}")
    await by_position.send({"type": "session.configure"})
    assert (await by_position.next("transcript.final"))["text"] == "missed"
    await by_position.close()
    without = await api.speaker(session_id)
    assert [one["text"] for one in (await without.next("session.snapshot"))["finals"]] == ["seen", "missed"]


async def test_viewers_resume_without_hole_or_double(api, worker):
    session_id = await api.create()
    played = worker(session_id)
    viewer = await api.viewer(session_id)
    await viewer.next("session.snapshot")
    for segment in range(3):
        await played.partial(segment, "…")
        await played.final(segment, f"text {segment}")
    first = await viewer.next("transcript.final")
    await viewer.close()
    again = await api.viewer(session_id, after(first))
    shown = await again.next("session.snapshot")
    assert (shown["recovered"], shown["finals"]) == (True, [])
    await played.final(3, "text 3")
    assert [(await again.next("transcript.final"))["text"] for _ in range(3)] == [
        "text 1",
        "text 2",
        "text 3",
    ]


async def test_a_position_of_another_history_is_told(api, worker):
    session_id = await api.create()
    await worker(session_id).final(0, "hello")
    viewer = await api.viewer(session_id, "elsewhere:7")
    shown = await viewer.next("session.snapshot")
    assert shown["recovered"] is False
    assert shown["finals"][0]["text"] == "hello"


async def test_a_flood_waits_for_the_worker_and_nothing_is_lost(start_api, worker, eventually):
    async with start_api(backlog_limit_ms=2_000) as api:
        session_id = await api.create()
        speaker = await api.speaker(session_id)
        total = 120 * len(SECOND)

        async def flood() -> None:
            for _ in range(120):
                await speaker.send(SECOND)

        flooding = asyncio.create_task(flood())
        lag = await speaker.next("session.lag")
        assert lag["reason"] == "backpressure"
        assert lag["lag_ms"] > 2_000
        played = worker(session_id)

        async def work() -> bool:
            entries = await played.entries()
            stored = entries[-1][3]
            await played.progress(committed_ms=stored * 1000 // 32_000, consumed_bytes=stored)
            return stored == total

        await eventually(work)
        await flooding
        assert await played.audio() == SECOND * 120
        assert (await speaker.acked(total))["received_ms"] == 120_000


async def test_overload_closes_and_keeps_what_was_acknowledged(start_api, worker):
    async with start_api(backlog_limit_ms=1_000, backlog_patience_s=0.1) as api:
        session_id = await api.create()
        speaker = await api.speaker(session_id)
        for _ in range(3):
            await speaker.send(SECOND)
        error = await speaker.next("error")
        assert (error["code"], error["permanent"]) == ("overloaded", False)
        assert await speaker.closed() == CloseCode.OVERLOADED
        again = await api.speaker(session_id)
        assert again.greeting["received_bytes"] == 3 * len(SECOND)
        assert await worker(session_id).audio() == SECOND * 3


async def test_a_viewer_that_never_reads_is_dropped_and_others_do_not_notice(
    start_api, worker, eventually, monkeypatch
):
    monkeypatch.setattr("dragoman_orchestration.api.socket_io.CLOSE_GRACE_S", 0.5)
    async with start_api(viewer_queue=16) as api:
        session_id = await api.create()
        # No reading: the client's own queue is full after a few messages, then TCP is.
        await api.viewer(session_id, max_queue=1)
        quick = await api.viewer(session_id)
        await quick.next("session.snapshot")
        played = worker(session_id)
        text = "x" * 200_000
        for segment in range(60):
            await played.final(segment, text)
            assert (await quick.next("transcript.final"))["segment_id"] == f"s{segment}"

        async def only_one_left() -> bool:
            return (await api.http.get("/v1/system/health")).json()["viewers"] == 1

        await eventually(only_one_left)
        await played.final(99, "still here")
        assert (await quick.next("transcript.final"))["text"] == "still here"


async def test_a_session_whose_speaker_never_comes_back_is_ended(start_api, worker, eventually, monkeypatch):
    monkeypatch.setattr("dragoman_orchestration.api.gateway.TOUCH_S", 0.1)
    async with start_api(abandoned_after_s=1.0) as api:
        session_id, kept = await api.create(), await api.create()
        await (await api.speaker(session_id)).close()
        speaker = await api.speaker(kept)

        async def ending() -> bool:
            return (await api.http.get(f"/v1/sessions/{session_id}")).json()["end_reason"] == "abandoned"

        await eventually(ending)
        assert [kind for _, kind, _, _ in await worker(session_id).entries()][-1] == b"e"
        await speaker.send(bytes(2))
        await speaker.acked(2)
        assert (await api.http.get(f"/v1/sessions/{kept}")).json()["status"] == "live"


async def test_drain_stores_what_was_taken_and_tells_to_come_back(start_api, worker):
    async with start_api() as api:
        session_id = await api.create()
        speaker, viewer = await api.speaker(session_id), await api.viewer(session_id)
        await viewer.next("session.snapshot")
        for _ in range(20):
            await speaker.send(SECOND)
        await speaker.acked(len(SECOND))
        api.drain.start("the test says so")
        assert await speaker.closed() == CloseCode.GOING_AWAY
        assert await viewer.closed() == CloseCode.GOING_AWAY
    stored = await worker(session_id).audio()
    assert stored == SECOND * (len(stored) // len(SECOND))
    async with start_api() as api:
        assert (await api.speaker(session_id)).greeting["received_bytes"] == len(stored)


async def test_who_comes_after_the_end_is_told_it_by_the_client(api, redis_client):
    session_id = await api.create()
    played = Worker(redis_client, session_id)
    await api.speaker(session_id)
    await played.final(0, "said")
    await played.finish()
    async with Dragoman(api.url, key=KEY) as dragoman:
        events = [event async for event in dragoman.watch(session_id)]
    assert [type(event) for event in events if event.position is not msgspec.UNSET] == [
        SessionSnapshot,
        SessionEndedMessage,
    ]
