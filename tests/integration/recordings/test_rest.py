"""The recording over HTTP: parts of it, who may hear it, how long it is kept. The worker is played."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import httpx
import pytest

from dragoman_contracts.streams import SessionKeys
from dragoman_orchestration.api.recording_access import ACCESS_S, COOKIE
from dragoman_orchestration.recordings.folder import RecordingFolder
from dragoman_orchestration.recordings.settings import RecordingSettings
from dragoman_orchestration.workers.recording import SWEEP_INTERVAL_S, Recordings
from tests.integration.api.conftest import KEY, running_api

from .conftest import noise

DAY_S = 86_400


@pytest.fixture
async def recorded(api, folder):
    """A session with ten seconds on the disk, and these."""
    session_id = await api.create(record=True)
    data = noise(10)
    (folder / f"{session_id}.pcm").write_bytes(data)
    return session_id, data


def path_of(session_id: str) -> str:
    return f"/v1/sessions/{session_id}/recording"


# --- the file -------------------------------------------------------------------------------------------


async def test_all_of_it(api, recorded):
    session_id, data = recorded
    answer = await api.http.get(path_of(session_id))
    assert answer.status_code == 200
    assert answer.content[:4] == b"RIFF"
    assert answer.content[44:] == data
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["content-length"] == str(44 + len(data))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["content-disposition"] == f'attachment; filename="dragoman-{session_id}.wav"'
    assert answer.headers["last-modified"].endswith("GMT")


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-", 0, -1),
        ("bytes=0-43", 0, 43),
        ("bytes=40-47", 40, 47),
        ("bytes=44-44", 44, 44),
        ("bytes=43-100000", 43, 100_000),
        ("bytes=160044-", 160_044, -1),
        ("bytes=-1", -1, -1),
        ("bytes=300000-99999999", 300_000, -1),
    ],
)
async def test_a_part_of_it(api, recorded, asked, first, last):
    session_id, _ = recorded
    whole = (await api.http.get(path_of(session_id))).content
    total = len(whole)
    begin, end = first % total, last % total
    answer = await api.http.get(path_of(session_id), headers={"range": asked})
    assert answer.status_code == 206
    assert answer.content == whole[begin : end + 1]
    assert answer.headers["content-range"] == f"bytes {begin}-{end}/{total}"
    assert answer.headers["content-length"] == str(end - begin + 1)


async def test_a_part_behind_the_end(api, recorded):
    session_id, data = recorded
    answer = await api.http.get(path_of(session_id), headers={"range": f"bytes={44 + len(data)}-"})
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{44 + len(data)}"


async def test_a_part_of_what_has_grown_meanwhile_is_all_of_it(api, recorded, folder):
    session_id, data = recorded
    known = (await api.http.head(path_of(session_id))).headers["etag"]
    part = {"range": "bytes=0-9", "if-range": known}
    assert (await api.http.get(path_of(session_id), headers=part)).status_code == 206
    with (folder / f"{session_id}.pcm").open("ab") as file:
        file.write(b"more")
    grown = await api.http.get(path_of(session_id), headers=part)
    assert (grown.status_code, grown.content[44:]) == (200, data + b"more")
    assert grown.headers["etag"] != known


async def test_what_is_known_is_not_sent_again(api, recorded):
    session_id, _ = recorded
    known = (await api.http.head(path_of(session_id))).headers["etag"]
    for value in (known, f"W/{known}", f'"x", {known}', "*"):
        answer = await api.http.get(path_of(session_id), headers={"if-none-match": value})
        assert (answer.status_code, answer.content) == (304, b""), value
    answer = await api.http.get(path_of(session_id), headers={"if-none-match": '"x"'})
    assert answer.status_code == 200


async def test_a_look_at_it_is_no_download(api, recorded):
    session_id, data = recorded
    answer = await api.http.head(path_of(session_id), headers={"range": "bytes=0-9"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(44 + len(data))


async def test_a_live_session_is_heard_as_far_as_it_is(api, recorded, folder):
    session_id, data = recorded
    path = folder / f"{session_id}.pcm"
    path.write_bytes(data[:32_001])  # a write that is under way
    assert (await api.http.get(path_of(session_id))).content[44:] == data[:32_000]
    told = (await api.http.get(f"/v1/sessions/{session_id}")).json()["recording"]
    assert told == {"state": "recording", "duration_ms": 1_000, "reason": None}
    [listed] = (await api.http.get("/v1/sessions")).json()["sessions"]
    assert listed["recording"] == told


async def test_sessions_are_told_also_while_the_folder_cannot_be_read(api, recorded, monkeypatch):
    session_id, _ = recorded

    def denied(self, session_id):
        raise PermissionError(errno.EACCES, "denied")

    monkeypatch.setattr(RecordingFolder, "find", denied)
    told = (await api.http.get(f"/v1/sessions/{session_id}")).json()
    assert told["recording"] == {"state": "recording", "duration_ms": 0, "reason": None}
    assert (await api.http.get("/v1/sessions")).status_code == 200
    refused = await api.http.get(path_of(session_id))
    assert (refused.status_code, refused.json()["code"]) == (503, "recordings_unavailable")
    assert "not_permitted" in refused.json()["detail"]


async def test_a_long_recording_is_not_held_in_memory(api, recorded, folder):
    """A gibibyte, of which a listener takes a little and goes away; meanwhile the API answers others."""
    import psutil

    session_id, _ = recorded
    os.truncate(folder / f"{session_id}.pcm", 2**30)
    before = psutil.Process().memory_info().rss
    async with api.http.stream("GET", path_of(session_id)) as answer:
        assert answer.headers["content-length"] == str(2**30 + 44)
        taken = 0
        async for piece in answer.aiter_raw():
            taken += len(piece)
            if taken > 50_000_000:
                break
        assert (await api.http.get("/health")).status_code == 200
    assert psutil.Process().memory_info().rss - before < 100_000_000
    seek = await api.http.get(path_of(session_id), headers={"range": "bytes=1000000000-1000000009"})
    assert seek.content == bytes(10)


# --- who may hear it ------------------------------------------------------------------------------------


def stranger(api) -> httpx.AsyncClient:
    """A browser that has no key."""
    return httpx.AsyncClient(base_url=api.url, trust_env=False)


async def access(api, session_id: str) -> str:
    """The cookie's value."""
    answer = await api.http.post(f"{path_of(session_id)}/access")
    assert (answer.status_code, answer.content) == (204, b"")
    name, _, value = answer.headers["set-cookie"].split(";")[0].partition("=")
    assert name == COOKIE
    return value


