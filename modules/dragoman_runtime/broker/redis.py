"""The bus on Redis 6.2 or newer, through redis-py's connections.

One round trip has one shape, ``exchange``: take a connection, write all commands at once, read all replies
under one deadline. redis-py's pipeline does the same but sets a timer a reply and repeats the whole pipeline
when a connection breaks; a repeated XADD can then not tell "stored by the first attempt" from "refused".
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from dragoman_contracts.errors import BusUnavailable, DragomanError
from dragoman_runtime.broker.base import (
    AUTO_ID,
    FIRST_ID,
    BusRejected,
    Delivery,
    Entry,
    EntryIdRefused,
    Fields,
    GroupMissing,
    PendingEntry,
    Publication,
)

_REMOVE_IDLE = files("dragoman_runtime").joinpath("lua/remove_idle_consumers.lua").read_text()
_AWAY_CODES = ("LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "OOM", "MISCONF", "BUSY ")
"""Replies of a Redis that is there but cannot serve now; a retry helps."""
_PENDING_PAGE = 500

Command = tuple[Any, ...]


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


def bus_error(error: Exception) -> DragomanError:
    """The contract's error for one of redis-py's; never repeats an address, which may carry a password."""
    if isinstance(error, (RedisConnectionError, RedisTimeoutError, OSError, TimeoutError)):
        return BusUnavailable(f"Redis does not answer ({type(error).__name__}).")
    text = str(error)
    if text.startswith(_AWAY_CODES):
        return BusUnavailable(f"Redis cannot serve now: {text.split(' ', maxsplit=1)[0]}.")
    # From inside a script these words come with a frame around them.
    # UNBLOCKED: the stream was deleted while a read waited on it.
    if "NOGROUP" in text or "no such key" in text or text.startswith("UNBLOCKED"):
        return GroupMissing("The stream or its consumer group does not exist.")
    if "equal or smaller" in text:
        return EntryIdRefused("The entry id is equal to or smaller than the stream's last id.")
    return BusRejected(f"Redis refused a command: {text[:120]}")


class RedisBroker:
    """The bus on a client made by ``connect_redis``; see ``Broker`` for what each method does."""

    def __init__(self, client: Redis) -> None:
        self._pool = client.connection_pool
        self._client = client
        options = self._pool.connection_kwargs
        if options.get("protocol") != 2:
            raise ValueError("RedisBroker needs a client with protocol=2; make it with connect_redis")
        self._timeout_s: float = options.get("socket_timeout") or 5.0

    # --- append and read ---------------------------------------------------------------------------------

    async def publish(self, stream: str, fields: Fields, entry_id: str = AUTO_ID) -> str:
        """Append one entry; see ``Broker.publish``."""
        return _text(await self._call(*_xadd(Publication(stream, fields, entry_id))))

    async def publish_many(self, publications: Sequence[Publication]) -> list[str | DragomanError]:
        """Append all in one round trip; see ``Broker.publish_many``."""
        replies = await self.exchange([_xadd(publication) for publication in publications])
        return [bus_error(reply) if isinstance(reply, Exception) else reply.decode() for reply in replies]

    async def read(self, after: Mapping[str, str], count: int) -> dict[str, list[Entry]]:
        """One XREAD without BLOCK (over many keys BLOCK costs 2-7 times more); see ``Broker.read``."""
        if not after:
            return {}
        reply = await self._call("XREAD", "COUNT", count, "STREAMS", *after.keys(), *after.values())
        return {_text(stream): _entries(entries) for stream, entries in reply or ()}

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
        replies = await self.exchange(
            [
                ("XCLAIM", d.stream, group, consumer, 0, d.id, "IDLE", idle_ms, *_untried(d))
                for d in deliveries
            ]
        )
        _raise_first(replies)

    async def ack(self, stream: str, group: str, ids: Sequence[str], delete: bool = False) -> int:
        """XACK, and XDEL if asked, in one round trip; see ``Broker.ack``."""
        if not ids:
            return 0
        commands: list[Command] = [("XACK", stream, group, *ids)]
        if delete:
            commands.append(("XDEL", stream, *ids))
        replies = await self.exchange(commands)
        _raise_first(replies)
        return int(replies[0])

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
        """UNLINK."""
        return int(await self._call("UNLINK", *streams)) if streams else 0

    async def ping(self) -> None:
        """PING."""
        await self._call("PING")

    async def close(self) -> None:
        """Close the client and its connections."""
        await self._client.aclose()

    # --- the wire ----------------------------------------------------------------------------------------

    async def _call(self, *command: Any) -> Any:
        reply = (await self.exchange([command]))[0]
        if isinstance(reply, Exception):
            raise bus_error(reply) from None
        return reply

    async def exchange(self, commands: Sequence[Command], *, wait_s: float = 0.0) -> list[Any]:
        """All replies, a ``ResponseError`` in the place of a reply that is one."""
        if not commands:
            return []
        try:
            async with asyncio.timeout(self._timeout_s + wait_s):
                connection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
                try:
                    await connection.send_packed_command(connection.pack_commands(commands))
                    return [await _reply(connection) for _ in commands]
                except BaseException:
                    # Cancelled or broken half way: replies to come would answer somebody else's command.
                    await connection.disconnect(nowait=True)
                    raise
                finally:
                    await asyncio.shield(self._pool.release(connection))
        except (RedisError, OSError, TimeoutError) as error:
            raise bus_error(error) from None


async def _reply(connection: Any) -> Any:
    try:
        # inf: no timer of its own, the exchange has one deadline.
        return await connection.read_response(timeout=math.inf)
    except ResponseError as error:
        return error


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


def _raise_first(replies: Sequence[Any]) -> None:
    for reply in replies:
        if isinstance(reply, Exception):
            raise bus_error(reply) from None
