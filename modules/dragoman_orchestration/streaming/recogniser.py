"""One session's streaming recogniser: audio in, decode requests out; hypotheses in, captions out.

Pure: the caller brings samples and answers, and carries out what comes back. At most one decode is under way.
Utterances are decided strictly in order, so captions leave in the order in which they were spoken.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import msgspec
import numpy as np

from dragoman_contracts.websocket import (
    AudioGap,
    ServerMessage,
    SessionOptions,
    SpeechEnded,
    SpeechStarted,
    TranscriptFinal,
    TranscriptPartial,
    Word,
)
from dragoman_contracts.whisper_api import WindowOptions, WindowResult
from dragoman_orchestration.streaming import guards
from dragoman_orchestration.streaming.agreement import LocalAgreement
from dragoman_orchestration.streaming.detectors import CHUNK_SAMPLES, SpeechDetector
from dragoman_orchestration.streaming.gate import (
    GateSettings,
    SpeechEnd,
    SpeechGate,
    SpeechStart,
)
from dragoman_orchestration.streaming.language import LanguageTracker
from dragoman_orchestration.streaming.policy import StepPolicy
from dragoman_orchestration.streaming.window import SAMPLES_PER_MS, AudioBuffer, Pcm


@dataclass(frozen=True, slots=True)
class RecogniserSettings:
    """Times in ms.

    ``pre_pad_ms`` and ``post_pad_ms`` of audio around speech go to the recogniser with it. An utterance
    longer than ``max_utterance_ms`` is split at its quietest point within the last ``split_search_ms``. A
    pause of ``pause_probe_ms`` has the window decoded at full quality ahead of time, so that the final is
    ready when the pause turns out to be the end. Words that end within ``tail_guard_ms`` of a window's end
    while speech goes on are cut off in the middle more often than not and are not shown yet.
    """

    gate: GateSettings = field(default_factory=GateSettings)
    pre_pad_ms: int = 200
    post_pad_ms: int = 200
    min_window_ms: int = 400
    max_utterance_ms: int = 12_000
    split_search_ms: int = 4_000
    pause_probe_ms: int = 160
    tail_guard_ms: int = 120
    min_unstable_probability: float = 0.5


MIN_SPLIT_SEARCH_MS = 300
"""Audio behind what is stable that a quiet point is looked for in; a word's boundary is hardly further."""

SettledKind = Literal["transcribed", "silence", "gap"]


@dataclass(frozen=True, slots=True)
class Settled:
    """Audio from ``start_ms`` to ``end_ms`` is done with: the ledger's entry."""

    start_ms: int
    end_ms: int
    kind: SettledKind
    reason: str = ""


Output = ServerMessage | Settled

_TO_FLOAT = np.float32(1 / 32768)


@dataclass(frozen=True, slots=True)
class DecodeRequest:
    """A window to decode. ``full`` asks for the engine's best, a draft for its fastest."""

    utterance: int
    samples: Pcm
    start_ms: int
    end_ms: int
    full: bool
    options: WindowOptions


class UtteranceState(msgspec.Struct, kw_only=True):
    """What of an utterance survives the worker: enough that its segment goes on under the same id."""

    index: int
    start_ms: int
    end_ms: int | None = None
    speech_end_ms: int | None = None
    revision: int = 0
    stable: list[Word] = []


class RecogniserState(msgspec.Struct, kw_only=True):
    """The checkpoint: resume by hearing the audio again from ``committed_ms`` on."""

    committed_ms: int = 0
    next_index: int = 0
    language: str | None = None
    utterances: list[UtteranceState] = []


