"""The notifier on sinks that are played and a clock that the test turns; Redis is a real one, or away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis
from tests.conftest import Eventually

from dragoman_contracts.errors import BusUnavailable
from dragoman_contracts.monitoring import Anomaly
from dragoman_contracts.streams import AlertKeys, leader_key
from dragoman_orchestration.alerts.book import FORGOTTEN_MS, MAX_ALERTS
from dragoman_orchestration.alerts.notify import PAUSES_S, AlertNotifier
from dragoman_orchestration.alerts.settings import AlertSettings
from dragoman_orchestration.alerts.sinks import Notification
from dragoman_orchestration.webhooks.transport import Outcome
from dragoman_runtime.broker.redis import RedisBroker, connect_redis
from dragoman_runtime.embedded_redis import EmbeddedRedis
from dragoman_runtime.process import Drain

WINDOW_S = 5.0
URL = "https://chat.example/services/T0/secret-of-the-url"


class Clock:
    def __init__(self) -> None:
        self.now_ms = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now_ms

    def advance(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)


class Played:
    """A sink that notes what it is told; it fails while ``error`` is set, and hangs while ``held`` is."""

    def __init__(self, name: str = "slack", repeat_s: float = 0.0) -> None:
        self.name = name
        self.repeat_s = repeat_s
        self.error = ""
        self.held: asyncio.Event | None = None
        self.tries = 0
        self.messages: list[Notification] = []

    async def send(self, told: Notification, now_ms: int) -> Outcome:
        self.tries += 1
        if self.held is not None:
            await self.held.wait()
        if self.error == "raise":
            raise RuntimeError(URL)
        if self.error:
            return Outcome(503, self.error, 1)
        self.messages.append(told)
        return Outcome(200, "", 1)

    def lines(self) -> list[str]:
        """What was told, in order: +opened, =still open, -resolved."""
        return [
            f"{sign}{one.anomaly.rule}{one.anomaly.subject and '|'}{one.anomaly.subject}"
            for message in self.messages
            for sign, alerts in (
                ("+", message.opened),
                ("=", message.still_open),
                ("-", message.resolved),
            )
            for one in alerts
        ]


def anomaly(rule: str = "redis_away", subject: str = "", severity: Any = "critical") -> Anomaly:
    return Anomaly(
        rule=rule, subject=subject, severity=severity, measure="m", value=1.0, since_ms=5, message="It is so."
    )


@asynccontextmanager
async def running(
    *sinks: Played, clock: Clock, broker: RedisBroker | None = None, **settings: Any
) -> AsyncIterator[AlertNotifier]:
    known = AlertSettings(**({"group_window_s": WINDOW_S} | settings))
    notifier = AlertNotifier(sinks, known, broker, clock_ms=clock, tick_s=0.01)
    drain = Drain()
    task = asyncio.create_task(notifier.run(drain))
    try:
        yield notifier
    finally:
        drain.start("the test is over")
        await asyncio.wait_for(task, 10)


async def seen(notifier: AlertNotifier, eventually: Eventually) -> None:
    """All news are written down, and two looks were made since."""
    await eventually(lambda: not notifier._news)
    await asyncio.sleep(0.05)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sink() -> Played:
    return Played()


async def test_an_alert_is_told_once_after_its_window_and_its_recovery_once(
    sink: Played, clock: Clock, eventually: Eventually, broker: RedisBroker
) -> None:
    async with running(sink, clock=clock, broker=broker) as notifier:
        notifier.opened(anomaly())
        await seen(notifier, eventually)
        assert sink.tries == 0  # others may come
        clock.advance(WINDOW_S)
        await eventually(lambda: sink.lines() == ["+redis_away"])
        notifier.opened(anomaly())
        clock.advance(WINDOW_S)
        await seen(notifier, eventually)
        notifier.resolved(anomaly())
        await seen(notifier, eventually)
        clock.advance(WINDOW_S)
        await eventually(lambda: sink.lines() == ["+redis_away", "-redis_away"])
        notifier.resolved(anomaly())
        clock.advance(10 * WINDOW_S)
        await seen(notifier, eventually)
        # What is over and told leaves nothing behind.
        await eventually(lambda: _empty(broker))
    assert sink.lines() == ["+redis_away", "-redis_away"]


async def test_an_alert_that_comes_again_later_is_told_again(
    sink: Played, clock: Clock, eventually: Eventually
) -> None:
    async with running(sink, clock=clock, group_window_s=0) as notifier:
        for number in (1, 2, 3):
            notifier.opened(anomaly())
            await eventually(lambda wanted=number: len(sink.lines()) == 2 * wanted - 1)
            notifier.resolved(anomaly())
            await eventually(lambda wanted=number: len(sink.lines()) == 2 * wanted)
    assert sink.lines() == ["+redis_away", "-redis_away"] * 3


async def test_what_is_over_before_it_was_told_is_not_told_at_all(
    sink: Played, clock: Clock, eventually: Eventually
) -> None:
    async with running(sink, clock=clock) as notifier:
        notifier.opened(anomaly())
        notifier.resolved(anomaly())
        notifier.resolved(anomaly("never_opened"))
        await seen(notifier, eventually)
        clock.advance(WINDOW_S)
        await seen(notifier, eventually)
    assert sink.tries == 0


async def test_what_is_away_and_back_within_the_window_is_no_news(
    sink: Played, clock: Clock, eventually: Eventually
) -> None:
    async with running(sink, clock=clock) as notifier:
        notifier.opened(anomaly())
        await seen(notifier, eventually)
        clock.advance(WINDOW_S)
        await eventually(lambda: sink.lines() == ["+redis_away"])
        for _ in range(20):
            notifier.resolved(anomaly())
            notifier.opened(anomaly())
        await seen(notifier, eventually)
        clock.advance(WINDOW_S)
        await seen(notifier, eventually)
    assert sink.lines() == ["+redis_away"]


async def test_the_same_rule_on_two_subjects_is_two_alerts(
    sink: Played, clock: Clock, eventually: Eventually
) -> None:
    async with running(sink, clock=clock) as notifier:
        notifier.opened(anomaly("lag", "a"))
        notifier.opened(anomaly("lag", "b"))
        await seen(notifier, eventually)
        clock.advance(WINDOW_S)
        await eventually(lambda: len(sink.lines()) == 2)
        notifier.resolved(anomaly("lag", "a"))
        await seen(notifier, eventually)
        clock.advance(WINDOW_S)
        await eventually(lambda: sink.lines()[2:] == ["-lag|a"])


async def test_a_storm_of_500_anomalies_is_one_grouped_message(
    sink: Played, clock: Clock, eventually: Eventually, broker: RedisBroker
) -> None:
    async with running(sink, clock=clock, broker=broker) as notifier:
        for number in range(500):
            notifier.opened(anomaly("backlog", f"s{number}"))
        await seen(notifier, eventually)
        clock.advance(WINDOW_S)
        await eventually(lambda: sink.messages)
        for number in range(500):
            notifier.resolved(anomaly("backlog", f"s{number}"))
        await seen(notifier, eventually)
        clock.advance(WINDOW_S)
        await eventually(lambda: len(sink.messages) == 2)
    assert [len(message.all) for message in sink.messages] == [500, 500]


async def test_a_steady_stream_of_alerts_is_told_only_so_often_a_minute(
    sink: Played, clock: Clock, eventually: Eventually
) -> None:
    async with running(sink, clock=clock, group_window_s=0, max_per_minute=3) as notifier:
        for number in range(10):
            notifier.opened(anomaly("lag", f"s{number}"))
            await seen(notifier, eventually)
            clock.advance(1)
        assert len(sink.messages) == 3
        clock.advance(60)
        await eventually(lambda: len(sink.lines()) == 10)
    assert [len(message.all) for message in sink.messages] == [1, 1, 1, 7]


async def test_lesser_severities_are_told_to_nobody(
    sink: Played, clock: Clock, eventually: Eventually
) -> None:
    async with running(sink, clock=clock, group_window_s=0, min_severity="warning") as notifier:
        notifier.opened(anomaly("a", severity="info"))
        notifier.opened(anomaly("b", severity="warning"))
        notifier.opened(anomaly("c", severity="critical"))
        await eventually(lambda: len(sink.lines()) == 2)
        notifier.resolved(anomaly("a", severity="info"))
        await seen(notifier, eventually)
    assert sorted(sink.lines()) == ["+b", "+c"]


async def test_what_stays_open_is_told_again_after_a_while(
    sink: Played, clock: Clock, eventually: Eventually
) -> None:
    sink.repeat_s = 3600
    async with running(sink, clock=clock, group_window_s=0) as notifier:
        notifier.opened(anomaly())
        await eventually(lambda: sink.lines() == ["+redis_away"])
        clock.advance(3599)
        await seen(notifier, eventually)
        assert len(sink.lines()) == 1
        clock.advance(1)
        await eventually(lambda: sink.lines() == ["+redis_away", "=redis_away"])


async def test_a_receiver_that_fails_is_tried_again_at_growing_pauses_and_delays_no_other(
    sink: Played, clock: Clock, eventually: Eventually, log_lines: list[str]
) -> None:
    broken = Played("webhook")
    broken.error = "server_error"
    async with running(sink, broken, clock=clock, group_window_s=0) as notifier:
        notifier.opened(anomaly())
        await eventually(lambda: sink.lines() == ["+redis_away"])
        for number, pause_s in enumerate(PAUSES_S, start=1):
            await eventually(lambda wanted=number: broken.tries == wanted)
            clock.advance(pause_s - 0.01)
            await seen(notifier, eventually)
            assert broken.tries == number
            clock.advance(0.01)
        broken.error = ""
        clock.advance(PAUSES_S[-1])
        await eventually(lambda: broken.lines() == ["+redis_away"])
    assert sink.lines() == ["+redis_away"]
    assert any("1 alerts do not reach webhook: server_error 503" in line for line in log_lines)
    assert any("alerts reach webhook again" in line for line in log_lines)


async def test_a_recovery_is_told_only_to_those_who_were_told_of_the_alert(
    sink: Played, clock: Clock, eventually: Eventually, broker: RedisBroker
) -> None:
    broken = Played("webhook")
    broken.error = "timeout"
    async with running(sink, broken, clock=clock, broker=broker, group_window_s=0) as notifier:
        notifier.opened(anomaly())
        await eventually(lambda: sink.lines() == ["+redis_away"] and broken.tries)
        notifier.resolved(anomaly())
        await eventually(lambda: sink.lines() == ["+redis_away", "-redis_away"])
        broken.error = ""
        clock.advance(600)
        await eventually(lambda: _empty(broker))
    assert broken.lines() == []


async def test_a_recovery_that_cannot_be_told_for_a_day_is_forgotten(
    sink: Played, clock: Clock, eventually: Eventually, broker: RedisBroker
) -> None:
    async with running(sink, clock=clock, broker=broker, group_window_s=0) as notifier:
        notifier.opened(anomaly())
        await eventually(lambda: sink.lines() == ["+redis_away"])
        sink.error = "timeout"
        notifier.resolved(anomaly())
        await seen(notifier, eventually)
        clock.advance(FORGOTTEN_MS / 1000 + 1)
        await eventually(lambda: _empty(broker))


async def test_a_sink_that_breaks_or_hangs_ends_nothing_and_its_url_is_not_told(
    sink: Played, clock: Clock, eventually: Eventually, log_lines: list[str]
) -> None:
    broken, hanging = Played("webhook"), Played("alertmanager")
    broken.error = "raise"
    hanging.held = asyncio.Event()
    async with running(sink, broken, hanging, clock=clock, group_window_s=0) as notifier:
        notifier.opened(anomaly("a"))
        await eventually(lambda: sink.lines() == ["+a"] and broken.tries and hanging.tries)
        notifier.opened(anomaly("b"))
        await eventually(lambda: sink.lines() == ["+a", "+b"])
        assert hanging.tries == 1  # one at a time
        hanging.held.set()
        await eventually(lambda: hanging.lines() == ["+a", "+b"])
    assert any("do not reach webhook: RuntimeError" in line for line in log_lines)
    assert not any("secret-of-the-url" in line for line in log_lines)


async def test_what_changes_while_a_message_is_under_way_is_told_after_it(
    sink: Played, clock: Clock, eventually: Eventually, broker: RedisBroker
) -> None:
    sink.held = asyncio.Event()
    async with running(sink, clock=clock, broker=broker, group_window_s=0) as notifier:
        notifier.opened(anomaly())
        await eventually(lambda: sink.tries == 1)
        notifier.resolved(anomaly())
        await seen(notifier, eventually)
        sink.held.set()
        await eventually(lambda: sink.lines() == ["+redis_away", "-redis_away"])


async def test_two_monitors_that_see_the_same_tell_it_once(
    sink: Played, clock: Clock, eventually: Eventually, broker: RedisBroker
) -> None:
    other = Played()
    async with (
        running(sink, clock=clock, broker=broker, group_window_s=0) as first,
        running(other, clock=clock, broker=broker, group_window_s=0) as second,
    ):
        for notifier in (first, second):
            notifier.opened(anomaly())
        await eventually(lambda: len(sink.lines() + other.lines()) == 1)
        for notifier in (first, second):
            notifier.resolved(anomaly())
        await eventually(lambda: len(sink.lines() + other.lines()) == 2)
        for notifier in (first, second):
            await seen(notifier, eventually)
    assert sorted([sink.lines(), other.lines()]) == [[], ["+redis_away", "-redis_away"]]


async def test_who_takes_over_tells_what_is_left_and_nothing_twice(
    sink: Played, clock: Clock, eventually: Eventually, broker: RedisBroker
) -> None:
    follower = Played()
    async with running(sink, clock=clock, broker=broker) as first:
        first.opened(anomaly("told"))
        await seen(first, eventually)
        clock.advance(WINDOW_S)
        await eventually(lambda: sink.lines() == ["+told"])
        await seen(first, eventually)
        first.opened(anomaly("left"))  # its window is not over when the process ends
        await seen(first, eventually)
    async with running(follower, clock=clock, broker=broker) as second:
        clock.advance(WINDOW_S)
        await eventually(lambda: follower.lines() == ["+left"])
        second.opened(anomaly("told"))
        second.resolved(anomaly("told"))
        await seen(second, eventually)
        clock.advance(WINDOW_S)
        await eventually(lambda: follower.lines() == ["+left", "-told"])
    assert sink.lines() == ["+told"]


async def test_what_was_taken_is_in_redis_before_its_window_is_over_also_if_the_process_is_killed_then(
    sink: Played, clock: Clock, eventually: Eventually, broker: RedisBroker
) -> None:
    killed = AlertNotifier([Played()], AlertSettings(), broker, clock_ms=clock, tick_s=60)
    killed.opened(anomaly())
    task = asyncio.create_task(killed.run(Drain()))
    await eventually(lambda: _has(broker, "redis_away|"))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await broker.ask([("DEL", leader_key("alerts"))])  # as when its lease has ended
    async with running(sink, clock=clock, broker=broker) as notifier:
        await seen(notifier, eventually)
        clock.advance(WINDOW_S)
        await eventually(lambda: sink.lines() == ["+redis_away"])


async def test_a_killed_teller_is_replaced_when_its_lease_ends(
    sink: Played, clock: Clock, eventually: Eventually, broker: RedisBroker, redis_client: Redis
) -> None:
    await redis_client.set(leader_key("alerts"), "somebody-who-was-killed", px=60_000)
    async with running(sink, clock=clock, broker=broker, group_window_s=0) as notifier:
        notifier.opened(anomaly())
        await seen(notifier, eventually)
        assert sink.tries == 0
        await redis_client.delete(leader_key("alerts"))
        await eventually(lambda: sink.lines() == ["+redis_away"])


async def test_alerts_go_out_while_redis_is_away_and_are_not_doubled_when_it_is_back(
    sink: Played, clock: Clock, eventually: Eventually
) -> None:
    async with EmbeddedRedis(port=0) as server:  # which forgets all when it ends
        broker = RedisBroker(connect_redis(server.url, timeout_s=1))
        other = Played()
        async with (
            running(sink, clock=clock, broker=broker, group_window_s=0) as leader,
            running(other, clock=clock, broker=broker, group_window_s=0) as idle,
        ):
            leader.opened(anomaly("before"))
            await eventually(lambda: sink.lines() + other.lines() == ["+before"])
            await seen(leader, eventually)
            await seen(idle, eventually)
            await server.stop()
            with pytest.raises(BusUnavailable):
                await broker.ping()
            leader.opened(anomaly("redis_away"))
            await eventually(lambda: "+redis_away" in sink.lines())
            await server.start()
            await eventually(lambda: _kept(broker, {"before|", "redis_away|"}))
            for notifier in (leader, idle):
                notifier.opened(anomaly("before"))
                notifier.opened(anomaly("redis_away"))
                await seen(notifier, eventually)
            leader.resolved(anomaly("before"))
            leader.resolved(anomaly("redis_away"))
            await eventually(lambda: len(sink.lines() + other.lines()) == 4)
            await eventually(lambda: _empty(broker))
            await seen(idle, eventually)
        await broker.close()
    told = sink.lines() + other.lines()
    assert sorted(told) == ["+before", "+redis_away", "-before", "-redis_away"]


async def test_redis_that_is_away_from_the_start_hinders_nobody(
    sink: Played, clock: Clock, eventually: Eventually, free_port: int
) -> None:
    broker = RedisBroker(connect_redis(f"redis://127.0.0.1:{free_port}", timeout_s=1))
    async with running(sink, clock=clock, broker=broker, group_window_s=0) as notifier:
        notifier.opened(anomaly())
        await eventually(lambda: sink.lines() == ["+redis_away"])
        notifier.resolved(anomaly())
        await eventually(lambda: sink.lines() == ["+redis_away", "-redis_away"])
    await broker.close()


async def test_a_wiped_redis_makes_no_double_and_no_recovery_is_lost(
    sink: Played, clock: Clock, eventually: Eventually, broker: RedisBroker, redis_client: Redis
) -> None:
    async with running(sink, clock=clock, broker=broker, group_window_s=0) as notifier:
        notifier.opened(anomaly())
        await eventually(lambda: sink.lines() == ["+redis_away"])
        await seen(notifier, eventually)
        await redis_client.flushall()
        await eventually(lambda: _kept(broker, {"redis_away|"}))
        notifier.opened(anomaly())
        await seen(notifier, eventually)
        notifier.resolved(anomaly())
        await eventually(lambda: sink.lines() == ["+redis_away", "-redis_away"])


async def test_records_of_another_version_are_left_out(
    sink: Played, clock: Clock, eventually: Eventually, broker: RedisBroker, redis_client: Redis
) -> None:
    await redis_client.hset(AlertKeys.OPEN, "old|", b'{"x": 1}')  # type: ignore[misc]
    await redis_client.hset(AlertKeys.OPEN, b"\xff", b"\xff")  # type: ignore[misc]
    async with running(sink, clock=clock, broker=broker, group_window_s=0) as notifier:
        notifier.opened(anomaly("old"))
        await eventually(lambda: sink.lines() == ["+old"])


async def test_handing_over_news_never_waits_and_is_bounded(
    clock: Clock, eventually: Eventually, log_lines: list[str]
) -> None:
    sink = Played()
    async with running(sink, clock=clock, group_window_s=0) as notifier:
        for number in range(MAX_ALERTS + 10):
            notifier.opened(anomaly("lag", f"s{number}"))
        await eventually(lambda: sink.messages)
    assert len(sink.lines()) == MAX_ALERTS
    assert sum("is not told" in line for line in log_lines) == 10


async def test_without_a_receiver_nothing_is_kept_and_it_is_said_once(
    clock: Clock, log_lines: list[str]
) -> None:
    async with running(clock=clock) as notifier:
        notifier.opened(anomaly())
        await asyncio.sleep(0)
        assert not notifier._news
    assert sum("alerts are told to nobody" in line for line in log_lines) == 1


async def _empty(broker: RedisBroker) -> bool:
    counts = await broker.ask([("HLEN", AlertKeys.OPEN), ("HLEN", AlertKeys.TOLD)])
    return counts == [0, 0]


async def _has(broker: RedisBroker, key: str) -> bool:
    return await broker.ask([("HEXISTS", AlertKeys.OPEN, key)]) == [1]


async def _kept(broker: RedisBroker, wanted: set[str]) -> bool:
    try:
        records, parts = await broker.ask([("HKEYS", AlertKeys.OPEN), ("HKEYS", AlertKeys.TOLD)])
    except BusUnavailable:
        return False
    keys = {key.decode() for key in records}
    told = {part.decode().partition("|")[2] for part in parts}
    return wanted <= keys and wanted <= told
