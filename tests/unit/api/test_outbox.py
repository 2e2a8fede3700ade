from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dragoman_contracts.streams import AudioField, AudioKind
from dragoman_orchestration.api.outbox import MAX_ENTRY_BYTES, Outbox


def drained(outbox: Outbox) -> list:
    entries = []
    while outbox:
        entries.append(outbox.take())
    return entries


def test_a_frame_alone_is_one_entry():
    outbox = Outbox(first_seq=2, total_bytes=100)
    outbox.add_audio(b"abcd")
    entry = outbox.take()
    assert (entry.seq, entry.kind, entry.data, entry.total_bytes) == (2, AudioKind.FRAME, b"abcd", 104)
    assert entry.fields() == {
        AudioField.KIND: b"a",
        AudioField.DATA: b"abcd",
        AudioField.BYTES_TOTAL: b"104",
    }
    assert not outbox


def test_frames_that_wait_are_joined_up_to_a_mark():
    outbox = Outbox(first_seq=2, total_bytes=0)
    for data in (b"aa", b"bb"):
        outbox.add_audio(data)
    outbox.add_mark(AudioKind.FLUSH)
    outbox.add_audio(b"cc")
    outbox.add_mark(AudioKind.END, b"client")
    assert [(e.seq, e.kind, e.data, e.total_bytes) for e in drained(outbox)] == [
        (2, b"a", b"aabb", 4),
        (3, b"x", b"", 4),
        (4, b"a", b"cc", 6),
        (5, b"e", b"client", 6),
    ]


def test_an_entry_is_bounded():
    outbox = Outbox(first_seq=1, total_bytes=0)
    for _ in range(5):
        outbox.add_audio(bytes(MAX_ENTRY_BYTES // 2))
    assert [len(entry.data) for entry in drained(outbox)] == [65_536, 65_536, 32_768]


def test_a_frame_larger_than_an_entry_goes_alone():
    outbox = Outbox(first_seq=1, total_bytes=0)
    outbox.add_audio(bytes(MAX_ENTRY_BYTES + 2))
    outbox.add_audio(b"ab")
    assert [len(entry.data) for entry in drained(outbox)] == [MAX_ENTRY_BYTES + 2, 2]


@given(
    steps=st.lists(
        st.one_of(st.binary(min_size=1, max_size=50), st.sampled_from(["flush", "take"])), max_size=60
    ),
    start=st.integers(0, 10**9),
)
def test_no_byte_is_lost_doubled_or_reordered(steps, start):
    outbox, sent, entries = Outbox(first_seq=2, total_bytes=start), b"", []
    for step in steps:
        if step == "take":
            entries += [outbox.take()] if outbox else []
        elif step == "flush":
            outbox.add_mark(AudioKind.FLUSH)
        else:
            outbox.add_audio(step)
            sent += step
        assert outbox.accepted_bytes == start + len(sent)
    entries += drained(outbox)
    assert b"".join(entry.data for entry in entries if entry.kind == AudioKind.FRAME) == sent
    assert [entry.seq for entry in entries] == list(range(2, 2 + len(entries)))
    assert outbox.waiting_bytes == 0
    if entries:
        assert entries[-1].total_bytes == start + len(sent)
