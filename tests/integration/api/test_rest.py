"""REST beyond the main path: lists, transcripts, documents, the file proxy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from dragoman_contracts.websocket import Gap, Ledger
from dragoman_runtime.http_service import serve
from dragoman_runtime.process import Drain


async def test_a_session_as_it_is_told(api):
    answer = await api.http.post(
        "/v1/sessions", json={"language": "es", "partials": False, "profile": "mock", "hotwords": "Dragoman"}
    )
    made = answer.json()
    assert answer.headers["location"] == f"/v1/sessions/{made['id']}"
    assert made["audio_url"] == f"ws{api.url.removeprefix('http')}/v1/sessions/{made['id']}/audio"
    assert made["events_url"].endswith("/events")
    assert (made["status"], made["language"], made["partials"], made["profile"]) == (
        "created",
        "es",
        False,
        "mock",
    )
    assert (await api.http.get(answer.headers["location"])).json() == made


async def test_a_session_needs_no_body(api):
    assert (await api.http.post("/v1/sessions")).json()["profile"] == "cpu"


async def test_list_is_paged_newest_first_and_misses_none(api):
    made = set(await asyncio.gather(*(api.create() for _ in range(23))))  # some in the same millisecond
    seen, cursor = [], ""
    for _ in range(5):
        page = (await api.http.get(f"/v1/sessions?limit=5{cursor}")).json()
        seen += page["sessions"]
        cursor = f"&cursor={page['next_cursor']}"
    assert page["next_cursor"] is None
    assert len(seen) == 23
    assert {one["id"] for one in seen} == made
    times = [one["created_at"] for one in seen]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("cursor", ["x", "12", "12.", "-1.a", "9999999999999999.a", "²." + "a"])
async def test_a_cursor_that_is_none(api, cursor):
    answer = await api.http.get("/v1/sessions", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


async def test_transcript_in_all_forms(api, worker):
    session_id = await api.create()
    played = worker(session_id)
    await played.final(0, "Hello & welcome.")
    await played.partial(1, "to be")
    path = f"/v1/sessions/{session_id}/transcript"
    told = (await api.http.get(path)).json()
    assert told["text"] == "Hello & welcome."
    assert told["segments"][0]["segment_id"] == "s0"
    for form, kind, text in (
        ("txt", "text/plain", "Hello & welcome.\n"),
        ("srt", "application/x-subrip", "1\n00:00:00,000 --> 00:00:00,900\nHello & welcome.\n"),
        ("vtt", "text/vtt", "WEBVTT\n\n00:00:00.000 --> 00:00:00.900\nHello &amp; welcome.\n"),
    ):
        answer = await api.http.get(f"{path}?format={form}")
        assert answer.headers["content-type"].startswith(kind)
        assert answer.text == text


async def test_a_transcript_longer_than_a_page(api, worker):
    session_id = await api.create()
    played = worker(session_id)
    for segment in range(1_010):
        await played.final(segment, f"t{segment}")
    told = (await api.http.get(f"/v1/sessions/{session_id}/transcript")).json()
    assert [one["text"] for one in told["segments"]] == [f"t{segment}" for segment in range(1_010)]
    viewer = await api.viewer(session_id)
    shown = await viewer.next("session.snapshot")
    assert (len(shown["finals"]), shown["truncated"]) == (200, True)


async def test_ledger_counts_what_the_worker_has_not_seen(api, worker, redis_client):
    session_id = await api.create()
    path = f"/v1/sessions/{session_id}/ledger"
    assert (await api.http.get(path)).json()["received_ms"] == 0
    speaker = await api.speaker(session_id)
    await speaker.send(bytes(64_000))
    await speaker.acked(64_000)
    told = (await api.http.get(path)).json()
    assert (told["received_ms"], told["pending_ms"]) == (2_000, 2_000)
    played = worker(session_id)
    await played.progress(consumed_bytes=64_000)
    ledger = Ledger(
        received_ms=2_000, transcribed_ms=1_500, silence_ms=300, gap_ms=200, gaps=[Gap(0, 200, "lost")]
    )
    await played.finish(ledger)
    told = (await api.http.get(path)).json()
    assert told["gaps"] == [{"start_ms": 0, "end_ms": 200, "reason": "lost"}]
    assert told["transcribed_ms"] + told["silence_ms"] + told["gap_ms"] + told["pending_ms"] == 2_000


async def test_system_health(api):
    speaker = await api.speaker(await api.create())
    told = (await api.http.get("/v1/system/health")).json()
    assert told["parts"]["redis"] == "ok"
    assert told["speakers"] == 1
    assert told["status"] == ("ok" if told["parts"]["whisper"] == "ok" else "degraded")
    await speaker.close()


async def test_openapi_tells_every_route_with_examples_and_problems(api):
    document = (await api.http.get("/openapi.json")).json()
    routes = {
        (method, path): operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if path.startswith("/v1/")
    }
    assert len(routes) == 60
    for (method, path), operation in routes.items():
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["description"], where
        assert {"bearer": []} in operation["security"], where
        assert "application/problem+json" in operation["responses"]["401"]["content"], where
    for name, schema in document["components"]["schemas"].items():
        if name in {
            "Session",
            "SessionConnection",
            "SessionLedger",
            "Transcript",
            "ViewerTokenIssued",
            "SystemHealth",
        }:
            for field, told in schema["properties"].items():
                assert {"examples", "$ref", "items"} & told.keys() or field in {"status"}, f"{name}.{field}"


async def test_asyncapi_names_this_server(api):
    document = (await api.http.get("/asyncapi.json")).json()
    assert document["servers"]["api"]["host"] == api.url.removeprefix("http://")


# --- files ----------------------------------------------------------------------------------------------


@asynccontextmanager
async def whisper(answer) -> AsyncIterator[str]:
    """A whisper service that answers what the test says; yields its URL."""
    app = FastAPI()
    app.post("/v1/audio/transcriptions")(answer)
    drain = Drain()
    bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(app, "127.0.0.1", 0, drain, on_bound=bound.set_result, grace_s=1))
    try:
        yield await asyncio.wait_for(bound, 10)
    finally:
        drain.start()
        await task


FORM = {"files": {"file": ("a.wav", b"RIFF" + bytes(300_000))}, "data": {"model": "whisper-1"}}


async def test_a_file_goes_through_untouched_and_without_the_key(start_api):
    seen = {}

    async def answer(request: Request) -> Response:
        seen.update(body=await request.body(), headers=dict(request.headers))
        return StreamingResponse(iter([b"Hel", b"lo."]), media_type="text/plain")

    async with whisper(answer) as url, start_api(whisper_url=url) as api:
        said = await api.http.post("/v1/audio/transcriptions", **FORM)
        assert (said.status_code, said.text) == (200, "Hello.")
        assert said.headers["content-type"].startswith("text/plain")
        assert b"RIFF" in seen["body"]
        assert seen["headers"]["content-type"].startswith("multipart/form-data; boundary=")
        assert "authorization" not in seen["headers"]


async def test_the_services_own_problem_is_passed_on(start_api):
    async def answer() -> Response:
        return Response(
            b'{"code":"unsupported_audio","status":415}', 415, media_type="application/problem+json"
        )

    async with whisper(answer) as url, start_api(whisper_url=url) as api:
        said = await api.http.post("/v1/audio/transcriptions", **FORM)
        assert (said.status_code, said.json()["code"]) == (415, "unsupported_audio")


async def test_a_service_that_fails_is_told_as_bad_upstream(start_api):
    async def answer() -> Response:
        return Response(b"<html>a secret trace</html>", 500)

    async with whisper(answer) as url, start_api(whisper_url=url) as api:
        said = await api.http.post("/v1/audio/transcriptions", **FORM)
        assert (said.status_code, said.json()["code"]) == (502, "bad_upstream")
        assert "secret" not in said.text


async def test_a_service_that_is_not_there(start_api, free_port):
    async with start_api(whisper_url=f"http://127.0.0.1:{free_port}") as api:
        said = await api.http.post("/v1/audio/transcriptions", **FORM)
        assert (said.status_code, said.json()["code"]) == (503, "engine_unavailable")
        assert "DRAGOMAN_API_WHISPER_URL" in said.json()["remedy"]
        assert (await api.http.get("/v1/system/health")).json()["parts"]["whisper"].startswith("no answer")


async def test_a_service_that_answers_late(start_api):
    async def answer() -> Response:
        await asyncio.sleep(30)
        return Response()

    async with whisper(answer) as url, start_api(whisper_url=url, whisper_timeout_s=0.3) as api:
        said = await api.http.post("/v1/audio/transcriptions", **FORM)
        assert (said.status_code, said.json()["code"]) == (503, "engine_unavailable")


@pytest.mark.parametrize("declared", [True, False])
async def test_a_file_over_the_limit(start_api, declared):
    async def answer(request: Request) -> Response:
        return Response(await request.body())

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield bytes(1_024)

    async with whisper(answer) as url, start_api(whisper_url=url, max_body_bytes=20_000) as api:
        body = {"content": bytes(102_400)} if declared else {"content": chunks()}
        said = await api.http.post("/v1/audio/transcriptions", **body)
        assert (said.status_code, said.json()["code"]) == (413, "body_too_large")
        assert said.json()["remedy"]
