"""The tail: whatever happens, every byte is sent after the ones the server has, none is skipped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman_client.errors import ResumeImpossible
from dragoman_client.tail import AudioTail
from dragoman_contracts.websocket import AudioFlush, ClientMessage, SessionEnd


def drain(tail: AudioTail) -> list[bytes | ClientMessage]:
    items = []
    while (item := tail.next()) is not None:
        items.append(item)
    return items


def audio_of(items: list[bytes | ClientMessage]) -> bytes:
    return b"".join(item for item in items if isinstance(item, bytes))


def test_audio_is_cut_on_whole_samples() -> None:
    tail = AudioTail(keep_bytes=0, frame_bytes_max=10, align_bytes=6)
    tail.append(bytes(range(20)))
    assert [len(item) for item in drain(tail) if isinstance(item, bytes)] == [6, 6, 6, 2]


def test_messages_keep_their_place_between_the_audio() -> None:
    tail = AudioTail(keep_bytes=0)
    tail.append(b"ab")
    tail.control(AudioFlush())
    tail.append(b"cd")
    tail.control(SessionEnd())
    assert drain(tail) == [b"ab", AudioFlush(), b"cd", SessionEnd()]


def test_a_new_connection_gets_what_the_server_lacks_and_the_messages_after_it() -> None:
    tail = AudioTail(keep_bytes=100)
    tail.append(b"abcd")
    tail.control(AudioFlush())
    tail.append(b"efgh")
    tail.control(SessionEnd())
    drain(tail)
    tail.resume_at(3)
    assert drain(tail) == [b"d", AudioFlush(), b"efgh", SessionEnd()]
    tail.resume_at(4)
    assert drain(tail) == [AudioFlush(), b"efgh", SessionEnd()]
    tail.resume_at(8)
    assert drain(tail) == [SessionEnd()]


def test_acknowledged_audio_is_kept_for_a_margin_and_then_forgotten() -> None:
    tail = AudioTail(keep_bytes=4, frame_bytes_max=2)
    tail.append(b"0123456789")
    drain(tail)
    tail.acknowledge(8)
    tail.resume_at(4)
    assert audio_of(drain(tail)) == b"456789"
    with pytest.raises(ResumeImpossible, match="keeps 4 to 10"):
        tail.resume_at(3)


def test_a_server_that_has_more_than_was_given_is_no_server_of_this_session() -> None:
    tail = AudioTail(keep_bytes=4)
    tail.append(b"abc")
    with pytest.raises(ResumeImpossible):
        tail.resume_at(4)


def test_unacknowledged_bytes_shrink_with_acknowledgements_and_never_grow_by_an_old_one() -> None:
    tail = AudioTail(keep_bytes=0)
    tail.append(b"abcdef")
    tail.acknowledge(4)
    tail.acknowledge(2)
    assert tail.unacknowledged_bytes == 2


@given(st.data())
def test_over_any_drops_the_server_receives_exactly_what_was_given(data: st.DataObject) -> None:
    """A server that stores a prefix of each connection ends with the same bytes, in order."""
    given_audio, stored = b"", b""
    tail = AudioTail(keep_bytes=64, frame_bytes_max=data.draw(st.integers(1, 16)))
    for _ in range(data.draw(st.integers(1, 6))):
        for _ in range(data.draw(st.integers(0, 4))):
            chunk = data.draw(st.binary(max_size=40))
            given_audio += chunk
            tail.append(chunk)
        sent = audio_of(drain(tail))
        stored += sent[: data.draw(st.integers(0, len(sent)))]
        if data.draw(st.booleans()):
            tail.acknowledge(len(stored))
        tail.resume_at(len(stored))
    assert stored + audio_of(drain(tail)) == given_audio
