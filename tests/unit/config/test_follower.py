"""A process that follows the configuration, on a real Redis."""

from __future__ import annotations

import asyncio
import json

import pytest

from dragoman_contracts.config import ConfigDocument
from dragoman_contracts.errors import BusUnavailable
from dragoman_contracts.streams import ConfigKeys
from dragoman_orchestration.config.follower import ConfigFollower
from dragoman_orchestration.config.state import EMPTY_CHECKSUM
from dragoman_runtime.broker.redis import RedisBroker, connect_redis
from dragoman_runtime.process import Drain


def document(beam_size: int) -> ConfigDocument:
    return ConfigDocument.model_validate({"system": {"whisper": {"beam_size": beam_size}}})


async def put(broker, wanted, version, raw=None):
    text = raw if raw is not None else json.dumps(wanted.to_json())
    await broker.ask(
        [
            (
                "HSET",
                ConfigKeys.STATE,
                *("document", text),
                *("version", version),
                *("checksum", wanted.checksum),
                *("changed_ms", 1),
                *("changed_by", "somebody"),
                *("change_id", f"change-{version}"),
            )
        ]
    )


class Changes(list):
    def __call__(self, found, version):
        self.append((version, found.system.whisper.beam_size))


async def test_each_new_version_is_applied_once(broker):
    changes = Changes()
    follower = ConfigFollower(broker, on_change=changes)
    await put(broker, document(2), 1)
    await follower.load_now()
    await follower.load_now()
    await put(broker, document(3), 2)
    await follower.load_now()
    assert changes == [(1, 2), (2, 3)]
    assert (follower.version, follower.document) == (2, document(3))
    assert follower.applied().checksum == document(3).checksum


async def test_a_redis_that_never_held_a_version_changes_nothing(broker):
    changes = Changes()
    follower = ConfigFollower(broker, on_change=changes)
    assert follower.applied().checksum == ""
    await follower.load_now()
    assert changes == []
    assert (follower.version, follower.applied().checksum) == (0, EMPTY_CHECKSUM)


async def test_a_wiped_redis_is_the_empty_document_again(broker, redis_client):
    changes = Changes()
    follower = ConfigFollower(broker, on_change=changes)
    await put(broker, document(2), 7)
    await follower.load_now()
    await redis_client.flushall()
    await follower.load_now()
    assert changes == [(7, 2), (0, None)]
    assert follower.document == ConfigDocument()


async def test_the_same_number_with_another_checksum_is_another_version(broker):
    changes = Changes()
    follower = ConfigFollower(broker, on_change=changes)
    await put(broker, document(2), 1)
    await follower.load_now()
    await put(broker, document(3), 1)
    await follower.load_now()
    assert changes == [(1, 2), (1, 3)]


@pytest.mark.parametrize(
    "raw",
    ["", "no json", '{"system": {"whisper": {"of_tomorrow": 1}}}', '{"of_tomorrow": {}}'],
)
async def test_a_document_that_cannot_be_read_leaves_the_one_before_in_force(broker, log_lines, raw):
    follower = ConfigFollower(broker)
    await put(broker, document(2), 1)
    await follower.load_now()
    await put(broker, document(3), 2, raw=raw)
    await follower.load_now()
    await follower.load_now()
    assert (follower.version, follower.document) == (1, document(2))
    assert "cannot be read" in follower.applied().error
    assert len([line for line in log_lines if "cannot be read" in line]) == 1
    await put(broker, document(4), 3)
    await follower.load_now()
    assert (follower.version, follower.applied().error) == (3, "")


async def test_a_version_that_is_no_number_is_told(broker):
    follower = ConfigFollower(broker)
    await put(broker, document(2), "new")
    await follower.load_now()
    assert "no number" in follower.applied().error


async def test_a_change_that_cannot_be_applied_is_told_and_not_tried_again(broker):
    calls = []

    def on_change(found, version):
        calls.append(version)
        if version == 2:
            raise ValueError("secret words")

    follower = ConfigFollower(broker, on_change=on_change)
    for version in (1, 2):
        await put(broker, document(version), version)
        await follower.load_now()
    await follower.load_now()
    assert calls == [1, 2]
    assert follower.version == 1
    assert "version 2" in follower.applied().error
    assert "secret" not in follower.applied().error
    await put(broker, document(1), 3)
    await follower.load_now()
    assert (follower.version, follower.applied().error) == (3, "")


async def test_what_is_applied_stays_while_redis_is_away(broker, free_port, eventually):
    follower = ConfigFollower(broker)
    await put(broker, document(2), 1)
    await follower.load_now()
    away = RedisBroker(connect_redis(f"redis://127.0.0.1:{free_port}", timeout_s=0.2))
    follower._broker = away
    with pytest.raises(BusUnavailable):
        await follower.load_now()
    drain = Drain()
    running = asyncio.create_task(follower.run(drain))
    await asyncio.sleep(0)
    follower._broker = broker
    await put(broker, document(5), 2)
    await eventually(lambda: follower.version == 2)
    drain.start()
    await running
    await away.close()


async def test_the_loop_follows_and_ends_with_the_drain(broker, eventually):
    changes = Changes()
    follower, drain = ConfigFollower(broker, on_change=changes, interval_s=0.01), Drain()
    running = asyncio.create_task(follower.run(drain))
    await put(broker, document(2), 1)
    await eventually(lambda: changes == [(1, 2)])
    await put(broker, document(3), 2)
    await eventually(lambda: changes == [(1, 2), (2, 3)])
    drain.start()
    await running
