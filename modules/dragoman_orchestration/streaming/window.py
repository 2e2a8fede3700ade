"""The audio that is not final yet: one growing window a session."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dragoman_contracts.audio import MODEL_RATE_HZ

Pcm = NDArray[np.int16]
"""Mono samples at 16 kHz, signed 16 bit: half the memory of floats, and what the recogniser is sent."""
SAMPLES_PER_MS = MODEL_RATE_HZ // 1000
_LEAST_SAMPLES = MODEL_RATE_HZ // 2


class AudioBuffer:
    """Pcm at 16 kHz from ``start_ms`` on; grows at the end, is dropped at the front.

    Storage doubles when full and is compacted when the dropped front is larger than the rest, so both ends
    cost amortised O(samples) and memory stays within twice what is pending.
    """

    def __init__(self, start_ms: int = 0) -> None:
        self.start_ms = start_ms
        self._data = np.empty(_LEAST_SAMPLES, dtype=np.int16)
        self._begin = self._end = 0

    @property
    def end_ms(self) -> int:
        """Session time of the last whole millisecond held."""
        return self.start_ms + (self._end - self._begin) // SAMPLES_PER_MS

    @property
    def sample_count(self) -> int:
        """Pcm held."""
        return self._end - self._begin

    def append(self, samples: Pcm) -> None:
        """Add samples at the end."""
        if self._end + len(samples) > len(self._data):
            self._make_room(len(samples))
        self._data[self._end : self._end + len(samples)] = samples
        self._end += len(samples)

    def _make_room(self, more: int) -> None:
        held = self._data[self._begin : self._end]
        # Room for half as much again, or the next frame would copy all of it once more.
        size = max(_LEAST_SAMPLES, (len(held) + more) * 3 // 2)
        data = np.empty(size, dtype=np.int16)
        data[: len(held)] = held
        self._data, self._begin, self._end = data, 0, len(held)

    def skip(self, samples: int) -> None:
        """Move on by samples that never came.

        Raises:
            ValueError: a whole millisecond is still held.

        """
        total = self.sample_count + samples
        if self.sample_count >= SAMPLES_PER_MS:
            raise ValueError("audio that is pending cannot be skipped")
        self.start_ms += total // SAMPLES_PER_MS
        self._begin, self._end = 0, total % SAMPLES_PER_MS
        self._data[: self._end] = 0

    def drop_before(self, time_ms: int) -> None:
        """Forget what lies before ``time_ms``."""
        count = min(max(0, time_ms - self.start_ms) * SAMPLES_PER_MS, self.sample_count)
        self._begin += count
        self.start_ms += count // SAMPLES_PER_MS

    def slice(self, start_ms: int, end_ms: int) -> Pcm:
        """The samples from ``start_ms`` to ``end_ms``, as far as they are held (a view)."""
        first = self._begin + max(0, start_ms - self.start_ms) * SAMPLES_PER_MS
        last = min(self._begin + max(0, end_ms - self.start_ms) * SAMPLES_PER_MS, self._end)
        return self._data[first : max(first, last)]

    def quietest_ms(self, start_ms: int, end_ms: int, *, width_ms: int = 120) -> int:
        """The quietest 10 ms within the quietest ``width_ms`` between two times: where a cut hurts least."""
        samples = self.slice(start_ms, end_ms)
        hop = 10 * SAMPLES_PER_MS
        blocks = len(samples) // hop
        width = width_ms // 10
        if blocks <= width:
            return (start_ms + end_ms) // 2
        energy = np.square(samples[: blocks * hop].reshape(blocks, hop), dtype=np.float32).sum(axis=1)
        smooth = np.convolve(energy, np.ones(width, dtype=np.float32), mode="valid")
        pause = int(np.argmin(smooth))
        return start_ms + (pause + int(np.argmin(energy[pause : pause + width]))) * 10 + 5
