"""Whatever is said, however slow the answers, whoever dies: each word once, in order, all accounted."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman_orchestration.streaming.gate import GateSettings
from dragoman_orchestration.streaming.recogniser import RecogniserSettings

from .listener import FRAME, World, pcm

sentences = st.lists(
    st.tuples(
        st.lists(st.integers(0, 65_535), min_size=1, max_size=12, unique=True),
        st.integers(min_value=600, max_value=3_000),
    ),
    min_size=1,
    max_size=5,
)


def audio_of(said) -> np.ndarray:
    parts: list = [np.zeros(8_000, dtype=np.float32)]
    for numbers, pause_ms in said:
        parts += [numbers, np.zeros(16 * pause_ms, dtype=np.float32)]
    return pcm(*parts)


def numbers_of(said) -> list[int]:
    return [number for numbers, _ in said for number in numbers]


@settings(max_examples=40, deadline=None)
@given(sentences, st.integers(0, 12), st.randoms(use_true_random=False))
def test_every_word_once_and_in_order(said, slowness, rng):
    world = World()
    audio = audio_of(said)
    world.play(audio, slowness=slowness, rng=rng)
    world.finish()
    world.check()
    assert world.words == numbers_of(said)
    assert world.settled[-1].end_ms == len(audio) // 16


@settings(max_examples=40, deadline=None)
@given(sentences, st.integers(0, 8), st.lists(st.floats(0.05, 0.95), min_size=1, max_size=4))
def test_takeovers_lose_double_and_reorder_nothing(said, slowness, deaths):
    world = World()
    audio = audio_of(said)
    rng = random.Random(len(audio))
    position = 0
    for share in sorted(deaths):
        until = int(share * len(audio)) // FRAME * FRAME
        if until > position:
            world.play(audio[position:until], slowness=slowness, rng=rng)
        position = world.die() * 16
    world.play(audio[position:], slowness=slowness, rng=rng)
    world.finish()
    world.check()
    assert world.words == numbers_of(said)
    assert world.settled[-1].end_ms == len(audio) // 16


listening = st.builds(
    lambda silence_ms, utterance_ms: RecogniserSettings(
        gate=GateSettings(min_silence_ms=silence_ms, long_min_silence_ms=min(192, silence_ms)),
        max_utterance_ms=utterance_ms,
    ),
    st.sampled_from([128, 416, 1_200, 3_000]),
    st.sampled_from([2_000, 3_000, 12_000, 28_000]),
)


@settings(max_examples=80, deadline=None)
@given(
    sentences,
    st.integers(0, 8),
    st.lists(st.tuples(st.floats(0.02, 0.98), st.booleans(), listening), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_other_settings_in_the_middle_and_at_takeovers_lose_double_and_reorder_nothing(
    said, slowness, changes, rng
):
    world = World()
    audio = audio_of(said)
    position = 0
    for share, dies, to in sorted(changes, key=lambda change: change[0]):
        until = int(share * len(audio)) // FRAME * FRAME
        if until > position:
            world.play(audio[position:until], slowness=slowness, rng=rng)
            position = until
        if dies:
            position = world.die(to) * 16
        else:
            world.retune(to)
    world.play(audio[position:], slowness=slowness, rng=rng)
    world.finish()
    world.check()
    assert world.words == numbers_of(said)
    assert world.settled[-1].end_ms == len(audio) // 16


@settings(max_examples=25, deadline=None)
@given(st.integers(20, 80), st.integers(0, 5), st.integers(0, 2**32))
def test_speech_without_a_pause_is_cut_between_words(count, slowness, seed):
    numbers = random.Random(seed).sample(range(65_536), count)
    world = World(settings=RecogniserSettings(max_utterance_ms=4_000))
    world.play(pcm(numbers, np.zeros(16_000, dtype=np.float32)), slowness=slowness)
    world.finish()
    world.check()
    assert world.words == numbers
    assert len(world.finals) >= count * 300 // 4_300
    assert all(request.end_ms - request.start_ms <= 4_000 + 600 for request in world.requests)


@settings(max_examples=25, deadline=None)
@given(sentences, st.lists(st.integers(0, 40), max_size=4))
def test_flushes_anywhere_keep_the_accounts(said, flushes):
    world = World()
    audio = audio_of(said)
    for index, start in enumerate(range(0, len(audio), FRAME)):
        world.play(audio[start : start + FRAME])
        if index in flushes:
            world.told(world.recogniser.flush())
    world.finish()
    world.check()
    assert world.settled[-1].end_ms == len(audio) // 16
    # A flush in the middle of a word cuts it; the words around it stay.
    assert len(world.words) >= len(numbers_of(said)) - len(flushes)


@settings(max_examples=25, deadline=None)
@given(
    sentences, st.integers(0, 6), st.lists(st.tuples(st.integers(1, 60), st.integers(1, 90_000)), max_size=3)
)
def test_lost_audio_anywhere_is_a_gap_and_keeps_the_accounts(said, slowness, holes):
    world = World()
    audio = audio_of(said)
    total = 0
    at = dict(holes)
    for index, start in enumerate(range(0, len(audio), FRAME)):
        world.play(audio[start : start + FRAME], slowness=slowness)
        total += len(audio[start : start + FRAME])
        if index in at:
            world.finish()
            before_ms = world.recogniser.heard_ms
            world.told(world.recogniser.skip(at[index], "lost"))
            total += at[index]
            gap_ms = sum(
                s.end_ms - s.start_ms for s in world.settled if (s.kind, s.start_ms) == ("gap", before_ms)
            )
            assert world.recogniser.heard_ms == total // 16 == before_ms + gap_ms
    world.finish()
    world.check()
    assert world.settled == [] or world.settled[-1].end_ms == total // 16
