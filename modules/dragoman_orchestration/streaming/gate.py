"""The voice activity gate: speech probabilities in, utterance boundaries out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dragoman_orchestration.streaming.detectors import CHUNK_MS


@dataclass(frozen=True, slots=True)
class GateSettings:
    """Thresholds (probability) and times (ms) of the gate.

    ``min_silence_ms`` of silence ends an utterance; once it is longer than ``long_utterance_ms`` a pause of
    ``long_min_silence_ms`` is enough, so that fluent speakers are cut at breaths rather than in words.
    """

    threshold: float = 0.5
    release_threshold: float = 0.35
    min_speech_ms: int = 96
    min_silence_ms: int = 416
    long_utterance_ms: int = 6_000
    long_min_silence_ms: int = 192


@dataclass(frozen=True, slots=True)
class SpeechStart:
    """Speech began at ``at_ms``."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class SpeechEnd:
    """Speech ended at ``at_ms`` (the end of its last loud chunk), known only ``min_silence_ms`` later."""

    at_ms: int


GateEvent = SpeechStart | SpeechEnd


class SpeechGate:
    """Turns chunk probabilities into starts and ends, with hysteresis.

    ``position_ms`` is the session time of the next chunk's start.
    """

    def __init__(self, settings: GateSettings, position_ms: int = 0) -> None:
        self._settings = settings
        self.position_ms = position_ms
        self._speech_since: int | None = None
        self._silence_since: int | None = None
        self._open_since: int | None = None
        self._held_until = 0

    @property
    def in_speech(self) -> bool:
        """Whether an utterance is open."""
        return self._open_since is not None

    @property
    def quiet_since_ms(self) -> int | None:
        """Start of the pause within an open utterance, None while speech is loud."""
        return self._silence_since if self.in_speech else None

    @property
    def earliest_speech_ms(self) -> int:
        """No utterance that is still to be announced can begin before this time."""
        return self.position_ms if self._speech_since is None else self._speech_since

    def feed(self, probabilities: Iterable[float]) -> Iterator[GateEvent]:
        """Advance by one chunk a probability and yield what happened."""
        for probability in probabilities:
            start_ms = self.position_ms
            self.position_ms += CHUNK_MS
            event = (
                self._in_utterance(float(probability), start_ms)
                if self.in_speech
                else self._in_silence(float(probability), start_ms)
            )
            if event is not None:
                yield event

    def close(self) -> SpeechEnd | None:
        """End an open utterance here (flush, end of the session, window limit)."""
        if not self.in_speech:
            self._speech_since = None
            return None
        end_ms = self._silence_since if self._silence_since is not None else self.position_ms
        self._open_since = self._silence_since = self._speech_since = None
        return SpeechEnd(end_ms)

    def retune(self, settings: GateSettings) -> None:
        """Judge by other settings from the next chunk on."""
        self._settings = settings

    def open(self, at_ms: int, until_ms: int = 0) -> None:
        """Count the open utterance from ``at_ms`` on: it was split there, or another worker saw it begin.

        It cannot end before ``until_ms``, whatever is heard: words up to there were shown as its own. Heard
        again it might, by other settings or another state of the detector.
        """
        self._open_since, self._held_until = at_ms, until_ms

    def _in_silence(self, probability: float, start_ms: int) -> GateEvent | None:
        if probability < self._settings.threshold:
            self._speech_since = None
            return None
        if self._speech_since is None:
            self._speech_since = start_ms
        if self.position_ms - self._speech_since < self._settings.min_speech_ms:
            return None
        self._open_since, self._speech_since = self._speech_since, None
        self._silence_since = None
        return SpeechStart(self._open_since)

    def _in_utterance(self, probability: float, start_ms: int) -> GateEvent | None:
        if self.position_ms <= self._held_until:
            return None
        if probability >= self._settings.release_threshold:
            # Between the two thresholds a pause neither begins nor ends.
            if probability >= self._settings.threshold:
                self._silence_since = None
            return None
        if self._silence_since is None:
            self._silence_since = start_ms
        if self.position_ms - self._silence_since >= self._needed_silence_ms():
            return self.close()
        return None

    def _needed_silence_ms(self) -> int:
        assert self._open_since is not None  # noqa: S101  (only called within an utterance)
        assert self._silence_since is not None  # noqa: S101
        long = self._silence_since - self._open_since >= self._settings.long_utterance_ms
        return self._settings.long_min_silence_ms if long else self._settings.min_silence_ms
