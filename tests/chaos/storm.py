"""A run: a crowd on a system under faults, one after another, and what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.chaos.checker import Verdict
from tests.chaos.crowd import END_LIMIT_S, Crowd
from tests.chaos.faults import FAULTS, KILLS, Scene
from tests.chaos.system import System

Say = Callable[[str], None]


@dataclass(slots=True)
class Report:
    """The figures of a run; times in ms."""

    sessions: int
    seconds: int
    seed: int
    verdict: Verdict = field(default_factory=Verdict)
    kills: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    takeovers_ms: list[float] = field(default_factory=list)
    handovers_ms: list[float] = field(default_factory=list)
    reconnects_ms: list[float] = field(default_factory=list)
    gaps_ms: dict[str, list[float]] = field(default_factory=dict)
    leaked_keys: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, doubled, reordered or left behind."""
        return not self.verdict.errors and not self.leaked_keys and not self.notes

    def figures(self) -> dict[str, Any]:
        """What is printed."""
        all_gaps = [gap for gaps in self.gaps_ms.values() for gap in gaps]
        verdict = self.verdict
        return {
            "sessions": self.sessions,
            "seconds": self.seconds,
            "seed": self.seed,
            "kills": self.kills,
            **verdict.counts,
            "leaked_keys": len(self.leaked_keys),
            "takeovers": len(self.takeovers_ms),
            "takeover_ms_p99": p99(self.takeovers_ms),
            "handover_ms_p99": p99(self.handovers_ms),
            "caption_gap_ms_max": round(max(all_gaps, default=0)),
            "caption_gap_ms_max_by_fault": {
                name: round(max(gaps)) for name, gaps in sorted(self.gaps_ms.items()) if gaps
            },
            "reconnects": len(self.reconnects_ms),
            "reconnect_ms_p99": p99(self.reconnects_ms),
            "faults": dict(self.faults),
        }


def p99(values: Sequence[float]) -> float | None:
    """The 99th percentile; None of nothing."""
    return round(float(np.percentile(values, 99)), 1) if values else None


async def storm(
    system: System,
    *,
    sessions: int,
    seconds: int,
    seed: int,
    faults: Sequence[str] | None = None,
    pause_s: tuple[float, float] = (1.0, 3.0),
    churn_s: int = 0,
    in_turn: bool = False,
    end_limit_s: float = END_LIMIT_S,
    say: Say = lambda text: None,
) -> Report:
    """Hold meetings for ``seconds`` and do one fault after another to the system meanwhile.

    Faults come at random, or each ``in_turn``. The last one is over before the meetings end.
    """
    crowd = Crowd(
        system, sessions=sessions, seconds=seconds, seed=seed, churn_s=churn_s, end_limit_s=end_limit_s
    )
    scene = Scene(system, crowd, random.Random(seed))
    report = Report(sessions, seconds, seed)
    spans: list[tuple[str, float, float]] = []
    names = list(faults if faults is not None else FAULTS)
    meetings = asyncio.create_task(crowd.run())
    began = time.monotonic()

    async def misfortune() -> None:
        await asyncio.sleep(min(5.0, seconds / 4))
        number = 0
        while names and time.monotonic() - began < seconds - 8:
            name = names[number % len(names)] if in_turn else scene.chance.choice(_choice(names, scene))
            number += 1
            start = time.monotonic()
            say(f"{start - began:6.1f} s  {name}")
            await FAULTS[name](scene)
            report.faults[name] += 1
            spans.append((name, start, time.monotonic()))
            await asyncio.sleep(scene.chance.uniform(*pause_s))
            if in_turn and number >= len(names):
                return

    faulting = asyncio.create_task(misfortune())
    try:
        await asyncio.wait({meetings, faulting}, return_when=asyncio.FIRST_EXCEPTION)
        faulting.cancel()
        outcomes = await asyncio.gather(meetings, faulting, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
    finally:
        for task in (meetings, faulting):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
    report.verdict = crowd.verdict
    report.kills = scene.kills
    report.takeovers_ms, report.handovers_ms = scene.takeovers_ms, scene.handovers_ms
    report.reconnects_ms = [seconds_ * 1000 for seconds_ in crowd.reconnects_s]
    report.notes += scene.notes
    for start, end in crowd.gaps:
        report.gaps_ms.setdefault(_cause(spans, start, end), []).append((end - start) * 1000)
    for start, end in sorted(crowd.gaps, key=lambda gap: gap[0] - gap[1])[:5]:
        cause = _cause(spans, start, end)
        say(f"no caption for {end - start:.2f} s from {start - began:.1f} s on ({cause})")
    report.leaked_keys = await system.keys_without_end()
    return report


def _choice(names: Sequence[str], scene: Scene) -> Sequence[str]:
    """Every second fault ends something without a word, where such faults are among the names."""
    kills = [name for name in KILLS if name in names]
    return kills if kills and scene.chance.random() < 0.5 else names


def _cause(spans: Sequence[tuple[str, float, float]], start: float, end: float) -> str:
    """The last fault that began before the gap was over and ended no more than 3 s before it began."""
    names = [name for name, began, over in spans if began < end and over > start - 3]
    return names[-1] if names else "none"
