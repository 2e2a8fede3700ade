"""Bots in Redis. What must be atomic is a Lua script in ``lua/``; all keys are of one slot.

A bot is held by one worker at a time. The lease gives liveness, its token correctness: each step that a
worker makes is checked against the token and against the step it builds on. The API writes what it hears
(reports, the wish to stop) into fields of their own, which no step touches.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from prometheus_client import Counter

from dragoman_contracts.bots import BotState, CompletionReason, RunnerOrders, RunnerReport
from dragoman_contracts.errors import Conflict, DragomanError, Fenced, LimitExceeded, NotFound
from dragoman_contracts.events import BotStateChanged, Event, to_envelope
from dragoman_contracts.streams import BOT_CONTROL, BotField, BotKeys
from dragoman_orchestration.bots.model import BotRecord, Transition, changes, decode, encode
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.broker.scripts import Argument, Script, TickScripts

CHANGES = Counter("dragoman_bots_changes_total", "Bots that went into a state, by this worker.", ["state"])
for _state in BotState:
    CHANGES.labels(_state)  # from 0 on: increase() does not see a series' first event

SOURCE = "/dragoman/bots"
OWNER_FIELD = b"ce_ownerkey"
"""CloudEvents extension attribute of a bot's events: the API key that they belong to."""
EVENTS_KEPT = 20_000
CLIENT_KEY_TTL_S = 40 * 86_400
"""How long a client key is known: the longest schedule, the longest meeting, and a day to ask again."""
MAX_SCREENSHOTS = 5
RETENTION_S = 86_400
_TAKEN_OVER = 20
"""Bots of silent workers that are taken in one go."""
_PAGE = 200
_RECORD = BotKeys.record("|").split("|")
"""What is before and after the id in a record's key, for scripts that touch many."""
_LUA = Path(__file__).parent / "lua"


class StaleStep(DragomanError):
    """The bot has gone on since it was read; read it again."""

    code = "stale_step"
    permanent = False


class BotGone(NotFound):
    """There is no such bot."""

    default_remedy = "Check the id; bots are made with POST /v1/bots and forgotten a day after they end."


@dataclass(frozen=True, slots=True)
class Seen:
    """A bot and the time at which it was so, unix ms by Redis' clock."""

    bot: BotRecord
    now_ms: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A bot that a worker has taken, and the token of its hold."""

    bot_id: str
    lease: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of a report: whether it is new, and what the runner is told."""

    is_new: bool
    orders: RunnerOrders


