"""The routes of the configuration on an application of their own, with a real Redis."""

from __future__ import annotations

import asyncio
import json
import time

import msgspec
import pytest
from tests.unit.config.api_app import config_api

from dragoman_contracts.config import ChangeState, ConfigValues
from dragoman_contracts.envelope import Envelope
from dragoman_contracts.events import (
    ConfigRollbackRequested,
    ConfigSnapshot,
    ConfigUpdateRequested,
    parse_event,
)
from dragoman_contracts.fleet import ProcessReport
from dragoman_contracts.streams import CONFIG_SYNC, PROCESSES
from dragoman_orchestration.config.announcer import Announcer
from dragoman_orchestration.config.applier import ConfigApplier
from dragoman_orchestration.config.planner import ChangePlanner
from dragoman_orchestration.config.records import ChangeRecord
from dragoman_orchestration.config.services import Outcome, ServiceAnswer
from dragoman_orchestration.config.store import ConfigStore
from dragoman_orchestration.config.turn import ChangeTurn
from dragoman_runtime.broker.redis import RedisBroker, connect_redis

ROUTES = [
    ("GET", ""),
    ("PUT", ""),
    ("PATCH", ""),
    ("GET", "/schema"),
    ("GET", "/effective"),
    ("GET", "/presets"),
    ("GET", "/presets/a"),
    ("PUT", "/presets/a"),
    ("PATCH", "/presets/a"),
    ("DELETE", "/presets/a"),
    ("GET", "/history"),
    ("GET", "/history/1"),
    ("GET", "/diff?from=0"),
    ("POST", "/rollback"),
    ("GET", "/changes/c"),
]


class Fleet:
    """One service that takes what it is given, or refuses."""

    def __init__(self) -> None:
        self.refuses = ""

    def affected(self, before, after):
        return ["translation t:1"]

    async def push(self, document, *, only=None):
        outcome = Outcome.REFUSED if self.refuses else Outcome.IN_SYNC
        return [ServiceAnswer("translation t:1", outcome, "x", reason=self.refuses)]


@pytest.fixture
def fleet():
    return Fleet()


@pytest.fixture
def applier(broker, fleet):
    store = ConfigStore(broker)
    turn = ChangeTurn(broker, "test", lease_ms=5_000, patience_s=5)
    return ConfigApplier(store, fleet, Announcer(broker, "/test"), turn, ChangePlanner(broker, store))


@pytest.fixture
async def api(broker, applier):
    """In mode ``api``: changes are made at once."""
    async with config_api(broker, applier=applier) as http:
        yield http


@pytest.fixture
async def queued(broker):
    """In mode ``worker``, and nobody works."""
    async with config_api(broker) as http:
        yield http


async def requests(broker):
    """What was asked of the worker."""
    found = await broker.read({CONFIG_SYNC: "0-0"}, 100)
    return [parse_event(Envelope.from_fields(entry.fields)) for entry in found.get(CONFIG_SYNC, [])]


@pytest.fixture
async def worker(broker, applier):
    """Plays the worker: applies what is asked for."""

    async def work():
        done = 0
        while True:
            for event in (await requests(broker))[done:]:
                done += 1
                if isinstance(event, ConfigUpdateRequested | ConfigRollbackRequested):
                    await applier.apply(event)
            await asyncio.sleep(0.01)

    task = asyncio.create_task(work())
    yield
    task.cancel()


# --- who, and what there is at first ---------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_key_holders_only(broker, method, path):
    async with config_api(broker, key="") as http:
        for token, status in (("", 401), ("wrong", 401), (http.token, 403)):
            headers = {"authorization": f"Bearer {token}"} if token else {}
            answer = await http.request(method, f"/v1/config{path}", json={}, headers=headers)
            assert answer.status_code == status


async def test_every_route_is_among_those(api):
    known = {(method, f"/v1/config{path.split('?')[0]}") for method, path in ROUTES}
    found = set()
    for path, operations in (await api.get("/openapi.json")).json()["paths"].items():
        filled = path.replace("{name}", "a").replace("{version}", "1").replace("{change_id}", "c")
        if path.startswith("/v1/"):
            found |= {(method.upper(), filled) for method in operations}
    assert found == known


