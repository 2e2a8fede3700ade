"""A real Redis Cluster on loopback, of ``redis-server`` processes that end with the test."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from redis.asyncio import Redis
from redis.crc import key_slot
from redis.exceptions import RedisError, ResponseError

from dragoman_runtime.broker.redis import connect_redis
from dragoman_runtime.embedded_redis import EmbeddedRedis
from dragoman_runtime.ports import held_port

SLOTS = 16_384
NODE_TIMEOUT_MS = 1_500
BUS_PORT_OFFSET = 10_000
LIMIT_S = 30.0
POLL_S = 0.02

_OPTIONS = (
    *("--cluster-enabled", "yes"),
    *("--cluster-node-timeout", str(NODE_TIMEOUT_MS)),
    # Slots without a master must not stop those that have one.
    *("--cluster-require-full-coverage", "no"),
    # A replica is promoted however old its data.
    *("--cluster-replica-validity-factor", "0"),
    *("--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0"),
    *("--repl-ping-replica-period", "1"),
)


def _cluster_port() -> int:
    """A free port that leaves room for the cluster's own bus, 10000 above."""
    while True:
        with held_port() as port:
            if port + BUS_PORT_OFFSET <= 65_535:
                return port


class Node:
    """One server of the cluster and a client that talks to it alone."""

    def __init__(self, binary: Path | None) -> None:
        self.port = _cluster_port()
        self.server = EmbeddedRedis(port=self.port, binary=binary, options=_OPTIONS)
        # Any: redis-py types a reply as the union of everything that any client could answer.
        self.client: Any = connect_redis(f"redis://127.0.0.1:{self.port}")
        self.id = ""

    async def start(self) -> None:
        await self.server.start()
        self.id = (await self.call("MYID")).decode()

    async def call(self, *command: Any) -> Any:
        """A CLUSTER command; its raw reply."""
        client: Redis = self.client
        connection: Any = await client.connection_pool.get_connection()
        try:
            await connection.send_command("CLUSTER", *command)
            return await connection.read_response()
        finally:
            await client.connection_pool.release(connection)

    async def info(self) -> dict[str, str]:
        """What CLUSTER INFO says."""
        lines = (await self.call("INFO")).decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    async def is_master(self) -> bool:
        return bool((await self.client.info("replication"))["role"] == "master")

    async def close(self) -> None:
        await self.client.aclose()
        await self.server.close()


