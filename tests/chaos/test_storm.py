"""The promise: whatever is killed, frozen, cut or filled, every word comes once and in order."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.chaos.ablations import ABLATIONS
from tests.chaos.experiments import errors_without
from tests.chaos.faults import FAULTS
from tests.chaos.storm import storm
from tests.chaos.system import System

pytestmark = pytest.mark.slow

SHORT = (
    "kill_worker",
    "change_config",
    "swallow_redis",
    "kill_api",
    "freeze_worker",
    "kill_redis",
    "cut_clients",
    "stall_worker",
    "fill_redis",
    "drain_worker",
    "kill_whisper",
    "demote_redis",
    "drain_api",
    "change_config",
    "silence_redis",
    "kill_translation",
    "greedy_speaker",
)
"""Each once; ``just chaos`` runs all of them at random."""


@pytest.mark.timeout(170)
async def test_nothing_is_lost_doubled_or_reordered(tmp_path: Path):
    assert set(SHORT) <= set(FAULTS)
    async with System(tmp_path, workers=2, apis=2) as system:
        report = await storm(
            system, sessions=8, seconds=65, seed=1, faults=SHORT, in_turn=True, pause_s=(0.2, 1.0)
        )
    assert report.is_clean, (report.figures(), report.notes, report.verdict.notes, report.leaked_keys[:5])
    assert report.kills >= 3
    assert report.takeovers_ms
    assert report.reconnects_ms


@pytest.mark.timeout(300)
async def test_the_checker_sees_each_missing_safeguard(tmp_path: Path):
    errors = await asyncio.gather(*(errors_without(name, tmp_path / name) for name in ABLATIONS))
    assert all(errors), dict(zip(ABLATIONS, errors, strict=True))


async def test_a_drained_worker_hands_over_before_its_lease_is_over(tmp_path: Path):
    """Not a measured time but an order: the lease is far longer than the whole test."""
    async with System(tmp_path, workers=2, apis=1, lease_ms=60_000) as system:
        report = await storm(
            system, sessions=3, seconds=14, seed=2, faults=["drain_worker"], in_turn=True, pause_s=(0, 0)
        )
    assert report.is_clean, (report.figures(), report.notes, report.verdict.notes)
    assert report.handovers_ms
