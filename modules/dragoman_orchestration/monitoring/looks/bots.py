"""The bots that have not ended; and how many failed lately."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from dragoman_contracts.bots import BotState
from dragoman_contracts.monitoring import BotView
from dragoman_contracts.streams import BotField, BotKeys
from dragoman_orchestration.monitoring.measures import Look
from dragoman_runtime.broker.redis import RedisBroker

MAX_BOTS = 2_000
"""The newest that are looked at."""
FAILED_WITHIN_MS = 600_000
RUNNING = frozenset(
    {
        BotState.STARTING,
        BotState.JOINING,
        BotState.AWAITING_ADMISSION,
        BotState.NEEDS_HELP,
        BotState.ACTIVE,
        BotState.STOPPING,
    }
)
FIELDS = (
    BotField.STATE,
    BotField.SESSION_ID,
    BotField.DRIVER,
    BotField.WORKER,
    BotField.CREATED_MS,
    BotField.SINCE_MS,
    BotField.DEGRADED,
)


@dataclass(frozen=True, slots=True)
class BotsSeen:
    """All bots by state, and those that have not ended, the newest first."""

    by_state: dict[str, int] = field(default_factory=dict)
    live: list[BotView] = field(default_factory=list)
    since_ms: dict[str, int] = field(default_factory=dict)
    """When each live bot came into its state, unix ms."""


async def look_at_bots(broker: RedisBroker, look: Look, *, now_ms: int) -> BotsSeen:
    """Look at the newest bots. Where nobody keeps any, there are none.

    Raises:
        BusUnavailable: they cannot be seen.

    """
    members, due = await broker.ask(
        [("ZREVRANGE", BotKeys.INDEX, 0, MAX_BOTS - 1), ("ZCOUNT", BotKeys.QUEUE, "-inf", now_ms)]
    )
    ids = [member.decode() for member in members]
    rows = await broker.ask([("HMGET", BotKeys.record(one), *FIELDS) for one in ids])
    seen = BotsSeen()
    states: Counter[str] = Counter()
    failed = 0
    for bot_id, row in zip(ids, rows, strict=True):
        state, session_id, driver, worker, created, since, degraded = map(_text, row)
        if not state:
            continue  # its record has expired
        states[state] += 1
        since_ms = _number(since)
        failed += state == BotState.FAILED and now_ms - since_ms < FAILED_WITHIN_MS
        if state in {BotState.COMPLETED, BotState.FAILED}:
            continue
        seen.since_ms[bot_id] = since_ms
        seen.live.append(
            BotView(
                id=bot_id,
                session_id=session_id,
                driver=driver,
                state=state,
                age_s=round(max(0, now_ms - _number(created)) / 1000, 1),
                worker=worker,
                degraded=degraded,
            )
        )
    seen.by_state.update(states)
    _measure(seen, look, due=int(due), failed=failed)
    return seen


def _measure(seen: BotsSeen, look: Look, *, due: int, failed: int) -> None:
    look.covers("bots_waiting", "bots_running", "bots_failed", "bot_degraded")
    look.note("bots_waiting", due)
    look.note("bots_running", sum(count for state, count in seen.by_state.items() if state in RUNNING))
    told = f"{failed} bots failed within {FAILED_WITHIN_MS // 60_000} minutes" if failed else ""
    look.note("bots_failed", failed, reason=told)
    _measure_degraded(seen.live, look)


def _measure_degraded(bots: Sequence[BotView], look: Look) -> None:
    for bot in bots:
        if bot.state == BotState.ACTIVE:
            lack = bot.degraded.replace("_", " ")
            reason = f"bot {bot.id} is active and there is {lack}" if lack else ""
            look.note("bot_degraded", bool(lack), bot.id, reason=reason)


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode(errors="replace")


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
