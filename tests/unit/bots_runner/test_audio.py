"""Audio on its way: measured, bounded, paced and mixed."""

from __future__ import annotations

import asyncio
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman_bots.captured import KEEP_ALIVE, KEEP_ALIVE_S, QUEUE_S, Captured, peak_of
from dragoman_bots.drivers.capture import FRAME_QUEUE_CHUNKS, Mixer, mixed
from dragoman_bots.drivers.pacing import LIVE_LEAD_S, Pace

SECOND = 32_000


def pcm(*samples: int) -> bytes:
    return array("h", samples).tobytes()


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


# --- measured and bounded -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("samples", "peak"),
    [((0, 0), 0.0), ((0, 16_384, -3), 0.5), ((-32_768, 5), 1.0), ((32_767,), 32_767 / 32_768), ((), 0.0)],
)
def test_the_peak_is_the_loudest_sample_of_either_sign(samples: tuple[int, ...], peak: float) -> None:
    assert peak_of(pcm(*samples)) == peak


async def test_silence_is_measured_from_the_last_loud_sample() -> None:
    clock = Clock()
    captured = Captured(clock, silence_dbfs=-50)
    captured.feed(pcm(0, 10_000))
    clock.now += 3
    captured.feed(pcm(0, 30))
    assert captured.silent_s == 3
    clock.now += 2  # nothing at all is silence, too
    assert captured.silent_s == 5
    captured.feed(pcm(200))
    assert captured.silent_s == 0


async def test_the_peak_is_that_since_it_was_last_taken() -> None:
    captured = Captured(Clock(), silence_dbfs=-50)
    captured.feed(pcm(16_384))
    captured.feed(pcm(1))
    assert captured.take_peak() == 0.5
    assert captured.take_peak() == 0.0


async def test_chunks_come_out_in_order_and_end_after_the_last() -> None:
    captured = Captured(Clock(), silence_dbfs=-50)

    async def read() -> list[bytes]:
        return [chunk async for chunk in captured.chunks()]

    reading = asyncio.create_task(read())
    for number in range(5):
        captured.feed(pcm(number))
        await asyncio.sleep(0)
    captured.close()
    captured.feed(pcm(99))
    assert await reading == [pcm(number) for number in range(5)]


async def test_what_the_session_does_not_take_is_bounded_and_the_oldest_lost() -> None:
    captured = Captured(Clock(), silence_dbfs=-50)
    for number in range(QUEUE_S + 5):
        captured.feed(pcm(number) + bytes(SECOND - 2))
    captured.close()
    kept = [array("h", chunk)[0] async for chunk in captured.chunks()]
    assert kept == list(range(5, QUEUE_S + 5))
    assert captured.lost_ms == 5_000


async def test_a_session_is_kept_alive_where_nothing_is_captured_and_only_there() -> None:
    clock = Clock()
    captured = Captured(clock, silence_dbfs=-50)
    captured.feed(pcm(1))
    clock.now += KEEP_ALIVE_S - 1
    captured.keep_alive()
    clock.now += 1
    for _ in range(3):
        captured.keep_alive()
    captured.close()
    assert [chunk async for chunk in captured.chunks()] == [pcm(1), KEEP_ALIVE]
    assert captured.total_ms == 0


# --- paced --------------------------------------------------------------------------------------------------


def test_a_recording_is_given_on_as_it_would_be_heard() -> None:
    clock = Clock()
    pace = Pace(clock, live=False)
    for number in range(1, 50):
        clock.now += (wait_s := pace.wait_s(SECOND // 25))
        assert wait_s == pytest.approx(0.04, abs=1e-6)
        assert clock.now == pytest.approx(100 + number * 0.04)


def test_a_live_burst_is_given_on_at_once_and_no_more_than_that() -> None:
    clock = Clock()
    pace = Pace(clock, live=True)
    waits = [pace.wait_s(SECOND) for _ in range(8)]
    assert waits[: int(LIVE_LEAD_S)] == [0.0] * int(LIVE_LEAD_S)
    assert waits[int(LIVE_LEAD_S)] == pytest.approx(1.0)


def test_a_source_that_fell_behind_is_not_made_up_for() -> None:
    clock = Clock()
    pace = Pace(clock, live=False)
    clock.now += 10
    assert pace.wait_s(SECOND) == 0.0
    assert pace.wait_s(SECOND) == pytest.approx(1.0)


# --- mixed --------------------------------------------------------------------------------------------------


def test_a_mix_is_the_sum_within_what_a_sample_can_hold() -> None:
    assert mixed([pcm(1, 2), pcm(10, 20)]) == pcm(11, 22)
    assert mixed([pcm(30_000, -30_000), pcm(30_000, -30_000)]) == pcm(32_767, -32_768)
    assert mixed([pcm(5), pcm(1, 2)]) == pcm(6, 2)


@given(st.lists(st.lists(st.integers(-32_768, 32_767), max_size=8), min_size=1, max_size=4))
def test_a_mix_never_fails_and_is_as_long_as_the_longest(parts: list[list[int]]) -> None:
    assert len(mixed([pcm(*part) for part in parts])) == 2 * max(map(len, parts))


class Heard(list[bytes]):
    def feed(self, pcm: bytes) -> None:
        self.append(pcm)


def test_one_frame_passes_untouched() -> None:
    heard = Heard()
    mixer = Mixer(heard)
    mixer.feed("a", pcm(1))
    mixer.feed("a", pcm(2))
    assert heard == [pcm(1), pcm(2)]


def test_two_frames_are_mixed_pairwise_and_one_that_goes_holds_nothing_back() -> None:
    heard = Heard()
    mixer = Mixer(heard)
    mixer.feed("a", pcm(1))
    mixer.feed("b", pcm(10))  # the first of b has nobody beside it yet
    mixer.feed("a", pcm(2))
    assert heard == [pcm(1), pcm(12)]
    mixer.feed("a", pcm(3))
    assert len(heard) == 2
    mixer.drop("b")
    assert heard[2:] == [pcm(3)]


def test_a_frame_that_says_nothing_any_more_holds_the_others_back_for_a_moment_only() -> None:
    heard = Heard()
    mixer = Mixer(heard)
    mixer.feed("b", pcm(10))
    mixer.feed("a", pcm(0))
    heard.clear()
    for number in range(1, FRAME_QUEUE_CHUNKS + 11):
        mixer.feed("a", pcm(number))
    assert heard
    assert heard[0] == pcm(1) or heard[0] == pcm(0)
