"""What sessions want, read from their records: written by the API, followed by the worker."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from dragoman_contracts.streams import RecordField, SessionKeys
from dragoman_orchestration.session.recording import RECORDING
from dragoman_orchestration.workers.interpreter import Wishes, read_options
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.broker.wire import Command, bus_error

_FIELDS = (RecordField.TRANSLATION, RecordField.CONFIG, RecordField.RECORDING)


@dataclass(frozen=True, slots=True)
class SessionWishes:
    """What a session wants now: its translation, what it sets of the configuration, as in its record, and
    whether it is to be recorded."""

    translation: Wishes
    config: bytes = b""
    recorded: bool = False


async def read_wishes(
    broker: RedisBroker, sessions: Mapping[SessionKeys, Wishes | None]
) -> list[SessionWishes | None]:
    """The wishes of each session, all in one round trip; None where they are not to be had this time.

    Args:
        broker: the bus.
        sessions: each with the translation that is known of it. What viewers want is read of those that are
            translated on demand; one that has just become so is told the next time.

    Raises:
        BusUnavailable: none of them can be read.

    """
    now_ms = time.time_ns() // 1_000_000
    commands: list[Command] = []
    for keys, known in sessions.items():
        commands.append(("HMGET", keys.record, *_FIELDS))
        if _follows_viewers(known):
            commands.append(("ZRANGEBYSCORE", keys.wanted, now_ms, "+inf"))
    replies = await broker.exchange(commands) if commands else []
    away = [reply for reply in replies if isinstance(reply, Exception)]
    if away and len(away) == len(replies):
        raise bus_error(away[0]) from None
    left = iter(replies)
    return [
        _wishes(next(left), next(left) if _follows_viewers(known) else None) for known in sessions.values()
    ]


def _follows_viewers(known: Wishes | None) -> bool:
    return known is None or known.options.on_demand


def _wishes(record: object, wanted: object) -> SessionWishes | None:
    if not isinstance(record, list) or isinstance(wanted, Exception):
        return None  # of a cluster, its master is away
    translation, config, recording = record
    recorded = recording == RECORDING.encode()
    options = read_options(translation)
    if not options.on_demand:
        return SessionWishes(Wishes(options), config or b"", recorded)
    if not isinstance(wanted, list):
        return None
    viewers = frozenset(language.decode() for language in wanted)
    return SessionWishes(Wishes(options, viewers), config or b"", recorded)
