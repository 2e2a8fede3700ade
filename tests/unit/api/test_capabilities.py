"""What an installation can do: told from its services, also while they are away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from dragoman_contracts.bots import RUNNER_TOKEN_PREFIX
from dragoman_contracts.errors import BadUpstream, EngineUnavailable
from dragoman_contracts.translation_api import MAX_TARGETS
from dragoman_orchestration.api.abilities import Abilities
from dragoman_orchestration.api.app import create_app
from dragoman_orchestration.api.auth import Authenticator, Principal
from dragoman_orchestration.api.settings import ApiSettings
from dragoman_orchestration.container import ApiContainer
from dragoman_runtime.settings import RuntimeSettings
from dragoman_translation.app import create_app as create_translation
from dragoman_translation.settings import TranslationSettings
from dragoman_whisper.app import create_app as create_whisper
from dragoman_whisper.settings import WhisperSettings

KEY = "k"
LIMIT_S = 20

Handler = Callable[[httpx.Request], Any]


def service(handler: Handler) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(handler), base_url="http://service")


def models(request: httpx.Request) -> httpx.Response:
    assert request.url.path == "/v1/models"
    return httpx.Response(200, json={"object": "list", "data": [{"id": "m", "languages": ["es", "en"]}]})


def only_english(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"data": [{"id": "m.en", "languages": ["en"]}]})


def languages(request: httpx.Request) -> httpx.Response:
    assert request.url.path == "/v1/languages"
    return httpx.Response(200, json={"pairs": [{"source": "en", "target": "es", "engines": ["mock"]}]})


def away(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


class Runners:
    """One bot's runner, whatever its token."""

    async def authenticate(self, token: str) -> Principal:
        return Principal("bot", "0" * 32, "1" * 32)


class Api:
    """The API with two services that are given."""

    def __init__(self, whisper: httpx.AsyncClient, translation: httpx.AsyncClient, **timing: float) -> None:
        settings = ApiSettings(
            keys=f"a:{KEY}", default_profile="gpu", max_frame_bytes=4096, max_body_bytes=9999
        )
        container = ApiContainer(
            settings=settings, runtime_settings=RuntimeSettings(redis_url="redis://127.0.0.1:1/0")
        )
        self.auth = Authenticator(settings, Runners())  # type: ignore[arg-type]
        container.authenticator.override(self.auth)
        container.abilities.override(Abilities(whisper, translation, **timing))
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(create_app(container)), base_url="http://test"
        )

    async def ask(self, credential: str = KEY) -> httpx.Response:
        return await self.http.get("/v1/capabilities", headers={"authorization": f"Bearer {credential}"})


async def test_it_tells_what_can_be_chosen() -> None:
    answer = await Api(service(models), service(languages)).ask()
    assert answer.status_code == 200
    assert answer.json() == {
        "version": "0.1.0",
        "profile": "gpu",
        "spoken": ["en", "es"],
        "detects_language": True,
        "pairs": [{"source": "en", "target": "es"}],
        "recording": False,
        "limits": {
            "max_targets": MAX_TARGETS,
            "max_frame_bytes": 4096,
            "max_upload_bytes": 9999,
            "viewer_token_ttl_s": 86_400,
        },
        "problems": {"whisper": None, "translation": None},
    }


async def test_a_model_of_one_language_detects_none() -> None:
    told = (await Api(service(only_english), service(languages)).ask()).json()
    assert (told["spoken"], told["detects_language"]) == (["en"], False)


async def test_recordings_are_offered_where_they_have_a_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DRAGOMAN_RECORDINGS_DIR", str(tmp_path))
    assert (await Api(service(models), service(languages)).ask()).json()["recording"] is True


class TestWhoMayAsk:
    async def test_a_viewer_may(self) -> None:
        api = Api(service(models), service(languages))
        assert (await api.ask(api.auth.issue_viewer_token("0" * 32).token)).status_code == 200

    async def test_a_runner_and_a_stranger_may_not(self) -> None:
        api = Api(service(models), service(languages))
        assert (await api.ask(f"{RUNNER_TOKEN_PREFIX}x")).status_code == 403
        assert (await api.ask("wrong")).status_code == 401
        assert (await api.http.get("/v1/capabilities")).status_code == 401


