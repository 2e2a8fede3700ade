"""Dead letters: what could not be handled, kept beside the stream that it came from until somebody decides.

A dead letter is the entry as it was, with ``DeadLetterField`` added. A retry puts it back without them. A
session that was given up keeps its audio and state as long as its results can be read, so its retry goes on
from its checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import Counter

from dragoman_contracts.envelope import Envelope, EnvelopeInvalid
from dragoman_contracts.errors import Conflict, NotFound
from dragoman_contracts.events import AudioSessionOpened, parse_event
from dragoman_contracts.streams import (
    CONTROL_STREAMS,
    DeadLetterField,
    SessionKeys,
    ShardKeys,
    dead_letter_stream,
)
from dragoman_runtime.broker.base import BusRejected, Entry, Fields, id_parts
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.broker.scripts import Script, ScriptRefused, TickScripts

DEAD_LETTERS = Counter("dragoman_dead_letters_total", "Entries that became dead letters.", ["stream"])
RETRIED = "retried"
"""Reason of the end of a retried session whose speaker never ended it."""

_LUA = Path(__file__).parent / "lua"
_RETRY_SESSION = Script.load(_LUA / "retry_session.lua")
_RETRY_EVENT = Script.load(_LUA / "retry_event.lua")
_DROP_SESSION = Script.load(_LUA / "drop_session.lua")
_PAGE = 500


def dead_letter_fields(
    fields: Fields, *, reason: str, entry_id: str, group: str, consumer: str, deliveries: int
) -> dict[bytes, bytes]:
    """The entry of a dead letter; ``reason`` is shown to operators and must not quote the content."""
    return {
        **fields,
        DeadLetterField.REASON: reason.encode(),
        DeadLetterField.ENTRY: entry_id.encode(),
        DeadLetterField.GROUP: group.encode(),
        DeadLetterField.CONSUMER: consumer.encode(),
        DeadLetterField.DELIVERIES: str(deliveries).encode(),
    }


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter; ``id`` counts on the dead-letter stream and begins with the unix ms of its death.

    ``session_id`` is set where it opened a session.
    """

    id: str
    stream: str
    fields: Mapping[bytes, bytes]
    session_id: str = ""

    @classmethod
    def read(cls, stream: str, entry: Entry) -> DeadLetter:
        """From an entry of the dead-letter stream of ``stream``."""
        session_id = ""
        try:
            event = parse_event(Envelope.from_fields(entry.fields))
            if isinstance(event, AudioSessionOpened) and stream.endswith(f":sessions:{event.profile}"):
                session_id = event.session_id
        except EnvelopeInvalid:
            pass  # which may be why it is dead
        return cls(entry.id, stream, entry.fields, session_id)

    def text(self, field: bytes) -> str:
        """One field as text; empty where it is missing."""
        return self.fields.get(field, b"").decode(errors="replace")

    @property
    def entry(self) -> Fields:
        """The entry as it was before it died."""
        prefix = DeadLetterField.PREFIX
        return {name: value for name, value in self.fields.items() if not name.startswith(prefix)}

    @property
    def died_ms(self) -> int:
        """When it was given up, unix ms."""
        return id_parts(self.id)[0]

    @property
    def type(self) -> str:
        """The event's type."""
        return self.text(b"ce_type")

    @property
    def subject(self) -> str:
        """What the event is about: a session or bot."""
        return self.text(b"ce_subject")

    @property
    def reason(self) -> str:
        """Why it was given up."""
        return self.text(DeadLetterField.REASON)

    @property
    def deliveries(self) -> int:
        """How often it was tried."""
        digits = self.text(DeadLetterField.DELIVERIES)
        return int(digits) if digits.isdigit() else 0


