"""One change: races with other writers, faults in the middle, repeats; played services, a real store."""

from __future__ import annotations

import msgspec
import pytest

from dragoman_contracts.config import ChangeState, ConfigDocument
from dragoman_contracts.envelope import Envelope, EnvelopeInvalid
from dragoman_contracts.errors import BusUnavailable
from dragoman_contracts.events import ConfigChangeRejected, ConfigSnapshot, ConfigUpdateRequested, parse_event
from dragoman_contracts.streams import CONFIG_SYNC
from dragoman_orchestration.config.announcer import Announcer
from dragoman_orchestration.config.applier import MAX_RACES, ConfigApplier
from dragoman_orchestration.config.planner import ChangePlanner
from dragoman_orchestration.config.records import ChangeRecord
from dragoman_orchestration.config.services import Outcome, ServiceAnswer
from dragoman_orchestration.config.state import ConfigState
from dragoman_orchestration.config.store import ConfigStore
from dragoman_orchestration.config.turn import ChangeTurn


class Fleet:
    """Two services; ``pushed`` is every document that they were given, and which of them."""

    def __init__(self) -> None:
        self.pushed = []
        self.refuses = set()
        self.between = []
        """What happens after the next pushes, before they return."""

    def affected(self, before, after):
        return [
            name
            for name in ("whisper", "translation")
            if getattr(before.system, name) != getattr(after.system, name)
        ]

    async def push(self, document, *, only=None):
        names = ["whisper", "translation"] if only is None else list(only)
        self.pushed.append((document.to_json()["system"], names))
        if self.between:
            await self.between.pop(0)()
        return [
            ServiceAnswer(name, Outcome.REFUSED if name in self.refuses else Outcome.IN_SYNC, "x")
            for name in names
        ]


@pytest.fixture
def fleet():
    return Fleet()


@pytest.fixture
def store(broker):
    return ConfigStore(broker)


@pytest.fixture
def applier(broker, store, fleet):
    turn = ChangeTurn(broker, "test", lease_ms=5_000, patience_s=0.1)
    return ConfigApplier(store, fleet, Announcer(broker, "/test"), turn, ChangePlanner(broker, store))


@pytest.fixture
def told(broker):
    async def read():
        found = await broker.read({CONFIG_SYNC: "0-0"}, 100)
        return [Envelope.from_fields(entry.fields) for entry in found.get(CONFIG_SYNC, [])]

    return read


def update(values, *, change_id="c", expected_version=None):
    return ConfigUpdateRequested(
        change_id=change_id,
        scope="system",
        operation="merge",
        values=values,
        expected_version=expected_version,
    )


def other_writer(store, version, values):
    """Somebody else who makes a version, without asking for the turn."""

    async def write():
        document = ConfigDocument.model_validate({"system": values})
        state = ConfigState(version, document.checksum, document, 1, "other", f"other-{version}")
        record = ChangeRecord(change_id=f"other-{version}", state=ChangeState.APPLIED, version=version)
        assert (await store.commit(state, record, expected_version=version - 1)).outcome == "stored"

    return write


async def test_whoever_stores_first_wins_and_its_values_are_pushed_back(applier, fleet, store, told):
    fleet.between = [other_writer(store, 1, {"whisper": {"beam_size": 9}})]
    record = await applier.apply(update({"whisper": {"beam_size": 3}}, expected_version=0))
    assert (record.state, record.code) == (ChangeState.CONFLICT, "conflict")
    assert fleet.pushed == [
        ({"whisper": {"beam_size": 3}}, ["whisper"]),
        ({"whisper": {"beam_size": 9}}, ["whisper", "translation"]),
    ]
    assert (await store.read()).version == 1
    [envelope] = await told()
    assert isinstance(parse_event(envelope), ConfigChangeRejected)


async def test_a_change_of_any_version_is_made_anew_on_top_of_the_other(applier, fleet, store):
    fleet.between = [other_writer(store, 1, {"whisper": {"batch_max": 9}})]
    record = await applier.apply(update({"whisper": {"beam_size": 3}}))
    assert (record.state, record.version) == (ChangeState.APPLIED, 2)
    assert (await store.read()).document.to_json()["system"] == {"whisper": {"batch_max": 9, "beam_size": 3}}


async def test_a_race_without_end_is_given_up(applier, fleet, store):
    async def nothing():
        return

    for version in range(1, MAX_RACES + 1):
        # Of each race the first push is the change's own, the second what came first.
        fleet.between += [other_writer(store, version, {"whisper": {"batch_max": version}}), nothing]
    record = await applier.apply(update({"whisper": {"beam_size": 3}}))
    assert record.state is ChangeState.CONFLICT
    assert (await store.read()).version == MAX_RACES


