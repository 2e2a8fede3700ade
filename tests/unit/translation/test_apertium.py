"""The Apertium engine against apy's wire shape, and against commands that misbehave."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest
import respx
import uvloop

from dragoman_contracts.errors import BadUpstream, EngineUnavailable, ModelUnavailable, TranslationFailed
from dragoman_translation.engines.apertium import ApertiumEngine
from dragoman_translation.engines.base import Pair
from dragoman_translation.settings import TranslationSettings

from .engines import piece

URL = "http://apy.example:2737"
ES = Pair("en", "es")
PAIRS = {
    "responseData": [
        {"sourceLanguage": "eng", "targetLanguage": "spa"},
        {"sourceLanguage": "spa", "targetLanguage": "eng_US"},
        {"sourceLanguage": "not a code", "targetLanguage": "eng"},
    ],
    "responseDetails": None,
    "responseStatus": 200,
}


async def loaded(**values) -> ApertiumEngine:
    engine = ApertiumEngine(TranslationSettings(**values))
    await engine.load(lambda _: None)
    return engine


async def apy() -> ApertiumEngine:
    respx.get(f"{URL}/listPairs").respond(200, json=PAIRS)
    return await loaded(apertium_url=f"{URL}/")


def translated(text: str) -> httpx.Response:
    body = {"responseData": {"translatedText": text}, "responseDetails": None, "responseStatus": 200}
    return httpx.Response(200, json=body)


# --- apertium-apy -----------------------------------------------------------------------------------------


@respx.mock
async def test_the_pairs_of_apy_are_known_by_their_standard_codes() -> None:
    engine = await apy()
    assert list(engine.pairs()) == [Pair("en", "es"), Pair("es", "en-US")]
    assert engine.resolve("en-GB", "es-MX") == ES
    assert engine.resolve("es", "en") == Pair("es", "en-US")
    assert engine.resolve("en", "fr") is None
    assert engine.model_of(ES) == "apertium-eng-spa"


@respx.mock
async def test_a_text_goes_in_the_body_and_unknown_words_come_back_unmarked() -> None:
    engine = await apy()
    route = respx.post(f"{URL}/translate").mock(return_value=translated(" Obro  en Toronto."))
    assert await engine.translate(ES, [piece("I work in Toronto.")]) == ["Obro en Toronto."]
    request = route.calls[0].request
    assert request.url.query == b""
    assert parse_qs(request.content.decode()) == {
        "langpair": ["eng|spa"],
        "q": ["I work in Toronto."],
        "markUnknown": ["no"],
    }


@respx.mock
async def test_a_text_that_apy_refuses_fails_alone() -> None:
    engine = await apy()

    def answer(request: httpx.Request) -> httpx.Response:
        text = parse_qs(request.content.decode())["q"][0]
        return httpx.Response(400, json={"status": "error"}) if text == "bad" else translated(text.upper())

    respx.post(f"{URL}/translate").mock(side_effect=answer)
    good, bad, other = await engine.translate(ES, [piece("good"), piece("bad"), piece("other")])
    assert (good, other) == ("GOOD", "OTHER")
    assert isinstance(bad, TranslationFailed)


@respx.mock
async def test_apy_that_breaks_is_away() -> None:
    engine = await apy()
    respx.post(f"{URL}/translate").respond(500)
    with pytest.raises(EngineUnavailable):
        await engine.translate(ES, [piece("hello")])
    respx.post(f"{URL}/translate").mock(side_effect=httpx.ReadTimeout("slow"))
    with pytest.raises(EngineUnavailable, match="in time"):
        await engine.translate(ES, [piece("hello")])


@pytest.mark.parametrize(
    "body", ["no JSON", "[]", '{"responseData": {}}', '{"responseData": {"translatedText": 1}}']
)
@respx.mock
async def test_what_is_no_answer_of_apy_is_bad_upstream(body: str) -> None:
    engine = await apy()
    respx.post(f"{URL}/translate").respond(200, text=body)
    with pytest.raises(BadUpstream):
        await engine.translate(ES, [piece("hello")])


@respx.mock
async def test_an_empty_answer_is_a_failure_of_the_text() -> None:
    engine = await apy()
    respx.post(f"{URL}/translate").mock(return_value=translated(" "))
    (outcome,) = await engine.translate(ES, [piece("hello")])
    assert isinstance(outcome, TranslationFailed)


@respx.mock
async def test_another_server_at_that_address_is_told() -> None:
    respx.get(f"{URL}/listPairs").respond(200, text="<html>")
    with pytest.raises(BadUpstream, match="apertium-apy"):
        await loaded(apertium_url=URL)


@respx.mock
async def test_apy_without_pairs_is_of_no_use() -> None:
    respx.get(f"{URL}/listPairs").respond(200, json={"responseData": []})
    with pytest.raises(ModelUnavailable) as raised:
        await loaded(apertium_url=URL)
    assert "apertium-eng-spa" in raised.value.remedy


# --- the local command ------------------------------------------------------------------------------------


def command(folder: Path, script: str) -> str:
    """A command that lists eng-spa and runs ``script`` to translate."""
    path = folder / "apertium"
    path.write_text(f'#!/bin/sh\n[ "$1" = -l ] && echo "  eng-spa" && exit 0\n{script}\n', encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


async def test_a_command_that_is_not_installed_is_named_with_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="not installed") as raised:
        await loaded(apertium_command=str(tmp_path / "nothing"))
    assert "apertium-eng-spa" in raised.value.remedy


async def test_texts_go_through_one_run_and_reserved_characters_come_back(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    engine = await loaded(apertium_command=command(tmp_path, f'echo "$@" >> {runs}; cat; printf "\\0\\0"'))
    texts = ["a [b] ^c$ {d} /e \\f @g <h>", "two  spaces\tand ~", "plain"]
    assert await engine.translate(ES, [piece(text) for text in texts]) == texts
    assert runs.read_text(encoding="utf-8").splitlines() == ["-u -z -f none eng-spa"]


async def test_the_command_is_fed_so_that_it_can_open_its_input_on_the_loop_that_processes_run_on(
    tmp_path: Path,
) -> None:
    async def go() -> list[object]:
        engine = await loaded(apertium_command=command(tmp_path, "cat /dev/stdin"))
        return list(await engine.translate(ES, [piece("one"), piece("two")]))

    assert await asyncio.to_thread(uvloop.run, go()) == ["one", "two"]


async def test_a_command_that_loses_a_text_fails(tmp_path: Path) -> None:
    engine = await loaded(apertium_command=command(tmp_path, 'cat > /dev/null; printf "uno\\0"'))
    with pytest.raises(TranslationFailed, match="1 of 2"):
        await engine.translate(ES, [piece("one"), piece("two")])


async def test_a_command_that_fails_is_told_by_its_code(tmp_path: Path) -> None:
    engine = await loaded(apertium_command=command(tmp_path, "exit 3"))
    with pytest.raises(TranslationFailed, match="code 3"):
        await engine.translate(ES, [piece("one")])


async def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path, eventually) -> None:
    child = tmp_path / "child"
    script = f"sleep 600 & echo $! > {child}; wait"
    engine = await loaded(apertium_command=command(tmp_path, script), request_timeout_s=0.5)
    with pytest.raises(EngineUnavailable, match="in time"):
        await engine.translate(ES, [piece("one")])
    number = int(child.read_text(encoding="utf-8"))
    await eventually(lambda: not _runs(number))


async def test_a_cancelled_call_ends_the_command(tmp_path: Path, eventually) -> None:
    child = tmp_path / "child"
    engine = await loaded(apertium_command=command(tmp_path, f"sleep 600 & echo $! > {child}; wait"))
    call = asyncio.create_task(engine.translate(ES, [piece("one")]))
    await eventually(lambda: child.exists() and child.read_text(encoding="utf-8").strip())
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    number = int(child.read_text(encoding="utf-8"))
    await eventually(lambda: not _runs(number))


def _runs(number: int) -> bool:
    """Whether the process runs; one that ended and is not yet waited for does not."""
    try:
        state = Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in {"Z", "X"}


async def test_before_the_pairs_are_known_it_may_have_any() -> None:
    engine = ApertiumEngine(TranslationSettings())
    assert engine.resolve("de", "fr") == Pair("de", "fr")
    with pytest.raises(EngineUnavailable):
        await engine.translate(Pair("de", "fr"), [piece("hallo")])
