"""Audio between the driver and the session: a bounded queue that measures what passes."""

from __future__ import annotations

import asyncio
import sys
from array import array
from collections import deque
from collections.abc import AsyncIterator, Callable

from loguru import logger

from dragoman_bots.drivers.base import AUDIO

QUEUE_S = 60
"""Audio that waits while the session cannot be reached; after that the oldest is lost."""
FULL_SCALE = 32_768
KEEP_ALIVE_S = 60.0
KEEP_ALIVE = bytes(AUDIO.bytes_per_second // 10)
"""100 ms of silence. A session without any audio is taken for forgotten, and a meeting in which nobody has
opened a microphone yet gives none. It counts as no captured audio.
"""


def peak_of(pcm: bytes) -> float:
    """The loudest sample of pcm_s16le in [0, 1]."""
    samples = array("h", pcm[: len(pcm) // 2 * 2])
    if sys.byteorder == "big":
        samples.byteswap()
    if not samples:
        return 0.0
    loudest = max(samples)
    return max(loudest, -min(samples)) / FULL_SCALE


class Captured:
    """The runner's sink: fed by the driver, emptied into the session.

    Args:
        clock: Seconds, monotonic.
        silence_dbfs: Below this peak level audio counts as silence.

    """

    def __init__(self, clock: Callable[[], float], silence_dbfs: float) -> None:
        self.lost_ms = 0
        self.total_ms = 0
        self._clock = clock
        self._silence = 10 ** (silence_dbfs / 20)
        self._peak = 0.0
        self._heard_at = clock()
        self._fed_at = clock()
        self._chunks: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._total_bytes = 0
        self._closed = False
        self._changed = asyncio.Event()

    def feed(self, pcm: bytes) -> None:
        """Take whole samples as they are captured; never blocks."""
        if self._closed or not pcm:
            return
        self._fed_at = self._clock()
        peak = peak_of(pcm)
        self._peak = max(self._peak, peak)
        if peak >= self._silence:
            self._heard_at = self._clock()
        self._total_bytes += len(pcm)
        self.total_ms = AUDIO.duration_ms(self._total_bytes)
        self._put(pcm)

    def keep_alive(self) -> None:
        """Let the session know that somebody is there, where nothing has been captured for a while."""
        if not self._closed and self._clock() - self._fed_at >= KEEP_ALIVE_S:
            self._fed_at = self._clock()
            self._put(KEEP_ALIVE)

    def _put(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self._waiting_bytes += len(chunk)
        while self._waiting_bytes > QUEUE_S * AUDIO.bytes_per_second:
            self._lose(self._chunks.popleft())
        self._changed.set()

    def close(self) -> None:
        """No more audio: ``chunks`` ends after what waits."""
        self._closed = True
        self._changed.set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The audio in order, until ``close``."""
        while True:
            while self._chunks:
                chunk = self._chunks.popleft()
                self._waiting_bytes -= len(chunk)
                yield chunk
            if self._closed:
                return
            self._changed.clear()
            await self._changed.wait()

    @property
    def silent_s(self) -> float:
        """For how long nothing louder than silence came, be it silence or nothing at all."""
        return self._clock() - self._heard_at

    def listen_anew(self) -> None:
        """Silence counts from now: it has just come in."""
        self._heard_at = self._clock()

    def take_peak(self) -> float:
        """The loudest sample since it was last asked, in [0, 1]."""
        peak, self._peak = self._peak, 0.0
        return peak

    def _lose(self, chunk: bytes) -> None:
        self._waiting_bytes -= len(chunk)
        if not self.lost_ms:
            logger.warning("the session takes no audio; the oldest of {} s is lost", QUEUE_S)
        self.lost_ms += AUDIO.duration_ms(len(chunk))
