"""Sends deliveries, again and again until they arrive or a day has passed.

Any number of couriers may run: each delivery is leased. A courier that is killed leaves its deliveries to the
others when the leases end; a receiver may so get one twice, and knows it by its ``webhook-id``.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Protocol

from loguru import logger
from prometheus_client import Counter, Gauge, Histogram

from dragoman_contracts.errors import DragomanError
from dragoman_contracts.events import to_envelope
from dragoman_orchestration.webhooks.cloudevents import CONTENT_TYPE
from dragoman_orchestration.webhooks.fanout import Fanout, unix_ms
from dragoman_orchestration.webhooks.model import Attempt, Parcel, WebhookDisabled
from dragoman_orchestration.webhooks.settings import ALLOWED_SETTING, WebhookSettings
from dragoman_orchestration.webhooks.signing import signed_headers
from dragoman_orchestration.webhooks.store import WebhookStore
from dragoman_orchestration.webhooks.transport import Outcome, Sender
from dragoman_runtime.process import Drain
from dragoman_runtime.resilience import Backoff

POLL_S = 0.25
"""How long a new delivery may wait for the next look."""
DRAIN_GRACE_S = 5.0
"""Attempts under way may end in this; those that do not are made again by another courier."""
MAX_RETRY_AFTER_S = 86_400
JITTER = 0.2
SOURCE = "/dragoman/webhooks"

GONE, TOO_MANY_REQUESTS, UNAVAILABLE = 410, 429, 503

ATTEMPTS = Counter(
    "dragoman_webhook_attempts_total",
    "Attempts to deliver, by outcome: delivered, or the error.",
    ["outcome"],
)
ATTEMPT_SECONDS = Histogram("dragoman_webhook_attempt_seconds", "Seconds of an attempt.")
DELIVERED_SECONDS = Histogram(
    "dragoman_webhook_delivered_seconds",
    "Seconds from an event's delivery being made to its success.",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 36_000, 86_400),
)
FAILED = Counter("dragoman_webhook_failed_total", "Deliveries that were given up, by reason.", ["reason"])
DISABLED = Counter("dragoman_webhook_disabled_total", "Endpoints that were disabled, by reason.", ["reason"])
ATTEMPTS.labels("delivered")
UNDER_WAY = Gauge("dragoman_webhook_attempts_under_way", "Attempts under way in this process.")


class Sends(Protocol):
    """What a courier needs of ``Sender``."""

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> Outcome:
        """Make an attempt."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an attempt's outcome means for its delivery."""

    name: str
    reason: str = ""
    next_ms: int = 0
    hold_until_ms: int = 0