class ClusterServers:
    """Masters with equal parts of the slots, each with ``replicas`` replicas; an async context manager."""

    def __init__(self, *, masters: int = 3, replicas: int = 0, binary: Path | None = None) -> None:
        self.masters = [Node(binary) for _ in range(masters)]
        self.replicas = [Node(binary) for _ in range(masters * replicas)]

    @property
    def nodes(self) -> list[Node]:
        return self.masters + self.replicas

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.masters[0].port}"

    async def __aenter__(self) -> ClusterServers:
        try:
            await self.start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Start all servers, give out the slots and wait until every node agrees."""
        await asyncio.gather(*(node.start() for node in self.nodes))
        share = SLOTS // len(self.masters)
        for number, node in enumerate(self.nodes):
            # Else two masters begin with the same epoch, and one may lose its slots.
            await node.call("SET-CONFIG-EPOCH", number + 1)
            if node in self.masters:
                last = number == len(self.masters) - 1
                await node.call("ADDSLOTS", *range(number * share, SLOTS if last else (number + 1) * share))
        for node in self.nodes[1:]:
            await self.nodes[0].call("MEET", "127.0.0.1", node.port)
        await self._until(lambda: self._all_know(len(self.nodes)))
        for number, replica in enumerate(self.replicas):
            await replica.call("REPLICATE", self.masters[number % len(self.masters)].id)
        await self.until_healthy()
        for node in self.nodes:
            await node.client.connection_pool.disconnect()

    async def close(self) -> None:
        await asyncio.gather(*(node.close() for node in self.nodes))

    @asynccontextmanager
    async def renewed(self) -> AsyncIterator[None]:
        """For one test: healthy, with the masters of the start, empty; afterwards its clients are closed."""
        await asyncio.gather(*(node.server.start() for node in self.nodes))
        for node in self.nodes:
            await node.client.config_set("masterauth", "")
            await node.client.config_set("masteruser", "")
        await self.until_healthy()
        for master in self.masters:
            if not await master.is_master():
                await master.call("FAILOVER")
                await self.until_promoted(master)
        await self.until_healthy()
        await self.empty()
        try:
            yield
        finally:
            # Connections belong to the loop of the test.
            for node in self.nodes:
                await node.client.connection_pool.disconnect()

    async def empty(self) -> None:
        """Remove all keys and scripts."""
        for node in self.masters:
            await node.client.flushall()
            await node.client.script_flush()

    async def until_healthy(self) -> None:
        """Wait until every slot has a master that all know, and all replicas follow."""
        await self._until(self._is_healthy)

    async def master_of(self, key: str) -> Node:
        """The node that serves a key now."""
        slot = key_slot(key.encode())
        for node in self.nodes:
            try:
                ranges = await node.call("SLOTS")
            except (RedisError, OSError):
                continue
            port = next(row[2][1] for row in ranges if row[0] <= slot <= row[1])
            return next(node for node in self.nodes if node.port == port)
        raise AssertionError("no node answers")

    def replica_of(self, master: Node) -> Node:
        """The replica that was given to a master at the start."""
        return self.replicas[self.masters.index(master)]

    async def until_promoted(self, replica: Node) -> None:
        """Wait until a replica is the master."""
        await self._until(replica.is_master)

    async def cut_replication(self, master: Node) -> None:
        """From now on the master's replica lacks what is written; it cannot log in again."""
        replica = self.replica_of(master)
        await replica.client.config_set("masteruser", "nobody")
        await replica.client.config_set("masterauth", "nothing")
        await master.client.execute_command("CLIENT", "KILL", "TYPE", "replica")

        async def is_cut() -> bool:
            facts = await master.client.info("replication")
            return bool(facts["connected_slaves"] == 0)

        await self._until(is_cut)

    # --- moving a slot, step by step as redis-cli does -----------------------------------------------------

    async def begin_migration(self, slot: int, source: Node, target: Node) -> None:
        """From now on the slot's keys may be at either node."""
        await target.call("SETSLOT", slot, "IMPORTING", source.id)
        await source.call("SETSLOT", slot, "MIGRATING", target.id)

    async def move_keys(self, slot: int, source: Node, target: Node) -> int:
        """Move all keys that the source has now; how many."""
        moved = 0
        while names := await source.call("GETKEYSINSLOT", slot, 100):
            await source.client.execute_command(
                "MIGRATE", "127.0.0.1", target.port, "", 0, 5_000, "KEYS", *names
            )
            moved += len(names)
        return moved

    async def end_migration(self, slot: int, source: Node, target: Node) -> None:
        """The slot is the target's; the target is told first, so that no node sends back and forth."""
        await target.call("SETSLOT", slot, "NODE", target.id)
        await source.call("SETSLOT", slot, "NODE", target.id)
        for node in self.masters:
            if node not in (source, target):
                await node.call("SETSLOT", slot, "NODE", target.id)

    async def move_slot(self, slot: int, source: Node, target: Node) -> None:
        """All of it."""
        await self.begin_migration(slot, source, target)
        await self.move_keys(slot, source, target)
        await self.end_migration(slot, source, target)

    # --- waiting -------------------------------------------------------------------------------------------

    async def _all_know(self, count: int) -> bool:
        infos = [await node.info() for node in self.nodes]
        return all(int(info["cluster_known_nodes"]) == count for info in infos)

    async def _is_healthy(self) -> bool:
        for node in self.nodes:
            info = await node.info()
            if info["cluster_state"] != "ok" or int(info["cluster_slots_ok"]) != SLOTS:
                return False
            ranges = await node.call("SLOTS")
            if sum(len(row) - 3 for row in ranges if row[1] - row[0] > 1) < len(self.replicas):
                return False
        for replica in self.replicas:
            facts = await replica.client.info("replication")
            if facts["role"] == "slave" and facts["master_link_status"] != "up":
                return False
        return True

    async def _until(self, condition: Any) -> None:
        deadline = time.monotonic() + LIMIT_S
        while True:
            try:
                if await condition():
                    return
            except (ResponseError, OSError, RedisError):
                pass  # a node that is about to change
            if time.monotonic() > deadline:
                raise AssertionError("the cluster does not come together")
            await asyncio.sleep(POLL_S)
