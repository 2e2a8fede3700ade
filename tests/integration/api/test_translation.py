"""Translation as clients of the API meet it: REST, sets of terms, and viewers with languages."""

from __future__ import annotations

import json

import msgspec
import pytest

from dragoman_contracts.streams import GLOSSARIES, RecordField, SessionKeys
from dragoman_contracts.websocket import CloseCode, TranslationOptions

from .conftest import Socket
from .test_bad_input import UNKNOWN, refused

BOARD = {"source": "board", "translations": {"es": "junta"}}
TARGETS = ["es", "pt-BR"]
LANGUAGES = "en es fr de it pt nl sv da nb fi pl cs sk hu ro bg el tr uk ja".split()  # noqa: SIM905


async def stored(redis_client, session_id: str) -> TranslationOptions:
    """What the worker reads; it is nowhere else."""
    record = await redis_client.hgetall(SessionKeys(session_id).record)
    options = msgspec.json.decode(record[RecordField.TRANSLATION], type=TranslationOptions)
    assert record[RecordField.TARGETS].decode() == ",".join(options.targets)
    assert json.loads(record[RecordField.OPTIONS])["translation"] is None
    return options


async def put(api, session_id: str, **translation):
    return await api.http.put(f"/v1/sessions/{session_id}/translation", json=translation)


async def test_a_session_is_made_with_its_translation(api, redis_client):
    session_id = await api.create(
        language="en",
        translation={"targets": ["ES", "pt_br", "es"], "on_demand": True, "glossary": [BOARD]},
    )
    options = await stored(redis_client, session_id)
    assert (options.targets, options.on_demand) == (TARGETS, True)
    told = (await api.http.get(f"/v1/sessions/{session_id}")).json()["translation"]
    assert told == {
        "targets": TARGETS,
        "on_demand": True,
        "drafts": True,
        "formality": "default",
        "glossaries": [],
        "terms": 1,
    }
    full = (await api.http.get(f"/v1/sessions/{session_id}/translation")).json()
    assert full["glossary"] == [BOARD | {"keep": False, "hotword": False}]


async def test_without_a_word_a_session_is_not_translated(api, redis_client):
    session_id = await api.create()
    assert (await stored(redis_client, session_id)).targets == []
    assert (await api.http.get(f"/v1/sessions/{session_id}/translation")).json()["targets"] == []


@pytest.mark.parametrize("status", ["created", "live", "ending"])
async def test_it_is_changed_at_any_time_before_the_end(api, redis_client, status):
    session_id = await api.create(translation={"targets": ["fr"], "on_demand": True})
    if status != "created":
        await (await api.speaker(session_id)).send(b"aa")
    if status == "ending":
        await api.http.delete(f"/v1/sessions/{session_id}")
    answer = await put(api, session_id, targets=TARGETS)
    assert answer.status_code == 200
    assert (answer.json()["targets"], answer.json()["on_demand"]) == (TARGETS, False)
    assert await stored(redis_client, session_id) == TranslationOptions(targets=TARGETS)
    assert (await api.http.get(f"/v1/sessions/{session_id}")).json()["status"] == status


async def test_an_ended_session_keeps_its_translation(api):
    session_id = await api.create(translation={"targets": ["es"]})
    await api.http.delete(f"/v1/sessions/{session_id}")
    answer = await put(api, session_id, targets=["fr"])
    assert (answer.status_code, answer.json()["code"]) == (409, "session_ended")
    assert (await api.http.get(f"/v1/sessions/{session_id}/translation")).json()["targets"] == ["es"]


async def test_the_translation_of_no_session(api, redis_client):
    for session_id in (UNKNOWN, "nope"):
        assert (await put(api, session_id, targets=["es"])).status_code == 404
        assert (await api.http.get(f"/v1/sessions/{session_id}/translation")).status_code == 404
    assert not await redis_client.exists(SessionKeys(UNKNOWN).record)


