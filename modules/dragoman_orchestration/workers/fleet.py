"""A worker tells about itself, so that the API knows whether a new session would find room."""

from __future__ import annotations

import msgspec

from dragoman_contracts.fleet import WorkerReport
from dragoman_contracts.streams import fleet_key
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.broker.wire import Command

KEEP_S = 3_600
"""A fleet of which nobody reports any more is forgotten after this."""
GONE_AFTER_MS = 60_000
"""Reports older than this are removed by whoever still reports."""

_decoder = msgspec.json.Decoder(WorkerReport)


class FleetReports:
    """The reports of the workers of one profile. All raise ``BusUnavailable`` while Redis is away."""

    def __init__(self, broker: RedisBroker, profile: str) -> None:
        self._broker = broker
        self._key = fleet_key(profile)

    async def tell(self, report: WorkerReport) -> None:
        """Write or replace a worker's report."""
        await self._run(
            ("HSET", self._key, report.worker, msgspec.json.encode(report)), ("EXPIRE", self._key, KEEP_S)
        )

    async def withdraw(self, worker: str) -> None:
        """Remove the report of a worker that leaves."""
        await self._run(("HDEL", self._key, worker))

    async def sweep(self, now_ms: int) -> list[bytes]:
        """Remove the reports of workers that went without a word; their names."""
        reply = (await self._run(("HGETALL", self._key)))[0]
        pairs = iter(reply)
        gone = [
            name for name, raw in zip(pairs, pairs, strict=True) if now_ms - _seen_ms(raw) > GONE_AFTER_MS
        ]
        if gone:
            await self._run(("HDEL", self._key, *gone))
        return gone

    async def _run(self, *commands: Command) -> list[list[bytes]]:
        return await self._broker.ask(commands)


def _seen_ms(raw: bytes) -> int:
    try:
        return _decoder.decode(raw).seen_ms
    except msgspec.DecodeError:
        return 0  # no report of this version: whoever wrote it would have written it again
