"""Drift of services and processes, with a played fleet and a clock that the test turns."""

from __future__ import annotations

import asyncio
import time

import pytest

from dragoman_contracts.config import ConfigDocument
from dragoman_contracts.fleet import ProcessReport
from dragoman_orchestration.config.drift import ServiceDrift
from dragoman_orchestration.config.process_drift import PATIENCE_S, ProcessDrift
from dragoman_orchestration.config.services import Outcome, ServiceAnswer
from dragoman_orchestration.config.state import ConfigHead, ConfigState
from dragoman_orchestration.config.turn import ChangeTurn, ConfigBusy


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Told(list):
    async def tell(self, event, *, subject="", key=""):
        self.append(event)


class Store:
    def __init__(self) -> None:
        self.state = ConfigState(version=1, checksum="sum-1", document=ConfigDocument())

    async def read(self):
        return self.state

    def next(self) -> None:
        self.state = ConfigState(version=self.state.version + 1, checksum="sum", document=ConfigDocument())


class Fleet:
    """One service: ``found`` is what it runs with, ``repair`` what a push comes to."""

    def __init__(self) -> None:
        self.found = "right"
        self.repair = Outcome.IN_SYNC
        self.pushes = 0
        self.services = [None]

    def _answer(self, outcome, reason=""):
        return [ServiceAnswer("whisper w:1", outcome, "right", self.found, reason)]

    async def look(self, document):
        if self.found == "away":
            return self._answer(Outcome.AWAY, "no answer")
        return self._answer(Outcome.IN_SYNC if self.found == "right" else Outcome.DIFFERS)

    async def push(self, document, *, only=None):
        self.pushes += 1
        if self.repair is Outcome.IN_SYNC:
            self.found = "right"
        return self._answer(self.repair, "it does not like it" if self.repair is Outcome.REFUSED else "")


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def fleet():
    return Fleet()


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def drift(store, fleet, told, clock, broker):
    turn = ChangeTurn(broker, "test", lease_ms=5_000, patience_s=0.05)
    return ServiceDrift(store, fleet, told, turn, attempts=3, clock=clock)


async def looks(drift, clock, times):
    for _ in range(times):
        await drift.look()
        clock.now += 60


async def test_a_service_that_is_right_is_left_alone(drift, fleet, told, clock):
    await looks(drift, clock, 3)
    assert (fleet.pushes, told, drift.drifting) == (0, [], [])


async def test_drift_is_told_once_and_repaired(drift, fleet, told, clock):
    fleet.found = "wrong"
    await drift.look()
    assert drift.drifting == ["whisper w:1"]
    await looks(drift, clock, 3)
    assert (fleet.pushes, drift.drifting) == (1, [])
    [event] = told
    assert (event.part, event.kind, event.expected, event.found) == (
        "whisper w:1",
        "service",
        "right",
        "wrong",
    )
    assert (event.attempts, event.gave_up) == (0, False)


async def test_the_next_drift_is_another_episode(drift, fleet, told, clock):
    for _ in range(2):
        fleet.found = "wrong"
        await looks(drift, clock, 2)
    assert (fleet.pushes, len(told)) == (2, 2)


async def test_a_repair_that_never_works_is_given_up_loudly_and_once(drift, fleet, told, clock, log_lines):
    fleet.found, fleet.repair = "wrong", Outcome.REFUSED
    await looks(drift, clock, 10)
    assert fleet.pushes == 3
    begun, given_up = told
    assert (begun.gave_up, given_up.gave_up, given_up.attempts) == (False, True, 3)
    assert given_up.reason == "it does not like it"
    errors = [line for line in log_lines if line.startswith("ERROR")]
    assert len(errors) == 1
    assert "does not like" not in "".join(log_lines)


async def test_a_repair_that_is_undone_again_and_again_is_bounded_too(drift, fleet, told, clock, monkeypatch):
    """As by a second installation that pushes to the same service."""
    push = fleet.push

    async def push_and_be_undone(document, *, only=None):
        answers = await push(document, only=only)
        fleet.found = "wrong"
        return answers

    monkeypatch.setattr(fleet, "push", push_and_be_undone)
    fleet.found = "wrong"
    await looks(drift, clock, 10)
    assert fleet.pushes == 3
    assert [(event.gave_up, event.attempts) for event in told] == [(False, 0), (True, 3)]


async def test_repairs_pause_longer_and_longer(drift, fleet, clock):
    fleet.found, fleet.repair = "wrong", Outcome.REFUSED
    for _ in range(5):
        await drift.look()
    assert fleet.pushes == 1


async def test_another_version_or_another_find_begins_anew(drift, fleet, told, store, clock):
    fleet.found, fleet.repair = "wrong", Outcome.REFUSED
    await looks(drift, clock, 5)
    store.next()
    await looks(drift, clock, 5)
    fleet.found = "wrong in another way"
    await looks(drift, clock, 5)
    assert fleet.pushes == 9
    assert [event.gave_up for event in told] == [False, True] * 3


