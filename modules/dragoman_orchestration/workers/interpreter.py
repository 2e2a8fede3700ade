"""What a session's viewers read in other languages: one lane a target language, one recogniser for all.

Who asks how often is decided here and in :mod:`lane`, never by the number of viewers: each sentence is
translated once a language. A translator that is slow or dead delays no transcript, for nothing here is waited
for.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec
from loguru import logger

from dragoman_contracts.errors import (
    DragomanError,
    EngineUnavailable,
    InvalidInput,
    PairUnavailable,
    TranslationFailed,
)
from dragoman_contracts.translation_api import TermTranslation, TranslatedText, TranslateRequest
from dragoman_contracts.websocket import (
    ErrorMessage,
    ServerMessage,
    SessionTargets,
    TranscriptFinal,
    TranscriptPartial,
    TranslationFinal,
    TranslationOptions,
)
from dragoman_orchestration.clients.translation import TranslationClient
from dragoman_orchestration.streaming.window import Pcm
from dragoman_orchestration.workers import metrics
from dragoman_orchestration.workers.gathering import Gatherer
from dragoman_orchestration.workers.lane import DraftPolicy, Lane, LaneRequest, Sentence
from dragoman_runtime.languages import closest, is_same
from dragoman_runtime.resilience import Backoff

ENGLISH = "en"
AUDIO_KEPT = 8
"""Segments whose audio is kept for the recogniser's own translation into English."""
RETRY_CAP_S = 5.0

TraceRequest = Callable[[str, LaneRequest], AbstractContextManager[object]]
HearInEnglish = Callable[[Pcm, str], Awaitable[str]]
"""Asks the recogniser to translate audio of a language into English."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a session wants translated now, as its record tells.

    ``wanted`` are the languages that viewers subscribe to; it counts if the session is translated on demand.
    """

    options: TranslationOptions = field(default_factory=TranslationOptions)
    wanted: frozenset[str] = frozenset()

    @property
    def active(self) -> list[str]:
        """The target languages to translate into."""
        targets = self.options.targets
        return [one for one in targets if one in self.wanted] if self.options.on_demand else list(targets)