async def test_a_refusal_is_pushed_back_where_something_was_changed(applier, fleet, store):
    await applier.apply(update({"whisper": {"beam_size": 3}}, change_id="first"))
    fleet.pushed.clear()
    fleet.refuses = {"translation"}
    record = await applier.apply(update({"translation": {"beam_size": 3}}))
    assert (record.state, record.code) == (ChangeState.REJECTED, "refused_by_service")
    assert fleet.pushed == [
        ({"whisper": {"beam_size": 3}, "translation": {"beam_size": 3}}, ["translation"]),
        ({"whisper": {"beam_size": 3}}, ["translation"]),
    ]
    assert (await store.read()).version == 1


async def test_what_concerns_no_service_asks_none(applier, fleet):
    record = await applier.apply(update({"partials": {"enabled": False}}))
    assert (record.state, record.services) == (ChangeState.APPLIED, {})
    assert fleet.pushed == [({"partials": {"enabled": False}}, [])]


@pytest.mark.parametrize("method", ["read", "commit", "note", "change"])
async def test_a_redis_that_goes_away_in_the_middle_decides_nothing(
    applier, store, told, monkeypatch, method
):
    real, calls = getattr(ConfigStore, method), []

    async def away_once(self, *args, **kwargs):
        calls.append(method)
        if len(calls) == 1:
            raise BusUnavailable("away")
        return await real(self, *args, **kwargs)

    monkeypatch.setattr(ConfigStore, method, away_once)
    with pytest.raises(BusUnavailable):
        await applier.apply(update({"whisper": {"beam_size": 3}}, expected_version=0))
    known = await store.change("c")
    assert known is None or not known.is_final
    assert await told() == []
    record = await applier.apply(update({"whisper": {"beam_size": 3}}, expected_version=0))
    assert (record.state, record.version) == (ChangeState.APPLIED, 1)
    assert len(await store.history(limit=10)) == 1


async def test_a_redis_that_goes_away_before_it_is_told_leaves_the_telling(applier, told, monkeypatch):
    real, calls = Announcer.tell, []

    async def away_once(self, *args, **kwargs):
        calls.append(args)
        if len(calls) == 1:
            raise BusUnavailable("away")
        await real(self, *args, **kwargs)

    monkeypatch.setattr(Announcer, "tell", away_once)
    with pytest.raises(BusUnavailable):
        await applier.apply(update({"whisper": {"beam_size": 3}}))
    await applier.apply(update({"whisper": {"beam_size": 3}}))
    [envelope] = await told()
    snapshot = parse_event(envelope)
    assert isinstance(snapshot, ConfigSnapshot)
    assert (snapshot.version, snapshot.change_id) == (1, "c")


@pytest.mark.parametrize("beam_size", [3, 0])
async def test_a_repeat_tells_the_same_under_the_same_id(applier, fleet, told, beam_size):
    records = [await applier.apply(update({"whisper": {"beam_size": beam_size}})) for _ in range(3)]
    assert records[0] == records[1] == records[2]
    envelopes = await told()
    assert len({envelope.id for envelope in envelopes}) == 1
    assert len({envelope.data for envelope in envelopes}) == 1
    assert len(fleet.pushed) == (1 if beam_size else 0)


async def test_different_changes_are_told_under_different_ids(applier, told):
    for change_id, size in (("a", 3), ("b", 4), ("c", 0), ("d", 0)):
        await applier.apply(update({"whisper": {"beam_size": size}}, change_id=change_id))
    assert len({envelope.id for envelope in await told()}) == 4


async def test_a_repeat_after_the_history_has_forgotten_it_is_quiet(applier, told, redis_client):
    await applier.apply(update({"whisper": {"beam_size": 3}}))
    await redis_client.delete("{config}:history")
    await applier.apply(update({"whisper": {"beam_size": 3}}))
    assert len(await told()) == 1


async def test_who_asked_and_when_stays_with_the_record(applier, store):
    asked = ChangeRecord(change_id="c", state=ChangeState.REQUESTED, requested_by="me", requested_ms=5)
    await store.note(asked)
    change = msgspec.structs.replace(update({"whisper": {"beam_size": 3}}), requested_by="me")
    record = await applier.apply(change)
    assert (record.requested_ms, record.requested_by) == (5, "me")
    assert record.decided_ms > 5
    assert (await store.read()).changed_by == "me"


async def test_a_change_without_an_id_cannot_be_answered(applier, told):
    with pytest.raises(EnvelopeInvalid):
        await applier.apply(update({}, change_id=""))
    assert await told() == []
