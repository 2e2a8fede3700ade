"""What the worker makes of a service's answers: played ones, and those of the real applications."""

from __future__ import annotations

import asyncio

import httpx
import pytest
import respx
from pydantic import SecretStr

from dragoman_contracts.config import ConfigDocument, checksum_of
from dragoman_orchestration.config.services import ConfiguredService, Outcome, ServiceFleet
from dragoman_translation.app import create_app as create_translation_app
from dragoman_translation.settings import TranslationSettings
from dragoman_whisper.app import create_app as create_whisper_app
from dragoman_whisper.settings import WhisperSettings

URL = "http://service.test:8001"
WANTED = ConfigDocument.model_validate(
    {
        "system": {
            "whisper": {"beam_size": 3, "batch_wait_ms": 5},
            "translation": {"beam_size": 2, "pivot": ""},
            "partials": {"enabled": False},
        }
    }
)
SUM = checksum_of({"beam_size": 3, "batch_wait_ms": 5.0})


@pytest.fixture
async def service():
    made = ConfiguredService("whisper", URL, timeout_s=0.2)
    yield made
    await made.close()


def state(checksum=SUM):
    return httpx.Response(200, json={"config": {}, "requested": {}, "checksum": checksum, "more": 1})


@respx.mock
async def test_its_section_is_pushed_and_nothing_else(service):
    route = respx.put(f"{URL}/config").mock(return_value=state())
    answer = await service.push(WANTED)
    assert (answer.outcome, answer.found, answer.told) == (Outcome.IN_SYNC, SUM, "in_sync")
    assert route.calls.last.request.read() == b'{"batch_wait_ms":5.0,"beam_size":3}'
    assert "authorization" not in route.calls.last.request.headers


@respx.mock
async def test_a_key_is_sent_where_one_is_set():
    service = ConfiguredService("translation", f"{URL}/", timeout_s=1, key=SecretStr("its-key"))
    route = respx.get(f"{URL}/config").mock(return_value=state())
    await service.look(WANTED)
    assert route.calls.last.request.headers["authorization"] == "Bearer its-key"
    await service.close()


@respx.mock
async def test_a_service_that_runs_with_something_else_is_told(service):
    respx.get(f"{URL}/config").mock(return_value=state("other"))
    answer = await service.look(WANTED)
    assert (answer.outcome, answer.expected, answer.found) == (Outcome.DIFFERS, SUM, "other")


@respx.mock
@pytest.mark.parametrize("status", [400, 409, 413, 422])
async def test_a_refusal_says_why_in_the_services_own_words(service, status):
    respx.put(f"{URL}/config").mock(
        return_value=httpx.Response(status, json={"code": "invalid_input", "detail": "no such engine"})
    )
    answer = await service.push(WANTED)
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, "no such engine")


@respx.mock
@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("late"),
        httpx.RemoteProtocolError("cut"),
        httpx.Response(500),
        httpx.Response(503, json={"detail": "not now"}),
        httpx.Response(401, json={"detail": "no key"}),
        httpx.Response(404, text="<html>another server</html>"),
        httpx.Response(405),
        httpx.Response(429),
        httpx.Response(301, headers={"location": "http://elsewhere.test/"}),
        httpx.Response(200, text="no json"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"config": {}}),
        httpx.Response(200, json={"config": {}, "checksum": 5}),
        httpx.Response(200, content=b"\xff\xfe"),
    ],
)
async def test_what_is_no_answer_of_a_service_counts_as_away(service, failure):
    effect = {"side_effect": failure} if isinstance(failure, Exception) else {"return_value": failure}
    for verb in (respx.get, respx.put):
        verb(f"{URL}/config").mock(**effect)
    for answer in (await service.look(WANTED), await service.push(WANTED)):
        assert answer.outcome is Outcome.AWAY
        assert answer.told.startswith("away: ")


@respx.mock
async def test_a_refusal_without_words_is_a_refusal(service):
    respx.put(f"{URL}/config").mock(return_value=httpx.Response(422, text="no problem document"))
    answer = await service.push(WANTED)
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, "no reason given")


