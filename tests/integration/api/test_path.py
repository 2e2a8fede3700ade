"""One session from end to end: REST, both sockets, results, the end."""

from __future__ import annotations

from dragoman_contracts.streams import AudioKind
from dragoman_contracts.websocket import CloseCode, Ledger


async def test_session_from_first_frame_to_end(api, worker, eventually):
    session_id = await api.create(language="en")
    viewer = await api.viewer(session_id)
    assert (await viewer.next("session.snapshot"))["finals"] == []

    speaker = await api.speaker(session_id)
    assert speaker.greeting["type"] == "session.started"
    assert speaker.greeting["received_bytes"] == 0
    frame = bytes(range(200)) * 16
    await speaker.send(frame)
    ack = await speaker.next("audio.ack")
    assert ack == {"type": "audio.ack", "received_ms": 100, "committed_ms": 0, "received_bytes": 3200}

    played = worker(session_id)
    await played.partial(0, "hel")
    offset = await played.final(0, "hello")
    for socket in (viewer, speaker):
        final = await socket.next("transcript.final")
        assert final["text"] == "hello"
        assert final["position"]["offset"] == offset

    await speaker.send({"type": "audio.flush"})
    await speaker.send({"type": "session.end"})
    await eventually(lambda: _kinds(played, [b"f", b"a", b"x", b"e"]))
    assert await played.audio() == frame
    record = (await api.http.get(f"/v1/sessions/{session_id}")).json()
    assert record["status"] == "ending"

    await played.finish(Ledger(received_ms=100, transcribed_ms=100))
    for socket in (viewer, speaker):
        ended = await socket.next("session.ended")
        assert ended["ledger"]["transcribed_ms"] == 100
        assert await socket.closed() == CloseCode.NORMAL
    assert (await api.http.get(f"/v1/sessions/{session_id}/ledger")).json()["transcribed_ms"] == 100


async def _kinds(played, expected: list[bytes]) -> bool:
    return [kind for _, kind, _, _ in await played.entries()] == expected


async def test_entry_ids_and_totals_are_those_of_the_contract(api, worker):
    session_id = await api.create()
    speaker = await api.speaker(session_id)
    for size in (320, 640):
        await speaker.send(bytes(size))
        await speaker.acked(size)
    entries = await worker(session_id).entries()
    assert entries[0][0] == "1-1"
    assert entries[0][1] == AudioKind.FORMAT
    assert [(entry_id, total) for entry_id, _, _, total in entries[1:]] == [("1-2", 320), ("1-3", 960)]
