"""The way of one session's sentences into one language: in order, one request at a time. Pure, no clock.

Finals are translated always and in their order; those that pile up go out together. A draft of the stable
part of the open segment goes out when no final waits, and comes to nothing when its segment is final by then.
What fails for now stays at the head and is asked for again; what fails for good is told and left behind.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dragoman_contracts.errors import DragomanError, InvalidInput, TranslationFailed
from dragoman_contracts.translation_api import TranslatedText, TranslationProblem
from dragoman_contracts.websocket import TranslationFailedMessage, TranslationFinal, TranslationPartial

BATCH_MAX = 8
"""Finals of one request, when some have piled up."""
CONTEXT_SENTENCES = 2
WAITING_MAX = 500
"""Finals that wait for a translator that is away; of more, the oldest are given up and told."""
GIVEN_UP = "translator_away"
LATENCY_WEIGHT = 0.3
"""Of the newest answer in the running mean."""

LaneMessage = TranslationPartial | TranslationFinal | TranslationFailedMessage
SameLanguage = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A segment to translate. ``offset`` is its final's place in the results; None for a draft."""

    segment_id: str
    revision: int
    text: str
    language: str
    start_ms: int = 0
    end_ms: int = 0
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class LaneRequest:
    """What to ask the translator; all sentences are of one language, and one alone if it is a draft."""

    sentences: tuple[Sentence, ...]
    context: tuple[str, ...]
    is_draft: bool = False

    @property
    def language(self) -> str:
        """The language of the sentences; empty where it is not known."""
        return self.sentences[0].language


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftPolicy:
    """When drafts are worth their cost: the engine answers within ``latency_ms``, and not more often than one
    every ``interval_ms`` or twice its latency.
    """

    latency_ms: int = 700
    interval_ms: int = 300