async def test_a_page_hears_it_by_a_cookie(api, recorded):
    session_id, data = recorded
    answer = await api.http.post(f"{path_of(session_id)}/access")
    attributes = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert attributes == {"httponly", "samesite=strict", "max-age=3600", f"path={path_of(session_id)}"}
    cookie = {"cookie": f"{COOKIE}={await access(api, session_id)}"}
    async with stranger(api) as browser:
        part = await browser.get(path_of(session_id), headers=cookie | {"range": "bytes=44-143"})
        assert (part.status_code, part.content) == (206, data[:100])
        assert (await browser.head(path_of(session_id), headers=cookie)).status_code == 200
        # It reaches nothing else.
        for method, path in (
            ("GET", f"/v1/sessions/{session_id}"),
            ("GET", f"/v1/sessions/{session_id}/transcript"),
            ("DELETE", path_of(session_id)),
            ("POST", f"{path_of(session_id)}/access"),
        ):
            assert (await browser.request(method, path, headers=cookie)).status_code == 401, path


async def test_over_https_the_cookie_is_for_https_only(api, recorded):
    session_id, _ = recorded
    answer = await api.http.post(f"{path_of(session_id)}/access", headers={"x-forwarded-proto": "https"})
    assert "secure" in {part.strip().lower() for part in answer.headers["set-cookie"].split(";")}


async def test_the_cookie_of_another_session(api, recorded):
    session_id, _ = recorded
    other = await api.create(record=True)
    async with stranger(api) as browser:
        cookie = {"cookie": f"{COOKIE}={await access(api, other)}"}
        answer = await browser.get(path_of(session_id), headers=cookie)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert "recording/access" in answer.json()["remedy"]


async def test_a_cookie_that_has_expired(api, recorded, monkeypatch):
    session_id, _ = recorded
    value = await access(api, session_id)
    later = time.time() + ACCESS_S + 1
    monkeypatch.setattr("dragoman_orchestration.api.recording_access.time.time", lambda: later)
    async with stranger(api) as browser:
        answer = await browser.get(path_of(session_id), headers={"cookie": f"{COOKIE}={value}"})
    assert (answer.status_code, answer.json()["detail"]) == (401, "the cookie has expired")


@pytest.mark.parametrize(
    "change",
    [lambda v: v[:-2], lambda v: "A" + v[1:], lambda v: v + "x", lambda _: ".", lambda _: "x" * 5000],
)
async def test_a_cookie_that_was_touched(api, recorded, change):
    session_id, _ = recorded
    value = change(await access(api, session_id))
    async with stranger(api) as browser:
        answer = await browser.get(path_of(session_id), headers={"cookie": f"{COOKIE}={value}"})
    assert answer.status_code == 401
    assert len(value) < 5 or value not in answer.text


async def test_a_viewers_token_is_neither_a_key_nor_such_a_cookie(api, recorded):
    session_id, _ = recorded
    token = (await api.http.post(f"/v1/sessions/{session_id}/viewer-tokens")).json()["token"]
    cookie = await access(api, session_id)
    async with stranger(api) as browser:
        bearing = {"authorization": f"Bearer {token}"}
        for method, path in (
            ("GET", path_of(session_id)),
            ("HEAD", path_of(session_id)),
            ("DELETE", path_of(session_id)),
            ("POST", f"{path_of(session_id)}/access"),
        ):
            assert (await browser.request(method, path, headers=bearing)).status_code == 403, method
        as_cookie = {"cookie": f"{COOKIE}={token}"}
        assert (await browser.get(path_of(session_id), headers=as_cookie)).status_code == 401
        as_token = {"authorization": f"Bearer {cookie}"}
        assert (await browser.get(f"/v1/sessions/{session_id}", headers=as_token)).status_code == 401
        assert "recording" not in (await browser.get(f"/v1/sessions/{session_id}", headers=bearing)).json()