@pytest.mark.parametrize(
    ("translation", "code", "words"),
    [
        ({"targets": ["es", "klingonish"]}, "unknown_language", "'klingonish' is no language code"),
        ({"targets": ["  "]}, "unknown_language", "is no language code"),
        ({"targets": LANGUAGES}, "invalid_input", "21 target languages"),
        ({"targets": "es"}, "invalid_input", "list"),
        (
            {"glossary": [BOARD, {"source": "board", "translations": {"es": "tablero"}}]},
            "glossary_clash",
            "es",
        ),
        ({"glossary": [{"source": "bo\x07ard"}]}, "invalid_input", "control characters"),
        ({"glossary": [{"source": ""}]}, "invalid_input", "0 characters"),
        ({"glossary": [{"source": f"t{n}"} for n in range(501)]}, "invalid_input", "501 terms"),
        ({"glossaries": ["medical"]}, "invalid_input", "no glossary medical"),
        ({"glossaries": ["Not A Name"]}, "invalid_input", "no name"),
        ({"formality": "rude"}, "invalid_input", "formality"),
        ({"language": "es"}, "invalid_input", "language"),
    ],
)
async def test_translations_that_cannot_be(api, redis_client, translation, code, words):
    session_id = await api.create(translation={"targets": ["es"]})
    for answer in (
        await put(api, session_id, **translation),
        await api.http.post("/v1/sessions", json={"translation": translation}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert words in answer.json()["detail"]
        assert answer.json()["remedy"]
    assert (await stored(redis_client, session_id)).targets == ["es"]


async def test_a_clash_is_told_to_the_caller_and_to_no_log(api, log_lines):
    clashing = [BOARD, {"source": "board", "translations": {"es": "tablero"}}]
    answer = await api.http.post("/v1/sessions", json={"translation": {"glossary": clashing}})
    assert "'junta' and 'tablero'" in answer.json()["remedy"]
    session_id = await api.create()
    socket = await api.connect(f"/v1/sessions/{session_id}/audio")
    await socket.send({"type": "session.configure", "options": {"translation": {"glossary": clashing}}})
    error = await refused(socket, CloseCode.BAD_REQUEST)
    assert "'junta' and 'tablero'" in error["remedy"]
    assert not [line for line in log_lines if "junta" in line or "tablero" in line]


async def test_a_speaker_brings_a_translation_along(api, worker, redis_client):
    session_id = await api.create(translation={"targets": ["fr"]})

    async def configure(**options) -> Socket:
        socket = await api.connect(f"/v1/sessions/{session_id}/audio")
        await socket.send({"type": "session.configure", "options": options})
        assert (await socket.next())["type"] in {"session.started", "session.resumed"}
        return socket

    await configure(language="en", translation={"targets": ["ES"], "glossary": [BOARD]})
    assert (await stored(redis_client, session_id)).targets == ["es"]
    await put(api, session_id, targets=["it"])
    # The same speaker comes again and says the same: what was changed meanwhile stays.
    await configure(language="en", translation={"targets": ["ES"], "glossary": [BOARD]})
    await configure(language="en")
    assert (await stored(redis_client, session_id)).targets == ["it"]
    # Terms are in no stream.
    for _, kind, data, _ in await worker(session_id).entries():
        assert kind == b"f"
        assert b"junta" not in data


async def test_a_speaker_that_says_nothing_of_translation_leaves_it(api, redis_client):
    session_id = await api.create(translation={"targets": ["fr"]})
    socket = await api.connect(f"/v1/sessions/{session_id}/audio")
    await socket.send({"type": "session.configure", "options": {"language": "es"}})
    await socket.next("session.started")
    assert (await stored(redis_client, session_id)).targets == ["fr"]
    assert (await api.http.get(f"/v1/sessions/{session_id}")).json()["language"] == "es"


@pytest.mark.parametrize(
    "translation", [{"targets": ["klingonish"]}, {"targets": LANGUAGES}, {"glossaries": ["nope"]}]
)
async def test_a_speaker_with_a_translation_that_cannot_be(api, translation):
    session_id = await api.create()
    socket = await api.connect(f"/v1/sessions/{session_id}/audio")
    await socket.send({"type": "session.configure", "options": {"translation": translation}})
    await refused(socket, CloseCode.BAD_REQUEST)
    # The session is as it was: a better speaker can still open it.
    assert (await api.speaker(session_id)).greeting["type"] == "session.started"


# --- named sets -----------------------------------------------------------------------------------------


async def test_sets_of_terms_are_kept(api):
    assert (await api.http.get("/v1/glossaries")).json() == {"glossaries": []}
    terms = [{"source": " board ", "translations": {"ES": "junta"}, "hotword": True}]
    kept = [{"source": "board", "translations": {"es": "junta"}, "keep": False, "hotword": True}]
    answer = await api.http.put("/v1/glossaries/medical", json={"terms": terms})
    assert answer.json() == {"name": "medical", "terms": kept}
    assert (await api.http.get("/v1/glossaries/medical")).json()["terms"] == kept
    await api.http.put("/v1/glossaries/a-1", json={"terms": []})
    assert (await api.http.get("/v1/glossaries")).json() == {"glossaries": ["a-1", "medical"]}
    assert (await api.http.delete("/v1/glossaries/medical")).status_code == 204
    for request in (api.http.get, api.http.delete):
        answer = await request("/v1/glossaries/medical")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_set_is_copied_into_the_session_that_names_it(api, redis_client):
    await api.http.put("/v1/glossaries/medical", json={"terms": [BOARD]})
    session_id = await api.create(translation={"targets": ["es"], "glossaries": ["medical"]})
    changed = {"source": "board", "translations": {"es": "tablero"}}
    await api.http.put("/v1/glossaries/medical", json={"terms": [changed]})
    options = await stored(redis_client, session_id)
    assert [term.translations for term in options.glossary] == [{"es": "junta"}]
    assert options.glossaries == ["medical"]
    await put(api, session_id, targets=["es"], glossaries=["medical"])
    options = await stored(redis_client, session_id)
    assert [term.translations for term in options.glossary] == [{"es": "tablero"}]


async def test_an_unknown_set_is_named_with_those_that_there_are(api):
    answer = await put(api, await api.create(), glossaries=["legal"])
    assert "There is none yet" in answer.json()["remedy"]
    await api.http.put("/v1/glossaries/medical", json={"terms": []})
    answer = await put(api, await api.create(), glossaries=["medical", "legal"])
    assert answer.json()["detail"] == "there is no glossary legal"
    assert "medical" in answer.json()["remedy"]


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("Medical", {"terms": []}, 422),
        ("a" * 65, {"terms": []}, 422),
        ("medical", {"terms": [{"source": "x", "sauce": "y"}]}, 422),
        ("medical", {"terms": [{"source": "x", "translations": {"zz": "y"}}]}, 422),
        ("medical", {"terms": [{"source": f"t{n}"} for n in range(501)]}, 422),
        ("medical", {}, 422),
    ],
)
async def test_sets_that_cannot_be(api, redis_client, name, body, status):
    answer = await api.http.put(f"/v1/glossaries/{name}", json=body)
    assert answer.status_code == status
    assert answer.json()["remedy"]
    assert not await redis_client.exists(GLOSSARIES)


