"""The workers of a profile as they tell about themselves: what the API admits new sessions by."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import msgspec

from dragoman_contracts.fleet import REPORT_VALID_S, WorkerReport
from dragoman_contracts.streams import fleet_key
from dragoman_runtime.broker.wire import Wire, raise_first

READ_EVERY_S = 1.0
"""How old an answer may be: as old as the reports themselves."""
MAX_PROFILES = 64
"""Profiles whose answers are kept: callers may name any."""
PROFILES = ("mock", "cpu", "gpu", "npu")
"""The profiles that workers have; a session may name one that nobody serves."""

Refusal = Literal["no_room", "degraded"]

_decoder = msgspec.json.Decoder(WorkerReport)


def parse_reports(values: Iterable[bytes]) -> list[WorkerReport]:
    """The reports among the values of a fleet's hash; what is none, as of another version, is left out."""
    reports = []
    for raw in values:
        try:
            reports.append(_decoder.decode(raw))
        except msgspec.DecodeError:
            continue  # whoever wrote it tells again
    return reports


@dataclass(frozen=True, slots=True)
class Fleet:
    """The workers whose reports are fresh; none means that nothing is known."""

    reports: tuple[WorkerReport, ...] = ()

    @classmethod
    def of(cls, raw: Iterable[bytes], now_ms: int) -> Fleet:
        """Read reports; stale ones, of workers that are gone, and what is none are left out."""
        oldest_ms = now_ms - int(REPORT_VALID_S * 1000)
        return cls(tuple(report for report in parse_reports(raw) if report.seen_ms >= oldest_ms))

    @property
    def sessions(self) -> int:
        """Sessions that the workers hold."""
        return sum(report.sessions for report in self.reports)

    @property
    def room(self) -> int:
        """New sessions that the workers would take now."""
        return sum(report.room for report in self.reports if not report.refuses)

    @property
    def level(self) -> int:
        """The lowest service that a worker gives: 0 is full service."""
        return max((report.level for report in self.reports), default=0)

    @property
    def lag_ms(self) -> int:
        """The longest lag that a worker reports."""
        return max((report.lag_ms for report in self.reports), default=0)

    def refusal(self, taken: int = 0) -> Refusal | None:
        """Why one more session is refused, after ``taken`` that the reports do not know of; None admits.

        Where nothing is known it is admitted: its audio waits, and the lag is told.
        """
        if not self.reports or self.room > taken:
            return None
        return "degraded" if all(report.refuses for report in self.reports) else "no_room"


@dataclass(slots=True)
class _Known:
    read_at: float
    fleet: Fleet
    taken: int = 0


class FleetReader:
    """Fleets by profile, each read at most once in ``READ_EVERY_S`` seconds.

    Args:
        wire: Redis.
        clock: Monotonic seconds.
        now_ms: Unix ms.

    """

    def __init__(
        self,
        wire: Wire,
        *,
        clock: Callable[[], float] = time.monotonic,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._wire = wire
        self._clock = clock
        self._now_ms = now_ms
        self._known: dict[str, _Known] = {}
        self._turn = asyncio.Lock()

    async def read(self, profile: str) -> Fleet:
        """The fleet as it was a second ago at most.

        Raises:
            BusUnavailable: Redis is away.

        """
        return (await self._read(profile)).fleet

    async def refusal(self, profile: str, *, take: bool = False) -> Refusal | None:
        """Why the fleet takes no more sessions; with ``take`` an admitted one counts until the next reading.

        Raises:
            BusUnavailable: Redis is away.

        """
        known = await self._read(profile)
        refusal = known.fleet.refusal(known.taken)
        if take and refusal is None:
            known.taken += 1
        return refusal

    async def _read(self, profile: str) -> _Known:
        async with self._turn:  # a rush of new sessions shares one reading
            known = self._known.get(profile)
            if known is None or self._clock() - known.read_at >= READ_EVERY_S:
                self._known.pop(profile, None)
                while len(self._known) >= MAX_PROFILES:
                    del self._known[next(iter(self._known))]
                known = self._known[profile] = _Known(self._clock(), await self._fetch(profile))
            return known

    async def _fetch(self, profile: str) -> Fleet:
        replies = await self._wire.exchange([("HGETALL", fleet_key(profile))])
        raise_first(replies)
        return Fleet.of(replies[0][1::2], self._now_ms())