class TestServicesThatAreAway:
    async def test_one_takes_nothing_from_the_other(self) -> None:
        told = (await Api(service(models), service(away)).ask()).json()
        assert told["spoken"] == ["en", "es"]
        assert told["pairs"] == []
        assert told["problems"] == {
            "whisper": None,
            "translation": "the translation service cannot be reached (ConnectError)",
        }
        told = (await Api(service(away), service(languages)).ask()).json()
        assert (told["spoken"], told["detects_language"]) == ([], False)
        assert len(told["pairs"]) == 1
        assert told["problems"]["whisper"] == "the whisper service cannot be reached (ConnectError)"

    async def test_a_model_that_loads_is_told(self) -> None:
        told = (await Api(service(lambda _: httpx.Response(503)), service(languages)).ask()).json()
        assert told["problems"]["whisper"] == "the whisper service is not ready (HTTP 503)"

    @pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"pairs":[{"source":1}]}', b"\xff"])
    async def test_an_answer_that_is_none_is_told(self, body: bytes) -> None:
        abilities = Abilities(service(models), service(lambda _: httpx.Response(200, content=body)))
        with pytest.raises(BadUpstream):
            await abilities.pairs()
        assert await abilities.spoken() == ["en", "es"]

    async def test_one_that_is_silent_is_not_waited_for(self) -> None:
        async def hang(_: httpx.Request) -> httpx.Response:
            await asyncio.Event().wait()
            raise AssertionError

        api = Api(service(models), service(hang), patience_s=0.05)
        told = (await asyncio.wait_for(api.ask(), LIMIT_S)).json()
        assert told["problems"]["translation"] == "the translation service answers too late"
        assert told["spoken"] == ["en", "es"]


class TestAsking:
    @pytest.fixture
    def asked(self) -> list[float]:
        return []

    async def test_many_at_once_ask_each_service_once(self, asked: list[float]) -> None:
        go_on = asyncio.Event()

        async def slow(request: httpx.Request) -> httpx.Response:
            asked.append(time.monotonic())
            await go_on.wait()
            return models(request)

        abilities = Abilities(service(slow), service(languages), patience_s=LIMIT_S)
        callers = [asyncio.create_task(abilities.spoken()) for _ in range(20)]
        while not asked:
            await asyncio.sleep(0)
        callers.pop().cancel()
        go_on.set()
        assert await asyncio.gather(*callers) == [["en", "es"]] * 19
        assert len(asked) == 1

    async def test_an_answer_is_kept_for_a_while_and_then_asked_for_again(
        self, asked: list[float], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now_s = 1000.0
        monkeypatch.setattr("dragoman_orchestration.api.abilities.time.monotonic", lambda: now_s)

        def counted(request: httpx.Request) -> httpx.Response:
            asked.append(now_s)
            return away(request) if len(asked) == 1 else models(request)

        abilities = Abilities(service(counted), service(languages), keep_s=5)
        for _ in range(2):
            with pytest.raises(EngineUnavailable):
                await abilities.spoken()
            now_s += 4
        assert await abilities.spoken() == ["en", "es"]
        assert await abilities.spoken() == ["en", "es"]
        assert asked == [1000.0, 1008.0]


@pytest.fixture
async def real() -> AsyncIterator[Abilities]:
    """Asks the services' own applications, of the profile mock."""
    apps = (
        create_whisper(WhisperSettings(profile="mock")),
        create_translation(TranslationSettings(profile="mock")),
    )
    async with AsyncExitStack() as running:
        clients = []
        for app in apps:
            await running.enter_async_context(app.router.lifespan_context(app))
            await app.state.service.wait_loaded()
            client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")
            clients.append(await running.enter_async_context(client))
        yield Abilities(*clients)


async def test_the_services_tell_what_is_read_here(real: Abilities) -> None:
    assert {"en", "es", "de"} <= set(await real.spoken())
    assert [(pair.source, pair.target) for pair in await real.pairs()] == [("*", "*")]
