"""Changes of the configuration, from the event to the services and everybody who follows."""

from __future__ import annotations

import asyncio

from dragoman_contracts.config import ChangeState
from dragoman_contracts.events import (
    ConfigChangeRejected,
    ConfigDriftDetected,
    ConfigResyncRequested,
    ConfigRollbackRequested,
    ConfigSnapshot,
)
from dragoman_orchestration.config.follower import ConfigFollower
from dragoman_orchestration.fleet.reporter import read_processes
from dragoman_runtime.process import Drain
from dragoman_translation.app import create_app as create_translation_app
from dragoman_translation.settings import TranslationSettings

from .conftest import KEY, new_id, update


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


async def test_a_refusal_of_one_service_is_rolled_back_everywhere_and_says_why(
    whisper, translation, new_service, start_worker, bus, outcome, eventually
):
    richer = await new_service(
        lambda: create_translation_app(
            TranslationSettings(profile="mock", engines="mock,apertium", api_keys=KEY)
        ),
        KEY,
    )
    start_worker(whisper, translation, richer)
    await outcome(update({"whisper": {"beam_size": 3}, "translation": {"beam_size": 2}}))
    refused = update({"whisper": {"beam_size": 4}, "translation": {"engines": ["apertium"]}})
    record = await outcome(refused)
    assert (record.state, record.code) == (ChangeState.REJECTED, "refused_by_service")
    assert f"translation 127.0.0.1:{translation.port} does not take it: this process" in record.message
    assert "has no engine 'apertium'" in record.message
    assert record.services[f"translation 127.0.0.1:{richer.port}"] == "in_sync"
    assert await whisper.requested() == {"beam_size": 3}
    for service in (translation, richer):
        assert await service.requested() == {"beam_size": 2}
    [event] = await eventually(lambda: bus.told(ConfigChangeRejected))
    assert (event.change_id, event.code) == (refused.change_id, "refused_by_service")
    assert (await bus.store.read()).version == 1
    assert await bus.told(ConfigDriftDetected) == []


async def test_a_service_that_is_away_stops_no_change_and_gets_it_when_it_returns(
    whisper, translation, start_worker, bus, outcome, eventually
):
    await whisper.stop()
    start_worker(whisper, translation)
    record = await outcome(update({"whisper": {"beam_size": 3}, "translation": {"beam_size": 2}}))
    assert record.state is ChangeState.APPLIED
    assert record.services[f"whisper 127.0.0.1:{whisper.port}"].startswith("away: ")
    assert record.services[f"translation 127.0.0.1:{translation.port}"] == "in_sync"
    await whisper.start()
    await eventually(lambda: whisper.runs_with({"beam_size": 3}))


async def test_a_service_that_is_at_odds_holds_up_only_what_concerns_it(
    whisper, translation, new_service, start_worker, bus, outcome
):
    """One that came later lacks the engine that is in force: other sections can be changed all the same."""
    richer = await new_service(
        lambda: create_translation_app(
            TranslationSettings(profile="mock", engines="mock,apertium", api_keys=KEY)
        ),
        KEY,
    )
    worker = start_worker(whisper, richer)
    await outcome(update({"translation": {"engines": ["apertium"]}}))
    await worker.stop()
    start_worker(whisper, richer, translation, repair_attempts=1)
    record = await outcome(update({"whisper": {"beam_size": 3}}))
    assert record.state is ChangeState.APPLIED
    assert record.services == {f"whisper 127.0.0.1:{whisper.port}": "in_sync"}
    record = await outcome(update({"translation": {"beam_size": 2}}))
    assert (record.state, record.code) == (ChangeState.REJECTED, "refused_by_service")
    assert await richer.requested() == {"engines": ["apertium"]}


