"""Bots in trouble: workers that die, Redis that goes, events that are none, runners that were replaced."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from dragoman_contracts.bots import BotRequest
from dragoman_contracts.envelope import Envelope
from dragoman_contracts.events import (
    BotReported,
    BotRequested,
    BotRestartRequested,
    BotStopRequested,
    ConfigResyncRequested,
    Event,
    to_envelope,
)
from dragoman_contracts.streams import BOT_CONTROL, GROUP_BOT_ORCHESTRATOR, BotKeys, dead_letter_stream
from dragoman_runtime.broker.redis import connect_redis
from dragoman_runtime.embedded_redis import EmbeddedRedis

from .conftest import PATIENCE, Api, LauncherElsewhere, Workers, serving

Eventually = Callable[..., Awaitable[Any]]


def envelope(event: Event, **changes: Any) -> dict[bytes, bytes]:
    made = to_envelope(event, source="/test", subject="x")
    return Envelope(**{name: getattr(made, name) for name in made.__struct_fields__} | changes).to_fields()


# --- workers ------------------------------------------------------------------------------------------------


async def test_a_worker_that_is_killed_is_replaced_and_its_runners_are_adopted(
    api: Api, workers: Workers, eventually: Eventually
) -> None:
    doomed = await workers.process()
    bots = [await api.ask("meeting") for _ in range(3)]
    for bot in bots:
        await api.until(bot["id"], "active")
    pids = sorted(api.running())
    doomed.kill()
    await doomed.wait()
    workers.start()

    async def held_by_the_other() -> bool:
        told = [json.loads((await api.http.get(f"/v1/bots/{bot['id']}")).text) for bot in bots]
        return all(one["state"] == "active" for one in told) and await _adopted(workers, bots)

    await eventually(held_by_the_other)
    assert sorted(api.running()) == pids, "adopted: none was started again, none was lost"
    assert sorted(api.starts()) == pids
    for bot in bots:
        await api.stop(bot["id"])
        assert (await api.until(bot["id"], "completed"))["restarts"] == 0
    await eventually(lambda: not api.running())


async def _adopted(workers: Workers, bots: list[dict[str, Any]]) -> bool:
    redis = connect_redis(workers.redis_url)
    try:
        now_s, _ = await redis.time()
        ends = [await redis.zscore(BotKeys.LEASES, bot["id"]) for bot in bots]
        names = {await redis.hget(BotKeys.record(bot["id"]), "worker") for bot in bots}
        ours = str(os.getpid()).encode()
        return all(end and end > now_s * 1000 for end in ends) and all(ours in name for name in names)
    finally:
        await redis.aclose()


async def test_a_runner_that_died_with_its_worker_is_replaced_once(api: Api, workers: Workers) -> None:
    doomed = await workers.process()
    bot = await api.ask("meeting")
    await api.until(bot["id"], "active")
    doomed.kill()
    for pid in api.running(bot["id"]):
        os.kill(pid, signal.SIGKILL)
    await doomed.wait()
    workers.start()
    while (again := await api.bot(bot["id"]))["restarts"] == 0 or again["state"] != "active":
        await asyncio.sleep(0.05)
    assert len(api.starts(bot["id"])) == 2
    assert len(api.running(bot["id"])) == 1


async def test_a_worker_that_is_killed_right_after_a_launch_leaves_no_second_runner(
    api: Api, workers: Workers, redis_client: Redis, eventually: Eventually
) -> None:
    """Its handle was never kept: the next worker finds the runner by what it was started with."""
    doomed = await workers.process()
    bot = await api.ask("meeting")
    await api.until(bot["id"], "active")
    doomed.kill()
    await doomed.wait()
    await redis_client.hset(BotKeys.record(bot["id"]), "handle", "{}")
    workers.start()

    async def is_found() -> bool:
        return b'"pid"' in (await redis_client.hget(BotKeys.record(bot["id"]), "handle") or b"")

    await eventually(is_found)
    assert len(api.starts(bot["id"])) == 1
    await api.stop(bot["id"])
    await api.until(bot["id"], "completed")
    await eventually(lambda: not api.running(bot["id"]))


async def test_a_worker_that_was_frozen_wakes_up_fenced_and_touches_nothing(
    api: Api, workers: Workers, eventually: Eventually
) -> None:
    frozen = await workers.process()
    bots = [await api.ask("meeting") for _ in range(2)]
    for bot in bots:
        await api.until(bot["id"], "active")
    pids = sorted(api.running())
    os.kill(frozen.pid, signal.SIGSTOP)
    workers.start()
    await eventually(lambda: _adopted(workers, bots))
    os.kill(frozen.pid, signal.SIGCONT)
    await api.stop(bots[0]["id"])
    assert (await api.until(bots[0]["id"], "completed"))["restarts"] == 0
    await asyncio.sleep(2)  # the old one has looked several times
    assert (await api.bot(bots[1]["id"]))["history"][-1]["state"] == "active"
    assert api.running() == [pid for pid in pids if pid in api.running(bots[1]["id"])]
    assert sorted(api.starts()) == pids
    assert await _adopted(workers, bots[1:])


async def test_a_runner_on_another_machine_is_adopted_by_its_reports_and_stopped_by_orders(
    api: Api, workers: Workers, eventually: Eventually
) -> None:
    doomed = await workers.process()
    bot = await api.ask("meeting")
    await api.until(bot["id"], "active")
    doomed.kill()
    await doomed.wait()
    workers.start(launcher=LauncherElsewhere)
    await eventually(lambda: _adopted(workers, [bot]))
    await api.stop(bot["id"])
    assert (await api.until(bot["id"], "completed"))["restarts"] == 0
    assert len(api.starts(bot["id"])) == 1


async def test_a_runner_on_another_machine_is_replaced_only_when_it_must_have_ended(
    api: Api, workers: Workers
) -> None:
    doomed = await workers.process()
    bot = await api.ask("meeting")
    await api.until(bot["id"], "active")
    (pid,) = api.running(bot["id"])
    doomed.kill()
    os.kill(pid, signal.SIGKILL)
    await doomed.wait()
    last = (await api.bot(bot["id"]))["report"]["at"]
    workers.start(launcher=LauncherElsewhere)
    while (again := await api.bot(bot["id"]))["restarts"] == 0 or again["state"] != "active":
        await asyncio.sleep(0.05)
    joined = next(step for step in again["history"][::-1] if step["state"] == "joining")
    waited = datetime.fromisoformat(joined["at"]) - datetime.fromisoformat(last)
    assert waited.total_seconds() >= PATIENCE.orphan_s
    assert len(api.running(bot["id"])) == 1


async def test_two_workers_share_the_bots_and_double_none(api: Api, workers: Workers) -> None:
    workers.start(max_bots=3)
    workers.start(max_bots=3)
    bots = [await api.ask("meeting") for _ in range(6)]
    for bot in bots:
        await api.until(bot["id"], "active")
    assert len(api.starts()) == 6
    for bot in bots:
        assert len(api.running(bot["id"])) == 1


async def test_a_worker_that_drains_hands_its_bots_over_with_their_runners(
    api: Api, workers: Workers, eventually: Eventually
) -> None:
    first = workers.start()
    bot = await api.ask("meeting")
    await api.until(bot["id"], "active")
    await first.stop()
    pids = api.running(bot["id"])
    assert len(pids) == 1, "its runner goes on"
    workers.start()
    await eventually(lambda: _adopted(workers, [bot]))
    assert api.running(bot["id"]) == pids
    await api.stop(bot["id"])
    assert (await api.until(bot["id"], "completed"))["restarts"] == 0


@pytest.mark.parametrize("play", ["meeting", "stubborn", "wait"])
async def test_a_worker_that_is_to_end_its_runners_leaves_none(
    api: Api, workers: Workers, eventually: Eventually, play: str
) -> None:
    worker = workers.start(end_runners_on_drain=True, drain_timeout_s=6)
    bot = await api.ask(play)
    await api.until(bot["id"], "active", "awaiting_admission")
    await worker.stop()
    await eventually(lambda: not api.running())
    ended = await api.bot(bot["id"])
    assert (ended["state"], ended["completion"]) == ("completed", "stopped")


async def test_a_worker_takes_over_more_than_it_has_room_for_but_launches_no_more(
    api: Api, workers: Workers, eventually: Eventually
) -> None:
    doomed = await workers.process()
    bots = [await api.ask("meeting") for _ in range(4)]
    for bot in bots:
        await api.until(bot["id"], "active")
    doomed.kill()
    await doomed.wait()
    for pid in api.running():
        os.kill(pid, signal.SIGKILL)
    workers.start(max_bots=2)

    async def two_again() -> bool:
        now = [await api.bot(bot["id"]) for bot in bots]
        return sorted((one["state"], one["queue"]["queued"]) for one in now) == [
            ("active", False),
            ("active", False),
            ("starting", True),
            ("starting", True),
        ]

    await eventually(two_again)
    assert len(api.running()) == 2


# --- events -------------------------------------------------------------------------------------------------


async def test_events_that_are_none_are_dead_lettered_and_the_loop_lives_on(
    api: Api, workers: Workers, redis_client: Redis, eventually: Eventually
) -> None:
    workers.start()
    good = BotStopRequested(bot_id="x")
    bad = [
        {b"data": b"not an envelope"},
        envelope(good, data=b"{"),
        envelope(good, data=b'{"bot_id": 7}'),
        envelope(good, dataschema="dragoman:BotStopRequested:99"),
        envelope(good, type="BotInvented"),
        envelope(BotRestartRequested(bot_id="x", reason="r"), time="yesterday"),
    ]
    for fields in bad:
        await redis_client.xadd(BOT_CONTROL, fields)
    grave = dead_letter_stream(BOT_CONTROL)

    async def all_buried() -> bool:
        return await redis_client.xlen(grave) == len(bad)

    await eventually(all_buried)
    bot = await api.ask("meeting")
    await api.until(bot["id"], "active")


async def test_events_of_others_and_of_bots_that_are_gone_are_nothing_to_do(
    api: Api, workers: Workers, redis_client: Redis, eventually: Eventually
) -> None:
    workers.start()
    for event in (
        ConfigResyncRequested(reason="not ours"),
        BotStopRequested(bot_id="0" * 32),
        BotRestartRequested(bot_id="0" * 32, reason="r"),
        BotReported(bot_id="0" * 32, generation=1, seq=1),
    ):
        await redis_client.xadd(BOT_CONTROL, envelope(event))

    await eventually(lambda: _is_handled(redis_client))
    assert await redis_client.xlen(dead_letter_stream(BOT_CONTROL)) == 0


async def test_every_event_twice_and_in_the_wrong_order_makes_one_life(
    api: Api, workers: Workers, redis_client: Redis
) -> None:
    """The events of a bot's whole life are played again, backwards, while another worker listens."""
    workers.start()
    bot = await api.ask("meeting")
    active = await api.until(bot["id"], "active")
    request = BotRequest(driver="media", url="http://127.0.0.1/meeting")
    old = [
        BotReported(bot_id=bot["id"], generation=1, seq=1),
        BotReported(bot_id=bot["id"], generation=9, seq=9),
        BotRequested(bot_id=bot["id"], session_id=bot["session_id"], owner_key="tests", request=request),
    ]
    for event in [*old, *old[::-1]]:
        await redis_client.xadd(BOT_CONTROL, envelope(event))
    before = "2020-01-01T00:00:00.000+00:00"
    restart = BotRestartRequested(bot_id=bot["id"], reason="of a runner that was there long ago")
    await redis_client.xadd(BOT_CONTROL, envelope(restart, time=before))
    await _all_handled(redis_client)
    now = await api.bot(bot["id"])
    assert (now["state"], now["history"], now["restarts"]) == ("active", active["history"], 0)
    assert len(api.starts(bot["id"])) == 1

    for _ in range(2):
        await redis_client.xadd(BOT_CONTROL, envelope(BotStopRequested(bot_id=bot["id"])))
    ended = await api.until(bot["id"], "completed")
    for event in [*old, BotRestartRequested(bot_id=bot["id"], reason="too late")]:
        await redis_client.xadd(BOT_CONTROL, envelope(event))
    await _all_handled(redis_client)
    assert (await api.bot(bot["id"]))["history"] == ended["history"]
    assert len(api.starts(bot["id"])) == 1