class DeadLetters:
    """The dead letters of one Redis. Every method raises ``BusUnavailable`` while Redis is away.

    Args:
        broker: the bus.
        shards: number of shards that sessions are placed on.
        profiles: whose sessions are looked at.

    """

    def __init__(self, broker: RedisBroker, *, shards: int, profiles: Sequence[str]) -> None:
        self._broker = broker
        self._scripts = TickScripts(broker)
        self._shards = shards
        self._streams = [
            *CONTROL_STREAMS,
            *(ShardKeys(shard).sessions(profile) for shard in range(shards) for profile in profiles),
        ]

    async def counts(self) -> dict[str, int]:
        """Number of dead letters of each stream that may have any."""
        replies = await self._broker.ask([("XLEN", dead_letter_stream(stream)) for stream in self._streams])
        return dict(zip(self._streams, map(int, replies), strict=True))

    async def all(self) -> list[DeadLetter]:
        """All dead letters, the oldest first."""
        letters = []
        for stream, count in (await self.counts()).items():
            if count:
                letters += await self._of(stream)
        return sorted(letters, key=lambda letter: id_parts(letter.id))

    async def _of(self, stream: str) -> list[DeadLetter]:
        letters: list[DeadLetter] = []
        start = "-"
        while True:
            (rows,) = await self._broker.ask(
                [("XRANGE", dead_letter_stream(stream), start, "+", "COUNT", _PAGE)]
            )
            entries = [
                Entry(row[0].decode(), dict(zip(row[1][::2], row[1][1::2], strict=True))) for row in rows
            ]
            letters += [DeadLetter.read(stream, entry) for entry in entries]
            if len(entries) < _PAGE:
                return letters
            start = f"({entries[-1].id}"

    async def find(self, entry_id: str, stream: str = "") -> DeadLetter:
        """The dead letter with this id; ``stream`` tells which, where two streams have one.

        Raises:
            NotFound: there is none.
            Conflict: there are several.

        """
        found = [one for one in await self.all() if one.id == entry_id and stream in {"", one.stream}]
        if not found:
            raise NotFound(
                f"there is no dead letter {entry_id}",
                remedy="'dragoman dead-letters list' shows all of them.",
            )
        if len(found) > 1:
            raise Conflict(
                f"{len(found)} streams have a dead letter {entry_id}",
                remedy=f"Name one with --stream: {', '.join(one.stream for one in found)}.",
            )
        return found[0]

    async def keeps_audio(self, letter: DeadLetter) -> bool:
        """Whether the audio of a given-up session is still there."""
        keys = SessionKeys(letter.session_id, self._shards)
        audio, record = await self._broker.ask([("EXISTS", keys.audio), ("EXISTS", keys.record)])
        return bool(audio and record)

    async def retry(self, letter: DeadLetter) -> str:
        """Put it back on its stream and remove it; its new id there.

        In one atomic step, but for a control stream on a cluster: there, if this process dies in between, the
        event is on both, and its readers know a repeated ``ce_id``.

        Raises:
            NotFound: it is gone.
            Conflict: it is a session that runs, or whose audio has expired.

        """
        dead = dead_letter_stream(letter.stream)
        entry = [part for pair in letter.entry.items() for part in pair]
        try:
            if letter.session_id:
                keys = SessionKeys(letter.session_id, self._shards)
                used = (dead, letter.stream, keys.record, keys.state, keys.results, keys.audio, keys.outbox)
                new_id = await self._scripts.run(_RETRY_SESSION, used, (letter.id, RETRIED, *entry))
            else:
                new_id = await self._scripts.run(_RETRY_EVENT, (dead, letter.stream), (letter.id, *entry))
        except ScriptRefused as error:
            if error.reason == "CROSSSLOT":
                return await self._move(letter)
            raise _refusal(letter, error) from None
        return str(new_id.decode())

    async def _move(self, letter: DeadLetter) -> str:
        """Copy, then remove: the way on a cluster, where a control stream and its dead are in two slots."""
        new_id = await self._broker.publish(letter.stream, letter.entry)
        await self._broker.delete(dead_letter_stream(letter.stream), [letter.id])
        return new_id

    async def drop(self, letter: DeadLetter) -> None:
        """Forget it, and with a session the audio that was kept for a retry.

        Raises:
            NotFound: it is gone.

        """
        dead = dead_letter_stream(letter.stream)
        if letter.session_id:
            keys = SessionKeys(letter.session_id, self._shards)
            used = (dead, keys.record, keys.audio, keys.outbox)
            dropped = await self._scripts.run(_DROP_SESSION, used, (letter.id,))
        else:
            dropped = await self._broker.delete(dead, [letter.id])
        if not dropped:
            raise _gone(letter)


def _gone(letter: DeadLetter) -> NotFound:
    return NotFound(
        f"the dead letter {letter.id} is gone",
        remedy="Somebody else retried or dropped it; 'dragoman dead-letters list' shows what is left.",
    )


def _refusal(letter: DeadLetter, error: ScriptRefused) -> NotFound | Conflict | BusRejected:
    if error.reason == "GONE":
        return _gone(letter)
    if error.reason == "EXPIRED":
        return Conflict(
            f"the audio of session {letter.session_id} has expired; there is nothing to transcribe",
            remedy=f"Remove it: dragoman dead-letters drop {letter.id}",
        )
    if error.reason == "RUNNING":
        return Conflict(
            f"session {letter.session_id} is running",
            remedy="Wait for its end; if this dead letter is an old one, drop it.",
        )
    return error
