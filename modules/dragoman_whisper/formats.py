"""The answers of ``/v1/audio/transcriptions``: OpenAI's JSON shapes, plain text, SubRip and WebVTT.

Sources: OpenAI's API reference (audio/createTranscription); WebVTT, https://www.w3.org/TR/webvtt1/.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection
from typing import Any, Literal

from dragoman_contracts.whisper_api import WindowWord
from dragoman_whisper.transcript import Segment, Transcript

ResponseFormat = Literal["json", "text", "srt", "vtt", "verbose_json"]
Granularity = Literal["word", "segment"]
MEDIA_TYPES: dict[ResponseFormat, str] = {
    "text": "text/plain; charset=utf-8",
    "srt": "application/x-subrip; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
}
LINE_CHARS = 42
"""Longest line of a subtitle, as broadcasters have it; a segment takes two."""


def as_json(transcript: Transcript) -> dict[str, Any]:
    """OpenAI's ``json``: the text alone."""
    return {"text": transcript.text}


def as_verbose_json(transcript: Transcript, granularities: Collection[Granularity]) -> dict[str, Any]:
    """OpenAI's ``verbose_json``; words and segments as asked for, times in seconds."""
    answer: dict[str, Any] = {
        "task": transcript.task,
        "language": transcript.language,
        "duration": transcript.duration_ms / 1000,
        "text": transcript.text,
    }
    if "word" in granularities:
        answer["words"] = [_word(word) for word in transcript.words]
    if "segment" in granularities:
        answer["segments"] = [_segment(number, line) for number, line in enumerate(transcript.segments)]
    return answer


def as_text(transcript: Transcript) -> str:
    """The text and a line end."""
    return transcript.text + "\n"


def as_srt(transcript: Transcript) -> str:
    """SubRip: numbered cues."""
    cues = [
        f"{number}\n{_clock(line.start_ms, ',')} --> {_clock(line.end_ms, ',')}\n{_wrapped(line.text)}\n"
        for number, line in enumerate(transcript.segments, 1)
    ]
    return "\n".join(cues)


def as_vtt(transcript: Transcript) -> str:
    """WebVTT: cues with ``&``, ``<`` and ``>`` escaped."""
    cues = [
        f"\n{_clock(line.start_ms, '.')} --> {_clock(line.end_ms, '.')}\n{_escaped(_wrapped(line.text))}\n"
        for line in transcript.segments
    ]
    return "WEBVTT\n" + "".join(cues)


def _word(word: WindowWord) -> dict[str, Any]:
    return {
        "word": word.text.strip(),
        "start": word.start_ms / 1000,
        "end": word.end_ms / 1000,
        "probability": word.probability,
    }


def _segment(number: int, line: Segment) -> dict[str, Any]:
    return {
        "id": number,
        "seek": line.start_ms // 10,
        "start": line.start_ms / 1000,
        "end": line.end_ms / 1000,
        "text": line.text,
        "tokens": [],
        "temperature": line.temperature,
        "avg_logprob": line.average_log_probability,
        "compression_ratio": line.compression_ratio,
        "no_speech_prob": line.no_speech_probability,
    }


def _clock(ms: int, mark: str) -> str:
    minutes, ms = divmod(ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{ms // 1000:02d}{mark}{ms % 1000:03d}"


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text, LINE_CHARS, break_long_words=False)) or text


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
