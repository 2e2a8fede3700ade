"""What is done to a running system. Each fault ends by itself and leaves the system whole again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from redis.exceptions import RedisError
from websockets.asyncio.client import connect

from dragoman_client import Dragoman
from dragoman_contracts.config import ConfigDocument
from dragoman_contracts.streams import ConfigKeys
from tests.chaos.checker import CaptionBook
from tests.chaos.crowd import Crowd
from tests.chaos.speech import speech
from tests.chaos.system import KEY, NotInTime, Process, System, until

TAKEOVER_LIMIT_S = 15.0


@dataclass(slots=True)
class Scene:
    """What a fault works on, and where it writes what it measured."""

    system: System
    crowd: Crowd
    chance: random.Random
    takeovers_ms: list[float] = field(default_factory=list)
    handovers_ms: list[float] = field(default_factory=list)
    kills: int = 0
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Something that should not be so."""
        self.notes.append(text)


Fault = Callable[[Scene], Awaitable[None]]


async def kill_worker(scene: Scene) -> None:
    """SIGKILL; a new process takes its place, the others its sessions."""
    worker = await _busy_worker(scene)
    taken = await _expect_takeover(scene, worker)
    scene.kills += 1
    await worker.kill()
    began = time.monotonic()
    await worker.start()
    scene.takeovers_ms += await taken(began)
    await worker.ready(scene.system.http)


async def freeze_worker(scene: Scene) -> None:
    """SIGSTOP past its lease, then SIGCONT: a zombie that believes it still owns its sessions."""
    worker = await _busy_worker(scene)
    taken = await _expect_takeover(scene, worker)
    worker.signal(signal.SIGSTOP)
    began = time.monotonic()
    if len(scene.system.workers) > 1:
        scene.takeovers_ms += await taken(began)
    await asyncio.sleep(scene.system.lease_ms / 1000 * scene.chance.random())
    worker.signal(signal.SIGCONT)
    await worker.ready(scene.system.http)


async def stall_worker(scene: Scene) -> None:
    """What a worker sends to Redis arrives after its lease is over: publishes of a former owner."""
    worker = await _busy_worker(scene)
    taken = await _expect_takeover(scene, worker)
    proxy = scene.system.redis_proxies[worker.name]
    proxy.stall = True
    began = time.monotonic()
    if len(scene.system.workers) > 1:
        scene.takeovers_ms += await taken(began)
    await asyncio.sleep(0.5 * scene.chance.random())
    proxy.stall = False


async def drain_worker(scene: Scene) -> None:
    """SIGTERM: hands its sessions over at once."""
    worker = await _busy_worker(scene)
    taken = await _expect_takeover(scene, worker)
    began = time.monotonic()
    worker.signal(signal.SIGTERM)
    scene.handovers_ms += await taken(began)
    code = await worker.wait()
    if code != 0:
        scene.note(f"{worker.name} drained with exit code {code}")
    await worker.start()
    await worker.ready(scene.system.http)


async def kill_api(scene: Scene) -> None:
    """SIGKILL; speakers and viewers come back by themselves."""
    number = scene.chance.randrange(len(scene.system.apis))
    api = scene.system.apis[number]
    scene.kills += 1
    await api.kill()
    await api.start()
    await api.ready(scene.system.http)
    scene.crowd.expect_captions(number)


async def drain_api(scene: Scene) -> None:
    """SIGTERM: closes its sockets with a code that says "connect again"."""
    number = scene.chance.randrange(len(scene.system.apis))
    api = scene.system.apis[number]
    api.signal(signal.SIGTERM)
    code = await api.wait()
    if code != 0:
        scene.note(f"{api.name} drained with exit code {code}")
    await api.start()
    await api.ready(scene.system.http)
    scene.crowd.expect_captions(number)


async def kill_whisper(scene: Scene) -> None:
    """SIGKILL; windows are asked for again."""
    scene.kills += 1
    await scene.system.whisper.kill()
    await asyncio.sleep(scene.chance.random())
    await scene.system.whisper.start()
    await scene.system.whisper.ready(scene.system.http)


async def kill_translation(scene: Scene) -> None:
    """SIGKILL; no transcript waits for it, and what it owed is caught up with."""
    scene.kills += 1
    await scene.system.translation.kill()
    await asyncio.sleep(scene.chance.random())
    await scene.system.translation.start()
    await scene.system.translation.ready(scene.system.http)


async def kill_redis(scene: Scene) -> None:
    """SIGKILL with AOF everysec: up to the last second of what it acknowledged is gone."""
    scene.kills += 1
    await scene.system.redis.kill()
    await asyncio.sleep(scene.chance.random() * 0.5)
    await scene.system.redis.start()
    await _all_ready(scene)


