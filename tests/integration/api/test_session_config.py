"""REST: what a session sets of the runtime configuration, and where each value in force comes from."""

from __future__ import annotations

import json
import time

import msgspec

from dragoman_contracts.config import ConfigDocument
from dragoman_contracts.fleet import ProcessReport
from dragoman_contracts.streams import PROCESSES, ConfigKeys, RecordField, SessionKeys

DOCUMENT = {
    "system": {
        "voice_activity": {"threshold": 0.6},
        "recognition": {"min_step_ms": 400},
        "session": {"preset": "lecture", "language": "en", "targets": ["es"], "drafts": False},
    },
    "presets": {"lecture": {"recognition": {"max_utterance_ms": 9_000}}, "chat": {}},
}


async def in_force(api, redis_client, eventually) -> None:
    document = ConfigDocument.model_validate(DOCUMENT)
    await redis_client.hset(
        ConfigKeys.STATE,
        mapping={"version": 3, "checksum": document.checksum, "document": json.dumps(document.to_json())},
    )

    async def is_followed() -> bool:
        [raw] = await redis_client.hvals(PROCESSES) or [b"{}"]
        return json.loads(raw).get("config_version") == 3

    await eventually(is_followed, what="the API follows the configuration")


async def tell_of_a_worker(redis_client) -> None:
    report = ProcessReport(
        name="w1", kind="audio", version="1", profile="mock",
        started_ms=1, seen_ms=time.time_ns() // 1_000_000,
        defaults={"voice_activity": {"threshold": 0.5, "min_silence_ms": 416}},
    )  # fmt: skip
    await redis_client.hset(PROCESSES, "w1", msgspec.json.encode(report))


async def test_each_value_tells_where_it_comes_from(api, redis_client, eventually):
    await in_force(api, redis_client, eventually)
    await tell_of_a_worker(redis_client)
    session_id = await api.create(
        profile="mock", config={"voice_activity": {"min_silence_ms": 700}}, partials=False
    )
    told = (await api.http.get(f"/v1/sessions/{session_id}/config")).json()
    assert told["version"] == 3
    assert told["preset"] == "lecture"
    assert told["effective"] == {
        "voice_activity": {"threshold": 0.6, "min_silence_ms": 700},
        "recognition": {"min_step_ms": 400, "max_utterance_ms": 9_000},
    }
    assert told["provenance"] == {
        "voice_activity.threshold": "system",
        "voice_activity.min_silence_ms": "session",
        "recognition.min_step_ms": "system",
        "recognition.max_utterance_ms": "preset",
    }


async def test_a_session_gets_what_the_configuration_says_unless_it_says_otherwise(
    api, redis_client, eventually
):
    await in_force(api, redis_client, eventually)
    told = (await api.http.get(f"/v1/sessions/{await api.create()}")).json()
    assert (told["language"], told["translation"]["targets"]) == ("en", ["es"])
    told = (await api.http.get(f"/v1/sessions/{await api.create(language=None, preset=None)}")).json()
    assert told["language"] is None
    path = f"/v1/sessions/{told['id']}/config"
    assert (await api.http.get(path)).json()["preset"] is None


async def test_a_live_session_changes_what_it_sets(api, redis_client, eventually):
    await in_force(api, redis_client, eventually)
    session_id = await api.create()
    path = f"/v1/sessions/{session_id}/config"
    wanted = {"preset": "chat", "values": {"partials": {"enabled": False}}}
    told = await api.http.put(path, json=wanted)
    assert told.status_code == 200, told.text
    assert told.json()["provenance"]["partials.enabled"] == "session"
    kept = await redis_client.hget(SessionKeys(session_id).record, RecordField.CONFIG)
    assert json.loads(kept) == wanted
    assert (await api.http.put(path, json={})).json()["config"]["partials"]["enabled"] is None
    assert await redis_client.hget(SessionKeys(session_id).record, RecordField.CONFIG) == b""


async def test_what_a_session_may_not_set_is_refused_with_the_reason(api, redis_client, eventually):
    await in_force(api, redis_client, eventually)
    session_id = await api.create()
    path = f"/v1/sessions/{session_id}/config"
    for body, said in (
        ({"preset": "none-such"}, "none-such"),
        ({"values": {"bots": {"max_alone_s": 5}}}, "config.bots"),
        ({"values": {"voice_activity": {"min_silence_ms": 1}}}, "min_silence_ms"),
        ({"values": {"voice_activity": {"loudness": 1}}}, "loudness"),
    ):
        answer = await api.http.put(path, json=body)
        assert answer.status_code == 422, body
        assert said in answer.json()["detail"]
        assert answer.json()["remedy"]
    assert "chat, lecture" in (await api.http.put(path, json={"preset": "x"})).json()["remedy"]
    assert (await api.http.post("/v1/sessions", json={"preset": "x"})).status_code == 422
    await api.http.delete(f"/v1/sessions/{session_id}")
    assert (await api.http.put(path, json={})).status_code == 409
    assert (await api.http.put(f"/v1/sessions/{'0' * 32}/config", json={})).status_code == 404
