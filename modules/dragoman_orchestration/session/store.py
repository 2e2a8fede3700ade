"""Sessions in Redis: create, open, end, read. What must be atomic is a Lua script in ``lua/``.

All keys of a session share the slot of its shard, so each script touches one slot only.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

import msgspec

from dragoman_contracts.errors import (
    BusUnavailable,
    Conflict,
    Fenced,
    LimitExceeded,
    NotFound,
    SessionEnded,
)
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
    TranslationOptions,
)
from dragoman_orchestration.session.config_scope import NOTHING_SET, SessionConfig
from dragoman_orchestration.session.lifecycle import Status
from dragoman_orchestration.session.model import (
    Cursor,
    Limits,
    Opened,
    Page,
    Progress,
    SessionRecord,
    encode_format,
    translation_fields,
)
from dragoman_orchestration.session.recording import RECORDING
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.broker.scripts import Argument, Script, TickScripts
from dragoman_runtime.broker.wire import Command, bus_error

UNOPENED_TTL_S = 3600
"""A session that no speaker opens is forgotten after this."""
KEEP_ENDED_S = 86_400
"""How long the results of a session that never had audio can be read."""
SOURCE = "/dragoman/api"
MAX_CONCURRENT = 32
"""Commands under way at once; fewer than the client has connections."""
_PAGE = 500
_CHUNK = 100

_LUA = Path(__file__).parent / "lua"
_ledger_decoder = msgspec.json.Decoder(Ledger)


def now_ms() -> int:
    """Unix time in ms."""
    return time.time_ns() // 1_000_000


class SessionStore:
    """The sessions in Redis, or of a cluster. Every method raises ``BusUnavailable`` while Redis is away.

    Of a cluster, a master that is away fails what concerns its own sessions; what concerns many sessions goes
    on with those of the others.
    """

    def __init__(
        self, broker: RedisBroker, *, shards: int = 1, keep_unopened_s: int = UNOPENED_TTL_S
    ) -> None:
        self._broker = broker
        self._turns = asyncio.Semaphore(MAX_CONCURRENT)
        self._shards = shards
        self._keep_unopened_s = keep_unopened_s
        scripts = TickScripts(broker)
        self._create = _StoreScript(scripts, "create_session")
        self._open = _StoreScript(scripts, "open_session")
        self._end = _StoreScript(scripts, "end_session")
        self._touch = _StoreScript(scripts, "touch_session")
        self._change = _StoreScript(scripts, "change_session")

    def keys(self, session_id: str) -> SessionKeys:
        """The session's keys."""
        return SessionKeys(session_id, self._shards)

    async def create(
        self,
        options: SessionOptions,
        *,
        profile: str,
        owner_key: str,
        limits: Limits,
        config: SessionConfig = NOTHING_SET,
        title: str = "",
        recorded_as: str = "",
    ) -> SessionRecord:
        """Make a session; ``options.translation`` has its sets of terms resolved.

        ``recorded_as`` is the id of a recording that was made for it: then the session has this id.

        Raises:
            LimitExceeded: there are as many sessions as there may be, in all or of this key.

        """
        record = SessionRecord(
            id=recorded_as or uuid.uuid4().hex,
            status=Status.CREATED,
            profile=profile,
            created_ms=now_ms(),
            owner_key=owner_key,
            results_epoch=uuid.uuid4().hex[:12],
            options=msgspec.structs.replace(options, translation=None),
            translation=options.translation or TranslationOptions(),
            config=config,
            title=title,
            recording=RECORDING if recorded_as else None,
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
            record = _record(session_id, await self._call("HGETALL", self.keys(session_id).record))
        if record is None:
            raise NotFound("there is no such session, or it ended long ago")
        return record

    async def newest(self, *, limit: int, before: Cursor | None = None) -> Page:
        """The newest sessions first, at most ``limit``, beginning after ``before`` in that order."""
        shards = [ShardKeys(number) for number in range(self._shards)]
        top: str | int = "+inf" if before is None else before.created_ms
        async with self._turn():
            # Sessions of the cursor's own millisecond are fetched again and left out by their id.
            ties = [0] * len(shards)
            if before is not None:
                ties = await self._call_all([("ZCOUNT", shard.index, top, top) for shard in shards])
            rows = await self._call_all(
                [
                    ("ZREVRANGEBYSCORE", shard.index, top, "-inf", "WITHSCORES", "LIMIT", 0, limit + tied)
                    for shard, tied in zip(shards, ties, strict=True)
                ]
            )
            found = [
                (Cursor(int(float(score)), member.decode()), shard)
                for shard, row in zip(shards, rows, strict=True)
                for member, score in _pairs(row)
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
            replies = await self._reachable(
                [("ZRANGE", ShardKeys(shard).active, 0, -1) for shard in range(self._shards)]
            )
        ids = [member.decode() for members in replies for member in members or ()]
        oldest = now_ms() - limit_ms
        silent = []
        for start in range(0, len(ids), _CHUNK):
            # In chunks, so that live audio is not kept waiting by a thousand replies at once.
            chunk = ids[start : start + _CHUNK]
            async with self._turn():
                replies = await self._reachable(
                    [
                        ("HMGET", self.keys(one).record, RecordField.STATUS, RecordField.SEEN_MS)
                        for one in chunk
                    ]
                )
            silent += [
                session_id
                for session_id, fields in zip(chunk, replies, strict=True)
                if fields and fields[0] == Status.LIVE.encode() and int(fields[1] or 0) < oldest
            ]
        return silent

    async def open(
        self, record: SessionRecord, configure: SessionConfigure, *, traceparent: str = ""
    ) -> Opened:
        """A speaker connects; whoever spoke before is fenced from now on.

        The options of ``configure`` count at the first time only; its translation has the sets of terms
        resolved, and None leaves that of the session as it is.

        Audio between what Redis has and ``configure.resume_from_bytes`` is lost: ``received_bytes`` of the
        answer counts it, and the worker makes it a gap.

        Raises:
            NotFound: the session is gone.
            SessionEnded: it takes no more audio.
            Conflict: its audio is of another format.

        """
        keys = self.keys(record.id)
        configure, translation = _without_translation(configure)
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
                    *_translation_args(translation),
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

    async def set_translation(self, session_id: str, translation: TranslationOptions) -> None:
        """Translate a session so from now on; the sets of terms are resolved.

        Raises:
            NotFound: there is no such session.
            SessionEnded: it has ended.

        """
        if not await self._change_record(session_id, translation_fields(translation)):
            raise SessionEnded("the session has ended and is not translated any more")

    async def set_config(self, session_id: str, config: SessionConfig) -> None:
        """Let this be what the session sets of the runtime configuration from now on.

        Raises:
            NotFound: there is no such session.
            SessionEnded: it has ended.

        """
        if not await self._change_record(session_id, {RecordField.CONFIG: config.encode()}):
            raise SessionEnded("the session has ended: nothing of it can be configured any more")

    async def set_title(self, session_id: str, title: str) -> None:
        """Call a session so from now on, also one that has ended.

        Raises:
            NotFound: there is no such session.

        """
        await self._change_record(session_id, {RecordField.TITLE: title.encode()}, also_ended=True)

    async def forget_recording(self, session_id: str) -> None:
        """The session has no recording from now on: its worker stops to write one.

        Raises:
            NotFound: there is no such session.

        """
        await self._change_record(session_id, {RecordField.RECORDING: b""}, also_ended=True)

    async def _change_record(
        self, session_id: str, fields: dict[bytes, bytes], *, also_ended: bool = False
    ) -> bool:
        """Whether it was changed: not if the session has ended, unless that does not matter."""
        args = [b"any" if also_ended else b"live", *_flat(fields)]
        async with self._turn():
            answer = await self._change(keys=[self.keys(session_id).record], args=args)
        if answer == b"missing":
            raise NotFound("there is no such session, or it ended long ago")
        return bool(answer == b"ok")

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
            outcomes = await asyncio.gather(
                *(self._touch(keys=[self.keys(one).record], args=[now]) for one in session_ids),
                return_exceptions=True,
            )
        _known(outcomes)

    async def forget_audio(self, session_id: str) -> None:
        """Remove audio that came when the session had ended: nobody will read or expire it.

        What expires by itself stays: it is kept for a retry of a session that was given up.
        """
        audio = self.keys(session_id).audio
        async with self._turn():
            (ttl_s,) = await self._call_all([("TTL", audio)])
            if ttl_s < 0:
                await self._broker.drop([audio])

    async def progress(self, session_ids: Sequence[str]) -> list[Progress]:
        """How far each session is; one round trip."""
        async with self._turn():
            replies = iter(await self._call_all(self._progress_commands(session_ids)))
        return [Progress.read(record, state) for record, state in zip(replies, replies, strict=True)]

    async def known_progress(self, session_ids: Sequence[str]) -> dict[str, Progress]:
        """How far each session is, without those whose master is away; one round trip."""
        async with self._turn():
            replies = iter(await self._reachable(self._progress_commands(session_ids)))
        return {
            session_id: Progress.read(record, state)
            for session_id, record, state in zip(session_ids, replies, replies, strict=True)
            if record and state
        }

    def _progress_commands(self, session_ids: Sequence[str]) -> list[Command]:
        commands: list[Command] = []
        for session_id in session_ids:
            keys = self.keys(session_id)
            commands.append(("HMGET", keys.record, *Progress.RECORD_FIELDS))
            commands.append(("HMGET", keys.state, *Progress.STATE_FIELDS))
        return commands

    async def stored_bytes(self, session_id: str) -> int:
        """Bytes of audio that Redis has of this session, read or unread.

        After a restart of Redis it may be less than what was acknowledged: that much has been lost.
        """
        keys = self.keys(session_id)
        async with self._turn():
            last = await self._broker.read_reverse(keys.audio, 1)
            consumed = await self._call("HGET", keys.state, StateField.CONSUMED_BYTES)
        written = int(last[0].fields.get(AudioField.BYTES_TOTAL, 0)) if last else 0
        return max(written, int(consumed or 0))

    async def results(self, session_id: str, kinds: Container[bytes]) -> list[bytes]:
        """The JSON messages of these types, in order."""
        found = []
        start = "-"
        while True:
            async with self._turn():
                page = await self._call("XRANGE", self.keys(session_id).results, start, "+", "COUNT", _PAGE)
            found += [
                fields[ResultField.DATA]
                for fields in (dict(_pairs(flat)) for _, flat in page)
                if fields.get(ResultField.TYPE) in kinds
            ]
            if len(page) < _PAGE:
                return found
            start = f"({page[-1][0].decode()}"

    async def ledger(self, record: SessionRecord) -> Ledger:
        """The worker's sums, and as pending what it has not seen yet."""
        async with self._turn():
            raw = await self._call("HGET", self.keys(record.id).state, StateField.LEDGER)
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
            raw = await self._call("HGET", self.keys(session_id).state, StateField.TRIMMED_OFFSET)
        return int(raw or 0)

    async def server_run(self, shard: int) -> str:
        """Names the run of the Redis that serves a shard.

        Another run, after a restart or a failover, may lack the last writes.
        """
        async with self._turn():
            return await self._broker.server_run(ShardKeys(shard).index)

    def _turn(self) -> asyncio.Semaphore:
        """Hundreds of clients that reconnect at once must not ask for more connections than there are."""
        return self._turns

    async def _call(self, *command: Any) -> Any:
        return (await self._call_all([command]))[0]

    async def _call_all(self, commands: Sequence[Command]) -> list[Any]:
        replies = await self._broker.exchange(commands)
        for reply in replies:
            if isinstance(reply, Exception):
                raise bus_error(reply) from None
        return replies

    async def _reachable(self, commands: Sequence[Command]) -> list[Any]:
        """The replies, None where a master of a cluster is away."""
        replies = await self._broker.exchange(commands)
        return _known([bus_error(reply) if isinstance(reply, Exception) else reply for reply in replies])

    async def _records(self, session_ids: Sequence[str]) -> list[SessionRecord | None]:
        replies = await self._call_all([("HGETALL", self.keys(one).record) for one in session_ids])
        return [_record(session_id, flat) for session_id, flat in zip(session_ids, replies, strict=True)]

    async def _forget(self, gone: Sequence[tuple[Cursor, ShardKeys]]) -> None:
        """Drop ids whose record has expired from the index."""
        await self._call_all([("ZREM", shard.index, cursor.session_id) for cursor, shard in gone])

    async def _count_elsewhere(self, shard: ShardKeys, owner_key: str) -> tuple[int, int]:
        """Sessions of the other shards, in all and of one key, as far as their masters answer."""
        others = [ShardKeys(number) for number in range(self._shards) if number != shard.shard]
        counts = await self._reachable(
            [("ZCARD", key) for other in others for key in (other.active, other.active_of(owner_key))]
        )
        return sum(count or 0 for count in counts[::2]), sum(count or 0 for count in counts[1::2])


class _StoreScript:
    """One of the scripts beside this module."""

    def __init__(self, scripts: TickScripts, name: str) -> None:
        self._scripts = scripts
        self._script = Script.load(_LUA / f"{name}.lua")

    async def __call__(self, *, keys: Sequence[str], args: Sequence[Argument]) -> Any:
        return await self._scripts.run(self._script, keys, args)


def _known(outcomes: Sequence[Any]) -> list[Any]:
    """The outcomes, None where a master is away.

    Raises:
        BusUnavailable: all of them are.

    """
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, BusUnavailable):
            raise outcome
    known = [None if isinstance(outcome, BusUnavailable) else outcome for outcome in outcomes]
    if outcomes and isinstance(outcomes[0], BusUnavailable) and all(one is None for one in known):
        raise outcomes[0]
    return known


def _pairs(flat: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    walk = iter(flat)
    return list(zip(walk, walk, strict=True))


def _record(session_id: str, flat: Sequence[bytes]) -> SessionRecord | None:
    fields = dict(_pairs(flat))
    return SessionRecord.read(session_id, fields) if RecordField.STATUS in fields else None


def _record_fields(record: SessionRecord) -> dict[bytes, bytes]:
    return {
        RecordField.STATUS: record.status.encode(),
        RecordField.PROFILE: record.profile.encode(),
        RecordField.CREATED_MS: str(record.created_ms).encode(),
        RecordField.OWNER_KEY: record.owner_key.encode(),
        RecordField.RESULTS_EPOCH: record.results_epoch.encode(),
        RecordField.OPTIONS: msgspec.json.encode(record.options),
        RecordField.CONFIG: record.config.encode(),
        RecordField.EPOCH: b"0",
        RecordField.TITLE: record.title.encode(),
        RecordField.RECORDING: record.recording.encode() if record.recording else b"",
        **translation_fields(record.translation),
    }


def _without_translation(
    configure: SessionConfigure,
) -> tuple[SessionConfigure, TranslationOptions | None]:
    """The message as it goes into the audio stream, and what only the record is to hold."""
    if configure.options is None or configure.options.translation is None:
        return configure, None
    options = msgspec.structs.replace(configure.options, translation=None)
    return msgspec.structs.replace(configure, options=options), configure.options.translation


def _translation_args(translation: TranslationOptions | None) -> list[bytes]:
    """The two values that the scripts write; the first one empty: leave them."""
    return [b"", b""] if translation is None else list(translation_fields(translation).values())


def _flat(fields: dict[bytes, bytes]) -> list[Any]:
    return [part for pair in fields.items() for part in pair]