class Interpreter:
    """Translates one session's segments; its owner publishes what it tells.

    Args:
        client: the translation service; None where there is none.
        session_id: for fairness between sessions in the service.
        spawn: runs a request in the background, for as long as the session runs here.
        tell: takes messages for the session's results.
        hear_in_english: the recogniser's own translation, for when no translator has the pair.
        settled: of an owner before, for each language, the offset up to which all finals are done with.
        drafts: when drafts are asked for.
        trace: what is around each request into a language.

    """

    def __init__(
        self,
        client: TranslationClient | None,
        session_id: str,
        *,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        tell: Callable[[Sequence[ServerMessage]], None],
        hear_in_english: HearInEnglish,
        settled: Mapping[str, int],
        drafts: DraftPolicy,
        trace: TraceRequest = lambda _target, _request: nullcontext(),
    ) -> None:
        self._client = client
        self._gatherer = Gatherer(client, spawn) if client is not None else None
        self._session_id = session_id
        self._spawn = spawn
        self._tell = tell
        self._hear_in_english = hear_in_english
        self._trace = trace
        self._settled = dict(settled)
        self._draft_policy = drafts
        self._lanes: dict[str, Lane] = {}
        self._backoffs: dict[str, Backoff] = {}
        self._sentences: dict[int, Sentence] = {}
        self._audio: OrderedDict[str, Pcm] = OrderedDict()
        self._told: SessionTargets | None = None
        self._last_offset = 0
        self.wishes: Wishes | None = None
        """None until the record was read."""
        self.delayed = False
        """While True nothing is asked: the recognisers come first."""

    # --- wishes ------------------------------------------------------------------------------------------

    def retune(self, drafts: DraftPolicy) -> None:
        """Ask for drafts by another policy from here on."""
        self._draft_policy = drafts
        for lane in self._lanes.values():
            lane.drafts = drafts

    def apply(self, wishes: Wishes) -> None:
        """Translate into these languages from here on; finals without an outcome included."""
        self.wishes = wishes
        self._announce(wishes.options)
        active = wishes.active if self._client is not None else []
        for target in self._lanes.keys() - set(active):
            del self._lanes[target]
            self._settled.pop(target, None)
        for target in active:
            if target not in self._lanes:
                self._lanes[target] = lane = Lane(target, is_same, self._draft_policy)
                self._backoffs[target] = Backoff(cap_s=RETRY_CAP_S)
                behind = self._settled.get(target, 0)
                for offset, sentence in sorted(self._sentences.items()):
                    if offset > behind:
                        self._tell(lane.final(sentence))

    def _announce(self, options: TranslationOptions) -> None:
        news = SessionTargets(targets=options.targets, on_demand=options.on_demand)
        if news == (self._told or SessionTargets(targets=[])):
            return
        self._told = news
        messages: list[ServerMessage] = [news]
        if options.targets and self._client is None:
            messages.append(_NO_TRANSLATOR)
        self._tell(messages)

    # --- segments ----------------------------------------------------------------------------------------

    def final(self, offset: int, message: TranscriptFinal) -> None:
        """Take a final that is published under ``offset``."""
        sentence = Sentence(
            message.segment_id,
            message.revision,
            message.text,
            message.language,
            message.start_ms,
            message.end_ms,
            offset,
        )
        self._sentences[offset] = sentence
        self._last_offset = max(offset, self._last_offset)
        for lane in self._lanes.values():
            self._tell(lane.final(sentence))

    def partial(self, message: TranscriptPartial) -> None:
        """Take the stable part of the open segment."""
        if self.wishes is None or not self.wishes.options.drafts:
            return
        sentence = Sentence(message.segment_id, message.revision, message.stable_text, message.language)
        for lane in self._lanes.values():
            lane.draft(sentence)

    def keep_audio(self, segment_id: str, language: str, samples: Pcm) -> None:
        """Audio of a segment's last window: the recogniser may be asked what it means in English."""
        wanted = any(is_same(target, ENGLISH) for target in self._lanes)
        if wanted and not is_same(language or ENGLISH, ENGLISH):
            self._audio[segment_id] = samples
            while len(self._audio) > AUDIO_KEPT:
                self._audio.popitem(last=False)

    # --- what its owner asks -----------------------------------------------------------------------------

    @property
    def is_waiting(self) -> bool:
        """Whether a final has no outcome yet in some language."""
        return any(lane.waiting for lane in self._lanes.values())

    @property
    def is_idle(self) -> bool:
        """Whether the session is translated into no language, for all that is known."""
        return self.wishes is not None and not self._lanes

    @property
    def is_planned(self) -> bool:
        """Whether it is known what is to be translated."""
        return self.wishes is not None

    def is_settled(self, offset: int) -> bool:
        """Whether nothing is to follow any more from what is under ``offset``."""
        if offset not in self._sentences:
            return True  # a translation
        oldest = [lane.oldest for lane in self._lanes.values() if lane.oldest is not None]
        return self.is_planned and all(offset < first for first in oldest)

    def forget(self, offsets: Iterable[int]) -> None:
        """These finals are done with everywhere."""
        for offset in offsets:
            self._sentences.pop(offset, None)

    def settled(self) -> dict[str, int]:
        """For each language the offset up to which all finals are done with: for a successor."""
        if not self.is_planned:
            return dict(self._settled)
        return {
            target: self._last_offset if lane.oldest is None else lane.oldest - 1
            for target, lane in self._lanes.items()
        }

    def pump(self, now: float, *, drafts: bool) -> None:
        """Ask for what is due in each language; never waits."""
        if self.delayed or not self._lanes:
            return
        for lane in list(self._lanes.values()):
            told, request = lane.advance(now, drafts=drafts)
            if told:
                self._tell(told)
            if request is not None:
                self._spawn(self._translate(lane, request))

    def give_up(self) -> None:
        """The session ends: tell what has no translation."""
        for lane in self._lanes.values():
            self._tell(lane.give_up())

    # --- requests ----------------------------------------------------------------------------------------

    async def _translate(self, lane: Lane, request: LaneRequest) -> None:
        started = time.monotonic()
        backoff = self._backoffs[lane.target]
        try:
            with self._trace(lane.target, request):
                texts = await self._ask(lane, request)
        except DragomanError as error:
            metrics.TRANSLATION_FAILED.labels(error.code).inc()
            if backoff.failures == 0:
                logger.bind(session_id=self._session_id).warning(
                    "session {} has no translation into {}: {}", self._session_id, lane.target, error.message
                )
            told = lane.failed(request, error, time.monotonic() + backoff.next_s())
        else:
            backoff.reset()
            now = time.monotonic()
            metrics.TRANSLATION.labels("draft" if request.is_draft else "final").observe(now - started)
            told = lane.answered(
                request,
                texts,
                now,
                took_ms=(now - started) * 1000,
                retry_at_s=now + RETRY_CAP_S,
            )
        if self._lanes.get(lane.target) is lane:
            metrics.TRANSLATIONS.inc(sum(isinstance(message, TranslationFinal) for message in told))
            self._tell(told)

    async def _ask(self, lane: Lane, request: LaneRequest) -> Sequence[TranslatedText]:
        try:
            return await self._ask_service(lane.target, request)
        except PairUnavailable:
            heard = []
            if is_same(lane.target, ENGLISH) and not request.is_draft:
                heard = [await self._by_recogniser(sentence) for sentence in request.sentences]
            texts = [text for text in heard if text is not None]
            if len(texts) < len(request.sentences):
                spoken = request.language or "this language"
                raise PairUnavailable(f"no engine translates from {spoken} into {lane.target}") from None
            return texts

    async def _ask_service(self, target: str, request: LaneRequest) -> Sequence[TranslatedText]:
        options = self.wishes.options if self.wishes is not None else TranslationOptions()
        terms = terms_for(options, target)
        if self._gatherer is None:
            raise EngineUnavailable(_NO_TRANSLATOR.message, remedy=_NO_TRANSLATOR.remedy)
        result = await self._gatherer.ask(
            TranslateRequest(
                texts=[sentence.text for sentence in request.sentences],
                targets=[target],
                source=request.language or None,
                context=list(request.context),
                glossary={target: terms} if terms else {},
                formality=options.formality,
                fast=request.is_draft,
                session_id=self._session_id,
            )
        )
        if result.error is not None:
            kind = TranslationFailed if result.error.permanent else EngineUnavailable
            raise kind(result.error.message, remedy=result.error.remedy)
        return result.texts

    async def _by_recogniser(self, sentence: Sentence) -> TranslatedText | None:
        """Whisper's own translation into English; None where the audio is gone or it cannot."""
        samples = self._audio.get(sentence.segment_id)
        if samples is None:
            return None
        try:
            text = await self._hear_in_english(samples, sentence.language)
        except InvalidInput:
            return None
        return TranslatedText(text=text, source=sentence.language, engine="whisper") if text else None