async def test_terms_are_never_logged(api, log_lines):
    await api.http.put("/v1/glossaries/medical", json={"terms": [BOARD]})
    session_id = await api.create(translation={"glossaries": ["medical"]})
    await put(api, session_id, targets=["es"], glossary=[BOARD])
    assert [line for line in log_lines if "glossary medical: 1 terms" in line]
    assert not [line for line in log_lines if "junta" in line or "board" in line]


# --- viewers --------------------------------------------------------------------------------------------


async def texts(socket: Socket, count: int) -> list[str]:
    """The texts of the next transcripts and translations."""
    found: list[str] = []
    while len(found) < count:
        message = await socket.next()
        if message["type"].startswith(("transcript.", "translation.")):
            found.append(message["text"])
    return found


async def test_each_viewer_reads_its_languages_and_the_speaker_all(api, worker):
    session_id = await api.create(translation={"targets": TARGETS})
    played = worker(session_id)
    speaker = await api.speaker(session_id)
    every, none, spanish, portuguese = [
        await api.viewer(session_id, languages=languages) for languages in (None, "", "es-AR", "pt, es")
    ]
    for viewer in (every, none, spanish, portuguese):
        assert (await viewer.next("session.snapshot"))["targets"] == TARGETS
    await played.final(0, "hello")
    await played.translation(0, "pt-BR", "olá")
    await played.translation(0, "es", "hola")
    await played.final(1, "bye")
    for socket, expected in (
        (speaker, ["hello", "olá", "hola", "bye"]),
        (every, ["hello", "olá", "hola", "bye"]),
        (none, ["hello", "bye"]),
        (spanish, ["hello", "hola", "bye"]),
        (portuguese, ["hello", "olá", "hola", "bye"]),
    ):
        assert await texts(socket, len(expected)) == expected