async def _all_handled(redis: Redis) -> None:
    async with asyncio.timeout(20):
        while not await _is_handled(redis):
            await asyncio.sleep(0.02)


async def _is_handled(redis: Redis) -> bool:
    """Whether the bots' group was given everything and has acknowledged it; Redis 6.2 tells no lag."""
    groups = [
        one for one in await redis.xinfo_groups(BOT_CONTROL) if one["name"] == GROUP_BOT_ORCHESTRATOR.encode()
    ]
    last = (await redis.xinfo_stream(BOT_CONTROL))["last-generated-id"]
    return bool(groups) and groups[0]["pending"] == 0 and groups[0]["last-delivered-id"] == last


async def test_an_event_that_a_worker_died_on_is_handled_by_the_next(
    api: Api, workers: Workers, redis_client: Redis
) -> None:
    """Taken and perhaps handled, never acknowledged."""
    bot = await api.ask("meeting")
    await redis_client.xadd(BOT_CONTROL, envelope(BotStopRequested(bot_id=bot["id"])))
    group = (BOT_CONTROL, GROUP_BOT_ORCHESTRATOR)
    await redis_client.xgroup_create(*group, id="0")
    ((_, entries),) = await redis_client.xreadgroup(group[1], "dead", {BOT_CONTROL: ">"})
    ids = [entry_id for entry_id, _ in entries]
    assert len(ids) == 2
    await redis_client.xclaim(*group, "dead", 0, ids, idle=60_000, retrycount=1, justid=True)
    workers.start()
    assert (await api.until(bot["id"], "completed"))["completion"] == "stopped"
    await _all_handled(redis_client)


