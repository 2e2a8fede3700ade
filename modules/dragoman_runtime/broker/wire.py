"""The one wire shape of the bus: write all commands at once, read all replies under one deadline.

redis-py's pipeline does the same but sets a timer a reply and repeats the whole pipeline when a connection
breaks; a repeated XADD can then not tell "stored by the first attempt" from "refused".
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from dragoman_contracts.errors import BusUnavailable, DragomanError
from dragoman_runtime.broker.base import BusRejected, EntryIdRefused, GroupMissing

Command = tuple[Any, ...]

# A script of 6.2 sets words before the code: "ERR Error running script (…): @user_script:1: -OOM command …".
_CANNOT_SERVE = re.compile(
    r"(?:^|\s-)"
    r"(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|OOM|MISCONF|NOREPLICAS|BUSY)(?: |$)"
)
"""Replies of a Redis that is there but cannot serve now; a retry helps."""


def bus_error(error: Exception) -> DragomanError:
    """The contract's error for one of redis-py's; never repeats an address, which may carry a password."""
    text = str(error)
    # redis-py cuts the code off the text of the errors that it knows.
    code = getattr(error, "status_code", None)
    if cannot_serve := _CANNOT_SERVE.search(f"{code} {text}" if code else text):
        is_cluster = cannot_serve[1] in {"MOVED", "ASK"}
        return BusUnavailable(
            f"Redis cannot serve now: {cannot_serve[1]}.",
            remedy="It is a cluster: set DRAGOMAN_REDIS_CLUSTER=true." if is_cluster else None,
        )
    if isinstance(error, (RedisConnectionError, RedisTimeoutError, OSError, TimeoutError)):
        return BusUnavailable(f"Redis does not answer ({type(error).__name__}).")
    # From inside a script these words come with a frame around them.
    # UNBLOCKED: the stream was deleted while a read waited on it.
    if "NOGROUP" in text or "no such key" in text or text.startswith("UNBLOCKED"):
        return GroupMissing("The stream or its consumer group does not exist.")
    if "equal or smaller" in text:
        return EntryIdRefused("The entry id is equal to or smaller than the stream's last id.")
    return BusRejected(f"Redis refused a command: {text[:120]}")


def raise_first(replies: Iterable[Any]) -> None:
    """Raise the first error among replies as the contract's."""
    for reply in replies:
        if isinstance(reply, Exception):
            raise bus_error(reply) from None


class Wire(Protocol):
    """How commands get to Redis and replies back."""

    async def exchange(self, commands: Sequence[Command], *, wait_s: float = 0.0) -> list[Any]:
        """All replies in the order of the commands, an exception in the place of a reply that is one.

        Args:
            commands: Name and arguments of each; a command's keys must be of one slot.
            wait_s: Seconds that the commands themselves may block, on top of the timeout.

        Raises:
            BusUnavailable: nothing answers; some of the commands may have been carried out.

        """
        ...

    def split(self, keys: Iterable[str]) -> list[list[str]]:
        """Groups of keys that one command may name together."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


async def round_trip(connection: Any, commands: Sequence[Command], replies: list[Any]) -> None:
    """Write all commands, append their replies to ``replies`` one by one; redis-py's errors break it off."""
    await connection.send_packed_command(connection.pack_commands(commands))
    for _ in commands:
        try:
            # inf: no timer of its own, the exchange has one deadline.
            replies.append(await connection.read_response(timeout=math.inf))
        except ResponseError as error:
            replies.append(error)


class NodeWire:
    """One Redis."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._pool = client.connection_pool
        self._timeout_s: float = self._pool.connection_kwargs.get("socket_timeout") or 5.0

    async def exchange(self, commands: Sequence[Command], *, wait_s: float = 0.0) -> list[Any]:
        """See ``Wire.exchange``; a connection that breaks fails all commands."""
        replies: list[Any] = []
        if not commands:
            return replies
        try:
            async with asyncio.timeout(self._timeout_s + wait_s):
                connection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
                try:
                    await round_trip(connection, commands, replies)
                except BaseException:
                    # Cancelled or broken half way: replies to come would answer somebody else's command.
                    await connection.disconnect(nowait=True)
                    raise
                finally:
                    await asyncio.shield(self._pool.release(connection))
        except (RedisError, OSError, TimeoutError) as error:
            raise bus_error(error) from None
        if any(isinstance(reply, ReadOnlyError) for reply in replies):
            # Another Redis may be the master now: a name or proxy leads there, an open connection does not.
            await self._pool.disconnect(inuse_connections=False)
        return replies

    def split(self, keys: Iterable[str]) -> list[list[str]]:
        """One Redis takes all keys in one command."""
        return [list(keys)]

    async def close(self) -> None:
        """Close the client and its connections."""
        await self._client.aclose()
