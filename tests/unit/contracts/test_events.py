"""Envelopes and the events inside them."""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman_contracts.bots import BotCause, BotLimits, BotRequest, BotState, FailureStage
from dragoman_contracts.envelope import Envelope, EnvelopeInvalid
from dragoman_contracts.events import (
    AnomalyDetected,
    AnomalyResolved,
    AudioSessionEnded,
    AudioSessionOpened,
    BotDegraded,
    BotRecovered,
    BotReported,
    BotRequested,
    BotRestartRequested,
    BotStateChanged,
    BotStopRequested,
    ConfigChangeRejected,
    ConfigDriftDetected,
    ConfigResyncRequested,
    ConfigRollbackRequested,
    ConfigSnapshot,
    ConfigUpdateRequested,
    Event,
    ServiceHealthReport,
    TranscriptionCompleted,
    TranslationCompleted,
    UsageMetrics,
    parse_event,
    to_envelope,
)
from dragoman_contracts.websocket import Gap, Ledger, Word

some = st.text(min_size=1)
envelopes = st.builds(
    Envelope,
    type=some,
    source=some,
    data=st.binary(),
    id=some,
    subject=st.text(),
    time=st.text(),
    dataschema=st.text(),
    traceparent=st.text(),
    content_type=st.text(),
)
attributes = st.sampled_from(
    [b"ce_id", b"ce_type", b"ce_source", b"ce_specversion", b"ce_subject", b"ce_time", b"data"]
)

EVENTS: list[Event] = [
    AudioSessionOpened(session_id="s1", profile="mock", options={"language": "de"}),
    TranscriptionCompleted(
        session_id="s1",
        segment_id="g1",
        revision=2,
        text="hello",
        start_ms=0,
        end_ms=500,
        language="en",
        confidence=0.5,
        words=[Word("hello", 0, 500, 0.5)],
    ),
    TranslationCompleted(
        session_id="s1",
        segment_id="g1",
        revision=2,
        target_language="pt-BR",
        source_language="en",
        text="olá",
        start_ms=0,
        end_ms=500,
        engine="mock",
    ),
    AudioSessionEnded(
        session_id="s1", reason="client", ledger=Ledger(received_ms=1, gap_ms=1, gaps=[Gap(0, 1, "x")])
    ),
    ConfigUpdateRequested(
        change_id="c1",
        scope="preset",
        operation="merge",
        preset="p",
        values={"partials": {"enabled": None}},
        expected_version=3,
        requested_by="k",
    ),
    ConfigRollbackRequested(change_id="c2", to_version=2, requested_by="k"),
    ConfigSnapshot(version=4, checksum="ab", document={"system": {}}, changed_by="k", change_id="c1"),
    ConfigChangeRejected(change_id="c1", code="conflict", message="another came first"),
    ConfigDriftDetected(part="whisper", kind="service", expected="ab", found="cd", attempts=5, gave_up=True),
    ConfigResyncRequested(reason="r"),
    BotRequested(
        bot_id="b1",
        session_id="s1",
        owner_key="k",
        request=BotRequest(driver="media", url="https://e.example/a", limits=BotLimits(length_s=5)),
    ),
    BotStopRequested(bot_id="b1", requested_by="k"),
    BotRestartRequested(bot_id="b1", reason="r"),
    BotReported(bot_id="b1", generation=2, seq=7),
    BotStateChanged(
        bot_id="b1",
        session_id="s1",
        seq=4,
        previous=BotState.STOPPING,
        state=BotState.FAILED,
        time_ms=9,
        cause=BotCause(code="crashed", message="m", transient=True),
        stage=FailureStage.RUNNING,
        attempt=2,
    ),
    BotDegraded(bot_id="b1", session_id="s1", cause=BotCause(code="no_audio"), since_ms=5),
    BotRecovered(bot_id="b1", session_id="s1", cause=BotCause(code="no_audio"), degraded_ms=5),
    ServiceHealthReport(time_ms=1, status="degraded", parts={"redis": "ok"}, measures={"m": 1.5}),
    AnomalyDetected(
        rule="r", subject="s", severity="critical", measure="m", value=2.5, since_ms=1, message="m"
    ),
    AnomalyResolved(rule="r", subject="s", severity="info", measure="m", value=0.5, lasted_ms=1, message="m"),
    UsageMetrics(day="2025-01-31", owner_key="k", audio_ms=1, sessions=1, translated_chars=1, bots=1),
]