async def test_a_restart_that_is_asked_for_replaces_the_runner_once(
    api: Api, workers: Workers, redis_client: Redis
) -> None:
    workers.start()
    bot = await api.ask("meeting")
    await api.until(bot["id"], "active")
    (pid,) = api.running(bot["id"])
    fields = envelope(BotRestartRequested(bot_id=bot["id"], reason="degraded for long"))
    await redis_client.xadd(BOT_CONTROL, fields)
    await redis_client.xadd(BOT_CONTROL, fields)
    while (again := await api.bot(bot["id"]))["restarts"] == 0 or again["state"] != "active":
        await asyncio.sleep(0.05)
    await _all_handled(redis_client)
    assert api.running(bot["id"]) != [pid]
    assert len(api.starts(bot["id"])) == 2
    assert (again["restarts"], "restart_requested" in str(again["history"])) == (1, True)


async def test_a_bot_is_started_though_the_event_about_it_was_lost(
    api: Api, workers: Workers, redis_client: Redis
) -> None:
    bot = await api.ask("meeting")
    await redis_client.delete(BOT_CONTROL)
    workers.start()
    await api.until(bot["id"], "active")


# --- runners ------------------------------------------------------------------------------------------------


async def test_a_runner_that_was_replaced_is_fenced(api: Api, workers: Workers, redis_client: Redis) -> None:
    workers.start()
    bot = await api.ask("meeting")
    await api.until(bot["id"], "active")
    (pid,) = api.running(bot["id"])
    token = _token_of(pid)
    restart = BotRestartRequested(bot_id=bot["id"], reason="test")
    await redis_client.xadd(BOT_CONTROL, envelope(restart))
    while (again := await api.bot(bot["id"]))["restarts"] == 0 or again["state"] != "active":
        await asyncio.sleep(0.05)
    late = {"generation": 1, "seq": 10_000, "state": "failed"}
    answer = await api.http.post(
        f"/v1/bots/{bot['id']}/reports", json=late, headers={"Authorization": f"Bearer {token}"}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "fenced")
    assert (await api.bot(bot["id"]))["history"] == again["history"]


