"""Segments and subtitle formats."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman_contracts.whisper_api import WindowResult, WindowWord
from dragoman_whisper import formats
from dragoman_whisper.engines.base import Span
from dragoman_whisper.files import join
from dragoman_whisper.transcript import MAX_SEGMENT_CHARS, MAX_SEGMENT_MS, Transcript, lines, segments_of


def words_of(*told: tuple[str, int, int]) -> list[WindowWord]:
    return [WindowWord(text=text, start_ms=start, end_ms=end) for text, start, end in told]


RESULT = WindowResult(
    language="en",
    average_log_probability=-0.2,
    words=words_of(
        (" Good", 0, 300), (" morning.", 300, 700), (" Tom", 900, 1_200), (" & <Ann>", 1_200, 1_900)
    ),
)
TRANSCRIPT = Transcript(
    language="en", duration_ms=3_725_000, segments=segments_of(RESULT, 3_600_500, temperature=0.0)
)


def test_segments_end_with_sentences_and_have_the_times_of_the_file() -> None:
    assert [(line.text, line.start_ms, line.end_ms) for line in TRANSCRIPT.segments] == [
        ("Good morning.", 3_600_500, 3_601_200),
        ("Tom & <Ann>", 3_601_400, 3_602_400),
    ]
    assert TRANSCRIPT.text == "Good morning. Tom & <Ann>"
    assert [word.text for word in TRANSCRIPT.words] == [word.text for word in RESULT.words]


def test_a_pause_ends_a_line() -> None:
    assert len(lines(words_of((" a", 0, 100), (" b", 1_100, 1_200), (" c", 2_201, 2_300)))) == 2


word_times = st.lists(
    st.tuples(st.sampled_from([" a", " word", " sentence.", " extraordinarily"]), st.integers(0, 2_500)),
    max_size=60,
)


@given(word_times)
def test_no_line_is_too_long_to_read_and_no_word_is_lost(told: list[tuple[str, int]]) -> None:
    words, now_ms = [], 0
    for text, length_ms in told:
        words.append(WindowWord(text=text, start_ms=now_ms, end_ms=now_ms + length_ms))
        now_ms += length_ms
    found = lines(words)
    assert [word for line in found for word in line] == words
    for line in found:
        assert line[-1].end_ms - line[0].start_ms <= MAX_SEGMENT_MS
        assert sum(len(word.text) for word in line) <= MAX_SEGMENT_CHARS


def test_srt() -> None:
    assert formats.as_srt(TRANSCRIPT) == (
        "1\n01:00:00,500 --> 01:00:01,200\nGood morning.\n\n2\n01:00:01,400 --> 01:00:02,400\nTom & <Ann>\n"
    )


def test_vtt() -> None:
    assert formats.as_vtt(TRANSCRIPT) == (
        "WEBVTT\n\n01:00:00.500 --> 01:00:01.200\nGood morning.\n"
        "\n01:00:01.400 --> 01:00:02.400\nTom &amp; &lt;Ann&gt;\n"
    )


def test_long_lines_are_broken_in_two() -> None:
    text = " ".join(["eleven"] * 11)
    result = WindowResult(language="en", words=words_of(*((f" {word}", 0, 10) for word in text.split())))
    segments = segments_of(result, 0, 0.0)
    cue = formats.as_srt(Transcript(language="en", duration_ms=1, segments=segments)).split("\n", 2)[2]
    shown = [line for line in cue.splitlines() if line]
    assert len(shown) == 2
    assert all(len(line) <= formats.LINE_CHARS for line in shown)
    assert " ".join(shown) == text


def test_verbose_json_has_what_was_asked_for() -> None:
    both = formats.as_verbose_json(TRANSCRIPT, ["word", "segment"])
    assert both["duration"] == 3_725.0
    assert both["words"][1] == {"word": "morning.", "start": 3_600.8, "end": 3_601.2, "probability": 1.0}
    assert both["segments"][1]["avg_logprob"] == -0.2
    assert both["segments"][1]["id"] == 1
    assert "segments" not in formats.as_verbose_json(TRANSCRIPT, ["word"])
    assert "words" not in formats.as_verbose_json(TRANSCRIPT, ["segment"])


def test_nothing_said() -> None:
    empty = Transcript(language="en", duration_ms=1_000)
    assert formats.as_json(empty) == {"text": ""}
    assert formats.as_srt(empty) == ""
    assert formats.as_vtt(empty) == "WEBVTT\n"
    assert formats.as_text(empty) == "\n"


@pytest.mark.parametrize("hours", [0, 99, 100])
def test_clocks(hours: int) -> None:
    moved = segments_of(RESULT, hours * 3_600_000, 0.0)
    told = formats.as_srt(Transcript(language="en", duration_ms=1, segments=moved))
    assert re.search(rf"^{hours:02d}:00:00,000 --> {hours:02d}:00:00,700$", told, re.MULTILINE)


@given(
    st.lists(st.tuples(st.integers(1, 40_000), st.integers(0, 40_000)), max_size=20),
    st.integers(16_000, 128_000),
)
def test_joined_pieces_hold_all_speech_and_are_not_too_long(
    parts: list[tuple[int, int]], longest: int
) -> None:
    spans, now = [], 0
    for length, gap in parts:
        spans.append(Span(now, now + length))
        now += length + gap
    joined = list(join(spans, longest))
    for span in spans:
        assert any(piece.start <= span.start and span.end <= piece.end for piece in joined)
    for piece in joined:
        assert piece.end - piece.start <= longest or piece in spans
    assert [piece.start for piece in joined] == sorted(piece.start for piece in joined)
