"""Loading the model: told honestly, tried again, never in the way of the process's end."""

from __future__ import annotations

import asyncio
import threading

import httpx
import pytest

from dragoman_contracts.errors import ModelUnavailable
from dragoman_contracts.whisper_api import WINDOW_MEDIA_TYPE, WINDOW_PATH
from dragoman_runtime.process import Drain, Health
from dragoman_runtime.settings import RuntimeSettings, SettingsInvalid
from dragoman_whisper.app import create_app, serve_whisper
from dragoman_whisper.engines.choose import choose_engine
from dragoman_whisper.service import ModelLoading, UnknownLanguage, WhisperService
from dragoman_whisper.settings import PROFILES, WhisperSettings

from .engines import LIMIT_S, HeldEngine


def make_service(engine: HeldEngine, **values) -> WhisperService:
    return WhisperService(WhisperSettings(profile="mock", **values), Health("whisper"), engine)


async def test_while_it_loads_readiness_tells_how_far_it_is_and_requests_are_refused(eventually) -> None:
    said, go_on = threading.Event(), threading.Event()

    def load(progress) -> None:
        progress("fetching model.bin, 145 MB")
        said.set()
        go_on.wait(LIMIT_S)

    engine = HeldEngine(load=load)
    app = create_app(WhisperSettings(profile="mock"), engine=engine)
    transport = httpx.ASGITransport(app)
    headers = {"content-type": WINDOW_MEDIA_TYPE}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://w") as http,
    ):
        await eventually(said.is_set)
        ready = await http.get("/ready")
        assert ready.status_code == 503
        assert ready.json()["parts"]["model"] == "loading: fetching model.bin, 145 MB"
        assert (await http.get("/health")).status_code == 200
        for answer in (
            await http.post(WINDOW_PATH, content=b"\0\0", headers=headers),
            await http.post("/v1/audio/transcriptions", files={"file": b"RIFF"}),
            await http.get("/v1/models"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (503, "model_loading")
            assert answer.headers["retry-after"]
            assert "fetching model.bin" in answer.json()["detail"]
            assert answer.json()["remedy"]
        go_on.set()
        await app.state.service.wait_loaded()
        assert (await http.get("/ready")).status_code == 200
        assert (await http.post(WINDOW_PATH, content=b"\1\0", headers=headers)).json()["text"] == "1"
    assert engine.closed == 1


async def test_a_model_that_cannot_be_had_is_tried_again(eventually, log_lines: list[str]) -> None:
    there, tries = threading.Event(), []

    def load(progress) -> None:
        tries.append(1)
        if not there.is_set():
            raise ModelUnavailable("there is no model folder /models/x", remedy="Mount it.")

    service = make_service(HeldEngine(load=load), load_retry_s=0.01)
    service.start()
    await eventually(lambda: service.state == "failed")
    with pytest.raises(ModelUnavailable) as caught:
        _ = service.batcher
    assert caught.value.remedy
    await eventually(lambda: len(tries) > 2)
    there.set()
    await service.wait_loaded()
    assert service.state == "ready"
    assert sum("cannot be had" in line for line in log_lines) == 1
    await service.stop()


async def test_a_failed_model_is_named_by_readiness(eventually) -> None:
    health = Health("whisper")
    service = WhisperService(WhisperSettings(profile="npu"), health)
    service.start()
    await eventually(lambda: service.state == "failed")
    report = await health.ready_report()
    assert not report.ok
    assert report.parts["model"].startswith("failed: there is no engine for the profile npu yet")
    assert "DRAGOMAN_WHISPER_PROFILE" in report.parts["model"]
    assert (await health.alive()).ok
    await service.stop()


async def test_an_error_nobody_thought_of_does_not_end_the_loader(eventually) -> None:
    def load(progress) -> None:
        raise ZeroDivisionError

    service = make_service(HeldEngine(load=load), load_retry_s=60)
    service.start()
    await eventually(lambda: service.state == "failed")
    with pytest.raises(ModelUnavailable, match="ZeroDivisionError"):
        _ = service.engine
    await service.stop()


async def test_the_end_does_not_wait_for_a_model_that_loads(eventually) -> None:
    started, go_on = threading.Event(), threading.Event()

    def load(progress) -> None:
        started.set()
        go_on.wait(LIMIT_S)

    service = make_service(HeldEngine(load=load))
    service.start()
    await eventually(started.is_set)
    async with asyncio.timeout(5):
        await service.stop()
    assert not go_on.is_set()
    go_on.set()


async def test_a_service_that_never_started_stops() -> None:
    service = make_service(HeldEngine())
    with pytest.raises(ModelLoading, match="still loading"):
        _ = service.engine
    await service.stop()
    await service.wait_loaded()


async def test_languages_and_tuning() -> None:
    engine = HeldEngine()
    service = make_service(engine)
    service.start()
    await service.wait_loaded()
    service.check_language(None)
    service.check_language("en")
    with pytest.raises(UnknownLanguage, match="'de'"):
        service.check_language("de")
    changed = service.config.model_copy(update={"batch_max": 3})
    service.tune(changed)
    assert engine.tuned[-1] == changed
    assert service.batcher.config == changed
    await service.stop()


def test_profiles_choose_and_settings_overrule() -> None:
    assert WhisperSettings(profile="cpu").decode_config().batch_max == 1
    assert WhisperSettings(profile="gpu").decode_config().batch_max == 16
    assert WhisperSettings(profile="gpu", batch_max=3, batch_wait_ms=0).decode_config().batch_max == 3
    assert WhisperSettings(profile="gpu", batch_wait_ms=0).decode_config().batch_wait_ms == 0
    assert WhisperSettings(profile="gpu").decode_config().batch_wait_ms == PROFILES["gpu"].batch_wait_ms
    assert choose_engine(WhisperSettings(profile="mock")).name == "mock"
    with pytest.raises(SettingsInvalid, match="DRAGOMAN_WHISPER_PROFILE"):
        WhisperSettings(profile="tpu")


def test_without_faster_whisper_the_error_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelUnavailable) as caught:
        choose_engine(WhisperSettings(profile="cpu"))
    assert "dragoman[whisper]" in caught.value.remedy


async def test_serving_ends_with_the_drain(free_port: int, eventually) -> None:
    drain = Drain()
    settings = WhisperSettings(profile="mock", port=free_port)
    serving = asyncio.create_task(serve_whisper(settings, RuntimeSettings(), drain))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{free_port}") as http:

        async def ready() -> bool:
            try:
                return (await http.get("/ready")).status_code == 200
            except httpx.ConnectError:
                return False

        await eventually(ready)
    drain.start()
    async with asyncio.timeout(LIMIT_S):
        await serving