async def test_a_service_that_is_away_is_no_drift_and_is_repaired_when_it_returns(drift, fleet, told, clock):
    fleet.found = "away"
    await looks(drift, clock, 3)
    assert (told, fleet.pushes, drift.away) == ([], 0, ["whisper w:1"])
    fleet.found = "of its start"
    await looks(drift, clock, 2)
    assert (len(told), fleet.pushes, drift.away, drift.drifting) == (1, 1, [], [])


async def test_going_away_in_the_middle_of_a_repair_is_not_given_up(drift, fleet, told, clock):
    fleet.found, fleet.repair = "wrong", Outcome.AWAY
    await looks(drift, clock, 10)
    assert [event.gave_up for event in told] == [False]
    fleet.repair = Outcome.IN_SYNC
    await looks(drift, clock, 2)
    assert (drift.drifting, len(told)) == ([], 1)


async def test_what_differs_in_the_middle_of_a_change_is_no_drift(drift, fleet, told, broker, clock):
    fleet.found = "half way"
    other = ChangeTurn(broker, "another process", lease_ms=5_000, patience_s=0.05)
    async with other.taken():
        with pytest.raises(ConfigBusy):
            await drift.look()
    fleet.found = "right"
    await drift.look()
    assert (told, fleet.pushes) == ([], 0)


async def test_a_change_that_ends_while_we_wait_for_our_turn_is_no_drift(drift, fleet, told, monkeypatch):
    fleet.found = "half way"
    look = fleet.look

    async def look_then_settle(document):
        answers = await look(document)
        fleet.found = "right"
        return answers

    monkeypatch.setattr(fleet, "look", look_then_settle)
    await drift.look()
    assert (told, fleet.pushes, drift.drifting) == ([], 0, [])


async def test_pushing_again_tries_what_was_given_up(drift, fleet, told, clock):
    fleet.found, fleet.repair = "wrong", Outcome.REFUSED
    await looks(drift, clock, 5)
    fleet.repair = Outcome.IN_SYNC
    await drift.push_all()
    await drift.look()
    assert (fleet.found, drift.drifting) == ("right", [])


async def test_pushing_again_in_vain_is_not_given_up_again(drift, fleet, told, clock):
    fleet.found, fleet.repair = "wrong", Outcome.REFUSED
    await looks(drift, clock, 5)
    for _ in range(3):
        await drift.push_all()
        await looks(drift, clock, 3)
    assert [event.gave_up for event in told] == [False, True]
    assert fleet.pushes == 3 + 3


async def test_one_turn_at_a_time_within_a_process_and_between_two(broker):
    inside = []
    turns = [ChangeTurn(broker, name, lease_ms=5_000, patience_s=10) for name in ("a", "b")]

    async def take(turn):
        async with turn.taken():
            inside.append(1)
            assert len(inside) == 1
            await asyncio.sleep(0.001)
            inside.pop()

    await asyncio.gather(*(take(turn) for turn in turns * 5))


async def test_the_turn_of_a_process_that_died_ends_with_its_lease(broker):
    dead = ChangeTurn(broker, "dead", lease_ms=200, patience_s=0.05)
    await dead._lease.hold()
    living = ChangeTurn(broker, "living", lease_ms=200, patience_s=10)
    async with living.taken():
        pass


# --- processes -------------------------------------------------------------------------------------------

HEAD = ConfigHead(3, "sum")


def report(version=3, checksum="sum", **more):
    now = time.time_ns() // 1_000_000
    values = {"name": "w", "kind": "audio", "version": "1", "started_ms": 0, "seen_ms": now} | more
    return ProcessReport(config_version=version, config_checksum=checksum, **values)


@pytest.fixture
def processes(told, clock):
    return ProcessDrift(told, clock=clock)


@pytest.mark.parametrize(
    ("seen", "is_drift"),
    [
        ({}, False),
        ({"version": 2}, True),
        ({"checksum": "other"}, True),
        ({"version": 0, "checksum": ""}, False),
        ({"version": 0, "checksum": "", "config_error": "of a newer schema"}, True),
        ({"config_error": "cannot be applied"}, True),
        ({"version": 2, "seen_ms": 0}, False),
    ],
)
async def test_a_process_that_does_not_follow_is_told_once(processes, told, clock, seen, is_drift):
    await processes.look(HEAD, [report(**seen)])
    assert told == []
    for _ in range(2):
        clock.now += PATIENCE_S
        await processes.look(HEAD, [report(**seen)])
    assert [(event.part, event.kind) for event in told] == [("audio w", "process")] * is_drift
    assert processes.drifting == ["audio w"] * is_drift


async def test_a_process_gets_its_time_for_each_version(processes, told, clock):
    for version in range(2, 12):
        await processes.look(ConfigHead(version, "sum"), [report(version - 1)])
        clock.now += PATIENCE_S / 2
    assert told == []


async def test_a_process_that_follows_again_or_ends_is_forgotten(processes, told, clock):
    for after in ([report()], []):
        for _ in range(2):
            await processes.look(HEAD, [report(2)])
            clock.now += PATIENCE_S
        assert processes.drifting
        await processes.look(HEAD, after)
        assert processes.drifting == []
    assert len(told) == 2
