"""Chaos and soak runs: ``python -m tests.chaos [--soak] [--json]``; see ``--help``."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import uvloop

from tests.chaos.experiments import ablation_errors
from tests.chaos.soak import soak
from tests.chaos.storm import storm
from tests.chaos.system import System

LIMITS = {"DRAGOMAN_API_MAX_SESSIONS": "5000", "DRAGOMAN_API_MAX_SESSIONS_PER_KEY": "5000"}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="just chaos", description="Kill, freeze, cut; count what was lost.")
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=None, help="300; with --soak 3600")
    parser.add_argument(
        "--seed", type=int, default=1, help="the same seed, the same faults in the same order"
    )
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--apis", type=int, default=2)
    parser.add_argument("--faults", default="", help="names separated by commas; all of them otherwise")
    parser.add_argument("--soak", action="store_true", help="no faults, sessions that come and go; slopes")
    parser.add_argument("--no-ablations", action="store_true", help="leave out the runs without safeguards")
    parser.add_argument("--folder", type=Path, help="keep the logs of all processes here")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    return parser.parse_args()


async def _chaos(given: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    with tempfile.TemporaryDirectory(prefix="dragoman-chaos-") as folder:
        async with System(
            given.folder or Path(folder), workers=given.workers, apis=given.apis, environment=LIMITS
        ) as system:
            report = await storm(
                system,
                sessions=given.sessions,
                seconds=given.seconds or 300,
                seed=given.seed,
                faults=given.faults.split(",") if given.faults else None,
                churn_s=60,
                say=_say,
            )
    for note in (*report.notes, *report.verdict.notes, *report.leaked_keys[:5]):
        _say(f"! {note}")
    figures = report.figures()
    if not given.no_ablations:
        figures["ablations"] = await ablation_errors(_say)
    return figures, report.is_clean


async def _run(given: argparse.Namespace) -> bool:
    if given.soak:
        figures, is_clean = await soak(
            sessions=given.sessions, seconds=given.seconds or 3600, seed=given.seed, say=_say
        )
    else:
        figures, is_clean = await _chaos(given)
    if given.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:<28} {value}")
    return is_clean


if __name__ == "__main__":
    sys.exit(0 if uvloop.run(_run(_arguments())) else 1)
