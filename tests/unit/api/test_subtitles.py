"""Subtitles keep every word and their limits, whatever was said."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman_orchestration.api.subtitles import (
    COLUMNS_PER_S,
    GAP_MS,
    LINE_COLUMNS,
    MAX_MS,
    MIN_MS,
    Cue,
    Passage,
    Word,
    clean,
    columns,
    cues,
)

ALPHABETS = [
    "abcde",
    "àéîõü",
    "אבגד\u200f",
    "مرحبا\u200c",
    "漢字仮名。、",
    "한국어",
    "😀👍🏽👩\u200d💻🇩🇪",
    ".,!?:;-",
    "<>&{}\\",
]
word_texts = st.one_of(
    *(st.text(alphabet, min_size=1, max_size=12) for alphabet in ALPHABETS),
    st.text("abc/漢", min_size=40, max_size=130),
    st.text(min_size=1, max_size=8),
)
texts = st.lists(word_texts, max_size=40).map(" ".join)


@st.composite
def passages(draw, *, languages: int = 1, spoken: bool | None = None):
    """One after another or over one another, with times of words that may be nonsense."""
    made, at = [], 0
    for _ in range(draw(st.integers(0, 6))):
        start = max(0, at + draw(st.integers(-2_000, 5_000)))
        end = start + draw(st.integers(0, 40_000))
        given_texts = tuple(draw(texts) for _ in range(languages))
        words: tuple[Word, ...] = ()
        if spoken if spoken is not None else draw(st.booleans()):
            times = st.integers(max(0, start - 500), end + 500)
            words = tuple(Word(part, draw(times), draw(times)) for part in given_texts[0].split())
        made.append(Passage(start, end, given_texts, words))
        at = end
    return made


def letters(text: str) -> str:
    return "".join(clean(text).split())


def in_order(made: list[Passage]) -> list[Passage]:
    return sorted(made, key=lambda one: (one.start_ms, one.end_ms))


def check_limits(shown: list[Cue]) -> None:
    for cue in shown:
        assert MIN_MS <= cue.end_ms - cue.start_ms <= MAX_MS
        assert 1 <= len(cue.lines) <= 2
        for line in cue.lines:
            assert line == line.strip(" ") != ""
            assert columns(line) <= LINE_COLUMNS
    for cue, following in pairwise(shown):
        assert following.start_ms - cue.end_ms >= GAP_MS


@given(made=passages())
def test_every_word_appears_once_and_in_order_within_the_limits(made):
    shown = cues(made)
    check_limits(shown)
    said = "".join(letters(one.texts[0]) for one in in_order(made))
    assert "".join(letters(line) for cue in shown for line in cue.lines) == said


@given(made=passages())
def test_words_that_fit_on_a_line_are_not_broken(made):
    lines = [line.split() for cue in cues(made) for line in cue.lines]
    whole = [
        word
        for one in in_order(made)
        for word in clean(one.texts[0]).split()
        if columns(word) <= LINE_COLUMNS and word.isascii()
    ]
    shown = iter(word for line in lines for word in line)
    assert all(word in shown for word in whole)  # a subsequence: each is found after the one before


@given(made=passages(languages=2))
def test_two_languages_keep_every_word_within_the_limits(made):
    shown = cues(made)
    check_limits(shown)
    said = "".join(letters(text) for one in made for text in one.texts)
    assert sorted("".join(letters(line) for cue in shown for line in cue.lines)) == sorted(said)


@given(one=st.text("abc .", max_size=400), other=st.text("漢字。 ", max_size=400))
def test_each_of_two_languages_is_in_order_on_its_own_lines(one, other):
    lines = [line for cue in cues([Passage(0, 20_000, (one, other))]) for line in cue.lines]
    assert letters("".join(line for line in lines if line.isascii())) == letters(one)
    assert letters("".join(line for line in lines if not line.isascii())) == letters(other)


@given(made=passages())
def test_nobody_must_read_faster_than_there_is_time_for(made):
    shown = cues(made)
    for cue, following in pairwise([*shown, Cue(2**62, 2**62, ())]):
        wanted_ms = min(sum(map(columns, cue.lines)) * 1000 / COLUMNS_PER_S, MAX_MS)
        could_last_longer = following.start_ms - cue.end_ms > GAP_MS
        assert cue.end_ms - cue.start_ms >= wanted_ms or not could_last_longer


@given(made=passages(spoken=True))
def test_no_cue_comes_before_its_passage(made):
    shown = cues(made)
    if made and shown:
        assert shown[0].start_ms >= min(one.start_ms for one in made)


def spoken(text: str, *, ms_a_word: int = 300, pause_after: str = "", pause_ms: int = 0) -> Passage:
    words, at = [], 0
    for part in text.split():
        words.append(Word(part, at, at + ms_a_word))
        at += ms_a_word + (pause_ms if part == pause_after else 0)
    return Passage(0, at, (text,), tuple(words))


def shown_lines(passage: Passage) -> list[tuple[str, ...]]:
    return [cue.lines for cue in cues([passage])]


def test_a_short_sentence_is_one_line():
    assert cues([Passage(480, 2_000, ("Hello there.",))]) == [Cue(480, 2_000, ("Hello there.",))]


def test_a_long_line_is_halved_at_the_end_of_a_clause():
    text = "When the meeting starts at nine, everybody has to be there."
    assert shown_lines(spoken(text)) == [("When the meeting starts at nine,", "everybody has to be there.")]


def test_the_end_of_a_sentence_is_worth_lines_of_different_length():
    text = "The meeting is at nine. Everybody has to be there by then."
    assert shown_lines(spoken(text)) == [("The meeting is at nine.", "Everybody has to be there by then.")]


def test_a_long_segment_is_cut_at_the_end_of_a_sentence():
    one = "The first sentence is about as long as a subtitle may be at all."
    other = "The second one follows it and is of about the same length too."
    found = shown_lines(spoken(f"{one} {other}", ms_a_word=200))
    assert [" ".join(lines) for lines in found] == [one, other]


def test_cues_begin_and_end_with_their_words():
    text = " ".join(f"word{n}" for n in range(20))
    passage = spoken(text, ms_a_word=400, pause_after="word9", pause_ms=2_000)
    shown = cues([passage])
    starts = {word.start_ms: word.text for word in passage.words}
    assert len(shown) > 1
    for cue in shown:
        assert starts[cue.start_ms] == cue.lines[0].split()[0]


def test_without_times_of_words_the_time_is_shared_by_length():
    first, second = cues(
        [Passage(0, 10_000, ("a" * 35 + " " + "b" * 35 + ". " + "c" * 35 + " " + "d" * 35,))]
    )
    assert first.end_ms == pytest.approx(5_000, abs=150)
    assert second.start_ms - first.end_ms >= GAP_MS


def test_a_word_that_was_held_long_is_shown_seven_seconds():
    assert cues([Passage(1_000, 60_000, ("Well",))]) == [Cue(1_000, 1_000 + MAX_MS, ("Well",))]


def test_what_is_said_too_fast_lasts_into_the_silence_after_it():
    (cue,) = cues([Passage(0, 200, ("Yes, I think so, too, yes.",))])
    assert cue.end_ms == 26 * 1000 // COLUMNS_PER_S


def test_what_comes_too_close_together_is_shown_together():
    shown = cues([Passage(0, 300, ("Yes.",)), Passage(400, 700, ("No.",)), Passage(5_000, 6_000, ("Why?",))])
    assert [cue.lines for cue in shown] == [("Yes.", "No."), ("Why?",)]


def test_wide_characters_take_two_columns():
    assert (columns("漢字"), columns("é"), columns("e\u0301"), columns("👩\u200d💻"), columns("")) == (
        4,
        1,
        1,
        2,
        0,
    )
    found = shown_lines(Passage(0, 6_000, ("漢" * 30,)))
    assert found == [("漢" * 15, "漢" * 15)]


@given(parts=st.lists(st.sampled_from(["漢", "字", "漢。", "字、", "「漢」", "（字"]), max_size=120))
def test_no_line_begins_with_what_closes_or_ends_with_what_opens(parts):
    for lines in shown_lines(Passage(0, 20_000, ("".join(parts),))):
        for line in lines:
            assert line[0] not in "。、」"
            assert line[-1] not in "「（"


def test_what_belongs_together_is_not_torn():
    joined = "👩\u200d💻" * 40 + "e\u0301" * 60
    for lines in shown_lines(Passage(0, 20_000, (joined,))):
        for line in lines:
            assert line[0] not in "\u200d\u0301💻"
            assert not line.endswith("\u200d")


def test_two_languages_share_the_time():
    english = "The meeting starts at nine and everybody has to be there because it matters."
    spanish = "La reunión empieza a las nueve y todos tienen que estar allí porque es importante."
    shown = cues([Passage(0, 6_000, (english, spanish))])
    assert all(len(cue.lines) == 2 for cue in shown)
    assert " ".join(cue.lines[0] for cue in shown) == english
    assert " ".join(cue.lines[1] for cue in shown) == spanish


def test_a_language_without_words_leaves_its_line_out():
    assert shown_lines(Passage(0, 2_000, ("Hello.", ""))) == [("Hello.",)]
    assert cues([Passage(0, 2_000, ("", " \n"))]) == []
    assert cues([Passage(0, 2_000, ("",))]) == []
    assert cues([]) == []


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\n\nb\tc\r\nd", "a b c d"),
        ("a --> b", "a → b"),
        ("---->", "--→"),
        ("be\x07ep \x1b[0m", "beep [0m"),
        ("a\u2028b", "a b"),
        ("\x00", ""),
        ("שלום \u200fעולם", "שלום \u200fעולם"),
    ],
)
def test_what_would_break_a_file_is_made_harmless(text, kept):
    assert clean(text) == kept
