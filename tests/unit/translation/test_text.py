"""Cleaning and cutting of texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman_translation.engines.base import Segment
from dragoman_translation.engines.ctranslate2 import KEPT
from dragoman_translation.text import clean, fit, has_letters, segments


def joined(parts: list[Segment]) -> str:
    return "".join(part.text + part.after for part in parts)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\x00b\x1b[31mc", "ab[31mc"),
        ("a\tb\nc\r\n", "a\tb\nc\n"),
        ("\x7fa\x85b\x9f", "ab"),
        ("cafe\u0301", "café"),
        ("שלום \u202eabc", "שלום \u202eabc"),
        ("😀👩‍👩‍👧", "😀👩‍👩‍👧"),
    ],
)
def test_control_characters_go_and_all_else_stays(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@pytest.mark.parametrize("text", ["", " \n\t", "123.5 %", "😀", "♪ ♪", "—", "\u200d"])
def test_a_text_without_letters_needs_no_engine(text: str) -> None:
    assert not has_letters(text)


@pytest.mark.parametrize("text", ["a", "你好", "שלום", "3 apples", "ñ"])
def test_a_text_with_letters_does(text: str) -> None:
    assert has_letters(text)


def test_a_text_that_fits_stays_whole() -> None:
    assert fit("One. Two.", len, 9) == [Segment("One. Two.")]


def test_a_long_text_is_cut_between_sentences() -> None:
    assert fit('One is "here." Two?! Three', len, 14) == [
        Segment('One is "here."', " "),
        Segment("Two?!", " "),
        Segment("Three", ""),
    ]


def test_a_decimal_point_ends_no_sentence() -> None:
    assert [part.text for part in fit("It costs 3.50 euros. Yes.", len, 20)] == [
        "It costs 3.50 euros.",
        "Yes.",
    ]


def test_sentences_without_spaces_between_them_are_cut() -> None:
    assert [part.text for part in fit("你好。再见！好", len, 4)] == ["你好。", "再见！", "好"]


def test_a_long_sentence_is_cut_between_clauses_then_words() -> None:
    parts = fit("one two three four, five six seven eight nine ten", len, 20)
    assert [part.text for part in parts] == ["one two three four,", "five six seven eight", "nine ten"]


def test_spaces_count_so_that_no_word_is_cut_for_them() -> None:
    parts = fit("a b c d e f g h i j k l m n o p", len, 10)
    assert [part.text for part in parts] == ["a b c d e", "f g h i j", "k l m n o", "p"]


def test_a_word_that_is_too_long_is_cut_anywhere() -> None:
    parts = fit("x" * 25, len, 10)
    assert joined(parts) == "x" * 25
    assert all(len(part.text) <= 10 for part in parts)


@given(st.text(alphabet="ab.,!? \n。ñ😀<>/", max_size=200), st.integers(1, 30))
def test_cutting_loses_nothing_and_every_part_fits(text: str, limit: int) -> None:
    for parts in (fit(text, len, limit), segments(text, len, limit, kept=KEPT)):
        assert joined(parts) == text
        assert all(len(part.text) <= limit for part in parts)


@given(st.text(max_size=300))
def test_no_text_breaks_cleaning_and_cutting(text: str) -> None:
    cleaned = clean(text)
    assert joined(segments(cleaned, len, 20, kept=KEPT)) == cleaned


def test_markup_and_emoji_are_kept_and_what_is_between_is_translated() -> None:
    parts = segments("Hi 😀 <b class='x'>there</b>!\n\nBye. 👋🏽", len, 50, kept=KEPT)
    assert [part.text for part in parts if part.text] == ["Hi", "there", "Bye."]
    assert joined(parts) == "Hi 😀 <b class='x'>there</b>!\n\nBye. 👋🏽"


def test_a_less_than_sign_is_no_markup() -> None:
    assert [part.text for part in segments("if a < b then c > d", len, 50, kept=KEPT) if part.text] == [
        "if a < b then c > d"
    ]
