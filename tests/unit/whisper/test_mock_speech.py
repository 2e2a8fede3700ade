"""The speech of tones: what is spoken is heard, whatever happens to the audio on its way; and only that."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest
from av.audio.resampler import AudioResampler
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dragoman_whisper.engines.mock_speech import AMPLITUDE, WORD_MS, listen, speak

numbers = st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=12)
rates = st.sampled_from([8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000])
RATE = 16_000


def heard(samples: NDArray[np.float32]) -> list[int]:
    return [word.number for word in listen(samples)]


def resampled(samples: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    resampler = AudioResampler(format="flt", layout="mono", rate=RATE)
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout="mono")
    frame.sample_rate = rate_hz
    return np.concatenate(
        [out.to_ndarray().reshape(-1) for f in (frame, None) for out in resampler.resample(f)]
    )


def with_silence(samples: NDArray[np.float32], before: int, after: int) -> NDArray[np.float32]:
    return np.pad(samples, (before, after))


@given(numbers, rates, st.integers(0, 5_000), st.integers(0, 5_000))
@settings(max_examples=60, deadline=None)
def test_any_number_is_heard_at_any_rate(spoken: list[int], rate_hz: int, before: int, after: int) -> None:
    audio = with_silence(resampled(speak(spoken, rate_hz), rate_hz), before, after)
    assert heard(audio) == spoken


@given(numbers, st.integers(0, 2**32 - 1), st.integers(0, 320), st.sampled_from([0.02, 0.1, 0.3, 1.0, 3.0]))
@settings(max_examples=60, deadline=None)
def test_noise_rounding_and_gain_change_nothing(
    spoken: list[int], seed: int, offset: int, gain: float
) -> None:
    rng = np.random.default_rng(seed)
    audio = with_silence(speak(spoken), 1_600 + offset, 1_600)
    noise = rng.normal(0, AMPLITUDE / np.sqrt(2) * 10 ** (-15 / 20), len(audio))
    rounded = np.clip(np.round((audio + noise) * gain * 32767), -32768, 32767).astype(np.int16)
    assert heard(rounded.astype(np.float32) / 32768) == spoken


@given(numbers, st.integers(0, 400 * 16))
@settings(max_examples=60, deadline=None)
def test_a_window_may_begin_anywhere_and_times_follow(spoken: list[int], start: int) -> None:
    words = listen(speak(spoken)[start:])
    # Only words whose tones lie wholly behind the start can be heard, 15 ms are the tolerance.
    first = next((n for n in range(len(spoken)) if n * WORD_MS * 16 >= start - 15 * 16), len(spoken))
    whole = next((n for n in range(len(spoken)) if n * WORD_MS * 16 >= start), len(spoken))
    assert [word.number for word in words] in (spoken[first:], spoken[whole:])
    for word, number in zip(reversed(words), reversed(range(len(spoken))), strict=False):
        expected_ms = number * WORD_MS - start / 16
        assert abs(word.start_ms - max(0, expected_ms)) <= 12
        assert abs(word.end_ms - (expected_ms + 240)) <= 12


@given(
    st.lists(st.integers(0, 0xFFFF), min_size=4, max_size=10, unique=True),
    st.integers(0, 10**6),
    st.integers(100, 900),
)
@settings(max_examples=150, deadline=None)
def test_lost_audio_changes_the_words(spoken: list[int], place: int, lost_ms: int) -> None:
    audio = with_silence(speak(spoken), 800, 800)
    start = 800 + place % (len(audio) - 1_600)
    end = min(start + lost_ms * 16, len(audio) - 800)
    if end - start >= 100 * 16:  # less may hold nothing but the silence between two words
        assert heard(np.concatenate([audio[:start], audio[end:]])) != spoken


@given(
    st.lists(st.integers(0, 0xFFFF), min_size=4, max_size=10, unique=True),
    st.integers(0, 10**6),
    st.integers(100, 900),
)
@settings(max_examples=150, deadline=None)
def test_doubled_audio_changes_the_words(spoken: list[int], place: int, doubled_ms: int) -> None:
    audio = with_silence(speak(spoken), 800, 800)
    start = 800 + place % (len(audio) - 1_600)
    end = min(start + doubled_ms * 16, len(audio) - 800)
    if end - start >= 100 * 16:
        assert heard(np.concatenate([audio[:end], audio[start:]])) != spoken


@given(st.lists(st.integers(0, 0xFFFF), min_size=4, max_size=10, unique=True), st.integers(1, 9), st.data())
@settings(max_examples=150, deadline=None)
def test_frames_in_another_order_change_the_words(
    spoken: list[int], frames: int, data: st.DataObject
) -> None:
    audio = with_silence(speak(spoken), 800, 800)
    size = 100 * 16
    blocks = [audio[at : at + size] for at in range(0, len(audio), size)]
    first = data.draw(st.integers(0, len(blocks) - 3))
    second = min(first + frames, len(blocks) - 2)
    if first == second or np.array_equal(blocks[first], blocks[second]):
        return
    blocks[first], blocks[second] = blocks[second], blocks[first]
    assert heard(np.concatenate(blocks)) != spoken


@given(st.integers(0, 2**32 - 1), st.floats(0.0001, 1))
@settings(max_examples=30, deadline=None)
def test_white_noise_says_nothing(seed: int, level: float) -> None:
    noise = np.random.default_rng(seed).normal(0, level / 3, 3 * RATE)
    assert listen(noise.clip(-1, 1).astype(np.float32)) == []


@pytest.mark.parametrize("samples", [0, 1, 159, 160, 480, 48_000])
def test_silence_says_nothing(samples: int) -> None:
    assert listen(np.zeros(samples, dtype=np.float32)) == []


def test_other_audio_gives_words_that_stay_the_same() -> None:
    time_s = np.arange(2 * RATE) / RATE
    hum = (0.2 * np.sin(2 * np.pi * 440 * time_s) * (np.sin(2 * np.pi * 2 * time_s) > 0)).astype(np.float32)
    words = listen(hum)
    assert words
    assert words == listen(hum.copy())


def test_a_growing_window_takes_nothing_back() -> None:
    spoken = [1, 2, 3, 4, 40_000, 5]
    audio = speak(spoken)
    for end in range(0, len(audio) + 1, 800):
        words = heard(audio[:end])
        assert words == spoken[: len(words)]


def test_what_survives_opus() -> None:
    spoken = [7, 65_535, 1_234, 0, 43_690]
    audio = with_silence(speak(spoken, 48_000), 48_000 // 4, 48_000 // 4)
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as container:
        stream = container.add_stream("libopus", rate=48_000)
        stream.bit_rate = 64_000
        samples = (audio * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = 48_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    file.seek(0)
    with av.open(file) as container:
        resampler = AudioResampler(format="flt", layout="mono", rate=RATE)
        decoded = [
            out.to_ndarray().reshape(-1)
            for frame in [*container.decode(audio=0), None]
            for out in resampler.resample(frame)
        ]
    assert heard(np.concatenate(decoded)) == spoken


def test_numbers_and_rates_that_cannot_be_spoken() -> None:
    with pytest.raises(ValueError, match="65535"):
        speak([65_536])
    with pytest.raises(ValueError, match="65535"):
        speak([-1])
    with pytest.raises(ValueError, match="8000"):
        speak([1], 4_000)
    assert len(speak([])) == 0
