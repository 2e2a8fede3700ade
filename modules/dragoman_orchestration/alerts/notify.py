"""Tells anomalies to people: once, together, and never faster than they can read.

Every monitoring process runs a notifier and hands it what its monitor sees. One of them, by a lease, tells;
while Redis is away the process that sees an anomaly tells by itself, from what it remembers.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from ipaddress import ip_network
from typing import Literal

from loguru import logger
from prometheus_client import Counter, Gauge

from dragoman_contracts.errors import DragomanError
from dragoman_contracts.monitoring import Anomaly, Severity
from dragoman_orchestration.alerts.book import Alert, AlertBook
from dragoman_orchestration.alerts.settings import AlertSettings
from dragoman_orchestration.alerts.sinks import (
    AlertmanagerSink,
    Notification,
    Sink,
    SlackSink,
    WebhookSink,
)
from dragoman_orchestration.fleet.reporter import process_name
from dragoman_orchestration.webhooks.transport import Sender
from dragoman_runtime.broker.redis import RedisBroker
from dragoman_runtime.leader import LeaderLease
from dragoman_runtime.process import Drain

TICK_S = 1.0
MAX_NEWS = 20_000
"""Of one tick; the monitor sees far fewer, and is never held up."""
MINUTE_MS = 60_000
PAUSES_S = (1, 2, 5, 15, 60)
"""After so many failures in a row a receiver is left alone for this long; the last one for ever."""
_RANK: dict[Severity, int] = {"info": 0, "warning": 1, "critical": 2}
_ANYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))

MESSAGES = Counter(
    "dragoman_alert_messages_total",
    "Messages to a receiver of alerts, by outcome: sent, or the error.",
    ["sink", "outcome"],
)
OPEN = Gauge("dragoman_alerts_open", "Alerts that are open, as this process knows.")

News = tuple[Literal["opened", "resolved"], Anomaly]


class Receiver:
    """One sink with its pace: when it may be told next, and what it has not heard yet."""

    def __init__(self, sink: Sink, settings: AlertSettings, clock_ms: Callable[[], int]) -> None:
        self.sink = sink
        self._settings = settings
        self._clock_ms = clock_ms
        self._sent_ms: deque[int] = deque(maxlen=settings.max_per_minute)
        self._failures = 0
        self._not_before_ms = 0

    def due(self, alerts: Sequence[Alert]) -> Notification:
        """What it is to be told now; nothing while it must wait."""
        now_ms = self._clock_ms()
        if now_ms < self._not_before_ms:
            return Notification()
        if len(self._sent_ms) == self._sent_ms.maxlen and now_ms - self._sent_ms[0] < MINUTE_MS:
            return Notification()
        name = self.sink.name
        opened = [one for one in alerts if one.is_open and name not in one.told]
        resolved = [one for one in alerts if not one.is_open and name in one.told]
        waited_ms = max(
            (now_ms - (one.resolved_ms or one.opened_ms) for one in opened + resolved), default=-1
        )
        if waited_ms < self._settings.group_window_s * 1000:
            opened, resolved = [], []
        return Notification(opened, self._still_open(alerts, now_ms), resolved)

    def _still_open(self, alerts: Sequence[Alert], now_ms: int) -> list[Alert]:
        repeat_ms, name = self.sink.repeat_s * 1000, self.sink.name
        if not repeat_ms:
            return []
        return [
            one for one in alerts if one.is_open and name in one.told and now_ms - one.told[name] >= repeat_ms
        ]

    async def tell(self, told: Notification) -> bool:
        """Make one try; whether it was taken. A failure is told here, without the URL, which is a secret."""
        now_ms = self._clock_ms()
        try:
            outcome = await self.sink.send(told, now_ms)
            error, status = outcome.error, outcome.status
        except Exception as failure:
            error, status = type(failure).__name__, 0
        MESSAGES.labels(self.sink.name, error or "sent").inc()
        if not error:
            if self._failures:
                logger.info("alerts reach {} again", self.sink.name)
            self._failures = 0
            self._sent_ms.append(now_ms)
            return True
        pause_s = PAUSES_S[min(self._failures, len(PAUSES_S) - 1)]
        self._failures += 1
        self._not_before_ms = self._clock_ms() + pause_s * 1000
        logger.error(
            "{} alerts do not reach {}: {} {}; tried again in {} s",
            len(told.all),
            self.sink.name,
            error,
            status or "",
            pause_s,
        )
        return False


class AlertNotifier:
    """Takes anomalies without ever waiting, and tells them.

    Args:
        sinks: the receivers; without any nothing is done.
        settings: severities and pace.
        broker: Redis; None: memory only, of one process.
        clock_ms: unix ms; tests hand in one that they turn themselves.
        tick_s: pause between two looks.

    """

    def __init__(
        self,
        sinks: Sequence[Sink],
        settings: AlertSettings,
        broker: RedisBroker | None = None,
        *,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        tick_s: float = TICK_S,
    ) -> None:
        self._receivers = [Receiver(sink, settings, clock_ms) for sink in sinks]
        self._least = _RANK[settings.min_severity]
        self._clock_ms = clock_ms
        self._tick_s = tick_s
        self._book = AlertBook(broker)
        self._lease = LeaderLease(broker, "alerts", process_name()) if broker else None
        self._news: deque[News] = deque(maxlen=MAX_NEWS)
        self._tells = broker is None
        self._under_way: dict[str, asyncio.Task[None]] = {}

    @classmethod
    def from_settings(
        cls, settings: AlertSettings, broker: RedisBroker | None = None, *, tick_s: float = TICK_S
    ) -> AlertNotifier:
        """With a sink for each URL that is set."""
        sender = Sender(allowed=_ANYWHERE, timeout_s=settings.timeout_s)
        sinks: list[Sink] = []
        if url := settings.webhook_url.get_secret_value():
            secret = settings.webhook_secret.get_secret_value()
            sinks.append(WebhookSink(sender, url, secret, settings.repeat_s))
        if url := settings.slack_url.get_secret_value():
            sinks.append(SlackSink(sender, url, settings.repeat_s))
        if url := settings.alertmanager_url.get_secret_value():
            sinks.append(AlertmanagerSink(sender, url, settings.alertmanager_repeat_s))
        return cls(sinks, settings, broker, tick_s=tick_s)

    def opened(self, anomaly: Anomaly) -> None:
        """A rule holds. Returns at once."""
        self._take("opened", anomaly)

    def resolved(self, anomaly: Anomaly) -> None:
        """What was told is over. Returns at once."""
        self._take("resolved", anomaly)

    def _take(self, what: Literal["opened", "resolved"], anomaly: Anomaly) -> None:
        if self._receivers and _RANK[anomaly.severity] >= self._least:
            self._news.append((what, anomaly))

    async def run(self, drain: Drain) -> None:
        """Tell until the drain; then what is under way may end. Raises nothing of the bus."""
        if not self._receivers:
            logger.info("alerts are told to nobody: no DRAGOMAN_ALERTS_ URL is set")
            await drain.wait()
            return
        while not drain.is_set():
            await self._step()
            await drain.wait(self._tick_s)
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=self._tick_s)
        await self._leave()

    async def _step(self) -> None:
        leads = self._lease is not None and self._lease.is_held
        has_redis = await self._book.sync(keep_mine=leads)
        if has_news := self._write_down():
            # At once: what this process took must not end with it.
            has_redis = await self._book.sync(keep_mine=leads)
        await self._decide(has_redis=has_redis, has_news=has_news)
        if self._tells:
            self._begin()
            if not self._under_way:
                # Not while somebody hears of an alert whose end he must hear of too.
                self._book.tidy([one.sink.name for one in self._receivers], self._clock_ms())
        OPEN.set(len(self._book))

    def _write_down(self) -> bool:
        has_news = bool(self._news)
        while self._news:
            what, anomaly = self._news.popleft()
            if what == "opened":
                self._book.opened(anomaly, self._clock_ms())
            else:
                self._book.resolved(anomaly, self._clock_ms())
        return has_news

    async def _decide(self, *, has_redis: bool, has_news: bool) -> None:
        """Who tells: the holder of the lease; without Redis who told before, or who sees something now."""
        if self._lease is None:
            return
        if not has_redis:
            self._tells = self._tells or has_news
            return
        with suppress(DragomanError):
            self._tells = await self._lease.hold()

    def _begin(self) -> None:
        alerts = self._book.alerts()
        for receiver in self._receivers:
            name = receiver.sink.name
            if name not in self._under_way and (told := receiver.due(alerts)):
                task = asyncio.create_task(self._tell(receiver, told))
                self._under_way[name] = task
                task.add_done_callback(partial(self._over, name))

    async def _tell(self, receiver: Receiver, told: Notification) -> None:
        if await receiver.tell(told):
            self._book.told(told.all, receiver.sink.name, self._clock_ms())

    def _over(self, name: str, _: asyncio.Task[None]) -> None:
        self._under_way.pop(name, None)

    async def _leave(self) -> None:
        await self._book.sync()
        for task in list(self._under_way.values()):
            task.cancel()
        if self._lease is not None:
            with suppress(DragomanError):
                await self._lease.leave()
