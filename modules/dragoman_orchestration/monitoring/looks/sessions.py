"""The sessions that have not ended: how much audio of each waits, and whether its worker keeps up."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from loguru import logger

from dragoman_contracts.audio import AudioFormat
from dragoman_contracts.errors import BusUnavailable, DragomanError
from dragoman_contracts.monitoring import SessionView
from dragoman_contracts.streams import GROUP_AUDIO_PIPELINE, SessionKeys, ShardKeys
from dragoman_orchestration.monitoring.measures import Look
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.broker.scripts import Script, TickScripts
from dragoman_runtime.broker.wire import bus_error

MAX_SESSIONS = 5_000
"""The newest of a shard that are looked at."""
CHUNK = 50
"""Sessions of one script: Redis serves nobody else while it runs."""
PACE_WINDOW_S = 30.0
PACE_LEAST_S = 8.0
OPEN_UTTERANCE_S = 14.0
"""Audio of an utterance that is not over yet is not decided either: so much is no backlog."""

_LOOK = Script.load(Path(__file__).parent / "lua" / "look_at_sessions.lua")
_format_decoder = msgspec.json.Decoder(AudioFormat)


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """A session as Redis has it; times in ms, of audio where not said otherwise."""

    id: str
    status: str
    profile: str
    created_ms: int
    owner_key: str
    opened: str
    received_ms: int
    committed_ms: int
    generation: int

    @property
    def backlog_s(self) -> float:
        """Seconds of audio that are not decided yet."""
        return max(0, self.received_ms - self.committed_ms) / 1000

    @classmethod
    def read(cls, session_id: str, values: Sequence[bytes | None]) -> SessionFacts:
        """From the script's answer."""
        status, profile, created, owner, audio, opened, committed, heard, consumed, generation, total = values
        heard_ms = int(heard or 0)
        return cls(
            id=session_id,
            status=(status or b"").decode(),
            profile=(profile or b"").decode(),
            created_ms=int(created or 0),
            owner_key=(owner or b"").decode(),
            opened=(opened or b"").decode(),
            received_ms=_received_ms(audio, heard_ms, int(consumed or 0), int(total or 0)),
            committed_ms=int(committed or 0),
            generation=int(generation or 0),
        )


