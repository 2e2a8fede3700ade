"""The bus as the product sees it: append, read, groups, claims. Two twins keep it: Redis and memory.

The words are those of Redis Streams (https://redis.io/docs/latest/develop/data-types/streams/). Entry ids are
``<ms or epoch>-<seq>``. One behavioural suite (``tests/broker``) runs on both twins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from dragoman_contracts.errors import Conflict, DragomanError, NotFound

Fields = Mapping[bytes, bytes]
AUTO_ID = "*"
FIRST_ID = "0-0"


class EntryIdRefused(Conflict):
    """An explicit entry id is equal to or smaller than the stream's last one: stored already, or stale."""

    code = "entry_id_refused"
    default_remedy = "Stored before, if the last id has the same epoch; else a newer connection writes here."


class GroupMissing(NotFound):
    """The stream or its consumer group does not exist (NOGROUP), as after a wiped Redis."""

    code = "group_missing"
    default_remedy = "Create it with ensure_group and go on."


class BusRejected(DragomanError):
    """Redis refused a command for a reason that a retry does not mend."""

    code = "bus_rejected"
    default_remedy = "Look in the service's log; a key may hold another type than a stream."


class Entry(NamedTuple):
    """One entry of a stream."""

    id: str
    fields: dict[bytes, bytes]


class Delivery(NamedTuple):
    """One entry as handed to a consumer of a group; ``times_delivered`` counts this time too."""

    id: str
    fields: dict[bytes, bytes]
    stream: str
    times_delivered: int


class Publication(NamedTuple):
    """One entry to append; an explicit ``entry_id`` makes a repeated publish idempotent."""

    stream: str
    fields: Fields
    entry_id: str = AUTO_ID


@dataclass(frozen=True, slots=True)
class PendingEntry:
    """An entry that was delivered and is not acknowledged."""

    id: str
    consumer: str
    idle_ms: int
    times_delivered: int


def id_parts(entry_id: str) -> tuple[int, int]:
    """The two numbers of an entry id, in the order in which ids compare."""
    first, _, second = entry_id.partition("-")
    return int(first), int(second or 0)


class Broker(Protocol):
    """What both twins do. Every method raises ``BusUnavailable`` while Redis is away."""

    async def publish(self, stream: str, fields: Fields, entry_id: str = AUTO_ID) -> str:
        """Append one entry and return its id.

        Raises:
            EntryIdRefused: an explicit id is equal to or smaller than the last one.

        """
        ...

    async def publish_many(self, publications: Sequence[Publication]) -> list[str | DragomanError]:
        """Append all in one round trip and in order; for each its id, or why it was refused.

        Where an entry's outcome is ``BusUnavailable`` it may or may not be stored, and so are all later
        entries of its stream: they do not overtake it. Entries of other streams may be stored all the same.

        Raises:
            BusUnavailable: the connection failed; some of them may be stored.

        """
        ...

    async def read(self, after: Mapping[str, str], count: int) -> dict[str, list[Entry]]:
        """Entries past the given id of each stream, at most ``count`` a stream; never waits.

        Streams without news are left out.
        """
        ...

    async def read_many(
        self, groups: Sequence[Mapping[str, str]], count: int
    ) -> list[dict[str, list[Entry]] | DragomanError]:
        """``read`` for several groups in one round trip; for each its news, or why there are none.

        All streams of a group must be of one shard. Of a cluster, a master that is away fails its own groups.

        Raises:
            BusUnavailable: nothing answers.

        """
        ...

    async def read_reverse(self, stream: str, count: int) -> list[Entry]:
        """The last ``count`` entries, newest first."""
        ...

    async def last_id(self, stream: str) -> str:
        """The greatest id ever appended, even if trimmed since; ``0-0`` where there is no stream."""
        ...

    async def ensure_group(self, stream: str, group: str) -> None:
        """Create the group at the stream's beginning, and the stream, if they do not exist."""
        ...

    async def read_group(
        self, stream: str, group: str, consumer: str, count: int, block_ms: int = 0
    ) -> list[Delivery]:
        """New entries for this consumer; waits up to ``block_ms`` for the first, 0 does not wait.

        Raises:
            GroupMissing: stream or group do not exist.

        """
        ...

    async def claim_stale(
        self, stream: str, group: str, consumer: str, min_idle_ms: int, count: int
    ) -> list[Delivery]:
        """Take over up to ``count`` entries that others hold for ``min_idle_ms`` or longer.

        Looks at all pending entries, however many. Entries deleted from the stream leave the pending list.

        Raises:
            GroupMissing: stream or group do not exist.

        """
        ...

    async def release(self, group: str, consumer: str, deliveries: Sequence[Delivery], idle_ms: int) -> None:
        """Give entries back untried: they count as idle for ``idle_ms`` and this delivery does not count."""
        ...

    async def ack(self, stream: str, group: str, ids: Sequence[str], delete: bool = False) -> int:
        """Acknowledge; how many were pending. ``delete`` removes the entries too, for every group."""
        ...

    async def pending(self, stream: str, group: str, count: int = 100) -> list[PendingEntry]:
        """The oldest ``count`` pending entries of a group.

        Raises:
            GroupMissing: stream or group do not exist.

        """
        ...

    async def length(self, stream: str) -> int:
        """Number of entries; 0 where there is no stream."""
        ...

    async def trim(self, stream: str, min_id: str) -> int:
        """Remove the entries before ``min_id``; how many."""
        ...

    async def delete(self, stream: str, ids: Sequence[str]) -> int:
        """Remove entries by id; how many there were."""
        ...

    async def drop(self, streams: Sequence[str]) -> int:
        """Remove whole streams with their groups; how many there were."""
        ...

    async def remove_idle_consumers(self, stream: str, group: str, min_idle_ms: int) -> list[str]:
        """Remove the names of consumers idle for ``min_idle_ms`` that hold nothing pending; which.

        Raises:
            GroupMissing: stream or group do not exist.

        """
        ...

    async def ping(self) -> None:
        """Return if the bus answers."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...