@dataclass(slots=True)
class Utterance:
    """A stretch of speech, open until the gate, a flush or the window limit closes it."""

    index: int
    start_ms: int
    end_ms: int | None = None
    speech_end_ms: int | None = None
    revision: int = 0
    shown: str = ""
    decoded_to_ms: int = 0
    agreement: LocalAgreement = field(default_factory=LocalAgreement)
    full: WindowResult | None = None
    full_to_ms: int = 0

    @property
    def is_closed(self) -> bool:
        """Whether its end is known."""
        return self.end_ms is not None

    @property
    def segment_id(self) -> str:
        """The segment's id, the same from its first partial to its final and across workers."""
        return f"seg-{self.index}"

    def close(self, end_ms: int, speech_end_ms: int) -> None:
        """Fix the utterance's end; its next decode is its last."""
        self.end_ms, self.speech_end_ms = end_ms, speech_end_ms

    def state(self) -> UtteranceState:
        """For the checkpoint."""
        return UtteranceState(
            index=self.index,
            start_ms=self.start_ms,
            end_ms=self.end_ms,
            speech_end_ms=self.speech_end_ms,
            revision=self.revision,
            stable=self.agreement.stable,
        )

    @classmethod
    def from_state(cls, state: UtteranceState) -> Utterance:
        """Take an utterance over from a checkpoint."""
        return cls(
            state.index,
            state.start_ms,
            state.end_ms,
            state.speech_end_ms,
            revision=state.revision,
            decoded_to_ms=state.start_ms,
            agreement=LocalAgreement(stable=list(state.stable)),
        )


