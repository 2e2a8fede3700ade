"""What the lease and the fence promise, as plain data: no Redis, no clock, no chance.

An idle time is one bit here: expired or not. Tokens and entry ids are whatever the real side made.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from dragoman_contracts.streams import SessionKeys, StateField

FENCED, STALE = "fenced", "stale"
EXPIRING = ("state", "results", "record")
"""What people may still read after the end; the rest goes at once."""


@dataclass(frozen=True)
class Step:
    """One step as a worker means it; ``number`` is its own, each event carries it."""

    number: int
    events: tuple[tuple[str, bytes, bool], ...]
    state: bytes
    trim_seq: int
    superseded: tuple[int, ...]
    progressed: bool


@dataclass
class Entry:
    """A session's entry on its shard; no consumer means that nobody was given it."""

    session_id: str
    consumer: str = ""
    count: int = 0
    expired: bool = False


@dataclass
class Session:
    """All that Redis should hold of a session."""

    id: str
    entry_id: str
    ended: bool = False
    record: bool = True
    owner: str = ""
    generation: int = 0
    checkpoint: bytes = b""
    last_step: int = 0
    state: bytes = b""
    offset: int = 0
    results: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    outbox: dict[int, bytes] = field(default_factory=dict)
    audio: list[int] = field(default_factory=list)
    next_seq: int = 1
    trim_seq: int = 0

    def publish(self, token: str, step: Step, expected: bytes, checkpoint: bytes) -> int | str:
        """Do a step of the owner, once: the offset of its last event, or why it is refused."""
        if not token or token != self.owner:
            return FENCED
        if step.number == self.last_step:
            return self.offset
        if expected != self.checkpoint:
            return STALE
        for offset in step.superseded:
            self.results.pop(offset, None)
        for kind, data, to_outbox in step.events:
            self.offset += 1
            self.results[self.offset] = (kind, data)
            if to_outbox:
                self.outbox[self.offset] = data
        self.last_step, self.checkpoint, self.state = step.number, checkpoint, step.state
        self.trim_seq = max(self.trim_seq, step.trim_seq)
        self.audio = [seq for seq in self.audio if seq >= self.trim_seq]
        return self.offset

    def partials(self) -> tuple[int, ...]:
        """Offsets of the partials that are shown."""
        return tuple(offset for offset, (kind, _) in self.results.items() if kind == "transcript.partial")

    def lose(self, what: str) -> None:
        """Redis lost a part of the session."""
        if what == "owner":
            self.owner = ""
        elif what == "outbox":
            self.outbox = {}
        elif what == "audio":
            self.audio = []
        elif what == "record":
            self.record = False
        elif what == "state":
            self.generation, self.checkpoint, self.last_step, self.state, self.offset = 0, b"", 0, b"", 0
        elif what == "results":
            self.results = {}

    def end(self) -> None:
        """Only what may still be read is left, for a while."""
        self.ended, self.owner, self.audio, self.outbox = True, "", [], {}

    def view(self) -> dict[str, object]:
        """In the shape in which the real side is read."""
        state = {StateField.GENERATION: str(self.generation).encode()} if self.generation else {}
        if self.checkpoint:
            state |= {
                StateField.CHECKPOINT: self.checkpoint,
                StateField.OFFSET: str(self.offset).encode(),
                StateField.STATE: self.state,
            }
        status = (b"ended" if self.ended else b"live") if self.record else None
        return {
            "owner": self.owner.encode() or None,
            "state": state,
            "results": [(offset, *event) for offset, event in self.results.items()],
            "outbox": self.outbox,
            "audio": self.audio,
            "status": status,
        }


@dataclass
class Shard:
    """The stream of opened sessions: its group, its entries by id."""

    group: bool = False
    entries: dict[str, Entry] = field(default_factory=dict)

    def claim(self, worker: str, room: int) -> list[tuple[str, int]]:
        """First what expired, then what is new; (session, times delivered) of each."""
        if not self.group:
            self.group = True
            return []
        expired = [entry for entry in self.entries.values() if entry.consumer and entry.expired]
        new = [entry for entry in self.entries.values() if not entry.consumer]
        taken = (expired + new)[:room]
        for entry in taken:
            entry.consumer, entry.expired = worker, False
            entry.count += 1
        return [(entry.session_id, entry.count) for entry in taken]

    def forget_group(self) -> None:
        """All entries are as if never given to anybody."""
        self.group = False
        for entry in self.entries.values():
            entry.consumer, entry.count, entry.expired = "", 0, False

    def view(self) -> dict[str, object]:
        """In the shape in which the real side is read."""
        pending = {
            entry_id: (entry.consumer, entry.count, entry.expired)
            for entry_id, entry in self.entries.items()
            if entry.consumer
        }
        sessions = {entry_id: entry.session_id for entry_id, entry in self.entries.items()}
        return {"entries": sessions, "pending": pending}


class LeaseModel:
    """All shards and sessions."""

    def __init__(self, shards: int) -> None:
        self.shards = [Shard() for _ in range(shards)]
        self.sessions: dict[str, Session] = {}

    def open(self, session_id: str, entry_id: str) -> None:
        """A speaker came."""
        self.sessions[session_id] = Session(session_id, entry_id)
        self.shard_of(session_id).entries[entry_id] = Entry(session_id)

    def shard_of(self, session_id: str) -> Shard:
        """The shard that the session lives on."""
        return self.shards[SessionKeys(session_id, len(self.shards)).shard.shard]

    def live(self) -> list[Session]:
        """Sessions that are opened and not ended."""
        return [session for session in self.sessions.values() if not session.ended]

    def claim(self, worker: str, room: int, unrenewed: Collection[int]) -> list[tuple[str, int]]:
        """Lease up to ``room`` sessions, shard by shard but for those that the worker has yet to renew."""
        claimed: list[tuple[str, int]] = []
        for number, shard in enumerate(self.shards):
            if len(claimed) < room and number not in unrenewed:
                claimed += shard.claim(worker, room - len(claimed))
        return claimed

    def held(self, worker: str, session_id: str, entry_id: str) -> Entry | None:
        """The entry, if it is this worker's now."""
        entry = self.shard_of(session_id).entries.get(entry_id)
        return entry if entry is not None and entry.consumer == worker else None

    def renew(self, worker: str, leases: Sequence[tuple[str, str, bool]]) -> list[bool]:
        """For each (session, entry, progressed): whether it is kept."""
        kept = []
        for session_id, entry_id, progressed in leases:
            entry = self.held(worker, session_id, entry_id)
            if entry is not None:
                entry.expired = False
                entry.count = 1 if progressed else entry.count
            kept.append(entry is not None)
        return kept

    def hand_over(self, worker: str, session_id: str, entry_id: str) -> bool:
        """Expire one's own lease; no failure counts."""
        entry = self.held(worker, session_id, entry_id)
        if entry is not None:
            entry.expired, entry.count = True, 0
        return entry is not None

    def end(self, session_id: str, entry_id: str) -> None:
        """The session's lease goes with it."""
        self.shard_of(session_id).entries.pop(entry_id, None)
        self.sessions[session_id].end()

    def view(self) -> Mapping[str, object]:
        """Everything, in the shape in which the real side is read."""
        return {
            **{f"shard {number}": shard.view() for number, shard in enumerate(self.shards)},
            **{session.id: session.view() for session in self.sessions.values()},
        }