async def test_neither_cookie_nor_key_is_logged(api, recorded, log_lines):
    session_id, _ = recorded
    value = await access(api, session_id)
    async with stranger(api) as browser:
        await browser.get(path_of(session_id), headers={"cookie": f"{COOKIE}={value}"})
        await browser.get(path_of(session_id), headers={"cookie": f"{COOKIE}={value}x"})
    assert not [line for line in log_lines if value in line or KEY in line]


# --- what is not there ----------------------------------------------------------------------------------


async def test_sessions_without_a_recording_and_ids_that_are_none(api):
    plain = await api.create()
    for session_id in (plain, "0" * 32, "..", "x"):
        for method, path in (("GET", path_of(session_id)), ("POST", f"{path_of(session_id)}/access")):
            answer = await api.http.request(method, path)
            assert answer.status_code == 404, (method, path)
    assert (await api.http.delete(path_of(plain))).status_code == 204
    assert (await api.http.delete(path_of("0" * 32))).status_code == 404


async def test_where_recordings_are_not_kept_they_are_refused(redis_server, redis_client, monkeypatch):
    monkeypatch.delenv("DRAGOMAN_RECORDINGS_DIR", raising=False)
    async with running_api(redis_server) as api:
        answer = await api.http.post("/v1/sessions", json={"record": True})
        assert (answer.status_code, answer.json()["code"]) == (422, "recordings_not_kept")
        assert "DRAGOMAN_RECORDINGS_DIR" in answer.json()["remedy"]
        assert (await api.http.get("/v1/sessions")).json()["sessions"] == []
        assert (await api.http.post("/v1/sessions", json={"record": False})).status_code == 201


async def test_a_session_that_is_refused_leaves_no_file(redis_server, redis_client, folder):
    async with running_api(redis_server, max_sessions=1, admission=False) as api:
        await api.create(record=True)
        assert (await api.http.post("/v1/sessions", json={"record": True})).status_code == 429
    assert len(os.listdir(folder)) == 1


# --- how long it is kept --------------------------------------------------------------------------------


def aged(folder: Path, session_id: str, age_s: float) -> Path:
    path = folder / f"{session_id}.pcm"
    path.touch()
    os.utime(path, (time.time() - age_s,) * 2)
    return path


async def test_the_sweep_deletes_what_is_old_and_what_no_session_has(api, folder, broker, redis_client):
    async def session(status: str) -> str:
        session_id = await api.create(record=True)
        await redis_client.hset(SessionKeys(session_id).record, "status", status)
        return session_id

    old, young, live = await session("ended"), await session("ended"), await session("live")
    gone, just_made = "1" * 32, "2" * 32
    paths = {
        "old": aged(folder, old, DAY_S + 60),
        "young": aged(folder, young, DAY_S - 60),
        "live": aged(folder, live, DAY_S + 60),
        "gone": aged(folder, gone, 700),
        "just made": aged(folder, just_made, 500),
    }
    (folder / "notes.txt").write_text("not ours")
    recordings = Recordings(RecordingSettings(dir=str(folder), keep_s=DAY_S), broker, shards=1)
    await recordings.sweep()
    assert [name for name, path in paths.items() if path.exists()] == ["young", "live", "just made"]
    assert (folder / "notes.txt").exists()
    assert (await api.http.get(f"/v1/sessions/{old}")).json()["recording"] is None
    assert (await api.http.get(f"/v1/sessions/{young}")).json()["recording"] is not None

    # Once an hour, and again then.
    aged(folder, young, DAY_S + 60)
    await recordings.sweep()
    assert paths["young"].exists()
    recordings._sweep_due -= SWEEP_INTERVAL_S
    await recordings.sweep()
    assert not paths["young"].exists()
    recordings.close()


async def test_the_sweep_of_a_folder_that_is_not_there(folder, broker):
    recordings = Recordings(RecordingSettings(dir=str(folder)), broker, shards=1)
    await recordings.sweep()
    assert not folder.exists()
    recordings.close()


async def test_nothing_is_deleted_while_redis_is_away(folder, tmp_path):
    from dragoman_runtime.broker.redis import RedisBroker, connect_redis

    folder.mkdir()
    path = aged(folder, "1" * 32, 10 * DAY_S)
    client = connect_redis(f"unix://{tmp_path}/nobody.sock")
    recordings = Recordings(RecordingSettings(dir=str(folder)), RedisBroker(client), shards=1)
    await recordings.sweep()
    assert path.exists()
    recordings.close()
    await client.aclose()