async def test_at_first_nothing_is_set(api):
    answer = await api.get("/v1/config")
    assert answer.status_code == 200
    assert answer.headers["etag"] == f'"0-{answer.json()["checksum"][:8]}"'
    body = answer.json()
    assert (body["values"], body["version"], body["presets"]) == ({}, 0, [])
    assert (await api.get("/v1/config/presets")).json() == {"presets": [], "version": 0}
    assert (await api.get("/v1/config/history")).json() == {"versions": [], "next_before": None}


async def test_the_schema_describes_every_field(api):
    schema = (await api.get("/v1/config/schema")).json()
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert set(schema["properties"]) == set(ConfigValues.model_fields)
    assert schema["$defs"]["VoiceActivity"]["properties"]["threshold"]["description"]


# --- changes, made at once -------------------------------------------------------------------------------


async def test_a_change_is_made_and_read_back(api):
    answer = await api.put("/v1/config", json={"whisper": {"beam_size": 3, "batch_max": 4}})
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["version"]) == ("applied", 1)
    assert answer.json()["services"] == {"translation t:1": "in_sync"}
    now = await api.get("/v1/config")
    assert answer.headers["etag"] == now.headers["etag"]
    assert now.json()["values"] == {"whisper": {"beam_size": 3, "batch_max": 4}}
    assert (now.json()["changed_by"], now.json()["changed_at"] is not None) == ("admin", True)
    change = (await api.get(answer.headers["location"])).json()
    assert change == answer.json()


@pytest.mark.parametrize("kind", ["application/merge-patch+json", "application/json"])
async def test_a_patch_merges_and_takes_out(api, kind):
    await api.put("/v1/config", json={"whisper": {"beam_size": 3, "batch_max": 4}})
    patch = json.dumps({"whisper": {"batch_max": None}, "partials": {"enabled": False}})
    answer = await api.patch("/v1/config", content=patch, headers={"content-type": kind})
    assert answer.json()["version"] == 2
    values = (await api.get("/v1/config")).json()["values"]
    assert values == {"whisper": {"beam_size": 3}, "partials": {"enabled": False}}


async def test_what_was_read_can_be_written(api):
    rules = {"lag": {"measure": "lag", "above": 5, "for_s": 10}}
    await api.put("/v1/config", json={"monitoring": {"rules": rules}, "session": {"targets": ["es"]}})
    first = (await api.get("/v1/config")).json()
    again = await api.put("/v1/config", json=first["values"])
    assert (again.status_code, again.json()["version"]) == (200, 1)
    assert (await api.get("/v1/config")).json() == first


async def test_presets_are_made_read_patched_and_deleted(api):
    path = "/v1/config/presets/lecture"
    assert (await api.get(path)).status_code == 404
    assert (await api.patch(path, json={})).status_code == 404
    await api.put(path, json={"partials": {"enabled": False}})
    await api.patch(path, json={"voice_activity": {"min_silence_ms": 900}})
    preset = (await api.get(path)).json()
    assert preset["values"] == {"partials": {"enabled": False}, "voice_activity": {"min_silence_ms": 900}}
    assert (await api.get("/v1/config/presets")).json()["presets"] == ["lecture"]
    assert (await api.get("/v1/config")).json()["presets"] == ["lecture"]
    assert (await api.delete(path)).json()["version"] == 3
    assert (await api.get(path)).status_code == 404
    assert (await api.delete(path)).status_code == 404


async def test_the_preset_that_sessions_get_cannot_be_deleted(api):
    await api.put("/v1/config/presets/lecture", json={})
    await api.patch("/v1/config", json={"session": {"preset": "lecture"}})
    answer = await api.delete("/v1/config/presets/lecture")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["location"] == "config.system.session.preset"