async def restart_redis(scene: Scene) -> None:
    """SIGTERM and start: nothing is lost, everybody must connect again."""
    await scene.system.redis.stop()
    await asyncio.sleep(scene.chance.random() * 0.5)
    await scene.system.redis.start()
    await _all_ready(scene)


async def freeze_redis(scene: Scene) -> None:
    """SIGSTOP for a moment: a Redis that swaps, forks or fsyncs, and answers late."""
    pid = scene.system.redis.pid
    if pid is None:
        return
    os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(0.5 + 2 * scene.chance.random())
    os.kill(pid, signal.SIGCONT)


async def fill_redis(scene: Scene) -> None:
    """``OOM command not allowed``: the memory limit is reached, then raised."""
    await scene.system.direct.config_set("maxmemory", "1mb")
    await asyncio.sleep(1 + 2 * scene.chance.random())
    await scene.system.direct.config_set("maxmemory", "0")


async def demote_redis(scene: Scene) -> None:
    """A master that became a read-only replica, as after a failover that nobody told the clients of."""
    await scene.system.direct.execute_command("REPLICAOF", "127.0.0.1", "1")
    await asyncio.sleep(1 + 2 * scene.chance.random())
    await scene.system.direct.execute_command("REPLICAOF", "NO", "ONE")


async def cut_redis(scene: Scene) -> None:
    """Breaks one process' connections to Redis in the middle of what they carry, a few times."""
    proxy = scene.system.redis_proxies[scene.chance.choice(_redis_users(scene.system)).name]
    for _ in range(scene.chance.randint(1, 5)):
        proxy.cut()
        await asyncio.sleep(scene.chance.random() * 0.2)


async def delay_redis(scene: Scene) -> None:
    """Replies of Redis to one process come late."""
    proxy = scene.system.redis_proxies[scene.chance.choice(_redis_users(scene.system)).name]
    proxy.delay_s = 0.05 + scene.chance.random() * 0.25
    await asyncio.sleep(2 + scene.chance.random())
    proxy.mend()


async def swallow_redis(scene: Scene) -> None:
    """Commands of one process arrive, their replies never do, then the connection breaks."""
    proxy = scene.system.redis_proxies[scene.chance.choice(_redis_users(scene.system)).name]
    proxy.swallow = True
    await asyncio.sleep(0.05 + scene.chance.random())
    proxy.mend()


async def silence_redis(scene: Scene) -> None:
    """Half-open: nothing of one process arrives at Redis or back, though it looks connected."""
    proxy = scene.system.redis_proxies[scene.chance.choice(_redis_users(scene.system)).name]
    proxy.silent = True
    await asyncio.sleep(0.5 + 2 * scene.chance.random())
    proxy.mend()


async def forget_scripts(scene: Scene) -> None:
    """SCRIPT FLUSH: every script must be sent again."""
    with contextlib.suppress(RedisError):
        await scene.system.direct.script_flush()


async def change_config(scene: Scene) -> None:
    """A few versions of the runtime configuration in a row: all sessions listen by each for a while."""
    for _ in range(scene.chance.randint(1, 4)):
        steps = scene.chance.sample(["drop_partials", "delay_translation"], scene.chance.randint(0, 2))
        values = {
            "voice_activity": {"min_silence_ms": scene.chance.choice([192, 416, 900])},
            "recognition": {
                "max_utterance_ms": scene.chance.choice([3_000, 12_000]),
                "min_step_ms": scene.chance.choice([200, 640]),
            },
            "partials": {"enabled": scene.chance.random() < 0.7},
            "degradation": {"steps": steps},
        }
        document = ConfigDocument.model_validate({"system": values})
        fields = {"document": json.dumps(document.to_json()), "checksum": document.checksum}
        with contextlib.suppress(RedisError):
            change = scene.system.direct.pipeline(transaction=True)
            change.hincrby(ConfigKeys.STATE, "version", 1)
            change.hset(ConfigKeys.STATE, mapping=fields)
            await change.execute()
        await asyncio.sleep(0.3 + scene.chance.random())


async def silence_whisper(scene: Scene) -> None:
    """The whisper service seems connected and never answers for a while."""
    scene.system.whisper_proxy.silent = True
    await asyncio.sleep(0.5 + 2 * scene.chance.random())
    scene.system.whisper_proxy.mend()


async def silence_translation(scene: Scene) -> None:
    """The translation service seems connected and never answers for a while."""
    scene.system.translation_proxy.silent = True
    await asyncio.sleep(0.5 + 2 * scene.chance.random())
    scene.system.translation_proxy.mend()


