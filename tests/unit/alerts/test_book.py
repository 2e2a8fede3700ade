"""Two processes' books on one Redis."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from dragoman_contracts.monitoring import Anomaly
from dragoman_contracts.streams import AlertKeys
from dragoman_orchestration.alerts.book import AlertBook
from dragoman_runtime.broker.redis import RedisBroker, connect_redis
from dragoman_runtime.embedded_redis import EmbeddedRedis

ANOMALY = Anomaly(
    rule="lag", subject="s", severity="warning", measure="m", value=1.0, since_ms=5, message="It lags."
)


@pytest.fixture
def books(broker: RedisBroker) -> tuple[AlertBook, AlertBook]:
    return AlertBook(broker), AlertBook(broker)


def shown(book: AlertBook) -> list[tuple[bool, dict[str, int]]]:
    return [(alert.is_open, alert.told) for alert in book.alerts()]


async def test_what_one_writes_another_reads(books: tuple[AlertBook, AlertBook]) -> None:
    sees, tells = books
    sees.opened(ANOMALY, 10)
    assert await sees.sync()
    await tells.sync()
    assert shown(tells) == [(True, {})]
    tells.told(tells.alerts(), "slack", 20)
    await tells.sync()
    await sees.sync()
    assert shown(sees) == [(True, {"slack": 20})]


async def test_who_sees_and_who_tells_do_not_overwrite_each_other(
    books: tuple[AlertBook, AlertBook],
) -> None:
    sees, tells = books
    sees.opened(ANOMALY, 10)
    await sees.sync()
    await tells.sync()
    tells.told(tells.alerts(), "slack", 20)
    sees.resolved(ANOMALY, 30)  # neither has read what the other does
    await tells.sync()
    await sees.sync()
    await tells.sync()
    assert shown(sees) == shown(tells) == [(False, {"slack": 20})]


async def test_an_alert_that_opens_again_while_another_forgets_it_stays(
    books: tuple[AlertBook, AlertBook],
) -> None:
    sees, tells = books
    sees.opened(ANOMALY, 10)
    sees.resolved(ANOMALY, 20)
    await sees.sync()
    await tells.sync()
    tells.tidy(["slack"], 30)
    sees.opened(ANOMALY, 40)
    await sees.sync()
    await tells.sync()
    await tells.sync()
    await sees.sync()
    assert shown(sees) == shown(tells) == [(True, {})]


async def test_what_another_forgot_is_forgotten_here_too(books: tuple[AlertBook, AlertBook]) -> None:
    sees, tells = books
    sees.opened(ANOMALY, 10)
    sees.resolved(ANOMALY, 20)
    await sees.sync()
    await tells.sync()
    tells.tidy(["slack"], 30)
    await tells.sync()
    await sees.sync()
    assert shown(sees) == shown(tells) == []


async def test_another_run_of_redis_gets_back_what_it_lost() -> None:
    async with EmbeddedRedis(port=0) as server:  # which keeps nothing
        broker = RedisBroker(connect_redis(server.url, timeout_s=1))
        book = AlertBook(broker)
        book.opened(ANOMALY, 10)
        assert await book.sync()
        book.told(book.alerts(), "slack", 20)
        assert await book.sync()
        await server.stop()
        assert not await book.sync()
        assert shown(book) == [(True, {"slack": 20})]
        await server.start()
        assert await book.sync()
        other = AlertBook(broker)
        await other.sync()
        assert shown(other) == [(True, {"slack": 20})]
        await broker.close()


async def test_what_changed_while_redis_was_away_is_written_when_it_is_back() -> None:
    async with EmbeddedRedis(port=0, appendonly=True) as server:
        broker = RedisBroker(connect_redis(server.url, timeout_s=1))
        book = AlertBook(broker)
        book.opened(ANOMALY, 10)
        await book.sync()
        await server.stop()
        book.told(book.alerts(), "slack", 20)
        book.resolved(ANOMALY, 30)
        assert not await book.sync()
        await server.start()
        assert await book.sync()
        other = AlertBook(broker)
        await other.sync()
        assert shown(other) == [(False, {"slack": 20})]
        await broker.close()


async def test_a_copy_that_was_told_of_changes_nothing_else(
    books: tuple[AlertBook, AlertBook], redis_client: Redis
) -> None:
    book, _ = books
    book.opened(ANOMALY, 10)
    copies = book.alerts()
    book.resolved(ANOMALY, 20)
    book.told(copies, "slack", 30)
    assert shown(book) == [(False, {"slack": 30})]
    book.told(book.alerts(), "slack", 40)
    assert shown(book) == [(False, {})]
    book.tidy(["slack"], 50)
    book.told(copies, "slack", 60)  # of an alert that is forgotten by now
    await book.sync()
    assert shown(book) == []
    assert await redis_client.hlen(AlertKeys.TOLD) == 0  # type: ignore[misc]
