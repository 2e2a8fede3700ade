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

    def observe(self, language: str, probability: float, audio_ms: int) -> None:
        """Weigh a detection over ``audio_ms`` of the utterance."""
        if self.to_request is not None:
            return
        needed = self.first_probability if self.session is None else self.switch_probability
        if audio_ms >= self.min_audio_ms and (language == self.session or probability >= needed):
            self._utterance = self.session = language

    def overrule(self, detected: str) -> bool:
        """Whether an utterance that ends here must be decoded again, in the session's language.

        A draft in the wrong language corrects itself with the next one. A final does not: one that was
        decoded in a detected language which did not convince is asked for once more.
        """
        if self.to_request is not None or self.session is None or detected == self.session:
            return False
        self._utterance = self.session
        return True
