"""How one side of a session outlasts outages: it waits, tells that it does, and gives up in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from dragoman_client.backoff import Backoff
from dragoman_contracts.errors import BusUnavailable, DragomanError, LimitExceeded, Overloaded, Unavailable
from dragoman_contracts.websocket import CloseCode

STABLE_S = 5.0
"""A connection that lasted so long had worked: its end is a new outage."""

Notify = Callable[[str], None]
"""Takes a sentence for the person who waits."""


def silent(_: str) -> None:
    """Tell nobody."""


class Retry:
    """The outages of one speaker or viewer.

    Args:
        backoff: Waiting times after a connection was lost.
        wait_s: How long the first connection may be waited for; 0 takes the first failure for an answer.
        notify: Is told, once an outage, that the connection is gone and that it is back.

    """

    def __init__(self, backoff: Backoff, *, wait_s: float = 0.0, notify: Notify = silent) -> None:
        self._backoff = backoff
        self._first = Backoff(give_up_s=wait_s, draw=backoff.draw, clock=backoff.clock)
        self._notify = notify
        self._connected_at: float | None = None
        self._lost_at: float | None = None

    def connected(self) -> None:
        """A connection was made."""
        now = self._backoff.clock()
        if self._lost_at is not None:
            again = "" if self._connected_at is None else " again"
            self._notify(f"Connected{again} after {now - self._lost_at:.1f} s.")
            self._lost_at = None
        self._connected_at = now

    def worked(self) -> None:
        """The connection did what it is for: the outage is over."""
        self._backoff.reset()

    async def wait(self, cause: DragomanError | None = None, *, code: int = 1006) -> None:
        """Wait before the next attempt.

        Args:
            cause: Why the last attempt failed.
            code: Close code of the connection that ended.

        Raises:
            DragomanError: ``cause``, where it will not pass, or where nothing was reached in time.

        """
        if cause is not None and cause.permanent:
            raise cause
        backoff, now = self._backoff, self._backoff.clock()
        if self._connected_at is None:
            backoff = self._first
            cause = cause or Unavailable("the server closed the connection at once")
        elif self._lost_at is None and now - self._connected_at >= STABLE_S:
            backoff.reset()
        wait_s = backoff.next_wait_s(pause=_asks_for_a_pause(cause, code))
        if wait_s is None:
            if self._connected_at is None and cause is not None:
                raise cause
            raise Unavailable(
                f"the connection was lost and could not be made again within {backoff.give_up_s:.0f} s"
            ) from cause
        if self._lost_at is None:
            self._lost_at = now
            what = "The server is not ready" if self._connected_at is None else "The connection was lost"
            self._notify(f"{what}: trying for up to {backoff.give_up_s:.0f} s.")
        await asyncio.sleep(wait_s)


def _asks_for_a_pause(cause: DragomanError | None, code: int) -> bool:
    if cause is not None:
        return isinstance(cause, (Overloaded, LimitExceeded, BusUnavailable))
    return CloseCode.BUS_UNAVAILABLE <= code < CloseCode.BAD_REQUEST
