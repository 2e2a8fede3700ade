"""Which frames are traced, where their trace goes on, and that what is not traced carries nothing."""

from __future__ import annotations

import io

import numpy as np
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from dragoman_contracts.streams import AudioField, AudioKind, SessionKeys
from dragoman_contracts.websocket import SpeechStarted, TranscriptFinal, TranscriptPartial
from dragoman_contracts.whisper_api import WindowOptions
from dragoman_orchestration.api.frame_traces import FrameTraces
from dragoman_orchestration.api.outbox import OutboxEntry
from dragoman_orchestration.streaming.recogniser import DecodeRequest
from dragoman_orchestration.workers.heard_at import HeardAt
from dragoman_orchestration.workers.traces import SessionTraces
from dragoman_runtime import telemetry
from dragoman_runtime.broker.base import Entry
from dragoman_runtime.settings import RuntimeSettings

KEYS = SessionKeys("0" * 32)
SAMPLED = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.fixture
def spans() -> InMemorySpanExporter:
    """What is recorded, with an endpoint that nobody listens on."""
    settings = RuntimeSettings(
        otlp_endpoint="http://127.0.0.1:9", trace_ratio=0, otlp_metrics_interval_s=0, log_level="ERROR"
    )
    telemetry.setup_telemetry("test", settings, stream=io.StringIO())
    kept = InMemorySpanExporter()
    provider = telemetry._traces.provider
    assert provider is not None
    processors = provider._active_span_processor
    processors.shutdown()
    processors._span_processors = (SimpleSpanProcessor(kept),)
    return kept


def names(spans: InMemorySpanExporter) -> list[str]:
    return [span.name for span in spans.get_finished_spans()]


def window(start_ms: int, end_ms: int, *, full: bool, utterance: int = 0) -> DecodeRequest:
    samples = np.zeros(16, dtype=np.int16)
    return DecodeRequest(utterance, samples, start_ms, end_ms, full, WindowOptions())


def final(segment: int = 0) -> TranscriptFinal:
    return TranscriptFinal(
        segment_id=f"seg-{segment}", revision=1, text="", start_ms=0, end_ms=1, language="en"
    )


def heard(traces: SessionTraces, at_ms: int, traceparent: str = SAMPLED) -> None:
    entry = Entry("1-2", {AudioField.DATA: b"12"})
    with traces.hearing(entry, traceparent.encode()):
        traces.heard(at_ms)


# --- the sampler ------------------------------------------------------------------------------------------


def test_nothing_is_chosen_where_nothing_is_exported() -> None:
    telemetry.setup_telemetry("test", RuntimeSettings(trace_ratio=1), stream=io.StringIO())
    assert not any(telemetry.is_chosen() for _ in range(100))


def test_a_chosen_trace_is_recorded_though_the_ratio_is_0(spans: InMemorySpanExporter) -> None:
    with telemetry.span_from("", "by the ratio"):
        pass
    telemetry.begin_chosen("chosen", kind=telemetry.SpanKind.SERVER, attributes={}).end()
    assert names(spans) == ["chosen"]


@pytest.mark.parametrize(("flags", "recorded"), [("00", 0), ("01", 1), ("03", 1), ("02", 0)])
def test_who_begins_a_trace_decides_for_all_behind(
    spans: InMemorySpanExporter, flags: str, recorded: int
) -> None:
    parent = f"{SAMPLED[:-2]}{flags}"
    with telemetry.span_from(parent, "work"):
        pass
    assert len(names(spans)) == recorded
    assert telemetry.is_sampled(parent) == bool(recorded)
    assert not telemetry.is_sampled("")


# --- the speaker's socket ---------------------------------------------------------------------------------


def entry(total: int, seq: int = 2) -> OutboxEntry:
    return OutboxEntry(seq, AudioKind.FRAME, b"1234", total)


def test_an_entry_without_a_traced_frame_has_no_field_for_it(spans: InMemorySpanExporter) -> None:
    traces = FrameTraces(KEYS.session_id, KEYS.audio)
    assert not traces
    traces.take(4, end_bytes=8)
    sent = traces.send(entry(4), "1-2")
    assert sent.traceparent == ""
    assert AudioField.TRACE not in sent.fields()
    assert names(spans) == []


