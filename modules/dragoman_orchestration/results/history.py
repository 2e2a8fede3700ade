"""Results as text: positions spliced into stored messages, and the snapshot of a session. Pure.

A stored message is never decoded for delivery: the position is put in front of its first field, once for all
sockets that watch the session.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from dragoman_contracts.streams import ResultField
from dragoman_contracts.websocket import StreamPosition
from dragoman_runtime.broker.base import Entry

MAX_SNAPSHOT_FINALS = 200
"""Finals in a snapshot; ``truncated`` tells that there were more."""

ENDED = b"session.ended"
_PARTIAL, _FINAL = b"transcript.partial", b"transcript.final"


class _Segment(msgspec.Struct):
    segment_id: str = ""


_segment_decoder = msgspec.json.Decoder(_Segment)


def offset_of(entry_id: str) -> int:
    """The offset that an entry id ``<offset>-0`` stands for."""
    return int(entry_id.partition("-")[0])


def splice(epoch: str, entry: Entry) -> str:
    """The stored JSON object with its ``position`` as first field."""
    body = entry.fields[ResultField.DATA].decode()
    comma = "" if body == "{}" else ","
    return f'{{"position":{{"epoch":"{epoch}","offset":{offset_of(entry.id)}}}{comma}{body[1:]}'


def readable(entries: Iterable[Entry]) -> list[Entry]:
    """The entries that are results: others must not end the reading of all sessions."""
    return [entry for entry in entries if _is_readable(entry)]


def _is_readable(entry: Entry) -> bool:
    data = entry.fields.get(ResultField.DATA, b"")
    if ResultField.TYPE not in entry.fields or not data.startswith(b"{"):
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def superseded_by(entry: Entry) -> str:
    """The key under which a later message makes this one worthless; empty for what must be delivered."""
    kind = entry.fields[ResultField.TYPE]
    return kind.decode() if kind.endswith(b".partial") else ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a late joiner must know, and the offset after which the tail begins."""

    text: str
    offset: int


def snapshot(
    session_id: str,
    status: str,
    epoch: str,
    newest_first: Sequence[Entry],
    *,
    complete: bool,
    recovered: bool = True,
) -> Snapshot:
    """Build ``session.snapshot`` from the last entries; ``complete`` if these are all there are.

    It holds no ``session.ended``: if that is the last entry, it is to be sent after the snapshot.
    """
    offset = told = offset_of(newest_first[0].id) if newest_first else 0
    if newest_first and newest_first[0].fields[ResultField.TYPE] == ENDED:
        told = offset - 1  # it follows, and clients leave out what is not after the position that they know
    finals: list[str] = []
    final_ids: set[str] = set()
    partial: str | None = None
    truncated = not complete
    for entry in newest_first:
        kind = entry.fields[ResultField.TYPE]
        if kind == _FINAL:
            if len(finals) == MAX_SNAPSHOT_FINALS:
                truncated = True
                break
            finals.append(splice(epoch, entry))
            final_ids.add(_segment_of(entry))
        elif kind == _PARTIAL and partial is None and _segment_of(entry) not in final_ids:
            partial = splice(epoch, entry)
    head = {
        "position": StreamPosition(epoch, told),
        "session_id": session_id,
        "status": status,
        "recovered": recovered,
        "truncated": truncated,
    }
    return Snapshot(_join(head, finals[::-1], partial), offset)


def resumed(session_id: str, status: str, after: StreamPosition) -> str:
    """The ``session.snapshot`` for a viewer that missed nothing for good: what it missed follows it."""
    head = {"position": after, "session_id": session_id, "status": status, "recovered": True}
    return _join(head, [], None)


def _join(head: dict[str, object], finals: Sequence[str], partial: str | None) -> str:
    begin = msgspec.json.encode({"type": "session.snapshot"} | head).decode()[:-1]
    return f'{begin},"finals":[{",".join(finals)}],"partial":{partial or "null"}}}'


def _segment_of(entry: Entry) -> str:
    try:
        return _segment_decoder.decode(entry.fields[ResultField.DATA]).segment_id
    except msgspec.DecodeError:
        return ""