@pytest.mark.parametrize(
    ("method", "path", "body", "location"),
    [
        ("PUT", "", {"whisper": {"beam_size": 17}}, "body.whisper.beam_size"),
        ("PUT", "", {"colour": "red"}, "body.colour"),
        ("PUT", "", [], "body"),
        ("PUT", "", {"session": {"preset": "gone"}}, "body.session.preset"),
        ("PATCH", "", {"whisper": {"beam_size": "many"}}, "body.whisper.beam_size"),
        ("PATCH", "", {"whisper": {"beams": 1}}, "body.whisper.beams"),
        ("PATCH", "", ["no", "object"], "body"),
        (
            "PATCH",
            "",
            {"degradation": {"degrade_lag_ms": 100, "recover_lag_ms": 200}},
            "body.degradation.recover_lag_ms",
        ),
        ("PUT", "/presets/lecture", {"whisper": {"beam_size": 1}}, "body.whisper"),
        ("PUT", "/presets/Not-a-Name", {}, "path.name"),
        ("POST", "/rollback", {"to_version": -1}, "body.to_version"),
        ("POST", "/rollback", {}, "body.to_version"),
        ("GET", "/history?limit=0", None, "query.limit"),
        ("GET", "/history/-1", None, "path.version"),
        ("GET", "/history/99999999999999999999", None, "path.version"),
        ("GET", "/diff", None, "query.from"),
        ("GET", "/effective?profile=No+Profile", None, "query.profile"),
        ("GET", "/changes/no%20id", None, "path.change_id"),
    ],
)
async def test_what_is_wrong_is_named_and_changes_nothing(api, broker, method, path, body, location):
    answer = await api.request(method, f"/v1/config{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert [error["location"] for error in answer.json()["errors"]] == [location]
    assert (await api.get("/v1/config")).json()["version"] == 0
    assert await requests(broker) == []


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"\xff\xfe", 422),
        (b"\xff\xff", 400),
        (b'{"a":' * 900 + b"1" + b"}" * 900, 422),
        (b"[" * 100_000, 400),
        (b'{"\\ud800": 1}', 422),
        (b'{"session": {"hotwords": "\\ud800"}}', 422),
        (b'{"monitoring": {"rules": {"a": {"measure": "m", "above": NaN}}}}', 422),
        (b'{"monitoring": {"rules": {"a": {"measure": "m", "above": 1e999}}}}', 422),
        (b'{"monitoring": {"rules": {"a": {"measure": "m", "above": 1' + b"0" * 400 + b"}}}}", 422),
        (b'{"whisper": {"beam_size": 1' + b"0" * 4000 + b"}}", 422),
    ],
)
async def test_a_body_of_ill_will_is_refused(api, raw, status):
    headers = {"content-type": "application/merge-patch+json"}
    answer = await api.patch("/v1/config", content=raw, headers=headers)
    assert answer.status_code == status
    assert (await api.get("/v1/config")).json()["version"] == 0


async def test_a_refusal_of_a_service_is_told_in_its_words(api, fleet):
    fleet.refuses = "it has no engine apertium"
    answer = await api.patch("/v1/config", json={"translation": {"engines": ["apertium"]}})
    assert (answer.status_code, answer.json()["code"]) == (422, "refused_by_service")
    assert "translation t:1 does not take it: it has no engine apertium" in answer.json()["detail"]
    assert (await api.get("/v1/config")).json()["version"] == 0


async def test_no_value_is_logged(api, log_lines, fleet):
    await api.put("/v1/config", json={"session": {"hotwords": "Xyzzy"}})
    fleet.refuses = "not Xyzzy"
    await api.put("/v1/config", json={"session": {"hotwords": "Xyzzy2"}})
    await api.put("/v1/config", json={"session": {"hotwords": ["Xyzzy3"]}})
    assert any("applied" in line for line in log_lines)
    assert "Xyzzy" not in "".join(log_lines)


# --- conditions ------------------------------------------------------------------------------------------


async def test_an_old_etag_changes_nothing(api):
    old = (await api.get("/v1/config")).headers["etag"]
    first = await api.patch("/v1/config", json={"whisper": {"beam_size": 3}}, headers={"if-match": old})
    assert first.status_code == 200
    for method, path, body in (
        ("PATCH", "", {"whisper": {"beam_size": 4}}),
        ("PUT", "", {}),
        ("PUT", "/presets/lecture", {}),
        ("POST", "/rollback", {"to_version": 0}),
    ):
        answer = await api.request(method, f"/v1/config{path}", json=body, headers={"if-match": old})
        assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    now = await api.get("/v1/config")
    assert now.headers["etag"] == first.headers["etag"]
    again = await api.patch(
        "/v1/config", json={"whisper": {"beam_size": 4}}, headers={"if-match": now.headers["etag"]}
    )
    assert again.json()["version"] == 2