async def test_who_joins_late_or_again_gets_its_languages_only(api, worker):
    session_id = await api.create(translation={"targets": TARGETS})
    played = worker(session_id)
    await played.final(0, "hello")
    for language, text in (("pt-BR", "olá"), ("es", "hola")):
        await played.translation(0, language, text)
    viewer = await api.viewer(session_id, languages="es")
    shown = await viewer.next("session.snapshot")
    assert [one["text"] for one in shown["translations"]] == ["hola"]
    await played.final(1, "bye")
    await played.translation(1, "pt-BR", "tchau")
    await played.translation(1, "es", "adiós")
    after = f"{shown['position']['epoch']}:{shown['position']['offset']}"
    again = await api.viewer(session_id, after, languages="es")
    assert (await again.next("session.snapshot"))["translations"] == []
    assert await texts(again, 2) == ["bye", "adiós"]


async def test_a_language_that_is_not_offered_follows_from_when_it_is_added(api, worker):
    session_id = await api.create(translation={"targets": TARGETS})
    played = worker(session_id)
    viewer = await api.viewer(session_id, languages="fr")
    told = await viewer.next("error")
    assert (told["code"], told["permanent"]) == ("language_not_offered", False)
    assert "es, pt-BR" in told["remedy"]
    await played.final(0, "hello")
    await played.translation(0, "es", "hola")
    await put(api, session_id, targets=["es", "fr"])
    await played.publish("session.targets", {"targets": ["es", "fr"], "on_demand": False})
    await played.translation(0, "fr", "salut")
    assert await texts(viewer, 2) == ["hello", "salut"]


async def test_a_language_that_another_process_takes_away_is_told(start_api):
    async with start_api() as one, start_api() as other:
        session_id = await one.create(translation={"targets": ["es"]})
        viewer = await other.viewer(session_id, languages="es")
        await viewer.next("session.snapshot")
        await put(one, session_id, targets=["fr"])  # no worker has the session yet: the record tells
        assert "into es" in (await viewer.next("error"))["message"]


@pytest.mark.parametrize(
    ("languages", "words"),
    [
        ("es,klingonish", "'klingonish'"),
        ("e" * 200, "no language"),
        ("語" * 35, "no language"),  # longer in bytes than a close frame may be
        (",".join(LANGUAGES), "21 languages"),
    ],
)
async def test_languages_that_cannot_be(api, languages, words):
    session_id = await api.create(translation={"targets": TARGETS})
    viewer = await api.viewer(session_id, languages=languages)
    assert words in (await refused(viewer, CloseCode.BAD_REQUEST))["message"]


async def test_a_viewers_token_may_look_and_not_change(api):
    session_id = await api.create(translation={"targets": TARGETS})
    token = (await api.http.post(f"/v1/sessions/{session_id}/viewer-tokens")).json()["token"]
    headers = {"authorization": f"Bearer {token}"}
    path = f"/v1/sessions/{session_id}/translation"
    assert (await api.http.get(path, headers=headers)).json()["targets"] == TARGETS
    assert (await api.http.put(path, headers=headers, json={"targets": []})).status_code == 403


# --- what viewers want ----------------------------------------------------------------------------------


async def wanted(redis_client, session_id: str) -> set[str]:
    return {one.decode() for one in await redis_client.zrange(SessionKeys(session_id).wanted, 0, -1)}


async def test_wanted_languages_are_told_while_somebody_reads(api, redis_client, eventually):
    session_id = await api.create(translation={"targets": ["es", "fr", "pt-BR"], "on_demand": True})
    await api.speaker(session_id)
    await api.viewer(session_id, languages="")
    await api.viewer(session_id, languages="pt,it")

    async def is_told(languages: set[str]) -> bool:
        return await wanted(redis_client, session_id) == languages

    await eventually(lambda: is_told({"pt-BR"}))
    key = SessionKeys(session_id).wanted
    lapses_ms = await redis_client.zscore(key, "pt-BR")
    seconds, _ = await redis_client.time()
    assert 5 < lapses_ms / 1000 - seconds <= 16
    assert 0 < await redis_client.ttl(key) <= 60
    await api.viewer(session_id)  # wants all
    await eventually(lambda: is_told({"es", "fr", "pt-BR"}))


