"""Death, repetition, disorder, nonsense on the stream, and a Redis that forgets or is away."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi import Body, FastAPI

from dragoman_contracts.config import ChangeState, checksum_of
from dragoman_contracts.events import (
    AudioSessionEnded,
    BotStopRequested,
    ConfigChangeRejected,
    ConfigDriftDetected,
    ConfigRollbackRequested,
    ConfigSnapshot,
    to_envelope,
)
from dragoman_contracts.streams import CONFIG_SYNC, GROUP_CONFIG_SYNC, PROCESSES, dead_letter_stream
from dragoman_contracts.websocket import Ledger
from dragoman_orchestration.config.announcer import Announcer
from dragoman_orchestration.config.follower import ConfigFollower
from dragoman_orchestration.config.records import ChangeRecord
from dragoman_orchestration.config.settings import ConfigSyncSettings
from dragoman_orchestration.config.store import ConfigStore
from dragoman_orchestration.workers.config_sync import ConfigWorker, run_config_worker
from dragoman_runtime.broker.redis import RedisBroker, connect_redis
from dragoman_runtime.embedded_redis import EmbeddedRedis
from dragoman_runtime.process import Drain
from dragoman_runtime.settings import RuntimeSettings

from .conftest import Bus, new_id, update

QUICK = {"service_timeout_s": 0.3, "drift_interval_s": 0.2}
"""The turn of a worker that died is over after less than 3 s."""


async def handled(bus):
    """Whether nothing waits on the stream."""
    broker = bus.broker
    [groups] = await broker.ask([("XINFO", "GROUPS", CONFIG_SYNC)])
    facts = [dict(zip(group[::2], group[1::2], strict=True)) for group in groups]
    # Not by the lag, which Redis 6.2 does not tell.
    last = (await broker.last_id(CONFIG_SYNC)).encode()
    return facts and all(fact[b"pending"] == 0 and fact[b"last-delivered-id"] == last for fact in facts)


# --- death -----------------------------------------------------------------------------------------------


async def dies_at(monkeypatch, cls, name, when=lambda *_: True):
    """The next call of a method never returns; the event tells that it was made."""
    reached, real = asyncio.Event(), getattr(cls, name)

    async def hang(self, *args, **kwargs):
        if not reached.is_set() and when(*args):
            reached.set()
            await asyncio.Event().wait()
        return await real(self, *args, **kwargs)

    monkeypatch.setattr(cls, name, hang)
    return reached


@pytest.mark.parametrize(
    ("place", "when"),
    [
        ((ConfigStore, "commit"), lambda *_: True),
        ((ConfigStore, "note"), lambda record: record.state is ChangeState.APPLYING),
        ((Announcer, "tell"), lambda event: isinstance(event, ConfigSnapshot)),
    ],
    ids=["between push and store", "before anything", "between store and publish"],
)
async def test_a_death_in_the_middle_gives_one_version_and_its_snapshot(
    whisper, start_worker, bus, decided, eventually, monkeypatch, place, when
):
    reached = await dies_at(monkeypatch, *place, when)
    first = start_worker(whisper, **QUICK)
    change = update({"whisper": {"beam_size": 3}}, expected_version=0)
    await bus.send(change)
    await asyncio.wait_for(reached.wait(), 10)
    await first.kill()
    start_worker(whisper, **QUICK)
    record = await decided(change)
    await eventually(lambda: handled(bus), what="the change is acknowledged")
    assert (record.state, record.version) == (ChangeState.APPLIED, 1)
    assert [one.version for one in await bus.store.history(limit=10)] == [1]
    await eventually(lambda: whisper.runs_with({"beam_size": 3}))
    snapshots = await bus.told(ConfigSnapshot)
    assert [(one.version, one.change_id) for one in snapshots] == [(1, change.change_id)]


async def test_a_death_between_push_and_store_loses_to_a_change_that_came_first(
    whisper, start_worker, bus, broker, decided, eventually, monkeypatch
):
    """The dead one's values must not stay in the services."""
    reached = await dies_at(monkeypatch, ConfigStore, "commit")
    first = start_worker(whisper, **QUICK)
    lost = update({"whisper": {"beam_size": 7}}, expected_version=0)
    await bus.send(lost)
    await asyncio.wait_for(reached.wait(), 10)
    assert await whisper.requested() == {"beam_size": 7}
    await first.kill()
    # Somebody who applies changes himself, as an API in mode ``api``, and has no services of ours.
    other = ConfigWorker(
        broker, ConfigSyncSettings(whisper_urls="none", translation_urls="none"), name="an API"
    )
    won = await other.applier.apply(update({"partials": {"enabled": False}}, expected_version=0))
    assert (won.state, won.version) == (ChangeState.APPLIED, 1)
    start_worker(whisper, **QUICK)
    assert (await decided(lost)).state is ChangeState.CONFLICT
    await eventually(lambda: whisper.runs_with({}))


