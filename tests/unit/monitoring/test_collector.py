"""One look at everything: each part by itself, in bounded time."""

from __future__ import annotations

import time

import httpx
import pytest
import respx

from dragoman_contracts.config import ConfigDocument, ConfigValues, WhisperService, checksum_of
from dragoman_contracts.events import ConfigDriftDetected
from dragoman_contracts.fleet import ProcessReport
from dragoman_orchestration.config.state import ConfigState
from dragoman_orchestration.monitoring.collector import Collector
from dragoman_orchestration.monitoring.looks import bots
from dragoman_orchestration.monitoring.looks.configuration import measure_drift
from dragoman_orchestration.monitoring.looks.services import look_at_services, open_services, shown_url
from dragoman_orchestration.monitoring.measures import Look
from dragoman_orchestration.monitoring.overview import parts_of, shown_measures, status_of

from .fakes import FakeBroker

WHISPER = "http://whisper.test"


def empty_redis(command):
    """What an empty Redis says."""
    match command[0]:
        case "PING":
            return b"PONG"
        case "INFO":
            return b"redis_version:7.0.15\r\nrole:master\r\nused_memory:900\r\nmaxmemory:1000\r\n"
        case "TIME":
            return [b"1700000000", b"0"]
        case "XLEN" | "EVAL" | "ZCOUNT":
            return 0
        case "HMGET":
            return [None] * (len(command) - 2)
    return []


@pytest.fixture
def redis() -> FakeBroker:
    return FakeBroker(empty_redis)


@pytest.fixture
def collector(redis):
    services = open_services({"whisper": [WHISPER]}, timeout_s=0.2)
    return Collector(redis, services, timeout_s=0.2)


def whisper_works(mock: respx.MockRouter, **ready) -> None:
    mock.get(f"{WHISPER}/ready").mock(return_value=httpx.Response(**({"status_code": 200} | ready)))
    mock.get(f"{WHISPER}/config").respond(json={"config": {}, "requested": {}, "checksum": checksum_of({})})
    mock.get(f"{WHISPER}/openapi.json").respond(json={"info": {"version": "9.9"}})


async def test_a_healthy_installation_is_ok(collector, respx_mock):
    whisper_works(respx_mock)
    seen = await collector.look()
    assert seen.unseen == {}
    assert parts_of(seen) == {"redis": "ok", "whisper": "ok"}
    assert status_of(seen, []) == "ok"
    [service] = seen.services
    assert (service.version, service.config_checksum) == ("9.9", checksum_of({}))
    assert seen.look.values["redis_memory_ratio"] == 0.9
    assert seen.look.values["config_drift|whisper"] == 0


async def test_without_redis_the_services_are_seen_and_the_reason_is_told(collector, redis, respx_mock):
    whisper_works(respx_mock)
    redis.away = True
    seen = await collector.look()
    assert parts_of(seen) == {"redis": "Redis does not answer (ConnectionError).", "whisper": "ok"}
    assert status_of(seen, []) == "down"
    assert seen.look.values["redis_away"] == 1
    assert seen.look.values["service_away|whisper"] == 0
    assert not {"process_gone", "backlog_seconds", "stream_lag", "config_drift"} & seen.look.complete


async def test_a_redis_that_became_a_replica_is_told_and_still_read(collector, redis, respx_mock):
    whisper_works(respx_mock)
    redis.answer = lambda command: b"role:slave\r\n" if command[0] == "INFO" else empty_redis(command)
    seen = await collector.look()
    assert parts_of(seen)["redis"] == "it is a replica and takes no writes"
    assert (seen.look.values["redis_read_only"], seen.look.values["redis_away"]) == (1, 0)
    assert status_of(seen, []) == "down"
    assert [one.name for one in seen.streams if one.name.startswith("stream:")]


async def test_a_redis_that_hangs_is_told_in_bounded_time(collector, redis, respx_mock):
    whisper_works(respx_mock)
    redis.hangs = True
    began = time.monotonic()
    seen = await collector.look()
    assert time.monotonic() - began < 5  # all parts wait at the same time, each for 0.5 s
    assert seen.redis.state == "no answer within 0.5 s"
    assert set(seen.unseen.values()) == {"no answer within 0.5 s"}
    assert seen.services[0].state == "ok"


async def test_a_service_that_is_away_hides_nothing_else(collector, respx_mock):
    respx_mock.get(f"{WHISPER}/ready").mock(side_effect=httpx.ConnectError("no"))
    seen = await collector.look()
    assert parts_of(seen) == {"redis": "ok", "whisper": "no answer (ConnectError)"}
    assert status_of(seen, []) == "down"  # nobody recognises
    assert seen.look.values["service_away|whisper"] == 1
    assert seen.unseen == {}


