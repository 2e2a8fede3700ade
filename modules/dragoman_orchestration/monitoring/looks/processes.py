"""The processes that report themselves: who is ready, who is gone, whose clock is off."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from loguru import logger

from dragoman_contracts.errors import BusUnavailable
from dragoman_contracts.fleet import REPORT_INTERVAL_S, REPORT_VALID_S, ProcessReport
from dragoman_contracts.monitoring import ProcessView
from dragoman_contracts.streams import PROCESSES
from dragoman_orchestration.fleet.reporter import parse_reports
from dragoman_orchestration.monitoring.measures import Look
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.broker.wire import bus_error

SKEW_LOOKS = 8
"""Of so many reports the one that came fastest tells how far a clock is off."""
LOST_WITHIN_MS = 600_000
"""Losses count for so long, also where another process has the place: one that crashes again and again."""
REPORT_MAX_AGE_MS = int(REPORT_INTERVAL_S * 1000) + 500
"""How old a report of a living process is at most when it is seen the first time."""


class GoneProcess(msgspec.Struct, frozen=True, kw_only=True):
    """A process that went without a word, when its last report came (unix ms by Redis' clock)."""

    name: str
    kind: str
    profile: str
    version: str
    last_ms: int


@dataclass(slots=True)
class _Seen:
    """Reports of one process: the last one's own time, when it came, and how far its clock may be off."""

    seen_ms: int
    came_ms: int
    offsets: deque[int] = field(default_factory=lambda: deque(maxlen=SKEW_LOOKS))

    @property
    def skew_ms(self) -> int:
        """A report was made somewhat before it was seen: what that explains is no skew."""
        freshest = max(self.offsets)
        if freshest > 0:
            return freshest
        return min(0, freshest + REPORT_MAX_AGE_MS)


class ProcessLook:
    """Reads the reports; remembers who was there.

    A process lives as long as its report changes, whatever its clock says. Who went without a word is
    missed until another process of its kind and profile has begun since, it comes back, or ``forget_s`` pass.

    Args:
        broker: Redis.
        forget_s: how long a lost process is missed at most.

    """

    def __init__(self, broker: RedisBroker, *, forget_s: float) -> None:
        self._broker = broker
        self._forget_ms = int(forget_s * 1000)
        self._seen: dict[str, _Seen] = {}
        self._looked_ms = 0
        self._heirs: dict[str, str] = {}
        self._lost: dict[str, int] = {}
        self.gone: dict[str, GoneProcess] = {}
        """Who is missed, by name; whoever looks next is given it."""

    async def look(self, look: Look) -> list[ProcessReport]:
        """Read all reports, and measure; those of the living.

        Raises:
            BusUnavailable: Redis is away.

        """
        # In one exchange, so that the reports are as old as this time says.
        time_reply, reports_reply = await self._broker.exchange([("TIME",), ("HVALS", PROCESSES)])
        for reply in (time_reply, reports_reply):
            if isinstance(reply, Exception):
                raise bus_error(reply) from None
        if not isinstance(time_reply, list):
            raise BusUnavailable("Redis did not tell its time")
        now_ms = int(time_reply[0]) * 1000 + int(time_reply[1]) // 1000
        reports = parse_reports(reports_reply)
        self._note(reports, now_ms)
        alive = self._miss(reports, now_ms)
        self._measure(alive, look)
        self._lost = {name: at for name, at in self._lost.items() if now_ms - at < LOST_WITHIN_MS}
        look.note("processes_lost", len(self._lost), reason=_lost(len(self._lost)))
        return alive

    def views(self, reports: Sequence[ProcessReport]) -> list[ProcessView]:
        """The living of the last look with their state, and the gone."""
        now_ms = self._looked_ms
        living = [
            ProcessView(
                name=report.name,
                kind=report.kind,
                profile=report.profile,
                version=report.version,
                state=state_of(report),
                age_ms=max(0, now_ms - self._seen[report.name].came_ms),
                uptime_s=round(max(0, report.seen_ms - report.started_ms) / 1000, 1),
                skew_ms=self._seen[report.name].skew_ms,
                config_version=report.config_version,
                breakers=report.breakers,
                measures=report.measures,
            )
            for report in reports
        ]
        gone = [
            ProcessView(
                name=one.name,
                kind=one.kind,
                profile=one.profile,
                version=one.version,
                state="gone without a word",
                age_ms=max(0, now_ms - one.last_ms),
                uptime_s=0,
            )
            for one in self.gone.values()
        ]
        return sorted([*living, *gone], key=lambda view: (view.kind, view.profile, view.name))

    def _note(self, reports: Sequence[ProcessReport], now_ms: int) -> None:
        """Which reports are new, and by how much they are off."""
        known = {report.name for report in reports}
        self._seen = {name: seen for name, seen in self._seen.items() if name in known}
        gap_ms = now_ms - self._looked_ms if self._looked_ms else 0
        if gap_ms > REPORT_VALID_S * 1000:
            # Nobody looked meanwhile, or Redis was away and nobody could report: that time does not count.
            for missed in self._seen.values():
                missed.came_ms += gap_ms
        self._looked_ms = now_ms
        for report in reports:
            seen = self._seen.get(report.name)
            if seen is None:
                # Nobody saw when it came: all there is is its own time, if that is possible at all.
                came_ms = min(now_ms, report.seen_ms)
                seen = self._seen[report.name] = _Seen(report.seen_ms, came_ms)
                recent = now_ms - report.seen_ms <= REPORT_VALID_S * 1000
                seen.offsets.append(report.seen_ms - now_ms if recent else 0)
            elif report.seen_ms != seen.seen_ms:
                seen.seen_ms, seen.came_ms = report.seen_ms, now_ms
                seen.offsets.append(report.seen_ms - now_ms)

    def _miss(self, reports: Sequence[ProcessReport], now_ms: int) -> list[ProcessReport]:
        """Note who is gone now, and who is not missed any more; the living."""
        alive = []
        for report in reports:
            last_ms = self._seen[report.name].came_ms
            if now_ms - last_ms <= REPORT_VALID_S * 1000:
                alive.append(report)
                self.gone.pop(report.name, None)
                self._lost.pop(report.name, None)
            elif report.name not in self.gone and now_ms - last_ms < self._forget_ms:
                self._lose(report.name, last_ms)
                self.gone[report.name] = GoneProcess(
                    name=report.name,
                    kind=report.kind,
                    profile=report.profile,
                    version=report.version,
                    last_ms=last_ms,
                )
        self._find_heirs(alive)
        for one in list(self.gone.values()):
            if one.name in self._heirs or now_ms - one.last_ms >= self._forget_ms:
                del self.gone[one.name]
        return alive

    def _lose(self, name: str, last_ms: int) -> None:
        if name not in self._lost:
            logger.info("process {} went without a word", name)
            self._lost[name] = last_ms

    def _find_heirs(self, alive: Sequence[ProcessReport]) -> None:
        """Who takes whose place; each takes one."""
        self._heirs = {gone: heir for gone, heir in self._heirs.items() if heir in self._seen}
        for one in sorted(self.gone.values(), key=lambda gone: gone.last_ms):
            if one.name not in self._heirs:
                taken = set(self._heirs.values())
                heirs = (report.name for report in alive if self._replaces(report, one))
                heir = next((name for name in heirs if name not in taken), None)
                if heir is not None:
                    self._heirs[one.name] = heir

    def _replaces(self, report: ProcessReport, gone: GoneProcess) -> bool:
        same = (report.kind, report.profile) == (gone.kind, gone.profile)
        return same and report.started_ms - self._seen[report.name].skew_ms > gone.last_ms

    def _measure(self, alive: Sequence[ProcessReport], look: Look) -> None:
        look.covers("processes_lost", "process_gone", "process_not_ready", "clock_skew_ms", "breaker_open")
        for one in self.gone.values():
            told = f"{one.kind} {one.profile}".strip()
            look.note("process_gone", 1, one.name, reason=f"{told} process {one.name} went without a word")
        for report in alive:
            state = state_of(report)
            reason = "" if state == "ok" else f"{report.kind} process {report.name}: {state}"
            look.note("process_gone", 0, report.name)
            look.note("process_not_ready", not report.ready, report.name, reason=reason)
            look.note("clock_skew_ms", abs(self._seen[report.name].skew_ms), report.name)
            _measure_breakers(report, look)


def _lost(count: int) -> str:
    return f"{count} processes went without a word within {LOST_WITHIN_MS // 60_000} minutes" * bool(count)


def state_of(report: ProcessReport) -> str:
    """ "ok", or which of its parts do not work and why."""
    if report.ready:
        return "ok"
    broken = [f"{part}: {state}" for part, state in report.parts.items() if state != "ok"]
    return "; ".join(broken) or "not ready"


def _measure_breakers(report: ProcessReport, look: Look) -> None:
    # A breaker closes by a call that goes well: without sessions nobody calls, and its state is of the past.
    is_idle = report.measures.get("sessions") == 0
    for breaker, state in report.breakers.items():
        is_open = state != "closed" and not is_idle
        reason = f"process {report.name} does not ask {breaker}, which failed repeatedly" if is_open else ""
        look.note("breaker_open", is_open, f"{report.name}/{breaker}", reason=reason)
