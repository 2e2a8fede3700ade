"""Each thing that a client can do wrong: told clearly, and nobody else notices."""

from __future__ import annotations

import json

import pytest

from dragoman_contracts.streams import SessionKeys
from dragoman_contracts.websocket import CloseCode
from dragoman_runtime.settings import RuntimeSettings
from dragoman_runtime.telemetry import setup_telemetry

from .conftest import KEY

UNKNOWN = "0" * 32
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


async def lives(api) -> None:
    """Another session works as if nothing had happened."""
    speaker = await api.speaker(await api.create())
    await speaker.send(bytes(3200))
    await speaker.acked(3200)


async def refused(socket, code: CloseCode) -> dict:
    """The socket is told why, then closed with ``code``."""
    error = await socket.next("error")
    assert error["message"]
    assert error["remedy"]
    assert error["permanent"] is not code.reconnect, error
    assert await socket.closed() == code
    return error


# --- who asks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"authorization": "Basic abc"}])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/sessions"),
        ("GET", "/v1/sessions"),
        ("GET", f"/v1/sessions/{UNKNOWN}"),
        ("PATCH", f"/v1/sessions/{UNKNOWN}"),
        ("DELETE", f"/v1/sessions/{UNKNOWN}"),
        ("POST", f"/v1/sessions/{UNKNOWN}/end"),
        ("GET", f"/v1/sessions/{UNKNOWN}/transcript"),
        ("GET", f"/v1/sessions/{UNKNOWN}/ledger"),
        ("GET", f"/v1/sessions/{UNKNOWN}/translation"),
        ("PUT", f"/v1/sessions/{UNKNOWN}/translation"),
        ("GET", "/v1/glossaries"),
        ("PUT", "/v1/glossaries/x"),
        ("DELETE", "/v1/glossaries/x"),
        ("POST", f"/v1/sessions/{UNKNOWN}/viewer-tokens"),
        ("GET", "/v1/system/health"),
        ("POST", "/v1/audio/transcriptions"),
    ],
)
async def test_rest_without_a_key(api, method, path, headers):
    api.http.headers.pop("authorization")
    answer = await api.http.request(method, path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    problem = answer.json()
    assert (problem["code"], problem["status"]) == ("unauthenticated", 401)
    assert problem["remedy"]
    assert "wrong" not in answer.text


@pytest.mark.parametrize(
    "path", ["/health", "/ready", "/metrics", "/docs", "/openapi.json", "/asyncapi.json"]
)
async def test_what_needs_no_key(api, path):
    api.http.headers.pop("authorization")
    assert (await api.http.get(path)).status_code == 200


@pytest.mark.parametrize("key", [None, "wrong-key"])
@pytest.mark.parametrize("kind", ["audio", "events"])
async def test_sockets_without_a_key(api, kind, key, log_lines):
    socket = await api.connect(f"/v1/sessions/{await api.create()}/{kind}", key=key)
    error = await refused(socket, CloseCode.UNAUTHENTICATED)
    assert error["code"] == "unauthenticated"
    assert "wrong-key" not in json.dumps(error)
    assert not [line for line in log_lines if "wrong-key" in line or KEY in line]


@pytest.mark.parametrize("kind", ["audio", "events"])
async def test_browsers_give_the_key_as_subprotocol(api, kind):
    session_id = await api.create()
    socket = await api.connect(
        f"/v1/sessions/{session_id}/{kind}", key=None, subprotocols=["dragoman.v1", f"dragoman.bearer.{KEY}"]
    )
    assert socket.raw.subprotocol == "dragoman.v1"
    if kind == "audio":
        await socket.send({"type": "session.configure"})
    assert (await socket.next())["type"] in {"session.started", "session.snapshot"}


@pytest.mark.parametrize("kind", ["audio", "events"])
@pytest.mark.parametrize("session_id", [UNKNOWN, "no-id-at-all"])
async def test_unknown_session(api, kind, session_id):
    await refused(await api.connect(f"/v1/sessions/{session_id}/{kind}"), CloseCode.NOT_FOUND)
    await lives(api)


async def test_unknown_session_by_rest(api):
    for path in ("", "/transcript", "/ledger"):
        answer = await api.http.get(f"/v1/sessions/{UNKNOWN}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_viewers_token_reaches_one_sessions_results(api, worker):
    session_id, other = await api.create(), await api.create()
    issued = (await api.http.post(f"/v1/sessions/{session_id}/viewer-tokens")).json()
    token = issued["token"]
    viewer = await api.viewer(session_id, key=token)
    await viewer.next("session.snapshot")
    await worker(session_id).final(0, "hello")
    assert (await viewer.next("transcript.final"))["text"] == "hello"

    headers = {"authorization": f"Bearer {token}"}
    for path in ("", "/transcript", "/ledger", "/translation"):
        assert (await api.http.get(f"/v1/sessions/{session_id}{path}", headers=headers)).status_code == 200
        answer = await api.http.get(f"/v1/sessions/{other}{path}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    for method, path in (
        ("PATCH", f"/v1/sessions/{session_id}"),
        ("GET", "/v1/sessions"),
        ("POST", "/v1/sessions"),
        ("DELETE", f"/v1/sessions/{session_id}"),
        ("POST", f"/v1/sessions/{session_id}/viewer-tokens"),
        ("PUT", f"/v1/sessions/{session_id}/translation"),
        ("GET", "/v1/glossaries"),
        ("GET", "/v1/system/health"),
        ("POST", "/v1/audio/transcriptions"),
    ):
        assert (await api.http.request(method, path, headers=headers)).status_code == 403
    await refused(await api.viewer(other, key=token), CloseCode.FORBIDDEN)
    await refused(await api.connect(f"/v1/sessions/{session_id}/audio", key=token), CloseCode.FORBIDDEN)


# --- what is asked --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"language": 5}',
        b'{"language": "english"}',
        b'{"unknown": 1}',
        b'{"profile": "../x"}',
        json.dumps({"prompt": "x" * 2001}).encode(),
    ],
)
async def test_sessions_that_cannot_be(api, body):
    answer = await api.http.post("/v1/sessions", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == "invalid_input"
    assert problem["errors"]
    assert "xxx" not in answer.text


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit(api, declared):
    async def chunks():
        for _ in range(260):
            yield b" " * 1_024

    body = b" " * 266_240 if declared else chunks()
    setup_telemetry("api", RuntimeSettings())
    headers = {"content-type": "application/json", "traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01"}
    answer = await api.http.post("/v1/sessions", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.json()["trace_id"] == TRACE_ID
    assert answer.headers["content-type"] == "application/problem+json"


async def test_ids_that_are_none(api):
    for path in (
        "..%2f..",
        "%7B0%7D:index",
        "nope",
        f"{UNKNOWN}0",
        f"{UNKNOWN}%0a",
        "nope/ledger",
        "nope/presence",
    ):
        answer = await api.http.get(f"/v1/sessions/{path}")
        assert answer.status_code == 404, path
    assert answer.json()["code"] == "not_found"
    # Who may not ask is told nothing of ids.
    assert (await api.http.get("/v1/sessions/nope", headers={"authorization": "x"})).status_code == 401
    assert (await api.http.get(f"/v1/sessions/{UNKNOWN}/transcript?format=pdf")).status_code == 422


@pytest.mark.parametrize("kind", ["audio", "events"])
async def test_a_position_that_is_none(api, kind):
    socket = await api.connect(f"/v1/sessions/{await api.create()}/{kind}?after=yesterday")
    await refused(socket, CloseCode.BAD_REQUEST)


@pytest.mark.parametrize(
    ("first", "code"),
    [
        (b"\0\0", CloseCode.CONFIGURE_FIRST),
        ("hello", CloseCode.CONFIGURE_FIRST),
        ('{"type":"audio.flush"}', CloseCode.CONFIGURE_FIRST),
        ('{"type":"nonsense"}', CloseCode.CONFIGURE_FIRST),
        ('{"type":"session.configure","audio":{"encoding":"mp3"}}', CloseCode.UNSUPPORTED_AUDIO),
        ('{"type":"session.configure","audio":{"sample_rate_hz":1}}', CloseCode.UNSUPPORTED_AUDIO),
        ('{"type":"session.configure","nonsense":1}', CloseCode.BAD_REQUEST),
    ],
)
async def test_first_messages_that_are_wrong(api, first, code):
    session_id = await api.create()
    socket = await api.connect(f"/v1/sessions/{session_id}/audio")
    await socket.send(first)
    await refused(socket, code)
    # The session is as it was: a better client can still open it.
    assert (await api.speaker(session_id)).greeting["type"] == "session.started"


@pytest.mark.parametrize(
    ("frame", "code"),
    [(bytes(3), CloseCode.UNSUPPORTED_AUDIO), (bytes(262_146), CloseCode.FRAME_TOO_LARGE)],
)
async def test_frames_that_cannot_be_read(api, worker, eventually, frame, code):
    session_id = await api.create()
    speaker = await api.speaker(session_id)
    await speaker.send(b"ab" * 100)
    await speaker.send(frame)
    await refused(speaker, code)
    played = worker(session_id)

    async def kept() -> bool:
        return await played.audio() == b"ab" * 100

    await eventually(kept)  # what was good before it is not lost
    assert (await api.speaker(session_id)).greeting["received_bytes"] == 200
    await lives(api)


async def test_mistakes_that_lose_no_audio_do_not_close(api):
    speaker = await api.speaker(await api.create())
    for text in ("UklGRg==", "{", '{"type":"nonsense"}', '{"type":"session.configure"}'):
        await speaker.send(text)
        error = await speaker.next("error")
        assert error["remedy"]
    await speaker.send(bytes(3200))
    await speaker.acked(3200)


async def test_a_client_that_sends_nothing(start_api):
    async with start_api(configure_timeout_s=0.2, idle_timeout_s=0.2) as api:
        session_id = await api.create()
        await refused(await api.connect(f"/v1/sessions/{session_id}/audio"), CloseCode.CONFIGURE_FIRST)
        await refused(await api.speaker(session_id), CloseCode.IDLE_TIMEOUT)
        assert (await api.speaker(session_id)).greeting["type"] == "session.resumed"


# --- two at once, the end -------------------------------------------------------------------------------


async def test_of_two_speakers_the_newest_wins(api, worker, eventually):
    session_id = await api.create()
    old = await api.speaker(session_id)
    await old.send(b"aa")
    await old.acked(2)
    new = await api.speaker(session_id)
    assert new.greeting == {
        "type": "session.resumed",
        "session_id": session_id,
        "epoch": 2,
        "received_ms": 0,
        "received_bytes": 2,
    }
    await refused(old, CloseCode.SUPERSEDED)
    await new.send(b"bb")
    await new.acked(4)
    assert await worker(session_id).audio() == b"aabb"


async def test_the_older_speaker_of_another_process_is_fenced(start_api, worker):
    async with start_api() as first, start_api() as second:
        session_id = await first.create()
        old = await first.speaker(session_id)
        await old.send(b"aa")
        await old.acked(2)
        new = await second.speaker(session_id)
        assert new.greeting["received_bytes"] == 2
        await old.send(b"xx")  # the first process has not heard of the second: Redis refuses the entry
        await refused(old, CloseCode.SUPERSEDED)
        await new.send(b"bb")
        await new.acked(4)
        assert await worker(session_id).audio() == b"aabb"


async def test_another_format_on_the_way(api):
    session_id = await api.create()
    await (await api.speaker(session_id)).close()
    socket = await api.connect(f"/v1/sessions/{session_id}/audio")
    await socket.send({"type": "session.configure", "audio": {"sample_rate_hz": 48_000}})
    error = await refused(socket, CloseCode.BAD_REQUEST)
    assert error["code"] == "conflict"


@pytest.mark.parametrize(("method", "path"), [("DELETE", ""), ("POST", "/end")])
async def test_ending_by_rest_while_the_speaker_is_connected(api, worker, method, path):
    session_id = await api.create()
    speaker, viewer = await api.speaker(session_id), await api.viewer(session_id)
    await speaker.send(b"aa")
    await speaker.acked(2)
    answer = await api.http.request(method, f"/v1/sessions/{session_id}{path}")
    assert (answer.status_code, answer.json()["status"]) == (202, "ending")
    await refused(speaker, CloseCode.SESSION_ENDED)
    played = worker(session_id)
    assert [(entry_id, kind) for entry_id, kind, _, _ in await played.entries()] == [
        ("1-1", b"f"),
        ("1-2", b"a"),
        ("2-1", b"e"),
    ]
    again = await api.http.request(method, f"/v1/sessions/{session_id}{path}")
    assert again.json()["status"] == "ending"
    late = await api.connect(f"/v1/sessions/{session_id}/audio")
    await late.send({"type": "session.configure"})
    await refused(late, CloseCode.SESSION_ENDED)
    await played.finish(reason="request")
    assert (await viewer.next("session.ended"))["reason"] == "request"
    assert (await api.http.get(f"/v1/sessions/{session_id}")).json()["status"] == "ended"


async def test_ending_what_nobody_opened(api):
    session_id = await api.create()
    viewer = await api.viewer(session_id)
    answer = (await api.http.delete(f"/v1/sessions/{session_id}")).json()
    assert (answer["status"], answer["end_reason"]) == ("ended", "request")
    assert (await viewer.next("session.ended"))["ledger"]["received_ms"] == 0
    assert await viewer.closed() == CloseCode.NORMAL
    late = await api.viewer(session_id)
    await late.next("session.ended")
    assert await late.closed() == CloseCode.NORMAL


async def test_audio_after_session_end(api):
    speaker = await api.speaker(await api.create())
    await speaker.send({"type": "session.end"})
    await speaker.send(b"aa")
    assert (await speaker.next("error"))["code"] == "session_ended"


async def test_audio_that_comes_when_the_worker_has_ended_leaves_nothing(
    api, worker, redis_client, eventually
):
    session_id = await api.create()
    speaker = await api.speaker(session_id)
    played = worker(session_id)
    await redis_client.hset(played.keys.record, "status", "ended")  # the result is still on its way
    await speaker.send(bytes(3200))
    await speaker.acked(3200)
    await played.publish("session.ended", {"reason": "failed", "ledger": {}})
    assert await speaker.closed() == CloseCode.NORMAL

    async def gone() -> bool:
        return not await redis_client.exists(played.keys.audio)

    await eventually(gone)


async def test_a_session_that_vanished(api, redis_client):
    session_id = await api.create()
    speaker = await api.speaker(session_id)
    await redis_client.delete(SessionKeys(session_id).record)
    await refused(speaker, CloseCode.NOT_FOUND)


# --- limits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", ["max_sessions", "max_sessions_per_key"])
async def test_too_many_sessions(start_api, worker, limit):
    async with start_api(**{limit: 2}) as api:
        first, _ = await api.create(), await api.create()
        answer = await api.http.post("/v1/sessions")
        assert (answer.status_code, answer.json()["code"]) == (429, "limit_exceeded")
        assert int(answer.headers["retry-after"]) >= 1
        await api.speaker(first)
        await worker(first).finish()
        await api.create()  # an ended session makes room


async def test_the_limit_of_a_key_is_its_own(start_api):
    async with start_api(keys="a:key-a,b:key-b", max_sessions_per_key=1) as api:
        for key, status in (("key-a", 201), ("key-b", 201), ("key-a", 429), ("key-b", 429)):
            answer = await api.http.post("/v1/sessions", headers={"authorization": f"Bearer {key}"})
            assert answer.status_code == status


@pytest.mark.parametrize("limit", ["max_viewers", "max_viewers_per_session"])
async def test_too_many_viewers(start_api, eventually, limit):
    async with start_api(**{limit: 1}) as api:
        session_id = await api.create()
        viewer = await api.viewer(session_id)
        await viewer.next("session.snapshot")
        await refused(await api.viewer(session_id), CloseCode.RATE_LIMITED)
        await viewer.close()

        async def room() -> bool:
            return (await (await api.viewer(session_id)).next())["type"] == "session.snapshot"

        await eventually(room)


async def test_more_messages_than_allowed_wait_on_the_wire(start_api, worker):
    async with start_api(max_messages_per_s=20) as api:
        session_id = await api.create()
        speaker = await api.speaker(session_id)
        for number in range(60):
            await speaker.send(number.to_bytes(2, "big"))
        await speaker.acked(120)
        assert await worker(session_id).audio() == b"".join(n.to_bytes(2, "big") for n in range(60))
