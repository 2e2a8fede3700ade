"""``/v1/system`` on a real API and a real monitor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from dragoman_contracts.events import UsageMetrics
from dragoman_contracts.monitoring import Overview, RedisView
from dragoman_contracts.streams import MonitoringKeys
from dragoman_orchestration.api import system_schemas
from dragoman_orchestration.monitoring.store import MonitoringStore
from tests.integration.api.conftest import running_api

from .conftest import overview_of


@pytest.fixture
async def api(redis):
    async with running_api(redis.url) as running:
        yield running


async def test_without_a_monitor_the_overview_names_the_remedy(bus, api):
    answer = await api.http.get("/v1/system/overview")
    assert (answer.status_code, answer.json()["code"]) == (503, "no_monitor")
    assert "dragoman worker monitoring" in answer.json()["remedy"]
    assert (await api.http.get("/v1/system/health")).json()["monitor"] is None


async def test_the_overview_of_a_monitor_is_served_with_its_age(bus, api, start_monitor, eventually):
    start_monitor(whisper_urls="http://127.0.0.1:9")
    seen = await eventually(lambda: overview_of(bus))
    told = (await api.http.get("/v1/system/overview")).json()
    assert told["monitor"] == seen.monitor
    assert 0 <= told["age_ms"] < 10_000
    assert msgspec.convert(told, Overview).redis.state == "ok"
    assert told["services"][0]["state"] == "no answer (ConnectError)"
    health = (await api.http.get("/v1/system/health")).json()
    assert health["monitor"]["monitor"] == seen.monitor
    assert health["monitor"]["status"] == "down"
    assert health["parts"]["redis"] == "ok"


async def test_an_overview_is_no_more_when_nobody_looks(bus, api):
    store = MonitoringStore(bus)
    seen = Overview(time_ms=1, monitor="m", status="ok", redis=RedisView(state="ok"))
    await store.keep_overview(seen, valid_s=60)
    assert (await api.http.get("/v1/system/overview")).json()["age_ms"] > 1_000
    [ttl_ms] = await bus.ask([("PTTL", MonitoringKeys.OVERVIEW)])
    assert 0 < ttl_ms <= 60_000


async def test_usage_by_day_and_key(bus, api):
    today = datetime.now(UTC).date()
    for days_ago, amount in ((0, 5), (1, 7), (40, 9)):
        day = str(today - timedelta(days=days_ago))
        await bus.ask([("HSET", MonitoringKeys.usage(day), "app|audio_ms", amount, "app|sessions", 1)])
    told = (await api.http.get("/v1/system/usage")).json()["usage"]
    assert [(one["day"], one["audio_ms"]) for one in told] == [
        (str(today - timedelta(days=1)), 7),
        (str(today), 5),
    ]
    assert told[0] == {
        "day": told[0]["day"],
        "owner_key": "app",
        "audio_ms": 7,
        "sessions": 1,
        "translated_chars": 0,
        "bots": 0,
    }
    before = today - timedelta(days=40)
    answer = await api.http.get("/v1/system/usage", params={"from": str(before), "to": str(before)})
    assert [one["audio_ms"] for one in answer.json()["usage"]] == [9]


@pytest.mark.parametrize(
    "query",
    ["from=2026-02-01&to=2026-01-01", "from=2020-01-01&to=2026-01-01", "from=yesterday", "to=2026-13-01"],
)
async def test_days_that_make_no_sense_are_refused(query, bus, api):
    answer = await api.http.get(f"/v1/system/usage?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


@pytest.mark.parametrize("path", ["overview", "usage", "health"])
async def test_only_keys_are_let_in(path, bus, api):
    answer = await api.http.get(f"/v1/system/{path}", headers={"authorization": "Bearer wrong"})
    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["overview", "usage"])
async def test_without_redis_it_is_told(path, redis, bus, api):
    await redis.stop()
    answer = await api.http.get(f"/v1/system/{path}")
    assert (answer.status_code, answer.json()["code"]) == (503, "bus_unavailable")
    health = (await api.http.get("/v1/system/health")).json()
    assert health["parts"]["redis"].startswith("Redis does not answer")
    assert health["monitor"] is None


async def test_openapi_has_examples(bus, api):
    document = (await api.http.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    for name in ("SystemOverview", "ServiceSeen", "ProcessSeen", "SessionSeen", "KeyUsage", "MonitorHealth"):
        for field, told in schemas[name]["properties"].items():
            assert {"examples", "$ref", "items"} & told.keys(), f"{name}.{field}"
    for path in ("overview", "usage"):
        assert "503" in document["paths"][f"/v1/system/{path}"]["get"]["responses"]


@pytest.mark.parametrize(
    ("body", "contract"),
    [
        (system_schemas.SystemOverview, Overview),
        (system_schemas.KeyUsage, UsageMetrics),
        *(
            (body, contract)
            for body, contract in (
                (system_schemas.RedisSeen, "RedisView"),
                (system_schemas.ServiceSeen, "ServiceView"),
                (system_schemas.ProcessSeen, "ProcessView"),
                (system_schemas.GroupSeen, "GroupView"),
                (system_schemas.StreamSeen, "StreamView"),
                (system_schemas.SessionSeen, "SessionView"),
                (system_schemas.BotSeen, "BotView"),
                (system_schemas.AnomalySeen, "Anomaly"),
            )
        ),
    ],
)
def test_bodies_have_the_fields_of_the_contract(body, contract):
    from dragoman_contracts import monitoring

    kind = getattr(monitoring, contract) if isinstance(contract, str) else contract
    assert set(body.model_fields) - {"age_ms"} == set(kind.__struct_fields__) - {"age_ms"}
    assert ("age_ms" in body.model_fields) or kind is not Overview
