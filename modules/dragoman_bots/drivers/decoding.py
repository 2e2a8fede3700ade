"""Decoding in a thread: PyAV blocks, and a source may block for ever."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from typing import Any

import av
from av.audio.resampler import AudioResampler

from dragoman_bots.drivers.base import AUDIO, CaptureFailed
from dragoman_bots.drivers.media_failures import failure_of, no_such_protocol
from dragoman_bots.drivers.source import Source

CHUNK_MS = 40
CHUNK_BYTES = AUDIO.bytes_per_second * CHUNK_MS // 1000
QUEUE_CHUNKS = 250
WATCHDOG_MARGIN_S = 5.0
"""PyAV interrupts what takes too long; what it cannot interrupt (a name server) is given up a bit later."""
BROKEN_PACKETS_MAX = 200
"""In a row; a few are usual on a live stream."""
FASTER_THAN_SPOKEN = 1.5
END_TOLERANCE_MS = 2_000


@dataclass(frozen=True, slots=True)
class End:
    """How a source ended: for good, or so that it may come back.

    ``was_clean``: it did not break off. ``is_recording``: opened again, it begins at its beginning.
    """

    is_final: bool
    was_clean: bool
    is_recording: bool


class Decoding:
    """One opening of a source.

    Args:
        source: What to open.
        open_timeout_s: Seconds until it must be open.
        read_timeout_s: Seconds without data until it counts as stalled.
        skip_ms: Where to begin in a recording: what came before was heard already.
        is_recording: Whether it is known to be one; else only a source that tells its length is, and a live
            one begins now.

    """

    def __init__(
        self,
        source: Source,
        *,
        open_timeout_s: float,
        read_timeout_s: float,
        skip_ms: int = 0,
        is_recording: bool = False,
    ) -> None:
        self.duration_ms: int | None = None
        """Length as the container tells it; None for a live stream, or if it does not."""
        self.end = End(is_final=False, was_clean=False, is_recording=False)
        self._source = source
        self._timeouts_s = (open_timeout_s, read_timeout_s)
        self._skip_ms = skip_ms
        self._is_recording = is_recording
        self._stopped = threading.Event()
        self._queue: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue(QUEUE_CHUNKS)
        self._decoded_bytes = 0
        self._opened_at = 0.0

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Samples of ``AUDIO`` in chunks of 40 ms, the last one shorter; ``end`` tells how it ended.

        Raises:
            DriverFailed: it cannot be opened, or gives no audio. Once it gave any, ``end`` tells.

        """
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._work, args=(loop,), name="decode", daemon=True).start()
        limit_s = self._timeouts_s[0] + WATCHDOG_MARGIN_S
        try:
            while True:
                try:
                    async with asyncio.timeout(limit_s):
                        item = await self._queue.get()
                except TimeoutError:
                    if self._decoded_bytes:
                        return
                    raise failure_of(TimeoutError()) from None
                if item is None:
                    return
                if isinstance(item, BaseException):
                    raise item
                limit_s = self._timeouts_s[1] + WATCHDOG_MARGIN_S
                yield item
        finally:
            self._stopped.set()
            while not self._queue.empty():
                self._queue.get_nowait()

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        def give(item: bytes | BaseException | None) -> None:
            if self._stopped.is_set() or loop.is_closed():
                raise _Abandoned
            asyncio.run_coroutine_threadsafe(self._queue.put(item), loop).result()

        with contextlib.suppress(_Abandoned, RuntimeError):  # the loop ended meanwhile
            try:
                for chunk in self._decode():
                    give(chunk)
                give(None)
            except _Abandoned:
                raise
            except BaseException as error:
                give(error)

    def _decode(self) -> Iterator[bytes]:
        with self._opened() as container:
            waiting = bytearray()
            failure: Exception | None = None
            try:
                for samples in self._samples(container):
                    waiting += samples
                    whole = len(waiting) // CHUNK_BYTES * CHUNK_BYTES
                    for start in range(0, whole, CHUNK_BYTES):
                        self._decoded_bytes += CHUNK_BYTES
                        yield bytes(waiting[start : start + CHUNK_BYTES])
                    del waiting[:whole]
            except (av.error.FFmpegError, OSError) as error:
                failure = error
            self._decoded_bytes += len(waiting)
            self.end = self._judge(container.format.name, failure)
            if not self._decoded_bytes and failure is not None and not self.end.is_final:
                raise failure_of(failure) from failure
            if waiting:
                yield bytes(waiting)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Any]:
        self._opened_at = time.monotonic()
        try:
            container = av.open(
                self._source.url,
                options=dict(self._source.options),
                timeout=self._timeouts_s,
                metadata_errors="replace",
            )
        except av.error.ProtocolNotFoundError:
            raise no_such_protocol(self._source.protocol) from None
        except (av.error.FFmpegError, OSError, ValueError) as error:
            # The library's own text holds the URL.
            raise failure_of(error) from None
        try:
            if not container.streams.audio:
                raise CaptureFailed("no_audio_stream", "there is no audio in this source")
            if container.duration is not None:
                self.duration_ms = int(container.duration / 1000)
                self.end = End(is_final=False, was_clean=False, is_recording=True)
            elif not self._is_recording:
                self._skip_ms = 0
            yield container
        finally:
            container.close()

    def _samples(self, container: Any) -> Iterator[bytes]:
        resampler = AudioResampler(format="s16", layout="mono", rate=AUDIO.sample_rate_hz)
        for frame in self._frames(container):
            for piece in resampler.resample(frame):
                yield bytes(piece.planes[0])[: piece.samples * AUDIO.frame_bytes]
        for piece in resampler.resample(None):
            yield bytes(piece.planes[0])[: piece.samples * AUDIO.frame_bytes]

    def _frames(self, container: Any) -> Iterator[Any]:
        """Frames from ``skip_ms`` on; a packet that cannot be decoded is passed over."""
        stream = container.streams.audio[0]
        begin_s = float((stream.start_time or 0) * stream.time_base) if stream.time_base else 0.0
        if self._skip_ms and self.duration_ms is not None:
            with contextlib.suppress(av.error.FFmpegError):  # then all is decoded again, and passed over
                container.seek(int((begin_s + self._skip_ms / 1000) * av.time_base), any_frame=False)
        broken, heard_s = 0, 0.0
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
                broken = 0
            except av.error.InvalidDataError:
                broken += 1
                if broken > BROKEN_PACKETS_MAX:
                    raise
                continue
            for frame in frames:
                length_s = frame.samples / frame.sample_rate
                at_s = heard_s if frame.time is None else frame.time - begin_s
                heard_s = at_s + length_s
                if heard_s * 1000 > self._skip_ms:
                    yield frame

    def _judge(self, format_name: str, failure: Exception | None) -> End:
        """Whether a source that gave its last sample is over, or was lost."""
        clean = failure is None or isinstance(failure, av.error.EOFError)
        position_ms = self._skip_ms + AUDIO.duration_ms(self._decoded_bytes)
        if self.duration_ms is not None:
            # A file that breaks off seems to end; lengths are estimates: what gives no more is over.
            nothing_more = clean and not self._decoded_bytes
            reached = nothing_more or position_ms >= self.duration_ms - END_TOLERANCE_MS
            return End(is_final=reached, was_clean=clean, is_recording=True)
        if "hls" in format_name or self._source.protocol == "file":
            return End(is_final=clean, was_clean=clean, is_recording=False)
        if not self._source.is_http:
            return End(is_final=False, was_clean=clean, is_recording=False)
        # FFmpeg calls it an input/output error when a stream without a length is closed.
        clean = clean or getattr(failure, "errno", None) == 5
        # What came no faster than it was spoken is live, and a live stream that closes may come back.
        lasted_ms = (time.monotonic() - self._opened_at) * 1000
        decoded_ms = AUDIO.duration_ms(self._decoded_bytes)
        came_at_once = decoded_ms > FASTER_THAN_SPOKEN * lasted_ms or decoded_ms > lasted_ms + 5_000
        return End(is_final=clean and came_at_once, was_clean=clean, is_recording=came_at_once)


class _Abandoned(Exception):
    """Nobody wants the rest."""
