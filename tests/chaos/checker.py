"""What one reader saw, against what was said: contiguous, in order, each word once, all time accounted for.

Pure: fed with protocol messages, knows neither sockets nor clocks. A reader is what the protocol asks of a
client: it shows the finals by segment, and starts over with each snapshot that says ``recovered: false``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields

from dragoman_contracts.websocket import (
    AudioGap,
    Ledger,
    ServerMessages,
    SessionEndedMessage,
    SessionSnapshot,
    TranscriptFinal,
    TranscriptPartial,
)
from tests.chaos.speech import Speech

MISPLACED_MS = 50
"""How far a word's time may be from where it was said: the mock engine hears to 10 ms."""


@dataclass(slots=True)
class Verdict:
    """Errors of one reader, or of many together; all zero is the promise."""

    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    alien: int = 0
    """Words that nobody said: audio that was cut or glued."""
    misplaced: int = 0
    """Words at another time than they were said."""
    revived: int = 0
    """Partials of segments that were final already."""
    unfinished: int = 0
    """Readers that never saw the session's end."""
    ledger: int = 0
    """Ledgers that do not add up to what was sent, or hold something pending or a gap."""
    untranslated: int = 0
    """Finals without a translation, for a reader of another language."""
    mistranslated: int = 0
    """Translations of another text than that of their final, or before it."""
    notes: list[str] = field(default_factory=list)

    @property
    def errors(self) -> int:
        """All of them."""
        return sum(self.counts.values())

    @property
    def counts(self) -> dict[str, int]:
        """How many errors there are of each kind."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "notes"}

    def note(self, text: str) -> None:
        """Keep the first few facts, for the report."""
        if len(self.notes) < 20:
            self.notes.append(text)

    def add(self, other: Verdict) -> None:
        """Sum up."""
        for name, count in other.counts.items():
            setattr(self, name, getattr(self, name) + count)
        for text in other.notes:
            self.note(text)


@dataclass(frozen=True, slots=True)
class _Final:
    words: tuple[str, ...]
    starts_ms: tuple[int, ...]


class CaptionBook:
    """What a reader shows, message by message.

    With ``merges`` it reads what the client gives to a speaker: each final once, even those that came in a
    snapshot. A snapshot then only says that history was lost: finals may come again, with other words.
    """

    def __init__(self, name: str = "reader", *, merges: bool = False) -> None:
        self.name = name
        self._merges = merges
        self._may_come_again: set[str] = set()
        self.ended: SessionEndedMessage | None = None
        self.gaps: list[AudioGap] = []
        self.snapshots = 0
        self._finals: dict[str, _Final] = {}
        self._doubled = self._revived = 0
        self._notes: list[str] = []

    def take(self, message: ServerMessages) -> None:
        """Show one message."""
        if isinstance(message, SessionSnapshot):
            self._start_over(message)
        elif isinstance(message, TranscriptFinal):
            if message.segment_id in self._may_come_again:
                self._may_come_again.discard(message.segment_id)
            elif message.segment_id in self._finals:
                self._doubled += len(message.words)
                self._note(f"final {message.segment_id} came twice")
            self._finals[message.segment_id] = _Final(
                tuple(word.text.strip() for word in message.words),
                tuple(word.start_ms for word in message.words),
            )
        elif isinstance(message, TranscriptPartial):
            if message.segment_id in self._finals:
                self._revived += 1
                self._note(f"a partial of {message.segment_id} after its final")
        elif isinstance(message, AudioGap):
            self.gaps.append(message)
        elif isinstance(message, SessionEndedMessage):
            self.ended = message

    def verdict(self, said: Speech) -> Verdict:
        """Compare with all that was said; ask after the session's end."""
        result = Verdict(doubled=self._doubled, revived=self._revived, notes=list(self._notes))
        self._check_words(said, result)
        if self.ended is None:
            result.unfinished = 1
            result.note(f"{self.name} saw no session.ended")
        else:
            self._check_ledger(self.ended.ledger, said.duration_ms, result)
        return result

    def _start_over(self, snapshot: SessionSnapshot) -> None:
        self.snapshots += 1
        if self._merges:
            self._may_come_again |= set(self._finals)
            return
        if self.snapshots > 1 and snapshot.recovered:
            return
        self._finals.clear()
        for final in snapshot.finals:
            words = final.get("words", [])
            self._finals[final["segment_id"]] = _Final(
                tuple(word["text"].strip() for word in words), tuple(word["start_ms"] for word in words)
            )

    def _check_words(self, said: Speech, result: Verdict) -> None:
        place = {word: index for index, word in enumerate(said.words)}
        seen: Counter[str] = Counter()
        highest = -1
        for word, start_ms in self._shown():
            index = place.get(word)
            if index is None:
                result.alien += 1
                result.note(f"{self.name}: nobody said {word} ({start_ms} ms)")
                continue
            seen[word] += 1
            if seen[word] > 1:
                result.doubled += 1
                result.note(f"{self.name}: {word} again at {start_ms} ms, said at {said.starts_ms[index]} ms")
            elif index < highest:
                result.reordered += 1
                result.note(f"{self.name}: {word} of {said.starts_ms[index]} ms came late")
            elif abs(start_ms - said.starts_ms[index]) > MISPLACED_MS:
                result.misplaced += 1
                result.note(f"{self.name}: {word} told at {start_ms}, said at {said.starts_ms[index]} ms")
            highest = max(highest, index)
        missing = [index for word, index in place.items() if not seen[word]]
        result.lost = len(missing)
        if missing:
            places = ", ".join(f"{said.starts_ms[index]}" for index in missing[:5])
            result.note(f"{self.name}: {len(missing)} of {len(place)} words lost, said at {places} … ms")

    def _shown(self) -> Iterable[tuple[str, int]]:
        for final in self._finals.values():
            yield from zip(final.words, final.starts_ms, strict=True)

    def _check_ledger(self, ledger: Ledger, sent_ms: int, result: Verdict) -> None:
        if ledger.received_ms == sent_ms and ledger.is_complete and not ledger.gap_ms:
            return
        result.ledger = 1
        result.note(
            f"{self.name}: {sent_ms} ms sent, the ledger says {ledger.received_ms} = "
            f"{ledger.transcribed_ms} + {ledger.silence_ms} + {ledger.pending_ms} pending + "
            f"{ledger.gap_ms} gap"
        )

    def _note(self, text: str) -> None:
        if len(self._notes) < 20:
            self._notes.append(f"{self.name}: {text}")
