"""The gate's hysteresis, chunk by chunk."""

from __future__ import annotations

from dragoman_orchestration.streaming.gate import GateSettings, SpeechEnd, SpeechGate, SpeechStart

SETTINGS = GateSettings(
    min_speech_ms=96, min_silence_ms=320, long_utterance_ms=1_600, long_min_silence_ms=128
)
LOUD, MIDDLE, QUIET = 0.9, 0.4, 0.1


def events(*runs: tuple[float, int], settings: GateSettings = SETTINGS, position_ms: int = 0):
    gate = SpeechGate(settings, position_ms)
    probabilities = [probability for probability, chunks in runs for _ in range(chunks)]
    return gate, list(gate.feed(probabilities))


def test_speech_starts_with_its_first_loud_chunk():
    _, found = events((QUIET, 10), (LOUD, 3))
    assert found == [SpeechStart(320)]


def test_a_click_is_no_speech():
    _, found = events((LOUD, 2), (QUIET, 1), (LOUD, 2), (QUIET, 5))
    assert found == []


def test_speech_ends_where_it_fell_silent():
    _, found = events((LOUD, 10), (QUIET, 10))
    assert found == [SpeechStart(0), SpeechEnd(320)]


def test_a_short_pause_does_not_end_speech():
    gate, found = events((LOUD, 10), (QUIET, 9), (LOUD, 1))
    assert found == [SpeechStart(0)]
    assert gate.in_speech
    assert gate.quiet_since_ms is None


def test_between_the_thresholds_a_pause_neither_begins_nor_ends():
    gate, found = events((LOUD, 10), (MIDDLE, 50))
    assert found == [SpeechStart(0)]
    assert gate.quiet_since_ms is None
    gate, found = events((LOUD, 10), (QUIET, 2), (MIDDLE, 20))
    assert gate.quiet_since_ms == 320
    assert found == [SpeechStart(0)]


def test_a_long_utterance_ends_at_a_breath():
    _, found = events((LOUD, 50), (QUIET, 4))
    assert found == [SpeechStart(0), SpeechEnd(1_600)]


def test_positions_count_from_where_the_gate_begins():
    _, found = events((LOUD, 3), (QUIET, 10), position_ms=5_000)
    assert found == [SpeechStart(5_000), SpeechEnd(5_096)]


def test_closing_ends_open_speech_at_the_pause_or_here():
    gate, _ = events((LOUD, 5))
    assert gate.close() == SpeechEnd(160)
    gate, _ = events((LOUD, 5), (QUIET, 2))
    assert gate.close() == SpeechEnd(160)
    assert gate.close() is None


def test_closing_forgets_speech_that_was_about_to_start():
    gate, _ = events((LOUD, 2))
    assert gate.earliest_speech_ms == 0
    assert gate.close() is None
    assert gate.earliest_speech_ms == gate.position_ms == 64
    assert list(gate.feed([LOUD])) == []


def test_an_utterance_that_another_worker_saw_begin_goes_on():
    gate = SpeechGate(SETTINGS, 1_000)
    gate.open(1_000)
    assert list(gate.feed([LOUD] * 3 + [QUIET] * 10)) == [SpeechEnd(1_096)]
