"""What waits for an engine, by groups that may stand in one batch; fair between groups and sessions."""

from __future__ import annotations

from collections.abc import Hashable
from enum import IntEnum
from typing import Generic, TypeVar

from dragoman_runtime.fair_queue import FairQueue

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Lane(IntEnum):
    """Why a text is translated; the value breaks ties."""

    FINAL = 0
    DRAFT = 1


_STRIDES = {Lane.FINAL: 1.0, Lane.DRAFT: 4.0}
"""Four batches of finals to one of drafts, where both wait."""


class GroupedQueue(Generic[K, T]):
    """Takes items one by one and gives them back in batches of one group. Not bounded; ``len`` counts all.

    Groups of a lane have turns by batch, sessions within a group by item. All items of a group have one lane.
    """

    def __init__(self) -> None:
        self._turns: FairQueue[Lane, tuple[K, Lane]] = FairQueue(_STRIDES)
        self._groups: dict[K, FairQueue[Lane, T]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def waiting(self, session: str) -> int:
        """How many items of ``session`` wait."""
        return sum(group.waiting(session) for group in self._groups.values())

    def put(self, item: T, group: K, lane: Lane, session: str) -> None:
        """Add an item at the end of its session's queue in its group."""
        if group not in self._groups:
            self._groups[group] = FairQueue(_STRIDES)
            self._turns.put((group, lane), lane, "")
        self._groups[group].put(item, lane, session)
        self._count += 1

    def take(self, count: int) -> list[T]:
        """Up to ``count`` items of the group whose turn it is.

        Raises:
            IndexError: the queue is empty.

        """
        key, lane = self._turns.pop()
        group = self._groups[key]
        items = [group.pop() for _ in range(min(count, len(group)))]
        self._count -= len(items)
        if group:
            self._turns.put((key, lane), lane, "")
        else:
            del self._groups[key]
        return items
