from __future__ import annotations

import msgspec

from dragoman_contracts.websocket import TranscriptFinal
from dragoman_orchestration.api.transcripts import decode_finals, to_srt, to_text, to_vtt


def final(segment: str, text: str, start_ms: int, end_ms: int, revision: int = 1) -> bytes:
    return msgspec.json.encode(
        TranscriptFinal(
            segment_id=segment, revision=revision, text=text, start_ms=start_ms, end_ms=end_ms, language="en"
        )
    )


FINALS = decode_finals(
    [final("s1", " Hello & <welcome>. ", 480, 900), final("s2", "An\n\nhour --> later", 3_600_001, 3_661_500)]
)


def test_text():
    assert to_text(FINALS[:1]) == "Hello & <welcome>.\n"


def test_subrip():
    assert to_srt(FINALS) == (
        "1\n00:00:00,480 --> 00:00:00,900\nHello & <welcome>.\n"
        "\n2\n01:00:00,001 --> 01:01:01,500\nAn hour -> later\n"
    )


def test_webvtt():
    assert to_vtt(FINALS) == (
        "WEBVTT\n"
        "\n00:00:00.480 --> 00:00:00.900\nHello &amp; &lt;welcome&gt;.\n"
        "\n01:00:00.001 --> 01:01:01.500\nAn hour -&gt; later\n"
    )


def test_nothing_said():
    assert (to_text([]), to_srt([]), to_vtt([])) == ("", "", "WEBVTT\n")


def test_the_last_revision_of_a_segment_counts_in_the_order_of_time():
    finals = decode_finals(
        [
            final("b", "second", 500, 600),
            final("a", "wrong", 0, 100, revision=1),
            final("a", "right", 0, 100, revision=2),
            final("a", "late", 0, 100, revision=1),
        ]
    )
    assert [one.text for one in finals] == ["right", "second"]
