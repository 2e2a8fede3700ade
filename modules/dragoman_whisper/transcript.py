"""The transcript of a file: words gathered into segments that can be read as subtitles. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dragoman_contracts.whisper_api import WindowResult, WindowWord

SENTENCE_ENDS = (".", "?", "!", "。", "？", "！", "…")
MAX_SEGMENT_MS = 7_000
MAX_SEGMENT_CHARS = 84
PAUSE_MS = 1_000


@dataclass(frozen=True, slots=True)
class Segment:
    """A line of the transcript; times in ms of the file, quality from the window that it was decoded in."""

    text: str
    start_ms: int
    end_ms: int
    words: list[WindowWord]
    average_log_probability: float
    compression_ratio: float
    no_speech_probability: float
    temperature: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a file says."""

    language: str
    duration_ms: int
    task: str = "transcribe"
    segments: list[Segment] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All of it in one line."""
        return " ".join(segment.text for segment in self.segments)

    @property
    def words(self) -> list[WindowWord]:
        """All words with times in the file."""
        return [word for segment in self.segments for word in segment.words]


def segments_of(result: WindowResult, offset_ms: int, temperature: float) -> list[Segment]:
    """The segments of one decoded window that begins ``offset_ms`` into the file."""
    words = [
        WindowWord(
            text=word.text,
            start_ms=word.start_ms + offset_ms,
            end_ms=word.end_ms + offset_ms,
            probability=word.probability,
        )
        for word in result.words
    ]
    return [
        Segment(
            text="".join(word.text for word in line).strip(),
            start_ms=line[0].start_ms,
            end_ms=line[-1].end_ms,
            words=line,
            average_log_probability=result.average_log_probability,
            compression_ratio=result.compression_ratio,
            no_speech_probability=result.no_speech_probability,
            temperature=temperature,
        )
        for line in lines(words)
    ]


def lines(words: Iterable[WindowWord]) -> list[list[WindowWord]]:
    """Words in lines that end with a sentence, before a pause, or when they get too long to read."""
    found: list[list[WindowWord]] = []
    for word in words:
        if not found or _ends(found[-1], word):
            found.append([])
        found[-1].append(word)
    return found


def _ends(line: Sequence[WindowWord], following: WindowWord) -> bool:
    last = line[-1]
    chars = sum(len(word.text) for word in line) + len(following.text)
    return (
        last.text.rstrip().endswith(SENTENCE_ENDS)
        or following.start_ms - last.end_ms > PAUSE_MS
        or following.end_ms - line[0].start_ms > MAX_SEGMENT_MS
        or chars > MAX_SEGMENT_CHARS
    )
