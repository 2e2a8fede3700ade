"""The life of a bot, from the request to the end, with a real API, worker and runner process."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from dragoman_contracts.bots import MAX_JOIN_ATTEMPTS
from dragoman_contracts.config import Bots
from dragoman_contracts.streams import BotKeys
from dragoman_orchestration.bots.lifecycle import MAX_RESTARTS

from .conftest import LIMIT_S, Api, Workers
from .fake_runner import PNG

Eventually = Callable[..., Awaitable[Any]]


def states(bot: dict[str, Any]) -> list[str]:
    return [step["state"] for step in bot["history"]]


def codes(bot: dict[str, Any]) -> list[str]:
    return [step["cause"]["code"] for step in bot["history"]]


async def session_status(api: Api, bot: dict[str, Any]) -> str:
    return str((await api.http.get(bot["session_url"])).json()["status"])


async def session_end(api: Api, bot: dict[str, Any]) -> None:
    """Wait for it: the end of the bot itself is told first."""
    async with asyncio.timeout(LIMIT_S):
        while await session_status(api, bot) != "ended":
            await asyncio.sleep(0.02)


async def test_a_bot_goes_through_its_whole_life_and_its_session_ends_with_it(
    api: Api, workers: Workers, eventually: Eventually
) -> None:
    workers.start()
    asked = await api.ask("meeting", session={"language": "en"})
    await api.until(asked["id"], "active")
    await api.stop(asked["id"])
    ended = await api.until(asked["id"], "completed")
    assert states(ended) == [
        "requested",
        "starting",
        "joining",
        "awaiting_admission",
        "active",
        "stopping",
        "completed",
    ]
    assert [step["seq"] for step in ended["history"]] == list(range(1, 8))
    assert (ended["completion"], ended["report"]["state"]) == ("stopped", "done")

    async def is_over() -> bool:
        return await session_status(api, ended) == "ended" and not api.running(asked["id"])

    await eventually(is_over)


async def test_a_media_bot_speaks_into_its_session_with_its_own_token(
    api: Api, workers: Workers, redis_client: Redis
) -> None:
    workers.start()
    bot = await api.ask("media")
    ended = await api.until(bot["id"], "completed")
    assert ended["completion"] == "media_ended"
    session = (await api.http.get(bot["session_url"])).json()
    # Its speaker has ended it; no audio worker is there to finish it.
    assert (session["status"], session["end_reason"]) == ("ending", "client")
    transcript = await api.http.get(f"/v1/bots/{bot['id']}/transcript", params={"format": "txt"})
    assert transcript.status_code == 200


async def test_a_bot_whose_runner_is_killed_while_it_joins_tries_again_and_then_fails(
    api: Api, workers: Workers
) -> None:
    workers.start()
    bot = await api.ask("crash-joining")
    failed = await api.until(bot["id"], "failed")
    assert failed["failure_stage"] == "join"
    assert len(api.starts(bot["id"])) == MAX_JOIN_ATTEMPTS
    assert codes(failed).count("runner_ended") == MAX_JOIN_ATTEMPTS
    await session_end(api, failed)


async def test_a_runner_that_is_killed_while_active_is_replaced_in_the_same_session(
    api: Api, workers: Workers
) -> None:
    workers.start()
    bot = await api.ask("meeting")
    await api.until(bot["id"], "active")
    (pid,) = api.running(bot["id"])
    os.kill(pid, signal.SIGKILL)
    await api.until(bot["id"], "starting", "joining")
    again = await api.until(bot["id"], "active")
    assert (again["restarts"], again["session_id"]) == (1, bot["session_id"])
    assert len(api.running(bot["id"])) == 1
    assert "runner_ended" in codes(again)


async def test_a_runner_that_always_crashes_while_active_is_given_up(api: Api, workers: Workers) -> None:
    workers.start()
    bot = await api.ask("crash-active")
    failed = await api.until(bot["id"], "failed", limit_s=60)
    assert failed["failure_stage"] == "running"
    assert len(api.starts(bot["id"])) == MAX_RESTARTS + 1


async def test_a_runner_that_hangs_is_killed_and_replaced(api: Api, workers: Workers) -> None:
    workers.start()
    bot = await api.ask("hang/meeting")
    first = await api.until(bot["id"], "active")
    (pid,) = api.running(bot["id"])
    while first["restarts"] == 0:
        await asyncio.sleep(0.05)
        first = await api.bot(bot["id"])
    await api.until(bot["id"], "active")
    assert api.running(bot["id"]) != [pid]
    assert len(api.running(bot["id"])) == 1
    assert "runner_silent" in codes(await api.bot(bot["id"]))


async def test_a_runner_that_never_reports_counts_as_a_failed_launch(api: Api, workers: Workers) -> None:
    workers.start(launch_s=5)
    bot = await api.ask("mute/refused")
    failed = await api.until(bot["id"], "failed", limit_s=30)
    assert "runner_never_reported" in codes(failed)
    assert len(api.starts(bot["id"])) == 2


async def test_a_bot_that_is_refused_fails_at_once_and_shows_what_it_saw(api: Api, workers: Workers) -> None:
    workers.start()
    bot = await api.ask("refused")
    failed = await api.until(bot["id"], "failed")
    assert (failed["failure_stage"], failed["cause"]["code"]) == ("admission", "refused")
    assert len(api.starts(bot["id"])) == 1
    shots = (await api.http.get(f"/v1/bots/{bot['id']}/screenshots")).json()["screenshots"]
    image = await api.http.get(shots[0]["url"])
    assert (image.content, image.headers["content-type"]) == (PNG, "image/png")
    missing = await api.http.get(f"/v1/bots/{bot['id']}/screenshots/1")
    assert missing.status_code == 404


async def test_a_bot_that_nobody_admits_is_given_up_even_if_its_runner_does_not(
    api: Api, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dragoman_orchestration.bots.supervision.MARGIN_S", 0.5)
    workers.start()
    bot = await api.ask("wait", limits={"waiting_room_s": 1})
    failed = await api.until(bot["id"], "failed")
    assert (failed["failure_stage"], failed["cause"]["code"]) == ("admission", "not_admitted")
    assert len(api.starts(bot["id"])) == 1


@pytest.mark.parametrize(
    ("play", "state"),
    [
        ("mute", "starting"),
        ("join", "joining"),
        ("wait", "awaiting_admission"),
        ("help", "needs_help"),
        ("meeting", "active"),
        ("stubborn", "active"),
        ("hang", "active"),
    ],
)
async def test_a_stop_works_in_every_state(
    api: Api, workers: Workers, eventually: Eventually, play: str, state: str
) -> None:
    workers.start()
    bot = await api.ask(play)
    await api.until(bot["id"], state)
    await eventually(lambda: api.running(bot["id"]))
    await api.stop(bot["id"])
    await api.stop(bot["id"])
    ended = await api.until(bot["id"], "completed")
    assert ended["completion"] == "stopped"
    await eventually(lambda: not api.running(bot["id"]))
    await api.stop(bot["id"])
    assert (await api.bot(bot["id"]))["state"] == "completed"


async def test_a_bot_that_waits_can_be_stopped_though_there_is_no_room(api: Api, workers: Workers) -> None:
    workers.start(max_bots=1)
    first = await api.ask("meeting")
    await api.until(first["id"], "active")
    waiting = await api.ask("meeting")
    await api.stop(waiting["id"])
    ended = await api.until(waiting["id"], "completed")
    assert states(ended) == ["requested", "stopping", "completed"]
    assert api.starts(waiting["id"]) == []
    await session_end(api, ended)


async def test_a_scheduled_bot_waits_for_its_time(api: Api, workers: Workers) -> None:
    workers.start()
    join_at = time.time() + 1.5
    when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(join_at)) + f".{int(join_at % 1 * 1000):03d}Z"
    bot = await api.ask("meeting", join_at=when)
    assert bot["queue"] == {"queued": False, "position": None}
    active = await api.until(bot["id"], "active")
    from datetime import datetime

    started = datetime.fromisoformat(active["history"][1]["at"]).timestamp()
    assert started >= join_at - 0.01


async def test_fifty_bots_on_a_machine_for_three_are_queued_and_told(
    api: Api, workers: Workers, eventually: Eventually
) -> None:
    workers.start(max_bots=3)
    bots = [await api.ask("meeting") for _ in range(50)]

    async def three_active() -> bool:
        listed = (await api.http.get("/v1/bots", params={"state": "active"})).json()["bots"]
        return len(listed) == 3

    await eventually(three_active)
    assert len(api.running()) == 3
    now = [await api.bot(bot["id"]) for bot in bots]
    waiting = [bot for bot in now if bot["state"] == "requested"]
    assert len(waiting) == 47
    assert sorted(bot["queue"]["position"] for bot in waiting) == list(range(1, 48))
    assert all(bot["queue"]["queued"] for bot in waiting)

    # First come, first served: when one ends, the next in the queue starts.
    following = min(waiting, key=lambda bot: bot["queue"]["position"])
    await api.stop(next(bot["id"] for bot in now if bot["state"] == "active"))
    await api.until(following["id"], "active")
    assert len(api.running()) <= 3
    for bot in reversed(now):
        await api.stop(bot["id"])
    for bot in now:
        await api.until(bot["id"], "completed")
    assert len(api.starts()) == 4


async def test_an_active_bot_without_sound_says_so_and_recovers(api: Api, workers: Workers) -> None:
    workers.start(config=lambda: Bots(no_audio_notice_s=1, no_words_notice_s=60))
    async with api.events() as events:
        bot = await api.ask("silent")
        told = await events.until("bot.degraded")
        assert (told["bot_id"], told["cause"]["code"]) == (bot["id"], "no_audio")
        recovered = await events.until("bot.recovered")
        assert recovered["cause"]["code"] == "no_audio"
    assert (await api.bot(bot["id"]))["degraded"] is None


async def test_an_active_bot_with_sound_but_without_words_says_so(api: Api, workers: Workers) -> None:
    workers.start(config=lambda: Bots(no_audio_notice_s=60, no_words_notice_s=1))
    async with api.events() as events:
        bot = await api.ask("wordless")
        told = await events.until("bot.degraded")
        assert told["cause"]["code"] == "no_words"
    assert (await api.bot(bot["id"]))["degraded"]["code"] == "no_words"


async def test_words_end_the_complaint_about_them(api: Api, workers: Workers, redis_client: Redis) -> None:
    from dragoman_contracts.streams import SessionKeys

    workers.start(config=lambda: Bots(no_audio_notice_s=60, no_words_notice_s=1))
    async with api.events() as events:
        bot = await api.ask("wordless")
        await events.until("bot.degraded")
        ledger = b'{"received_ms":900,"transcribed_ms":900}'
        await redis_client.hset(SessionKeys(bot["session_id"]).state, "ledger", ledger)
        assert (await events.until("bot.recovered"))["cause"]["code"] == "no_words"


async def test_the_end_of_the_session_ends_the_bot(
    api: Api, workers: Workers, eventually: Eventually
) -> None:
    workers.start()
    bot = await api.ask("meeting")
    await api.until(bot["id"], "active")
    assert (await api.http.delete(bot["session_url"])).status_code == 202
    ended = await api.until(bot["id"], "completed")
    assert ended["completion"] == "session_ended"
    await eventually(lambda: not api.running(bot["id"]))


async def test_a_bot_that_has_ended_is_forgotten_after_a_while_and_frees_its_session(
    api: Api, workers: Workers, redis_client: Redis, eventually: Eventually
) -> None:
    workers.start()
    bot = await api.ask("refused")
    await api.until(bot["id"], "failed")
    record = BotKeys.record(bot["id"])
    assert 0 < await redis_client.ttl(record) <= 86_400

    async def is_let_go() -> bool:
        return not await redis_client.zscore(BotKeys.LEASES, bot["id"])

    await eventually(is_let_go)
    assert not await redis_client.exists(BotKeys.of_session(bot["session_id"]))
    assert not await redis_client.scard(BotKeys.live_of("tests"))
    await redis_client.delete(record)
    assert (await api.http.get(f"/v1/bots/{bot['id']}")).status_code == 404
    assert (await api.http.get("/v1/bots")).json()["bots"] == []
