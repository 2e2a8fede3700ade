"""The recordings as the API sees them: made, looked at, read and deleted, all in threads of their own."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TypeVar

from dragoman_contracts.errors import InvalidInput, Unavailable
from dragoman_orchestration.recordings.disk_threads import DiskThreads
from dragoman_orchestration.recordings.folder import RecordingFile, RecordingFolder, failure_of
from dragoman_orchestration.recordings.settings import RecordingSettings
from dragoman_orchestration.recordings.wav import HEADER_BYTES, wav_header

T = TypeVar("T")

CHUNK_BYTES = 262_144
THREADS = 4


class RecordingsNotKept(InvalidInput):
    """No folder for recordings is set."""

    code = "recordings_not_kept"
    default_remedy = (
        "Leave `record` out, or set DRAGOMAN_RECORDINGS_DIR to one folder for the API and the audio workers."
    )


class RecordingsUnavailable(Unavailable):
    """The folder of the recordings cannot be used."""

    code = "recordings_unavailable"
    default_remedy = (
        "Check that DRAGOMAN_RECORDINGS_DIR can be written by this user and that its disk has room."
    )


class RecordingArchive:
    """All recordings of this installation; empty where no folder is set."""

    def __init__(self, settings: RecordingSettings) -> None:
        self._folder = RecordingFolder(Path(settings.dir)) if settings.dir else None
        self._disk = DiskThreads(THREADS)

    async def begin(self) -> str:
        """Make an empty recording; the id for the session that it is of.

        Raises:
            RecordingsNotKept: no folder is set.
            RecordingsUnavailable: no file can be made in it.

        """
        if self._folder is None:
            raise RecordingsNotKept("recordings are not kept here")
        session_id = uuid.uuid4().hex
        await self._run("made", partial(self._folder.create, session_id))
        return session_id

    async def find(self, session_ids: Iterable[str]) -> dict[str, RecordingFile]:
        """Those that are on the disk, as they are now.

        Raises:
            RecordingsUnavailable: the disk cannot be read.

        """
        wanted = list(session_ids)
        if self._folder is None or not wanted:
            return {}
        found = await self._run("read", partial(_find_all, self._folder, wanted))
        return {file.session_id: file for file in found if file is not None}

    async def remove(self, session_id: str) -> None:
        """Delete a recording, if there is one.

        Raises:
            RecordingsUnavailable: it cannot be deleted.

        """
        if self._folder is not None:
            await self._run("deleted", partial(self._folder.remove, session_id))

    async def read_wav(self, file: RecordingFile, first: int, last: int) -> AsyncIterator[bytes]:
        """Bytes ``first`` to ``last`` of the WAV file that a recording was when ``file`` was looked at.

        Raises:
            OSError: it cannot be read, or was deleted meanwhile.

        """
        if self._folder is None:
            return
        if first < HEADER_BYTES:
            yield wav_header(file.size)[first : last + 1]
        at, end = max(0, first - HEADER_BYTES), last + 1 - HEADER_BYTES
        if at >= end:
            return
        descriptor = await self._disk.run(partial(self._folder.open, file.session_id))
        try:
            while at < end:
                piece = partial(os.pread, descriptor, min(CHUNK_BYTES, end - at), at)
                data = await self._disk.run(piece)
                if not data:
                    return
                at += len(data)
                yield data
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """End the threads."""
        self._disk.close()

    async def _run(self, done: str, work: Callable[[], T]) -> T:
        try:
            return await self._disk.run(work)
        except OSError as error:
            raise RecordingsUnavailable(f"a recording cannot be {done}: {failure_of(error)}") from None


def _find_all(folder: RecordingFolder, session_ids: Iterable[str]) -> list[RecordingFile | None]:
    return [folder.find(one) for one in session_ids]
