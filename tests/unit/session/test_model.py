from __future__ import annotations

from dragoman_contracts.audio import AudioFormat
from dragoman_contracts.streams import RecordField
from dragoman_contracts.websocket import SessionOptions
from dragoman_orchestration.session.lifecycle import Status
from dragoman_orchestration.session.model import Progress, SessionRecord, encode_format


def test_a_container_has_one_format_whatever_rate_is_given():
    assert encode_format(AudioFormat(encoding="webm_opus", sample_rate_hz=48_000)) == encode_format(
        AudioFormat(encoding="webm_opus")
    )
    assert encode_format(AudioFormat(sample_rate_hz=48_000)) != encode_format(AudioFormat())


def test_progress_of_a_session_that_is_gone():
    assert Progress.read([None, None], [None, None, None]) == Progress()


def test_progress_of_a_live_session():
    assert Progress.read([b"live", b"3"], [b"10", b"20", b"30"]) == Progress(Status.LIVE, 3, 10, 20, 30)


def test_record_with_the_least_there_can_be():
    record = SessionRecord.read("s", {RecordField.STATUS: b"created"})
    assert record.options == SessionOptions()
    assert record.format is None
    assert (record.epoch, record.ended_ms, record.end_reason) == (0, 0, "")


def test_record_with_everything():
    record = SessionRecord.read(
        "s",
        {
            RecordField.STATUS: b"ending",
            RecordField.OPTIONS: b'{"language":"es"}',
            RecordField.FORMAT: b'{"encoding":"pcm_f32le","sample_rate_hz":8000,"channels":2}',
            RecordField.EPOCH: b"4",
            RecordField.END_REASON: b"client",
        },
    )
    assert record.options.language == "es"
    assert record.format == AudioFormat(encoding="pcm_f32le", sample_rate_hz=8_000, channels=2)
    assert (record.epoch, record.end_reason) == (4, "client")
