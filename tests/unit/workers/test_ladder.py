"""The ladder of degradation: when it is climbed, what its steps mean, what counts as lag."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman_contracts.errors import DragomanError, EngineUnavailable, InvalidInput
from dragoman_contracts.whisper_api import WindowOptions
from dragoman_orchestration.workers.ladder import Ladder, LadderLimits, Pace, Step, percentile_90
from dragoman_orchestration.workers.service_level import ServiceLevel
from dragoman_orchestration.workers.settings import AudioWorkerSettings
from dragoman_runtime.settings import SettingsInvalid

LIMITS = LadderLimits(degrade_lag_ms=1_500, degrade_after_s=2, recover_lag_ms=500, recover_after_s=10)


def climbed(lag_ms: int, times_s: list[float], ladder: Ladder) -> list[int]:
    levels = []
    for now_s in times_s:
        ladder.observe(lag_ms, now_s)
        levels.append(ladder.level)
    return levels


def test_a_step_a_while_up_and_a_longer_while_down():
    ladder = Ladder(list(Step), LIMITS)
    assert climbed(1_501, [0, 1.9, 2, 3.9, 4, 6, 8, 10, 99], ladder) == [0, 0, 1, 1, 2, 3, 4, 4, 4]
    assert ladder.in_effect == tuple(Step)
    assert climbed(499, [100, 109, 110, 119, 120, 130, 140, 150], ladder) == [4, 4, 3, 3, 2, 1, 0, 0]


def test_a_peak_that_passes_changes_nothing():
    ladder = Ladder(list(Step), LIMITS)
    for start in range(0, 100, 4):
        assert climbed(9_000, [start, start + 1.9], ladder)[-1] == 0
        assert climbed(1_500, [start + 2], ladder) == [0]


def test_between_the_thresholds_the_level_stays():
    ladder = Ladder(list(Step), LIMITS)
    climbed(2_000, [0, 2], ladder)
    assert climbed(1_000, [float(now) for now in range(3, 1_000)], ladder)[-1] == 1
    # A dip below the lower threshold that is too short counts from its beginning again.
    assert climbed(400, [1_000, 1_009.9], ladder)[-1] == 1
    assert climbed(600, [1_010], ladder) == [1]
    assert climbed(400, [1_011, 1_020.9, 1_021], ladder) == [1, 1, 0]


def test_without_steps_nothing_is_given_up():
    assert climbed(99_999, [0, 10, 20], Ladder([], LIMITS)) == [0, 0, 0]


@given(st.lists(st.tuples(st.integers(0, 4_000), st.floats(0.01, 5)), max_size=120))
def test_levels_change_by_one_and_no_faster_than_the_settings_say(seen):
    ladder = Ladder(list(Step), LIMITS)
    now, changes, before = 0.0, [], 0
    for lag_ms, pause_s in seen:
        now += pause_s
        changed = ladder.observe(lag_ms, now)
        assert changed == (ladder.level != before)
        assert 0 <= ladder.level <= len(Step)
        if changed:
            assert abs(ladder.level - before) == 1
            assert lag_ms > 1_500 if ladder.level > before else lag_ms < 500
            changes.append((now, ladder.level - before))
        before = ladder.level
    for (first, _), (second, way) in pairwise(changes):
        assert second - first >= (2 if way > 0 else 10) - 1e-9


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=50))
def test_nine_of_ten_are_at_or_below_the_percentile(values):
    found = percentile_90(values)
    assert sum(value <= found for value in values) >= 0.9 * len(values)
    assert sum(value < found for value in values) < 0.9 * len(values)


def test_the_percentile_of_nothing_is_0():
    assert percentile_90([]) == 0


# --- what is no overload ---


def test_real_time_is_never_ahead():
    pace = Pace()
    for frame in range(1_000):
        pace.heard(100, frame / 10)
        assert pace.ahead_ms(frame / 10 + 0.1) == 0


def test_a_recording_at_ten_times_is_as_far_ahead_as_it_can_wait():
    pace = Pace(most_s=20)
    for frame in range(200):
        pace.heard(1_000, frame / 10)
    assert pace.ahead_ms(19.9) == 20_000


def test_being_ahead_fades_while_audio_comes_in_real_time():
    pace = Pace()
    pace.heard(6_000, 0)
    assert pace.ahead_ms(0) == 3_000
    for frame in range(1, 70):
        pace.heard(100, frame / 10)
    assert pace.ahead_ms(7) == 0


# --- what the steps mean ---


class Engine:
    """A whisper service that answers with its name, or fails."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.error: DragomanError | None = None

    async def decode(self, samples: Any, options: Any) -> str:
        if self.error is not None:
            raise self.error
        return self.name