def _received_ms(raw: bytes | None, heard_ms: int, consumed_bytes: int, total_bytes: int) -> int:
    """Milliseconds that ``total_bytes`` last; of a container by the rate of what was heard of it."""
    audio = _format_decoder.decode(raw) if raw else None
    if audio is not None and audio.is_pcm:
        return max(heard_ms, audio.duration_ms(total_bytes))
    if not consumed_bytes:
        return heard_ms
    return max(heard_ms, heard_ms * total_bytes // consumed_bytes)


def _facts(session_id: str, values: Sequence[bytes | None]) -> SessionFacts | None:
    """None for a record that cannot be read, so that it does not hide the others."""
    try:
        return SessionFacts.read(session_id, values)
    except (ValueError, msgspec.DecodeError):
        logger.debug("the record of session {} cannot be read", session_id)
        return None


@dataclass(slots=True)
class Pace:
    """How much of a session's audio was worked off of what was there, over the last looks."""

    looks: deque[tuple[float, int, int]] = field(default_factory=deque)

    def note(self, now_s: float, received_ms: int, committed_ms: int) -> None:
        """Take a look at ``now_s``, monotonic."""
        if self.looks and committed_ms < self.looks[-1][2]:
            self.looks.clear()  # Redis has forgotten something: another past
        self.looks.append((now_s, received_ms, committed_ms))
        while now_s - self.looks[0][0] > PACE_WINDOW_S:
            self.looks.popleft()

    @property
    def factor(self) -> float | None:
        """Seconds worked off by those that could be, in real time; None: not known yet.

        1 while no more waits than an open utterance: what a worker has cannot be decided before it is over.
        """
        first_s, _, committed_ms = self.looks[0]
        last_s, last_received_ms, last_committed_ms = self.looks[-1]
        elapsed_s = last_s - first_s
        if elapsed_s < PACE_LEAST_S:
            return None
        if (last_received_ms - last_committed_ms) / 1000 <= OPEN_UTTERANCE_S:
            return 1.0
        due_s = min(elapsed_s, (last_received_ms - committed_ms) / 1000)
        return round((last_committed_ms - committed_ms) / 1000 / due_s, 2)


class SessionLook:
    """Looks at all sessions; remembers how far each was.

    Args:
        broker: Redis.
        shards: number of shards.
        clock: monotonic seconds.

    """

    def __init__(
        self, broker: RedisBroker, *, shards: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._broker = broker
        self._scripts = TickScripts(broker)
        self._shards = shards
        self._clock = clock
        self._paces: dict[str, Pace] = {}
        self.shards_away: dict[int, str] = {}
        """Shards whose sessions could not be seen the last time, and why."""

    async def look(self, look: Look) -> list[SessionFacts]:
        """All sessions that have not ended, the newest first.

        Raises:
            BusUnavailable: no shard answers.

        """
        ids = await self._ids()
        found = [one for part in await asyncio.gather(*map(self._read, ids.items())) for one in part]
        if len(self.shards_away) == self._shards:
            raise BusUnavailable(next(iter(self.shards_away.values())))
        now_s = self._clock()
        paces = {one.id: self._paces.get(one.id) or Pace() for one in found}
        if self.shards_away:  # what could not be seen may go on
            paces = self._paces | paces
        self._paces = paces
        for one in found:
            paces[one.id].note(now_s, one.received_ms, one.committed_ms)
        self._measure(found, look)
        return sorted(found, key=lambda one: (-one.created_ms, one.id))

    def factor(self, session_id: str) -> float | None:
        """Its real-time factor."""
        pace = self._paces.get(session_id)
        return pace.factor if pace else None

    async def views(self, sessions: Sequence[SessionFacts], limit: int, now_ms: int) -> list[SessionView]:
        """Those that are behind, the most first, and the newest of the others: ``limit`` in all."""
        behind = [one for one in sessions if one.backlog_s > OPEN_UTTERANCE_S]
        behind.sort(key=lambda one: -one.backlog_s)
        others = [one for one in sessions if one.backlog_s <= OPEN_UTTERANCE_S]
        listed = [*behind, *others][:limit]
        workers = await self._workers(listed)
        return [
            SessionView(
                id=one.id,
                status=one.status,
                profile=one.profile,
                owner_key=one.owner_key,
                age_s=round(max(0, now_ms - one.created_ms) / 1000, 1),
                received_s=round(one.received_ms / 1000, 1),
                backlog_s=round(one.backlog_s, 1),
                real_time_factor=self.factor(one.id),
                worker=worker,
                generation=one.generation,
            )
            for one, worker in zip(listed, workers, strict=True)
        ]

    async def _ids(self) -> dict[int, list[str]]:
        replies = await self._broker.exchange(
            [("ZREVRANGE", ShardKeys(shard).active, 0, MAX_SESSIONS - 1) for shard in range(self._shards)]
        )
        self.shards_away = {
            shard: bus_error(reply).message
            for shard, reply in enumerate(replies)
            if isinstance(reply, Exception)
        }
        return {
            shard: [member.decode() for member in reply]
            for shard, reply in enumerate(replies)
            if not isinstance(reply, Exception)
        }

    async def _read(self, shard_ids: tuple[int, Sequence[str]]) -> list[SessionFacts]:
        shard, ids = shard_ids
        found = []
        try:
            for start in range(0, len(ids), CHUNK):
                chunk = ids[start : start + CHUNK]
                keys = [SessionKeys(one, self._shards) for one in chunk]
                names = [name for one in keys for name in (one.record, one.state, one.audio)]
                answers: list[Any] = await self._scripts.run(_LOOK, names)
                found += [
                    facts
                    for one, values in zip(chunk, answers, strict=True)
                    if values and (facts := _facts(one, values))
                ]
        except DragomanError as error:
            self.shards_away[shard] = error.message
            return []
        return found

    async def _workers(self, sessions: Sequence[SessionFacts]) -> list[str]:
        """Who holds the lease of each; empty where nobody does or it cannot be seen."""
        commands = []
        for one in sessions:
            stream = SessionKeys(one.id, self._shards).shard.sessions(one.profile)
            entry = one.opened or "0-1"
            commands.append(("XPENDING", stream, GROUP_AUDIO_PIPELINE, entry, entry, 1))
        replies = await self._broker.exchange(commands)
        return [reply[0][1].decode() if isinstance(reply, list) and reply else "" for reply in replies]

    def _measure(self, sessions: Sequence[SessionFacts], look: Look) -> None:
        away = "; ".join(sorted(set(self.shards_away.values())))
        look.covers("redis_shards_away")
        look.note(
            "redis_shards_away",
            len(self.shards_away),
            reason=f"{len(self.shards_away)} of {self._shards} shards: {away}" if away else "",
        )
        if not self.shards_away:
            look.covers("backlog_seconds", "real_time_factor", "sessions_live")
            look.note("sessions_live", len(sessions))
        for one in sessions:
            factor = self.factor(one.id)
            if factor is not None:
                look.note("real_time_factor", factor, one.id)
                # A recording that is sent faster than real time waits, and nothing is wrong with that.
                look.note("backlog_seconds", round(one.backlog_s, 1) if factor < 1 else 0, one.id)
