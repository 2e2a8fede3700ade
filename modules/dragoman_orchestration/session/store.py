"""Sessions in Redis: create, open, end, read. What must be atomic is a Lua script in ``lua/``.

All keys of a session share the slot of its shard, so each script touches one slot only.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import resources
from typing import TYPE_CHECKING, Any

import msgspec
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from dragoman_contracts.errors import Conflict, Fenced, LimitExceeded, NotFound, SessionEnded
from dragoman_contracts.events import AudioSessionOpened, to_envelope
from dragoman_contracts.streams import (
    AudioField,
    RecordField,
    ResultField,
    SessionKeys,
    ShardKeys,
    StateField,
)
from dragoman_contracts.websocket import (
    Ledger,
    SessionConfigure,
    SessionEndedMessage,
    SessionOptions,
)
from dragoman_orchestration.session.lifecycle import Status
from dragoman_orchestration.session.model import (
    Cursor,
    Limits,
    Opened,
    Page,
    Progress,
    SessionRecord,
    encode_format,
)
from dragoman_runtime.broker.redis import RedisBroker, bus_error

if TYPE_CHECKING:
    from redis.asyncio import Redis

UNOPENED_TTL_S = 3600
"""A session that no speaker opens is forgotten after this."""
KEEP_ENDED_S = 86_400
"""How long the results of a session that never had audio can be read."""
SOURCE = "/dragoman/api"
MAX_CONCURRENT = 32
"""Commands under way at once; fewer than the client has connections."""
_PAGE = 500
_CHUNK = 100

_ledger_decoder = msgspec.json.Decoder(Ledger)


def now_ms() -> int:
    """Unix time in ms."""
    return time.time_ns() // 1_000_000


class SessionStore:
    """The sessions of one Redis. Every method raises ``BusUnavailable`` while Redis is away."""

    def __init__(self, client: Redis, *, shards: int = 1, keep_unopened_s: int = UNOPENED_TTL_S) -> None:
        # Any: redis-py types a reply as the union of everything that any client could answer.
        self._client: Any = client
        self._wire = RedisBroker(client)
        self._turns = asyncio.Semaphore(MAX_CONCURRENT)
        self._shards = shards
        self._keep_unopened_s = keep_unopened_s
        self._create = _script(client, "create_session")
        self._open = _script(client, "open_session")
        self._end = _script(client, "end_session")
        self._touch = _script(client, "touch_session")

    def keys(self, session_id: str) -> SessionKeys:
        """The session's keys."""
        return SessionKeys(session_id, self._shards)

    async def create(
        self, options: SessionOptions, *, profile: str, owner_key: str, limits: Limits
    ) -> SessionRecord:
        """Make a session.

        Raises:
            LimitExceeded: there are as many sessions as there may be, in all or of this key.

        """
        record = SessionRecord(
            id=uuid.uuid4().hex,
            status=Status.CREATED,
            profile=profile,
            created_ms=now_ms(),
            owner_key=owner_key,
            results_epoch=uuid.uuid4().hex[:12],
            options=options,
        )
        keys = self.keys(record.id)
        shard = keys.shard
        async with self._turn():
            others = await self._count_elsewhere(shard, owner_key)
            verdict = await self._create(
                keys=[keys.record, shard.index, shard.active, shard.active_of(owner_key)],
                args=[
                    record.id,
                    record.created_ms,
                    limits.sessions,
                    limits.sessions_per_key,
                    *others,
                    self._keep_unopened_s,
                    f"{{{shard.shard}}}:",
                    *_flat(_record_fields(record)),
                ],
            )
        if verdict != b"created":
            whose = "of this key" if verdict == b"limit_of_key" else "of this server"
            raise LimitExceeded(
                f"the number of sessions {whose} is at its limit",
                remedy="End sessions that are no longer needed, or try again later.",
            )
        return record

    async def get(self, session_id: str) -> SessionRecord:
        """The session.

        Raises:
            NotFound: there is no such session.

        """
        async with self._turn():
            fields = await self._client.hgetall(self.keys(session_id).record)
        if RecordField.STATUS not in fields:
            raise NotFound("there is no such session, or it ended long ago")
        return SessionRecord.read(session_id, fields)

    async def newest(self, *, limit: int, before: Cursor | None = None) -> Page:
        """The newest sessions first, at most ``limit``, beginning after ``before`` in that order."""
        shards = [ShardKeys(number) for number in range(self._shards)]
        top: str | int = "+inf" if before is None else before.created_ms
        async with self._turn():
            # Sessions of the cursor's own millisecond are fetched again and left out by their id.
            ties = [0] * len(shards)
            if before is not None:
                pipe = self._client.pipeline(transaction=False)
                for shard in shards:
                    pipe.zcount(shard.index, top, top)
                ties = await pipe.execute()
            pipe = self._client.pipeline(transaction=False)
            for shard, tied in zip(shards, ties, strict=True):
                pipe.zrevrangebyscore(shard.index, top, "-inf", 0, limit + tied, withscores=True)
            found = [
                (Cursor(int(score), member.decode()), shard)
                for shard, members in zip(shards, await pipe.execute(), strict=True)
                for member, score in members
            ]
            wanted = [item for item in found if before is None or item[0] < before]
            latest = sorted(wanted, key=lambda item: item[0], reverse=True)[:limit]
            records = await self._records([cursor.session_id for cursor, _ in latest])
            await self._forget([item for item, record in zip(latest, records, strict=True) if record is None])
        # A page may be shorter where sessions have expired, and is still not the last one.
        return Page(
            [one for one in records if one is not None], latest[-1][0] if len(latest) == limit else None
        )

    async def silent_since(self, limit_ms: int) -> list[str]:
        """Ids of live sessions that no speaker was connected to for ``limit_ms``."""
        async with self._turn():
            pipe = self._client.pipeline(transaction=False)
            for shard in range(self._shards):
                pipe.zrange(ShardKeys(shard).active, 0, -1)
            ids = [member.decode() for members in await pipe.execute() for member in members]
        oldest = now_ms() - limit_ms
        silent = []
        for start in range(0, len(ids), _CHUNK):
            # In chunks, so that live audio is not kept waiting by a thousand replies at once.
            chunk = ids[start : start + _CHUNK]
            async with self._turn():
                replies = await self._wire.exchange(
                    [
                        ("HMGET", self.keys(one).record, RecordField.STATUS, RecordField.SEEN_MS)
                        for one in chunk
                    ]
                )
            silent += [
                session_id
                for session_id, (status, seen_ms) in zip(chunk, replies, strict=True)
                if status == Status.LIVE.encode() and int(seen_ms or 0) < oldest
            ]
        return silent

    async def open(
        self, record: SessionRecord, configure: SessionConfigure, *, traceparent: str = ""
    ) -> Opened:
        """A speaker connects; whoever spoke before is fenced from now on.

        Audio between what Redis has and ``configure.resume_from_bytes`` is lost: ``received_bytes`` of the
        answer counts it, and the worker makes it a gap.

        Raises:
            NotFound: the session is gone.
            SessionEnded: it takes no more audio.
            Conflict: its audio is of another format.

        """
        keys = self.keys(record.id)
        options = configure.options or record.options
        event = AudioSessionOpened(
            session_id=record.id, profile=record.profile, options=msgspec.to_builtins(options)
        )
        envelope = to_envelope(event, source=SOURCE, subject=record.id, traceparent=traceparent)
        async with self._turn():
            answer = await self._open(
                keys=[keys.record, keys.audio, keys.state, keys.shard.sessions(record.profile)],
                args=[
                    now_ms(),
                    encode_format(configure.audio),
                    msgspec.json.encode(configure),
                    msgspec.json.encode(options) if configure.options else b"",
                    configure.resume_from_bytes or 0,
                    *_flat(envelope.to_fields()),
                ],
            )
        match answer:
            case [b"opened", epoch, received_bytes, resumed]:
                return Opened(int(epoch), int(received_bytes), bool(resumed))
            case [b"ended", status]:
                raise SessionEnded(f"the session is {status.decode()} and takes no more audio")
            case [b"format", known]:
                raise Conflict(
                    f"the session's audio is {known.decode()}",
                    remedy="Send the format of the first connection, or create a new session.",
                )
        raise NotFound("there is no such session, or it ended long ago")

    async def end(self, session_id: str, reason: str, *, epoch: int | None = None, seq: int = 0) -> Status:
        """No more audio; with ``epoch`` and ``seq`` as the speaker's last entry, else fencing the speaker.

        Returns ``ending`` while the worker transcribes what there is, ``ended`` if there was nothing.

        Raises:
            NotFound: there is no such session.
            Fenced: ``epoch`` is not the current one.

        """
        record = await self.get(session_id)
        keys = self.keys(session_id)
        ended = SessionEndedMessage(reason=reason, ledger=Ledger())
        async with self._turn():
            answer = await self._end(
                keys=[
                    keys.record,
                    keys.audio,
                    keys.results,
                    keys.state,
                    keys.shard.active,
                    keys.shard.active_of(record.owner_key),
                ],
                args=[
                    session_id,
                    now_ms(),
                    reason,
                    "" if epoch is None else epoch,
                    seq,
                    KEEP_ENDED_S,
                    msgspec.json.encode(ended),
                ],
            )
        match answer:
            case [b"ok", status]:
                return Status(status.decode())
            case [b"fenced"]:
                raise Fenced("another connection speaks for this session")
        raise NotFound("there is no such session, or it ended long ago")

    async def touch(self, session_ids: Sequence[str]) -> None:
        """Note that these sessions have a speaker connected now."""
        now = now_ms()
        async with self._turn():
            for session_id in session_ids:
                await self._touch(keys=[self.keys(session_id).record], args=[now])

    async def forget_audio(self, session_id: str) -> None:
        """Remove audio that came when the session had ended: nobody will read or expire it."""
        async with self._turn():
            await self._client.unlink(self.keys(session_id).audio)

    async def progress(self, session_ids: Sequence[str]) -> list[Progress]:
        """How far each session is; one pipelined round trip."""
        commands: list[tuple[Any, ...]] = []
        for session_id in session_ids:
            keys = self.keys(session_id)
            commands.append(("HMGET", keys.record, *Progress.RECORD_FIELDS))
            commands.append(("HMGET", keys.state, *Progress.STATE_FIELDS))
        # Every live session twice a second: the raw exchange costs half of redis-py's pipeline.
        async with self._turn():
            replies = iter(await self._wire.exchange(commands))
        return [Progress.read(record, state) for record, state in zip(replies, replies, strict=True)]

    async def stored_bytes(self, session_id: str) -> int:
        """Bytes of audio that Redis has of this session, read or unread.

        After a restart of Redis it may be less than what was acknowledged: that much has been lost.
        """
        keys = self.keys(session_id)
        async with self._turn():
            last = await self._client.xrevrange(keys.audio, count=1)
            consumed = await self._client.hget(keys.state, StateField.CONSUMED_BYTES.decode())
        written = int(last[0][1].get(AudioField.BYTES_TOTAL, 0)) if last else 0
        return max(written, int(consumed or 0))

    async def finals(self, session_id: str) -> list[bytes]:
        """The JSON messages of all final segments, in order."""
        finals = []
        start = "-"
        while True:
            async with self._turn():
                page = await self._client.xrange(self.keys(session_id).results, min=start, count=_PAGE)
            finals += [
                fields[ResultField.DATA]
                for _, fields in page
                if fields.get(ResultField.TYPE) == b"transcript.final"
            ]
            if len(page) < _PAGE:
                return finals
            start = f"({page[-1][0].decode()}"

    async def ledger(self, record: SessionRecord) -> Ledger:
        """The worker's sums, and as pending what it has not seen yet."""
        async with self._turn():
            raw = await self._client.hget(self.keys(record.id).state, StateField.LEDGER.decode())
        known = _ledger_decoder.decode(raw) if raw else Ledger()
        if record.format is None or not record.format.is_pcm or record.status is Status.ENDED:
            return known
        received = record.format.duration_ms(await self.stored_bytes(record.id))
        unseen = max(0, received - known.received_ms)
        return msgspec.structs.replace(
            known, received_ms=known.received_ms + unseen, pending_ms=known.pending_ms + unseen
        )

    async def trimmed_offset(self, session_id: str) -> int:
        """Results up to this offset may have been trimmed; 0 where all of them are there."""
        async with self._turn():
            raw = await self._client.hget(self.keys(session_id).state, StateField.TRIMMED_OFFSET.decode())
        return int(raw or 0)

    async def server_run(self) -> str:
        """Names this run of the Redis server; it changes with a restart, which may lose writes."""
        async with self._turn():
            info = await self._client.info("server")
        return str(info.get("run_id", ""))[:8]

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait for a turn, and tell redis-py's errors as the contract's.

        Hundreds of clients that reconnect at once would otherwise ask for more connections than the pool has,
        which it answers with an error. An error's own text may hold the URL with its password.
        """
        async with self._turns:
            try:
                yield
            except (RedisError, OSError) as error:
                raise bus_error(error) from None

    async def _records(self, session_ids: Sequence[str]) -> list[SessionRecord | None]:
        pipe = self._client.pipeline(transaction=False)
        for session_id in session_ids:
            pipe.hgetall(self.keys(session_id).record)
        replies = await pipe.execute() if session_ids else []
        return [
            SessionRecord.read(session_id, fields) if RecordField.STATUS in fields else None
            for session_id, fields in zip(session_ids, replies, strict=True)
        ]

    async def _forget(self, gone: Sequence[tuple[Cursor, ShardKeys]]) -> None:
        """Drop ids whose record has expired from the index."""
        if not gone:
            return
        pipe = self._client.pipeline(transaction=False)
        for cursor, shard in gone:
            pipe.zrem(shard.index, cursor.session_id)
        await pipe.execute()

    async def _count_elsewhere(self, shard: ShardKeys, owner_key: str) -> tuple[int, int]:
        others = [ShardKeys(number) for number in range(self._shards) if number != shard.shard]
        if not others:
            return 0, 0
        pipe = self._client.pipeline(transaction=False)
        for other in others:
            pipe.zcard(other.active)
            pipe.zcard(other.active_of(owner_key))
        counts = await pipe.execute()
        return sum(counts[::2]), sum(counts[1::2])


def _script(client: Redis, name: str) -> AsyncScript:
    source = resources.files("dragoman_orchestration.session").joinpath("lua", f"{name}.lua")
    return client.register_script(source.read_text())


def _record_fields(record: SessionRecord) -> dict[bytes, bytes]:
    return {
        RecordField.STATUS: record.status.encode(),
        RecordField.PROFILE: record.profile.encode(),
        RecordField.CREATED_MS: str(record.created_ms).encode(),
        RecordField.OWNER_KEY: record.owner_key.encode(),
        RecordField.RESULTS_EPOCH: record.results_epoch.encode(),
        RecordField.OPTIONS: msgspec.json.encode(record.options),
        RecordField.EPOCH: b"0",
    }


def _flat(fields: dict[bytes, bytes]) -> list[Any]:
    return [part for pair in fields.items() for part in pair]