def level_of(steps: list[Step], *, fallback: bool = True) -> tuple[ServiceLevel, Engine]:
    limits = LadderLimits(degrade_after_s=0, recover_after_s=0)
    small = Engine("small")
    return ServiceLevel(Engine("large"), small if fallback else None, steps=steps, limits=limits), small


async def engine_of(service: ServiceLevel) -> str:
    return await service.decode(np.zeros(1, np.int16), WindowOptions())


async def test_each_step_has_its_effect_and_loses_it_again():
    service, _ = level_of(list(Step))
    seen = []
    for lag_ms in (0, 9_000, 9_000, 9_000, 9_000, 0, 0, 0, 0):
        service.observe(lag_ms, 0)
        is_small = await engine_of(service) == "small"
        effects = (service.drafts, service.delays_translation, is_small, service.refuses)
        seen.append((service.level, *effects))
    up = [
        (0, True, False, False, False),
        (1, False, False, False, False),
        (2, False, True, False, False),
        (3, False, True, True, False),
        (4, False, True, True, True),
    ]
    assert seen == [*up, *up[-2::-1]]
    assert service.reason == "recovered"


def test_the_reason_names_what_is_in_effect():
    service, _ = level_of([Step.DROP_PARTIALS, Step.REFUSE_SESSIONS])
    service.observe(9_000, 0)
    service.observe(9_000, 0)
    assert service.reason.endswith("drop_partials, refuse_sessions")


async def test_a_fallback_that_is_away_is_passed_over():
    service, small = level_of([Step.SMALLER_MODEL])
    service.observe(9_000, 0)
    small.error = EngineUnavailable("away")
    assert await engine_of(service) == "large"
    small.error = InvalidInput("no window")
    with pytest.raises(InvalidInput):
        await engine_of(service)


async def test_without_a_fallback_the_smaller_model_is_no_step():
    service, _ = level_of(list(Step), fallback=False)
    for _ in range(5):
        service.observe(9_000, 0)
    assert (service.level, service.refuses, await engine_of(service)) == (3, True, "large")


# --- settings ---


def test_the_ladder_is_configuration():
    settings = AudioWorkerSettings(degradation="refuse_sessions, drop_partials", degrade_after_s=7)
    assert settings.ladder_steps == (Step.REFUSE_SESSIONS, Step.DROP_PARTIALS)
    assert settings.ladder_limits == LadderLimits(degrade_after_s=7)
    assert AudioWorkerSettings().ladder_steps == tuple(Step)
    assert AudioWorkerSettings(degradation="none").ladder_steps == ()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"degradation": "drop_partials,faster"}, "'faster' is no step"),
        ({"degradation": "drop_partials,drop_partials"}, "twice"),
        ({"degrade_lag_ms": 300, "recover_lag_ms": 400}, "DRAGOMAN_AUDIO_DEGRADE_LAG_MS"),
    ],
)
def test_a_ladder_that_cannot_be_climbed_is_refused(values, told):
    with pytest.raises(SettingsInvalid, match=told):
        AudioWorkerSettings(**values)