@given(envelopes)
def test_an_envelope_comes_back_equal(envelope: Envelope) -> None:
    assert Envelope.from_fields(envelope.to_fields()) == envelope


@given(
    st.dictionaries(attributes | st.binary(max_size=8), st.just(b"1.0") | st.binary(max_size=8), max_size=9)
)
def test_any_entry_is_an_envelope_or_refused(fields: dict[bytes, bytes]) -> None:
    with suppress(EnvelopeInvalid):
        envelope = Envelope.from_fields(fields)
        assert envelope.id
        assert envelope.type
        assert envelope.source


@pytest.mark.parametrize("name", [b"ce_id", b"ce_type", b"ce_source", b"ce_specversion"])
def test_an_entry_without_a_required_attribute_is_refused_by_its_name(name: bytes) -> None:
    fields = Envelope(type="T", source="/t").to_fields()
    for broken in ({**fields, name: b""}, {k: v for k, v in fields.items() if k != name}):
        with pytest.raises(EnvelopeInvalid, match=name.decode()):
            Envelope.from_fields(broken)


def test_an_envelope_has_an_id_and_a_time_of_its_own() -> None:
    first, second = Envelope(type="T", source="/t"), Envelope(type="T", source="/t")
    assert uuid.UUID(first.id) != uuid.UUID(second.id)
    assert first.time.endswith("+00:00")


def test_unknown_attributes_are_ignored() -> None:
    envelope = Envelope(type="T", source="/t")
    assert Envelope.from_fields({**envelope.to_fields(), b"ce_later": b"x"}) == envelope


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type_name())
def test_an_event_comes_back_equal(event: Event) -> None:
    envelope = to_envelope(event, source="/t", subject="s1", traceparent="00-1-2-01")
    assert envelope.dataschema == f"dragoman:{event.type_name()}:1"
    assert (envelope.subject, envelope.traceparent) == ("s1", "00-1-2-01")
    assert parse_event(Envelope.from_fields(envelope.to_fields())) == event


def test_every_event_is_tested() -> None:
    # Others of the product have events of their own, which travel on no stream.
    known = {cls for cls in Event.__subclasses__() if cls.__module__ == Event.__module__}
    assert {type(event) for event in EVENTS} == known


@given(st.text(), st.text(max_size=8), st.text(), st.binary())
def test_any_payload_is_an_event_or_refused(session: str, version: str, reason: str, data: bytes) -> None:
    for payload in (data, f'{{"session_id":{session!r},"profile":{reason!r}}}'.encode(errors="replace")):
        envelope = Envelope(type="AudioSessionOpened", source="/t", dataschema=version, data=payload)
        with suppress(EnvelopeInvalid):
            assert isinstance(parse_event(envelope), AudioSessionOpened)


def schema(version: Any) -> Envelope:
    envelope = to_envelope(EVENTS[0], source="/t", subject="s1")
    return Envelope(type=envelope.type, source="/t", data=envelope.data, dataschema=version)


@pytest.mark.parametrize("current", [1, 2, 7])
def test_the_version_before_is_readable_and_no_other(monkeypatch: pytest.MonkeyPatch, current: int) -> None:
    monkeypatch.setattr(AudioSessionOpened, "schema_version", current)
    for version in (current, current - 1):
        assert parse_event(schema(f"dragoman:AudioSessionOpened:{version}")) == EVENTS[0]
    for other in (current + 1, current - 2, "x", ""):
        with pytest.raises(EnvelopeInvalid, match="schema version"):
            parse_event(schema(f"dragoman:AudioSessionOpened:{other}"))


def test_an_event_without_a_version_is_read_as_the_current_one() -> None:
    assert parse_event(schema("")) == EVENTS[0]


def test_an_unknown_type_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(EnvelopeInvalid, match=r"Nonsense.*AudioSessionOpened"):
        parse_event(Envelope(type="Nonsense", source="/t"))


@pytest.mark.parametrize(
    "data", [b'{"session_id":1}', b'{"session_id":"\xff"}', b'{"options":{"x":' + b"[" * 100_000, b""]
)
def test_data_that_does_not_fit_is_refused(data: bytes) -> None:
    with pytest.raises(EnvelopeInvalid, match="does not fit"):
        parse_event(Envelope(type="AudioSessionOpened", source="/t", data=data))


def test_another_version_of_the_envelope_is_refused() -> None:
    fields = Envelope(type="T", source="/t").to_fields() | {b"ce_specversion": b"0.3"}
    with pytest.raises(EnvelopeInvalid, match=r"0\.3"):
        Envelope.from_fields(fields)
