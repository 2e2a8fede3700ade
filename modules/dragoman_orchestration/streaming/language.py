"""Which language an utterance is in: given, or detected once an utterance, with hysteresis."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class LanguageTracker:
    """The session's language, and the current utterance's as soon as it is sure.

    A change away from the session's language needs ``switch_probability``; less convincing evidence leaves it
    as it is, so that a short "okay" does not turn a Spanish meeting English. Evidence counts from
    ``min_audio_ms`` on.
    """

    given: str | None = None
    session: str | None = None
    switch_probability: float = 0.8
    first_probability: float = 0.5
    min_audio_ms: int = 1_000
    _utterance: str | None = None

    def start_utterance(self) -> None:
        """Forget the utterance's language; the session's stays."""
        self._utterance = None

    @property
    def to_request(self) -> str | None:
        """What to ask the recogniser for: a language, or None to detect it."""
        return self.given or self._utterance

    def observe(self, language: str, probability: float, audio_ms: int, *, final: bool = False) -> str | None:
        """Weigh a detection; return the language that the window must be decoded in again, if another.

        A draft in the wrong language corrects itself with the next one. A final does not: where hysteresis
        overrules its detection, it must be decoded once more.
        """
        if self.to_request is not None:
            return None
        needed = self.first_probability if self.session is None else self.switch_probability
        convinced = audio_ms >= self.min_audio_ms and (language == self.session or probability >= needed)
        if convinced:
            self._utterance = self.session = language
            return None
        if self.session is None:
            # Nothing to hold on to: a final takes what was heard, but does not bind the next utterance.
            return None
        if final:
            self._utterance = self.session
            return self.session if language != self.session else None
        return None