async def test_a_star_takes_any_version_of_what_exists(api):
    star = {"if-match": "*"}
    assert (await api.patch("/v1/config", json={}, headers=star)).status_code == 200
    assert (await api.put("/v1/config/presets/a", json={}, headers=star)).status_code == 412
    assert (await api.put("/v1/config/presets/a", json={})).status_code == 200
    assert (await api.put("/v1/config/presets/a", json={}, headers=star)).status_code == 200


async def test_a_preset_can_be_made_only_if_there_is_none(api):
    new = {"if-none-match": "*"}
    assert (await api.put("/v1/config/presets/a", json={}, headers=new)).status_code == 200
    assert (await api.put("/v1/config/presets/a", json={}, headers=new)).status_code == 412


async def test_what_is_known_already_is_not_sent_again(api):
    await api.put("/v1/config/presets/a", json={})
    for path in ("/v1/config", "/v1/config/presets/a"):
        tag = (await api.get(path)).headers["etag"]
        answer = await api.get(path, headers={"if-none-match": tag})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
        assert (await api.get(path, headers={"if-none-match": '"0-0"'})).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "changes"),
    [
        ("PUT", "", {"whisper": {"beam_size": 9}}, ["system.whisper.beam_size"]),
        ("PATCH", "", {"partials": {"enabled": True}}, ["system.partials.enabled"]),
        ("PUT", "/presets/a", {"partials": {"enabled": True}}, ["presets.a.partials.enabled"]),
        ("DELETE", "/presets/old", None, ["presets.old"]),
        ("POST", "/rollback", {"to_version": 0}, ["presets.old", "system.whisper.beam_size"]),
        ("PATCH", "", {}, []),
    ],
)
async def test_a_dry_run_tells_what_would_be_and_changes_nothing(api, broker, method, path, body, changes):
    await api.put("/v1/config", json={"whisper": {"beam_size": 3}})
    await api.put("/v1/config/presets/old", json={})
    before, asked = (await api.get("/v1/config")).json(), await requests(broker)
    answer = await api.request(method, f"/v1/config{path}?dry_run=true", json=body)
    assert answer.status_code == 200
    preview = answer.json()
    assert [one["path"] for one in preview["changes"]] == changes
    assert (preview["dry_run"], preview["from_version"]) == (True, 2)
    assert (await api.get("/v1/config")).json() == before
    assert await requests(broker) == asked
    made = await api.request(method, f"/v1/config{path}", json=body)
    assert made.status_code == 200
    assert (await api.get("/v1/config")).json()["checksum"] == preview["checksum"]


async def test_a_dry_run_refuses_as_the_change_would(api):
    answer = await api.put("/v1/config?dry_run=true", json={"session": {"preset": "gone"}})
    assert answer.status_code == 422
    answer = await api.put("/v1/config?dry_run=true", json={}, headers={"if-match": '"9-9"'})
    assert answer.status_code == 412


# --- history ---------------------------------------------------------------------------------------------


async def test_versions_are_listed_compared_and_returned_to(api):
    for size in (3, 4, 5):
        await api.put("/v1/config", json={"whisper": {"beam_size": size}})
    page = (await api.get("/v1/config/history?limit=2")).json()
    assert [one["version"] for one in page["versions"]] == [3, 2]
    rest = (await api.get(f"/v1/config/history?limit=2&before={page['next_before']}")).json()
    assert ([one["version"] for one in rest["versions"]], rest["next_before"]) == ([1], None)
    version = (await api.get("/v1/config/history/2")).json()
    assert version["document"] == {"system": {"whisper": {"beam_size": 4}}, "presets": {}}
    diff = (await api.get("/v1/config/diff?from=1&to=2")).json()
    assert diff["changes"] == [{"path": "system.whisper.beam_size", "before": 3, "after": 4}]
    assert (await api.get("/v1/config/diff?from=0")).json()["to_version"] == 3
    back = await api.post("/v1/config/rollback", json={"to_version": 1})
    assert back.json()["version"] == 4
    assert (await api.get("/v1/config/diff?from=1&to=4")).json()["changes"] == []
    assert (await api.get("/v1/config")).json()["values"] == {"whisper": {"beam_size": 3}}
    await api.post("/v1/config/rollback", json={"to_version": 0})
    assert (await api.get("/v1/config")).json()["values"] == {}


