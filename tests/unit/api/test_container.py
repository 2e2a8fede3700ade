from __future__ import annotations

import ast
import asyncio
import inspect

import pytest
from httpx import ASGITransport, AsyncClient

from dragoman_orchestration import container as container_module
from dragoman_orchestration.api.app import create_app
from dragoman_orchestration.api.settings import ApiSettings
from dragoman_orchestration.container import ApiContainer
from dragoman_orchestration.session.lifecycle import Status
from dragoman_orchestration.session.model import SessionRecord
from dragoman_runtime.broker.memory import MemoryBroker
from dragoman_runtime.settings import RuntimeSettings, SettingsInvalid


def made(**settings) -> ApiContainer:
    return ApiContainer(
        settings=ApiSettings(keys="a:k", **settings),
        runtime_settings=RuntimeSettings(redis_url="redis://127.0.0.1:1/0"),
    )


async def test_making_all_parts_connects_nothing(monkeypatch):
    def refuse(*_, **__):
        pytest.fail("something connects while the parts are made")

    monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", refuse)
    monkeypatch.setattr("socket.socket.connect", refuse)
    container = made()
    create_app(container)
    for part in ("store", "hub", "gateway", "publisher", "broker", "whisper_http"):
        assert getattr(container, part)() is getattr(container, part)()


async def test_fakes_can_be_passed_in():
    class Store:
        async def get(self, session_id):
            return SessionRecord(session_id, Status.LIVE, "mock", 0, "a", "e")

        async def server_run(self, shard):
            return "run"

        async def trimmed_offset(self, session_id):
            return 0

    container = made()
    container.broker.override(MemoryBroker())
    container.store.override(Store())
    app = create_app(container)
    headers = {"authorization": "Bearer k"}
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test", headers=headers) as http:
        answer = await http.get(f"/v1/sessions/{'0' * 32}")
        assert answer.json()["status"] == "live"
        assert (await http.get("/ready")).status_code == 200


def test_the_root_imports_no_route():
    tree = ast.parse(inspect.getsource(container_module))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name for name in imported if name and name.endswith(("app", "sessions", "_ws", "system"))}
    assert "fastapi" not in imported


def test_settings_reach_the_limits():
    container = made(max_frame_bytes=2_048, backlog_limit_ms=5_000, max_sessions=7)
    assert container.ingest_limits().max_frame_bytes == 2_048
    assert container.ingest_limits().backlog_limit_ms == 5_000
    assert container.session_limits().sessions == 7


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DRAGOMAN_API_PORT", "70000"),
        ("DRAGOMAN_API_MAX_FRAME_BYTES", "0"),
        ("DRAGOMAN_API_DEFAULT_PROFILE", "no such"),
        ("DRAGOMAN_API_IDLE_TIMEOUT_S", "soon"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsInvalid, match=variable):
        ApiSettings()


def test_keys_are_never_shown():
    settings = ApiSettings(keys="a:very-secret", viewer_token_secret="also-secret")
    assert "secret" not in repr(settings).replace("viewer_token_secret", "")
