"""The order in which work is taken from a queue: by lane, and within a lane by turns of the sessions.

Lanes share by stride scheduling (Waldspurger and Weihl, 1995): urgent lanes go first, and yet each lane that
waits gets its share, so none starves.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from enum import IntEnum
from typing import Generic, TypeVar

L = TypeVar("L", bound=IntEnum)
T = TypeVar("T")


class _Turns(Generic[T]):
    """One lane: a queue for each session, served by turns."""

    def __init__(self) -> None:
        self.sessions: OrderedDict[str, deque[T]] = OrderedDict()
        self.position = 0.0

    def pop(self) -> T:
        session, items = next(iter(self.sessions.items()))
        item = items.popleft()
        if items:
            self.sessions.move_to_end(session)
        else:
            del self.sessions[session]
        return item


class FairQueue(Generic[L, T]):
    """Takes items in any order and gives them back in a fair one. Not bounded; ``len`` counts all.

    ``strides`` is, for each lane, one over its share where all lanes wait; the lane's value breaks ties.
    """

    def __init__(self, strides: Mapping[L, float]) -> None:
        self._strides = strides
        self._lanes = {lane: _Turns[T]() for lane in sorted(strides)}
        self._now = 0.0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def waiting(self, session: str) -> int:
        """How many items of ``session`` wait, over all lanes."""
        return sum(len(lane.sessions.get(session, ())) for lane in self._lanes.values())

    def put(self, item: T, lane: L, session: str) -> None:
        """Add an item at the end of its session's queue."""
        turns = self._lanes[lane]
        if not turns.sessions:
            # A lane that was empty saves up no share.
            turns.position = max(turns.position, self._now)
        turns.sessions.setdefault(session, deque()).append(item)
        self._count += 1

    def pop(self) -> T:
        """The next item.

        Raises:
            IndexError: the queue is empty.

        """
        waiting = [lane for lane, turns in self._lanes.items() if turns.sessions]
        if not waiting:
            raise IndexError("the queue is empty")
        lane = min(waiting, key=lambda lane: (self._lanes[lane].position, lane))
        turns = self._lanes[lane]
        self._now = turns.position
        turns.position += self._strides[lane]
        self._count -= 1
        return turns.pop()
