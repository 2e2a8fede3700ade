"""Batches of one group, turns between groups and sessions."""

from __future__ import annotations

import pytest

from dragoman_translation.grouped_queue import GroupedQueue, Lane


def drain(queue: GroupedQueue[str, str], count: int) -> list[list[str]]:
    batches = []
    while queue:
        batches.append(queue.take(count))
    return batches


def test_a_batch_is_of_one_group() -> None:
    queue: GroupedQueue[str, str] = GroupedQueue()
    for number in range(3):
        queue.put(f"es{number}", "es", Lane.FINAL, f"s{number}")
        queue.put(f"de{number}", "de", Lane.FINAL, f"s{number}")
    assert drain(queue, 10) == [["es0", "es1", "es2"], ["de0", "de1", "de2"]]


def test_sessions_have_turns_within_a_batch() -> None:
    queue: GroupedQueue[str, str] = GroupedQueue()
    for number in range(4):
        queue.put(f"a{number}", "es", Lane.FINAL, "a")
    queue.put("b0", "es", Lane.FINAL, "b")
    assert drain(queue, 2) == [["a0", "b0"], ["a1", "a2"], ["a3"]]


def test_groups_have_turns_so_that_a_busy_one_starves_none() -> None:
    queue: GroupedQueue[str, str] = GroupedQueue()
    for number in range(6):
        queue.put(f"es{number}", "es", Lane.FINAL, "")
    queue.put("de0", "de", Lane.FINAL, "")
    assert drain(queue, 2) == [["es0", "es1"], ["de0"], ["es2", "es3"], ["es4", "es5"]]


def test_finals_go_before_drafts_and_drafts_do_not_starve() -> None:
    queue: GroupedQueue[str, str] = GroupedQueue()
    for number in range(8):
        queue.put("draft", f"draft{number}", Lane.DRAFT, "")
        queue.put("final", f"final{number}", Lane.FINAL, "")
    kinds = [batch[0] for batch in drain(queue, 1)]
    assert kinds[0] == "final"
    assert kinds[:6].count("draft") in {1, 2}
    assert len(kinds) == 16


def test_what_waits_is_counted_by_session() -> None:
    queue: GroupedQueue[str, str] = GroupedQueue()
    for group in ("es", "de"):
        queue.put("x", group, Lane.FINAL, "a")
    assert (len(queue), queue.waiting("a"), queue.waiting("b")) == (2, 2, 0)
    queue.take(5)
    assert (len(queue), queue.waiting("a")) == (1, 1)


def test_an_empty_queue_has_nothing_to_give() -> None:
    with pytest.raises(IndexError):
        GroupedQueue().take(1)
