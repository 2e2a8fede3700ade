"""The bus on Redis 6.2 or newer, alone or as a cluster: each command of the bus over a ``Wire``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff

from dragoman_contracts.errors import DragomanError
from dragoman_runtime.broker.base import (
    AUTO_ID,
    FIRST_ID,
    BusRejected,
    Delivery,
    Entry,
    Fields,
    GroupMissing,
    PendingEntry,
    Publication,
)
from dragoman_runtime.broker.cluster import ClusterWire, connect_cluster
from dragoman_runtime.broker.wire import Command, NodeWire, Wire, bus_error, raise_first
from dragoman_runtime.settings import RuntimeSettings

__all__ = ["RedisBroker", "bus_error", "connect", "connect_redis"]

_REMOVE_IDLE = files("dragoman_runtime").joinpath("lua/remove_idle_consumers.lua").read_text()
_APPEND = files("dragoman_runtime").joinpath("lua/append_entries.lua").read_text()
_RUN = "return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')"
_PENDING_PAGE = 500


def connect_redis(
    url: str,
    *,
    timeout_s: float = 5.0,
    retries: int = 0,
    max_connections: int = 64,
    client_name: str = "dragoman",
) -> Redis:
    """A client for ``redis://``, ``rediss://`` or ``unix://``; connects at its first command.

    redis-py would repeat a command 10 times by itself. A repeated command cannot tell whether the first
    attempt was carried out, so the default here is none: the loops of this product retry on purpose, where
    they know that it is safe. Set ``retries`` for a client that runs idempotent commands only. A command with
    BLOCK must block for less than ``timeout_s``; ``RedisBroker.read_group`` sees to it.
    """
    client: Redis = Redis.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=1.0), retries),
        max_connections=max_connections,
        client_name=client_name,
        # RESP2: one reply shape from 6.2 on.
        protocol=2,
        decode_responses=False,
    )
    return client


def connect(runtime: RuntimeSettings, *, client_name: str = "dragoman") -> Redis | RedisCluster:
    """The client that the settings ask for: of one Redis, or of a cluster."""
    if runtime.redis_cluster:
        return connect_cluster(runtime.redis_url, timeout_s=runtime.redis_timeout_s, client_name=client_name)
    return connect_redis(runtime.redis_url, timeout_s=runtime.redis_timeout_s, client_name=client_name)


class RedisBroker:
    """The bus on a client made by ``connect``; see ``Broker`` for what each method does."""

    def __init__(self, client: Redis | RedisCluster) -> None:
        self.client = client
        if client.get_connection_kwargs().get("protocol") != 2:
            raise ValueError("RedisBroker needs a client with protocol=2; make it with connect")
        self._wire: Wire = ClusterWire(client) if isinstance(client, RedisCluster) else NodeWire(client)

    # --- append and read ---------------------------------------------------------------------------------

    async def publish(self, stream: str, fields: Fields, entry_id: str = AUTO_ID) -> str:
        """Append one entry; see ``Broker.publish``."""
        return _text(await self._call(*_xadd(Publication(stream, fields, entry_id))))

    async def publish_many(self, publications: Sequence[Publication]) -> list[str | DragomanError]:
        """Append all in one round trip; see ``Broker.publish_many``."""
        by_stream: dict[str, list[int]] = {}
        for place, publication in enumerate(publications):
            by_stream.setdefault(publication.stream, []).append(place)
        replies = await self.exchange(
            [_append([publications[place] for place in places]) for places in by_stream.values()]
        )
        outcomes: list[str | DragomanError] = [""] * len(publications)
        for places, reply in zip(by_stream.values(), replies, strict=True):
            # One entry is a plain XADD; of several, one error is the answer for all of them.
            alone = len(places) == 1 or isinstance(reply, Exception)
            for place, one in zip(places, [reply] * len(places) if alone else reply, strict=True):
                outcomes[place] = bus_error(one) if isinstance(one, Exception) else one.decode()
        return outcomes

    async def read(self, after: Mapping[str, str], count: int) -> dict[str, list[Entry]]:
        """One XREAD a slot without BLOCK (over many keys it costs 2-7 times more); see ``Broker.read``."""
        found: dict[str, list[Entry]] = {}
        groups = [{stream: after[stream] for stream in group} for group in self._wire.split(after)]
        for outcome in await self.read_many(groups, count):
            if isinstance(outcome, DragomanError):
                raise outcome
            found.update(outcome)
        return found

    async def read_many(
        self, groups: Sequence[Mapping[str, str]], count: int
    ) -> list[dict[str, list[Entry]] | DragomanError]:
        """One XREAD a group, all in one round trip; see ``Broker.read_many``."""
        wanted = [after for after in groups if after]
        replies = iter(
            await self.exchange(
                [("XREAD", "COUNT", count, "STREAMS", *after.keys(), *after.values()) for after in wanted]
            )
        )
        return [_news(next(replies)) if after else {} for after in groups]

    async def read_reverse(self, stream: str, count: int) -> list[Entry]:
        """The last entries, newest first; see ``Broker.read_reverse``."""
        return _entries(await self._call("XREVRANGE", stream, "+", "-", "COUNT", count))

    async def last_id(self, stream: str) -> str:
        """The greatest id ever appended; see ``Broker.last_id``."""
        try:
            facts = await self._call("XINFO", "STREAM", stream)
        except GroupMissing:
            return FIRST_ID
        return _text(_pairs(facts)[b"last-generated-id"])

    # --- groups ------------------------------------------------------------------------------------------

    async def ensure_group(self, stream: str, group: str) -> None:
        """Create the group at 0, never at $, which would skip what was published before."""
        try:
            await self._call("XGROUP", "CREATE", stream, group, "0", "MKSTREAM")
        except BusRejected as error:
            if "BUSYGROUP" not in error.message:
                raise

    async def read_group(
        self, stream: str, group: str, consumer: str, count: int, block_ms: int = 0
    ) -> list[Delivery]:
        """New entries; see ``Broker.read_group``. Cancelled while it waits, it closes its connection."""
        # BLOCK 0 would wait without end.
        block: Command = ("BLOCK", block_ms) if block_ms > 0 else ()
        command = ("XREADGROUP", "GROUP", group, consumer, "COUNT", count, *block, "STREAMS", stream, ">")
        reply = (await self.exchange([command], wait_s=block_ms / 1000))[0]
        if isinstance(reply, Exception):
            raise bus_error(reply) from None
        if not reply:
            return []
        return [
            Delivery(entry_id.decode(), _pairs(flat), stream, 1)
            for entry_id, flat in reply[0][1]
            if flat is not None
        ]

    async def claim_stale(
        self, stream: str, group: str, consumer: str, min_idle_ms: int, count: int
    ) -> list[Delivery]:
        """Walk XAUTOCLAIM's cursor to its end: one call looks at 10 x COUNT entries only."""
        cursor, claimed, saw_deleted = FIRST_ID, list[Entry](), False
        while len(claimed) < count:
            reply = await self._call(
                "XAUTOCLAIM", stream, group, consumer, min_idle_ms, cursor, "COUNT", count - len(claimed)
            )
            # 7.0 adds the list of deleted ids as third part; 6.2 has nil among the entries instead.
            cursor = _text(reply[0])
            saw_deleted |= any(entry is None for entry in reply[1])
            claimed += _entries(entry for entry in reply[1] if entry is not None)
            if cursor == FIRST_ID:
                break
        if saw_deleted:
            await self._forget_deleted(stream, group, consumer)
        return await self._with_counts(stream, group, claimed)

    async def _with_counts(self, stream: str, group: str, entries: list[Entry]) -> list[Delivery]:
        """Add the delivery counters, which XAUTOCLAIM raises but does not tell."""
        replies = await self.exchange([("XPENDING", stream, group, e.id, e.id, 1) for e in entries])
        return [
            Delivery(entry.id, entry.fields, stream, int(reply[0][3]))
            for entry, reply in zip(entries, replies, strict=True)
            # Empty when another consumer acknowledged it in between.
            if not isinstance(reply, Exception) and reply
        ]

    async def _forget_deleted(self, stream: str, group: str, consumer: str) -> None:
        """On 6.2: acknowledge what is pending for ``consumer`` but no longer in the stream.

        7.0 does so by itself; 6.2 would hand out nil for these entries again and again.
        """
        start = "-"
        while page := await self._call("XPENDING", stream, group, start, "+", _PENDING_PAGE, consumer):
            ids = [_text(row[0]) for row in page]
            found = await self.exchange([("XRANGE", stream, entry_id, entry_id) for entry_id in ids])
            gone = [entry_id for entry_id, reply in zip(ids, found, strict=True) if reply == []]
            if gone:
                await self.ack(stream, group, gone)
            start = f"({ids[-1]}"

    async def release(self, group: str, consumer: str, deliveries: Sequence[Delivery], idle_ms: int) -> None:
        """XCLAIM to oneself with an idle time and the old counter; see ``Broker.release``."""
        await self.ask(
            [
                ("XCLAIM", d.stream, group, consumer, 0, d.id, "IDLE", idle_ms, *_untried(d))
                for d in deliveries
            ]
        )

    async def ack(self, stream: str, group: str, ids: Sequence[str], delete: bool = False) -> int:
        """XACK, and XDEL if asked, in one round trip; see ``Broker.ack``."""
        if not ids:
            return 0
        commands: list[Command] = [("XACK", stream, group, *ids)]
        if delete:
            commands.append(("XDEL", stream, *ids))
        return int((await self.ask(commands))[0])

    async def pending(self, stream: str, group: str, count: int = 100) -> list[PendingEntry]:
        """The oldest pending entries; see ``Broker.pending``."""
        rows = await self._call("XPENDING", stream, group, "-", "+", count)
        return [PendingEntry(_text(row[0]), _text(row[1]), int(row[2]), int(row[3])) for row in rows]

    async def remove_idle_consumers(self, stream: str, group: str, min_idle_ms: int) -> list[str]:
        """One script, so that no name takes an entry with it; see ``Broker.remove_idle_consumers``."""
        # EVAL, not EVALSHA: it runs once in minutes, and a restarted Redis has no scripts.
        return [_text(name) for name in await self._call("EVAL", _REMOVE_IDLE, 1, stream, group, min_idle_ms)]

    # --- streams -----------------------------------------------------------------------------------------

    async def length(self, stream: str) -> int:
        """XLEN."""
        return int(await self._call("XLEN", stream))

    async def trim(self, stream: str, min_id: str) -> int:
        """XTRIM MINID, exact."""
        return int(await self._call("XTRIM", stream, "MINID", min_id))

    async def delete(self, stream: str, ids: Sequence[str]) -> int:
        """XDEL."""
        return int(await self._call("XDEL", stream, *ids)) if ids else 0

    async def drop(self, streams: Sequence[str]) -> int:
        """UNLINK, one a stream: they may be of several slots."""
        return sum(await self.ask([("UNLINK", stream) for stream in streams]))

    async def ping(self) -> None:
        """PING; of a cluster, any master answers."""
        await self._call("PING")

    async def server_run(self, key: str) -> str:
        """Names the run of the Redis that serves ``key``; another one may lack the last writes."""
        # A script, for INFO by itself has no key that would lead to the right master of a cluster.
        return _text(await self._call("EVAL", _RUN, 1, key))[:8]

    async def close(self) -> None:
        """Close the client and its connections."""
        await self._wire.close()

    # --- the wire ----------------------------------------------------------------------------------------

    async def _call(self, *command: Any) -> Any:
        return (await self.ask([command]))[0]

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        """All replies in one round trip.

        Raises:
            DragomanError: the first reply that is an error.

        """
        replies = await self.exchange(commands)
        raise_first(replies)
        return replies

    async def exchange(self, commands: Sequence[Command], *, wait_s: float = 0.0) -> list[Any]:
        """All replies, an exception in the place of a reply that is one; see ``Wire.exchange``."""
        return await self._wire.exchange(commands, wait_s=wait_s)


