"""Results as text: positions spliced into stored messages, and the snapshot of a session. Pure.

A stored message is never decoded for delivery: the position is put in front of its first field, once for all
sockets that watch the session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import msgspec

from dragoman_contracts.streams import ResultField
from dragoman_contracts.websocket import StreamPosition
from dragoman_runtime.broker.base import Entry

MAX_SNAPSHOT_FINALS = 200
"""Finals in a snapshot; ``truncated`` tells that there were more."""

ENDED, TARGETS = b"session.ended", b"session.targets"
_PARTIAL, _FINAL = b"transcript.partial", b"transcript.final"
_TRANSLATION, _DRAFT = b"translation.", b"translation.partial"

Wants = Callable[[str], bool]
"""Whether translations into a language are wanted."""


class _Head(msgspec.Struct):
    """The fields that are looked at; the others are skipped, not built."""

    segment_id: str = ""
    target_language: str = ""
    targets: list[str] = []


_head_decoder = msgspec.json.Decoder(_Head)
_NO_HEAD = _Head()


def all_of_them(_: str) -> bool:
    """Want every language."""
    return True


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


def target_language(entry: Entry) -> str:
    """Into which language the message translates; empty for what is no translation."""
    return _head(entry).target_language if entry.fields[ResultField.TYPE].startswith(_TRANSLATION) else ""


def targets_of(entry: Entry) -> list[str] | None:
    """The languages that a ``session.targets`` tells; None for every other message."""
    return _head(entry).targets if entry.fields[ResultField.TYPE] == TARGETS else None


def superseded_by(entry: Entry, language: str = "") -> str:
    """The key under which a later message makes this one worthless; empty for what must be delivered.

    Drafts supersede those of their own target ``language`` only.
    """
    kind = entry.fields[ResultField.TYPE]
    if not kind.endswith(b".partial"):
        return ""
    return f"{kind.decode()}:{language}" if language else kind.decode()


def wanted_by(wants: Wants, entries: Iterable[Entry]) -> list[Entry]:
    """The entries without translations that are not wanted."""
    return [entry for entry in entries if not (into := target_language(entry)) or wants(into)]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a late joiner must know, and the offset after which the tail begins.

    ``told`` is the offset that its position tells: one less where the last entry is the session's end.
    """

    text: str
    offset: int
    told: int


class _Translations:
    """Gathers the translations of a snapshot, the newest first."""

    def __init__(self, wants: Wants) -> None:
        self._wants = wants
        self._settled: dict[tuple[str, str], Entry] = {}
        self._drafts: dict[str, Entry | None] = {}

    def add(self, entry: Entry) -> None:
        """Look at a message: of a segment and language the newest final or failed one counts."""
        head = _head(entry)
        if not self._wants(head.target_language):
            return
        key = (head.segment_id, head.target_language)
        if entry.fields[ResultField.TYPE] != _DRAFT:
            self._settled.setdefault(key, entry)
        elif head.target_language not in self._drafts:
            self._drafts[head.target_language] = None if key in self._settled else entry

    def of(self, segments: set[str]) -> list[Entry]:
        """Those of these segments, and the drafts, in order."""
        told = [entry for (segment, _), entry in self._settled.items() if segment in segments]
        told += [entry for entry in self._drafts.values() if entry is not None]
        return sorted(told, key=lambda entry: offset_of(entry.id))


def snapshot(
    session_id: str,
    status: str,
    epoch: str,
    newest_first: Sequence[Entry],
    *,
    complete: bool,
    recovered: bool = True,
    targets: Sequence[str] = (),
    wants: Wants = all_of_them,
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
    translations = _Translations(wants)
    truncated = not complete
    for entry in newest_first:
        kind = entry.fields[ResultField.TYPE]
        if kind == _FINAL:
            if len(finals) == MAX_SNAPSHOT_FINALS:
                truncated = True
                break
            finals.append(splice(epoch, entry))
            final_ids.add(_head(entry).segment_id)
        elif kind == _PARTIAL and partial is None and _head(entry).segment_id not in final_ids:
            partial = splice(epoch, entry)
        elif kind.startswith(_TRANSLATION):
            translations.add(entry)
    head = {
        "position": StreamPosition(epoch, told),
        "session_id": session_id,
        "status": status,
        "recovered": recovered,
        "truncated": truncated,
        "targets": list(targets),
    }
    translated = [splice(epoch, entry) for entry in translations.of(final_ids)]
    return Snapshot(_join(head, finals[::-1], partial, translated), offset, told)


def resumed(session_id: str, status: str, after: StreamPosition, targets: Sequence[str] = ()) -> str:
    """The ``session.snapshot`` for a viewer that missed nothing for good: what it missed follows it."""
    head = {
        "position": after,
        "session_id": session_id,
        "status": status,
        "recovered": True,
        "truncated": False,
        "targets": list(targets),
    }
    return _join(head, [], None, [])


def _join(
    head: dict[str, object], finals: Sequence[str], partial: str | None, translations: Sequence[str]
) -> str:
    begin = msgspec.json.encode({"type": "session.snapshot"} | head).decode()[:-1]
    return (
        f'{begin},"finals":[{",".join(finals)}],"partial":{partial or "null"},'
        f'"translations":[{",".join(translations)}]}}'
    )


def _head(entry: Entry) -> _Head:
    try:
        return _head_decoder.decode(entry.fields[ResultField.DATA])
    except msgspec.DecodeError:
        return _NO_HEAD
