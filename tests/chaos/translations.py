"""What one reader saw in another language: each final once, in order, with its own words.

The mock translator marks a text with its language and leaves its words, so that a translation under the wrong
segment shows. A reader starts over with each snapshot that says ``recovered: false``, as with captions.
"""

from __future__ import annotations

from dragoman_contracts.websocket import (
    ServerMessages,
    SessionSnapshot,
    TranscriptFinal,
    TranslationFailedMessage,
    TranslationFinal,
)
from tests.chaos.checker import Verdict


class TranslationBook:
    """The translations that a reader shows, message by message."""

    def __init__(self, target: str, name: str = "reader") -> None:
        self.target = target
        self.name = name
        self._said: dict[str, str] = {}
        self._shown: dict[str, str] = {}
        self._snapshots = 0
        self._found = Verdict()

    def take(self, message: ServerMessages) -> None:
        """Show one message."""
        if isinstance(message, SessionSnapshot):
            self._start_over(message)
        elif isinstance(message, TranscriptFinal):
            self._said[message.segment_id] = message.text
        elif isinstance(message, TranslationFinal) and message.target_language == self.target:
            if message.segment_id in self._shown:
                self._found.doubled += 1
                self._found.note(f"{self.name}: the translation of {message.segment_id} came twice")
            if message.segment_id not in self._said:
                self._found.mistranslated += 1
                self._found.note(f"{self.name}: a translation of {message.segment_id} before its final")
            self._shown[message.segment_id] = message.text
        elif isinstance(message, TranslationFailedMessage) and message.permanent:
            self._found.note(f"{self.name}: {message.segment_id} failed: {message.code}")

    def verdict(self) -> Verdict:
        """Compare with the finals; ask after the session's end."""
        for segment, text in self._said.items():
            shown = self._shown.get(segment)
            if shown is None:
                self._found.untranslated += 1
                self._found.note(f"{self.name}: {segment} has no translation")
            elif shown != (f"[{self.target}] {text}" if text else ""):
                self._found.mistranslated += 1
                self._found.note(f"{self.name}: {segment} has the translation of another text")
        in_order = [segment for segment in self._said if segment in self._shown]
        if in_order != [segment for segment in self._shown if segment in self._said]:
            self._found.reordered += 1
            self._found.note(f"{self.name}: translations out of order")
        return self._found

    def _start_over(self, snapshot: SessionSnapshot) -> None:
        self._snapshots += 1
        if self._snapshots > 1 and snapshot.recovered:
            return
        self._said = {final["segment_id"]: final["text"] for final in snapshot.finals}
        self._shown = {
            one["segment_id"]: one["text"]
            for one in snapshot.translations
            if one["type"] == "translation.final" and one["target_language"] == self.target
        }
