"""A Redis that answers what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from dragoman_contracts.errors import BusUnavailable
from dragoman_runtime.broker.wire import raise_first

Answer = Callable[[Sequence[Any]], Any]


class FakeBroker:
    """``answer`` is asked for each command; ``away`` and ``hangs`` are how a Redis can be gone."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.away = False
        self.hangs = False
        self.asked: list[Sequence[Any]] = []

    async def exchange(self, commands: Sequence[Sequence[Any]], *, wait_s: float = 0.0) -> list[Any]:
        if self.hangs:
            await asyncio.sleep(3600)
        if self.away:
            raise BusUnavailable("Redis does not answer (ConnectionError).")
        self.asked += commands
        return [self.answer(command) for command in commands]

    async def ask(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        replies = await self.exchange(commands)
        raise_first(replies)
        return replies

    async def ping(self) -> None:
        await self.ask([("PING",)])

    async def publish(self, stream: str, fields: dict[bytes, bytes], entry_id: str = "*") -> str:
        await self.ask([("XADD", stream, entry_id, fields)])
        return "1-0"