def test_the_entry_of_a_traced_frame_carries_its_trace(spans: InMemorySpanExporter) -> None:
    traces = FrameTraces(KEYS.session_id, KEYS.audio)
    traces.take(4, end_bytes=4)
    traces.take(4, end_bytes=8)
    sent = traces.send(entry(8), "1-2")
    traces.sent(stored=True)
    send, first, second = spans.get_finished_spans()
    assert sent.fields()[AudioField.TRACE].decode() == telemetry.traceparent_of(send)  # type: ignore[arg-type]
    assert send.parent is not None
    assert send.parent.span_id == first.context.span_id
    assert [link.context.span_id for link in send.links] == [second.context.span_id]
    assert not traces


def test_frames_that_are_never_stored_end_as_failed(spans: InMemorySpanExporter) -> None:
    traces = FrameTraces(KEYS.session_id, KEYS.audio)
    traces.take(4, end_bytes=4)
    traces.close()
    [span] = spans.get_finished_spans()
    assert (span.status.is_ok, dict(span.attributes or {})["error.type"]) == (False, "not_stored")


# --- the worker -------------------------------------------------------------------------------------------


def test_a_frame_goes_on_in_one_draft_and_in_each_full_window_that_hears_it(
    spans: InMemorySpanExporter,
) -> None:
    traces = SessionTraces(KEYS, "")
    heard(traces, 500)
    for request in (
        window(0, 400, full=False),
        window(0, 600, full=False),
        window(0, 800, full=False),
        window(0, 900, full=True),
        window(0, 1000, full=True),
        window(500, 1500, full=True),
    ):
        with traces.decoding(request):
            pass
    ends = [
        dict(span.attributes or {})["dragoman.window.end_ms"]
        for span in spans.get_finished_spans()
        if span.name == "decode window"
    ]
    assert ends == [600, 900, 1000]


def test_what_is_committed_is_traced_no_further(spans: InMemorySpanExporter) -> None:
    traces = SessionTraces(KEYS, "")
    heard(traces, 500)
    traces.committed(501)
    with traces.decoding(window(0, 900, full=True)):
        pass
    assert "decode window" not in names(spans)


def test_captions_of_traced_audio_carry_the_trace_of_their_window(spans: InMemorySpanExporter) -> None:
    traces = SessionTraces(KEYS, "")
    messages = [SpeechStarted(start_ms=0), final()]
    with traces.sending(messages) as untraced:
        pass
    heard(traces, 500)
    with traces.decoding(window(0, 900, full=True)):
        pass
    with traces.sending([*messages, final(1)]) as parents:
        pass
    assert untraced == ["", ""]
    assert [bool(one) for one in parents] == [False, True, False]
    decode, send = spans.get_finished_spans()[1:]
    assert send.parent is not None
    assert send.parent.span_id == decode.context.span_id
    assert parents[1] == telemetry.traceparent_of(send)  # type: ignore[arg-type]


def test_a_traced_draft_makes_one_traced_partial_not_all_that_follow(spans: InMemorySpanExporter) -> None:
    traces = SessionTraces(KEYS, "")
    heard(traces, 500)
    with traces.decoding(window(0, 600, full=False)):
        pass
    partial = TranscriptPartial(
        segment_id="seg-0",
        revision=1,
        text="",
        stable_text="",
        unstable_text="",
        start_ms=0,
        end_ms=1,
        language="en",
    )
    seen = []
    for _ in range(2):
        with traces.sending([partial]) as parents:
            seen += parents
    assert [bool(one) for one in seen] == [True, False]


def test_an_error_marks_the_window_with_its_class_alone(spans: InMemorySpanExporter) -> None:
    traces = SessionTraces(KEYS, "")
    heard(traces, 500)
    with pytest.raises(ValueError, match="hunter2"), traces.decoding(window(0, 900, full=True)):
        raise ValueError("hunter2")
    decode = spans.get_finished_spans()[-1]
    assert (decode.status.description, dict(decode.attributes or {})["error.type"]) == ("ValueError",) * 2
    assert "hunter2" not in decode.to_json()


# --- lateness ---------------------------------------------------------------------------------------------


def test_lateness_counts_from_when_the_audio_was_there() -> None:
    clock = HeardAt()
    for to_ms, now_s in ((100, 10.0), (200, 11.0), (300, 12.0)):
        clock.heard(to_ms, now_s)
    assert clock.since_s(100, 20.0) == 10.0
    assert clock.since_s(101, 20.0) == 9.0
    assert clock.since_s(301, 20.0) is None
    clock.forget(200)
    assert clock.since_s(200, 20.0) == 9.0
