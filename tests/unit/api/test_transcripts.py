"""A transcript in all its forms and languages."""

from __future__ import annotations

import io
import json

import msgspec
import pytest
import webvtt

from dragoman_contracts.errors import InvalidInput, NotFound, UnknownLanguage
from dragoman_contracts.websocket import TranscriptFinal, TranslationFinal
from dragoman_orchestration.api.transcripts import (
    decode_segments,
    languages_of,
    to_json,
    to_srt,
    to_text,
    to_vtt,
)


def final(
    segment: str, text: str, start_ms: int, end_ms: int, revision: int = 1, language: str = "en"
) -> bytes:
    return msgspec.json.encode(
        TranscriptFinal(
            segment_id=segment,
            revision=revision,
            text=text,
            start_ms=start_ms,
            end_ms=end_ms,
            language=language,
        )
    )


def translation(segment: str, language: str, text: str, revision: int = 1) -> bytes:
    return msgspec.json.encode(
        TranslationFinal(
            segment_id=segment,
            revision=revision,
            target_language=language,
            source_language="en",
            text=text,
            start_ms=0,
            end_ms=1,
            engine="mock",
        )
    )


WILD = decode_segments(
    [
        final("s1", " Hello & <b>welcome</b>. ", 480, 1_900),
        final("s2", "An\n\nhour --> {\\an8}later\x07", 3_600_001, 3_604_500),
    ]
)
MEETING = decode_segments(
    [
        final("s1", "Hello.", 0, 1_000),
        translation("s1", "es", "Hola."),
        final("s2", "Good morning.", 2_000, 3_000),
        final("s3", "Buenos días.", 4_000, 5_000, language="es"),
        translation("s3", "fr", "Bonjour."),
        translation("gone", "es", "?"),
    ]
)


def read(text: str, form: str) -> list[tuple[str, str, str]]:
    """The cues as a reader of the format finds them."""
    return [
        (cue.start, cue.end, cue.raw_text)
        for cue in webvtt.WebVTT.from_buffer(io.StringIO(text), format=form)
    ]


def test_text():
    assert to_text(WILD[:1], []) == "Hello & <b>welcome</b>.\n"


def test_subrip_cannot_be_taken_for_markup_or_for_another_cue():
    assert to_srt(WILD, []) == (
        "1\n00:00:00,480 --> 00:00:01,900\nHello & ‹b›welcome‹/b›.\n"
        "\n2\n01:00:00,001 --> 01:00:04,500\nAn hour → {∖an8}later\n"
    )
    assert len(read(to_srt(WILD, []), "srt")) == 2


def test_webvtt_cannot_be_taken_for_markup_or_for_another_cue():
    assert to_vtt(WILD, []) == (
        "WEBVTT\n"
        "\n00:00:00.480 --> 00:00:01.900\nHello &amp; &lt;b&gt;welcome&lt;/b&gt;.\n"
        "\n01:00:00.001 --> 01:00:04.500\nAn hour → {\\an8}later\n"
    )
    assert len(read(to_vtt(WILD, []), "vtt")) == 2


@pytest.mark.parametrize("text", ["שלום לכולם, ברוכים הבאים", "مرحبا \u200fبكم"])
@pytest.mark.parametrize("form", ["srt", "vtt"])
def test_writing_from_right_to_left_comes_out_as_it_went_in(text, form):
    segments = decode_segments([final("s1", "Hello.", 0, 2_000), translation("s1", "he", text)])
    made = to_srt(segments, ["he"]) if form == "srt" else to_vtt(segments, ["he"])
    assert [lines for _, _, lines in read(made, form)] == [text]


def test_nothing_said():
    assert (to_text([], []), to_srt([], []), to_vtt([], [])) == ("", "", "WEBVTT\n")
    assert json.loads(to_json("s", "live", [], []))["text"] == ""


def test_the_last_revision_of_a_segment_counts_in_the_order_of_time():
    segments = decode_segments(
        [
            final("b", "second", 500, 600),
            final("a", "wrong", 0, 100, revision=1),
            translation("a", "es", "mal", revision=1),
            final("a", "right", 0, 100, revision=2),
            translation("a", "es", "bien", revision=2),
            translation("a", "es", "tarde", revision=1),
            final("a", "late", 0, 100, revision=1),
        ]
    )
    assert [one.text(None) for one in segments] == ["right", "second"]
    assert [one.text("es") for one in segments] == ["bien", None]


def test_what_is_not_translated_is_shown_as_spoken_in_brackets():
    assert to_text(MEETING, ["es"]) == "Hola.\n[Good morning.]\nBuenos días.\n"
    assert "[Good morning.]" in to_vtt(MEETING, ["es"])
    assert "[Good morning.]" in to_srt(MEETING, ["es"])


def test_two_languages_are_two_lines():
    assert to_text(MEETING[:2], ["en", "es"]) == "Hello.\nHola.\n\nGood morning.\n[Good morning.]\n"
    assert [lines for _, _, lines in read(to_vtt(MEETING[:1], ["en", "es"]), "vtt")] == ["Hello.\nHola."]


def test_json_marks_what_is_missing_with_null():
    told = json.loads(to_json("s", "live", MEETING, ["es", "en"]))
    assert told["languages"] == ["es", "en"]
    assert told["text"] == "Hola. [Good morning.] Buenos días."
    assert [segment["texts"] for segment in told["segments"]] == [
        {"es": "Hola.", "en": "Hello."},
        {"es": None, "en": "Good morning."},
        {"es": "Buenos días.", "en": None},
    ]
    assert [segment["text"] for segment in told["segments"]] == ["Hello.", "Good morning.", "Buenos días."]
    assert "texts" not in json.loads(to_json("s", "live", MEETING, []))["segments"][0]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (None, []),
        ("es", ["es"]),
        ("ES-ar", ["es"]),
        ("en,es", ["en", "es"]),
        ("en, en", ["en"]),
        ("pt", ["pt-BR"]),  # a target that nothing was translated into yet
    ],
)
def test_languages_are_found_as_readers_know_them(wanted, found):
    assert languages_of(wanted, MEETING, ["pt-BR"]) == found


def test_a_language_that_the_session_has_not_is_refused_with_those_it_has():
    with pytest.raises(NotFound, match="nothing in it") as caught:
        languages_of("it", MEETING, [])
    assert caught.value.remedy == "It has en, es, fr."
    with pytest.raises(NotFound):
        languages_of("it", [], [])


@pytest.mark.parametrize("wanted", ["klingonish", "", "en,", " "])
def test_a_code_that_is_none_is_refused(wanted):
    with pytest.raises(UnknownLanguage):
        languages_of(wanted, MEETING, [])


def test_three_languages_are_too_many():
    with pytest.raises(InvalidInput, match="at most 2"):
        languages_of("en,es,fr", MEETING, [])


def test_a_target_that_was_replaced_by_its_like_counts():
    segments = decode_segments([final("s1", "Hello.", 0, 1), translation("s1", "es-MX", "Hola.")])
    assert segments[0].text("es") == "Hola."


def test_a_language_that_a_recogniser_made_up_is_none():
    segments = decode_segments([final("s1", "Hello.", 0, 1, language="??")])
    assert segments[0].text("en") is None
    assert languages_of("es", segments, ["es"]) == ["es"]