async def test_what_a_dead_leader_left_comes_before_what_is_new(
    whisper, start_worker, bus, decided, monkeypatch, eventually
):
    reached = await dies_at(monkeypatch, ConfigStore, "commit")
    dead = start_worker(whisper, **QUICK)
    changes = [update({"whisper": {"beam_size": size}}) for size in (7, 8, 9)]
    await bus.send(changes[0])
    await asyncio.wait_for(reached.wait(), 10)
    for change in changes[1:]:
        await bus.send(change)
    await dead.kill()
    start_worker(whisper, **QUICK)
    assert [(await decided(change)).version for change in changes] == [1, 2, 3]
    await eventually(lambda: whisper.runs_with({"beam_size": 9}))


class SlowService:
    """A service whose ``PUT`` is held until it is let go."""

    def __init__(self) -> None:
        self.requested = {}
        self.entered, self.open = asyncio.Event(), asyncio.Event()
        self.app = FastAPI()
        self.app.get("/config")(self.state)
        self.app.put("/config")(self.put)

    def state(self):
        return {"config": {}, "requested": self.requested, "checksum": checksum_of(self.requested)}

    async def put(self, values: dict = Body()):  # noqa: B008
        self.entered.set()
        await self.open.wait()
        self.requested = values
        return self.state()


_PROGRAM = """
import sys
from dragoman_orchestration.config.settings import ConfigSyncSettings
from dragoman_orchestration.workers.config_sync import ConfigWorker, run_config_worker
from dragoman_runtime.process import run_process
from dragoman_runtime.settings import RuntimeSettings
sync, runtime = ConfigSyncSettings(), RuntimeSettings()
sys.exit(run_process(lambda drain: run_config_worker(sync, runtime, drain)))
"""


async def test_kill_9_while_it_pushes(new_service, start_worker, bus, decided, redis_server, eventually):
    """A real process and a real signal: the next copy takes its place and the change."""
    slow = SlowService()
    service = await new_service(lambda: slow.app)
    variables = {
        "DRAGOMAN_REDIS_URL": redis_server,
        "DRAGOMAN_CONFIG_WHISPER_URLS": service.url,
        "DRAGOMAN_CONFIG_TRANSLATION_URLS": "none",
        "DRAGOMAN_CONFIG_SERVICE_TIMEOUT_S": "30",
        "DRAGOMAN_CONFIG_LEASE_MS": "500",
        "PYTHONPATH": os.pathsep.join(["modules", os.environ.get("PYTHONPATH", "")]),
    }
    root = Path(__file__).parents[3]
    process = subprocess.Popen([sys.executable, "-c", _PROGRAM], env=os.environ | variables, cwd=root)
    try:
        change = update({"whisper": {"beam_size": 3}})
        await bus.send(change)
        await asyncio.wait_for(slow.entered.wait(), 60)
        process.send_signal(signal.SIGKILL)
        assert await asyncio.to_thread(process.wait) == -signal.SIGKILL
        slow.open.set()
        # Its turn's lease was made for services that may take 30 s.
        await bus.broker.ask([("DEL", "leader:config-change")])
        start_worker(service, **QUICK)
        record = await decided(change)
    finally:
        process.kill()
        process.wait()
    assert (record.state, record.version) == (ChangeState.APPLIED, 1)
    assert len(await eventually(lambda: bus.told(ConfigSnapshot))) == 1
    await eventually(lambda: slow.requested == {"beam_size": 3})


async def test_a_copy_takes_over_when_the_leader_dies_or_leaves(
    whisper, start_worker, bus, outcome, eventually
):
    workers = [start_worker(whisper, **QUICK) for _ in range(3)]
    await outcome(update({"whisper": {"beam_size": 2}}))
    await workers[0].kill()
    await outcome(update({"whisper": {"beam_size": 3}}))
    await workers[1].stop()
    record = await outcome(update({"whisper": {"beam_size": 4}}))
    assert (record.state, record.version) == (ChangeState.APPLIED, 3)
    await eventually(lambda: whisper.runs_with({"beam_size": 4}))

    async def versions_told():
        return {one.version for one in await bus.told(ConfigSnapshot)} == {1, 2, 3}

    await eventually(versions_told)


