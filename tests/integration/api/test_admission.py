"""New sessions while the workers are full; what was opened already goes on."""

from __future__ import annotations

import time

import msgspec
import pytest
from prometheus_client import REGISTRY

from dragoman_contracts.fleet import WorkerReport
from dragoman_contracts.streams import fleet_key
from dragoman_contracts.websocket import CloseCode
from dragoman_orchestration.session import fleet as module


@pytest.fixture(autouse=True)
def read_always(monkeypatch):
    monkeypatch.setattr(module, "READ_EVERY_S", 0.0)


@pytest.fixture
def report(redis_client):
    """``await report("w1", room=3)``: what a worker of profile cpu does each second."""

    async def write(worker: str, *, age_s: float = 0.0, profile: str = "cpu", **facts: int) -> None:
        seen_ms = int((time.time() - age_s) * 1000)
        told = WorkerReport(worker=worker, seen_ms=seen_ms, **({"sessions": 5, "room": 0} | facts))
        await redis_client.hset(fleet_key(profile), worker, msgspec.json.encode(told))

    return write


def refused(reason: str) -> float:
    return REGISTRY.get_sample_value("dragoman_api_refused_total", {"reason": reason}) or 0.0


async def test_a_full_fleet_refuses_new_sessions_and_keeps_the_old(api, report, redis_client):
    opened, made = await api.create(), await api.create()
    await (await api.speaker(opened)).close()
    before = refused("no_room")
    await report("w1")
    await report("w2")
    await redis_client.hset(fleet_key("cpu"), "w3", b"{no report")

    answer = await api.http.post("/v1/sessions")
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    assert answer.headers["retry-after"]
    assert "audio workers" in answer.json()["remedy"]

    first = await api.speaker(made)
    assert (first.greeting["code"], first.greeting["permanent"]) == ("overloaded", False)
    assert await first.closed() == CloseCode.OVERLOADED
    assert refused("no_room") == before + 2

    assert (await api.speaker(opened)).greeting["type"] == "session.resumed"
    # Another profile is another fleet.
    assert (await api.http.post("/v1/sessions", json={"profile": "gpu"})).status_code == 201
    await report("w2", room=1)
    assert (await api.speaker(made)).greeting["type"] == "session.started"


async def test_workers_that_refuse(api, report):
    before = refused("degraded")
    await report("w1", room=9, refuses=True, level=4)
    answer = await api.http.post("/v1/sessions")
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    assert refused("degraded") == before + 1
    await report("w2", room=0)
    assert (await api.http.post("/v1/sessions")).status_code == 503
    await report("w2", room=1)
    assert (await api.http.post("/v1/sessions")).status_code == 201


async def test_reports_of_workers_that_are_gone_count_for_nothing(api, report):
    await report("w1", age_s=60)
    assert (await api.http.post("/v1/sessions")).status_code == 201
    told = (await api.http.get("/v1/system/health")).json()["fleets"]
    assert told == {"cpu": {"workers": 0, "sessions": 0, "room": 0, "level": 0, "lag_ms": 0}}


async def test_admission_switched_off(start_api, report):
    await report("w1")
    async with start_api(admission=False) as api:
        assert (await api.speaker(await api.create())).greeting["type"] == "session.started"


async def test_health_tells_the_fleets(api, report):
    await report("w1", sessions=3, room=2, level=1, lag_ms=40)
    await report("w2", sessions=4, room=5, lag_ms=70)
    await report("w3", profile="mock", room=1)
    told = (await api.http.get("/v1/system/health")).json()["fleets"]
    assert told["cpu"] == {"workers": 2, "sessions": 7, "room": 7, "level": 1, "lag_ms": 70}
    assert set(told) == {"cpu", "mock"}