async def test_a_version_that_never_was_is_not_found(api):
    assert (await api.get("/v1/config/history/7")).status_code == 404
    assert (await api.get("/v1/config/diff?from=0&to=7")).status_code == 404
    answer = await api.post("/v1/config/rollback", json={"to_version": 7})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await api.get("/v1/config/changes/none")).status_code == 404


async def test_a_version_that_would_no_longer_be_possible_cannot_be_returned_to(api, broker):
    await api.put("/v1/config", json={"recognition": {"min_step_ms": 900}})
    await api.put("/v1/config", json={})
    await tell(broker, {"recognition": {"min_step_ms": 300, "max_step_ms": 800}})
    answer = await api.post("/v1/config/rollback", json={"to_version": 1})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["location"] == "body.recognition.min_step_ms"


# --- effective values ------------------------------------------------------------------------------------


async def tell(broker, defaults, *, name="w1", profile="mock", started_ms=1, age_ms=0):
    now = time.time_ns() // 1_000_000
    report = ProcessReport(
        name=name,
        kind="audio",
        profile=profile,
        version="1",
        started_ms=started_ms,
        seen_ms=now - age_ms,
        defaults=defaults,
    )
    await broker.ask([("HSET", PROCESSES, name, msgspec.json.encode(report))])


async def test_effective_values_say_where_they_come_from(api, broker):
    await tell(broker, {"voice_activity": {"threshold": 0.1}}, name="old", started_ms=1)
    await tell(
        broker, {"voice_activity": {"threshold": 0.5, "min_silence_ms": 400}}, name="new", started_ms=2
    )
    await tell(broker, {"voice_activity": {"threshold": 0.9}}, name="gone", started_ms=3, age_ms=60_000)
    await tell(broker, {"voice_activity": {"threshold": 0.7}}, name="gpu", profile="gpu")
    await api.put("/v1/config/presets/lecture", json={"voice_activity": {"min_silence_ms": 900}})
    await api.put("/v1/config", json={"partials": {"enabled": False}})
    body = (await api.get("/v1/config/effective?preset=lecture")).json()
    assert body["values"] == {
        "voice_activity": {"threshold": 0.5, "min_silence_ms": 900},
        "partials": {"enabled": False},
    }
    assert body["provenance"] == {
        "voice_activity.threshold": "defaults",
        "voice_activity.min_silence_ms": "preset",
        "partials.enabled": "system",
    }
    assert (body["profile"], body["preset"], body["started_by"], body["version"]) == (
        "mock",
        "lecture",
        "new",
        2,
    )
    gpu = (await api.get("/v1/config/effective?profile=gpu")).json()
    assert (gpu["started_by"], gpu["values"]["voice_activity"]) == ("gpu", {"threshold": 0.7})


async def test_effective_values_are_those_that_a_session_gets_that_says_nothing(api):
    await api.put("/v1/config/presets/lecture", json={"partials": {"enabled": False}})
    await api.put("/v1/config", json={"session": {"preset": "lecture", "profile": "gpu"}})
    body = (await api.get("/v1/config/effective")).json()
    assert (body["preset"], body["profile"], body["started_by"]) == ("lecture", "gpu", None)
    assert body["provenance"]["partials.enabled"] == "preset"
    assert (await api.get("/v1/config/effective?preset=")).json()["preset"] is None
    assert (await api.get("/v1/config/effective?preset=gone")).status_code == 404


# --- changes made by the worker --------------------------------------------------------------------------


async def test_without_a_worker_a_change_is_asked_for_and_can_be_looked_up(queued, broker):
    before = (await queued.get("/v1/config")).headers["etag"]
    answer = await queued.patch(
        "/v1/config", json={"whisper": {"beam_size": 3, "batch_max": None}}, headers={"if-match": before}
    )
    assert (answer.status_code, answer.json()["state"]) == (202, "requested")
    assert answer.headers["etag"] == before
    assert (await queued.get(answer.headers["location"])).json() == answer.json()
    [event] = await requests(broker)
    assert event == ConfigUpdateRequested(
        change_id=answer.json()["change_id"],
        scope="system",
        operation="merge",
        values={"whisper": {"beam_size": 3, "batch_max": None}},
        expected_version=0,
        requested_by="admin",
    )
    assert (await queued.get("/v1/config")).json()["version"] == 0


