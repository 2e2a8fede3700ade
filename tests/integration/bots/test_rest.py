"""The bots' routes and sockets: what may be asked, by whom, and what is told. Few of them need a worker."""

from __future__ import annotations

import asyncio
import base64
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from redis.asyncio import Redis

from dragoman_contracts.bots import (
    MAX_SCREENSHOT_BYTES,
    RECIPES,
    BotCause,
    BotMessages,
    BotState,
    RunnerReport,
    RunnerState,
)
from dragoman_contracts.events import BotReported, parse_event
from dragoman_contracts.streams import BOT_CONTROL, BotKeys
from dragoman_orchestration.bots.model import token_hash

from .conftest import KEY, OTHER_KEY, Api, Workers, body

OTHER = {"Authorization": f"Bearer {OTHER_KEY}"}
TOKEN = "dragoman-bot.{}.secret-of-the-runner"


async def refused(api: Api, **changes: Any) -> httpx.Response:
    return await api.http.post("/v1/bots", json=body("meeting") | changes)


async def runner_of(redis: Redis, bot: dict[str, Any], generation: int = 1) -> dict[str, str]:
    """Let the bot have a runner; the headers with its token."""
    token = TOKEN.format(bot["id"])
    fields = {"token_hash": token_hash(token), "generation": generation, "launches": generation}
    await redis.hset(BotKeys.record(bot["id"]), mapping=fields)
    return {"Authorization": f"Bearer {token}"}


def report(seq: int = 1, state: RunnerState = RunnerState.ACTIVE, **more: Any) -> bytes:
    return msgspec.json.encode(RunnerReport(**{"generation": 1, "seq": seq, "state": state} | more))


