"""What sessions want translated, read from their records: written by the API, followed by the worker."""

from __future__ import annotations

import time
from collections.abc import Sequence

from dragoman_contracts.streams import RecordField, SessionKeys
from dragoman_orchestration.workers.interpreter import Wishes, read_options
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.broker.wire import Command, bus_error


async def read_wishes(broker: RedisBroker, sessions: Sequence[SessionKeys]) -> list[Wishes | None]:
    """The wishes of each session, all in one round trip; None where its master is away, of a cluster.

    Raises:
        BusUnavailable: none of them can be read.

    """
    now_ms = time.time_ns() // 1_000_000
    commands: list[Command] = []
    for keys in sessions:
        commands.append(("HGET", keys.record, RecordField.TRANSLATION))
        commands.append(("ZRANGEBYSCORE", keys.wanted, now_ms, "+inf"))
    replies = await broker.exchange(commands) if commands else []
    away = [reply for reply in replies if isinstance(reply, Exception)]
    if away and len(away) == len(replies):
        raise bus_error(away[0]) from None
    pairs = iter(replies)
    return [_wishes(*pair) for pair in zip(pairs, pairs, strict=True)]


def _wishes(raw: object, wanted: object) -> Wishes | None:
    if isinstance(raw, Exception) or not isinstance(wanted, list):
        return None
    options = read_options(raw if isinstance(raw, bytes) else None)
    languages = frozenset(language.decode() for language in wanted) if options.on_demand else frozenset()
    return Wishes(options, languages)