# --- repetition, disorder, nonsense ----------------------------------------------------------------------


async def test_repeated_events_make_one_version_each(whisper, start_worker, bus, decided, eventually):
    """Repeats of an envelope, and the same request in other envelopes, before and after it was decided."""
    worker = start_worker(whisper)
    made, refused = update({"whisper": {"beam_size": 3}}), update({"whisper": {"beam_size": 0}})
    for change in (made, refused):
        envelope = await bus.send(change)
        await bus.broker.publish(CONFIG_SYNC, envelope.to_fields())
        await bus.send(change)
        await decided(change)
        await bus.send(change)
    await eventually(lambda: handled(bus))
    await worker.stop()
    start_worker(whisper)
    for change in (made, refused):
        await bus.send(change)
    await eventually(lambda: handled(bus))
    assert [one.version for one in await bus.store.history(limit=10)] == [1]
    assert {one.version for one in await bus.told(ConfigSnapshot)} == {1}
    assert {one.change_id for one in await bus.told(ConfigChangeRejected)} == {refused.change_id}


async def test_events_in_any_order_leave_what_their_versions_allow(
    whisper, start_worker, bus, decided, eventually
):
    """A rollback before what it rolls back, and a follow-up before what it follows."""
    changes = [
        ConfigRollbackRequested(change_id=new_id(), to_version=1, expected_version=2),
        update({"whisper": {"beam_size": 4}}, expected_version=1),
        update({"whisper": {"beam_size": 3}}, expected_version=0),
    ]
    for change in changes:
        await bus.send(change)
    start_worker(whisper)
    assert [(await decided(change)).state for change in changes] == ["conflict", "conflict", "applied"]
    assert await whisper.requested() == {"beam_size": 3}


def _raw(**attributes):
    """The fields of a good request, with some of them changed; None takes one out."""
    fields = to_envelope(update({"whisper": {"beam_size": 9}}), source="/test", subject="").to_fields()
    for name, value in attributes.items():
        fields[name.encode()] = value
    return {name: value for name, value in fields.items() if value is not None}


NONSENSE = [
    {b"what": b"is this"},
    _raw(ce_id=None),
    _raw(ce_type=b"ConfigExploded"),
    _raw(ce_type=b"\xff"),
    _raw(ce_specversion=b"9.9"),
    _raw(ce_dataschema=b"dragoman:ConfigUpdateRequested:99"),
    _raw(data=b"{"),
    _raw(data=b"\xff\xfe"),
    _raw(data=b"[" * 100_000),
    _raw(data=b'{"change_id": "c", "scope": "galaxy", "operation": "merge"}'),
    _raw(data=b'{"change_id": "c", "scope": "system", "operation": "explode"}'),
    _raw(data=b'{"change_id": "../c", "scope": "system", "operation": "merge"}'),
    _raw(data=b'{"change_id": "", "scope": "system", "operation": "merge"}'),
    _raw(data=b'{"change_id": "c", "scope": "system", "operation": "merge", "values": []}'),
    to_envelope(BotStopRequested(bot_id="b"), source="/test", subject="").to_fields(),
    to_envelope(
        AudioSessionEnded(session_id="s", reason="r", ledger=Ledger()), source="/test", subject=""
    ).to_fields(),
]


async def test_nonsense_is_dead_lettered_and_the_loop_lives_on(whisper, start_worker, bus, outcome, broker):
    start_worker(whisper)
    for fields in NONSENSE:
        await broker.publish(CONFIG_SYNC, fields)
    record = await outcome(update({"whisper": {"beam_size": 3}}))
    assert (record.state, record.version) == (ChangeState.APPLIED, 1)
    dead = (await broker.read({dead_letter_stream(CONFIG_SYNC): "0-0"}, 100))[dead_letter_stream(CONFIG_SYNC)]
    assert len(dead) == len(NONSENSE)
    assert all(b"envelope_invalid" in entry.fields[b"dl_reason"] for entry in dead)


@pytest.mark.parametrize(
    "values",
    [{"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": 1}}}}}}}}}, {"whisper": None, "colour": "red"}],
)
async def test_a_request_of_ill_will_is_rejected_and_not_dead_lettered(
    whisper, start_worker, bus, outcome, broker, values
):
    start_worker(whisper)
    record = await outcome(update(values))
    assert record.state is ChangeState.REJECTED
    assert await broker.length(dead_letter_stream(CONFIG_SYNC)) == 0


