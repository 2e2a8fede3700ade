"""The session lease: one worker owns a session, and only the owner publishes for it.

Liveness comes from a consumer group on the shard's stream of opened sessions: claiming an entry is the
lease, renewing it keeps the entry from looking idle, XAUTOCLAIM takes over what a dead worker left.
Correctness comes from the fence: every publish carries the owner's token and the checkpoint it builds on,
checked by Redis in the same atomic step
(Kleppmann 2016, https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html).
A worker that slept through its lease finds out at its next publish and drops the session.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dragoman_contracts.envelope import Envelope, EnvelopeInvalid
from dragoman_contracts.errors import BusUnavailable, DragomanError, Fenced
from dragoman_contracts.events import AudioSessionOpened, parse_event, to_envelope
from dragoman_contracts.streams import GROUP_AUDIO_PIPELINE, SessionKeys, ShardKeys, dead_letter_stream
from dragoman_runtime.broker.base import Delivery, Fields, GroupMissing
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.broker.scripts import Argument, Script, ScriptRefused, TickScripts
from dragoman_runtime.dead_letters import DEAD_LETTERS, dead_letter_fields

_LUA = Path(__file__).parent / "lua"
_ACTIVATE = Script.load(_LUA / "activate_session.lua")
_RENEW = Script.load(_LUA / "renew_leases.lua")
_HAND_OVER = Script.load(_LUA / "hand_over_lease.lua")
_PUBLISH = Script.load(_LUA / "publish_results.lua")
_CLOSE = Script.load(_LUA / "close_session.lua")
_VERIFY = Script.load(_LUA / "verify_session.lua")
_BURY = Script.load(_LUA / "bury_session.lua")


@dataclass(slots=True, eq=False)
class SessionLease:
    """A session that this worker owns, as long as its token is the one in Redis.

    ``checkpoint`` is what the next publish builds on, ``state`` the worker's own memory of the session and
    ``ledger`` its accounts, both as last written; ``generation`` counts the owners so far.
    """

    opened: AudioSessionOpened
    keys: SessionKeys
    entry_id: str
    times_delivered: int
    traceparent: str = ""
    token: str = ""
    generation: int = 0
    checkpoint: bytes = b""
    state: bytes = b""
    ledger: bytes = b""
    offset: int = 0
    outbox: dict[int, bytes] = field(default_factory=dict)
    steps: int = 0
    progressed: bool = False

    @property
    def session_id(self) -> str:
        """The session's id."""
        return self.opened.session_id


@dataclass(frozen=True, slots=True)
class ResultEvent:
    """One message for the results stream; ``to_outbox`` records it for what follows from it, ``traceparent``
    goes with it if its way is traced."""

    type: str
    data: bytes
    to_outbox: bool = False
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class ResultBatch:
    """What one fenced step writes.

    ``trim_before`` is the audio entry id before which nothing is needed again; ``superseded`` the offsets of
    partials that these events replace; ``progressed`` tells that the session got further, so that its next
    takeover counts as the first again.
    """

    events: Sequence[ResultEvent] = ()
    state: Mapping[str | bytes, Argument] = field(default_factory=dict)
    trim_before: str = ""
    superseded: Sequence[int] = ()
    progressed: bool = False


