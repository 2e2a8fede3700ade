"""What the audio worker writes, and what becomes of it when something dies."""

from __future__ import annotations

import asyncio
import os
import resource
import stat

import numpy as np
import pytest

from dragoman_contracts.streams import SessionKeys, StateField
from tests.integration.worker.conftest import spoken, words_of
from tests.integration.worker.test_trouble import encoded

from .conftest import PATIENCE_S, finish, noise, pcm, say

NUMBERS = list(range(300, 330))


async def transcript(api, session_id) -> list[str]:
    told = (await api.http.get(f"/v1/sessions/{session_id}/transcript")).json()
    return str(told["text"]).split()


async def test_the_recording_is_what_was_sent_bit_for_bit(api, folder, start_worker, eventually):
    start_worker()
    session_id = await api.create(record=True)
    data = pcm(NUMBERS) + noise(3.21) + b"\x01\x00"  # half a millisecond and more at the end
    speaker = await api.speaker(session_id)
    await say(speaker, data)
    told = await finish(api, speaker, session_id, eventually)
    assert (folder / f"{session_id}.pcm").read_bytes() == data
    assert told["recording"] == {"state": "complete", "duration_ms": len(data) // 32, "reason": None}
    served = await api.http.get(f"/v1/sessions/{session_id}/recording")
    assert served.content[44:] == data
    assert stat.S_IMODE((folder / f"{session_id}.pcm").stat().st_mode) == 0o600


async def test_nothing_is_recorded_that_was_not_asked_for(api, folder, start_worker, eventually):
    start_worker()
    session_id = await api.create()
    speaker = await api.speaker(session_id)
    await say(speaker, pcm([1, 2]))
    told = await finish(api, speaker, session_id, eventually)
    assert told["recording"] is None
    assert not folder.exists()
    assert (await api.http.get(f"/v1/sessions/{session_id}/recording")).status_code == 404


async def test_a_worker_killed_in_mid_sentence_leaves_no_seam(
    api, folder, start_process, eventually, redis_client
):
    session_id = await api.create(record=True)
    state = SessionKeys(session_id).state
    data = pcm(NUMBERS) + noise(2) + pcm([5, 6, 7])
    speaker = await api.speaker(session_id)
    for part in range(2):  # a session that ends three workers in a row is given up
        worker = await start_process()
        begin, end = (len(data) // 3 * number // 2 * 2 for number in (part, part + 1))
        await say(speaker, data[begin:end])

        async def heard(end=end):
            told = await redis_client.hmget(state, StateField.HEARD_MS, StateField.COMMITTED_MS)
            return int(told[0] or 0) >= end // 32 - 200

        await eventually(heard, limit_s=PATIENCE_S)
        await worker.kill()
    await start_process()
    await say(speaker, data[end:])
    told = await finish(api, speaker, session_id, eventually)
    assert (folder / f"{session_id}.pcm").read_bytes() == data
    assert told["recording"]["state"] == "complete"
    assert int(await redis_client.hget(state, StateField.GENERATION)) == 3
    assert [*words_of(NUMBERS), *words_of([5, 6, 7])] == [
        word for word in await transcript(api, session_id) if word.startswith("w")
    ]


async def test_what_is_committed_is_on_the_disk(api, folder, start_worker, eventually, redis_client):
    """Looked at in the same moment, again and again: Redis never knows more as done than the file holds."""
    start_worker()
    session_id = await api.create(record=True)
    state = SessionKeys(session_id).state
    speaker = await api.speaker(session_id)
    seen = [(0, 0)]

    async def watch():
        while True:
            committed_ms = int(await redis_client.hget(state, StateField.COMMITTED_MS) or 0)
            seen.append((committed_ms, (folder / f"{session_id}.pcm").stat().st_size))

    watching = asyncio.create_task(watch())
    for part in range(6):
        await say(speaker, pcm(list(range(part * 10, part * 10 + 8))))
        await eventually(lambda part=part: seen[-1][0] > part * 4_000, limit_s=PATIENCE_S)
    watching.cancel()
    await finish(api, speaker, session_id, eventually)
    assert len(set(seen)) > 6
    assert not [(committed_ms, size) for committed_ms, size in seen if size < committed_ms * 32]


async def test_lost_audio_is_silence_and_what_follows_is_in_its_place(
    api, folder, start_worker, eventually, redis_client
):
    session_id = await api.create(record=True)
    speaker = await api.speaker(session_id)
    before, after = pcm([1, 2, 3]), pcm([4, 5])
    await say(speaker, before)
    await speaker.acked(len(before))
    await speaker.close()
    again = await api.connect(f"/v1/sessions/{session_id}/audio")
    lost = 32 * 777 + 2
    await again.send({"type": "session.configure", "resume_from_bytes": len(before) + lost})
    await again.next("session.resumed")
    start_worker()
    await say(again, after)
    told = await finish(api, again, session_id, eventually)
    assert (folder / f"{session_id}.pcm").read_bytes() == before + bytes(lost) + after
    assert told["recording"]["duration_ms"] == (len(before) + lost + len(after)) // 32


@pytest.mark.parametrize("container", ["webm", "ogg"])
async def test_opus_is_recorded_as_it_is_decoded(api, folder, start_worker, eventually, container, tmp_path):
    session_id = await api.create(record=True)
    data = encoded(spoken(NUMBERS, 48_000), container, tmp_path)
    speaker = await api.speaker(session_id, {"encoding": f"{container}_opus"})
    worker = start_worker()
    await say(speaker, data[: len(data) // 2], 1_000)
    path = folder / f"{session_id}.pcm"
    await eventually(lambda: path.stat().st_size > 64_000, limit_s=PATIENCE_S)
    await worker.cut_short()
    start_worker()
    await say(speaker, data[len(data) // 2 :], 1_000)
    told = await finish(api, speaker, session_id, eventually)
    ledger = (await api.http.get(f"/v1/sessions/{session_id}/ledger")).json()
    assert told["recording"]["state"] == "complete"
    assert told["recording"]["duration_ms"] == ledger["received_ms"]
    spoken_ms = len(spoken(NUMBERS)) // 16
    assert abs(told["recording"]["duration_ms"] - spoken_ms) < 100
    heard = np.frombuffer(path.read_bytes(), dtype="<i2").astype(float)
    meant = spoken(NUMBERS)[: len(heard)]
    # The encoder looks ahead by some samples.
    match = np.correlate(heard[16_000:64_000], meant[15_000:65_000], "valid")
    level = np.linalg.norm(heard[16_000:64_000]) * np.linalg.norm(meant[16_000:64_000])
    assert match.max() / level > 0.9


async def test_48_khz_is_recorded_as_the_recogniser_hears_it_also_after_a_takeover(
    api, folder, start_worker, eventually
):
    data = (spoken(NUMBERS, 48_000) * 32767).astype("<i2").tobytes()
    recordings = []
    for killed in (False, True):
        session_id = await api.create(record=True)
        path = folder / f"{session_id}.pcm"
        speaker = await api.speaker(session_id, {"sample_rate_hz": 48_000})
        worker = start_worker()
        await say(speaker, data[: len(data) // 2], 9_600)
        await eventually(lambda path=path: path.stat().st_size > 64_000, limit_s=PATIENCE_S)
        if killed:
            await worker.cut_short()
            worker = start_worker()
        await say(speaker, data[len(data) // 2 :], 9_600)
        await finish(api, speaker, session_id, eventually)
        await worker.stop()
        recordings.append(path.read_bytes())
    assert recordings[0] == recordings[1]
    assert len(recordings[0]) == len(data) // 3


# --- trouble with the disk -------------------------------------------------------------------------------


async def failed_session(api, speaker, session_id, data, eventually) -> dict:
    """The session goes on to its end as if nothing was; what its recording says."""
    await say(speaker, data)
    told = await finish(api, speaker, session_id, eventually)
    ledger = (await api.http.get(f"/v1/sessions/{session_id}/ledger")).json()
    assert (ledger["gap_ms"], ledger["pending_ms"]) == (0, 0)
    assert told["recording"]["state"] == "failed"
    return dict(told["recording"])


async def test_a_folder_that_is_replaced_by_a_file(api, folder, start_worker, eventually, tmp_path):
    start_worker()
    session_id = await api.create(record=True)
    speaker = await api.speaker(session_id)
    first = pcm([1, 2, 3])
    await say(speaker, first)
    path = folder / f"{session_id}.pcm"
    await eventually(lambda: path.stat().st_size == len(first), limit_s=PATIENCE_S)
    folder.rename(tmp_path / "elsewhere")
    folder.write_text("no folder")
    told = await failed_session(api, speaker, session_id, pcm(NUMBERS), eventually)
    assert told == {"state": "failed", "duration_ms": 0, "reason": "folder_gone"}
    assert await transcript(api, session_id) == words_of([1, 2, 3, *NUMBERS])
    refused = await api.http.post("/v1/sessions", json={"record": True})
    assert (refused.status_code, refused.json()["code"]) == (503, "recordings_unavailable")
    assert (await api.http.post("/v1/sessions", json={})).status_code == 201


async def test_a_disk_without_room(api, folder, start_process, eventually):
    room = 200_000
    await start_process(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)))
    session_id = await api.create(record=True)
    speaker = await api.speaker(session_id)
    data = pcm(NUMBERS)
    told = await failed_session(api, speaker, session_id, data, eventually)
    assert told["reason"] == "disk_full"
    assert await transcript(api, session_id) == words_of(NUMBERS)
    # What was written until then can be heard.
    kept = (await api.http.get(f"/v1/sessions/{session_id}/recording")).content[44:]
    assert 0 < len(kept) <= room
    assert kept == data[: len(kept)]


async def test_a_disk_that_does_not_answer(api, folder, start_worker, eventually):
    session_id = await api.create(record=True)
    path = folder / f"{session_id}.pcm"
    path.unlink()
    os.mkfifo(path)  # to open it for writing waits for a reader that never comes
    worker = start_worker()
    speaker = await api.speaker(session_id)
    told = await failed_session(api, speaker, session_id, pcm(NUMBERS), eventually)
    assert told["reason"] == "too_slow"
    assert await transcript(api, session_id) == words_of(NUMBERS)
    await worker.stop()  # does not wait for the disk, either
    os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))


async def test_a_worker_that_has_no_folder(api, start_worker, eventually):
    start_worker(recordings="")
    session_id = await api.create(record=True)
    speaker = await api.speaker(session_id)
    told = await failed_session(api, speaker, session_id, pcm(NUMBERS), eventually)
    assert told == {"state": "failed", "duration_ms": 0, "reason": "not_kept_here"}


async def test_a_session_that_nobody_spoke_into_has_an_empty_recording(api):
    session_id = await api.create(record=True)
    await api.http.delete(f"/v1/sessions/{session_id}")
    told = (await api.http.get(f"/v1/sessions/{session_id}")).json()
    assert told["recording"] == {"state": "complete", "duration_ms": 0, "reason": None}
    served = await api.http.get(f"/v1/sessions/{session_id}/recording")
    assert (served.status_code, len(served.content)) == (200, 44)


async def test_a_session_that_was_given_up_is_told_as_a_failed_recording(api, redis_client):
    session_id = await api.create(record=True)
    await redis_client.hset(SessionKeys(session_id).record, "status", "ended")
    told = (await api.http.get(f"/v1/sessions/{session_id}")).json()
    assert told["recording"]["reason"] == "session_failed"


# --- deletion --------------------------------------------------------------------------------------------


async def test_a_recording_deleted_in_mid_session_stays_deleted(
    api, folder, start_worker, eventually, log_lines
):
    worker = start_worker()
    session_id = await api.create(record=True)
    path = folder / f"{session_id}.pcm"
    speaker = await api.speaker(session_id)
    await say(speaker, pcm([1, 2, 3]))
    await eventually(lambda: path.stat().st_size > 32_000, limit_s=PATIENCE_S)
    assert (await api.http.delete(f"/v1/sessions/{session_id}/recording")).status_code == 204
    assert not path.exists()
    await say(speaker, pcm([4, 5, 6]))
    await worker.cut_short()
    start_worker()
    told = await finish(api, speaker, session_id, eventually)
    assert told["recording"] is None
    assert os.listdir(folder) == []
    assert await transcript(api, session_id) == words_of([1, 2, 3, 4, 5, 6])
    assert (await api.http.get(f"/v1/sessions/{session_id}/recording")).status_code == 404
    assert (await api.http.delete(f"/v1/sessions/{session_id}/recording")).status_code == 204
    assert not [line for line in log_lines if "recorded no further" in line]
