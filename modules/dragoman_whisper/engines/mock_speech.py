"""A speech of tones: numbers that can be spoken, and heard again from any window of the audio.

A word is 16 bits: four tones of 60 ms, one of sixteen each, then 60 ms of silence (multiple frequency
shift keying). The tones lie 200 Hz apart and every analysis frame lasts 10 ms, so that all tones are
orthogonal in any frame whatever its phase: a window may begin anywhere, and a number survives
resampling to 8 kHz, 16-bit rounding and noise 10 dB below the tones.

A burst that has lost or doubled 20 ms or more does not last 240 ms any more and is heard as another
number; a burst that is cut by the edge of the window is not heard at all. Audio that is no burst gives
words too, the same ones each time; silence and white noise give none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman_contracts.audio import MODEL_RATE_HZ
from dragoman_whisper.engines.one_thread import product

WORD_MS = 300
BURST_MS = 240
SYMBOL_MS = 60
AMPLITUDE = 0.3

_SYMBOLS = BURST_MS // SYMBOL_MS
_TONES_HZ = 400 + 200 * np.arange(16)
_RAMP_MS = 2

_FRAME_MS = 10
_FRAME = MODEL_RATE_HZ * _FRAME_MS // 1000
_BURST_FRAMES = BURST_MS / _FRAME_MS
_WORD_FRAMES = WORD_MS // _FRAME_MS
_SYMBOL_FRAMES = SYMBOL_MS // _FRAME_MS
_TOLERANCE_FRAMES = 0.9  # less than what the loss of 20 ms takes away
_SHORTEST_FRAMES = 2

_MIN_FRAME_ENERGY = _FRAME * 1e-3**2  # -60 dBFS
_MIN_TONALITY = 0.16  # a tone holds 1.0 of its frame's energy, 0.25 between two symbols; white noise 0.04

_SYMBOL_MIDDLES = np.array([_SYMBOL_FRAMES * symbol + 1 + n for symbol in range(_SYMBOLS) for n in range(4)])

_phase = 2 * np.pi * np.outer(np.arange(_FRAME), _TONES_HZ) / MODEL_RATE_HZ
_BASIS = np.hstack([np.cos(_phase), np.sin(_phase)]).astype(np.float32)


class HeardWord(NamedTuple):
    """A number and when it was heard, in ms from the window's start."""

    number: int
    start_ms: int
    end_ms: int


