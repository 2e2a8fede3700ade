"""The life of a session as a pure state machine.

::

    created ──open──► live ──end──► ending ──finish──► ended
       └───────────────end (nothing was ever sent)──────►┘

``ending`` takes no more audio, while the worker transcribes what there is. A session is opened again by each
reconnect of its speaker, so ``open`` is allowed while it is live. The Lua scripts of the store apply the same
rules atomically; a test holds them against this table.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from dragoman_contracts.errors import Conflict, SessionEnded


class Status(StrEnum):
    """Where a session is in its life."""

    CREATED = "created"
    LIVE = "live"
    ENDING = "ending"
    ENDED = "ended"


class Command(StrEnum):
    """What can be asked of a session."""

    OPEN = "open"
    """A speaker connects, for the first time or again."""
    SEND = "send"
    """A speaker sends audio or a flush."""
    END = "end"
    """No more audio will come."""
    FINISH = "finish"
    """The worker has transcribed all there was."""


TRANSITIONS: Final = MappingProxyType(
    {
        (Status.CREATED, Command.OPEN): Status.LIVE,
        (Status.CREATED, Command.END): Status.ENDED,
        (Status.LIVE, Command.OPEN): Status.LIVE,
        (Status.LIVE, Command.SEND): Status.LIVE,
        (Status.LIVE, Command.END): Status.ENDING,
        (Status.LIVE, Command.FINISH): Status.ENDED,
        (Status.ENDING, Command.END): Status.ENDING,
        (Status.ENDING, Command.FINISH): Status.ENDED,
        (Status.ENDED, Command.END): Status.ENDED,
        (Status.ENDED, Command.FINISH): Status.ENDED,
    }
)
"""Every allowed step; what is missing is refused. Ending and finishing are idempotent."""


def next_status(status: Status, command: Command) -> Status:
    """The status after ``command``.

    Raises:
        SessionEnded: the session takes no more audio.
        Conflict: the command comes too early.

    """
    after = TRANSITIONS.get((status, command))
    if after is not None:
        return after
    if status in {Status.ENDING, Status.ENDED}:
        raise SessionEnded(f"the session is {status} and takes no more audio")
    raise Conflict(f"a session that is {status} cannot be asked to {command}")


def allowed(status: Status) -> frozenset[Command]:
    """The commands that ``status`` takes."""
    return frozenset(command for at, command in TRANSITIONS if at is status)