def terms_for(options: TranslationOptions, target: str) -> list[TermTranslation]:
    """The glossary's terms as they are to come out in ``target``."""
    terms = []
    for term in options.glossary:
        named = closest(target, term.translations)
        if named is not None:
            terms.append(TermTranslation(source=term.source, target=term.translations[named]))
        elif term.keep:
            terms.append(TermTranslation(source=term.source, target=term.source))
    return terms


def hotwords_of(options: TranslationOptions) -> list[str]:
    """The terms that the recogniser is to expect."""
    return [term.source for term in options.glossary if term.hotword]


@lru_cache(maxsize=1024)
def read_options(raw: bytes | None) -> TranslationOptions:
    """The record's field; nothing, or what this version cannot read, is no translation."""
    if not raw:
        return TranslationOptions()
    try:
        return msgspec.json.decode(raw, type=TranslationOptions)
    except msgspec.DecodeError:
        logger.warning("a session's translation options cannot be read; it is not translated")
        return TranslationOptions()


_NO_TRANSLATOR = ErrorMessage(
    code="translation_unavailable",
    message="this server translates nothing: its workers have no translation service",
    remedy="Start 'dragoman translation' and set DRAGOMAN_AUDIO_TRANSLATION_URL, or ask for no translation.",
    permanent=True,
)
