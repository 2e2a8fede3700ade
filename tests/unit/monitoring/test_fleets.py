"""The audio workers of a profile: who lives, what they have room for, who is missing."""

from __future__ import annotations

import time

import msgspec
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from dragoman_contracts.errors import BusUnavailable
from dragoman_contracts.fleet import WorkerReport
from dragoman_orchestration.monitoring.looks.fleets import FleetLook, figures, measure_fleets
from dragoman_orchestration.monitoring.looks.sessions import SessionFacts
from dragoman_orchestration.monitoring.measures import Look
from dragoman_orchestration.session.fleet import Fleet

from .fakes import FakeBroker


class Workers:
    """Reports of workers, and a clock that the test turns."""

    def __init__(self) -> None:
        self.now_s = 50.0
        self.reports: dict[str, list[WorkerReport | bytes]] = {}
        self.away: set[str] = set()
        self.look = FleetLook(FakeBroker(self._answer), clock=lambda: self.now_s)

    def _answer(self, command):
        profile = command[1].removeprefix("fleet:")
        if profile in self.away:
            return RedisConnectionError("gone")
        return [
            one if isinstance(one, bytes) else msgspec.json.encode(one)
            for one in self.reports.get(profile, [])
        ]

    def report(self, *, skew_s: float = 0, **facts) -> None:
        told = {"worker": "w1", "sessions": 2, "room": 3} | facts
        seen_ms = time.time_ns() // 1_000_000 + int((self.now_s - 50 + skew_s) * 1000)
        self.reports["cpu"] = [WorkerReport(**told, seen_ms=seen_ms)]

    async def see(self, *profiles: str):
        return await self.look.look(profiles or ("cpu",))


@pytest.fixture
def workers() -> Workers:
    return Workers()


async def test_a_worker_lives_as_long_as_it_reports(workers):
    workers.report()
    assert (await workers.see())["cpu"].room == 3
    workers.now_s += 4.9
    assert (await workers.see())["cpu"].room == 3
    workers.now_s += 0.2
    assert (await workers.see())["cpu"].reports == ()


@pytest.mark.parametrize("skew_s", [-600, 600])
async def test_one_whose_clock_is_off_lives(workers, skew_s):
    for _ in range(3):
        workers.now_s += 1
        workers.report(skew_s=skew_s)
        found = await workers.see()
    assert found["cpu"].room == 3


async def test_a_report_of_long_ago_is_nobody(workers):
    workers.report(skew_s=-600)
    assert (await workers.see())["cpu"].reports == ()


async def test_what_is_no_report_is_let_by(workers):
    workers.report()
    workers.reports["cpu"] += [b"{}", b"\xff"]
    assert len((await workers.see())["cpu"].reports) == 1


async def test_a_master_that_is_away_hides_its_profile_alone(workers):
    workers.report()
    workers.away = {"gpu"}
    found = await workers.see("cpu", "gpu")
    assert (found["cpu"].room, found["gpu"]) == (3, None)
    look = Look()
    measure_fleets(found, [], look)
    assert look.values["room|cpu"] == 3
    assert not {"room", "worker_missing"} & look.complete
    workers.away = {"cpu", "gpu"}
    with pytest.raises(BusUnavailable):
        await workers.see("cpu", "gpu")


def session(profile: str, status: str = "live") -> SessionFacts:
    return SessionFacts("s", status, profile, 0, "app", "", 0, 0, 0)


def test_live_sessions_without_a_worker_are_told():
    look = Look()
    sessions = [session("gpu"), session("gpu", "ending"), session("npu", "created")]
    measure_fleets({"cpu": Fleet(), "gpu": Fleet(), "npu": Fleet()}, sessions, look)
    assert look.subjects("worker_missing") == {"gpu": 1}
    assert look.reasons["worker_missing|gpu"] == "2 sessions of profile gpu have no audio worker"


def test_where_sessions_cannot_be_seen_nobody_is_missing():
    look = Look()
    measure_fleets({"gpu": Fleet()}, None, look)
    assert "worker_missing" not in look.complete
    assert look.subjects("worker_missing") == {}


def test_figures_of_a_fleet():
    reports = (
        WorkerReport(worker="a", sessions=2, room=3, level=1, lag_ms=70),
        WorkerReport(worker="b", sessions=4, room=5, refuses=True, lag_ms=10),
    )
    assert figures(Fleet(reports)) == {"workers": 2, "sessions": 6, "room": 3, "level": 1, "lag_ms": 70}