async def test_waiting_ends_with_the_time_that_was_given(queued):
    answer = await queued.patch("/v1/config", json={}, headers={"prefer": "wait=1"})
    assert (answer.status_code, answer.headers["preference-applied"]) == (202, "wait=1")


async def test_whoever_waits_is_told_the_outcome(queued, worker):
    wait = {"prefer": "wait=10"}
    answer = await queued.patch("/v1/config", json={"whisper": {"beam_size": 3}}, headers=wait)
    assert (answer.status_code, answer.json()["state"], answer.json()["version"]) == (200, "applied", 1)
    assert answer.headers["etag"] == (await queued.get("/v1/config")).headers["etag"]
    answer = await queued.post("/v1/config/rollback", json={"to_version": 0}, headers=wait)
    assert (answer.status_code, answer.json()["version"]) == (200, 2)


async def test_whoever_waits_is_told_a_refusal(queued, worker, fleet):
    fleet.refuses = "it has no such engine"
    answer = await queued.patch(
        "/v1/config", json={"translation": {"engines": ["apertium"]}}, headers={"prefer": "wait=10"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "refused_by_service")


async def test_of_two_writers_at_once_one_wins_and_the_other_is_told(queued, worker):
    tag = (await queued.get("/v1/config")).headers["etag"]
    answers = await asyncio.gather(
        *(
            queued.patch(
                "/v1/config",
                json={"whisper": {"beam_size": size}},
                headers={"if-match": tag, "prefer": "wait=10"},
            )
            for size in (2, 3, 4)
        )
    )
    codes = sorted(answer.status_code for answer in answers)
    assert codes[0] == 200
    assert set(codes[1:]) <= {409, 412}
    winner = next(n for n, answer in enumerate(answers) if answer.status_code == 200)
    body = (await queued.get("/v1/config")).json()
    assert (body["version"], body["values"]["whisper"]["beam_size"]) == (1, winner + 2)


async def test_a_conflict_that_the_worker_finds_is_told_as_409(queued, broker):
    asked = asyncio.create_task(
        queued.patch("/v1/config", json={"whisper": {"beam_size": 3}}, headers={"prefer": "wait=10"})
    )
    store = ConfigStore(broker)
    while not (events := await requests(broker)):
        await asyncio.sleep(0.01)
    await store.note(
        ChangeRecord(
            change_id=events[0].change_id,
            state=ChangeState.CONFLICT,
            code="conflict",
            message="another came first",
        )
    )
    answer = await asked
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert answer.json()["detail"] == "another came first"


async def test_two_writers_at_once_where_the_api_applies_itself(api, broker):
    tag = (await api.get("/v1/config")).headers["etag"]
    answers = await asyncio.gather(
        *(
            api.patch("/v1/config", json={"whisper": {"beam_size": size}}, headers={"if-match": tag})
            for size in range(1, 6)
        )
    )
    codes = sorted(answer.status_code for answer in answers)
    assert codes[0] == 200
    assert set(codes[1:]) <= {409, 412}
    assert len([one for one in await requests(broker) if isinstance(one, ConfigSnapshot)]) == 1


# --- trouble ---------------------------------------------------------------------------------------------


async def test_a_redis_that_is_away_is_told(free_port):
    away = RedisBroker(connect_redis(f"redis://127.0.0.1:{free_port}", timeout_s=0.5))
    async with config_api(away) as http:
        for method, path in ROUTES:
            if path == "/schema":
                continue
            body = {"to_version": 1} if path == "/rollback" else {}
            answer = await http.request(method, f"/v1/config{path}", json=body)
            assert (answer.status_code, answer.json()["code"]) == (503, "bus_unavailable"), path
            assert answer.headers["retry-after"]
    await away.close()


async def test_a_configuration_of_a_newer_product_is_told_and_stays(api, broker, redis_client):
    await api.put("/v1/config", json={"whisper": {"beam_size": 3}})
    newer = '{"system": {"of_tomorrow": {}}}'
    await redis_client.hset("{config}:state", "document", newer)
    for answer in (await api.get("/v1/config"), await api.put("/v1/config", json={})):
        assert (answer.status_code, answer.json()["code"]) == (503, "config_unreadable")
    assert await redis_client.hget("{config}:state", "document") == newer.encode()
