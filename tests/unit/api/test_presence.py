"""The board's loop against a register that counts what it is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from dragoman_contracts.errors import BusUnavailable, DragomanError
from dragoman_orchestration.api import presence as module
from dragoman_orchestration.api.auth import Principal
from dragoman_orchestration.api.presence import PresenceBoard, Seat
from dragoman_orchestration.results.mailbox import Mailbox
from dragoman_orchestration.session.presence import Connected, Counts

KEY = Principal("studio")


class Register:
    """Keeps who is there; fails on demand."""

    def __init__(self) -> None:
        self.there: dict[str, set[Connected]] = {}
        self.calls: list[tuple[int, int]] = []
        self.away = False
        self.failures: dict[str, DragomanError] = {}

    async def exchange(self, changes, counted, *, now_ms):
        counted = set(counted)
        self.calls.append((sum(len(change.present) for change in changes.values()), len(counted)))
        await asyncio.sleep(0)
        if self.away:
            raise BusUnavailable("away")
        failed = {one: self.failures[one] for one in counted | changes.keys() if one in self.failures}
        for session_id, change in changes.items():
            if session_id in failed:
                continue
            there = self.there.setdefault(session_id, set())
            there -= set(change.left)
            there |= set(change.present)
        return {one: self.count(one) for one in counted} | failed

    def count(self, session_id: str) -> Counts:
        roles = [one.role for one in self.there.get(session_id, ())]
        return Counts(roles.count("speaker"), roles.count("viewer"))


@pytest.fixture
def register() -> Register:
    return Register()


@pytest.fixture
async def board(register, monkeypatch) -> AsyncIterator[PresenceBoard]:
    monkeypatch.setattr(module, "COUNT_S", 0.05)
    monkeypatch.setattr(module, "GATHER_S", 0.001)
    made = PresenceBoard(register, refresh_s=0.2)
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def sit(board: PresenceBoard, session_id: str = "s", role="viewer") -> tuple[Seat, Mailbox]:
    mailbox = Mailbox()
    return board.join(session_id, role, KEY, mailbox), mailbox


async def heard(mailbox: Mailbox, speakers: int, viewers: int) -> int:
    """Wait for these counts; how many messages it took."""
    messages = 0
    async with asyncio.timeout(10):
        while True:
            for text in await mailbox.take():
                messages += 1
                told = json.loads(text)
                assert told["type"] == "session.presence"
                if (told["speakers"], told["viewers"]) == (speakers, viewers):
                    return messages


async def test_who_comes_is_told_and_the_others_hear_of_it(board):
    _, first = sit(board)
    await heard(first, 0, 1)
    _, second = sit(board, role="speaker")
    assert await heard(second, 1, 1) == 1
    await heard(first, 1, 1)


async def test_nothing_watched_nothing_asked(board, register, eventually):
    seat, mailbox = sit(board)
    await heard(mailbox, 0, 1)
    board.leave(seat)
    await eventually(lambda: register.there["s"] == set())
    calls = len(register.calls)
    await asyncio.sleep(0.2)  # several times as long as between two counts
    assert len(register.calls) == calls


async def test_many_sessions_are_one_exchange_and_told_only_what_changed(board, register):
    seats = [sit(board, f"s{number}") for number in range(250)]
    for _, mailbox in seats:
        await heard(mailbox, 0, 1)
    assert max(present for present, _ in register.calls) == 250
    calls = len(register.calls)
    register.there["s7"] |= {Connected("speaker", "elsewhere", 1, "x")}
    await heard(seats[7][1], 1, 1)
    assert len(register.calls) - calls <= 3
    assert sum(len(mailbox) for _, mailbox in seats) == 0


async def test_an_outage_forgets_nobody(board, register, eventually):
    seat, mailbox = sit(board)
    gone, _ = sit(board)
    await heard(mailbox, 0, 2)
    register.away = True
    board.leave(gone)
    new, third = sit(board, "t")
    late, _ = sit(board, "t")
    calls = len(register.calls)
    await eventually(lambda: len(register.calls) > calls + 2)
    board.leave(late)
    register.there.clear()  # a Redis that came back empty
    register.away = False
    await heard(mailbox, 0, 1)
    await heard(third, 0, 1)
    assert register.there == {"s": {seat.connected}, "t": {new.connected}}


async def test_what_redis_lost_is_told_again_before_the_refresh_is_due(register, monkeypatch, eventually):
    monkeypatch.setattr(module, "COUNT_S", 0.02)
    board = PresenceBoard(register, refresh_s=1_000)
    task = asyncio.create_task(board.run())
    seat, mailbox = sit(board, role="speaker")
    await heard(mailbox, 1, 0)
    register.there.clear()
    await eventually(lambda: register.there.get("s") == {seat.connected})
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_closing_writes_off_who_is_left(register):
    board = PresenceBoard(register)
    task = asyncio.create_task(board.run())
    seat, mailbox = sit(board)
    await heard(mailbox, 0, 1)
    sit(board, "t")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await board.close()
    assert register.there == {"s": set(), "t": set()}
    board.leave(seat)  # once more does no harm
    await board.close()


async def test_a_token_is_told_as_one(register):
    board = PresenceBoard(register)
    seat = board.join("s", "viewer", Principal("viewer", "s"), Mailbox())
    assert seat.connected.name == "token"
    assert Connected.parse(seat.connected.member.encode()) == seat.connected
    assert Connected.parse(b"robot:1:2:x") is None
    assert Connected.parse(b"viewer:1:x:y") is None


async def test_a_master_that_is_away_fails_its_own_sessions_only(board, register, eventually):
    register.failures["s"] = BusUnavailable("away")
    seat, mailbox = sit(board)
    gone, _ = sit(board)
    _, other = sit(board, "t")
    await heard(other, 0, 1)
    board.leave(gone)
    calls = len(register.calls)
    await eventually(lambda: len(register.calls) > calls + 1)
    assert len(mailbox) == 0
    register.failures.clear()
    await heard(mailbox, 0, 1)
    assert register.there["s"] == {seat.connected}


async def test_what_redis_refuses_is_logged_and_not_tried_for_ever(board, register, log_lines, eventually):
    register.failures["s"] = DragomanError("no such thing")
    sit(board)
    await eventually(lambda: any("presence cannot be told" in line for line in log_lines))
    _, other = sit(board, "t")
    await heard(other, 0, 1)