async def test_its_own_events_are_acknowledged_and_nothing_more(
    whisper, start_worker, bus, broker, eventually
):
    for event in (
        ConfigSnapshot(version=9, checksum="x", document={"system": {}}, changed_by="k", change_id="c"),
        ConfigChangeRejected(change_id="c", code="conflict", message="m"),
        ConfigDriftDetected(part="p", kind="service", expected="a", found="b"),
    ):
        await bus.send(event)
    start_worker(whisper)
    await eventually(lambda: _has_group(broker))
    await eventually(lambda: handled(bus))
    assert await broker.length(dead_letter_stream(CONFIG_SYNC)) == 0
    assert (await bus.store.read()).version == 0
    assert await broker.length(CONFIG_SYNC) == 3


async def _has_group(broker):
    [groups] = await broker.ask([("XINFO", "GROUPS", CONFIG_SYNC)])
    return [group for group in groups if GROUP_CONFIG_SYNC.encode() in group]


async def test_old_events_are_trimmed_away(whisper, start_worker, broker, eventually):
    old = update({"whisper": {"beam_size": 3}})
    fields = to_envelope(old, source="/test", subject="").to_fields()
    await broker.publish(CONFIG_SYNC, fields, "1000-0")
    start_worker(whisper)

    async def is_gone():
        found = await broker.read({CONFIG_SYNC: "0-0"}, 10)
        return all(entry.id != "1000-0" for entry in found.get(CONFIG_SYNC, []))

    await eventually(is_gone)


async def test_a_fault_of_our_own_is_told_as_a_rejection(
    whisper, start_worker, bus, outcome, monkeypatch, broker
):
    async def broken(self, change, state):
        raise ZeroDivisionError("secret values")

    monkeypatch.setattr("dragoman_orchestration.config.planner.ChangePlanner.document", broken)
    start_worker(whisper)
    record = await outcome(update({"whisper": {"beam_size": 3}}))
    assert (record.state, record.code) == (ChangeState.REJECTED, "internal")
    assert "ZeroDivisionError" in record.message
    assert "secret" not in record.message


# --- Redis -----------------------------------------------------------------------------------------------


async def test_a_wiped_redis_is_version_0_everywhere(
    whisper, start_worker, bus, broker, outcome, eventually, redis_client
):
    start_worker(whisper)
    follower, drain = ConfigFollower(broker, interval_s=0.02), Drain()
    following = asyncio.create_task(follower.run(drain))
    await outcome(update({"whisper": {"beam_size": 3}, "partials": {"enabled": False}}))
    await eventually(lambda: follower.version == 1)
    await redis_client.flushall()
    await eventually(lambda: follower.version == 0)
    assert follower.document.system.partials.enabled is None
    await eventually(lambda: whisper.runs_with({}))
    record = await outcome(update({"whisper": {"beam_size": 4}}))
    assert (record.state, record.version) == (ChangeState.APPLIED, 1)
    assert await whisper.requested() == {"beam_size": 4}
    drain.start()
    await following


async def test_redis_away_at_start_and_in_between(whisper, eventually):
    async with EmbeddedRedis(port=0, appendonly=True) as server:
        await server.stop()
        settings = ConfigSyncSettings(
            whisper_urls=whisper.url,
            translation_urls="none",
            lease_ms=400,
            drift_interval_s=0.05,
            service_timeout_s=5,
        )
        drain = Drain()
        runtime = RuntimeSettings(redis_url=server.url, redis_timeout_s=1)
        worker = asyncio.create_task(run_config_worker(settings, runtime, drain))
        bus = Bus(RedisBroker(connect_redis(server.url, timeout_s=1)))
        for size in (3, 4):
            await server.start()

            async def is_done(change):
                record: ChangeRecord | None = await bus.store.change(change.change_id)
                return record is not None and record.state is ChangeState.APPLIED

            change = update({"whisper": {"beam_size": size}})
            await bus.send(change)
            await eventually(lambda change=change: is_done(change))
            assert await whisper.requested() == {"beam_size": size}
            await server.stop()
        assert not worker.done()
        drain.start()
        await asyncio.wait_for(worker, 20)
        await bus.broker.close()


async def test_what_is_no_report_among_the_processes_stops_nothing(
    whisper, start_worker, bus, broker, outcome, eventually
):
    await broker.ask([("HSET", PROCESSES, "odd", b"no report")])
    start_worker(whisper)
    await outcome(update({"whisper": {"beam_size": 3}}))
    await whisper.put({})
    await eventually(lambda: whisper.runs_with({"beam_size": 3}))