def _append(publications: Sequence[Publication]) -> Command:
    """One command for the entries of one stream: none gets in where an earlier one could not."""
    if len(publications) == 1:
        return _xadd(publications[0])
    arguments: list[Any] = []
    for publication in publications:
        arguments += (publication.entry_id, 2 * len(publication.fields))
        for pair in publication.fields.items():
            arguments += pair
    return ("EVAL", _APPEND, 1, publications[0].stream, *arguments)


def _news(reply: Any) -> dict[str, list[Entry]] | DragomanError:
    if isinstance(reply, Exception):
        return bus_error(reply)
    return {_text(stream): _entries(entries) for stream, entries in reply or ()}


def _xadd(publication: Publication) -> Command:
    command: list[Any] = ["XADD", publication.stream, publication.entry_id]
    for pair in publication.fields.items():
        command += pair
    return tuple(command)


def _untried(delivery: Delivery) -> Command:
    return ("RETRYCOUNT", delivery.times_delivered - 1, "JUSTID")


def _text(value: bytes) -> str:
    return value.decode()


def _pairs(flat: Sequence[bytes]) -> dict[bytes, Any]:
    walk = iter(flat)
    return dict(zip(walk, walk, strict=True))


def _entries(rows: Iterable[Any]) -> list[Entry]:
    return [Entry(entry_id.decode(), _pairs(flat)) for entry_id, flat in rows]
