"""A transcript in the languages that are asked for: as JSON, plain text, SubRip or WebVTT. Pure.

WebVTT (https://www.w3.org/TR/webvtt1/) and SubRip are written by webvtt-py, which takes a cue's text as it is
to stand in the file: what could be markup is made harmless here.
"""

from __future__ import annotations

import html
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from webvtt import Caption, WebVTT
from webvtt.models import Timestamp

from dragoman_contracts.errors import InvalidInput, NotFound, UnknownLanguage
from dragoman_contracts.websocket import TranscriptFinal, TranslationFinal
from dragoman_orchestration.api.subtitles import Passage, Word, cues
from dragoman_runtime.languages import canonical, closest, is_same

KINDS = frozenset({b"transcript.final", b"translation.final"})
"""Types of the results that make a transcript."""
MAX_LANGUAGES = 2

_decoder: msgspec.json.Decoder[TranscriptFinal | TranslationFinal] = msgspec.json.Decoder(
    TranscriptFinal | TranslationFinal
)
# SubRip has no way to write a character that a player would take for markup.
_SRT_MARKUP = str.maketrans({"<": "‹", ">": "›"})


@dataclass(slots=True)
class Segment:
    """What was said, and its translations by language."""

    final: TranscriptFinal
    translations: dict[str, TranslationFinal] = field(default_factory=dict)

    @property
    def spoken(self) -> str:
        """The language it was spoken in."""
        return _standard(self.final.language)

    def text(self, language: str | None) -> str | None:
        """The text in a language; None where there is none. Without a language, as it was spoken."""
        if language is None:
            return self.final.text.strip()
        if language in self.translations:
            return self.translations[language].text.strip()
        if self.spoken and is_same(self.spoken, language):
            return self.final.text.strip()
        # A target that was replaced on the way, as es-MX by es, is the same to who reads it.
        near = closest(language, self.translations)
        return None if near is None else self.translations[near].text.strip()

    def shown(self, language: str | None) -> str:
        """The text in a language; in brackets as it was spoken, where there is none."""
        text = self.text(language)
        return f"[{self.final.text.strip()}]" if text is None else text


def decode_segments(messages: Iterable[bytes]) -> list[Segment]:
    """The segments in order; of two revisions of a segment or a translation the later one counts."""
    segments: dict[str, Segment] = {}
    translations: dict[tuple[str, str], TranslationFinal] = {}
    for message in messages:
        told = _decoder.decode(message)
        if isinstance(told, TranslationFinal):
            key = (told.segment_id, told.target_language)
            known = translations.get(key)
            if known is None or told.revision >= known.revision:
                translations[key] = told
        else:
            segment = segments.get(told.segment_id)
            if segment is None or told.revision >= segment.final.revision:
                segments[told.segment_id] = Segment(told)
    for (segment_id, language), translation in translations.items():
        if segment_id in segments:
            segments[segment_id].translations[language] = translation
    return sorted(segments.values(), key=lambda one: (one.final.start_ms, one.final.end_ms))


def languages_of(wanted: str | None, segments: Sequence[Segment], targets: Sequence[str]) -> list[str]:
    """The languages asked for, as the session has them; none asked for is an empty list.

    Args:
        wanted: One code, or two separated by a comma.
        segments: What was said; the languages it was spoken in are had too.
        targets: Into what the session is translated now, perhaps before anything was said.

    Raises:
        UnknownLanguage: one of them is none.
        InvalidInput: they are more than two.
        NotFound: the session has nothing in that language.

    """
    if wanted is None:
        return []
    asked = list(dict.fromkeys(canonical(code) for code in wanted.split(",")))
    if len(asked) > MAX_LANGUAGES:
        raise InvalidInput(
            f"{len(asked)} languages are asked for: at most {MAX_LANGUAGES} can be shown together",
            remedy="Ask for each of them by itself.",
        )
    spoken = {one.spoken for one in segments if one.spoken}
    translated = {language for one in segments for language in one.translations}
    had = sorted({*spoken, *translated, *targets})
    return [_found(code, had) for code in asked]


def to_json(session_id: str, status: str, segments: Sequence[Segment], languages: Sequence[str]) -> bytes:
    """All of it; ``texts`` holds the languages asked for, null where there is no translation."""
    first = languages[0] if languages else None
    body: dict[str, Any] = {
        "session_id": session_id,
        "status": status,
        "text": " ".join(segment.shown(first) for segment in segments),
        "segments": [segment.final for segment in segments],
    }
    if languages:
        body["languages"] = languages
        body["segments"] = [
            msgspec.to_builtins(segment.final) | {"texts": {code: segment.text(code) for code in languages}}
            for segment in segments
        ]
    return msgspec.json.encode(body)


def to_text(segments: Sequence[Segment], languages: Sequence[str]) -> str:
    """One segment a line; of two languages two lines, and an empty one between segments."""
    blocks = ["".join(f"{segment.shown(code)}\n" for code in _codes(languages)) for segment in segments]
    return ("\n" if len(languages) > 1 else "").join(blocks)


def to_srt(segments: Sequence[Segment], languages: Sequence[str]) -> str:
    """SubRip."""
    out = io.StringIO()
    WebVTT(captions=_captions(segments, languages, _for_srt)).write(out, format="srt")
    text = out.getvalue()
    return f"{text}\n" if text else ""


def to_vtt(segments: Sequence[Segment], languages: Sequence[str]) -> str:
    """WebVTT."""
    return str(WebVTT(captions=_captions(segments, languages, _for_vtt)).content)


def _codes(languages: Sequence[str]) -> Sequence[str | None]:
    return languages or [None]


def _captions(
    segments: Sequence[Segment], languages: Sequence[str], safe: Callable[[str], str]
) -> list[Caption]:
    shown = cues([_passage(segment, _codes(languages)) for segment in segments])
    return [
        Caption(_clock(cue.start_ms), _clock(cue.end_ms), [safe(line) for line in cue.lines]) for cue in shown
    ]


def _passage(segment: Segment, languages: Sequence[str | None]) -> Passage:
    final = segment.final
    return Passage(
        final.start_ms,
        final.end_ms,
        tuple(segment.shown(language) for language in languages),
        tuple(Word(word.text, word.start_ms, word.end_ms) for word in final.words),
    )


def _for_vtt(line: str) -> str:
    return html.escape(line, quote=False)


def _for_srt(line: str) -> str:
    return line.translate(_SRT_MARKUP).replace("{\\", "{∖")


def _clock(ms: int) -> str:
    return str(Timestamp.from_seconds(ms / 1000))


def _standard(code: str) -> str:
    """A code that a recogniser gave; empty if it is none."""
    try:
        return canonical(code)
    except UnknownLanguage:
        return ""


def _found(code: str, had: Sequence[str]) -> str:
    match = closest(code, had)
    if match is None:
        raise NotFound(
            f"the session has nothing in {code}",
            remedy=f"It has {', '.join(had)}." if had else "Nothing was said or translated yet.",
        )
    return match
