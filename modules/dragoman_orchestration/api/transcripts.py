"""A transcript as JSON, plain text, SubRip or WebVTT (https://www.w3.org/TR/webvtt1/). Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dragoman_contracts.websocket import TranscriptFinal

_decoder = msgspec.json.Decoder(TranscriptFinal)


def decode_finals(messages: Sequence[bytes]) -> list[TranscriptFinal]:
    """The finals in order; of two revisions of a segment the later one counts."""
    by_segment: dict[str, TranscriptFinal] = {}
    for message in messages:
        final = _decoder.decode(message)
        known = by_segment.get(final.segment_id)
        if known is None or final.revision >= known.revision:
            by_segment[final.segment_id] = final
    return sorted(by_segment.values(), key=lambda final: (final.start_ms, final.end_ms))


def to_text(finals: Sequence[TranscriptFinal]) -> str:
    """One segment a line."""
    return "".join(f"{final.text.strip()}\n" for final in finals)


def to_srt(finals: Sequence[TranscriptFinal]) -> str:
    """SubRip: numbered cues with a comma before the milliseconds."""
    return "\n".join(
        f"{number}\n{_clock(final.start_ms, ',')} --> {_clock(final.end_ms, ',')}\n{_cue_text(final)}\n"
        for number, final in enumerate(finals, start=1)
    )


def to_vtt(finals: Sequence[TranscriptFinal]) -> str:
    """WebVTT."""
    cues = (
        f"{_clock(final.start_ms, '.')} --> {_clock(final.end_ms, '.')}\n{_escape(_cue_text(final))}\n"
        for final in finals
    )
    return "\n".join(["WEBVTT\n", *cues])


def _cue_text(final: TranscriptFinal) -> str:
    # A blank line would end the cue, and "-->" would begin another one.
    return " ".join(final.text.split()).replace("-->", "->")


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clock(ms: int, point: str) -> str:
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{ms:03}"
