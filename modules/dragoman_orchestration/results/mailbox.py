"""What waits to be written to one socket: bounded, so that a slow reader costs only itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from dragoman_contracts.websocket import CloseCode

DEFAULT_LIMIT = 256


class Closing(NamedTuple):
    """How a socket ends once all that waits before is written."""

    code: int
    reason: str


class Item(NamedTuple):
    """A message, and the key under which a later one makes it worthless; empty: nothing does.

    ``written`` is called each time a socket has taken it; set only where somebody wants to know.
    """

    text: str
    supersedes: str = ""
    written: Callable[[], None] | None = None


class Mailbox:
    """Messages for one socket, in order; one writer, any number of senders, one event loop.

    A message with a ``supersedes`` key makes those before it with the same key worthless. When more than
    ``limit`` wait, the worthless ones are dropped; if that does not help, the socket is closed with
    ``SLOW_CONSUMER``, which tells the client to resume by position.

    Args:
        limit: how many messages may wait.
        write_now: writes a message at once and tells whether the socket took it: while nothing waits, the
            writer need not be woken.

    """

    def __init__(self, limit: int = DEFAULT_LIMIT, write_now: Callable[[str], bool] | None = None) -> None:
        self._limit = limit
        self._write_now = write_now
        self._writer_is_idle = False
        self._items: list[Item] = []
        self._history_waiting = 0
        self._closing: Closing | None = None
        self._news = asyncio.Event()
        self.closed = asyncio.Event()
        """Set with ``closing``: a writer that is stuck with a peer that does not read must be given up."""
        self.collapsed = 0
        """How many superseded messages were dropped."""

    def __len__(self) -> int:
        return len(self._items)

    @property
    def closing(self) -> Closing | None:
        """Set once the socket is to be closed; nothing is accepted after."""
        return self._closing

    @property
    def how_it_ended(self) -> str:
        """For the log: the close code and reason, or that the peer left."""
        return f"{int(self._closing.code)} {self._closing.reason}" if self._closing else "disconnected"

    def put(self, text: str, supersedes: str = "") -> None:
        """Add a message, unless the socket is closing."""
        self.put_item(Item(text, supersedes))

    def put_item(self, item: Item) -> None:
        """As ``put``; one item may go to any number of mailboxes."""
        if self._closing is not None:
            return
        if self._writer_is_idle and self._write_now is not None and self._write_now(item.text):
            if item.written is not None:
                item.written()
            return
        self._items.append(item)
        self._wake_writer()
        if len(self._items) - self._history_waiting > self._limit:
            self._make_room()

    def put_history(self, texts: list[str]) -> None:
        """Add a bounded stretch of the past, which does not count against the limit while it waits."""
        if self._closing is None and texts:
            self._items += [Item(text) for text in texts]
            self._history_waiting += len(texts)
            self._wake_writer()

    def close(self, code: int, reason: str = "") -> None:
        """Close the socket after what waits; the first call counts."""
        if self._closing is None:
            self._closing = Closing(code, reason)
            self._wake_writer()
            self.closed.set()

    async def take(self) -> list[str]:
        """All that waits, as soon as something does; empty when nothing is left but to close."""
        self._writer_is_idle = not self._news.is_set()
        try:
            await self._news.wait()
        finally:
            self._writer_is_idle = False
        self._news.clear()
        texts = [item.text for item in self._items]
        for item in self._items:
            if item.written is not None:
                item.written()
        self._items.clear()
        self._history_waiting = 0
        if self._closing is not None:
            # The next call must return at once, to tell that nothing is left.
            self._news.set()
        return texts

    def _wake_writer(self) -> None:
        # From now on, not from when it runs: what comes in between must not overtake what it will take.
        self._writer_is_idle = False
        self._news.set()

    def _make_room(self) -> None:
        before = len(self._items)
        seen: set[str] = set()
        kept = []
        for item in reversed(self._items):
            if item.supersedes and item.supersedes in seen:
                continue
            seen.add(item.supersedes)
            kept.append(item)
        self._items = kept[::-1]
        self.collapsed += before - len(kept)
        if len(self._items) - self._history_waiting > self._limit:
            self._items.clear()
            self.close(CloseCode.SLOW_CONSUMER, "too slow: reconnect with after=<last position>")
