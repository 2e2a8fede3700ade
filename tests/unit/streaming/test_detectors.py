"""Detectors: loud is speech to one, speech is speech to the other; pieces give what the whole gives."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from dragoman_orchestration.streaming.detectors import (
    CHUNK_SAMPLES,
    EnergyDetector,
    SileroDetector,
    load_silero,
)

AUDIO = Path(__file__).parents[2] / "fixtures" / "audio"


def chunks_of(name: str, limit: int = 400) -> np.ndarray:
    with wave.open(str(AUDIO / name)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2") / np.float32(32768)
    count = min(limit, len(samples) // CHUNK_SAMPLES)
    return samples[: count * CHUNK_SAMPLES].astype(np.float32).reshape(count, CHUNK_SAMPLES)


def test_energy_hears_what_is_loud():
    tone = np.sin(np.arange(CHUNK_SAMPLES) / 5, dtype=np.float32).reshape(1, -1)
    detect = EnergyDetector(-45.0)
    assert detect(np.concatenate([tone * 0.1, tone * 0.001, tone * 0])).tolist() == [1.0, 0.0, 0.0]


@pytest.fixture(scope="module")
def silero():
    return load_silero()


def test_silero_hears_speech_and_not_noise(silero):
    speech = SileroDetector(silero)(chunks_of("meeting_en_two_voices.wav"))
    assert 0.3 < (speech > 0.5).mean() < 1.0
    assert (SileroDetector(silero)(chunks_of("noise_20s.wav")) > 0.5).mean() < 0.02


@pytest.mark.parametrize("piece", [1, 3, 7])
def test_silero_in_pieces_is_silero_at_once(silero, piece):
    chunks = chunks_of("en_seen_00.wav")
    at_once = SileroDetector(silero)(chunks)
    detector = SileroDetector(silero)
    pieces = [detector(chunks[start : start + piece]) for start in range(0, len(chunks), piece)]
    assert np.allclose(np.concatenate(pieces), at_once, atol=1e-4)
