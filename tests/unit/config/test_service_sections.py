"""The sections that are pushed to the services, held against what the services themselves take."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from dragoman_contracts import config as contract
from dragoman_contracts.config import ConfigSection, ServiceConfigState, checksum_of
from dragoman_translation.app import create_app as create_translation_app
from dragoman_translation.config import TranslateConfig
from dragoman_translation.settings import TranslationSettings
from dragoman_whisper.app import create_app as create_whisper_app
from dragoman_whisper.config import DecodeConfig
from dragoman_whisper.settings import WhisperSettings

BOUNDS = ("type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
SECTIONS: list[tuple[type[ConfigSection], type[Any]]] = [
    (contract.WhisperService, DecodeConfig),
    (contract.TranslationService, TranslateConfig),
]


def bounds(model: Any) -> dict[str, dict[str, Any]]:
    """For each field its type and bounds, with null as a possible value left out."""
    found = {}
    for name, schema in model.model_json_schema()["properties"].items():
        [kind] = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
        found[name] = {key: kind[key] for key in BOUNDS if key in kind}
    return found


@pytest.mark.parametrize(("section", "own"), SECTIONS)
def test_a_section_has_the_fields_and_bounds_of_its_service(section, own):
    assert bounds(section) == bounds(own)
    assert any("minimum" in field for field in bounds(section).values())


@pytest.mark.parametrize(
    "values",
    [
        {"engines": []},
        {"engines": ["mock", "openai_chat"]},
        {"pivot": ""},
        {"pivot": "en"},
        {"pivot": "pt-BR"},
    ],
)
def test_what_the_contract_takes_the_translator_takes(values):
    requested = contract.TranslationService(**values)
    assert TranslateConfig().over(requested).model_dump().items() >= values.items()


async def _whisper() -> httpx.AsyncClient:
    app = create_whisper_app(WhisperSettings(profile="mock", batch_max=7))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://whisper")


async def _translation() -> httpx.AsyncClient:
    app = create_translation_app(TranslationSettings(profile="mock", batch_max=7))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://translation")


@pytest.fixture(params=[_whisper, _translation])
async def service(request):
    """A service's application as it starts, its model not loaded."""
    async with await request.param() as http:
        yield http


async def test_what_is_left_out_or_null_is_as_the_process_was_started(service):
    started = (await service.get("/config")).json()
    assert (started["config"]["batch_max"], started["requested"]) == (7, {})
    answer = await service.put("/config", json={"batch_max": 3, "beam_size": 2})
    assert (answer.json()["config"]["batch_max"], answer.json()["config"]["beam_size"]) == (3, 2)
    answer = await service.put("/config", json={"batch_max": None, "beam_size": 2})
    assert answer.json()["config"] == started["config"] | {"beam_size": 2}
    assert answer.json()["requested"] == {"beam_size": 2}
    assert (await service.put("/config", json={})).json() == started


async def test_the_checksum_is_that_of_what_was_requested(service):
    assert (await service.get("/config")).json()["checksum"] == checksum_of({})
    # As JSON has it, 5 and 5.0 are one number: so are their checksums.
    for value in (5, 5.0):
        state = ServiceConfigState.model_validate(
            (await service.put("/config", json={"batch_wait_ms": value, "beam_size": 2})).json()
        )
        assert state.requested == {"batch_wait_ms": 5.0, "beam_size": 2}
        assert state.checksum == checksum_of({"batch_wait_ms": 5.0, "beam_size": 2})


@pytest.mark.parametrize("wrong", [{"colour": "red"}, {"beam_size": 17}, {"beam_size": "many"}, [], None])
async def test_what_is_not_possible_is_refused_and_changes_nothing(service, wrong):
    before = (await service.put("/config", json={"beam_size": 2})).json()
    answer = await service.put("/config", json=wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert (await service.get("/config")).json() == before