# --- what may be asked --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"driver": "telepathy"}, "driver"),
        ({"url": ""}, "url"),
        ({"url": "meet.example/room"}, "url"),
        ({"url": "http://"}, "url"),
        ({"url": "http://host:port/"}, "url"),
        ({"url": "http://meet.example/a b"}, "url"),
        ({"url": "http://meet.example/\r\nHost: x"}, "url"),
        ({"url": "ftp://files.example/x.wav"}, "url"),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": "javascript:alert(1)", "driver": "browser"}, "url"),
        ({"url": "rtmp://live.example/x", "driver": "browser"}, "url"),
        ({"url": "http://169.254.169.254/latest/meta-data"}, "not public"),
        ({"recipe": "unheard_of", "driver": "browser"}, "recipe"),
        ({"join_at": "tomorrow"}, "join_at"),
        ({"join_at": "2020-01-01T00:00:00Z"}, "join_at"),
        ({"join_at": "2025-01-31T12:00:00"}, "join_at"),
        ({"join_at": (datetime.now(UTC) + timedelta(days=31)).isoformat()}, "join_at"),
        ({"limits": {"length_s": 0}}, "limits.length_s"),
        ({"limits": {"length_s": 10**9}}, "limits.length_s"),
        ({"limits": {"patience_s": 5}}, "limits.patience_s"),
        ({"session": {"language": "en"}, "session_id": "0" * 32}, "session"),
        ({"session_id": "../../x"}, "session_id"),
        ({"client_key": "with space"}, "client_key"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_what_cannot_be_done_is_told_with_its_field_and_without_the_url(
    api: Api, changes: dict[str, Any], field: str
) -> None:
    answer = await refused(api, **changes)
    assert answer.status_code == 422, answer.text
    assert field in answer.json()["detail"]
    for secret in ("hunter2", "hush", "169.254", "passwd"):
        assert secret not in answer.text
    assert (await api.http.get("/v1/bots")).json()["bots"] == []
    assert (await api.http.get("/v1/sessions")).json()["sessions"] == [], "no session is left over"


async def test_private_addresses_are_refused_unless_they_are_allowed(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dragoman_contracts.bots import BotRequest
    from dragoman_orchestration.bots.asking import check_request
    from dragoman_orchestration.bots.settings import BotSettings
    from dragoman_runtime.addresses import AddressForbidden

    monkeypatch.delenv("DRAGOMAN_BOTS_ALLOW_PRIVATE")
    request = BotRequest(driver="media", url="http://10.0.0.7/live")
    with pytest.raises(AddressForbidden):
        await check_request(request, BotSettings(), now_ms=0)
    await check_request(request, BotSettings(allowed_networks="10.0.0.0/8"), now_ms=0)


@pytest.mark.parametrize("recipe", RECIPES)
async def test_every_recipe_that_runners_know_may_be_asked_for(api: Api, recipe: str) -> None:
    answer = await refused(api, driver="browser", recipe=recipe)
    assert answer.status_code == 201
    assert answer.json()["recipe"] == recipe


async def test_a_bot_is_made_with_its_session_and_told_where_it_is(api: Api) -> None:
    answer = await api.http.post("/v1/bots", json=body("meeting", session={"language": "de"}))
    bot = answer.json()
    assert answer.headers["location"] == f"/v1/bots/{bot['id']}"
    assert (bot["state"], bot["url"]) == ("requested", "http://127.0.0.1/meeting")
    session = (await api.http.get(bot["session_url"])).json()
    assert (session["id"], session["language"], session["status"]) == (bot["session_id"], "de", "created")


async def test_the_session_of_a_bot_outlives_a_long_wait(api: Api, redis_client: Redis) -> None:
    from dragoman_contracts.streams import SessionKeys

    made = await api.ask("meeting")
    given = (await api.http.post("/v1/sessions", json={})).json()["id"]
    await api.ask("meeting", session_id=given)
    for session_id in (made["session_id"], given):
        assert await redis_client.ttl(SessionKeys(session_id).record) > 30 * 86_400


async def test_a_session_takes_one_bot_and_only_before_anybody_spoke(api: Api, redis_client: Redis) -> None:
    from dragoman_contracts.streams import SessionKeys

    given = (await api.http.post("/v1/sessions", json={})).json()["id"]
    assert (await refused(api, session_id=given)).status_code == 201
    again = await refused(api, session_id=given)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    live = (await api.http.post("/v1/sessions", json={})).json()["id"]
    await redis_client.hset(SessionKeys(live).record, "status", "live")
    assert (await refused(api, session_id=live)).status_code == 409
    assert (await refused(api, session_id="0" * 32)).status_code == 404
    theirs = (await api.http.post("/v1/sessions", json={}, headers=OTHER)).json()["id"]
    assert (await refused(api, session_id=theirs)).status_code == 404


@pytest.mark.parametrize("by_header", [True, False])
async def test_the_same_request_with_the_same_key_is_one_bot(api: Api, by_header: bool) -> None:
    headers = {"Idempotency-Key": "standup-7"} if by_header else {}
    asked = body("meeting") | ({} if by_header else {"client_key": "standup-7"})
    answers = await asyncio.gather(
        *(api.http.post("/v1/bots", json=asked, headers=headers) for _ in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len({answer.headers["location"] for answer in answers}) == 1
    live = [
        one for one in (await api.http.get("/v1/sessions")).json()["sessions"] if one["status"] != "ended"
    ]
    assert len(live) == 1, "sessions of the requests that lost are ended"
    other = await api.http.post("/v1/bots", json=asked | {"display_name": "Else"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    theirs = await api.http.post("/v1/bots", json=asked, headers=headers | OTHER)
    assert theirs.status_code == 201, "keys are of each API key's own"


async def test_an_api_key_has_a_bounded_number_of_bots(api: Api, redis_client: Redis) -> None:
    await redis_client.sadd(BotKeys.live_of("tests"), *(f"bot-{number}" for number in range(99)))
    assert (await refused(api)).status_code == 201
    full = await refused(api)
    assert (full.status_code, full.json()["code"]) == (429, "limit_exceeded")
    assert (await api.http.post("/v1/bots", json=body("x"), headers=OTHER)).status_code == 201


# --- reading ------------------------------------------------------------------------------------------------


async def test_lists_are_paged_and_filtered_and_of_ones_own(api: Api, redis_client: Redis) -> None:
    mine = [(await api.ask("meeting"))["id"] for _ in range(7)]
    await api.http.post("/v1/bots", json=body("meeting"), headers=OTHER)
    await redis_client.hset(BotKeys.record(mine[2]), "state", "failed")
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(10):
        params = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await api.http.get("/v1/bots", params=params)).json()
        seen += [bot["id"] for bot in page["bots"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(mine)
    assert len(seen) == len(mine)
    failed = (await api.http.get("/v1/bots", params={"state": "failed"})).json()["bots"]
    assert [bot["id"] for bot in failed] == [mine[2]]
    assert (await api.http.get("/v1/bots", params={"state": "happy"})).status_code == 422
    assert (await api.http.get("/v1/bots", params={"cursor": "nonsense"})).status_code == 422


@pytest.mark.parametrize("path", ["", "/transcript", "/screenshots", "/screenshots/1"])
async def test_a_bot_of_somebody_else_is_none(api: Api, path: str) -> None:
    bot = await api.ask("meeting")
    assert (await api.http.get(f"/v1/bots/{bot['id']}{path}", headers=OTHER)).status_code == 404
    assert (await api.http.get(f"/v1/bots/{'0' * 32}{path}")).status_code == 404
    assert (await api.http.get(f"/v1/bots/nonsense{path}")).status_code == 404


async def test_a_bot_of_somebody_else_cannot_be_stopped(api: Api) -> None:
    bot = await api.ask("meeting")
    assert (await api.http.delete(f"/v1/bots/{bot['id']}", headers=OTHER)).status_code == 404
    assert (await api.bot(bot["id"]))["stop_requested"] is False


async def test_the_queue_is_told(api: Api) -> None:
    first, second = await api.ask("meeting"), await api.ask("meeting")
    assert (await api.bot(first["id"]))["queue"] == {"queued": True, "position": 1}
    assert (await api.bot(second["id"]))["queue"] == {"queued": True, "position": 2}


async def test_the_transcript_is_the_sessions_in_every_format(api: Api, redis_client: Redis) -> None:
    from dragoman_contracts.streams import ResultField, SessionKeys
    from dragoman_contracts.websocket import StreamPosition, TranscriptFinal

    bot = await api.ask("meeting")
    final = TranscriptFinal(
        position=StreamPosition("e", 1),
        segment_id="s1",
        revision=1,
        text="Hello.",
        start_ms=0,
        end_ms=900,
        language="en",
        confidence=0.9,
    )
    await redis_client.xadd(
        SessionKeys(bot["session_id"]).results,
        {ResultField.TYPE: "transcript.final", ResultField.DATA: msgspec.json.encode(final)},
    )
    for form in ("json", "txt", "srt", "vtt"):
        mine = await api.http.get(f"/v1/bots/{bot['id']}/transcript", params={"format": form})
        same = await api.http.get(f"{bot['session_url']}/transcript", params={"format": form})
        assert "Hello." in mine.text
        assert (mine.content, mine.headers["content-type"]) == (same.content, same.headers["content-type"])


# --- runners ------------------------------------------------------------------------------------------------


async def test_a_runners_token_reaches_its_reports_and_its_audio_and_nothing_else(
    api: Api, redis_client: Redis
) -> None:
    bot, other = await api.ask("meeting"), await api.ask("meeting")
    headers = await runner_of(redis_client, bot)
    mine, theirs = f"/v1/bots/{bot['id']}", f"/v1/bots/{other['id']}"
    assert (await api.http.post(f"{mine}/reports", content=report(), headers=headers)).status_code == 200
    answers = [
        await api.http.post(f"{theirs}/reports", content=report(), headers=headers),
        await api.http.get(mine, headers=headers),
        await api.http.get("/v1/bots", headers=headers),
        await api.http.post("/v1/bots", json=body("meeting"), headers=headers),
        await api.http.delete(mine, headers=headers),
        await api.http.get(f"{mine}/screenshots", headers=headers),
        await api.http.get(bot["session_url"], headers=headers),
        await api.http.get(f"{bot['session_url']}/transcript", headers=headers),
        await api.http.delete(bot["session_url"], headers=headers),
        await api.http.post(f"{bot['session_url']}/viewer-tokens", headers=headers),
        await api.http.get("/v1/system/health", headers=headers),
        await api.http.get("/v1/config", headers=headers),
    ]
    assert {answer.status_code for answer in answers} == {403}
    token = headers["Authorization"].removeprefix("Bearer ")
    assert await _close_code(api, f"/v1/sessions/{other['session_id']}/audio", token) == 4403
    assert await _close_code(api, f"/v1/sessions/{bot['session_id']}/events", token) == 4403
    assert await _close_code(api, "/v1/bots/events", token) == 4403


async def _close_code(api: Api, path: str, token: str) -> int:
    async with api.events(path, token) as socket:
        return await socket.closed()


async def test_keys_and_viewers_cannot_report(api: Api) -> None:
    bot = await api.ask("meeting")
    viewer = (await api.http.post(f"{bot['session_url']}/viewer-tokens")).json()["token"]
    path = f"/v1/bots/{bot['id']}/reports"
    for token, status in ((KEY, 403), (viewer, 403), ("nonsense", 401), (TOKEN.format("0" * 32), 401)):
        answer = await api.http.post(path, content=report(), headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status
    wrong = {"Authorization": f"Bearer {TOKEN.format(bot['id'])}"}
    assert (await api.http.post(path, content=report(), headers=wrong)).status_code == 401


async def test_a_token_that_was_revoked_is_fenced_everywhere(api: Api, redis_client: Redis) -> None:
    bot = await api.ask("meeting")
    headers = await runner_of(redis_client, bot)
    record = BotKeys.record(bot["id"])
    revoked = msgspec.json.encode([token_hash(TOKEN.format(bot["id"]))])
    await redis_client.hset(record, mapping={"token_hash": "", "revoked": revoked})
    answer = await api.http.post(f"/v1/bots/{bot['id']}/reports", content=report(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "fenced")
    token = headers["Authorization"].removeprefix("Bearer ")
    async with api.events(f"/v1/sessions/{bot['session_id']}/audio", token) as socket:
        assert (await socket.next())["code"] == "fenced"
        assert 4400 <= await socket.closed() < 4500, "it need not try again"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"generation":1}',
        b'{"generation":1,"seq":1,"state":"dancing"}',
        report(screenshot="not base64!"),
        report(screenshot=base64.b64encode(b"GIF89a").decode()),
        b"[" * 10_000,
    ],
)
async def test_a_report_that_is_none_is_refused(api: Api, redis_client: Redis, content: bytes) -> None:
    bot = await api.ask("meeting")
    headers = await runner_of(redis_client, bot)
    answer = await api.http.post(f"/v1/bots/{bot['id']}/reports", content=content, headers=headers)
    assert answer.status_code == 422
    assert (await api.bot(bot["id"]))["report"] is None


async def test_a_report_may_carry_a_picture_and_no_more(api: Api, redis_client: Redis) -> None:
    bot = await api.ask("meeting")
    headers = await runner_of(redis_client, bot)
    path = f"/v1/bots/{bot['id']}/reports"
    picture = b"\x89PNG\r\n\x1a\n" + bytes(MAX_SCREENSHOT_BYTES - 8)
    full = report(1, screenshot=base64.b64encode(picture).decode())
    assert (await api.http.post(path, content=full, headers=headers)).status_code == 200
    shots = (await api.http.get(f"/v1/bots/{bot['id']}/screenshots")).json()["screenshots"]
    assert (await api.http.get(shots[0]["url"])).content == picture
    assert await redis_client.ttl(BotKeys.screenshots(bot["id"])) > 0
    over = report(2, screenshot=base64.b64encode(picture + b"x").decode())
    assert (await api.http.post(path, content=over, headers=headers)).status_code == 422
    huge = await api.http.post(path, content=bytes(4_000_000), headers=headers)
    assert (huge.status_code, huge.json()["code"]) == (413, "body_too_large")
    record = await redis_client.hgetall(BotKeys.record(bot["id"]))
    assert len(record[b"report"]) < 1_000, "the record does not hold the picture"


async def test_reports_that_come_twice_or_late_change_nothing_and_changes_are_published_once(
    api: Api, redis_client: Redis
) -> None:
    bot = await api.ask("meeting")
    headers = await runner_of(redis_client, bot)
    path = f"/v1/bots/{bot['id']}/reports"
    help_wanted = BotCause(code="captcha")
    for content in (
        report(1, RunnerState.JOINING),
        report(2, RunnerState.JOINING, audio_ms=5),
        report(4, RunnerState.ACTIVE, audio_ms=50, peak=0.1),
        report(4, RunnerState.ACTIVE, audio_ms=99),
        report(3, RunnerState.FAILED),
        report(5, RunnerState.ACTIVE, audio_ms=60, cause=help_wanted),
    ):
        answer = await api.http.post(path, content=content, headers=headers)
        assert answer.json() == {"stop": False, "reason": None}
    assert (await api.bot(bot["id"]))["report"]["audio_ms"] == 60
    published = [await _event(fields) for _, fields in await redis_client.xrange(BOT_CONTROL)]
    assert [event.seq for event in published if isinstance(event, BotReported)] == [1, 4, 5]


async def _event(fields: dict[bytes, bytes]) -> Any:
    from dragoman_contracts.envelope import Envelope

    return parse_event(Envelope.from_fields(fields))


async def test_a_runner_is_told_to_leave_as_soon_as_somebody_wants_it(api: Api, redis_client: Redis) -> None:
    bot = await api.ask("meeting")
    headers = await runner_of(redis_client, bot)
    await api.stop(bot["id"])
    answer = await api.http.post(f"/v1/bots/{bot['id']}/reports", content=report(), headers=headers)
    assert answer.json() == {"stop": True, "reason": "stopped"}
    fields = {"state": "stopping", "stop_ms": 0, "completion": "max_length"}
    await redis_client.hset(BotKeys.record(bot["id"]), mapping=fields)
    answer = await api.http.post(f"/v1/bots/{bot['id']}/reports", content=report(2), headers=headers)
    assert answer.json() == {"stop": True, "reason": "max_length"}


# --- sockets ------------------------------------------------------------------------------------------------


async def test_a_follower_is_told_how_things_are_and_then_every_step(api: Api, workers: Workers) -> None:
    waiting = await api.ask("meeting", join_at=(datetime.now(UTC) + timedelta(days=1)).isoformat())
    async with api.events() as mine, api.events(key=OTHER_KEY) as theirs:
        greeting = await mine.next()
        assert (greeting["type"], greeting["recovered"]) == ("bots.snapshot", True)
        assert [(bot["bot_id"], bot["state"]) for bot in greeting["bots"]] == [(waiting["id"], "requested")]
        assert (await theirs.next())["bots"] == []
        workers.start()
        bot = await api.ask("refused")
        steps = []
        while not steps or steps[-1]["state"] != "failed":
            steps.append(await mine.until("bot.state_changed", bot_id=bot["id"]))
        assert [step["seq"] for step in steps] == list(range(1, len(steps) + 1))
        assert [step["state"] for step in steps] == ["requested", "starting", "joining", "failed"]
        assert [step["previous"] for step in steps] == [None, "requested", "starting", "joining"]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await theirs.next()
    for step in [greeting, *steps]:
        msgspec.convert(step, BotMessages)  # as the document says


async def test_a_follower_goes_on_from_its_position_without_hole_or_double(
    api: Api, workers: Workers
) -> None:
    workers.start()
    bot = await api.ask("meeting")
    async with api.events() as socket:
        position = (await socket.until("bots.snapshot"))["position"]
        await api.until(bot["id"], "active")
        await api.stop(bot["id"])
        await api.until(bot["id"], "completed")
        direct = [await socket.until("bot.state_changed")]
        while direct[-1]["state"] != "completed":
            direct.append(await socket.next())
    assert position
    middle = direct[len(direct) // 2]
    async with api.events(f"/v1/bots/events?after={middle['position']}") as again:
        missed = [await again.next() for _ in direct[len(direct) // 2 + 1 :]]
    assert missed == direct[len(direct) // 2 + 1 :]


@pytest.mark.parametrize("after", ["1-0", "99999999999999-0"])
async def test_a_position_that_is_not_known_any_more_gets_a_snapshot_that_says_so(
    api: Api, after: str
) -> None:
    bot = await api.ask("meeting")
    async with api.events(f"/v1/bots/events?after={after}") as socket:
        greeting = await socket.next()
        assert (greeting["type"], greeting["recovered"]) == ("bots.snapshot", False)
        assert greeting["bots"][0]["bot_id"] == bot["id"]


async def test_a_position_that_is_none_is_refused(api: Api) -> None:
    async with api.events("/v1/bots/events?after=nonsense") as socket:
        assert (await socket.next())["code"] == "message_invalid"
        assert await socket.closed() == 4400


async def test_the_socket_of_one_bot_tells_of_it_alone_and_closes_with_its_end(
    api: Api, workers: Workers
) -> None:
    workers.start()
    other = await api.ask("meeting")
    bot = await api.ask("meeting")
    async with api.events(f"/v1/bots/{bot['id']}/events") as socket:
        assert [one["bot_id"] for one in (await socket.next())["bots"]] == [bot["id"]]
        await api.until(bot["id"], "active")
        await api.until(other["id"], "active")
        await api.stop(bot["id"])
        message = await socket.next()
        while message["state"] != "completed":
            assert message["bot_id"] == bot["id"]
            message = await socket.next()
        assert await socket.closed() == 1000
    async with api.events(f"/v1/bots/{bot['id']}/events") as late:
        assert (await late.next())["bots"][0]["state"] == "completed"
        assert await late.closed() == 1000
    async with api.events(f"/v1/bots/{bot['id']}/events", OTHER_KEY) as theirs:
        assert (await theirs.next())["code"] == "not_found"


async def test_a_server_that_drains_tells_followers_to_come_again(
    redis_server: str, redis_client: Redis, tmp_path: Any
) -> None:
    from .conftest import serving

    async with serving(redis_server, tmp_path) as api:
        socket_context = api.events()
        socket = await socket_context.__aenter__()
        await socket.next()
    assert await socket.closed() == 4000
    await socket_context.__aexit__(None, None, None)


async def test_a_bots_times_are_told_in_utc(api: Api) -> None:
    bot = await api.ask("meeting")
    assert abs(datetime.fromisoformat(bot["created_at"]).timestamp() - time.time()) < 60
    assert bot["state"] == BotState.REQUESTED
