"""Who is connected to a session, over all API processes: one sorted set a session in Redis.

A member is ``<role>:<connection id>:<since, unix ms>:<name>``. Its score is the unix ms at which the socket
counts as gone unless it is refreshed, negated for speakers: so each role is counted by one ZCOUNT, however
many there are. The key expires with its last member, so a process that is killed leaves nothing behind.
Times are those of the API processes' clocks, which may differ by less than ``VALID_S``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from dragoman_contracts.errors import DragomanError
from dragoman_contracts.streams import SessionKeys
from dragoman_runtime.broker.wire import Command, Wire, bus_error, raise_first

VALID_S = 30.0
"""How long a socket counts as connected without being refreshed."""
REFRESH_S = 10.0
"""How often a process refreshes its sockets: two refreshes may fail before one counts as gone."""
MAX_LISTED = 1000
"""Connections of one role that are listed; the counts tell of all."""

Role = Literal["speaker", "viewer"]


class Counts(NamedTuple):
    """Sockets connected to a session."""

    speakers: int = 0
    viewers: int = 0


@dataclass(frozen=True, slots=True)
class Connected:
    """One socket: its role, since when (unix ms), and the name of its key, or ``token``."""

    role: Role
    connection_id: str
    since_ms: int
    name: str

    @property
    def member(self) -> str:
        """Its place in the sorted set."""
        return f"{self.role}:{self.connection_id}:{self.since_ms}:{self.name}"

    @classmethod
    def parse(cls, member: bytes) -> Connected | None:
        """Read a member; None for one that is none of ours."""
        role, _, rest = member.decode(errors="replace").partition(":")
        connection_id, _, rest = rest.partition(":")
        since_ms, colon, name = rest.partition(":")
        if not colon or not since_ms.isdecimal():
            return None
        if role == "speaker":
            return cls("speaker", connection_id, int(since_ms), name)
        return cls("viewer", connection_id, int(since_ms), name) if role == "viewer" else None


@dataclass(slots=True)
class Change:
    """What is to be written of one session: who is (still) there, who has left."""

    present: list[Connected] = field(default_factory=list)
    left: list[Connected] = field(default_factory=list)


_NOTHING = Change()


class PresenceRegister:
    """Presence in Redis.

    Args:
        wire: Redis.
        shards: Number of shards.
        valid_s: Seconds that a socket counts as connected without a refresh.

    """

    def __init__(self, wire: Wire, *, shards: int = 1, valid_s: float = VALID_S) -> None:
        self._wire = wire
        self._shards = shards
        self._valid_ms = int(valid_s * 1000)

    async def exchange(
        self, changes: Mapping[str, Change], counted: Iterable[str], *, now_ms: int
    ) -> dict[str, Counts | DragomanError]:
        """Write ``changes`` and then count the sessions ``counted``, in one round trip.

        Returns for each session that was counted its counts, and for each that was counted or changed why
        that failed: on a cluster one master may be away.

        Raises:
            BusUnavailable: Redis is away; some of the changes may be written, and may be written again.

        """
        asked = set(counted)
        parts: list[tuple[str, list[Command]]] = []
        for session_id in asked | changes.keys():
            key = SessionKeys(session_id, self._shards).presence
            commands = list(self._writes(key, changes.get(session_id, _NOTHING), now_ms))
            parts.append((session_id, [*commands, *(_counts_of(key, now_ms) if session_id in asked else ())]))
        replies = iter(await self._wire.exchange([command for _, part in parts for command in part]))
        outcome: dict[str, Counts | DragomanError] = {}
        for session_id, part in parts:
            answers = list(itertools.islice(replies, len(part)))
            failed = next((answer for answer in answers if isinstance(answer, Exception)), None)
            if failed is not None:
                outcome[session_id] = bus_error(failed)
            elif session_id in asked:
                outcome[session_id] = Counts(int(answers[-2]), int(answers[-1]))
        return outcome

    async def connected(self, session_id: str, *, now_ms: int) -> tuple[Counts, list[Connected]]:
        """How many are connected to a session, and who; of each role at most ``MAX_LISTED``.

        Raises:
            BusUnavailable: Redis is away.

        """
        key = SessionKeys(session_id, self._shards).presence
        replies = await self._wire.exchange(
            [
                *_counts_of(key, now_ms),
                ("ZRANGEBYSCORE", key, "-inf", f"({-now_ms}", "LIMIT", 0, MAX_LISTED),
                ("ZRANGEBYSCORE", key, f"({now_ms}", "+inf", "LIMIT", 0, MAX_LISTED),
            ]
        )
        raise_first(replies)
        speakers, viewers, *listed = replies
        found = [Connected.parse(member) for members in listed for member in members]
        return Counts(int(speakers), int(viewers)), [one for one in found if one is not None]

    def _writes(self, key: str, change: Change, now_ms: int) -> Iterable[Command]:
        if change.left:
            yield ("ZREM", key, *(one.member for one in change.left))
        if change.present:
            gone_ms = now_ms + self._valid_ms
            scores: list[Any] = []
            for one in change.present:
                scores += (-gone_ms if one.role == "speaker" else gone_ms, one.member)
            # What processes that were killed have left, before it is counted as nobody.
            yield ("ZREMRANGEBYSCORE", key, -now_ms, now_ms)
            yield ("ZADD", key, *scores)
            yield ("PEXPIRE", key, self._valid_ms)


def _counts_of(key: str, now_ms: int) -> tuple[Command, Command]:
    return ("ZCOUNT", key, "-inf", f"({-now_ms}"), ("ZCOUNT", key, f"({now_ms}", "+inf")