async def test_a_language_that_is_added_is_wanted_at_once(api, redis_client, eventually):
    session_id = await api.create(translation={"targets": ["es"], "on_demand": True})
    await (await api.viewer(session_id, languages="fr")).next("error")
    await put(api, session_id, targets=["es", "fr"], on_demand=True)

    async def is_told() -> bool:
        return await wanted(redis_client, session_id) == {"fr"}

    await eventually(is_told)


async def test_what_redis_forgot_is_wanted_again(api, redis_client, eventually):
    session_id = await api.create(translation={"targets": ["es"], "on_demand": True})
    await api.viewer(session_id)
    key = SessionKeys(session_id).wanted
    await eventually(lambda: redis_client.exists(key))
    await redis_client.delete(key)
    await eventually(lambda: redis_client.exists(key))


# --- a Redis that is emptied ----------------------------------------------------------------------------


async def test_a_viewer_of_a_redis_that_was_emptied_is_told(api, worker, redis_client):
    session_id = await api.create()
    viewers = [await api.viewer(session_id), await api.viewer(session_id, languages="")]
    for viewer in viewers:
        await viewer.next("session.snapshot")
    await redis_client.flushall()  # the same run of the server goes on
    for viewer in viewers:
        error = await refused(viewer, CloseCode.NOT_FOUND)
        assert "emptied" in error["message"]
    another = await api.create()
    viewer = await api.viewer(another)
    await viewer.next("session.snapshot")
    await worker(another).final(0, "hello")
    assert await texts(viewer, 1) == ["hello"]


# --- transcripts ----------------------------------------------------------------------------------------


@pytest.fixture
async def meeting(api, worker) -> str:
    """The path of a transcript with a sentence that has no Spanish."""
    session_id = await api.create(translation={"targets": ["es", "ja"]})
    played = worker(session_id)
    await played.final(0, "Hello & <welcome>.")
    await played.translation(0, "es", "Hola", kind="partial")
    await played.translation(0, "es", "no answer", kind="failed")
    await played.translation(0, "es", "Hola y <bienvenidos>.")
    await played.final(5, "Good bye.")
    return f"/v1/sessions/{session_id}/transcript"


async def test_transcripts_by_language(api, meeting):
    for form, text in (
        ("txt", "Hola y <bienvenidos>.\n[Good bye.]\n"),
        (
            "srt",
            "1\n00:00:00,000 --> 00:00:01,050\nHola y ‹bienvenidos›.\n\n"
            "2\n00:00:05,000 --> 00:00:05,900\n[Good bye.]\n",
        ),
        (
            "vtt",
            "WEBVTT\n\n00:00:00.000 --> 00:00:01.050\nHola y &lt;bienvenidos&gt;.\n\n"
            "00:00:05.000 --> 00:00:05.900\n[Good bye.]\n",
        ),
    ):
        answer = await api.http.get(meeting, params={"format": form, "language": "es-AR"})
        assert (answer.status_code, answer.text) == (200, text)
    told = (await api.http.get(meeting, params={"language": "en,es"})).json()
    assert told["languages"] == ["en", "es"]
    assert told["segments"][0]["texts"] == {"en": "Hello & <welcome>.", "es": "Hola y <bienvenidos>."}
    assert told["segments"][1]["texts"]["es"] is None
    both = await api.http.get(meeting, params={"format": "vtt", "language": "en,es"})
    assert "Hello &amp; &lt;welcome&gt;.\nHola y &lt;bienvenidos&gt;.\n" in both.text


@pytest.mark.parametrize(
    ("language", "status", "code", "words"),
    [
        ("it", 404, "not_found", "nothing in it"),
        ("klingonish", 422, "unknown_language", "klingonish"),
        ("", 422, "unknown_language", "no language code"),
        ("en,es,ja", 422, "invalid_input", "at most 2"),
        ("e" * 100, 422, "invalid_input", "80"),
    ],
)
async def test_transcripts_in_languages_that_are_not_there(api, meeting, language, status, code, words):
    answer = await api.http.get(meeting, params={"language": language})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert words in answer.json()["detail"]
    if status == 404:
        assert answer.json()["remedy"] == "It has en, es, ja."


async def test_a_transcript_in_a_target_before_anything_was_said(api):
    session_id = await api.create(translation={"targets": ["es"]})
    answer = await api.http.get(f"/v1/sessions/{session_id}/transcript?language=es&format=vtt")
    assert answer.text == "WEBVTT\n"
