"""Lua scripts on Redis: loaded from ``.lua`` files, called by hash, batched by event-loop tick.

Functions would need Redis 7; EVALSHA works on every version. A script that Redis forgot (restart, failover,
SCRIPT FLUSH) answers NOSCRIPT and is sent again in full.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.exceptions import NoScriptError

from dragoman_contracts.errors import BusUnavailable, DragomanError
from dragoman_runtime.broker.base import BusRejected
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.broker.wire import bus_error

Argument = str | bytes | int


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script and its SHA-1, as Redis names it."""

    source: str
    sha: str

    @classmethod
    def load(cls, path: Path) -> Script:
        """Read a ``.lua`` file."""
        source = path.read_text()
        return cls(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


class ScriptRefused(BusRejected):
    """A script's own error reply, such as FENCED; ``reason`` is its first word."""

    code = "script_refused"
    default_remedy = "Look up the reply's first word in the head of the script's .lua file."

    def __init__(self, reply: str) -> None:
        super().__init__(reply)
        # Redis up to 6.2 sets "ERR " before some replies of scripts.
        self.reason = reply.removeprefix("ERR ").split(" ", maxsplit=1)[0]


@dataclass(frozen=True, slots=True)
class _Call:
    script: Script
    keys: Sequence[str]
    arguments: Sequence[Argument]
    reply: asyncio.Future[Any]

    @property
    def tail(self) -> tuple[Argument, ...]:
        return (len(self.keys), *self.keys, *self.arguments)


class TickScripts:
    """Runs scripts: the calls of one tick, or that arrive while a batch is under way, share a pipeline.

    One EVALSHA alone costs a round trip and about 90 µs of client CPU, a third of that in a pipeline.
    """

    def __init__(self, broker: RedisBroker, *, max_batch: int = 200) -> None:
        self._broker = broker
        self._max_batch = max_batch
        self._waiting: list[_Call] = []
        self._flusher: asyncio.Task[None] | None = None

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument] = ()) -> Any:
        """Call ``script``; its reply.

        Raises:
            BusUnavailable: Redis is away or cannot serve; whether the script ran is not known.
            ScriptRefused: the script's own error reply; its ``reason`` is the reply's first word.

        """
        loop = asyncio.get_running_loop()
        call = _Call(script, keys, arguments, loop.create_future())
        self._waiting.append(call)
        if self._flusher is None or self._flusher.done():
            self._flusher = loop.create_task(self._flush())
            self._flusher.add_done_callback(self._never_began)
        return await call.reply

    async def _flush(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[: self._max_batch], self._waiting[self._max_batch :]
            try:
                forgotten = await self._send(batch, by_hash=True)
                if forgotten:
                    await self._send(forgotten, by_hash=False)
            except DragomanError as error:
                _fail(batch, error)
            except BaseException:
                self._give_up(batch)
                raise

    def _never_began(self, flush: asyncio.Task[None]) -> None:
        # A task that is cancelled before its first step runs none of its own handlers.
        if self._flusher is flush:
            self._give_up([])

    def _give_up(self, batch: Sequence[_Call]) -> None:
        """Nobody may wait for ever."""
        _fail([*batch, *self._waiting], BusUnavailable("the script batch was cut off"))
        self._waiting.clear()

    async def _send(self, batch: Sequence[_Call], *, by_hash: bool) -> list[_Call]:
        """Send a batch; returns the calls whose script Redis does not know."""
        replies = await self._broker.exchange(
            [
                ("EVALSHA", call.script.sha, *call.tail)
                if by_hash
                else ("EVAL", call.script.source, *call.tail)
                for call in batch
            ]
        )
        forgotten = []
        for call, reply in zip(batch, replies, strict=True):
            if by_hash and isinstance(reply, NoScriptError):
                forgotten.append(call)
            elif call.reply.done():
                continue  # whoever asked was cancelled
            elif isinstance(reply, Exception):
                call.reply.set_exception(_refusal(reply))
            else:
                call.reply.set_result(reply)
        return forgotten


def _refusal(reply: Exception) -> DragomanError:
    error = bus_error(reply)
    return ScriptRefused(str(reply)) if isinstance(error, BusRejected) else error


def _fail(batch: Sequence[_Call], error: Exception) -> None:
    for call in batch:
        if not call.reply.done():
            call.reply.set_exception(error)
