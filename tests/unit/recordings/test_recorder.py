"""The recorder alone, on a real disk."""

from __future__ import annotations

import asyncio
import os
import threading
import time

import numpy as np
import pytest

from dragoman_orchestration.recordings import disk_threads
from dragoman_orchestration.recordings import recorder as module
from dragoman_orchestration.recordings.disk_threads import DiskThreads
from dragoman_orchestration.recordings.folder import RecordingFolder
from dragoman_orchestration.recordings.recorder import FULL_BYTES, Recorder
from dragoman_orchestration.session.recording import COMPLETE, RecordingFailure, failed

ID = "0f3c1d2e4b5a69788796a5b4c3d2e1f0"


class Watched(RecordingFolder):
    """A folder that counts its writes and can be held up."""

    def __init__(self, folder):
        super().__init__(folder)
        self.writes = 0
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def write(self, session_id, pieces):
        self.may_go_on.wait(10)
        self.writes += 1
        super().write(session_id, pieces)


@pytest.fixture
def folder(tmp_path):
    made = Watched(tmp_path)
    made.create(ID)
    return made


@pytest.fixture
def disk():
    made = DiskThreads()
    yield made
    made.close()


def samples(count, start=0):
    return np.arange(start, start + count, dtype=np.int16)


async def test_what_was_heard_is_in_the_file(folder, disk, tmp_path):
    recorder = Recorder(ID, folder, disk)
    for at in range(0, 1000, 100):
        recorder.hear(at, samples(100, at))
    assert await recorder.finish(1000) == COMPLETE
    assert (tmp_path / f"{ID}.pcm").read_bytes() == samples(1000).tobytes()
    assert folder.writes == 1


async def test_what_was_lost_is_silence_also_at_the_end(folder, disk, tmp_path):
    recorder = Recorder(ID, folder, disk)
    recorder.hear(0, samples(10))
    recorder.hear(30, samples(10, 30))
    assert await recorder.finish(60) == COMPLETE
    silent = np.zeros(60, dtype=np.int16)
    silent[:10], silent[30:40] = samples(10), samples(10, 30)
    assert (tmp_path / f"{ID}.pcm").read_bytes() == silent.tobytes()


async def test_it_is_written_now_and_then_and_not_for_each_frame(folder, disk, eventually):
    recorder = Recorder(ID, folder, disk)
    recorder.hear(0, samples(10))
    now = time.monotonic()
    recorder.pump(now)
    assert folder.writes == 0
    recorder.pump(now + module.WRITE_INTERVAL_S)
    await eventually(lambda: folder.find(ID).size == 20)
    recorder.pump(now + 10)
    assert folder.writes == 1


async def test_what_is_to_be_committed_is_waited_for_and_no_more(folder, disk):
    recorder = Recorder(ID, folder, disk)
    recorder.hear(0, samples(10))
    await asyncio.wait_for(recorder.wrote_before(lambda: 0), 1)
    assert folder.find(ID).size == 0
    await recorder.wrote_before(lambda: 1)
    assert folder.find(ID).size == 20


async def test_what_is_heard_meanwhile_is_waited_for_as_well(folder, disk):
    recorder = Recorder(ID, folder, disk)
    folder.may_go_on.clear()
    heard = 10
    recorder.hear(0, samples(10))
    waiting = asyncio.create_task(recorder.wrote_before(lambda: heard))
    await asyncio.sleep(0)
    recorder.hear(10, samples(10, 10))
    heard = 20
    folder.may_go_on.set()
    await waiting
    assert folder.find(ID).size == 40


async def test_a_disk_that_does_not_answer_ends_the_recording_only(folder, disk, monkeypatch, eventually):
    monkeypatch.setattr(disk_threads, "STALL_S", 0.1)
    recorder = Recorder(ID, folder, disk)
    folder.may_go_on.clear()
    recorder.hear(0, samples(10))
    try:
        await asyncio.wait_for(recorder.wrote_before(lambda: 10), 5)
        assert recorder.failure is RecordingFailure.TOO_SLOW
        recorder.hear(10, samples(1000))
        assert not recorder.is_full
        assert await recorder.finish(1010) == failed(RecordingFailure.TOO_SLOW)
    finally:
        folder.may_go_on.set()


async def test_a_deleted_file_is_not_written_anew(folder, disk):
    recorder = Recorder(ID, folder, disk)
    folder.remove(ID)
    recorder.hear(0, samples(10))
    assert await recorder.finish(10) == failed(RecordingFailure.FOLDER_GONE)
    assert folder.all() == []


async def test_a_worker_without_a_folder_says_so(disk):
    recorder = Recorder(ID, None, disk)
    recorder.hear(0, samples(10))
    assert await recorder.finish(10) == failed(RecordingFailure.NOT_KEPT_HERE)


async def test_memory_is_bounded_by_reading_no_further(folder, disk):
    recorder = Recorder(ID, folder, disk)
    recorder.hear(0, samples(FULL_BYTES // 2))
    assert recorder.is_full
    await recorder.wrote_before(lambda: 1)
    assert not recorder.is_full


async def test_whoever_waits_may_be_cancelled_and_the_write_goes_on(folder, disk, eventually):
    recorder = Recorder(ID, folder, disk)
    folder.may_go_on.clear()
    recorder.hear(0, samples(10))
    waiting = asyncio.create_task(recorder.wrote_before(lambda: 10))
    await asyncio.sleep(0)
    waiting.cancel()
    folder.may_go_on.set()
    await eventually(lambda: folder.find(ID).size == 20)
    assert await recorder.finish(10) == COMPLETE


async def test_no_thread_before_something_is_recorded(folder):
    before = threading.active_count()
    disk = DiskThreads()
    recorder = Recorder(ID, folder, disk)
    recorder.pump(time.monotonic())
    assert threading.active_count() == before
    assert os.path.getsize(folder._path(ID)) == 0
    disk.close()