async def test_a_runner_with_the_token_of_now_cannot_report_for_another_generation(
    api: Api, workers: Workers
) -> None:
    workers.start()
    bot = await api.ask("meeting")
    await api.until(bot["id"], "active")
    token = _token_of(api.running(bot["id"])[0])
    answer = await api.http.post(
        f"/v1/bots/{bot['id']}/reports",
        json={"generation": 0, "seq": 10_000, "state": "failed"},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "fenced")


def _token_of(pid: int) -> str:
    variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return (
        next(one for one in variables if one.startswith(b"DRAGOMAN_BOT_TOKEN=")).partition(b"=")[2].decode()
    )


async def test_a_runner_gets_neither_keys_nor_the_address_of_redis(
    api: Api, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRAGOMAN_REDIS_URL", "redis://:secret@10.0.0.1/0")
    monkeypatch.setenv("DRAGOMAN_API_KEYS", "name:secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("DRAGOMAN_BOT_RUNNER_HEADLESS", "true")
    workers.start()
    bot = await api.ask("meeting")
    await api.until(bot["id"], "active")
    environment = Path(f"/proc/{api.running(bot['id'])[0]}/environ").read_bytes()
    assert b"secret" not in environment
    assert b"DRAGOMAN_BOT_RUNNER_HEADLESS=true" in environment


async def test_secrets_are_in_no_answer_no_event_and_no_log(
    api: Api, workers: Workers, redis_client: Redis, log_lines: list[str], eventually: Eventually
) -> None:
    workers.start()
    async with api.events() as events:
        bot = await api.ask("chatty", client_key="mine")
        await api.until(bot["id"], "active")
        token = _token_of(api.running(bot["id"])[0])
        await eventually(lambda: any("runner: token" in line for line in log_lines))
        told = [str(bot), str(await api.bot(bot["id"])), (await api.http.get("/v1/bots")).text]
        told.append(str(await events.until("bot.state_changed", state="active")))
    told += [str(await redis_client.xrange(stream)) for stream in (BOT_CONTROL, BotKeys.EVENTS)]
    told += log_lines
    for text in told:
        for secret in ("hunter2", "hush", token):
            assert secret not in text
    record = str(await redis_client.hgetall(BotKeys.record(bot["id"])))
    assert "hunter2" in record, "the record has it: the runner needs it"
    assert token not in record


# --- Redis and the API --------------------------------------------------------------------------------------


@pytest.fixture
async def own_redis() -> AsyncIterator[EmbeddedRedis]:
    async with EmbeddedRedis(appendonly=True) as server:
        yield server


async def test_while_redis_is_away_the_runner_goes_on_and_the_bot_with_it(
    own_redis: EmbeddedRedis, folder: Path
) -> None:
    async with serving(own_redis.url, folder) as api:
        workers = Workers(own_redis.url, api.url, folder)
        worker = workers.start()
        try:
            bot = await api.ask("meeting")
            await api.until(bot["id"], "active")
            pids = api.running(bot["id"])
            await own_redis.stop()
            await asyncio.sleep(5)  # longer than a runner may be silent, and than the lease
            await own_redis.start()
            await _answers(api, bot["id"])
            await asyncio.sleep(2)
            again = await api.bot(bot["id"])
            assert (again["state"], again["restarts"]) == ("active", 0)
            assert api.running(bot["id"]) == pids
            await api.stop(bot["id"])
            await api.until(bot["id"], "completed")
        finally:
            await worker.stop()


async def _answers(api: Api, bot_id: str) -> None:
    async with asyncio.timeout(20):
        while (await api.http.get(f"/v1/bots/{bot_id}")).status_code != httpx.codes.OK:
            await asyncio.sleep(0.05)


async def test_followers_are_told_how_things_are_after_redis_was_away(
    own_redis: EmbeddedRedis, folder: Path
) -> None:
    async with serving(own_redis.url, folder) as api:
        bot = await api.ask("meeting")
        async with api.events() as socket:
            assert (await socket.next())["recovered"] is True
            await own_redis.stop()
            await asyncio.sleep(0.5)
            await own_redis.start()
            again = await socket.until("bots.snapshot")
            assert (again["recovered"], again["bots"][0]["bot_id"]) == (False, bot["id"])
            await _answers(api, bot["id"])
            other = await api.ask("meeting")
            assert (await socket.until("bot.state_changed"))["bot_id"] == other["id"]


async def test_a_wiped_redis_leaves_no_runner_and_new_bots_work(
    api: Api, workers: Workers, redis_client: Redis, eventually: Eventually
) -> None:
    workers.start()
    bots = [await api.ask(play) for play in ("meeting", "stubborn", "hang")]
    for bot in bots:
        await api.until(bot["id"], "active")
    await redis_client.flushall()
    await eventually(lambda: not api.running())
    assert (await api.http.get(f"/v1/bots/{bots[0]['id']}")).status_code == 404
    again = await api.ask("meeting")
    await api.until(again["id"], "active")


async def test_an_api_that_is_away_is_no_fault_of_the_runners(
    redis_server: str, redis_client: Redis, folder: Path, free_port: int
) -> None:
    async with serving(redis_server, folder, port=free_port) as api:
        workers = Workers(redis_server, api.url, folder)
        worker = workers.start()
        bot = await api.ask("meeting")
        await api.until(bot["id"], "active")
        pids = api.running(bot["id"])
    try:
        await asyncio.sleep(5)  # longer than a runner may be silent
        async with serving(redis_server, folder, port=free_port) as api:
            again = await api.bot(bot["id"])
            assert (again["state"], again["restarts"]) == ("active", 0)
            assert api.running(bot["id"]) == pids
            await api.stop(bot["id"])
            await api.until(bot["id"], "completed")
    finally:
        await worker.stop()
