"""The wire to a Redis Cluster: commands split by slot to the masters, redirections followed.

redis-py's ``RedisCluster`` keeps the topology and the connections; its own commands are not used, for they
wait up to seconds inside one call and repeat commands of which it is not known whether they were carried out.
What is redirected (MOVED, ASK) was not carried out, so it is sent again at once. What else fails is told in
the place of its reply, so that a master that is away fails its own commands only.
(https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/)
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence
from typing import Any

from loguru import logger
from redis.asyncio import RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MaxConnectionsError,
    MovedError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from dragoman_contracts.errors import BusUnavailable
from dragoman_runtime.broker.wire import Command, bus_error, round_trip

MAX_REDIRECTS = 5
CONNECT_TIMEOUT_S = 2.0
"""At most so long for a connection to one node: there are others to learn the topology from."""
MEND_S, MEND_MAX_S = 0.05, 0.5
"""Pause between two looks at a topology in which something is amiss."""

_KEYLESS = frozenset({"PING", "INFO", "TIME"})
_KEY_IS_THIRD = frozenset({"XINFO", "XGROUP", "OBJECT", "MEMORY"})
_SILENT = (RedisConnectionError, RedisTimeoutError, OSError, TimeoutError)


def connect_cluster(
    url: str, *, timeout_s: float = 5.0, max_connections: int = 64, client_name: str = "dragoman"
) -> RedisCluster:
    """A client for the cluster that ``redis://`` or ``rediss://`` leads to; connects at its first command.

    Args:
        url: Any of its nodes, or a name that resolves to several of them.
        timeout_s: Seconds until a command counts as failed.
        max_connections: Bound of the connections to each node.
        client_name: How the connections are named in Redis.

    """
    client: RedisCluster = RedisCluster.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=min(timeout_s, CONNECT_TIMEOUT_S),
        retry=Retry(NoBackoff(), 0),
        max_connections=max_connections,
        client_name=client_name,
        # A part of the slots without a master must not stop the others.
        require_full_coverage=False,
        # RESP2: one reply shape from 6.2 on.
        protocol=2,
        decode_responses=False,
    )
    return client


def key_of(command: Command) -> Any:
    """The first key of a command of the bus; None if it has none."""
    name = command[0]
    if name in {"EVAL", "EVALSHA"}:
        return command[3] if command[2] else None
    if name in {"XREAD", "XREADGROUP"}:
        return command[command.index("STREAMS") + 1]
    if name in _KEYLESS:
        return None
    return command[2] if name in _KEY_IS_THIRD else command[1]


def slot_of(key: str | bytes) -> int:
    """The hash slot of a key."""
    return key_slot(key.encode() if isinstance(key, str) else key)


class ClusterWire:
    """The masters of one Redis Cluster; never reads from replicas.

    A master that cannot be reached or does not answer in time is set aside: commands for it fail at once,
    until it answers again or another one has its slots. Else every command of the others would wait for it.
    """

    def __init__(self, client: RedisCluster) -> None:
        self._topology = client.nodes_manager
        self._timeout_s: float = client.connection_kwargs.get("socket_timeout") or 5.0
        self._seeds = dict(self._topology.startup_nodes)
        self._aside: set[str] = set()
        self._amiss = False
        self._mending: asyncio.Task[None] | None = None

    async def exchange(self, commands: Sequence[Command], *, wait_s: float = 0.0) -> list[Any]:
        """See ``Wire.exchange``; commands of one slot reach its master in their order."""
        replies: list[Any] = [None] * len(commands)
        if not commands:
            return replies
        if not self._topology.slots_cache:
            await self._learn()
        places = range(len(commands))
        masters = [self._master_for(key_of(command)) for command in commands]
        routes: dict[int, tuple[ClusterNode | None, bool]] = {
            place: (masters[place], False) for place in places
        }
        for _ in range(MAX_REDIRECTS):
            await self._send_all(commands, routes, replies, wait_s)
            routes = await self._redirected(commands, replies, routes)
            if not routes:
                break
        if all(isinstance(reply, _SILENT) for reply in replies):
            raise bus_error(replies[0])
        return replies

    def split(self, keys: Iterable[str]) -> list[list[str]]:
        """Keys of one slot can be named by one command."""
        slots: dict[int, list[str]] = {}
        for key in keys:
            slots.setdefault(slot_of(key), []).append(key)
        return list(slots.values())

    async def close(self) -> None:
        """Close all connections."""
        if self._mending is not None:
            self._mending.cancel()
        nodes = {*self._topology.nodes_cache.values(), *self._topology.startup_nodes.values()}
        await asyncio.gather(
            *(node.disconnect() for node in (*nodes, *self._seeds.values())), return_exceptions=True
        )

    # --- sending -----------------------------------------------------------------------------------------

    def _master_for(self, key: Any) -> ClusterNode | None:
        if key is not None:
            nodes = self._topology.slots_cache.get(slot_of(key))
            return nodes[0] if nodes else None
        masters = [node for node in self._masters() if node.name not in self._aside]
        return random.choice(masters) if masters else None

    def _masters(self) -> set[ClusterNode]:
        return {nodes[0] for nodes in self._topology.slots_cache.values()}

    async def _send_all(
        self,
        commands: Sequence[Command],
        routes: dict[int, tuple[ClusterNode | None, bool]],
        replies: list[Any],
        wait_s: float,
    ) -> None:
        """Each node gets its part in one write, all nodes at the same time."""
        parts: dict[tuple[ClusterNode | None, bool], list[int]] = {}
        for place, route in routes.items():
            parts.setdefault(route, []).append(place)
        found = await asyncio.gather(
            *(
                self._send(node, [commands[place] for place in places], asking, wait_s)
                for (node, asking), places in parts.items()
            )
        )
        for places, answers in zip(parts.values(), found, strict=True):
            for place, answer in zip(places, answers, strict=True):
                replies[place] = answer

    async def _send(
        self, node: ClusterNode | None, commands: list[Command], asking: bool, wait_s: float
    ) -> list[Any]:
        """The replies of one node; what got none has the failure in its place."""
        failure: Exception
        replies: list[Any] = []
        if asking:
            commands = [part for command in commands for part in (("ASKING",), command)]
        if node is None:
            failure = ClusterDownError("no master serves the slot", status_code="CLUSTERDOWN")
            self._mend()
        elif node.name in self._aside:
            failure = RedisConnectionError("the master does not answer")
        else:
            try:
                await self._talk(node, commands, replies, wait_s)
            except MaxConnectionsError as error:
                failure = error
            except (RedisError, OSError, TimeoutError) as error:
                failure = error
                self._mend()
        replies += [failure for _ in range(len(commands) - len(replies))]
        return replies[1::2] if asking else replies

    async def _talk(
        self, node: ClusterNode, commands: Sequence[Command], replies: list[Any], wait_s: float
    ) -> None:
        connection = node.acquire_connection()
        reached = False
        try:
            async with asyncio.timeout(self._timeout_s + wait_s):
                await _ready(node, connection)
                reached = True
                await round_trip(connection, commands, replies)
        except BaseException as error:
            # Cancelled or broken half way: replies to come would answer somebody else's command.
            await connection.disconnect(nowait=True)
            # A connection that breaks says nothing of the next one.
            if isinstance(error, TimeoutError) or (isinstance(error, Exception) and not reached):
                self._set_aside(node)
            raise
        finally:
            node.release(connection)

    # --- redirections ------------------------------------------------------------------------------------

    async def _redirected(
        self,
        commands: Sequence[Command],
        replies: list[Any],
        sent: dict[int, tuple[ClusterNode | None, bool]],
    ) -> dict[int, tuple[ClusterNode | None, bool]]:
        """Where the commands go that were redirected; they have not been carried out."""
        again: dict[int, tuple[ClusterNode | None, bool]] = {}
        for place, (node, _) in sent.items():
            reply = replies[place]
            if isinstance(reply, AskError):
                assert node is not None  # noqa: S101  # a reply came from it
                # Redis 7 leaves the host out where it is that of the node that answers.
                reply.host = reply.host if reply.host not in {"", "?"} else node.host
                if isinstance(reply, MovedError):
                    await self._moved(reply)
                    again[place] = (self._master_for(key_of(commands[place])), False)
                else:
                    again[place] = (self._node(reply.host, reply.port), True)
                # Stays where the redirections lead round in a circle, as while a slot changes hands.
                replies[place] = TryAgainError("the slot is on its way", status_code="TRYAGAIN")
            elif isinstance(reply, (ClusterDownError, ReadOnlyError)):
                self._mend()
        return again

    async def _moved(self, error: MovedError) -> None:
        if error.slot_id in self._topology.slots_cache:
            # Of a failover this moves all slots of the old master, of a migration the one slot.
            await self._topology.move_slot(error)
        else:
            self._topology.slots_cache[error.slot_id] = [self._node(error.host, error.port)]
        self._mend()

    def _node(self, host: str, port: int) -> ClusterNode:
        node = self._topology.get_node(host=host, port=port)
        if node is None:
            node = ClusterNode(host, port, "primary", **self._topology.connection_kwargs)
            self._topology.set_nodes(self._topology.nodes_cache, {node.name: node})
        return node

    # --- mending -----------------------------------------------------------------------------------------

    async def _learn(self) -> None:
        """Ask for the topology.

        Raises:
            BusUnavailable: no node tells it.

        """
        down = next(iter(self._aside), None)
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._topology.initialize(last_failed_node_name=down)
        except Exception as error:  # of a node that serves no slots yet redis-py makes an IndexError
            # All addresses that are known may be of the past: ask those of the settings next time.
            for name, seed in self._seeds.items():
                self._topology.startup_nodes.setdefault(name, seed)
            if isinstance(error.__cause__, RedisClusterException):
                raise BusUnavailable(
                    "Redis does not run as a cluster.",
                    remedy="Set DRAGOMAN_REDIS_CLUSTER=false, or name a node of a cluster.",
                ) from None
            raise BusUnavailable(f"No node of the cluster answers ({type(error).__name__}).") from None

    def _set_aside(self, node: ClusterNode) -> None:
        if node.name not in self._aside:
            logger.warning("a master of the cluster does not answer; its commands wait")
            self._aside.add(node.name)

    def _mend(self) -> None:
        """Something is amiss: learn the topology anew, in the background."""
        self._amiss = True
        if self._mending is None or self._mending.done():
            self._mending = asyncio.get_running_loop().create_task(self._mend_all())

    async def _mend_all(self) -> None:
        pause_s = MEND_S
        while self._amiss:
            self._amiss = False
            try:
                await self._learn()
                await self._look_after_aside()
            except BusUnavailable:
                self._amiss = True
            await asyncio.sleep(pause_s)
            pause_s = min(MEND_MAX_S, pause_s * 2)

    async def _look_after_aside(self) -> None:
        """Take back masters that answer, forget nodes that are masters no more."""
        masters = {node.name: node for node in self._masters()}
        self._aside &= masters.keys()
        names = list(self._aside)
        for name, answers in zip(
            names, await asyncio.gather(*(self._answers(masters[name]) for name in names)), strict=True
        ):
            if answers:
                logger.info("a master of the cluster answers again")
                self._aside.discard(name)
            else:
                self._amiss = True

    async def _answers(self, node: ClusterNode) -> bool:
        replies: list[Any] = []
        try:
            await self._talk(node, [("PING",)], replies, 0.0)
        except (RedisError, OSError, TimeoutError):
            return False
        return not isinstance(replies[0], Exception)


async def _ready(node: ClusterNode, connection: Any) -> None:
    """Connected, and to a process that still lives: an idle connection may have been closed meanwhile."""
    await node.disconnect_if_needed(connection)
    await connection.connect()
    try:
        usable = not await connection.can_read()
    except (RedisConnectionError, RedisTimeoutError, OSError):
        usable = False
    if not usable:
        await connection.disconnect()
        await connection.connect()