async def test_a_service_that_answers_byte_by_byte_holds_nobody_up():
    async def trickle():
        while True:
            yield b" "
            await asyncio.sleep(0.05)

    async def handle(request):
        return httpx.Response(200, content=trickle())

    service = ConfiguredService("whisper", URL, timeout_s=0.2, transport=httpx.MockTransport(handle))
    async with asyncio.timeout(5):
        assert (await service.look(WANTED)).outcome is Outcome.AWAY
    await service.close()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://127.0.0.1:8001", "whisper 127.0.0.1:8001"),
        ("https://whisper.example", "whisper whisper.example"),
        ("http://user:secret@whisper:8001/base", "whisper whisper:8001/base"),
    ],
)
async def test_a_service_is_named_by_its_place_without_a_password(url, name):
    service = ConfiguredService("whisper", url, timeout_s=1)
    assert service.name == name
    await service.close()


async def test_no_proxy_of_the_environment_comes_between(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    service = ConfiguredService("whisper", URL, timeout_s=1)
    assert service._http._mounts == {}
    await service.close()


# --- the real applications -------------------------------------------------------------------------------


@pytest.fixture(params=["whisper", "translation"])
async def real(request):
    if request.param == "whisper":
        app = create_whisper_app(WhisperSettings(profile="mock"))
    else:
        app = create_translation_app(TranslationSettings(profile="mock", api_keys="its-key"))
    made = ConfiguredService(
        request.param,
        "http://service",
        timeout_s=5,
        key=SecretStr("its-key"),
        transport=httpx.ASGITransport(app),
    )
    yield made
    await made.close()


async def test_a_real_service_reports_the_checksum_of_what_it_was_asked_for(real):
    assert (await real.look(ConfigDocument())).outcome is Outcome.IN_SYNC
    assert (await real.look(WANTED)).outcome is Outcome.DIFFERS
    assert (await real.push(WANTED)).outcome is Outcome.IN_SYNC
    assert (await real.look(WANTED)).outcome is Outcome.IN_SYNC
    assert (await real.push(ConfigDocument())).outcome is Outcome.IN_SYNC
    assert (await real.look(WANTED)).outcome is Outcome.DIFFERS


async def test_a_real_service_refuses_what_only_it_can_know():
    app = create_translation_app(TranslationSettings(profile="mock"))
    service = ConfiguredService(
        "translation", "http://service", timeout_s=5, transport=httpx.ASGITransport(app)
    )
    for values in ({"engines": ["apertium"]}, {"pivot": "english"}):
        wanted = ConfigDocument.model_validate({"system": {"translation": values}})
        answer = await service.push(wanted)
        assert answer.outcome is Outcome.REFUSED, values
        assert answer.reason
    assert (await service.look(ConfigDocument())).outcome is Outcome.IN_SYNC
    await service.close()


async def test_a_wrong_key_is_no_refusal_of_the_values():
    app = create_translation_app(TranslationSettings(profile="mock", api_keys="its-key"))
    service = ConfiguredService(
        "translation", "http://service", timeout_s=5, transport=httpx.ASGITransport(app)
    )
    answer = await service.push(WANTED)
    assert answer.outcome is Outcome.AWAY
    assert "401" in answer.reason
    await service.close()


async def test_all_are_asked_at_once_and_one_that_hangs_costs_its_own_time_only():
    hung = asyncio.Event()

    async def hang(request):
        await hung.wait()
        return state()

    async def answer(request):
        return state()

    fleet = ServiceFleet(
        [
            ConfiguredService("whisper", f"http://s{n}:1", timeout_s=0.3, transport=httpx.MockTransport(how))
            for n, how in enumerate((hang, answer, hang))
        ]
    )
    answers = await fleet.look(WANTED)
    assert [one.outcome for one in answers] == [Outcome.AWAY, Outcome.IN_SYNC, Outcome.AWAY]
    assert [one.name for one in await fleet.push(WANTED, only=["whisper s1:1"])] == ["whisper s1:1"]
    await fleet.close()
