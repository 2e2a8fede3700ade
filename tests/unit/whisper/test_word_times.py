"""Word times: in order, within the window, without the silence at their edges."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dragoman_whisper.engines.word_times import AlignedWord, audible_frames, place, spread

seconds = st.floats(0, 4, allow_nan=False)
aligned = st.builds(AlignedWord, st.just(" w"), seconds, seconds, st.floats(-0.1, 1.1, allow_nan=False))


@given(st.lists(aligned, max_size=12), st.lists(st.booleans(), min_size=1, max_size=300))
def test_whatever_the_model_says_times_are_in_order(words: list[AlignedWord], audible: list[bool]) -> None:
    placed = place(words, np.array(audible))
    assert [word.text for word in placed] == [word.text for word in words]
    last_ms = 0
    for word in placed:
        assert last_ms <= word.start_ms <= word.end_ms <= len(audible) * 10
        assert 0 <= word.probability <= 1
        last_ms = word.end_ms


def test_the_pause_before_a_word_is_not_the_word() -> None:
    audible = np.zeros(100, dtype=bool)
    audible[10:30] = audible[70:90] = True
    first, second = place([AlignedWord(" a", 0, 0.3, 1), AlignedWord(" b", 0.3, 0.95, 1)], audible)
    assert (first.start_ms, first.end_ms) == (100, 300)
    assert (second.start_ms, second.end_ms) == (700, 900)


def test_the_last_word_lasts_as_long_as_it_is_heard() -> None:
    audible = np.zeros(100, dtype=bool)
    audible[20:80] = True
    (word,) = place([AlignedWord(" a", 0.1, 0.22, 1)], audible)
    assert (word.start_ms, word.end_ms) == (200, 800)


def test_a_word_in_silence_keeps_the_times_of_the_model() -> None:
    audible = np.zeros(300, dtype=bool)
    first, last = place([AlignedWord(" a", 0.1, 0.2, 1), AlignedWord(" b", 0.3, 0.4, 1)], audible)
    assert (first.start_ms, first.end_ms) == (100, 200)
    assert last.start_ms == 300


def test_loudness_is_relative_to_the_loudest() -> None:
    mel = np.full((80, 6), -0.5, dtype=np.float32)
    mel[3, 2], mel[7, 3], mel[1, 4] = 1.0, 0.5, 0.3
    assert audible_frames(mel, 6).tolist() == [False, False, True, True, False, False]


def test_words_without_times_share_the_window() -> None:
    words = spread([" a", " b", " c"], 1_000, 0.5)
    assert [(word.start_ms, word.end_ms) for word in words] == [(0, 333), (333, 667), (667, 1_000)]
    assert {word.probability for word in words} == {0.5}
    assert spread([], 1_000, 1.0) == []
