"""What is made of the workers' reports, and how often they are read."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from redis.exceptions import ResponseError

from dragoman_contracts.errors import DragomanError
from dragoman_contracts.fleet import REPORT_VALID_S, WorkerReport
from dragoman_orchestration.session.fleet import MAX_PROFILES, Fleet, FleetReader

NOW_MS = 1_000_000


def report(room: int, *, refuses: bool = False, age_ms: int = 0) -> WorkerReport:
    return WorkerReport(worker="w", sessions=1, room=room, refuses=refuses, seen_ms=NOW_MS - age_ms)


@pytest.mark.parametrize(
    ("reports", "refusal"),
    [
        ([], None),
        ([report(1)], None),
        ([report(0)], "no_room"),
        ([report(0), report(1)], None),
        ([report(5, refuses=True)], "degraded"),
        ([report(5, refuses=True), report(0)], "no_room"),
        ([report(5, refuses=True), report(1)], None),
        ([report(0, age_ms=int(REPORT_VALID_S * 1000) + 1)], None),
        ([report(0), report(7, age_ms=60_000)], "no_room"),
    ],
)
def test_who_is_let_in(reports, refusal):
    assert Fleet.of([msgspec.json.encode(one) for one in reports], NOW_MS).refusal() == refusal


class Wire:
    """A fleet with one worker."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.reads: list[str] = []

    async def exchange(self, commands):
        self.reads.append(commands[0][1])
        await asyncio.sleep(0)
        return [[b"w", msgspec.json.encode(report(self.room))]]


async def test_a_rush_is_read_once_and_takes_no_more_than_there_is_room():
    now = 0.0
    wire = Wire(3)
    reader = FleetReader(wire, clock=lambda: now, now_ms=lambda: NOW_MS)
    answers = await asyncio.gather(*(reader.refusal("cpu", take=True) for _ in range(5)))
    assert answers == [None, None, None, "no_room", "no_room"]
    assert await reader.refusal("cpu") == "no_room"
    assert wire.reads == ["fleet:cpu"]
    now = 1.0
    assert await reader.refusal("cpu") is None
    assert len(wire.reads) == 2


async def test_profiles_that_callers_make_up_are_forgotten():
    reader = FleetReader(Wire(1), now_ms=lambda: NOW_MS)
    for number in range(3 * MAX_PROFILES):
        await reader.read(f"p{number}")
    assert len(reader._known) == MAX_PROFILES


async def test_a_reply_that_is_an_error_is_the_contracts():
    class Broken:
        async def exchange(self, commands):
            return [ResponseError("WRONGTYPE no")]

    with pytest.raises(DragomanError):
        await FleetReader(Broken()).read("cpu")