class Courier:
    """Takes what is due and sends it.

    Args:
        store: where deliveries wait.
        fanout: tells owners of endpoints that were disabled.
        settings: the schedule and the bounds.
        sender: makes the attempts; left out: over the network.
        clock_ms: unix ms; tests hand in one that they turn themselves.

    """

    def __init__(
        self,
        store: WebhookStore,
        fanout: Fanout,
        settings: WebhookSettings,
        *,
        sender: Sends | None = None,
        clock_ms: Callable[[], int] = unix_ms,
        poll_s: float = POLL_S,
    ) -> None:
        self._store = store
        self._fanout = fanout
        self._settings = settings
        self._sender = sender or Sender(
            allowed=settings.networks, timeout_s=settings.timeout_s, setting=ALLOWED_SETTING
        )
        self._clock_ms = clock_ms
        self._poll_s = poll_s
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self, drain: Drain) -> None:
        """Deliver until the drain; then attempts under way may end. Raises nothing of the bus."""
        backoff = Backoff(cap_s=2.0)
        try:
            while not drain.is_set():
                try:
                    wait_s = await self._step()
                    backoff.reset()
                except DragomanError as error:
                    if not backoff.failures:
                        logger.warning("webhooks wait for the bus: {}", error.message)
                    wait_s = backoff.next_s()
                await self._pause(drain, wait_s)
            if self._under_way:
                await asyncio.wait(self._under_way, timeout=DRAIN_GRACE_S)
        finally:
            for task in self._under_way:
                task.cancel()

    async def _step(self) -> float:
        """Begin what is due and fits; seconds until it is worth to look again."""
        free = self._settings.concurrency - len(self._under_way)
        if free <= 0:
            return self._poll_s
        wait_ms, parcels = await self._store.take(free, self._clock_ms())
        for parcel in parcels:
            task = asyncio.create_task(self._carry(parcel))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        if wait_ms is None or parcels:
            return 0.0 if parcels else self._poll_s
        return min(self._poll_s, wait_ms / 1000)

    async def _pause(self, drain: Drain, wait_s: float) -> None:
        if wait_s > 0:
            await drain.wait(wait_s)
        else:
            await asyncio.sleep(0)

    async def _carry(self, parcel: Parcel) -> None:
        started_ms = self._clock_ms()
        with UNDER_WAY.track_inprogress():
            outcome = await self._attempt(parcel, started_ms)
        ATTEMPTS.labels(outcome.error or "delivered").inc()
        ATTEMPT_SECONDS.observe(outcome.duration_ms / 1000)
        attempt = Attempt(
            at_ms=started_ms, duration_ms=outcome.duration_ms, status=outcome.status, error=outcome.error
        )
        verdict = judge(outcome, parcel.tries, self._clock_ms(), self._settings.pauses_s)
        await self._settle(parcel, attempt, verdict)

    async def _attempt(self, parcel: Parcel, now_ms: int) -> Outcome:
        try:
            headers = signed_headers(parcel.secrets, parcel.event_id, now_ms, parcel.body)
            return await self._sender.post(parcel.url, parcel.body, headers | {"content-type": CONTENT_TYPE})
        except Exception as error:
            # A mistake of ours must not look like a courier that died.
            logger.bind(webhook=parcel.endpoint_id).error("an attempt broke: {}", type(error).__name__)
            return Outcome(0, "internal", 0)

    async def _settle(self, parcel: Parcel, attempt: Attempt, verdict: Verdict) -> None:
        bound = logger.bind(webhook=parcel.endpoint_id, delivery=parcel.delivery_id)
        try:
            answer = await self._store.settle(
                parcel,
                attempt,
                verdict.name,
                now_ms=self._clock_ms(),
                reason=verdict.reason,
                next_ms=verdict.next_ms,
                hold_until_ms=verdict.hold_until_ms,
            )
        except DragomanError as error:
            bound.warning("an attempt cannot be noted and is made again later: {}", error.message)
            return
        if answer == "fenced":
            bound.warning("an attempt took longer than its lease; another courier has the delivery")
            return
        self._tell(parcel, attempt, verdict)
        if answer == "disabled":
            await self._tell_disabled(parcel, verdict)

    def _tell(self, parcel: Parcel, attempt: Attempt, verdict: Verdict) -> None:
        bound = logger.bind(webhook=parcel.endpoint_id, delivery=parcel.delivery_id, attempt=parcel.tries)
        if verdict.name == "delivered":
            DELIVERED_SECONDS.observe(max(0, self._clock_ms() - parcel.created_ms) / 1000)
        elif verdict.name == "retry":
            bound.info("a webhook is tried again: {} {}", attempt.error, attempt.status or "")
        else:
            FAILED.labels(verdict.reason).inc()
            bound.warning("a webhook is given up: {} {}", attempt.error, attempt.status or "")

    async def _tell_disabled(self, parcel: Parcel, verdict: Verdict) -> None:
        reason = "gone" if verdict.name == "gone" else "failing"
        DISABLED.labels(reason).inc()
        logger.bind(webhook=parcel.endpoint_id).error(
            "a webhook is disabled: {}; its owner enables it again with PATCH",
            "its receiver says 410 Gone" if reason == "gone" else "it failed for too long",
        )
        event = WebhookDisabled(webhook_id=parcel.endpoint_id, reason=reason)
        envelope = to_envelope(event, source=SOURCE, subject=parcel.endpoint_id)
        try:
            await self._fanout.offer(envelope, parcel.owner_key)
        except DragomanError as error:
            logger.warning("that a webhook is disabled cannot be told: {}", error.message)


def judge(outcome: Outcome, tries: int, now_ms: int, pauses_s: tuple[float, ...]) -> Verdict:
    """What comes next after attempt number ``tries``."""
    if outcome.delivered:
        return Verdict("delivered")
    if outcome.status == GONE:
        return Verdict("gone", "gone")
    if tries > len(pauses_s):
        return Verdict("failed", "attempts_exhausted")
    wait_ms = round(1000 * pauses_s[tries - 1] * random.uniform(1 - JITTER, 1))
    if outcome.status not in {TOO_MANY_REQUESTS, UNAVAILABLE}:
        return Verdict("retry", next_ms=now_ms + wait_ms)
    asked_ms = round(1000 * retry_after_s(outcome.retry_after, now_ms))
    # The others of this endpoint wait too, or the receiver would be asked as often as before.
    hold_until_ms = now_ms + asked_ms if asked_ms else 0
    return Verdict("retry", next_ms=now_ms + max(wait_ms, asked_ms), hold_until_ms=hold_until_ms)


def retry_after_s(value: str, now_ms: int) -> float:
    """Seconds of a Retry-After header (RFC 9110, 10.2.3), a day at most; 0 if it tells nothing."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_RETRY_AFTER_S)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(0.0, at.timestamp() - now_ms / 1000), MAX_RETRY_AFTER_S)
