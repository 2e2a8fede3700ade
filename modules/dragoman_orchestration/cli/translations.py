"""Which finals have which translation, how long each took, and what is missing. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from dragoman_contracts.errors import InvalidInput
from dragoman_contracts.translation_api import MAX_TARGETS
from dragoman_contracts.websocket import (
    ServerMessages,
    TranscriptFinal,
    TranslationFailedMessage,
    TranslationFinal,
)
from dragoman_runtime.languages import canonical


def parse_targets(languages: str) -> list[str]:
    """The languages of ``es,pt-BR`` in their standard form, each once, in order.

    Raises:
        InvalidInput: none, or too many.
        UnknownLanguage: one is no language code.

    """
    targets = list(dict.fromkeys(canonical(code) for code in languages.split(",") if code.strip()))
    if not targets:
        raise InvalidInput("no language is given to translate into", remedy="Give codes, as in es,de.")
    if len(targets) > MAX_TARGETS:
        raise InvalidInput(
            f"{len(targets)} languages to translate into are more than {MAX_TARGETS}", remedy="Give fewer."
        )
    return targets


@dataclass(slots=True)
class TranslationRecord:
    """Follows finals and their translations into ``targets``; ``added_ms`` has no passed-through ones."""

    targets: Sequence[str]
    finals: dict[str, TranscriptFinal] = field(default_factory=dict)
    """By segment, in order; those without text need no translation and are left out."""
    translations: dict[tuple[str, str], TranslationFinal] = field(default_factory=dict)
    """By segment and target."""
    added_ms: dict[str, list[float]] = field(default_factory=dict)
    """By target: the arrival of a final → the arrival of its translation."""
    _failures: dict[tuple[str, str], TranslationFailedMessage] = field(default_factory=dict)
    _arrived_s: dict[str, float] = field(default_factory=dict)

    def take(self, event: ServerMessages, now_s: float) -> None:
        """Note an event that arrived at ``now_s``."""
        if isinstance(event, TranscriptFinal):
            if event.text:
                self.finals[event.segment_id] = event
                self._arrived_s.setdefault(event.segment_id, now_s)
        elif isinstance(event, TranslationFinal):
            key = (event.segment_id, event.target_language)
            if key not in self.translations and event.engine and event.segment_id in self._arrived_s:
                added_s = now_s - self._arrived_s[event.segment_id]
                self.added_ms.setdefault(event.target_language, []).append(added_s * 1000)
            self.translations[key] = event
        elif isinstance(event, TranslationFailedMessage):
            self._failures[event.segment_id, event.target_language] = event

    def text(self, target: str) -> str:
        """All translations into a language, in the order of their finals."""
        found = (self.translations.get((segment_id, target)) for segment_id in self.finals)
        return " ".join(translation.text.strip() for translation in found if translation is not None)

    def engines(self, target: str) -> list[str]:
        """What made the translations into a language."""
        return sorted(
            {t.engine for (_, language), t in self.translations.items() if language == target and t.engine}
        )

    def missing(self, target: str) -> list[str]:
        """Segments that have no translation into a language."""
        return [segment_id for segment_id in self.finals if (segment_id, target) not in self.translations]

    def shortfalls(self) -> list[str]:
        """A sentence for each language that lacks translations, with the most frequent reason."""
        return [
            self._shortfall(target, missing) for target in self.targets if (missing := self.missing(target))
        ]

    def _shortfall(self, target: str, missing: Sequence[str]) -> str:
        failures = [self._failures.get((segment_id, target)) for segment_id in missing]
        reasons = Counter(failure.message for failure in failures if failure is not None)
        reason = reasons.most_common(1)[0][0] if reasons else "the server sent none"
        return f"{len(missing)} of {len(self.finals)} segments are not translated into {target}: {reason}"