async def test_a_service_that_cannot_work_says_why(collector, respx_mock):
    body = {"parts": {"model": "loading", "batcher": "ok"}}
    whisper_works(respx_mock, status_code=503, json=body)
    seen = await collector.look()
    assert seen.services[0].state == "model: loading"
    assert (seen.look.values["service_away|whisper"], seen.look.values["service_not_ready|whisper"]) == (0, 1)


async def test_a_service_that_is_something_else_is_not_ready(collector, respx_mock):
    respx_mock.get(url__startswith=WHISPER).respond(404, text="<html>")
    seen = await collector.look()
    assert seen.services[0].state == "not ready (status 404)"
    assert seen.services[0].config_checksum == ""


async def test_a_part_that_breaks_hides_nothing_else(collector, respx_mock, monkeypatch, log_lines):
    whisper_works(respx_mock)

    def broken(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(bots, "_measure", broken)
    seen = await collector.look()
    assert set(seen.unseen) == {"bots"}
    assert seen.unseen["bots"].startswith("RuntimeError at broken:")
    assert parts_of(seen)["look at bots"] == seen.unseen["bots"]
    assert status_of(seen, []) == "degraded"
    assert "bots_waiting" not in seen.look.complete
    await collector.look()
    assert len([line for line in log_lines if "the bots cannot be looked at" in line]) == 1


async def test_what_wants_a_key_is_given_it(respx_mock):
    url = "http://translation.test"
    respx_mock.get(f"{url}/ready").respond(200)
    respx_mock.get(f"{url}/openapi.json").respond(404)
    config = respx_mock.get(f"{url}/config").respond(401)
    services = open_services({"translation": [url]}, timeout_s=1, keys={"translation": "s3cret"})
    [view] = await look_at_services(services, Look())
    assert config.calls.last.request.headers["authorization"] == "Bearer s3cret"
    assert view.state == "ok"


def test_several_services_have_a_number():
    services = open_services({"whisper": ["http://a", "http://b"], "translation": ["http://c"]}, timeout_s=1)
    assert [one.name for one in services] == ["whisper-1", "whisper-2", "translation"]


def test_a_url_is_shown_without_secrets():
    assert shown_url("https://user:pass@host:8443/base/?key=1#x") == "https://host:8443/base"


def test_measures_of_single_sessions_are_not_in_the_overview(collector):
    look = Look()
    look.note("backlog_seconds", 1, "s")
    look.note("real_time_factor", 1, "s")
    look.note("room", 1, "cpu")

    class Seen:
        pass

    seen = Seen()
    seen.look = look
    assert shown_measures(seen) == {"room|cpu": 1}


# --- drift ----------------------------------------------------------------------------------------------

IN_FORCE = ConfigState(
    version=3, document=ConfigDocument(system=ConfigValues(whisper=WhisperService(beam_size=7)))
)


def process(**facts) -> ProcessReport:
    told = {"name": "w1", "kind": "audio", "config_version": 3, "config_checksum": "c"} | facts
    return ProcessReport(version="1", started_ms=0, seen_ms=0, **told)


def drift(told=None, processes=(), requested: str | None = None) -> Look:
    [service] = open_services({"whisper": ["http://host:8001"]}, timeout_s=1)
    service.requested_checksum = requested
    look = Look()
    measure_drift(IN_FORCE, told or {}, services=[service], processes=processes, look=look)
    return look


def test_a_service_with_what_was_asked_for_is_in_line():
    assert drift(requested=checksum_of({"beam_size": 7})).values == {"config_drift|whisper": 0}


def test_a_service_with_something_else_drifts():
    look = drift(requested=checksum_of({}))
    assert look.values == {"config_drift|whisper": 1}
    assert (
        look.reasons["config_drift|whisper"] == "whisper runs with another configuration than was asked for"
    )


def test_a_repair_that_was_given_up_is_graver():
    event = ConfigDriftDetected(
        part="whisper host:8001", kind="service", expected="a", found="b", gave_up=True
    )
    look = drift({event.part: event}, requested=checksum_of({}))
    assert look.values == {"config_drift|whisper": 2}
    assert drift({event.part: event}, requested=checksum_of({"beam_size": 7})).values == {
        "config_drift|whisper": 0
    }


def test_a_service_that_does_not_tell_is_not_judged_nor_resolved():
    look = drift(requested=None)
    assert look.values == {}
    assert "config_drift" not in look.complete


@pytest.mark.parametrize(
    ("facts", "value"),
    [
        ({}, 0),
        ({"config_version": 2}, 1),
        ({"config_error": "the document is newer"}, 1),
        ({"config_version": 2, "config_checksum": ""}, None),
        ({"config_version": 0, "kind": "something-else"}, None),
    ],
)
def test_processes_are_judged_by_the_version_that_they_report(facts, value):
    look = drift(processes=[process(**facts)], requested=checksum_of({"beam_size": 7}))
    assert look.values.get("config_drift|w1") == value
    assert "config_drift" in look.complete