class Recogniser:
    """Feeds the gate, cuts utterances, decides what to decode, and turns hypotheses into captions.

    ``hear``/``flush`` take audio, ``next_request`` says what to decode, ``answer`` takes the hypothesis.
    Memory is bounded by what the caller feeds beyond ``committed_ms``.
    """

    def __init__(
        self,
        settings: RecogniserSettings,
        detector: SpeechDetector,
        *,
        options: SessionOptions,
        policy: StepPolicy | None = None,
        state: RecogniserState | None = None,
    ) -> None:
        state = state or RecogniserState()
        self._settings = settings
        self._detector = detector
        self._options = options
        self.policy = policy or StepPolicy()
        self._language = LanguageTracker(given=options.language, session=state.language)
        self._buffer = AudioBuffer(state.committed_ms)
        self._settled_ms = state.committed_ms
        self._next_index = state.next_index
        self._utterances = deque(Utterance.from_state(item) for item in state.utterances)
        self._gate = self._resumed_gate(state)
        self._gated_ms = self._gate.position_ms
        self._in_flight: DecodeRequest | None = None
        self.drafts = True
        """Whether unfinished utterances are decoded; the caller turns it off to save the engine's time."""

    def _resumed_gate(self, state: RecogniserState) -> SpeechGate:
        """A gate that goes on behind the utterances whose end is decided already."""
        position_ms = state.committed_ms
        for item in state.utterances:
            position_ms = item.start_ms if item.end_ms is None else item.end_ms
        gate = SpeechGate(self._settings.gate, position_ms)
        if state.utterances and state.utterances[-1].end_ms is None:
            stable = state.utterances[-1].stable
            gate.open(position_ms, until_ms=stable[-1].end_ms if stable else 0)
        return gate

    # --- what the session knows of itself ---------------------------------------------------------------

    @property
    def heard_ms(self) -> int:
        """Session time up to which audio was taken."""
        return self._buffer.end_ms

    @property
    def committed_ms(self) -> int:
        """Everything before is final or silence; audio before it is never needed again."""
        return self._settled_ms

    @property
    def is_busy(self) -> bool:
        """Whether a decode is under way."""
        return self._in_flight is not None

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to decide of what was heard."""
        return not self._utterances and self._settled_ms == self.heard_ms

    @property
    def waiting_ms(self) -> int:
        """How long the oldest closed utterance has been waiting for its final, in audio time."""
        head = self._utterances[0] if self._utterances else None
        return self.heard_ms - head.end_ms if head is not None and head.end_ms is not None else 0

    def configure(self, options: SessionOptions) -> None:
        """Go on with other options; a window under way is not affected."""
        self._options = options
        self._language.given = options.language

    def retune(self, settings: RecogniserSettings, *, min_step_ms: int, max_step_ms: int) -> None:
        """Go on with other settings from the next sample on; what is decided already stays."""
        self._settings = settings
        self._gate.retune(settings.gate)
        self.policy.min_step_ms, self.policy.max_step_ms = min_step_ms, max_step_ms

    def state(self) -> RecogniserState:
        """The checkpoint at this moment."""
        return RecogniserState(
            committed_ms=self._settled_ms,
            next_index=self._next_index,
            language=self._language.session,
            utterances=[utterance.state() for utterance in self._utterances],
        )

    # --- audio in ---------------------------------------------------------------------------------------

    def hear(self, samples: Pcm) -> list[Output]:
        """Take samples (int16, 16 kHz, mono) that follow what was heard before."""
        self._buffer.append(samples)
        outputs: list[Output] = []
        chunk_ms = CHUNK_SAMPLES // SAMPLES_PER_MS
        chunks = max(0, self._buffer.end_ms - self._gated_ms) // chunk_ms
        if chunks:
            end_ms = self._gated_ms + chunks * chunk_ms
            audio = self._buffer.slice(self._gated_ms, end_ms).reshape(-1, CHUNK_SAMPLES) * _TO_FLOAT
            self._gated_ms = end_ms
            for event in self._gate.feed(self._detector(audio)):
                if isinstance(event, SpeechStart):
                    outputs += self._speech_started(event.at_ms)
                elif isinstance(event, SpeechEnd):
                    # What lies behind the gate's position may be the next utterance's beginning.
                    end_ms = min(event.at_ms + self._settings.post_pad_ms, self._gate.position_ms)
                    outputs += self._speech_ended(event.at_ms, end_ms)
        self._split_if_too_long()
        outputs += self._settle_silence()
        return outputs

    def flush(self) -> list[Output]:
        """Close the open utterance here, as if the speaker had paused."""
        outputs: list[Output] = []
        end = self._gate.close()
        if end is not None:
            outputs += self._speech_ended(min(end.at_ms, self.heard_ms), self.heard_ms)
        self._skip_gate_to_end()
        return outputs + self._settle_silence(all_of_it=True)

    def skip(self, samples: int, reason: str) -> list[Output]:
        """Audio of this length was lost here: a told gap, and the session goes on behind it.

        Raises:
            ValueError: something is still open; ``flush`` and answer until ``is_done``.

        """
        if not self.is_done or self.is_busy:
            raise ValueError("what was heard before the gap is not settled yet")
        start_ms = self.heard_ms
        self._buffer.skip(samples)
        self._skip_gate_to_end()
        if self.heard_ms == start_ms:
            return []  # under a millisecond
        gap = AudioGap(start_ms=start_ms, end_ms=self.heard_ms, reason=reason)
        return [gap, *self._settle(self.heard_ms, "gap", reason)]

    def _skip_gate_to_end(self) -> None:
        """Go on gating behind what was flushed: a rest of under one chunk belongs to what was closed."""
        self._gated_ms = self._gate.position_ms = max(self._gate.position_ms, self.heard_ms)

    def _speech_started(self, at_ms: int) -> list[Output]:
        floor = self._settled_ms
        if self._utterances and self._utterances[-1].end_ms is not None:
            floor = max(floor, self._utterances[-1].end_ms)
        start_ms = max(floor, at_ms - self._settings.pre_pad_ms)
        self._open(start_ms)
        return [SpeechStarted(start_ms=start_ms)]

    def _open(self, start_ms: int) -> None:
        self._utterances.append(Utterance(self._next_index, start_ms, decoded_to_ms=start_ms))
        self._next_index += 1

    def _speech_ended(self, speech_end_ms: int, end_ms: int) -> list[Output]:
        utterance = self._utterances[-1]
        utterance.close(max(utterance.start_ms, min(end_ms, self.heard_ms)), speech_end_ms)
        return [SpeechEnded(end_ms=speech_end_ms)]

    def _split_if_too_long(self) -> None:
        """Cut an utterance that outgrows the window, where it is quietest and behind what is stable."""
        if not self._gate.in_speech or not self._utterances:
            return
        current = self._utterances[-1]
        if self.heard_ms - current.start_ms < self._settings.max_utterance_ms:
            return
        stable_end_ms = current.agreement.stable[-1].end_ms if current.agreement.stable else current.start_ms
        search_ms = min(self._settings.split_search_ms, self._settings.max_utterance_ms // 2)
        last_ms = self.heard_ms - self._settings.tail_guard_ms
        first_ms = max(self.heard_ms - search_ms, stable_end_ms - 60)
        if last_ms - first_ms < MIN_SPLIT_SEARCH_MS:
            return  # words up to here were shown as this utterance's; after a takeover they are heard again
        cut_ms = self._buffer.quietest_ms(first_ms, last_ms)
        current.close(cut_ms, cut_ms)
        self._open(cut_ms)
        self._gate.open(cut_ms)

    def _settle_silence(self, *, all_of_it: bool = False) -> list[Output]:
        """Account for what lies before any utterance that is open or could still open."""
        if self._utterances:
            limit_ms = self._utterances[0].start_ms
        elif all_of_it:
            limit_ms = self.heard_ms
        else:
            limit_ms = min(self._gate.earliest_speech_ms, self.heard_ms) - self._settings.pre_pad_ms
        return self._settle(limit_ms, "silence")

    def _settle(self, to_ms: int, kind: SettledKind, reason: str = "") -> list[Output]:
        if to_ms <= self._settled_ms:
            return []
        settled = Settled(self._settled_ms, to_ms, kind, reason)
        self._settled_ms = to_ms
        self._buffer.drop_before(to_ms)
        return [settled]

    # --- decode requests out ----------------------------------------------------------------------------

    def next_request(self) -> DecodeRequest | None:
        """What to decode now, if anything; the caller must ``answer`` or ``fail`` it."""
        if self._in_flight is not None or not self._utterances:
            return None
        head = self._utterances[0]
        if head.end_ms is not None:
            end_ms, full = head.end_ms, True
        else:
            quiet_since_ms = self._gate.quiet_since_ms if head is self._utterances[-1] else None
            if quiet_since_ms is not None and head.full_to_ms >= quiet_since_ms:
                return None  # decoded at full quality already, and nothing was said since
            full = (
                quiet_since_ms is not None and self.heard_ms - quiet_since_ms >= self._settings.pause_probe_ms
            )
            end_ms = self.heard_ms
            if not full and not self._draft_is_due(head):
                return None
        if self.heard_ms < end_ms:
            return None  # taken over from another worker: the audio is still being replayed
        self._in_flight = self._request(head, end_ms, full)
        return self._in_flight

    def _draft_is_due(self, head: Utterance) -> bool:
        if not (self._options.partials and self.drafts):
            return False
        return (
            self.heard_ms - head.start_ms >= self._settings.min_window_ms
            and self.heard_ms - head.decoded_to_ms >= self.policy.step_ms
        )

    def _request(self, head: Utterance, end_ms: int, full: bool) -> DecodeRequest:
        return DecodeRequest(
            utterance=head.index,
            samples=np.array(self._buffer.slice(head.start_ms, end_ms)),
            start_ms=head.start_ms,
            end_ms=end_ms,
            full=full,
            options=WindowOptions(
                language=self._language.to_request,
                prompt=self._options.prompt,
                hotwords=self._options.hotwords,
                fast=not full,
            ),
        )

    # --- hypotheses in ----------------------------------------------------------------------------------

    def fail(self, request: DecodeRequest) -> None:
        """The decode failed; the window stays and is asked for again."""
        if self._in_flight is request:
            self._in_flight = None

    def give_up(self, request: DecodeRequest, reason: str) -> list[Output]:
        """The window can never be decoded: a told gap up to its end, and the session goes on behind it."""
        if self._in_flight is not request:
            return []
        self._in_flight = None
        head = self._utterances[0]
        if not head.is_closed:
            # Speech goes on: what follows is another utterance, with another window.
            head.close(request.end_ms, request.end_ms)
            self._open(request.end_ms)
            self._gate.open(request.end_ms)
        self._utterances.popleft()
        self._language.start_utterance()
        outputs: list[Output] = []
        if head.shown:
            # What is stable was promised to stay; the rest of what was shown goes.
            outputs.append(self._final(head, head.agreement.stable, ""))
        outputs.append(AudioGap(start_ms=head.start_ms, end_ms=head.end_ms or 0, reason=reason))
        outputs += self._settle(head.end_ms or 0, "gap", reason)
        return outputs + self._settle_silence()

    def answer(self, request: DecodeRequest, result: WindowResult, round_trip_ms: float) -> list[Output]:
        """Take the hypothesis for ``request``; it took ``round_trip_ms``."""
        if self._in_flight is not request:
            return []
        self._in_flight = None
        self.policy.answered(round_trip_ms)
        head = self._utterances[0]
        head.decoded_to_ms = request.end_ms
        duration_ms = request.end_ms - request.start_ms
        self._language.observe(result.language, result.language_probability, duration_ms)
        if request.full:
            head.full, head.full_to_ms = result, request.end_ms
        if not head.is_closed or head.full_to_ms < (head.speech_end_ms or 0):
            return self._partial(head, request, self._words(head, result, request))
        return self.finish_ready()

    def finish_ready(self) -> list[Output]:
        """Make final what is closed and decoded at full quality to its end; call after ``hear``, too."""
        outputs: list[Output] = []
        while self._utterances and self._in_flight is None:
            head = self._utterances[0]
            if head.end_ms is None or head.full is None or head.full_to_ms < (head.speech_end_ms or 0):
                break
            if self._language.overrule(head.full.language):
                head.full, head.full_to_ms = None, 0  # next_request asks again, in the session's language
                break
            outputs += self._finish(head)
        return outputs

    def _words(self, head: Utterance, result: WindowResult, request: DecodeRequest) -> list[Word]:
        duration_ms = request.end_ms - request.start_ms
        if guards.is_silence(result):
            return []
        words = [
            Word(
                word.text,
                request.start_ms + min(word.start_ms, duration_ms),
                request.start_ms + min(word.end_ms, duration_ms),
                round(word.probability, 3),
            )
            for word in result.words
        ]
        if head.end_ms is not None and request.end_ms > head.end_ms:
            # The utterance was split while its window was decoded: the rest belongs to the next one.
            words = [word for word in words if word.start_ms + word.end_ms < 2 * head.end_ms]
        words = guards.cut_loops(words)
        return words if guards.plausible(words, duration_ms) else []

    def _partial(self, head: Utterance, request: DecodeRequest, words: list[Word]) -> list[Output]:
        head.agreement.update(words, request.end_ms)
        if not self._options.partials:
            return []
        stable = head.agreement.stable
        shown = [*stable, *self._showable(head.agreement.unstable, request)]
        text = _text(shown)
        key = f"{len(stable)}:{text}"
        if key == head.shown or not text:
            return []
        head.shown = key
        head.revision += 1
        return [
            TranscriptPartial(
                segment_id=head.segment_id,
                revision=head.revision,
                text=text,
                stable_text=_text(stable),
                unstable_text=_text(shown[len(stable) :]),
                start_ms=head.start_ms,
                end_ms=request.end_ms,
                language=self._language.to_request or self._language.session or "",
                confidence=_confidence(shown),
                words=shown,
            )
        ]

    def _showable(self, unstable: list[Word], request: DecodeRequest) -> list[Word]:
        """The unstable words up to the first that is a guess or that the window's end cut off."""
        limit_ms = request.end_ms if request.full else request.end_ms - self._settings.tail_guard_ms
        shown = []
        for word in unstable:
            if word.end_ms > limit_ms or word.probability < self._settings.min_unstable_probability:
                break
            shown.append(word)
        return shown

    def _finish(self, head: Utterance) -> list[Output]:
        assert head.full is not None  # noqa: S101  (finish_ready checked)
        assert head.end_ms is not None  # noqa: S101
        request = DecodeRequest(
            head.index, np.empty(0, np.int16), head.start_ms, head.full_to_ms, True, WindowOptions()
        )
        words = head.agreement.finish(self._words(head, head.full, request))
        self._utterances.popleft()
        self._language.start_utterance()
        outputs: list[Output] = []
        if words or head.shown:
            outputs.append(self._final(head, words, head.full.language))
        outputs += self._settle(head.end_ms, "transcribed" if words else "silence")
        return outputs + self._settle_silence()

    def _final(self, head: Utterance, words: list[Word], language: str) -> TranscriptFinal:
        return TranscriptFinal(
            segment_id=head.segment_id,
            revision=head.revision + 1,
            text=_text(words),
            start_ms=head.start_ms,
            end_ms=head.end_ms or head.start_ms,
            language=language or self._language.session or "",
            confidence=_confidence(words),
            words=words,
        )


def _text(words: Iterable[Word]) -> str:
    return "".join(word.text for word in words).strip()


def _confidence(words: list[Word]) -> float:
    return round(sum(word.probability for word in words) / len(words), 3) if words else 0.0
