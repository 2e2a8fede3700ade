"""Guards against what Whisper is known to invent: text over silence, loops, impossible density.

The thresholds for silence are those of the reference implementation
(Radford et al. 2022, https://arxiv.org/abs/2212.04356, section 4.5).
"""

from __future__ import annotations

from collections.abc import Sequence

from dragoman_contracts.websocket import Word
from dragoman_contracts.whisper_api import WindowResult
from dragoman_orchestration.streaming.agreement import same_word

NO_SPEECH_THRESHOLD = 0.6
LOG_PROBABILITY_THRESHOLD = -1.0
MAX_WORDS_PER_SECOND = 9.0
"""Fast readers reach 6 to 7; a loop gives far more."""
MAX_REPEATS = 4
"""How often a phrase may follow itself before it counts as a loop ("no no no no" is speech)."""
MAX_PHRASE_WORDS = 8


def is_silence(result: WindowResult) -> bool:
    """Whether the recogniser itself doubts that anything was said."""
    return (
        result.no_speech_probability > NO_SPEECH_THRESHOLD
        and result.average_log_probability < LOG_PROBABILITY_THRESHOLD
    )


def cut_loops(words: Sequence[Word]) -> list[Word]:
    """Drop what follows once a phrase of 1 to 8 words has repeated more than four times in a row."""
    for size in range(1, MAX_PHRASE_WORDS + 1):
        run = 0
        for index in range(size, len(words)):
            run = run + 1 if same_word(words[index].text, words[index - size].text) else 0
            if run >= size * MAX_REPEATS:
                return list(words[: index + 1 - size * MAX_REPEATS])
    return list(words)


def plausible(words: Sequence[Word], duration_ms: int) -> bool:
    """Whether so many words fit into so much audio."""
    return len(words) <= 3 + MAX_WORDS_PER_SECOND * duration_ms / 1000