class Lane:
    """One target language of one session.

    Args:
        target: BCP 47 code.
        is_same: whether a text in one language needs no translation into another.
        drafts: when drafts are asked for.

    """

    def __init__(self, target: str, is_same: SameLanguage, drafts: DraftPolicy | None = None) -> None:
        self.target = target
        self._is_same = is_same
        self.drafts = drafts or DraftPolicy()
        self._finals: deque[Sentence] = deque()
        self._draft: Sentence | None = None
        self._drafted: tuple[str, str] = ("", "")
        self._final_segment = ""
        self._context: deque[str] = deque(maxlen=CONTEXT_SENTENCES)
        self._in_flight: LaneRequest | None = None
        self._told_away: set[int | None] = set()
        self._alone = 0
        self._not_before_s = self._draft_not_before_s = 0.0
        self._latency_ms: float | None = None

    # --- sentences in ------------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Finals that have no outcome yet."""
        return len(self._finals)

    @property
    def oldest(self) -> int | None:
        """Offset of the oldest final without an outcome: those before it are done with."""
        return self._finals[0].offset if self._finals else None

    def final(self, sentence: Sentence) -> list[LaneMessage]:
        """Take a final; whatever drafts there are of its segment come to nothing."""
        self._final_segment = sentence.segment_id
        if self._draft is not None and self._draft.segment_id == sentence.segment_id:
            self._draft = None
        self._finals.append(sentence)
        if len(self._finals) <= WAITING_MAX:
            return []
        return self._give_up(1)

    def draft(self, sentence: Sentence) -> None:
        """Take the stable part of the open segment; only the newest counts."""
        if sentence.segment_id == self._final_segment or not sentence.text.strip():
            return
        if (sentence.segment_id, sentence.text) != self._drafted:
            self._draft = sentence

    # --- requests out ------------------------------------------------------------------------------------

    def advance(self, now_s: float, *, drafts: bool = True) -> tuple[list[LaneMessage], LaneRequest | None]:
        """What needs no translator, and the request that is due, if any; the caller makes it."""
        if self._in_flight is not None:
            return [], None
        told = self._pass_through()
        if now_s >= self._not_before_s:
            self._in_flight = self._next_finals() or (self._next_draft(now_s) if drafts else None)
        return told, self._in_flight

    def _pass_through(self) -> list[LaneMessage]:
        """Finals at the head that are in the target language already, or empty."""
        told: list[LaneMessage] = []
        while self._finals and self._needs_nothing(self._finals[0]):
            sentence = self._finals.popleft()
            told.append(self._translated(sentence, TranslatedText(text=sentence.text)))
        if self._draft is not None and self._needs_nothing(self._draft):
            self._draft = None  # readers of this language read the transcript's own partials
        return told

    def _needs_nothing(self, sentence: Sentence) -> bool:
        return not sentence.text.strip() or (
            bool(sentence.language) and self._is_same(sentence.language, self.target)
        )

    def _next_finals(self) -> LaneRequest | None:
        if not self._finals:
            return None
        most = 1 if self._alone else BATCH_MAX
        together: list[Sentence] = []
        for sentence in self._finals:
            fits = sentence.language == self._finals[0].language and not self._needs_nothing(sentence)
            if len(together) == most or not fits:
                break
            together.append(sentence)
        return LaneRequest(tuple(together), tuple(self._context))

    def _next_draft(self, now_s: float) -> LaneRequest | None:
        slow = self._latency_ms is not None and self._latency_ms > self.drafts.latency_ms
        if self._draft is None or slow or now_s < self._draft_not_before_s:
            return None
        sentence, self._draft = self._draft, None
        self._drafted = (sentence.segment_id, sentence.text)
        return LaneRequest((sentence,), tuple(self._context), is_draft=True)

    # --- outcomes ----------------------------------------------------------------------------------------

    def answered(
        self,
        request: LaneRequest,
        texts: Sequence[TranslatedText],
        now_s: float,
        *,
        took_ms: float,
        retry_at_s: float,
    ) -> list[LaneMessage]:
        """Take the translator's texts, one a sentence; one that failed for now is asked for again."""
        if request is not self._in_flight:
            return []
        self._in_flight = None
        self._observe(now_s, took_ms)
        if request.is_draft:
            return self._drafted_text(request.sentences[0], texts[0])
        told: list[LaneMessage] = []
        for sentence, text in zip(request.sentences, texts, strict=True):
            if text.error is not None and not text.error.permanent:
                self._not_before_s = retry_at_s
                return told + self._tell_away(text.error)  # the rest waits behind it: order is kept
            if not self._finals or self._finals[0] is not sentence:
                continue  # given up meanwhile
            self._finals.popleft()
            self._alone = max(0, self._alone - 1)
            told.append(self._translated(sentence, text))
        return told

    def failed(self, request: LaneRequest, error: DragomanError, retry_at_s: float) -> list[LaneMessage]:
        """The request has no answer. For now: it is repeated from ``retry_at_s`` on. For good: it is told."""
        if request is not self._in_flight:
            return []
        self._in_flight = None
        problem = TranslationProblem(
            code=error.code,
            message=error.message,
            remedy=error.remedy,
            permanent=isinstance(error, InvalidInput | TranslationFailed),
        )
        if not problem.permanent:
            self._not_before_s = retry_at_s
            return [] if request.is_draft else self._tell_away(problem)
        if request.is_draft:
            return []
        if len(request.sentences) > 1:
            # One of them may be what is refused: each is asked for alone.
            self._alone = len(request.sentences)
            return []
        if not self._finals or self._finals[0] is not request.sentences[0]:
            return []
        self._alone = max(0, self._alone - 1)
        return [self._failed(self._finals.popleft(), problem)]

    def give_up(self) -> list[LaneMessage]:
        """The session ends: what still waits has no translation, for good."""
        self._in_flight = None
        return self._give_up(len(self._finals))

    def _give_up(self, count: int) -> list[LaneMessage]:
        problem = TranslationProblem(
            code=GIVEN_UP, message="the translator was away for too long", remedy="", permanent=True
        )
        given_up = [self._finals.popleft() for _ in range(count)]
        self._told_away.difference_update(sentence.offset for sentence in given_up)
        return [self._failed(sentence, problem) for sentence in given_up]

    def _drafted_text(self, sentence: Sentence, text: TranslatedText) -> list[LaneMessage]:
        late = sentence.segment_id == self._final_segment
        says_something = any(character.isalnum() for character in text.text)
        if late or text.error is not None or not says_something:
            return []
        return [
            TranslationPartial(
                segment_id=sentence.segment_id,
                revision=sentence.revision,
                target_language=self.target,
                source_language=text.source or sentence.language,
                text=text.text,
            )
        ]

    def _translated(self, sentence: Sentence, text: TranslatedText) -> LaneMessage:
        if text.error is not None:
            return self._failed(sentence, text.error)
        self._told_away.discard(sentence.offset)
        self._context.append(sentence.text)
        return TranslationFinal(
            segment_id=sentence.segment_id,
            revision=sentence.revision,
            target_language=self.target,
            source_language=text.source or sentence.language,
            text=text.text,
            start_ms=sentence.start_ms,
            end_ms=sentence.end_ms,
            engine=text.engine,
            glossary_missed=text.glossary_missed,
        )

    def _tell_away(self, problem: TranslationProblem) -> list[LaneMessage]:
        """Tell of each final once that its translation is late; it follows when the translator is back."""
        news = [sentence for sentence in self._finals if sentence.offset not in self._told_away]
        self._told_away.update(sentence.offset for sentence in news)
        return [self._failed(sentence, problem) for sentence in news]

    def _failed(self, sentence: Sentence, problem: TranslationProblem) -> TranslationFailedMessage:
        return TranslationFailedMessage(
            segment_id=sentence.segment_id,
            revision=sentence.revision,
            target_language=self.target,
            code=problem.code,
            message=problem.message,
            permanent=problem.permanent,
        )

    def _observe(self, now_s: float, took_ms: float) -> None:
        before = took_ms if self._latency_ms is None else self._latency_ms
        self._latency_ms = before + LATENCY_WEIGHT * (took_ms - before)
        pause_ms = max(self.drafts.interval_ms, 2 * self._latency_ms)
        self._draft_not_before_s = now_s + pause_ms / 1000
