"""Bots on three masters: their keys are of one slot, and their sessions of any."""

from __future__ import annotations

import asyncio
from pathlib import Path

from dragoman_contracts.config import Bots
from dragoman_orchestration.bots.store import BotStore
from dragoman_orchestration.session.store import SessionStore
from dragoman_orchestration.workers.bot_lifecycle import BotsWorker
from dragoman_orchestration.workers.bot_settings import BotsWorkerSettings
from dragoman_runtime.broker.cluster import connect_cluster
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.process import Drain
from tests.cluster.servers import ClusterServers

from .conftest import PATIENCE, QuickLauncher
from .test_store import a_bot

SHARDS = 12


async def test_a_worker_on_a_cluster_takes_bots_and_tells_what_becomes_of_them(
    folder: Path,
) -> None:
    async with ClusterServers() as servers:
        broker = RedisBroker(connect_cluster(servers.url))
        store, sessions = BotStore(broker), SessionStore(broker, shards=SHARDS)

        async def answers() -> bool:
            return True

        worker = BotsWorker(
            store,
            sessions,
            QuickLauncher(folder),
            BotsWorkerSettings(),
            config=Bots,
            name="w",
            api_answers=answers,
            patience=PATIENCE,
        )
        drain = Drain()
        running = asyncio.create_task(worker.run(drain))
        for number in range(6):
            await store.create(a_bot(number))
        ended = set()
        async with asyncio.timeout(30):
            while len(ended) < 6:
                bots, _ = await store.newest("tests", limit=10)
                # Their sessions were never made: each fails at its request, and says so.
                ended = {(bot.id, bot.cause.code) for bot in bots if bot.state == "failed"}
                await asyncio.sleep(0.05)
        assert {code for _, code in ended} == {"session_gone"}
        drain.start()
        await running
        await broker.close()
