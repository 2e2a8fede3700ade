"""The real engine on the small real model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jiwer
import numpy as np
import pytest

from dragoman_contracts.errors import InvalidInput
from dragoman_contracts.whisper_api import WindowOptions
from dragoman_whisper.config import DecodeConfig
from dragoman_whisper.engines.base import Window
from dragoman_whisper.engines.faster_whisper import FasterWhisperEngine
from dragoman_whisper.engines.mel import log_mel
from dragoman_whisper.engines.one_thread import product
from dragoman_whisper.settings import WhisperSettings

from ...contract.whisper_cases import FIXTURES, MICRO_MODEL, SPEECH, SPEECH_TEXT, pcm

REFERENCES = [json.loads(line) for line in (FIXTURES / "audio" / "refs.jsonl").read_text().splitlines()]
SHORT = [reference for reference in REFERENCES if reference["text"] and reference["duration"] < 10]


def make_engine(**values: Any) -> FasterWhisperEngine:
    engine = FasterWhisperEngine(WhisperSettings(**{"profile": "cpu", "model": str(MICRO_MODEL), **values}))
    engine.load(lambda sentence: None)
    return engine


@pytest.fixture(scope="module")
def engine() -> Iterator[FasterWhisperEngine]:
    engine = make_engine()
    yield engine
    engine.close()


def window(name: str = SPEECH, **options: Any) -> Window:
    return Window(np.frombuffer(pcm(name), dtype="<i2"), WindowOptions(**{"language": "en", **options}))


def words(text: str) -> str:
    return " ".join(re.sub(r"[^\w' ]", "", text.lower()).split())


def word_error_rate(engine: FasterWhisperEngine, **options: Any) -> float:
    windows = [window(item["file"], **{"language": item["language"], **options}) for item in SHORT]
    heard = [words(engine.decode_windows([one])[0].text) or "-" for one in windows]
    return float(jiwer.wer([words(item["text"]) for item in SHORT], heard))


@pytest.mark.parametrize("fast", [False, True])
def test_short_windows_lose_no_quality(engine: FasterWhisperEngine, fast: bool) -> None:
    # faster-whisper's batched pipeline, which pads each utterance to 30 s, gets 6.6 % here.
    assert word_error_rate(engine, fast=fast) <= 0.13


def test_the_encoder_gets_no_more_than_it_needs() -> None:
    short, full = make_engine(), make_engine(encoder="full")
    one = window()
    assert short._prepare(one).mel.shape == (80, 500)  # 3.05 s and 1 s of silence, to the next whole second
    assert short._prepare(Window(one.pcm[:160], one.options)).mel.shape == (80, 300)
    assert short._prepare(Window(np.tile(one.pcm, 9), one.options)).mel.shape == (80, 2_900)
    assert short._prepare(Window(np.tile(one.pcm, 10)[:480_000], one.options)).mel.shape == (80, 3_000)
    assert full._prepare(one).mel.shape == (80, 3_000)
    for engine in (short, full):
        assert words(engine.decode_windows([one])[0].text) == words(SPEECH_TEXT)
        engine.close()


@pytest.mark.parametrize("name", [SPEECH, "en_noisy_00.wav", "es_02.wav"])
def test_the_spectrogram_is_that_of_faster_whisper(engine: FasterWhisperEngine, name: str) -> None:
    extractor = engine._whisper.feature_extractor
    samples = window(name).samples()
    for length, frames in ((len(samples), 1_000), (len(samples) - 77, 600), (16_000, 300)):
        padded = np.pad(samples[:length], (0, frames * 160 - length))
        expected = extractor(padded, padding=0)[:, :frames]
        np.testing.assert_allclose(
            log_mel(samples[:length], extractor.mel_filters, frames), expected, atol=1e-5
        )


@pytest.mark.parametrize("rows", [0, 1, 7, 300])
def test_a_product_in_blocks_is_the_product(rows: int) -> None:
    rng = np.random.default_rng(rows)
    left, right = (rng.normal(size=shape).astype(np.float32) for shape in ((rows, 201), (201, 80)))
    np.testing.assert_allclose(product(left, right), left @ right, rtol=1e-4, atol=1e-4)


def test_word_times_are_those_of_the_reference(engine: FasterWhisperEngine) -> None:
    starts, ends, edges = [], [], []
    for item in SHORT:
        heard = engine.decode_windows([window(item["file"], language=item["language"])])[0].words
        said = item["words"]
        if len(heard) == len(said):
            starts += [abs(a.start_ms - b["start"] * 1000) for a, b in zip(heard, said, strict=True)]
            ends += [abs(a.end_ms - b["end"] * 1000) for a, b in zip(heard, said, strict=True)]
            edges += [
                abs(heard[0].start_ms - said[0]["start"] * 1000),
                abs(heard[-1].end_ms - said[-1]["end"] * 1000),
            ]
    assert len(starts) > 100
    assert np.median(starts) < 120
    assert np.median(ends) < 140
    assert np.median(edges) < 50


@pytest.mark.parametrize("together_as_on_a_gpu", [False, True])
def test_a_batch_of_all_kinds_gives_what_each_window_gives_alone(
    engine: FasterWhisperEngine, monkeypatch: pytest.MonkeyPatch, together_as_on_a_gpu: bool
) -> None:
    monkeypatch.setattr(engine._encoder, "together", together_as_on_a_gpu)
    batch = [
        window(),
        window(fast=True),
        window(language=None),
        window("es_00.wav", language="es"),
        window("es_00.wav", language=None),
        window("es_01.wav", language="es", task="translate"),
        window(prompt="We were in Madrid."),
        window(prefix="The engineer"),
        window(word_timestamps=False),
        Window(np.zeros(16_000, dtype=np.int16), WindowOptions(language="en")),
        window(),
    ]
    # One group in one language, one with nothing said in a window of it, and one of two languages.
    noise = np.random.default_rng(2).normal(0, 800, len(batch[0].pcm)).astype(np.int16)
    batch += [Window(noise, WindowOptions(language="en")), window("es_00.wav", language="es", fast=True)]
    together = engine.decode_windows(batch)
    alone = [engine.decode_windows([one])[0] for one in batch]
    assert [result.text for result in together] == [result.text for result in alone]
    assert [result.language for result in together] == [result.language for result in alone]
    assert [[word.start_ms for word in result.words] for result in together] == [
        [word.start_ms for word in result.words] for result in alone
    ]


def test_languages_are_told_apart(engine: FasterWhisperEngine) -> None:
    right = sum(
        engine.decode_windows([window(item["file"], language=None)])[0].language == item["language"]
        for item in SHORT
    )
    assert right >= len(SHORT) - 1


@pytest.mark.parametrize("seconds", [1, 4, 12])
def test_noise_is_no_speech(engine: FasterWhisperEngine, seconds: int) -> None:
    noises = [
        np.frombuffer(pcm("noise_20s.wav"), dtype="<i2")[: seconds * 16_000],
        np.random.default_rng(1).normal(0, 1_500, seconds * 16_000).astype(np.int16),
        np.full(seconds * 16_000, 20, dtype=np.int16),
    ]
    for noise in noises:
        for fast in (False, True):
            result = engine.decode_windows([Window(noise, WindowOptions(language="en", fast=fast))])[0]
            assert (result.text, result.words) == ("", [])
            assert result.no_speech_probability > 0.6


def test_a_prefix_is_continued_not_repeated(engine: FasterWhisperEngine) -> None:
    said = SPEECH_TEXT.split()
    for count in range(1, len(said) + 1):
        result = engine.decode_windows([window(prefix=" ".join(said[:count]))])[0]
        assert words(result.text) == words(SPEECH_TEXT)


def test_a_prefix_that_fills_the_window_is_refused(engine: FasterWhisperEngine) -> None:
    with pytest.raises(InvalidInput, match="prefix has"):
        engine.decode_windows([window(prefix="word " * 400)])


def test_the_longest_prompt_leaves_room_for_the_text(engine: FasterWhisperEngine) -> None:
    result = engine.decode_windows(
        [window(prompt="The meeting is on Monday. " * 200, hotwords="Toronto " * 200)]
    )[0]
    assert result.words


def test_a_loop_is_sampled_again_and_the_better_text_kept(engine: FasterWhisperEngine) -> None:
    # Everything counts as a loop or as unsure: all fallbacks run, and the first hypothesis, surest, stays.
    expected = engine.decode_windows([window()])[0].text
    engine.tune(DecodeConfig(temperature_fallbacks=2, log_prob_threshold=0, no_speech_threshold=1))
    try:
        assert engine.decode_windows([window()])[0].text == expected
    finally:
        engine.tune(DecodeConfig())


def test_a_text_that_ends_in_a_loop_is_cut(engine: FasterWhisperEngine) -> None:
    engine.tune(DecodeConfig(max_repeats=2))
    job = engine._prepare(window())
    job.tokens = engine._tokenizer("en", "transcribe").encode(" He said no no no no no no")
    engine._guard(job)
    engine.tune(DecodeConfig())
    assert engine._tokenizer("en", "transcribe").decode(job.tokens) == " He said no no"


def test_what_repeats_and_goes_on_was_said(engine: FasterWhisperEngine) -> None:
    result = engine.decode_windows([window(prefix="no no no no no no")])[0]
    assert words(result.text).startswith("no no no no no no ")


def test_without_detection_an_english_model_hears_english(engine: FasterWhisperEngine) -> None:
    assert "en" in engine.languages
    assert "es" in engine.languages
    assert engine.model == "whisper-micro"
