"""The order of decoding: turns of sessions, shares of lanes, nothing lost."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman_whisper.fair_queue import FairQueue, Lane


def drain(queue: FairQueue[str]) -> list[str]:
    return [queue.pop() for _ in range(len(queue))]


def test_a_session_is_served_in_its_own_order() -> None:
    queue: FairQueue[str] = FairQueue()
    for item in "abc":
        queue.put(item, Lane.FINAL, "s")
    assert drain(queue) == ["a", "b", "c"]


def test_a_greedy_session_waits_for_the_others() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(5):
        queue.put(f"greedy{number}", Lane.DRAFT, "greedy")
    queue.put("modest", Lane.DRAFT, "modest")
    queue.put("shy", Lane.DRAFT, "shy")
    assert drain(queue)[:3] == ["greedy0", "modest", "shy"]


def test_a_final_goes_before_drafts_that_came_first() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(4):
        queue.put(f"draft{number}", Lane.DRAFT, f"s{number}")
    queue.put("file", Lane.FILE, "f")
    assert queue.pop() == "draft0"
    queue.put("final", Lane.FINAL, "s9")
    assert queue.pop() == "final"


def test_every_lane_that_waits_gets_its_share() -> None:
    queue: FairQueue[str] = FairQueue()
    for lane in Lane:
        for number in range(110):
            queue.put(lane.name, lane, f"s{number % 7}")
    shares = Counter(queue.pop() for _ in range(110))
    assert shares == {"FINAL": 80, "DRAFT": 20, "FILE": 10}


def test_a_lane_that_was_empty_has_saved_nothing_up() -> None:
    queue: FairQueue[str] = FairQueue()
    for _ in range(100):
        queue.put("final", Lane.FINAL, "s")
        queue.pop()
    for _ in range(20):
        queue.put("file", Lane.FILE, "f")
        queue.put("final", Lane.FINAL, "s")
    assert Counter(queue.pop() for _ in range(9)) == {"final": 8, "file": 1}


def test_an_empty_queue_has_nothing_to_give() -> None:
    with pytest.raises(IndexError):
        FairQueue[str]().pop()


@given(st.lists(st.tuples(st.sampled_from(list(Lane)), st.integers(0, 4)), max_size=60), st.integers(0, 60))
def test_what_goes_in_comes_out_once(arrivals: list[tuple[Lane, int]], pops_between: int) -> None:
    queue: FairQueue[tuple[int, Lane, int]] = FairQueue()
    given_back = []
    for number, (lane, session) in enumerate(arrivals):
        queue.put((number, lane, session), lane, str(session))
        if pops_between and number % (pops_between + 1) == pops_between:
            given_back.append(queue.pop())
    assert sum(queue.waiting(str(session)) for session in range(5)) == len(queue)
    given_back += [queue.pop() for _ in range(len(queue))]
    assert sorted(item[0] for item in given_back) == list(range(len(arrivals)))
    for lane in Lane:
        for session in range(5):
            order = [item[0] for item in given_back if item[1:] == (lane, session)]
            assert order == sorted(order)
