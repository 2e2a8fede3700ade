"""The recordings as the API sees them: made, looked at, read and deleted, all in threads."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from dragoman_contracts.errors import InvalidInput, NotFound, Unavailable
from dragoman_orchestration.recordings.folder import RecordingFile, RecordingFolder, failure_of
from dragoman_orchestration.recordings.settings import RecordingSettings
from dragoman_orchestration.recordings.wav import HEADER_BYTES, wav_header

CHUNK_BYTES = 262_144


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

    async def begin(self) -> str:
        """Make an empty recording; the id for the session that it is of.

        Raises:
            RecordingsNotKept: no folder is set.
            RecordingsUnavailable: no file can be made in it.

        """
        if self._folder is None:
            raise RecordingsNotKept("recordings are not kept here")
        session_id = uuid.uuid4().hex
        try:
            await asyncio.to_thread(self._folder.create, session_id)
        except OSError as error:
            raise RecordingsUnavailable(f"no recording can be made: {failure_of(error)}") from None
        return session_id

    async def find(self, session_ids: Iterable[str]) -> dict[str, RecordingFile]:
        """Those that are on the disk, as they are now.

        Raises:
            RecordingsUnavailable: the disk cannot be read.

        """
        wanted = list(session_ids)
        if self._folder is None or not wanted:
            return {}
        try:
            found = await asyncio.to_thread(lambda folder: [folder.find(one) for one in wanted], self._folder)
        except OSError as error:
            raise RecordingsUnavailable(f"the recordings cannot be read: {failure_of(error)}") from None
        return {file.session_id: file for file in found if file is not None}

    async def remove(self, session_id: str) -> None:
        """Delete a recording, if there is one.

        Raises:
            RecordingsUnavailable: it cannot be deleted.

        """
        if self._folder is None:
            return
        try:
            await asyncio.to_thread(self._folder.remove, session_id)
        except OSError as error:
            raise RecordingsUnavailable(f"the recording cannot be deleted: {failure_of(error)}") from None

    async def read_wav(self, file: RecordingFile, first: int, last: int) -> AsyncIterator[bytes]:
        """Bytes ``first`` to ``last`` of the WAV file that a recording was when ``file`` was looked at.

        Raises:
            NotFound: it was deleted meanwhile.

        """
        if self._folder is None:
            raise NotFound("there is no such recording")
        if first < HEADER_BYTES:
            yield wav_header(file.size)[first : last + 1]
        at, end = max(0, first - HEADER_BYTES), last + 1 - HEADER_BYTES
        if at >= end:
            return
        descriptor = await asyncio.to_thread(self._folder.open, file.session_id)
        try:
            while at < end:
                data = await asyncio.to_thread(os.pread, descriptor, min(CHUNK_BYTES, end - at), at)
                if not data:
                    return
                at += len(data)
                yield data
        finally:
            os.close(descriptor)
