"""The folder of the recordings: ``<session id>.pcm``, mono, 16 kHz, signed 16 bit, little-endian.

Byte n of a file is byte n of the session's decoded audio, so whoever replays audio writes the same bytes to
the same place. Only the API makes files, when a session is created; whoever writes opens what is there. So a
recording that was deleted stays deleted, whoever still has audio of it.

Everything here may block: call it in a thread.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dragoman_contracts.audio import MODEL_RATE_HZ
from dragoman_orchestration.recordings.disk_threads import DiskStalled
from dragoman_orchestration.session.recording import RecordingFailure

SAMPLE_BYTES = 2
BYTES_PER_MS = MODEL_RATE_HZ * SAMPLE_BYTES // 1000
_SUFFIX = ".pcm"
_ID = re.compile("[0-9a-f]{32}")
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_FAILURES = {
    errno.ENOSPC: RecordingFailure.DISK_FULL,
    errno.EDQUOT: RecordingFailure.DISK_FULL,
    errno.EFBIG: RecordingFailure.DISK_FULL,
    errno.EACCES: RecordingFailure.NOT_PERMITTED,
    errno.EPERM: RecordingFailure.NOT_PERMITTED,
    errno.EROFS: RecordingFailure.NOT_PERMITTED,
    errno.ENOENT: RecordingFailure.FOLDER_GONE,
    errno.ENOTDIR: RecordingFailure.FOLDER_GONE,
    errno.EEXIST: RecordingFailure.FOLDER_GONE,
}


@dataclass(frozen=True, slots=True)
class RecordingFile:
    """A recording as it is on the disk now; ``size`` is of whole samples, in bytes."""

    session_id: str
    size: int
    modified_ns: int

    @property
    def duration_ms(self) -> int:
        """How much of the session it reaches over."""
        return self.size // BYTES_PER_MS


def failure_of(error: OSError) -> RecordingFailure:
    """What an error of the disk means for the recording."""
    if isinstance(error, DiskStalled):
        return RecordingFailure.TOO_SLOW
    return _FAILURES.get(error.errno or 0, RecordingFailure.IO_ERROR)


class RecordingFolder:
    """The files of all recordings. Methods raise ``OSError``, and ``ValueError`` for an id that is none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, session_id: str) -> None:
        """Make an empty file that only this user reads, and the folder where it is missing."""
        path = self._path(session_id)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, _WRITE | os.O_CREAT | os.O_EXCL, 0o600))

    def write(self, session_id: str, pieces: Iterable[tuple[int, bytes | bytearray]]) -> None:
        """Write each piece at its byte of the session's audio; ``FileNotFoundError`` if it was deleted."""
        descriptor = os.open(self._path(session_id), _WRITE)
        try:
            for offset, data in pieces:
                _write_all(descriptor, data, offset)
        finally:
            os.close(descriptor)

    def extend(self, session_id: str, size: int) -> None:
        """Make the file at least so many bytes long: what was lost at the end is silence."""
        descriptor = os.open(self._path(session_id), _WRITE)
        try:
            if os.fstat(descriptor).st_size < size:
                os.ftruncate(descriptor, size)
        finally:
            os.close(descriptor)

    def find(self, session_id: str) -> RecordingFile | None:
        """The recording as it is now."""
        try:
            told = os.lstat(self._path(session_id))
        except (FileNotFoundError, NotADirectoryError):
            return None
        return _file(session_id, told) if stat.S_ISREG(told.st_mode) else None

    def open(self, session_id: str) -> int:
        """A descriptor to read from; the caller closes it."""
        return os.open(self._path(session_id), _READ)

    def remove(self, session_id: str) -> bool:
        """Delete the recording; whether there was one."""
        try:
            os.unlink(self._path(session_id))
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def all(self) -> list[RecordingFile]:
        """All recordings; none where there is no folder yet."""
        found = []
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    session_id = entry.name.removesuffix(_SUFFIX)
                    is_one = entry.name.endswith(_SUFFIX) and _ID.fullmatch(session_id)
                    if is_one and entry.is_file(follow_symlinks=False):
                        found.append(_file(session_id, entry.stat(follow_symlinks=False)))
        except FileNotFoundError:
            pass  # the folder, or a file that was deleted meanwhile: the rest is met the next time
        return found

    def _path(self, session_id: str) -> Path:
        if _ID.fullmatch(session_id) is None:
            raise ValueError("a session's id has 32 hexadecimal digits")
        return self._folder / f"{session_id}{_SUFFIX}"


def _file(session_id: str, told: os.stat_result) -> RecordingFile:
    return RecordingFile(session_id, told.st_size // SAMPLE_BYTES * SAMPLE_BYTES, told.st_mtime_ns)


def _write_all(descriptor: int, data: bytes | bytearray, offset: int) -> None:
    left = memoryview(data)
    while left:
        written = os.pwrite(descriptor, left, offset)
        left, offset = left[written:], offset + written
