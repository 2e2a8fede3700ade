"""Versions and records of changes, on a real Redis."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from dragoman_contracts.config import ChangeState, ConfigDocument
from dragoman_contracts.errors import NotFound
from dragoman_contracts.streams import ConfigKeys
from dragoman_orchestration.config.records import ChangeRecord
from dragoman_orchestration.config.state import ConfigState, ConfigUnreadable
from dragoman_orchestration.config.store import CHANGES_KEPT_S, KEPT_VERSIONS, ConfigStore


def state(version: int, beam_size: int | None = None) -> ConfigState:
    document = ConfigDocument.model_validate({"system": {"whisper": {"beam_size": beam_size or version}}})
    return ConfigState(version, document.checksum, document, version, "somebody", f"change-{version}")


def record(change_id: str, wanted: ChangeState = ChangeState.APPLIED, **more) -> ChangeRecord:
    return ChangeRecord(change_id=change_id, state=wanted, **more)


@pytest.fixture
def store(broker) -> ConfigStore:
    return ConfigStore(broker)


async def test_a_redis_that_holds_nothing_has_version_0_of_the_empty_document(store):
    assert await store.read() == ConfigState()
    assert (await store.version(0)).document == {"system": {}, "presets": {}}
    assert await store.document(0) == ConfigDocument()
    assert await store.history(limit=10) == []
    assert await store.change("c") is None


async def test_a_version_its_history_and_its_change_are_stored_together(store, redis_client):
    commit = await store.commit(state(1), record("c1", version=1), expected_version=0)
    assert (commit.outcome, commit.record) == ("stored", None)
    assert await store.read() == state(1)
    [kept] = await store.history(limit=10)
    assert (kept.version, kept.checksum, kept.changed_by) == (1, state(1).checksum, "somebody")
    assert await store.document(1) == state(1).document
    assert (await store.change("c1")).version == 1
    assert 0 < await redis_client.ttl(ConfigKeys.change("c1")) <= CHANGES_KEPT_S


async def test_a_version_is_made_from_the_one_in_force_only(store):
    await store.commit(state(1), record("c1"), expected_version=0)
    commit = await store.commit(state(1, 9), record("c2"), expected_version=0)
    assert commit.outcome == "conflict"
    assert await store.read() == state(1)
    assert await store.change("c2") is None
    assert len(await store.history(limit=10)) == 1


async def test_of_many_writers_one_wins(store):
    commits = await asyncio.gather(
        *(store.commit(state(1, n), record(f"c{n}"), expected_version=0) for n in range(1, 17))
    )
    assert [commit.outcome for commit in commits].count("stored") == 1
    winner = next(n for n, commit in enumerate(commits, start=1) if commit.outcome == "stored")
    assert (await store.read()).document == state(1, winner).document


@pytest.mark.parametrize("final", [ChangeState.APPLIED, ChangeState.REJECTED, ChangeState.CONFLICT])
async def test_a_change_is_decided_once(store, final):
    await store.note(record("c1", final, version=5))
    commit = await store.commit(state(1), record("c1", version=1), expected_version=0)
    assert (commit.outcome, commit.record) == ("known", record("c1", final, version=5))
    assert await store.read() == ConfigState()
    for later in ChangeState:
        assert await store.note(record("c1", later)) == record("c1", final, version=5)


async def test_what_is_not_decided_goes_on(store):
    for wanted in (ChangeState.REQUESTED, ChangeState.APPLYING, ChangeState.REQUESTED):
        assert (await store.note(record("c1", wanted))).state is wanted
    assert (await store.commit(state(1), record("c1"), expected_version=0)).outcome == "stored"


async def test_the_history_is_bounded_and_paged(store):
    for version in range(1, KEPT_VERSIONS + 6):
        await store.commit(
            state(version, 1 + version % 16), record(f"c{version}"), expected_version=version - 1
        )
    everything = await store.history(limit=1_000)
    assert [one.version for one in everything] == list(range(KEPT_VERSIONS + 5, 5, -1))
    assert [one.version for one in await store.history(limit=2, before=50)] == [49, 48]
    with pytest.raises(NotFound, match="version 5"):
        await store.version(5)
    assert (await store.version(6)).version == 6


async def test_versions_begin_again_after_a_wiped_redis(store, redis_client):
    for version in (1, 2):
        await store.commit(state(version), record(f"c{version}"), expected_version=version - 1)
    await redis_client.flushall()
    await redis_client.script_flush()
    assert await store.read() == ConfigState()
    assert (await store.commit(state(1, 7), record("d1"), expected_version=0)).outcome == "stored"
    assert [one.version for one in await store.history(limit=10)] == [1]


async def test_a_version_of_a_newer_product_is_told_and_not_read(store, redis_client):
    await store.commit(state(1), record("c1"), expected_version=0)
    newer = msgspec.json.encode({"system": {"of_tomorrow": {}}, "presets": {}})
    await redis_client.hset(ConfigKeys.STATE, "document", newer)
    with pytest.raises(ConfigUnreadable, match=r"system\.of_tomorrow"):
        await store.read()
