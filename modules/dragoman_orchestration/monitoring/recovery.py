"""What a monitor asks of others so that they mend themselves, each within bounds: pure.

A bot that is degraded for long gets a new runner. A service that came back, or runs with another
configuration than it should, gets its configuration pushed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dragoman_contracts.events import BotRestartRequested, ConfigResyncRequested, Event
from dragoman_contracts.monitoring import Anomaly, ServiceView
from dragoman_contracts.streams import BOT_CONTROL, CONFIG_SYNC
from dragoman_orchestration.monitoring.store import Recovery

RESYNC, BOT_RESTART = "config-resync", "bot-restart"
RESYNC_PAUSE_MS = 30_000
BOT_PAUSE_MS = 600_000
MAX_BOT_RESTARTS = 3
FORGET_MS = 24 * 3_600_000
"""What was not asked for this long may be asked for as often as ever."""


@dataclass(frozen=True, slots=True)
class Request:
    """An event to publish; ``name`` is what is counted, ``recovery`` the count with it."""

    kind: str
    subject: str
    reason: str
    stream: str
    event: Event
    recovery: Recovery

    @property
    def name(self) -> str:
        """One of a kind and subject."""
        return f"{self.kind}|{self.subject}"


def bot_requests(
    anomalies: Iterable[Anomaly], asked: Mapping[str, Recovery], *, after_s: float, now_ms: int
) -> list[Request]:
    """New runners for bots that are degraded for longer than ``after_s``."""
    requests = []
    for one in anomalies:
        if one.measure != "bot_degraded" or now_ms - one.since_ms < after_s * 1000:
            continue
        bot_id = one.subject
        recovery = _next(asked.get(f"{BOT_RESTART}|{bot_id}"), BOT_PAUSE_MS, MAX_BOT_RESTARTS, now_ms)
        if recovery is not None:
            reason = f"degraded for {(now_ms - one.since_ms) // 1000} s: {one.message}"
            event = BotRestartRequested(bot_id=bot_id, reason=reason)
            requests.append(Request(BOT_RESTART, bot_id, reason, BOT_CONTROL, event, recovery))
    return requests


def resync_requests(reasons: Sequence[str], asked: Mapping[str, Recovery], *, now_ms: int) -> list[Request]:
    """One push for all ``reasons``, unless there was one lately."""
    recovery = _next(asked.get(f"{RESYNC}|"), RESYNC_PAUSE_MS, None, now_ms) if reasons else None
    if recovery is None:
        return []
    reason = "; ".join(reasons)
    return [Request(RESYNC, "", reason, CONFIG_SYNC, ConfigResyncRequested(reason=reason), recovery)]


def resync_reasons(
    before: Mapping[str, str], services: Iterable[ServiceView], opened: Iterable[Anomaly]
) -> list[str]:
    """Why the configuration is to be pushed: who has come back since ``before``, who runs with another."""
    back = [
        f"{view.name} came back"
        for view in services
        if view.state == "ok" and before.get(view.name, "ok") != "ok"
    ]
    drifted = [one.message for one in opened if one.rule == "config_drift"]
    return back + drifted


def outdated(asked: Mapping[str, Recovery], now_ms: int) -> list[str]:
    """What counts no more."""
    return [name for name, one in asked.items() if now_ms - one.asked_ms > FORGET_MS]


def _next(last: Recovery | None, pause_ms: int, most: int | None, now_ms: int) -> Recovery | None:
    """The count with one more, or None if that is too soon or too often."""
    if last is None:
        return Recovery(now_ms, 1)
    if now_ms - last.asked_ms < pause_ms or (most is not None and last.times >= most):
        return None
    return Recovery(now_ms, last.times + 1)
