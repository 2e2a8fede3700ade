"""What a run is worth: word error rate against a reference, and how long captions took. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dragoman_contracts.websocket import ServerMessages, TranscriptFinal, TranscriptPartial

_NO_WORD = re.compile(r"[^\w\s']|_")


def normalise(text: str) -> str:
    """Lower case, no punctuation, single spaces: what counts as the same words."""
    return " ".join(_NO_WORD.sub(" ", text.lower()).split())


def word_error_rate(reference: str, hypothesis: str) -> float:
    """Substituted, missing and added words by words of the reference, after ``normalise``; 0 is perfect."""
    import jiwer

    expected = normalise(reference)
    if not expected:
        return 0.0 if not normalise(hypothesis) else 1.0
    return float(jiwer.wer(expected, normalise(hypothesis)))


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; NaN of nothing."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def translated_alike(
    references: Sequence[tuple[int, int, str]], translations: Sequence[tuple[int, int, str]]
) -> int:
    """How many sentences have exactly the translation that their reference has, after ``normalise``.

    Both are (start, end, text) in ms of the audio. A sentence belongs to the translation that overlaps it
    most; sentences that were heard as one are compared as one.
    """
    heard: dict[int, list[str]] = {}
    for start, end, text in references:
        overlaps = [min(end, e) - max(start, s) for s, e, _ in translations]
        best = max(range(len(overlaps)), key=overlaps.__getitem__, default=None)
        if best is not None and overlaps[best] > 0:
            heard.setdefault(best, []).append(text)
    return sum(
        len(texts)
        for index, texts in heard.items()
        if normalise(" ".join(texts)) == normalise(translations[index][2])
    )


@dataclass(slots=True)
class CaptionMeter:
    """Follows captions and takes the time from the end of a spoken word to its caption.

    ``delay_ms(audio_ms, now_s)`` tells how long ago that moment of the audio was spoken. A word counts as
    shown when a caption first has it at its place in the segment, as it is in the final.
    """

    delay_ms: Callable[[float, float], float]
    finals: list[TranscriptFinal] = field(default_factory=list)
    first_caption_ms: list[float] = field(default_factory=list)
    """Per word of the finals: its end → the first caption that shows it."""
    final_ms: list[float] = field(default_factory=list)
    """Per final: the end of its last word → the final."""
    partials: int = 0
    _seen: dict[tuple[str, int, str], float] = field(default_factory=dict)

    def take(self, event: ServerMessages, now_s: float) -> None:
        """Note an event that arrived at ``now_s``."""
        if isinstance(event, TranscriptPartial):
            self.partials += 1
            for index, text in enumerate(event.text.split()):
                self._seen.setdefault((event.segment_id, index, normalise(text)), now_s)
        elif isinstance(event, TranscriptFinal) and event.words:
            self.finals.append(event)
            self.final_ms.append(self.delay_ms(event.words[-1].end_ms, now_s))
            for index, word in enumerate(event.words):
                shown_s = self._seen.get((event.segment_id, index, normalise(word.text)), now_s)
                self.first_caption_ms.append(self.delay_ms(word.end_ms, shown_s))

    @property
    def text(self) -> str:
        """The transcript so far."""
        return " ".join(final.text.strip() for final in self.finals)
