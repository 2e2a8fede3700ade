"""The way of traced audio through a worker: from its entry to the windows that heard it, its captions and
their translations.

A frame's trace goes on with the windows of the utterance that it belongs to: the first draft that has heard
it, and each window at full quality. Of several traced frames in one window the first one's trace goes on, and
the others are linked to it.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from opentelemetry.trace import Span, SpanKind

from dragoman_contracts.streams import AUDIO_TEMPLATE, RESULTS_TEMPLATE, AudioField, SessionKeys
from dragoman_contracts.websocket import ServerMessage, TranscriptFinal
from dragoman_orchestration.streaming.recogniser import DecodeRequest
from dragoman_orchestration.workers.lane import LaneRequest
from dragoman_runtime.broker.base import Entry
from dragoman_runtime.telemetry import (
    context_of,
    current_traceparent,
    following,
    is_sampled,
    messaging,
    span_from,
    traceparent_of,
    tracer,
)

MARKS_KEPT = 64
"""Traced frames that wait for a window; of more, the oldest is forgotten."""
SEGMENTS_KEPT = 64
LINKS_MAX = 32
FULL, DRAFT = "", "draft"


@dataclass(slots=True)
class _Mark:
    """A traced frame: where its audio ends, and whether a draft has heard it."""

    at_ms: int
    traceparent: str
    drafted: bool = False


class SessionTraces:
    """The traces of one session here.

    Args:
        keys: names of its streams.
        opened: the trace that the session was opened in; full windows follow it where no frame is traced.

    """

    def __init__(self, keys: SessionKeys, opened: str) -> None:
        self._keys = keys
        self._opened = opened
        # Drafts would drown the trace of a meeting: they follow it without a span.
        self._silent = f"{opened[:-2]}00" if opened else ""
        self._marks: deque[_Mark] = deque(maxlen=MARKS_KEPT)
        # (segment, FULL, DRAFT or target language) -> the span that made its text
        self._texts: OrderedDict[tuple[str, str], str] = OrderedDict()

    # --- audio -------------------------------------------------------------------------------------------

    @contextmanager
    def hearing(self, entry: Entry, traceparent: bytes) -> Iterator[None]:
        """An entry with a traced frame is taken."""
        attributes = messaging("process", self._keys.audio, template=AUDIO_TEMPLATE, message_id=entry.id)
        attributes |= {
            "session.id": self._keys.session_id,
            "messaging.message.body.size": len(entry.fields.get(AudioField.DATA, b"")),
        }
        with span_from(
            traceparent.decode("ascii", "replace"),
            f"process {AUDIO_TEMPLATE}",
            kind=SpanKind.CONSUMER,
            attributes=attributes,
        ):
            yield

    def heard(self, at_ms: int) -> None:
        """The entry's audio, of the span that is current, ends here."""
        self._marks.append(_Mark(at_ms, current_traceparent()))

    def committed(self, to_ms: int) -> None:
        """All before is decided: no window will hear it again."""
        while self._marks and self._marks[0].at_ms < to_ms:
            self._marks.popleft()

    # --- windows -----------------------------------------------------------------------------------------

    def decoding(self, request: DecodeRequest) -> AbstractContextManager[object]:
        """Around the request for a window's hypothesis."""
        found = self._frames_of(request) if self._marks else []
        if found:
            return self._decoding(request, found)
        if request.full and is_sampled(self._opened):
            return self._decoding(request, [self._opened])
        return following(self._silent) if self._silent else nullcontext()

    def _frames_of(self, request: DecodeRequest) -> list[str]:
        found = [
            mark
            for mark in self._marks
            if request.start_ms < mark.at_ms <= request.end_ms and (request.full or not mark.drafted)
        ]
        for mark in found:
            mark.drafted = True
        return [mark.traceparent for mark in found]

    @contextmanager
    def _decoding(self, request: DecodeRequest, parents: Sequence[str]) -> Iterator[Span]:
        with span_from(
            parents[0],
            "decode window",
            kind=SpanKind.CLIENT,
            links=[*parents[1:LINKS_MAX], *([self._opened] if self._opened != parents[0] else [])],
            attributes={
                "session.id": self._keys.session_id,
                "dragoman.window.quality": "full" if request.full else "draft",
                "dragoman.window.start_ms": request.start_ms,
                "dragoman.window.end_ms": request.end_ms,
            },
        ) as span:
            quality = FULL if request.full else DRAFT
            self._keep(f"seg-{request.utterance}", quality, traceparent_of(span))
            yield span

    # --- translations ------------------------------------------------------------------------------------

    def translating(self, target: str, request: LaneRequest) -> AbstractContextManager[object]:
        """Around the request for a translation."""
        parents = self._parents_of(request) if self._texts and not request.is_draft else []
        if parents:
            return self._translating(target, request, parents)
        return following(self._silent) if self._silent else nullcontext()

    def _parents_of(self, request: LaneRequest) -> list[str]:
        found = [self._texts.get((one.segment_id, FULL), "") for one in request.sentences]
        return [one for one in found if one]

    @contextmanager
    def _translating(self, target: str, request: LaneRequest, parents: Sequence[str]) -> Iterator[Span]:
        with span_from(
            parents[0],
            "translate",
            kind=SpanKind.CLIENT,
            links=parents[1:LINKS_MAX],
            attributes={
                "session.id": self._keys.session_id,
                "dragoman.translation.target": target,
                "dragoman.translation.sentences": len(request.sentences),
            },
        ) as span:
            for sentence in request.sentences:
                self._keep(sentence.segment_id, target, traceparent_of(span))
            yield span

    # --- results -----------------------------------------------------------------------------------------

    @contextmanager
    def sending(self, messages: Sequence[ServerMessage]) -> Iterator[list[str]]:
        """Around the publish of messages: for each the trace that travels with it, empty where there is
        none."""
        if not self._texts:
            yield [""] * len(messages)
            return
        spans = [self._send(message) for message in messages]
        try:
            yield [traceparent_of(span) if span is not None else "" for span in spans]
        finally:
            for span in spans:
                if span is not None:
                    span.end()

    def _send(self, message: ServerMessage) -> Span | None:
        parent = self._parent_of(message)
        if parent is None:
            return None
        attributes = messaging("send", self._keys.results, template=RESULTS_TEMPLATE)
        return tracer().start_span(
            f"send {RESULTS_TEMPLATE}",
            context=context_of(parent),
            kind=SpanKind.PRODUCER,
            attributes={
                **attributes,
                "session.id": self._keys.session_id,
                "dragoman.message.type": str(type(message).__struct_config__.tag),
            },
        )

    def _parent_of(self, message: ServerMessage) -> str | None:
        segment = getattr(message, "segment_id", None)
        if segment is None:
            return None
        if isinstance(message, TranscriptFinal):
            return self._texts.get((segment, FULL))  # its translations follow it, too
        return self._texts.pop((segment, getattr(message, "target_language", DRAFT)), None)

    def _keep(self, segment: str, what: str, traceparent: str) -> None:
        if not is_sampled(traceparent):
            return
        self._texts[segment, what] = traceparent
        self._texts.move_to_end((segment, what))
        while len(self._texts) > SEGMENTS_KEPT:
            self._texts.popitem(last=False)