def speak(numbers: Sequence[int], rate_hz: int = MODEL_RATE_HZ) -> NDArray[np.float32]:
    """Audio that says ``numbers`` (0–65,535 each), mono float32, 300 ms a word.

    Raises:
        ValueError: a number has more than 16 bits, or the rate cannot carry the tones.

    """
    if rate_hz < 8_000:
        raise ValueError(f"rate_hz is {rate_hz}; the tones need at least 8000")
    if any(not 0 <= number <= 0xFFFF for number in numbers):
        raise ValueError("a number must be between 0 and 65535")
    values = np.asarray(numbers, dtype=np.int64)
    shifts = 4 * np.arange(_SYMBOLS - 1, -1, -1)
    tones = _TONES_HZ[(values[:, None] >> shifts) & 15]
    word = rate_hz * WORD_MS // 1000
    time_s = np.arange(rate_hz * BURST_MS // 1000) / rate_hz
    symbol = np.minimum((time_s * (1000 / SYMBOL_MS)).astype(np.int64), _SYMBOLS - 1)
    ramp = np.minimum(1.0, np.minimum(time_s, time_s[::-1]) * (1000 / _RAMP_MS))
    audio = np.zeros((len(values), word), dtype=np.float32)
    audio[:, : len(time_s)] = AMPLITUDE * ramp * np.sin(2 * np.pi * tones[:, symbol] * time_s)
    return audio.reshape(-1)


def listen(samples: NDArray[np.float32]) -> list[HeardWord]:
    """The words in 16 kHz mono audio; the same audio always gives the same words."""
    count = len(samples) // _FRAME
    if count < _SHORTEST_FRAMES:
        return []
    frames = samples[: count * _FRAME].reshape(count, _FRAME)
    energy = np.einsum("ij,ij->i", frames, frames)
    if not (energy > _MIN_FRAME_ENERGY).any():
        return []
    parts = product(frames, _BASIS)
    parts *= parts
    power = parts[:, :16] + parts[:, 16:]
    tonality = _loudest(power) * (2 / _FRAME)
    active = (energy > _MIN_FRAME_ENERGY) & (tonality > _MIN_TONALITY * energy)
    pieces = [piece for start, end in _runs(active) for piece in _pieces(start, end, energy)]
    return [_word(piece, tones) for piece, tones in zip(pieces, _tones(pieces, power), strict=True)]


def _loudest(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """``power.max(axis=1)`` of 16 columns; halving is four times as fast as NumPy's short reductions."""
    while power.shape[1] > 1:
        half = power.shape[1] // 2
        power = np.maximum(power[:, :half], power[:, half:])
    return power[:, 0]


class _Piece(NamedTuple):
    """A stretch of tones that is one word; in frames, ``first`` and ``length`` with fractions."""

    first: float
    length: float
    is_burst: bool


def _runs(active: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Beginnings and ends of the stretches of active frames."""
    padded = np.zeros(len(active) + 2, dtype=np.int8)
    padded[1:-1] = active
    edges = np.flatnonzero(np.diff(padded)).tolist()
    runs = zip(edges[::2], edges[1::2], strict=True)
    return [(start, end) for start, end in runs if end - start >= _SHORTEST_FRAMES]


def _pieces(start: int, end: int, energy: NDArray[np.float32]) -> list[_Piece]:
    """The words of one stretch: one if it is a burst, else one for each 300 ms of it."""
    pieces = []
    for begin in range(start, end, _WORD_FRAMES):
        stop = min(begin + _WORD_FRAMES, end)
        if stop - begin < _SHORTEST_FRAMES:
            break
        first, length = _measure(begin, stop, energy)
        is_burst = abs(length - _BURST_FRAMES) <= _TOLERANCE_FRAMES
        touches_edge = begin == 0 or stop == len(energy)
        if is_burst or length > _BURST_FRAMES or not touches_edge:
            pieces.append(_Piece(first, length, is_burst))
    return pieces


def _measure(start: int, stop: int, energy: NDArray[np.float32]) -> tuple[float, float]:
    """Where a stretch begins and how long it lasts, in frames; the energy of its edges tells fractions."""
    inner = energy[start:stop].tolist()
    full = sorted(inner)[len(inner) // 2]
    head, tail = min(1.0, inner[0] / full), min(1.0, inner[-1] / full)
    return start + 1 - head, len(inner) - 2 + head + tail


def _tones(pieces: list[_Piece], power: NDArray[np.float32]) -> list[list[int]]:
    """The loudest tone of each symbol of each piece, from the four frames in the symbol's middle."""
    if not pieces:
        return []
    first = np.array([round(piece.first) for piece in pieces])
    frames = np.minimum(first[:, None] + _SYMBOL_MIDDLES, len(power) - 1)
    heard: list[list[int]] = (
        power[frames].reshape(len(pieces), _SYMBOLS, 4, 16).sum(axis=2).argmax(axis=2).tolist()
    )
    return heard


def _word(piece: _Piece, tones: list[int]) -> HeardWord:
    number = 0
    for tone in tones:
        number = number << 4 | tone
    if not piece.is_burst:
        number = (number ^ (round(piece.length) * 0x9E37)) & 0xFFFF
    start_ms, end_ms = piece.first * _FRAME_MS, (piece.first + piece.length) * _FRAME_MS
    return HeardWord(number, max(0, round(start_ms)), round(end_ms))