class SessionLeases:
    """Claims, keeps, uses and gives back leases for one worker.

    Args:
        broker: the bus; all shards of a worker must be reachable through it.
        worker: unique name of this process as a consumer.
        profile: which sessions to lease: mock, cpu, gpu or npu.
        shards: number of shards that sessions are placed on.
        lease_ms: how long a silent worker keeps its sessions.
        max_deliveries: a session that was taken over this often without progress is dead-lettered.

    """

    def __init__(
        self,
        broker: RedisBroker,
        *,
        worker: str,
        profile: str,
        shards: int,
        lease_ms: int,
        max_deliveries: int = 3,
    ) -> None:
        self._broker = broker
        self._scripts = TickScripts(broker)
        self._worker = worker
        self._shards = shards
        self._streams = [ShardKeys(shard).sessions(profile) for shard in range(shards)]
        self._lease_ms = lease_ms
        # Streams whose leases could not be renewed the last time, and those that were away just now.
        self._unrenewed: set[str] = set()
        self._takeover_after: dict[str, float] = {}
        self._max_deliveries = max_deliveries

    # --- claim, keep, give back --------------------------------------------------------------------------

    async def claim(self, room: int, *, stale: bool = True, new: bool = True) -> list[SessionLease]:
        """Lease up to ``room`` sessions: first what dead workers left (``stale``), then what is ``new``."""
        leases: list[SessionLease] = []
        away: list[BusUnavailable] = []
        for stream in self._streams:
            # Before its leases are renewed they may look like those of a dead worker: our own.
            if len(leases) >= room or stream in self._unrenewed:
                continue
            looks_stale = stale and time.monotonic() >= self._takeover_after.get(stream, 0.0)
            try:
                leases += await self._claim_from(stream, room - len(leases), stale=looks_stale, new=new)
            except BusUnavailable as error:
                # Of a cluster, the masters of other shards may be there. All leases of this one look old
                # when its master is back; those that live are renewed within half a lease.
                away.append(error)
                self._takeover_after[stream] = time.monotonic() + self._lease_ms / 1000
        if len(away) == len(self._streams):
            raise away[0]
        return leases

    async def _claim_from(self, stream: str, room: int, *, stale: bool, new: bool) -> list[SessionLease]:
        found: list[Delivery] = []
        try:
            if stale:
                found = await self._broker.claim_stale(
                    stream, GROUP_AUDIO_PIPELINE, self._worker, self._lease_ms, room
                )
            if new and len(found) < room:
                found += await self._broker.read_group(
                    stream, GROUP_AUDIO_PIPELINE, self._worker, room - len(found)
                )
        except GroupMissing:
            # At the first start, and after Redis was wiped.
            await self._broker.ensure_group(stream, GROUP_AUDIO_PIPELINE)
            return []
        leases = [await self._lease(delivery) for delivery in found]
        return [lease for lease in leases if lease is not None]

    async def _lease(self, delivery: Delivery) -> SessionLease | None:
        try:
            envelope = Envelope.from_fields(delivery.fields)
            opened = parse_event(envelope)
            if not isinstance(opened, AudioSessionOpened):
                raise EnvelopeInvalid(f"{envelope.type} does not belong on {delivery.stream}")
        except EnvelopeInvalid as error:
            told = self._dead_letter(
                delivery.id, delivery.fields, error.message, deliveries=delivery.times_delivered
            )
            await self._broker.publish(dead_letter_stream(delivery.stream), told)
            DEAD_LETTERS.labels(delivery.stream).inc()
            await self._broker.ack(delivery.stream, GROUP_AUDIO_PIPELINE, [delivery.id], delete=True)
            return None
        return SessionLease(
            opened=opened,
            keys=SessionKeys(opened.session_id, self._shards),
            entry_id=delivery.id,
            times_delivered=delivery.times_delivered,
            traceparent=envelope.traceparent,
        )

    def is_poison(self, lease: SessionLease) -> bool:
        """Whether the session was taken over too often without getting any further."""
        return lease.times_delivered > self._max_deliveries

    def _dead_letter(self, entry_id: str, fields: Fields, reason: str, *, deliveries: int) -> Fields:
        return dead_letter_fields(
            fields,
            reason=reason,
            entry_id=entry_id,
            group=GROUP_AUDIO_PIPELINE,
            consumer=self._worker,
            deliveries=deliveries,
        )

    async def activate(self, lease: SessionLease) -> None:
        """Become the owner: from here on every other holder of the session is fenced.

        Raises:
            Fenced: another worker has taken the lease since it was claimed.

        """
        keys = lease.keys
        token = uuid.uuid4().hex
        try:
            reply = await self._scripts.run(
                _ACTIVATE,
                (keys.owner, keys.state, keys.outbox, self._stream_of(lease), keys.results),
                (token, GROUP_AUDIO_PIPELINE, self._worker, lease.entry_id),
            )
        except GroupMissing:
            raise Fenced("the lease is gone with all that Redis had") from None
        except ScriptRefused as error:
            raise _lost(error) from None
        lease.token = token
        lease.generation, lease.checkpoint, lease.state, lease.offset, lease.ledger, outbox = reply
        pairs = iter(outbox)
        lease.outbox = {int(offset): data for offset, data in zip(pairs, pairs, strict=True)}

    async def renew(self, leases: Sequence[SessionLease]) -> list[SessionLease]:
        """Renew; returns the leases that are lost. Due every quarter of the lease."""
        lost: list[SessionLease] = []
        by_stream: dict[str, list[SessionLease]] = {}
        for lease in leases:
            by_stream.setdefault(self._stream_of(lease), []).append(lease)
        outcomes = await asyncio.gather(
            *(self._renew_in(stream, members) for stream, members in by_stream.items()),
            return_exceptions=True,
        )
        away = [error for error in outcomes if isinstance(error, BusUnavailable)]
        self._unrenewed = {
            stream
            for stream, outcome in zip(by_stream, outcomes, strict=True)
            if isinstance(outcome, BusUnavailable)
        }
        if away and len(away) == len(outcomes):
            raise away[0]
        for outcome in outcomes:
            if isinstance(outcome, list):
                lost += outcome
            elif not isinstance(outcome, BusUnavailable):
                raise outcome
        return lost

    async def _renew_in(self, stream: str, members: Sequence[SessionLease]) -> list[SessionLease]:
        arguments: list[Argument] = [GROUP_AUDIO_PIPELINE, self._worker]
        for lease in members:
            arguments += [lease.entry_id, int(lease.progressed)]
        try:
            kept = {entry_id.decode() for entry_id in await self._scripts.run(_RENEW, (stream,), arguments)}
        except GroupMissing:
            kept = set()  # Redis was wiped, the leases with it
        for lease in members:
            if lease.progressed:
                lease.progressed, lease.times_delivered = False, 1
        return [lease for lease in members if lease.entry_id not in kept]

    async def hand_over(self, lease: SessionLease) -> bool:
        """Let another worker take the session over at once; whether it was still ours."""
        arguments = (GROUP_AUDIO_PIPELINE, self._worker, lease.entry_id, self._lease_ms)
        try:
            return bool(await self._scripts.run(_HAND_OVER, (self._stream_of(lease),), arguments))
        except GroupMissing:
            return False

    def _stream_of(self, lease: SessionLease) -> str:
        return lease.keys.shard.sessions(lease.opened.profile)

    # --- under the fence ---------------------------------------------------------------------------------

    async def publish(self, lease: SessionLease, batch: ResultBatch) -> int:
        """Write results and state in one atomic step; the offset of the last event.

        Each step moves the session to a checkpoint of its own. So a step whose reply was lost can be
        repeated: Redis finds the session at that checkpoint already and answers as it did before.

        Raises:
            Fenced: another worker owns the session, or its state is not the one that this step builds on.
            BusUnavailable: Redis is away; repeat the same step.

        """
        keys = lease.keys
        # Named by the token, not by the generation: a Redis that lost the state counts generations anew.
        checkpoint = f"{lease.token}.{lease.steps + 1}".encode()
        superseded = " ".join(map(str, batch.superseded))
        arguments: list[Argument] = [
            *(lease.token, lease.checkpoint, checkpoint, _now_ms(), batch.trim_before, superseded),
            len(batch.state),
        ]
        for name, value in batch.state.items():
            arguments += (name, value)
        for event in batch.events:
            arguments += (event.type, event.data, int(event.to_outbox), event.traceparent)
        offset = await self._fenced(
            _PUBLISH, (keys.owner, keys.state, keys.results, keys.audio, keys.outbox), arguments
        )
        lease.steps += 1
        lease.checkpoint = checkpoint
        lease.progressed |= batch.progressed
        lease.offset = offset
        return offset

    async def verify(self, lease: SessionLease, position: str, total_bytes: str) -> None:
        """Make sure that Redis still has what this worker builds on; not while a publish is under way.

        Args:
            lease: the session.
            position: the audio entry that was read last; empty if none was since the activation.
            total_bytes: what that entry told as the session's bytes.

        Raises:
            Fenced: another worker owns the session, or Redis has lost some of its past.

        """
        keys = lease.keys
        await self._fenced(
            _VERIFY,
            (keys.owner, keys.state, keys.audio),
            (lease.token, lease.checkpoint, position, total_bytes),
        )

    async def bury(
        self,
        lease: SessionLease,
        reason: str,
        *,
        events: Sequence[ResultEvent],
        ledger: bytes,
        last_audio: str,
        retention_s: int,
    ) -> bool:
        """Give the session up: publish its last events, keep it among the dead letters, end it.

        Its audio and its state stay for ``retention_s``, so that a retry can go on from the checkpoint.

        Args:
            lease: the session, activated.
            reason: for whoever looks at the dead letters.
            events: told to its viewers.
            ledger: its last accounts.
            last_audio: the audio entry that these accounts go up to; empty for none.
            retention_s: how long what is kept can be retried.

        Returns:
            False if audio has come behind ``last_audio``: count it and try again.

        Raises:
            Fenced: another worker owns the session.

        """
        keys, stream = lease.keys, self._stream_of(lease)
        dead = dead_letter_stream(stream)
        opened = to_envelope(
            lease.opened, source="/audio-worker", subject=lease.session_id, traceparent=lease.traceparent
        )
        fields = self._dead_letter(
            lease.entry_id, opened.to_fields(), reason, deliveries=lease.times_delivered
        )
        arguments: list[Argument] = [
            lease.token,
            GROUP_AUDIO_PIPELINE,
            lease.entry_id,
            _now_ms(),
            retention_s,
        ]
        arguments += [last_audio, ledger, len(fields)]
        for pair in fields.items():
            arguments += pair
        for event in events:
            arguments += (event.type, event.data)
        try:
            await self._fenced(
                _BURY,
                (keys.owner, keys.state, keys.results, keys.audio, keys.outbox, keys.record, stream, dead),
                arguments,
            )
        except ScriptRefused as error:
            if error.reason != "CHANGED":
                raise
            return False
        DEAD_LETTERS.labels(stream).inc()
        return True

    async def end(self, lease: SessionLease, *, retention_s: int) -> None:
        """Remove the session's lease, audio and owner; results and record expire after ``retention_s``.

        Raises:
            Fenced: another worker owns the session.

        """
        keys = lease.keys
        stream = self._stream_of(lease)
        await self._fenced(
            _CLOSE,
            (keys.owner, keys.state, keys.results, keys.audio, keys.outbox, keys.record, stream),
            (lease.token, GROUP_AUDIO_PIPELINE, lease.entry_id, _now_ms(), retention_s),
        )

    async def _fenced(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> int:
        try:
            return int(await self._scripts.run(script, keys, arguments))
        except ScriptRefused as error:
            raise _lost(error) from None


def _lost(error: ScriptRefused) -> DragomanError:
    """What a script's refusal means for whoever holds the session."""
    if error.reason in ("FENCED", "STALE"):
        return Fenced(f"the session is not ours any more ({error.reason.lower()})")
    return error


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
