"""What a process asks and tells Redis about the sessions that its viewers watch, in one round trip."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from typing import Any

from dragoman_contracts.errors import BusUnavailable
from dragoman_contracts.streams import RecordField, SessionKeys
from dragoman_orchestration.session.model import read_targets
from dragoman_runtime.broker.wire import Command, Wire, bus_error

WANTED_S = 15.0
"""How long a language counts as wanted without being told again."""
KEEP_S = 60
"""How long the set of wanted languages is kept without being told again."""


class WatchRegister:
    """The watched sessions in Redis.

    Args:
        wire: Redis.
        shards: Number of shards.

    """

    def __init__(self, wire: Wire, *, shards: int = 1) -> None:
        self._wire = wire
        self._shards = shards

    async def exchange(
        self, asked: Collection[str], wanted: Mapping[str, Collection[str]], *, now_ms: int
    ) -> dict[str, tuple[str, ...] | None]:
        """Tell which languages are ``wanted``, and ask for the targets of the sessions ``asked``.

        Returns for each session asked its targets, None where its record is gone. Sessions whose master is
        away are left out; what is wanted of them is told again before it lapses.

        Raises:
            BusUnavailable: Redis is away.
            BusRejected: Redis refuses a command.

        """
        parts: list[tuple[str, list[Command]]] = []
        for session_id in {*asked, *wanted}:
            keys = SessionKeys(session_id, self._shards)
            commands: list[Command] = []
            if languages := wanted.get(session_id):
                lapses_ms = now_ms + int(WANTED_S * 1000)
                scores: list[Any] = [part for language in languages for part in (lapses_ms, language)]
                commands += [("ZADD", keys.wanted, *scores), ("EXPIRE", keys.wanted, KEEP_S)]
            if session_id in asked:
                commands.append(("HMGET", keys.record, RecordField.STATUS, RecordField.TARGETS))
            parts.append((session_id, commands))
        replies = iter(await self._wire.exchange([command for _, part in parts for command in part]))
        known: dict[str, tuple[str, ...] | None] = {}
        for session_id, part in parts:
            answers = list(itertools.islice(replies, len(part)))
            failed = next((answer for answer in answers if isinstance(answer, Exception)), None)
            if failed is not None:
                error = bus_error(failed)
                if not isinstance(error, BusUnavailable):
                    raise error
            elif session_id in asked:
                status, targets = answers[-1]
                known[session_id] = None if status is None else read_targets(targets)
        return known