async def test_a_rollback_is_a_new_version_everywhere(whisper, translation, start_worker, bus, outcome):
    start_worker(whisper, translation)
    await outcome(update({"whisper": {"beam_size": 3}}))
    await outcome(update({"whisper": {"beam_size": 4}, "translation": {"beam_size": 2}}))
    record = await outcome(ConfigRollbackRequested(change_id=new_id(), to_version=1, requested_by="me"))
    assert (record.state, record.version) == (ChangeState.APPLIED, 3)
    assert await bus.values() == {"system": {"whisper": {"beam_size": 3}}, "presets": {}}
    assert (await whisper.requested(), await translation.requested()) == ({"beam_size": 3}, {})
    record = await outcome(ConfigRollbackRequested(change_id=new_id(), to_version=77))
    assert (record.state, record.code) == (ChangeState.REJECTED, "not_found")
    assert (await bus.store.read()).version == 3


async def test_what_is_not_possible_is_rejected_and_named(whisper, start_worker, bus, outcome):
    start_worker(whisper)
    record = await outcome(update({"whisper": {"beam_size": 99}}))
    assert (record.state, record.code) == (ChangeState.REJECTED, "config_invalid")
    assert [one.location for one in record.errors] == ["system.whisper.beam_size"]
    record = await outcome(update({}, operation="delete", preset="gone"))
    assert (record.state, record.code) == (ChangeState.REJECTED, "not_found")
    assert (await bus.store.read()).version == 0


async def test_of_two_writers_one_wins_and_the_other_is_told(whisper, start_worker, bus, decided, eventually):
    start_worker(whisper)
    changes = [update({"whisper": {"beam_size": size}}, expected_version=0) for size in (2, 3, 4)]
    await asyncio.gather(*(bus.send(change) for change in changes))
    records = [await decided(change) for change in changes]
    assert sorted(record.state for record in records) == ["applied", "conflict", "conflict"]
    won = next(n for n, record in enumerate(records) if record.state is ChangeState.APPLIED)
    assert await whisper.requested() == {"beam_size": won + 2}
    rejected = await eventually(lambda: _all(bus.told(ConfigChangeRejected), 2))
    assert {event.code for event in rejected} == {"conflict"}


async def _all(asked, count):
    found = await asked
    return found if len(found) >= count else None


async def test_changes_are_made_in_the_order_in_which_they_were_asked_for(
    whisper, start_worker, bus, decided, eventually
):
    start_worker(whisper)
    start_worker(whisper)
    changes = [update({"whisper": {"beam_size": 1 + n % 16}}) for n in range(40)]
    for change in changes:
        await bus.send(change)
    records = [await decided(change) for change in changes]
    assert [record.version for record in records] == list(range(1, 41))
    snapshots = await eventually(lambda: _all(bus.told(ConfigSnapshot), 40))
    assert [snapshot.version for snapshot in snapshots] == list(range(1, 41))
    assert await whisper.requested() == {"beam_size": 1 + 39 % 16}


async def test_a_change_that_changes_nothing_makes_no_version(whisper, start_worker, bus, outcome):
    start_worker(whisper)
    await outcome(update({"whisper": {"beam_size": 3}}))
    record = await outcome(update({"whisper": {"beam_size": 3}}))
    assert (record.state, record.version) == (ChangeState.APPLIED, 1)
    assert len(await bus.store.history(limit=10)) == 1


async def test_pushing_again_brings_back_what_somebody_changed(
    whisper, start_worker, bus, outcome, eventually
):
    start_worker(whisper, drift_interval_s=3600)
    await outcome(update({"whisper": {"beam_size": 3}}))
    await whisper.put({"beam_size": 9})
    await bus.send(ConfigResyncRequested(reason="somebody asks"))
    await eventually(lambda: whisper.runs_with({"beam_size": 3}))


async def test_a_worker_tells_about_itself_and_leaves_quietly(
    whisper, start_worker, bus, broker, outcome, eventually, redis_client
):
    worker = start_worker(whisper)
    await outcome(update({"whisper": {"beam_size": 3}}))

    async def reported():
        reports = await read_processes(broker)
        return [one for one in reports if one.config_version == 1 and one.measures["leads"]]

    [report] = await eventually(reported)
    assert (report.kind, report.ready, report.config_error) == ("config", True, "")
    assert report.measures["services"] == 1
    await worker.stop()
    assert await read_processes(broker) == []
    assert await redis_client.get("leader:config") is None
