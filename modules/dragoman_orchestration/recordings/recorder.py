"""The recording of one session, as its audio worker writes it.

What the worker commits is written before: a successor hears the audio from the checkpoint on only. Nothing
is synced to the platter, so a recording outlives any process, not the machine's power. Trouble with the disk
ends the recording, never the session.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from loguru import logger

from dragoman_orchestration.recordings.disk_threads import DiskThreads
from dragoman_orchestration.recordings.folder import SAMPLE_BYTES, RecordingFolder, failure_of
from dragoman_orchestration.session.recording import COMPLETE, RecordingFailure, RecordingStatus, failed
from dragoman_orchestration.streaming.window import Pcm

T = TypeVar("T")

WRITE_INTERVAL_S = 0.25
"""How long audio waits for more, so that one write takes several frames."""
WRITE_BYTES = 262_144
"""What waits is written at once from this size on."""
FULL_BYTES = 1_048_576
"""Of what waits: the session is read no further until it is written."""


class Recorder:
    """Takes a session's samples and writes them off the event loop.

    Args:
        session_id: the session, whose file is there.
        folder: None where this worker has none: then the recording has failed.
        disk: does what may block.

    """

    def __init__(self, session_id: str, folder: RecordingFolder | None, disk: DiskThreads) -> None:
        self._session_id = session_id
        self._folder = folder
        self._disk = disk
        self._waiting: list[tuple[int, Pcm]] = []
        self._waiting_bytes = 0
        self._waiting_since = 0.0
        self._writing: asyncio.Task[None] | None = None
        self._writing_from = 0
        self.failure = None if folder is not None else RecordingFailure.NOT_KEPT_HERE

    @property
    def is_full(self) -> bool:
        """Whether no more is to be taken until some of it is written."""
        return self._waiting_bytes >= FULL_BYTES

    def hear(self, at_sample: int, samples: Pcm) -> None:
        """Take samples that begin at a sample of the session."""
        if self.failure is not None:
            return
        if not self._waiting:
            self._waiting_since = time.monotonic()
        self._waiting.append((at_sample * SAMPLE_BYTES, samples))
        self._waiting_bytes += len(samples) * SAMPLE_BYTES

    def pump(self, now: float) -> None:
        """Begin to write if it is time; never waits."""
        waited = now - self._waiting_since >= WRITE_INTERVAL_S
        if self._waiting and self._writing is None and (waited or self._waiting_bytes >= WRITE_BYTES):
            self._begin()

    async def wrote_before(self, sample: Callable[[], int]) -> None:
        """Wait until all that was taken before this sample is written; it may move on meanwhile."""
        while (first := self._first_unwritten()) is not None and first < sample() * SAMPLE_BYTES:
            await asyncio.shield(self._writing or self._begin())

    async def finish(self, samples: int) -> RecordingStatus:
        """Write the rest of a session of so many samples; how the recording is now."""
        await self.wrote_before(lambda: samples + 1)
        if self._folder is not None and self.failure is None:
            await self._do(partial(self._folder.extend, self._session_id, samples * SAMPLE_BYTES))
        return failed(self.failure) if self.failure is not None else COMPLETE

    def drop(self) -> None:
        """The recording is not wanted any more, or goes on elsewhere: forget what waits."""
        self._waiting, self._waiting_bytes = [], 0

    def _first_unwritten(self) -> int | None:
        """The first byte that was taken and is not written; None if there is none."""
        if self._writing is not None:
            return self._writing_from
        return self._waiting[0][0] if self._waiting else None

    def _begin(self) -> asyncio.Task[None]:
        pieces, self._waiting, self._waiting_bytes = self._waiting, [], 0
        self._writing_from = pieces[0][0]
        self._writing = asyncio.create_task(self._write(pieces))
        return self._writing

    async def _write(self, pieces: list[tuple[int, Pcm]]) -> None:
        try:
            if self._folder is not None and self.failure is None:
                await self._do(partial(_write, self._folder, self._session_id, pieces))
        finally:
            self._writing = None

    async def _do(self, work: Callable[[], None]) -> None:
        try:
            await self._disk.run(work)
        except OSError as error:
            self._fail(failure_of(error))
        except Exception:
            logger.bind(session_id=self._session_id).exception(
                "session {} cannot be recorded", self._session_id
            )
            self._fail(RecordingFailure.IO_ERROR)

    def _fail(self, reason: RecordingFailure) -> None:
        self.failure = reason
        self.drop()


def _write(folder: RecordingFolder, session_id: str, pieces: list[tuple[int, Pcm]]) -> None:
    """In the disk's thread: each run of pieces without a gap is one write."""
    runs: list[tuple[int, bytearray]] = []
    for offset, samples in pieces:
        if not runs or runs[-1][0] + len(runs[-1][1]) != offset:
            runs.append((offset, bytearray()))
        runs[-1][1].extend(samples.astype("<i2", copy=False).tobytes())
    folder.write(session_id, runs)
