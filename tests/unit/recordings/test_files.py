"""The files of recordings, WAV headers, and ranges of bytes."""

from __future__ import annotations

import errno
import io
import os
import stat
import wave

import pytest

from dragoman_orchestration.api.byte_ranges import ByteRange, NotSatisfiable, requested_range
from dragoman_orchestration.recordings.folder import RecordingFolder, failure_of
from dragoman_orchestration.recordings.wav import HEADER_BYTES, wav_header
from dragoman_orchestration.session.recording import (
    COMPLETE,
    RECORDING,
    RecordingFailure,
    RecordingStatus,
    failed,
)

ID = "0f3c1d2e4b5a69788796a5b4c3d2e1f0"


@pytest.fixture
def folder(tmp_path):
    return RecordingFolder(tmp_path / "deep" / "recordings")


def content(folder, session_id=ID):
    descriptor = folder.open(session_id)
    try:
        return os.pread(descriptor, 1_000_000, 0)
    finally:
        os.close(descriptor)


# --- files ----------------------------------------------------------------------------------------------


def test_pieces_are_written_where_they_belong_whatever_their_order(folder):
    folder.create(ID)
    folder.write(ID, [(4, b"cdef")])
    folder.write(ID, [(0, b"ab"), (10, b"yz")])
    folder.write(ID, [(4, b"cdef")])
    assert content(folder) == b"ab\0\0cdef\0\0yz"


def test_only_their_user_reads_recordings(folder, tmp_path):
    before = os.umask(0)
    try:
        folder.create(ID)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "deep" / "recordings").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "deep" / "recordings" / f"{ID}.pcm").stat().st_mode) == 0o600


def test_nothing_brings_back_what_was_deleted(folder):
    folder.create(ID)
    assert folder.remove(ID)
    assert not folder.remove(ID)
    with pytest.raises(FileNotFoundError):
        folder.write(ID, [(0, b"ab")])
    with pytest.raises(FileNotFoundError):
        folder.extend(ID, 10)
    assert folder.find(ID) is None
    assert folder.all() == []


def test_a_recording_is_made_once(folder):
    folder.create(ID)
    folder.write(ID, [(0, b"ab")])
    with pytest.raises(FileExistsError):
        folder.create(ID)
    assert content(folder) == b"ab"


@pytest.mark.parametrize(
    "name", ["", "../" + "0" * 29, "0" * 31, "0" * 33, "G" * 32, "0" * 32 + "\n", "A" * 32]
)
def test_what_is_no_id_names_no_file(folder, name):
    for use in (folder.create, folder.find, folder.open, folder.remove):
        with pytest.raises(ValueError, match="32 hexadecimal"):
            use(name)


def test_a_link_in_the_folder_leads_nowhere(folder, tmp_path):
    folder.create(ID)
    folder.remove(ID)
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (tmp_path / "deep" / "recordings" / f"{ID}.pcm").symlink_to(secret)
    assert folder.find(ID) is None
    assert folder.all() == []
    for use in (folder.open, lambda name: folder.write(name, [(0, b"x")])):
        with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
            use(ID)
    assert secret.read_bytes() == b"secret"


def test_extending_never_cuts(folder):
    folder.create(ID)
    folder.write(ID, [(0, b"abcd")])
    folder.extend(ID, 2)
    assert content(folder) == b"abcd"
    folder.extend(ID, 6)
    assert content(folder) == b"abcd\0\0"


def test_half_a_sample_does_not_count(folder):
    folder.create(ID)
    folder.write(ID, [(0, bytes(32 * 250 + 1))])
    found = folder.find(ID)
    assert (found.size, found.duration_ms) == (32 * 250, 250)


def test_strange_files_are_left_alone(folder, tmp_path):
    folder.create(ID)
    for name in ("notes.txt", f"{ID}.wav", "0123.pcm", f"{'1' * 32}.pcm.bak"):
        (tmp_path / "deep" / "recordings" / name).write_bytes(b"x")
    assert [one.session_id for one in folder.all()] == [ID]


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, RecordingFailure.DISK_FULL),
        (errno.EACCES, RecordingFailure.NOT_PERMITTED),
        (errno.ENOTDIR, RecordingFailure.FOLDER_GONE),
        (errno.EIO, RecordingFailure.IO_ERROR),
    ],
)
def test_errors_of_the_disk_have_reasons(number, reason):
    assert failure_of(OSError(number, "")) is reason


@pytest.mark.parametrize("status", [RECORDING, COMPLETE, failed(RecordingFailure.DISK_FULL)])
def test_a_status_is_read_as_it_was_written(status):
    assert RecordingStatus.decode(status.encode()) == status


# --- WAV ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 2, 32_000])
def test_a_player_reads_the_header(size):
    header = wav_header(size)
    assert len(header) == HEADER_BYTES
    with wave.open(io.BytesIO(header + bytes(size))) as read:
        assert (read.getnchannels(), read.getsampwidth(), read.getframerate()) == (1, 2, 16_000)
        assert read.getnframes() == size // 2


def test_a_header_of_days_of_audio_says_the_most_it_can():
    assert wav_header(2**33)[40:] == b"\xff\xff\xff\xff"


# --- ranges ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-", (0, 99)),
        ("bytes=0-0", (0, 0)),
        ("bytes=10-19", (10, 19)),
        ("bytes=99-", (99, 99)),
        ("bytes=90-1000", (90, 99)),
        ("bytes=-1", (99, 99)),
        ("bytes=-100", (0, 99)),
        ("bytes=-1000", (0, 99)),
        ("Bytes= 5-6 ", (5, 6)),
        ("bytes=00-0000000000000000000007", (0, 7)),
    ],
)
def test_one_range_is_served(header, expected):
    found = requested_range(header, 100)
    assert found == ByteRange(*expected)
    assert found.length == expected[1] - expected[0] + 1


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes= - ",
        "bytes=5-2",
        "bytes=a-b",
        "bytes=1-2,4-5",
        "items=0-1",
        "bytes=0x1-2",
        "bytes=١-٢",
        "bytes=--1",
        "bytes=1-2\n",
        "bytes=" + "9" * 5000 + "-",
    ],
)
def test_what_is_no_range_is_answered_with_all_of_it(header):
    assert requested_range(header, 100) is None


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=" + "9" * 90 + "-"])
def test_a_range_behind_the_end(header):
    with pytest.raises(NotSatisfiable):
        requested_range(header, 100)
