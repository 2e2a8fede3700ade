"""Changes of the configuration, from the event to the services and everybody who follows."""

from __future__ import annotations

import asyncio

import pytest

from dragoman_contracts.config import ChangeState
from dragoman_contracts.events import (
    ConfigSnapshot,
    ConfigUpdateRequested,
)
from dragoman_orchestration.config.follower import ConfigFollower
from dragoman_runtime.process import Drain
from tests.integration.config.conftest import new_id


def update(values, *, operation="merge", scope="system", preset="", **more):
    return ConfigUpdateRequested(
        change_id=new_id(),
        scope=scope,
        operation=operation,
        preset=preset,
        values=values,
        requested_by="somebody",
        **more,
    )


@pytest.fixture
def outcome(bus, eventually):
    """What becomes of a change that is sent."""

    async def send(event):
        await bus.send(event)
        return await of(event)

    async def of(event):
        async def final():
            record = await bus.store.change(event.change_id)
            return record if record is not None and record.is_final else None

        return await eventually(final, what="the change is decided")

    send.of = of
    return send


async def test_a_change_reaches_every_service_and_everybody_who_follows(
    whisper, translation, start_worker, bus, broker, outcome, eventually
):
    start_worker(whisper, translation)
    follower, drain = ConfigFollower(broker, interval_s=0.02), Drain()
    following = asyncio.create_task(follower.run(drain))
    record = await outcome(
        update({"whisper": {"beam_size": 3}, "translation": {"pivot": ""}, "partials": {"enabled": False}})
    )
    assert (record.state, record.version) == (ChangeState.APPLIED, 1)
    assert set(record.services.values()) == {"in_sync"}
    assert await whisper.requested() == {"beam_size": 3}
    assert await translation.requested() == {"pivot": ""}
    await eventually(lambda: follower.version == 1)
    assert follower.document.system.partials.enabled is False
    [snapshot] = await eventually(lambda: bus.told(ConfigSnapshot))
    state = await bus.store.read()
    assert (snapshot.version, snapshot.checksum, snapshot.changed_by) == (1, state.checksum, "somebody")
    assert snapshot.document == state.document.to_json()
    drain.start()
    await following