class BotStore:
    """The bots. Every method raises ``BusUnavailable`` while Redis is away.

    Args:
        broker: Redis.
        retention_s: how long a bot that has ended is remembered.

    """

    def __init__(self, broker: RedisBroker, *, retention_s: int = RETENTION_S) -> None:
        self._broker = broker
        self._retention_s = retention_s
        self._scripts = TickScripts(broker)
        self._lua = {path.stem: Script.load(path) for path in _LUA.glob("*.lua")}

    # --- asked for -----------------------------------------------------------------------------------------

    async def create(
        self, bot: BotRecord, *, client_key: str = "", digest: str = "", limit: int = 100
    ) -> str | None:
        """Keep a new bot and queue it; the id of the one that was asked for before with this client key, if
        any.

        Raises:
            Conflict: the client key is of another request, or the session has a bot.
            LimitExceeded: the API key has as many live bots as it may have.

        """
        told = _changed(bot, None)
        fields = _flat(encode(bot))
        answer = await self._run(
            "create_bot",
            [
                *(BotKeys.record(bot.id), BotKeys.INDEX, BotKeys.QUEUE, BotKeys.EVENTS),
                *(BotKeys.live_of(bot.owner_key), BotKeys.of_session(bot.session_id)),
                *((BotKeys.client_key(bot.owner_key, client_key),) if client_key else ()),
            ],
            [
                *(bot.id, digest, bot.created_ms, bot.request.join_at_ms, limit),
                *(CLIENT_KEY_TTL_S, EVENTS_KEPT, len(fields), *fields),
                *_flat(_envelope(told, bot)),
            ],
        )
        match answer:
            case [b"created"]:
                return None
            case [b"known", bot_id, known]:
                return _same_request(bot_id, known, digest)
            case [b"taken", _]:
                raise Conflict(
                    "the session has a bot already", remedy="Stop that bot, or give another session."
                )
        raise LimitExceeded(
            f"this key has {limit} bots that have not ended, as many as it may have",
            remedy="Stop bots that are no longer needed, or raise DRAGOMAN_BOTS_MAX_PER_KEY.",
        )

    async def known(self, owner_key: str, client_key: str, digest: str) -> str | None:
        """The id of the bot that was asked for with this client key, if any.

        Raises:
            Conflict: it was another request.

        """
        (found,) = await self._broker.ask([("GET", BotKeys.client_key(owner_key, client_key))])
        if found is None:
            return None
        bot_id, known = found.split(b" ")
        (exists,) = await self._broker.ask([("EXISTS", BotKeys.record(bot_id.decode()))])
        return _same_request(bot_id, known, digest) if exists else None

    async def stop(self, bot_id: str, by: str) -> None:
        """Let a bot end, whatever it does now; a second time, or after its end, changes nothing.

        Raises:
            BotGone: there is no such bot.

        """
        if not await self._run("stop_bot", [BotKeys.record(bot_id), BotKeys.QUEUE], [bot_id, by]):
            raise _gone()

    async def restart(self, bot_id: str, reason: str, wished_ms: int) -> None:
        """Let a bot's runner be replaced, unless it was launched after ``wished_ms``.

        Raises:
            BotGone: there is no such bot.

        """
        if not await self._run("restart_bot", [BotKeys.record(bot_id)], [wished_ms, reason]):
            raise _gone()

    # --- read ----------------------------------------------------------------------------------------------

    async def read(self, bot_id: str) -> Seen:
        """A bot and the time.

        Raises:
            BotGone: there is no such bot.

        """
        now_ms, flat = await self._run("read_bot", [BotKeys.record(bot_id)], [])
        found = dict(_pairs(flat))
        if BotField.STATE not in found:
            raise _gone()
        return Seen(decode(bot_id, found), int(now_ms))

    async def get(self, bot_id: str, owner_key: str) -> BotRecord:
        """A bot of this API key.

        Raises:
            BotGone: the key has no such bot.

        """
        bot = (await self.read(bot_id)).bot
        if bot.owner_key != owner_key:
            raise _gone()
        return bot

    async def newest(
        self,
        owner_key: str,
        *,
        limit: int,
        states: frozenset[BotState] = frozenset(BotState),
        before: tuple[int, str] | None = None,
    ) -> tuple[list[BotRecord], tuple[int, str] | None]:
        """The newest bots of a key first, and where the next page begins; None on the last."""
        found: list[BotRecord] = []
        while True:
            rows = await self._index_page(before)
            gone = []
            for (place, bot_id), bot in zip(rows, await self._records(rows), strict=True):
                before = (place, bot_id)
                if bot is None:
                    gone.append(bot_id)
                elif bot.owner_key == owner_key and bot.state in states:
                    found.append(bot)
                    if len(found) == limit:
                        return found, before
            if gone:
                await self._broker.ask([("ZREM", BotKeys.INDEX, *gone)])
            if len(rows) < _PAGE:
                return found, None

    async def _index_page(self, before: tuple[int, str] | None) -> list[tuple[int, str]]:
        top: str | int = "+inf" if before is None else before[0]
        tied = 0
        if before is not None:
            # Bots of the cursor's own millisecond are fetched again and left out by their id.
            (tied,) = await self._broker.ask([("ZCOUNT", BotKeys.INDEX, top, top)])
        (flat,) = await self._broker.ask(
            [("ZREVRANGEBYSCORE", BotKeys.INDEX, top, "-inf", "WITHSCORES", "LIMIT", 0, _PAGE + tied)]
        )
        rows = [(int(float(score)), member.decode()) for member, score in _pairs(flat)]
        rows.sort(reverse=True)
        return [row for row in rows if before is None or row < before][:_PAGE]

    async def _records(self, rows: Sequence[tuple[int, str]]) -> list[BotRecord | None]:
        replies = await self._broker.ask([("HGETALL", BotKeys.record(bot_id)) for _, bot_id in rows])
        hashes = [dict(_pairs(flat)) for flat in replies]
        return [
            decode(bot_id, found) if BotField.STATE in found else None
            for (_, bot_id), found in zip(rows, hashes, strict=True)
        ]

    async def queue_position(self, bot_id: str) -> int | None:
        """How many are due before this one, from 1; None if it does not wait."""
        (rank,) = await self._broker.ask([("ZRANK", BotKeys.QUEUE, bot_id)])
        return None if rank is None else int(rank) + 1

    async def waiting(self) -> int:
        """Bots in the queue, the scheduled ones as well."""
        (count,) = await self._broker.ask([("ZCARD", BotKeys.QUEUE)])
        return int(count)

    async def live_of(self, owner_key: str) -> list[BotRecord]:
        """An API key's bots that have not ended."""
        (members,) = await self._broker.ask([("SMEMBERS", BotKeys.live_of(owner_key))])
        rows = [(0, member.decode()) for member in members]
        return [bot for bot in await self._records(rows) if bot is not None]

    # --- held by a worker ----------------------------------------------------------------------------------

    async def claim(self, worker: str, *, room: int, lease_ms: int) -> list[Claim]:
        """Take what silent workers left, what is to stop, and up to ``room`` bots that are due."""
        flat = await self._run(
            "claim_bots",
            [BotKeys.LEASES, BotKeys.QUEUE],
            [worker, uuid.uuid4().hex, lease_ms, max(0, room), _TAKEN_OVER, *_RECORD],
        )
        return [Claim(bot_id.decode(), lease.decode()) for bot_id, lease in _pairs(flat)]

    async def renew(self, claims: Sequence[Claim], lease_ms: int) -> set[str]:
        """Keep these bots for another lease; the ids of those that are still held."""
        if not claims:
            return set()
        held = [part for claim in claims for part in (claim.bot_id, claim.lease)]
        kept = await self._run("renew_bots", [BotKeys.LEASES], [lease_ms, *_RECORD, *held])
        return {bot_id.decode() for bot_id in kept}

    async def write(self, before: BotRecord, after: BotRecord, *, event: Event | None = None) -> None:
        """One step of the worker that holds the bot: what changed, and what is told about it, at once.

        Raises:
            BotGone: Redis was emptied.
            Fenced: another worker holds the bot.
            StaleStep: it is not at the step that this one builds on.

        """
        fields = _flat(changes(before, after))
        if not fields and event is None:
            return
        ends = after.state.is_final and not before.state.is_final
        answer = await self._run(
            "write_bot",
            [
                *(BotKeys.record(before.id), BotKeys.EVENTS, BotKeys.screenshots(before.id)),
                *(BotKeys.live_of(before.owner_key), BotKeys.of_session(before.session_id)),
            ],
            [
                *(before.id, before.lease, before.seq, uuid.uuid4().hex, int(ends), self._retention_s),
                *(EVENTS_KEPT, len(fields), *fields),
                *(_flat(_envelope(event, after)) if event else ()),
            ],
        )
        if answer == b"missing":
            raise _gone()
        if answer == b"fenced":
            raise Fenced("another worker holds the bot")
        if answer != b"ok":
            raise StaleStep("the bot has gone on since it was read")
        if after.state is not before.state:
            CHANGES.labels(after.state).inc()

    async def let_go(self, claim: Claim) -> bool:
        """The bot has ended, nobody needs to hold it; whether it was still held."""
        return await self._let_go(claim, "ended")

    async def hand_over(self, claim: Claim) -> bool:
        """Let another worker take the bot at once, with its runner; whether it was still held."""
        return await self._let_go(claim, "hand over")

    async def requeue(self, claim: Claim, due_ms: int) -> bool:
        """There is no room here: let the bot wait for one that has it; whether it was still held."""
        return await self._let_go(claim, "queue", due_ms)

    async def _let_go(self, claim: Claim, how: str, due_ms: int = 0) -> bool:
        keys = [BotKeys.record(claim.bot_id), BotKeys.LEASES, BotKeys.QUEUE]
        return bool(await self._run("let_go_bot", keys, [claim.bot_id, claim.lease, how, due_ms]))

    async def tidy(self, *, control_before_ms: int, events_before_ms: int) -> None:
        """Drop events from before these times, and the ids of bots that are remembered no more."""
        await self._broker.trim(BOT_CONTROL, f"{control_before_ms}-0")
        await self._broker.trim(BotKeys.EVENTS, f"{events_before_ms}-0")
        (oldest,) = await self._broker.ask([("ZRANGE", BotKeys.INDEX, 0, _PAGE - 1)])
        rows = [(0, member.decode()) for member in oldest]
        gone = [row[1] for row, bot in zip(rows, await self._records(rows), strict=True) if bot is None]
        if gone:
            await self._broker.ask([("ZREM", BotKeys.INDEX, *gone)])

    # --- heard of a runner ---------------------------------------------------------------------------------

    async def report(self, bot: BotRecord, report: RunnerReport, screenshot: bytes) -> Heard:
        """Keep a report, unless it is known; what the runner is to do.

        Raises:
            BotGone: there is no such bot.
            Fenced: another runner has its place.

        """
        before = bot.current_report
        grew = report.audio_ms > (before.audio_ms if before else 0)
        answer = await self._run(
            "report_bot",
            [BotKeys.record(bot.id), BotKeys.screenshots(bot.id)],
            [
                *(report.generation, report.seq, msgspec.json.encode(report)),
                *(int(grew and report.peak > 0), screenshot, MAX_SCREENSHOTS),
            ],
        )
        match answer:
            case [told, state, stops, completion]:
                now = BotState(state.decode())
                stop = bool(stops) or now is BotState.STOPPING or now.is_final
                reason = CompletionReason(completion.decode()) if completion else CompletionReason.STOPPED
                return Heard(told == b"kept", RunnerOrders(stop=stop, reason=reason if stop else None))
            case [b"fenced"]:
                raise Fenced("another runner has the bot now")
        raise _gone()

    async def screenshots(self, bot_id: str) -> list[int]:
        """When there is a screenshot of, unix ms, the newest first."""
        (names,) = await self._broker.ask([("HKEYS", BotKeys.screenshots(bot_id))])
        return sorted((int(name) for name in names), reverse=True)

    async def screenshot(self, bot_id: str, time_ms: int) -> bytes:
        """A screenshot, as PNG.

        Raises:
            NotFound: there is none of that time.

        """
        (image,) = await self._broker.ask([("HGET", BotKeys.screenshots(bot_id), time_ms)])
        if image is None:
            raise NotFound("there is no such screenshot", remedy="GET /v1/bots/{id}/screenshots lists them.")
        return bytes(image)

    async def _run(self, name: str, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        return await self._scripts.run(self._lua[name], keys, arguments)


def state_changed(after: BotRecord, previous: BotState | None) -> BotStateChanged:
    """The event of the step that led to ``after``."""
    return _changed(after, previous)


def step_of(bot: BotRecord) -> Transition:
    """What the history keeps of the step that led to where the bot is."""
    return Transition(
        seq=bot.seq, state=bot.state, time_ms=bot.since_ms, cause=bot.cause, attempt=bot.attempt
    )


def _changed(bot: BotRecord, previous: BotState | None) -> BotStateChanged:
    return BotStateChanged(
        bot_id=bot.id,
        session_id=bot.session_id,
        seq=bot.seq,
        previous=previous,
        state=bot.state,
        time_ms=bot.since_ms,
        cause=bot.cause,
        completion=bot.completion,
        stage=bot.stage,
        attempt=bot.attempt,
    )


def _envelope(event: Event, bot: BotRecord) -> dict[bytes, bytes]:
    fields = to_envelope(event, source=SOURCE, subject=bot.id).to_fields()
    return fields | {OWNER_FIELD: bot.owner_key.encode()}


def _same_request(bot_id: bytes, known: bytes, digest: str) -> str:
    if known.decode() != digest:
        raise Conflict(
            "the client key was used for another request",
            remedy="Use a new key for a new request, and the same body to repeat one.",
        )
    return bot_id.decode()


def _gone() -> BotGone:
    return BotGone("there is no such bot, or it ended long ago")


def _pairs(flat: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    walk = iter(flat)
    return list(zip(walk, walk, strict=True))


def _flat(fields: dict[bytes, bytes] | dict[str, bytes]) -> list[Argument]:
    return [part for pair in fields.items() for part in pair]
