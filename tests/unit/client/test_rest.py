"""The client's REST calls: what goes out, what comes back, and refusals as the contract's errors."""

from __future__ import annotations

import json

import httpx
import pytest
import respx

from dragoman_client import Dragoman, GlossaryTerm, SessionOptions, TranslationOptions
from dragoman_contracts.errors import BadUpstream, LimitExceeded, NotFound, Unavailable

URL = "http://dragoman.test"
SESSION = {"id": "s1", "status": "created", "profile": "cpu", "audio_url": "ws://x", "new_field": 1}


@respx.mock
async def test_a_session_is_made_with_what_was_asked_for() -> None:
    route = respx.post(f"{URL}/v1/sessions").mock(httpx.Response(201, json=SESSION))
    async with Dragoman(f"{URL}/", key="k") as dragoman:
        made = await dragoman.create_session(SessionOptions(language="en", partials=False))
        await dragoman.create_session()
    assert (made.id, made.status) == ("s1", "created")
    sent = [json.loads(call.request.content) for call in route.calls]
    assert sent == [{"language": "en", "partials": False}, {"partials": True}]
    assert route.calls[0].request.headers["authorization"] == "Bearer k"


OPTIONS = TranslationOptions(
    targets=["es"], on_demand=True, glossary=[GlossaryTerm(source="board", translations={"es": "junta"})]
)
TRANSLATION = {
    "targets": ["es"],
    "on_demand": True,
    "drafts": True,
    "formality": "default",
    "glossary": [{"source": "board", "translations": {"es": "junta"}, "keep": False, "hotword": False}],
    "glossaries": [],
}


@respx.mock
async def test_a_session_is_made_with_a_translation_and_given_another() -> None:
    made = respx.post(f"{URL}/v1/sessions").mock(httpx.Response(201, json=SESSION))
    path = f"{URL}/v1/sessions/s1/translation"
    changed = respx.put(path).mock(httpx.Response(200, json=TRANSLATION))
    respx.get(path).mock(httpx.Response(200, json=TRANSLATION))
    async with Dragoman(URL) as dragoman:
        await dragoman.create_session(SessionOptions(translation=OPTIONS))
        assert await dragoman.set_translation("s1", OPTIONS) == OPTIONS
        assert await dragoman.get_translation("s1") == OPTIONS
    assert json.loads(made.calls[0].request.content) == {"partials": True, "translation": TRANSLATION}
    assert json.loads(changed.calls[0].request.content) == TRANSLATION


@respx.mock
async def test_a_transcript_in_two_languages() -> None:
    respx.get(f"{URL}/v1/sessions/s1/transcript", params={"format": "vtt", "language": "en,es"}).mock(
        httpx.Response(200, text="WEBVTT\n")
    )
    async with Dragoman(URL) as dragoman:
        assert await dragoman.transcript("s1", "vtt", language="en,es") == "WEBVTT\n"


@respx.mock
async def test_reading_and_ending_a_session() -> None:
    ledger = {
        "received_ms": 3,
        "transcribed_ms": 1,
        "silence_ms": 2,
        "pending_ms": 0,
        "gap_ms": 0,
        "gaps": [],
    }
    respx.get(f"{URL}/v1/sessions/s1").mock(httpx.Response(200, json=SESSION | {"status": "live"}))
    respx.get(f"{URL}/v1/sessions/s1/ledger").mock(httpx.Response(200, json=ledger))
    respx.get(f"{URL}/v1/sessions/s1/transcript", params={"format": "srt"}).mock(
        httpx.Response(200, text="1\nhé\n")
    )
    end = respx.post(f"{URL}/v1/sessions/s1/end").mock(httpx.Response(202, json=SESSION))
    async with Dragoman(URL) as dragoman:
        assert (await dragoman.get_session("s1")).status == "live"
        assert (await dragoman.ledger("s1")).is_complete
        assert await dragoman.transcript("s1", "srt") == "1\nhé\n"
        await dragoman.end_session("s1")
    assert end.called


@respx.mock
@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (
            httpx.Response(404, json={"code": "not_found", "detail": "there is none"}),
            NotFound,
            "there is none",
        ),
        (httpx.Response(429, text="slow down"), LimitExceeded, "429"),
        (httpx.Response(503, text="<html>"), Unavailable, "503"),
        (httpx.Response(200, text="<html>"), BadUpstream, "no SessionInfo"),
        (httpx.ConnectError("refused"), Unavailable, f"no Dragoman answers at {URL}"),
        (httpx.ReadTimeout("late"), Unavailable, "gave no answer"),
    ],
)
async def test_a_refusal_is_an_error_with_its_cause(
    answer: httpx.Response | Exception, kind: type[Exception], words: str
) -> None:
    route = respx.get(f"{URL}/v1/sessions/s1")
    if isinstance(answer, Exception):
        route.mock(side_effect=answer)
    else:
        route.mock(answer)
    async with Dragoman(URL) as dragoman:
        with pytest.raises(kind, match=words):
            await dragoman.get_session("s1")


@respx.mock
async def test_requests_can_wait_for_a_server() -> None:
    notices: list[str] = []
    route = respx.post(f"{URL}/v1/sessions")
    route.side_effect = [
        httpx.ConnectError("refused"),
        httpx.Response(503, json={"code": "overloaded", "detail": "full"}),
        httpx.Response(201, json=SESSION),
    ]
    async with Dragoman(URL, wait_s=20, notify=notices.append) as dragoman:
        assert (await dragoman.create_session()).id == "s1"
    assert notices[0].startswith("The server is not ready")


@respx.mock
async def test_only_what_changes_nothing_is_asked_again_after_a_lost_answer() -> None:
    get, post = respx.get(f"{URL}/v1/sessions/s1"), respx.post(f"{URL}/v1/sessions")
    get.side_effect = [httpx.ReadError("cut"), httpx.Response(200, json=SESSION)]
    post.side_effect = [httpx.ReadError("cut"), httpx.Response(201, json=SESSION)]
    async with Dragoman(URL, wait_s=20) as dragoman:
        assert (await dragoman.get_session("s1")).id == "s1"
        with pytest.raises(Unavailable, match="gave no answer"):
            await dragoman.create_session()
    assert post.call_count == 1
