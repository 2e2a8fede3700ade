"""What keeps invented text out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman_whisper.config import DecodeConfig
from dragoman_whisper.engines import guards

CONFIG = DecodeConfig()


@pytest.mark.parametrize(
    ("peak", "silent"), [(0, True), (33, True), (34, False), (-33, True), (-34, False), (-32_768, False)]
)
def test_silence_is_judged_by_its_peak(peak: int, silent: bool) -> None:
    pcm = np.zeros(100, dtype=np.int16)
    pcm[50] = peak
    assert guards.is_silent(pcm) is silent


def test_no_samples_are_silence() -> None:
    assert guards.is_silent(np.zeros(0, dtype=np.int16))


@pytest.mark.parametrize(
    ("items", "repeats", "kept"),
    [
        ("", 3, ""),
        ("abc", 3, "abc"),
        ("aaa", 3, "aaa"),
        ("aaaa", 3, "aaa"),
        ("xaaaaaa", 2, "xaa"),
        ("abababab", 3, "ababab"),
        ("abcabcabcab", 2, "abcabc"),
        ("xyabababa", 2, "xyabab"),
        ("0000 that is it", 3, "0000 that is it"),
        ("0123456789ab" * 5, 3, "0123456789ab" * 3),
    ],
)
def test_a_loop_is_cut(items: str, repeats: int, kept: str) -> None:
    assert items[: guards.looped_at(items, repeats)] == kept


@settings(max_examples=500)
@given(st.lists(st.integers(0, 3), max_size=40), st.integers(1, 4))
def test_what_is_kept_loops_no_more_and_the_rest_is_as_it_was(items: list[int], repeats: int) -> None:
    kept = items[: guards.looped_at(items, repeats)]
    assert guards.looped_at(kept, repeats) == len(kept)
    assert kept == items[: len(kept)]


@given(st.lists(st.integers(0, 1000), unique=True, max_size=40))
def test_what_never_repeats_is_kept(items: list[int]) -> None:
    assert guards.looped_at(items, 1) == len(items)


def test_compression_tells_loops_from_speech() -> None:
    threshold = CONFIG.compression_ratio_threshold
    assert guards.compression_ratio("") == 1.0
    assert guards.compression_ratio("The engineer works in a factory in Toronto.") < threshold
    assert guards.compression_ratio("thank you " * 20) > threshold


def test_the_score_of_no_tokens_is_a_number() -> None:
    assert guards.average_log_probability(math.nan, 0) == 0.0
    assert guards.average_log_probability(-math.inf, 3) == 0.0
    assert guards.average_log_probability(-0.5, 4) == pytest.approx(-0.4)


def test_thresholds() -> None:
    assert guards.is_unsure(-1.1, 1.0, CONFIG)
    assert guards.is_unsure(-0.1, 2.5, CONFIG)
    assert not guards.is_unsure(-0.9, 2.3, CONFIG)
    assert guards.is_no_speech(0.7, -1.1, CONFIG)
    assert not guards.is_no_speech(0.7, -0.9, CONFIG)
    assert not guards.is_no_speech(0.5, -1.1, CONFIG)
    assert guards.token_limit(0) < guards.token_limit(30)
