"""Any recording as the samples that the API takes: pcm_s16le at 16 kHz, mono, in small chunks.

Decoding runs in a thread of its own (a live stream on standard input blocks while it waits), a short queue
ahead of whoever sends.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.audio.resampler import AudioResampler

from dragoman_contracts.audio import AudioFormat
from dragoman_contracts.errors import InvalidInput, NotFound, UnsupportedAudio
from dragoman_orchestration.cli.live_input import open_standard_input

AUDIO = AudioFormat()
"""What the chunks are: pcm_s16le, 16 kHz, mono."""
CHUNK_MS = 40
CHUNK_BYTES = AUDIO.bytes_per_second * CHUNK_MS // 1000
QUEUE_CHUNKS = 250
STANDARD_INPUT = "-"


class Media:
    """A file or standard input, to be read once with ``chunks``."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.duration_ms: int | None = None
        """Length as the container tells it; None if it does not."""
        self.broken_after_ms: int | None = None
        """Set at the end if the data broke off or could not be decoded to its end."""
        self._stopped = threading.Event()
        self._queue: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue(QUEUE_CHUNKS)
        self._stopping: asyncio.Task[None] | None = None

    @property
    def is_live(self) -> bool:
        """Whether it comes as it is spoken and ends when somebody says so."""
        return self.source == STANDARD_INPUT

    def stop(self) -> None:
        """End ``chunks`` after what has been decoded, as if the stream had ended there."""
        if self._stopping is None:
            self._stopped.set()
            self._stopping = asyncio.ensure_future(self._queue.put(None))

    @property
    def name(self) -> str:
        """How to call it before people."""
        return "standard input" if self.is_live else Path(self.source).name

    def probe(self) -> None:
        """Open a file to learn its length, so that what is no audio is told before anything starts.

        Raises:
            NotFound: there is no such file.
            InvalidInput: it is a folder or empty.
            UnsupportedAudio: there is no audio in it.

        """
        if self.is_live:
            return
        with _opened(self.source) as container:
            if container.duration is not None:
                self.duration_ms = int(container.duration / 1000)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Samples in chunks of 40 ms, the last one shorter.

        Raises:
            DragomanError: as ``probe``.

        """
        loop = asyncio.get_running_loop()
        queue = self._queue

        def give(item: bytes | BaseException | None) -> None:
            # Blocks the thread while the queue is full; a loop that has gone ends it.
            asyncio.run_coroutine_threadsafe(queue.put(item), loop).result()

        def work() -> None:
            try:
                for chunk in self._decode():
                    if self._stopped.is_set():
                        return
                    give(chunk)
                give(None)
            except BaseException as error:
                if not self._stopped.is_set() and not loop.is_closed():
                    give(error)

        # A daemon: a read from a silent pipe cannot be interrupted, and must not keep the process alive.
        threading.Thread(target=work, name="decode", daemon=True).start()
        try:
            while (item := await queue.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self._stopped.set()
            while not queue.empty():
                queue.get_nowait()

    def _decode(self) -> Iterator[bytes]:
        decoded_bytes = 0
        waiting = bytearray()
        with _opened(self.source) as container:
            resampler = AudioResampler(format="s16", layout="mono", rate=AUDIO.sample_rate_hz)
            try:
                for frame in container.decode(audio=0):
                    for piece in resampler.resample(frame):
                        waiting += bytes(piece.planes[0])[: piece.samples * AUDIO.frame_bytes]
                    whole = len(waiting) // CHUNK_BYTES * CHUNK_BYTES
                    for start in range(0, whole, CHUNK_BYTES):
                        yield bytes(waiting[start : start + CHUNK_BYTES])
                    del waiting[:whole]
                    decoded_bytes += whole
                for piece in resampler.resample(None):
                    waiting += bytes(piece.planes[0])[: piece.samples * AUDIO.frame_bytes]
            except av.error.FFmpegError:
                # What could be decoded is transcribed; the caller tells where it broke off.
                self.broken_after_ms = AUDIO.duration_ms(decoded_bytes + len(waiting))
            for start in range(0, len(waiting), CHUNK_BYTES):
                yield bytes(waiting[start : start + CHUNK_BYTES])


@contextmanager
def _opened(source: str) -> Iterator[Any]:
    """An opened container with an audio stream; what fails is told in the contract's errors."""
    name = "standard input" if source == STANDARD_INPUT else source
    try:
        if source == STANDARD_INPUT:
            live = open_standard_input()
            container = av.open(live.stream, mode="r", format=live.format, options=live.options)
        else:
            _check_file(Path(source))
            container = av.open(source, mode="r")
    except (av.error.FFmpegError, OSError) as error:
        raise UnsupportedAudio(
            f"{name} is no audio that can be read",
            remedy="Give any audio or video file: wav, flac, mp3, m4a, webm, …",
        ) from error
    try:
        if not container.streams.audio:
            raise UnsupportedAudio(f"there is no audio in {name}", remedy="Give a file with an audio track.")
        yield container
    finally:
        container.close()


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise InvalidInput(f"{path} is a folder", remedy="Give a single audio file.")
    if not path.exists():
        raise NotFound(f"there is no file {path}", remedy="Check the path, or give - for standard input.")
    if not path.is_fifo() and path.stat().st_size == 0:
        raise InvalidInput(f"{path} is empty", remedy="Give a file with audio in it.")


@dataclass(slots=True)
class Pace:
    """Gives chunks as fast as they would be spoken, times ``speed``; ``started_at_s`` is the loop's clock."""

    speed: float = 1.0
    started_at_s: float = 0.0
    sent_ms: float = 0.0

    async def apply(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Give each chunk at the moment its last sample would have been recorded."""
        loop = asyncio.get_running_loop()
        self.started_at_s = loop.time()
        sent_bytes = 0
        async for chunk in chunks:
            sent_bytes += len(chunk)
            due_s = self.started_at_s + sent_bytes / AUDIO.bytes_per_second / self.speed
            if (wait_s := due_s - loop.time()) > 0:
                await asyncio.sleep(wait_s)
            yield chunk
            self.sent_ms = sent_bytes * 1000 / AUDIO.bytes_per_second

    def delay_ms(self, audio_ms: float, now_s: float) -> float:
        """How long after a moment of the recording was spoken ``now_s`` is, in wall-clock ms."""
        return (now_s - self.started_at_s) * 1000 - audio_ms / self.speed
