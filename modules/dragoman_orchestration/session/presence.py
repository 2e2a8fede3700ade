"""Who is connected to a session, over all API processes: one sorted set a session in Redis.

A member is ``<role>:<connection id>:<since, unix ms>:<name>``. Its score is the unix ms at which the socket
counts as gone unless it is refreshed, negated for speakers: so each role is counted by one ZCOUNT, however
many there are. The key expires with its last member, so a process that is killed leaves nothing behind.
Times are those of the API processes' clocks, which may differ by less than ``VALID_S``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from dragoman_contracts.streams import SessionKeys
from dragoman_runtime.broker.redis import bus_error

VALID_S = 30.0
"""How long a socket counts as connected without being refreshed."""
REFRESH_S = 10.0
"""How often a process refreshes its sockets: two refreshes may fail before one counts as gone."""
MAX_LISTED = 1000
"""Connections of one role that are listed; the counts tell of all."""

Role = Literal["speaker", "viewer"]


class Wire(Protocol):
    """Sends commands of one slot in one round trip."""

    async def exchange(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """All replies, an exception in the place of a reply that is one."""
        ...


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
    ) -> dict[str, Counts]:
        """Write ``changes`` and then count the sessions ``counted``; one round trip a shard.

        Raises:
            BusUnavailable: Redis is away; some of the changes may be written, and may be written again.

        """
        commands: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
        for session_id, change in changes.items():
            keys = SessionKeys(session_id, self._shards)
            commands[keys.shard.shard] += self._writes(keys.presence, change, now_ms)
        asked: dict[int, list[str]] = defaultdict(list)
        for session_id in counted:
            keys = SessionKeys(session_id, self._shards)
            asked[keys.shard.shard].append(session_id)
            commands[keys.shard.shard] += _counts_of(keys.presence, now_ms)
        counts: dict[str, Counts] = {}
        for shard, batch in commands.items():
            replies = await self._send(batch)
            # The counts are the last replies, two a session.
            numbers = iter(replies[len(replies) - 2 * len(asked[shard]) :])
            for session_id, speakers, viewers in zip(asked[shard], numbers, numbers, strict=True):
                counts[session_id] = Counts(int(speakers), int(viewers))
        return counts

    async def connected(self, session_id: str, *, now_ms: int) -> tuple[Counts, list[Connected]]:
        """How many are connected to a session, and who; of each role at most ``MAX_LISTED``.

        Raises:
            BusUnavailable: Redis is away.

        """
        key = SessionKeys(session_id, self._shards).presence
        speakers, viewers, *listed = await self._send(
            [
                *_counts_of(key, now_ms),
                ("ZRANGEBYSCORE", key, "-inf", f"({-now_ms}", "LIMIT", 0, MAX_LISTED),
                ("ZRANGEBYSCORE", key, f"({now_ms}", "+inf", "LIMIT", 0, MAX_LISTED),
            ]
        )
        found = [Connected.parse(member) for members in listed for member in members]
        return Counts(int(speakers), int(viewers)), [one for one in found if one is not None]

    def _writes(self, key: str, change: Change, now_ms: int) -> Iterable[tuple[Any, ...]]:
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

    async def _send(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        replies = await self._wire.exchange(commands)
        for reply in replies:
            if isinstance(reply, Exception):
                raise bus_error(reply) from None
        return replies


def _counts_of(key: str, now_ms: int) -> tuple[tuple[Any, ...], ...]:
    return ("ZCOUNT", key, "-inf", f"({-now_ms}"), ("ZCOUNT", key, f"({now_ms}", "+inf")
