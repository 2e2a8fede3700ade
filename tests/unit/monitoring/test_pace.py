"""Whether a session's worker keeps up, from looks alone; and how much audio there is."""

from __future__ import annotations

import msgspec
import pytest

from dragoman_contracts.audio import AudioFormat
from dragoman_orchestration.monitoring.looks.sessions import (
    PACE_LEAST_S,
    PACE_WINDOW_S,
    Pace,
    SessionFacts,
)


def pace_of(looks: list[tuple[float, float, float]]) -> Pace:
    pace = Pace()
    for at_s, received_s, committed_s in looks:
        pace.note(at_s, int(received_s * 1000), int(committed_s * 1000))
    return pace


def test_a_short_time_tells_nothing():
    assert pace_of([(0, 0, 0), (PACE_LEAST_S - 1, 100, 0)]).factor is None


def test_a_speaker_in_real_time_whose_utterance_is_open_is_kept_up_with():
    assert pace_of([(at, at, at // 12 * 12) for at in range(0, 31, 2)]).factor == 1


def test_a_worker_that_does_half_is_at_one_half():
    looks = [(at, 60 + at, at / 2) for at in range(0, 31, 2)]
    assert pace_of(looks).factor == pytest.approx(0.5, abs=0.05)


def test_a_worker_that_does_nothing_is_at_zero():
    assert pace_of([(at, 40 + at, 5) for at in range(0, 31, 2)]).factor == 0


def test_a_worker_that_catches_up_is_above_one():
    assert pace_of([(at, 100 + at, 2.5 * at) for at in range(0, 31, 2)]).factor == pytest.approx(2.5, abs=0.1)


def test_a_recording_that_is_sent_at_once_is_worked_off_and_no_trouble():
    looks = [(at, 600, 4 * at) for at in range(0, 31, 2)]
    factor = pace_of(looks).factor
    assert factor is not None
    assert factor > 1


def test_a_speaker_who_pauses_is_kept_up_with():
    assert pace_of([(at, 50, 50) for at in range(0, 31, 2)]).factor == 1


def test_what_is_left_when_the_speaker_has_gone_still_counts():
    assert pace_of([(at, 60, 10) for at in range(0, 31, 2)]).factor == 0


def test_only_the_last_looks_count():
    looks = [(at, 100 + at, 0) for at in range(0, 31, 2)]
    looks += [(at, 100 + at, at - 30) for at in range(32, int(32 + PACE_WINDOW_S) + 2, 2)]
    assert pace_of(looks).factor == pytest.approx(1, abs=0.05)


def test_a_past_that_redis_forgot_begins_anew():
    pace = pace_of([(0, 50, 40), (10, 60, 50), (12, 20, 5)])
    assert pace.factor is None


def values(audio: AudioFormat | None, *, heard_ms: int, consumed: int, total: int) -> list[bytes | None]:
    return [
        b"live", b"cpu", b"1000", b"app", msgspec.json.encode(audio) if audio else None, b"5-0",
        b"1500", str(heard_ms).encode(), str(consumed).encode(), b"2", str(total).encode(),
    ]  # fmt: skip


def test_pcm_is_as_long_as_its_bytes():
    facts = SessionFacts.read("s", values(AudioFormat(), heard_ms=1_800, consumed=64_000, total=128_000))
    assert (facts.received_ms, facts.backlog_s) == (4_000, 2.5)
    assert (facts.profile, facts.owner_key, facts.generation, facts.opened) == ("cpu", "app", 2, "5-0")


def test_a_container_is_as_long_as_what_was_heard_of_it_tells():
    audio = AudioFormat(encoding="webm_opus")
    facts = SessionFacts.read("s", values(audio, heard_ms=2_000, consumed=8_000, total=20_000))
    assert facts.received_ms == 5_000
    assert SessionFacts.read("s", values(audio, heard_ms=0, consumed=0, total=20_000)).received_ms == 0


def test_a_session_that_nobody_opened_has_nothing():
    facts = SessionFacts.read("s", [b"created", b"cpu", b"1000", b"app", *[None] * 6, b"0"])
    assert (facts.status, facts.backlog_s, facts.received_ms) == ("created", 0, 0)
