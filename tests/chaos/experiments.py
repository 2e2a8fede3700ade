"""The runs that prove the checker: with one safeguard off it must report errors, with all of them none."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from tests.chaos.ablations import ABLATIONS
from tests.chaos.storm import Report, Say, storm
from tests.chaos.system import START_LIMIT_S, System, until

SESSIONS = 8
SECONDS = 16
END_LIMIT_S = 10.0

CIRCUMSTANCES = {
    # What the safeguard is there for.
    "fence": ["stall_worker"] * 4,
    "maxlen": ["kill_worker"],
    "group_at_end": [],
}


async def experiment(name: str, folder: Path, *, ablated: bool, seed: int = 1) -> Report:
    """A short run in the circumstances that need the safeguard, with it or without."""
    late = name == "group_at_end"
    async with System(
        folder, workers=2, apis=1, ablation=name if ablated else "", start_workers=not late, lease_ms=1_000
    ) as system:
        running = asyncio.create_task(
            storm(
                system,
                sessions=SESSIONS,
                seconds=SECONDS,
                seed=seed,
                faults=CIRCUMSTANCES[name],
                in_turn=True,
                pause_s=(0.2, 0.5),
                end_limit_s=END_LIMIT_S,
            )
        )
        if late:
            # People speak before the first worker has ever run.
            await until(system.opened_sessions(SESSIONS), "all sessions open", START_LIMIT_S)
            for worker in system.workers:
                await worker.start()
        return await running


async def errors_without(name: str, folder: Path) -> int:
    """Errors that the checker reports without a safeguard.

    A stall that comes while nobody speaks needs none, so up to three runs are made.
    """
    errors = 0
    for seed in range(1, 4):
        report = await experiment(name, folder / str(seed), ablated=True, seed=seed)
        errors = report.verdict.errors
        if errors:
            break
    return errors


async def ablation_errors(say: Say) -> dict[str, int]:
    """Errors that the checker reports without each safeguard."""
    found = {}
    for name in ABLATIONS:
        with tempfile.TemporaryDirectory(prefix="dragoman-ablation-") as folder:
            found[name] = await errors_without(name, Path(folder))
        say(f"without {name}: {found[name]} errors")
    return found