async def cut_whisper(scene: Scene) -> None:
    """Breaks all connections to the whisper service in the middle of windows."""
    for _ in range(scene.chance.randint(1, 5)):
        scene.system.whisper_proxy.cut()
        await asyncio.sleep(scene.chance.random() * 0.2)


async def cut_clients(scene: Scene) -> None:
    """Breaks the connections of all clients of one API."""
    number = scene.chance.randrange(len(scene.system.apis))
    scene.system.client_proxies[number].cut()


async def silence_clients(scene: Scene) -> None:
    """The clients' network is half-open for a moment, then breaks."""
    number = scene.chance.randrange(len(scene.system.apis))
    proxy = scene.system.client_proxies[number]
    proxy.silent = True
    await asyncio.sleep(0.5 + scene.chance.random())
    proxy.mend()


async def greedy_speaker(scene: Scene) -> None:
    """Half a minute of speech at once into a session of its own; the others must not wait for it."""
    said = speech(30, scene.chance.randrange(1000))
    number = scene.chance.randrange(len(scene.system.apis))
    async with Dragoman(scene.system.url(number), key=KEY) as dragoman:
        session = await dragoman.create_session()
        book = CaptionBook("greedy speaker", merges=True)
        async with dragoman.speak(session.id) as speaker:
            await speaker.send(b"".join(said.frames))
            await speaker.end()
            async with asyncio.timeout(30):
                async for event in speaker.events():
                    book.take(event)
    found = book.verdict(said)
    if found.errors:
        scene.note(f"a greedy speaker: {found.notes}")


async def deaf_viewer(scene: Scene) -> None:
    """A viewer that connects and never reads."""
    live = [meeting for meeting in scene.crowd.live if meeting.is_speaking]
    if not live:
        return
    meeting = scene.chance.choice(live)
    url = f"{scene.system.url(meeting.number).replace('http', 'ws')}/v1/sessions/{meeting.session_id}/events"
    headers = {"Authorization": f"Bearer {KEY}"}
    async with connect(url, additional_headers=headers, compression=None, max_queue=1, close_timeout=1):
        await asyncio.sleep(2 + 2 * scene.chance.random())


FAULTS: dict[str, Fault] = {
    fault.__name__: fault
    for fault in (
        kill_worker,
        freeze_worker,
        stall_worker,
        drain_worker,
        kill_api,
        drain_api,
        kill_whisper,
        kill_translation,
        kill_redis,
        restart_redis,
        freeze_redis,
        fill_redis,
        demote_redis,
        cut_redis,
        delay_redis,
        swallow_redis,
        silence_redis,
        forget_scripts,
        change_config,
        silence_whisper,
        cut_whisper,
        silence_translation,
        cut_clients,
        silence_clients,
        greedy_speaker,
        deaf_viewer,
    )
}


KILLS = (
    "kill_worker",
    "kill_worker",
    "kill_api",
    "kill_redis",
    "kill_whisper",
    "kill_translation",
    "freeze_worker",
)
"""Ends without a word; in a random run every second fault is one of these."""


def _redis_users(system: System) -> list[Process]:
    return [*system.apis, *system.workers]


async def _busy_worker(scene: Scene) -> Process:
    """One that holds sessions, if there is one: to kill an idle one proves nothing."""
    workers = list(scene.system.workers)
    scene.chance.shuffle(workers)
    for worker in workers:
        if await scene.system.leased_by(worker):
            return worker
    return workers[0]


async def _all_ready(scene: Scene) -> None:
    for process in _redis_users(scene.system):
        try:
            await process.ready(scene.system.http)
        except NotInTime as error:
            scene.note(str(error).splitlines()[0])


async def _expect_takeover(scene: Scene, worker: Process) -> Callable[[float], Awaitable[list[float]]]:
    """Call before the fault; the result waits until others have its sessions, and tells how long it took."""
    system = scene.system
    ids = list((await system.leased_by(worker)).values())
    before = dict(zip(ids, await system.generations(ids), strict=True)) if ids else {}
    left = {session_id: generation for session_id, generation in before.items() if generation is not None}

    async def taken(began: float) -> list[float]:
        took: list[float] = []

        async def nobody_left() -> bool:
            now = await system.generations(list(left)) if left else []
            for session_id, generation in zip(list(left), now, strict=True):
                if generation is None:
                    del left[session_id]
                elif generation > left[session_id]:
                    del left[session_id]
                    took.append((time.monotonic() - began) * 1000)
            return not left

        try:
            await until(nobody_left, "takeover", TAKEOVER_LIMIT_S)
        except NotInTime:
            scene.note(f"{len(left)} sessions of {worker.name} were not taken over: {list(left)[:3]}")
            took += [TAKEOVER_LIMIT_S * 1000] * len(left)
        return took

    return taken
