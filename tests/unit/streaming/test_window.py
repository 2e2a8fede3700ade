"""The buffer holds what is pending and not much more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman_orchestration.streaming.window import AudioBuffer


def ramp(start_ms: int, end_ms: int) -> np.ndarray:
    """Samples that tell their position: each ms has its own value."""
    return np.repeat(np.arange(start_ms, end_ms) % 30_000, 16).astype(np.int16)


def test_slices_by_time_and_forgets_the_front():
    buffer = AudioBuffer(100)
    buffer.append(ramp(100, 400))
    buffer.drop_before(250)
    assert (buffer.start_ms, buffer.end_ms, buffer.sample_count) == (250, 400, 150 * 16)
    assert np.array_equal(buffer.slice(260, 300), ramp(260, 300))
    assert np.array_equal(buffer.slice(0, 9_999), ramp(250, 400))
    assert len(buffer.slice(500, 600)) == 0
    assert len(buffer.slice(300, 200)) == 0


def test_dropping_more_than_there_is_keeps_the_position_true():
    buffer = AudioBuffer()
    buffer.append(ramp(0, 10))
    buffer.drop_before(50)
    assert (buffer.start_ms, buffer.end_ms) == (10, 10)
    buffer.drop_before(5)
    assert buffer.start_ms == 10


def test_an_hour_in_and_out_does_not_grow():
    buffer = AudioBuffer()
    for second in range(3_600):
        buffer.append(np.zeros(16_000, dtype=np.int16))
        buffer.drop_before(second * 1_000)
    assert buffer._data.nbytes < 300_000


@given(st.lists(st.tuples(st.integers(1, 700), st.integers(0, 900)), max_size=40))
def test_any_mix_of_ends_keeps_every_sample_in_its_place(steps):
    buffer = AudioBuffer()
    end_ms = start_ms = 0
    for grow_ms, drop_ms in steps:
        buffer.append(ramp(end_ms, end_ms + grow_ms))
        end_ms += grow_ms
        start_ms = min(end_ms, start_ms + drop_ms)
        buffer.drop_before(start_ms)
        assert (buffer.start_ms, buffer.end_ms) == (start_ms, end_ms)
        assert np.array_equal(buffer.slice(start_ms, end_ms), ramp(start_ms, end_ms))


def test_the_quietest_point_lies_in_the_pause():
    samples = (np.random.default_rng(1).uniform(-8_000, 8_000, 16 * 2_000)).astype(np.int16)
    samples[16 * 1_200 : 16 * 1_400] = 3
    buffer = AudioBuffer(5_000)
    buffer.append(samples)
    assert 6_200 <= buffer.quietest_ms(5_500, 7_000) <= 6_400


def test_the_quietest_point_of_too_little_audio_is_its_middle():
    buffer = AudioBuffer()
    buffer.append(ramp(0, 100))
    assert buffer.quietest_ms(0, 100) == 50


def test_skipped_audio_moves_the_clock_by_exactly_its_samples():
    buffer = AudioBuffer(1_000)
    buffer.append(np.ones(10, np.int16))
    buffer.skip(16 * 500 + 9)
    assert (buffer.start_ms, buffer.end_ms, buffer.sample_count) == (1_501, 1_501, 3)
    buffer.append(np.ones(13, np.int16))
    assert buffer.end_ms == 1_502
    with pytest.raises(ValueError, match="pending"):
        buffer.skip(1)
