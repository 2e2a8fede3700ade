"""The loop that looks after watched sessions: what it tells and asks, how often, and what it bears."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

import pytest

from dragoman_contracts.errors import BusUnavailable, DragomanError
from dragoman_orchestration.api import session_watch
from dragoman_orchestration.api.session_watch import CHECK_S, RENEW_S, SessionWatch
from dragoman_orchestration.session.watched import KEEP_S, WANTED_S


class Hub:
    def __init__(self, **wanted: set[str]) -> None:
        self.now: dict[str, frozenset[str]] = {one: frozenset(codes) for one, codes in wanted.items()}
        self.changes: list[tuple[str, tuple[str, ...] | None]] = []

    def watched(self) -> list[str]:
        return list(self.now)

    def wanted(self) -> Mapping[str, frozenset[str]]:
        return {one: codes for one, codes in self.now.items() if codes}

    def retarget(self, session_id: str, targets: tuple[str, ...]) -> None:
        self.changes.append((session_id, targets))

    def lose(self, session_id: str) -> None:
        self.changes.append((session_id, None))


class Register:
    def __init__(self) -> None:
        self.calls: list[tuple[set[str], dict[str, set[str]]]] = []
        self.known: dict[str, tuple[str, ...] | None] = {}
        self.failure: DragomanError | None = None

    async def exchange(
        self, asked: Collection[str], wanted: Mapping[str, Collection[str]], *, now_ms: int
    ) -> dict[str, tuple[str, ...] | None]:
        self.calls.append((set(asked), {one: set(codes) for one, codes in wanted.items()}))
        if self.failure is not None:
            raise self.failure
        return {one: self.known[one] for one in asked if one in self.known}


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hub() -> Hub:
    return Hub(a={"es", "fr"}, b=set())


@pytest.fixture
def register() -> Register:
    return Register()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(hub, register, clock) -> SessionWatch:
    return SessionWatch(hub, register, clock=clock)


async def test_all_is_told_and_asked_in_one_round_trip_and_then_only_what_is_due(watch, register, hub, clock):
    await watch.turn()
    assert register.calls == [({"a", "b"}, {"a": {"es", "fr"}})]
    await watch.turn()
    assert len(register.calls) == 1
    clock.now += CHECK_S
    await watch.turn()
    assert register.calls[1:] == [({"a", "b"}, {})]
    clock.now += RENEW_S - CHECK_S
    await watch.turn()
    assert register.calls[2:] == [({"a", "b"}, {"a": {"es", "fr"}})]


async def test_a_language_that_somebody_comes_for_is_told_at_once(watch, register, hub):
    await watch.turn()
    hub.now = {"a": frozenset({"es", "it"}), "b": frozenset({"es"})}
    await watch.turn()
    assert register.calls[1:] == [(set(), {"a": {"it"}, "b": {"es"}})]


async def test_what_the_records_say_reaches_the_hub(watch, register, hub):
    register.known = {"a": ("es",), "b": None}
    await watch.turn()
    assert sorted(hub.changes, key=str) == [("a", ("es",)), ("b", None)]


async def test_what_could_not_be_told_is_told_with_the_next_turn(watch, register):
    register.failure = BusUnavailable("gone")
    with pytest.raises(BusUnavailable):
        await watch.turn()
    register.failure = None
    await watch.turn()
    assert register.calls[1] == register.calls[0]


@pytest.mark.parametrize("failure", [BusUnavailable("gone"), DragomanError("refused")])
async def test_no_error_of_the_bus_ends_the_loop(
    watch, register, monkeypatch, eventually, log_lines, failure
):
    monkeypatch.setattr(session_watch, "TURN_S", 0.001)
    register.failure = failure
    task = asyncio.create_task(watch.run())
    await eventually(lambda: len(register.calls) > 3)
    assert not task.done()
    task.cancel()
    told = [line for line in log_lines if "cannot be looked after" in line]
    assert bool(told) is not isinstance(failure, BusUnavailable)


async def test_where_nothing_is_watched_nothing_is_asked_until_somebody_comes(
    watch, register, hub, monkeypatch, eventually
):
    monkeypatch.setattr(session_watch, "TURN_S", 0.001)
    sessions, hub.now = hub.now, {}
    turns = 0
    turn = watch.turn

    async def counted() -> None:
        nonlocal turns
        turns += 1
        await turn()

    monkeypatch.setattr(watch, "turn", counted)
    task = asyncio.create_task(watch.run())
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert turns == 0
    hub.now = sessions
    watch.joined()
    await eventually(lambda: register.calls)
    task.cancel()


def test_a_language_outlives_two_failed_renewals_and_its_key_outlives_it():
    assert 2 * RENEW_S < WANTED_S < KEEP_S
