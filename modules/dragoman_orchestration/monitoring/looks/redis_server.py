"""Redis itself: whether it answers, how fast, and how full it is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress

from dragoman_contracts.errors import BusUnavailable
from dragoman_contracts.monitoring import RedisView
from dragoman_orchestration.monitoring.measures import Look
from dragoman_runtime.broker.redis import RedisBroker

CLUSTER_TRIES = 3
READ_ONLY = "it is a replica and takes no writes"


async def look_at_redis(broker: RedisBroker, look: Look, *, is_cluster: bool = False) -> RedisView:
    """One PING and one INFO; of a cluster, any of its masters answers.

    Raises:
        BusUnavailable: Redis is away.

    """
    # The broker sets a master aside that does not answer: the next try is another one's.
    for _ in range(CLUSTER_TRIES - 1 if is_cluster else 0):
        with suppress(BusUnavailable):
            return await _ask(broker, look)
    return await _ask(broker, look)


async def _ask(broker: RedisBroker, look: Look) -> RedisView:
    started = time.perf_counter()
    await broker.ping()
    answer_ms = (time.perf_counter() - started) * 1000
    [raw] = await broker.ask([("INFO",)])
    facts = _facts(raw)
    role = facts.get("role", "")
    view = RedisView(
        state=READ_ONLY if role == "slave" else "ok",
        version=facts.get("redis_version", ""),
        role=role,
        used_memory_bytes=_number(facts, "used_memory"),
        max_memory_bytes=_number(facts, "maxmemory"),
        clients=_number(facts, "connected_clients"),
        answer_ms=round(answer_ms, 2),
        aof_last_write=facts.get("aof_last_write_status", "") if facts.get("aof_enabled") == "1" else "",
    )
    _measure(view, look)
    return view


def redis_away(reason: str, look: Look) -> RedisView:
    """What is told of a Redis that does not answer."""
    look.note("redis_away", 1, reason=reason)
    return RedisView(state=reason)


def _measure(view: RedisView, look: Look) -> None:
    look.covers("redis_read_only")
    is_replica = view.state == READ_ONLY
    look.note("redis_read_only", is_replica, reason=f"Redis: {READ_ONLY}" * is_replica)
    look.covers("redis_away", "redis_memory_ratio", "redis_aof_failed", "redis_answer_ms")
    look.note("redis_away", 0)
    look.note("redis_answer_ms", view.answer_ms)
    if view.max_memory_bytes:
        ratio = view.used_memory_bytes / view.max_memory_bytes
        look.note("redis_memory_ratio", round(ratio, 4), reason=f"Redis uses {ratio:.0%} of its memory limit")
    if view.aof_last_write:
        failed = view.aof_last_write != "ok"
        look.note("redis_aof_failed", failed, reason="Redis cannot write its append-only file" * failed)


def _facts(raw: bytes) -> dict[str, str]:
    lines = raw.decode(errors="replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))


def _number(facts: Mapping[str, str], name: str) -> int:
    digits = facts.get(name, "")
    return int(digits) if digits.isdigit() else 0
