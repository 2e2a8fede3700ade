"""The API as it runs, in both modes, with real services, a real worker and a real Redis."""

from __future__ import annotations

import pytest

from dragoman_orchestration.fleet.reporter import read_processes
from tests.integration.api.conftest import running_api

PATCH = {"whisper": {"beam_size": 3}, "translation": {"beam_size": 2}, "partials": {"enabled": False}}
WAIT = {"prefer": "wait=10"}


async def api_runs_with(broker, version):
    """Whether the API process itself follows."""
    reports = await read_processes(broker)
    return [one for one in reports if one.kind == "api" and one.config_version == version]


async def test_the_worker_applies_what_the_api_is_asked_for(
    whisper, translation, start_worker, redis_server, broker, eventually
):
    start_worker(whisper, translation)
    async with running_api(redis_server) as api:
        answer = await api.http.patch("/v1/config", json=PATCH, headers=WAIT)
        assert (answer.status_code, answer.json()["version"]) == (200, 1)
        assert set(answer.json()["services"].values()) == {"in_sync"}
        assert (await whisper.requested(), await translation.requested()) == (
            {"beam_size": 3},
            {"beam_size": 2},
        )
        await eventually(lambda: api_runs_with(broker, 1))
        refused = await api.http.patch(
            "/v1/config", json={"translation": {"engines": ["apertium"]}}, headers=WAIT
        )
        assert (refused.status_code, refused.json()["code"]) == (422, "refused_by_service")
        assert "has no engine 'apertium'" in refused.json()["detail"]
        back = await api.http.post("/v1/config/rollback", json={"to_version": 0}, headers=WAIT)
        assert (back.status_code, back.json()["version"]) == (200, 2)
        assert (await whisper.requested(), await translation.requested()) == ({}, {})


@pytest.fixture
def in_mode_api(monkeypatch, whisper):
    monkeypatch.setenv("DRAGOMAN_CONFIG_SYNC_MODE", "api")
    monkeypatch.setenv("DRAGOMAN_CONFIG_WHISPER_URLS", whisper.url)
    monkeypatch.setenv("DRAGOMAN_CONFIG_TRANSLATION_URLS", "none")
    monkeypatch.setenv("DRAGOMAN_CONFIG_DRIFT_INTERVAL_S", "0.05")


async def test_the_api_applies_and_repairs_alone_where_there_is_no_worker(
    in_mode_api, whisper, redis_server, redis_client, eventually
):
    async with running_api(redis_server) as api:
        answer = await api.http.patch("/v1/config", json=PATCH)
        assert (answer.status_code, answer.json()["state"], answer.json()["version"]) == (200, "applied", 1)
        assert await whisper.requested() == {"beam_size": 3}
        await whisper.stop()
        await whisper.start()
        await eventually(lambda: whisper.runs_with({"beam_size": 3}))
        answer = await api.http.put("/v1/config/presets/lecture", json={"partials": {"enabled": True}})
        assert answer.json()["version"] == 2
        session = await api.http.get("/v1/config/effective?preset=lecture")
        assert session.json()["provenance"] == {
            "partials.enabled": "preset",
            "whisper.beam_size": "system",
            "translation.beam_size": "system",
        }
