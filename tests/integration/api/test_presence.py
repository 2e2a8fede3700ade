"""Who is connected, over several API processes: told, listed, and forgotten when a process is killed."""

from __future__ import annotations

import pytest

from dragoman_contracts.streams import SessionKeys
from dragoman_orchestration.session.presence import Change, Connected, Counts, PresenceRegister
from dragoman_orchestration.session.store import now_ms
from dragoman_runtime.broker.redis import RedisBroker

from .conftest import Socket


async def told(socket: Socket, speakers: int, viewers: int) -> None:
    """Wait until the socket is told these counts; they come without a position."""
    while True:
        message = await socket.next("session.presence")
        assert "position" not in message
        if (message["speakers"], message["viewers"]) == (speakers, viewers):
            return


async def test_all_processes_tell_who_comes_and_goes(start_api, redis_client):
    async with start_api() as one, start_api() as other:
        session_id = await one.create()
        viewer = await one.viewer(session_id)
        await told(viewer, 0, 1)
        speaker = await other.speaker(session_id)
        assert speaker.greeting["type"] == "session.started"
        for socket in (viewer, speaker):
            await told(socket, 1, 1)
        second = await other.viewer(session_id)
        for socket in (viewer, speaker, second):
            await told(socket, 1, 2)
        await speaker.close()
        for socket in (viewer, second):
            await told(socket, 0, 2)
        # It is no result: nobody reads it again, or as a position.
        assert await redis_client.exists(SessionKeys(session_id).results) == 0


async def test_the_greeting_comes_first(api, worker):
    session_id = await api.create()
    await worker(session_id).final(0, "hello")
    viewer = await api.viewer(session_id)
    assert (await viewer.next())["type"] == "session.snapshot"
    assert (await viewer.next())["type"] == "session.presence"


async def test_the_list(api):
    session_id = await api.create()
    path = f"/v1/sessions/{session_id}/presence"
    assert (await api.http.get(path)).json() == {"speakers": 0, "viewers": 0, "connections": []}
    speaker = await api.speaker(session_id)
    token = (await api.http.post(f"/v1/sessions/{session_id}/viewer-tokens")).json()["token"]
    viewer = await api.viewer(session_id, key=token)
    for socket in (speaker, viewer):
        await told(socket, 1, 1)
    listed = (await api.http.get(path)).json()
    assert (listed["speakers"], listed["viewers"]) == (1, 1)
    assert [(one["role"], one["name"]) for one in listed["connections"]] == [
        ("speaker", "suite"),
        ("viewer", "token"),
    ]
    refused = await api.http.get(path, headers={"authorization": f"Bearer {token}"})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    missing = await api.http.get(f"/v1/sessions/{'0' * 32}/presence")
    assert missing.status_code == 404


async def test_the_sockets_of_a_killed_process_vanish(api, redis_client):
    session_id = await api.create()
    viewer = await api.viewer(session_id)
    await told(viewer, 0, 1)
    killed = PresenceRegister(RedisBroker(redis_client), valid_s=1.5)
    lost = Change(present=[Connected("speaker", "a", now_ms(), "x"), Connected("viewer", "b", now_ms(), "y")])
    await killed.exchange({session_id: lost}, [], now_ms=now_ms())
    await told(viewer, 1, 2)
    await told(viewer, 0, 1)
    listed = (await api.http.get(f"/v1/sessions/{session_id}/presence")).json()
    assert len(listed["connections"]) == 1


async def test_what_redis_forgot_is_told_again(api, redis_client, eventually):
    session_id = await api.create()
    viewer = await api.viewer(session_id)
    await told(viewer, 0, 1)
    await redis_client.delete(SessionKeys(session_id).presence)
    await eventually(lambda: redis_client.exists(SessionKeys(session_id).presence))


async def test_nothing_is_left_of_a_process_that_ends(start_api, redis_client):
    async with start_api() as api:
        session_id = await api.create()
        speaker = await api.speaker(session_id)
        await told(speaker, 1, 0)
        key = SessionKeys(session_id).presence
        assert 0 < await redis_client.pttl(key) <= 30_000
    assert await redis_client.exists(key) == 0


@pytest.fixture
def register(redis_client) -> PresenceRegister:
    return PresenceRegister(RedisBroker(redis_client), shards=4, valid_s=10)


def some(role, number: int) -> Change:
    return Change(present=[Connected(role, f"c{n}", 1_000, "a:b") for n in range(number)])


async def test_many_sessions_over_shards(register):
    sessions = [f"{number:032x}" for number in range(50)]
    changes = {one: some("viewer", number) for number, one in enumerate(sessions) if number}
    counts = await register.exchange(changes, sessions, now_ms=5_000)
    assert counts == {one: Counts(0, number) for number, one in enumerate(sessions)}


async def test_a_refresh_drops_what_others_left_and_keeps_each_once(register, redis_client):
    session = "a" * 32
    await register.exchange({session: some("viewer", 3)}, [], now_ms=5_000)
    mine = Change(present=[Connected("speaker", "me", 1, "k")])
    for now in (6_000, 9_000, 14_999):
        counts = await register.exchange({session: mine}, [session], now_ms=now)
        assert counts[session] == Counts(1, 3)
    counts = await register.exchange({session: mine}, [session], now_ms=15_000)
    assert counts[session] == Counts(1, 0)
    assert await redis_client.zcard(SessionKeys(session, 4).presence) == 1
    counts = await register.exchange({session: Change(left=mine.present)}, [session], now_ms=15_001)
    assert counts[session] == Counts()


async def test_names_and_foreign_members(register, redis_client):
    session = "b" * 32
    await register.exchange({session: some("speaker", 1)}, [], now_ms=5_000)
    await redis_client.zadd(SessionKeys(session, 4).presence, {"something else": 99_999})
    counts, listed = await register.connected(session, now_ms=6_000)
    assert listed == [Connected("speaker", "c0", 1_000, "a:b")]
    assert counts == Counts(1, 1)
