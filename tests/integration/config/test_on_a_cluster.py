"""Config sync on three masters: a change, its history, who follows it, and one that loses."""

from __future__ import annotations

import asyncio

from dragoman_contracts.config import ChangeState
from dragoman_contracts.events import ConfigDriftDetected, ConfigSnapshot
from dragoman_orchestration.config.follower import ConfigFollower
from dragoman_orchestration.config.settings import ConfigSyncSettings
from dragoman_orchestration.workers.config_sync import run_config_worker
from dragoman_runtime.broker.cluster import connect_cluster
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.process import Drain
from dragoman_runtime.settings import RuntimeSettings
from tests.cluster.servers import ClusterServers

from .conftest import Bus, update


async def test_changes_on_a_cluster(whisper, eventually):
    async with ClusterServers() as servers:
        broker = RedisBroker(connect_cluster(servers.url, timeout_s=2))
        runtime = RuntimeSettings(redis_url=servers.url, redis_cluster=True, redis_timeout_s=2)
        settings = ConfigSyncSettings(
            whisper_urls=whisper.url,
            translation_urls="none",
            drift_interval_s=0.05,
            lease_ms=1_000,
            service_timeout_s=5,
        )
        drain = Drain()
        worker = asyncio.create_task(run_config_worker(settings, runtime, drain))
        bus, follower = Bus(broker), ConfigFollower(broker)
        changes = [update({"whisper": {"beam_size": size}}, expected_version=0) for size in (3, 4)]
        for change in changes:
            await bus.send(change)

        async def decided(change):
            record = await bus.store.change(change.change_id)
            return record if record is not None and record.is_final else None

        first, second = [await eventually(lambda change=change: decided(change)) for change in changes]
        assert (first.state, second.state) == (ChangeState.APPLIED, ChangeState.CONFLICT)
        assert await whisper.requested() == {"beam_size": 3}
        await follower.load_now()
        assert follower.version == 1
        assert [one.version for one in await bus.store.history(limit=10)] == [1]
        assert len(await eventually(lambda: bus.told(ConfigSnapshot))) == 1
        await whisper.put({})
        await eventually(lambda: whisper.runs_with({"beam_size": 3}))
        assert len(await bus.told(ConfigDriftDetected)) == 1
        drain.start()
        await worker
        await broker.close()
