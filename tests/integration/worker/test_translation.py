"""The audio worker and its translators: each sentence once a language, in order, and never at a transcript's
cost."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import msgspec
import pytest

from dragoman_contracts.envelope import Envelope
from dragoman_contracts.events import TranslationCompleted, parse_event
from dragoman_contracts.streams import AUDIO_RESULTS, RecordField
from dragoman_contracts.websocket import (
    ErrorMessage,
    GlossaryTerm,
    SessionEndedMessage,
    SessionOptions,
    SessionTargets,
    TranscriptFinal,
    TranscriptPartial,
    TranslationFailedMessage,
    TranslationFinal,
    TranslationOptions,
    TranslationPartial,
)
from dragoman_contracts.whisper_api import WINDOW_HEADER, WINDOW_PATH, WindowOptions
from dragoman_whisper.app import create_app
from dragoman_whisper.settings import WhisperSettings

from .conftest import spoken, whisper_server, words_of
from .translator import Translator

NUMBERS = list(range(300, 309))


@pytest.fixture
async def translator() -> Translator:
    return Translator()


@pytest.fixture
async def translation_url(translator: Translator) -> AsyncIterator[str]:
    async with whisper_server(translator.app) as url:
        yield url


async def wish(session, *targets: str, **options) -> None:
    wishes = TranslationOptions(targets=list(targets), **options)
    await session.redis.hset(session.keys.record, RecordField.TRANSLATION, msgspec.json.encode(wishes))


async def translations(session, target: str) -> list[str]:
    return [one.text for one in await session.of_type(TranslationFinal) if one.target_language == target]


async def transcripts(session) -> list[str]:
    return [one.text for one in await session.of_type(TranscriptFinal)]


async def speak(session, *utterances: list[int]) -> None:
    for numbers in utterances:
        await session.say(spoken(numbers))


async def test_each_final_is_translated_once_a_language_in_order(
    new_session, start_worker, whisper_url, translation_url, translator, eventually, redis_client
):
    session = new_session("s1")
    await session.open()
    await wish(session, "es", "de", drafts=False)
    start_worker(whisper_url, translation_url=translation_url)
    await speak(session, NUMBERS, [1, 2], [3, 4], [5])
    await session.end()
    await eventually(session.is_ended)

    said = await transcripts(session)
    assert [word for text in said for word in text.split()] == words_of([*NUMBERS, 1, 2, 3, 4, 5])
    for target in ("es", "de"):
        assert await translations(session, target) == [f"[{target}] {text}" for text in said]
        assert translator.asked(target) == said
    assert translator.most_under_way == 1
    assert await session.of_type(SessionTargets) == [
        SessionTargets(targets=["es", "de"], position=msgspec.UNSET)
    ]
    assert type((await session.results())[-1]) is SessionEndedMessage
    finals = {one.segment_id: one for one in await session.of_type(TranscriptFinal)}
    for one in await session.of_type(TranslationFinal):
        spoken_as = finals[one.segment_id]
        assert (one.revision, one.start_ms, one.end_ms) == (
            spoken_as.revision,
            spoken_as.start_ms,
            spoken_as.end_ms,
        )


async def test_translations_are_copied_to_the_control_stream_and_nothing_is_left_behind(
    new_session, start_worker, whisper_url, translation_url, eventually, redis_client
):
    session = new_session("s1")
    await session.open()
    await wish(session, "es")
    start_worker(whisper_url, translation_url=translation_url)
    await speak(session, [1, 2], [3])
    await session.end()
    await eventually(session.is_ended)

    events = [
        parse_event(Envelope.from_fields(fields)) for _, fields in await redis_client.xrange(AUDIO_RESULTS)
    ]
    copies = [event for event in events if isinstance(event, TranslationCompleted)]
    assert [copy.text for copy in copies] == await translations(session, "es")
    assert {(copy.target_language, copy.source_language, copy.engine) for copy in copies} == {
        ("es", "en", "test")
    }
    assert await redis_client.exists(session.keys.outbox) == 0


async def test_drafts_come_under_their_segment_and_the_last_is_replaced(
    new_session, start_worker, whisper_url, translation_url, translator, eventually
):
    session = new_session("s1")
    await session.open()
    await wish(session, "es")
    start_worker(whisper_url, translation_url=translation_url, draft_interval_ms=50, min_step_ms=50)
    samples = spoken(list(range(20, 40)))
    half = len(samples) // 2
    await session.say(samples[: half // 2])
    await eventually(lambda: session.of_type(TranscriptPartial))
    await session.say(samples[half // 2 : half])  # two hypotheses agree: some of it is stable

    async def drafted():
        return await session.of_type(TranslationPartial)

    (draft,) = await eventually(drafted)
    assert draft.segment_id == "seg-0"
    assert draft.text in [f"[es] {text}" for text in translator.asked("es", drafts=True)]
    await session.say(samples[half:])
    await session.end()
    await eventually(session.is_ended)
    assert await session.of_type(TranslationPartial) == [], "a final replaces the drafts of its segment"
    assert len(await translations(session, "es")) == len(await transcripts(session))


async def test_a_language_may_come_and_go_while_the_session_is_live(
    new_session, start_worker, whisper_url, translation_url, translator, eventually
):
    session = new_session("s1")
    await session.open()
    start_worker(whisper_url, translation_url=translation_url)
    await speak(session, [1, 2])
    await eventually(lambda: transcripts(session))
    assert translator.requests == []

    await wish(session, "es")
    await eventually(lambda: session.of_type(SessionTargets))
    await speak(session, [3, 4])
    await eventually(lambda: translations(session, "es"))

    async def told_of_german():
        return [one.targets for one in await session.of_type(SessionTargets)] == [["es"], ["de"]]

    await wish(session, "de")
    await eventually(told_of_german)
    await speak(session, [5, 6])
    await session.end()
    await eventually(session.is_ended)
    first, second, third = await transcripts(session)
    assert await translations(session, "es") == [f"[es] {second}"]
    assert await translations(session, "de") == [f"[de] {third}"]
    assert first not in translator.asked("es") + translator.asked("de")


async def test_on_demand_costs_nothing_until_somebody_reads(
    new_session, start_worker, whisper_url, translation_url, translator, eventually
):
    session = new_session("s1")
    await session.open()
    await wish(session, "es", "de", on_demand=True)
    start_worker(whisper_url, translation_url=translation_url)
    await speak(session, [1, 2])
    await eventually(lambda: transcripts(session))
    assert translator.requests == []

    await session.redis.zadd(session.keys.wanted, {"de": time.time() * 1000 + 60_000, "es": 1})

    async def speaks_german():
        await speak(session, [7])
        return await translations(session, "de")

    await eventually(speaks_german)
    await session.end()
    await eventually(session.is_ended)
    assert await translations(session, "es") == []
    assert translator.asked("es") == []


async def test_what_is_spoken_in_a_viewers_language_is_passed_through(
    new_session, start_worker, whisper_url, translation_url, translator, eventually
):
    session = new_session("s1")
    await session.open(SessionOptions(language="es"))
    await wish(session, "es", "en")
    start_worker(whisper_url, translation_url=translation_url)
    await speak(session, [1, 2])
    await session.end()
    await eventually(session.is_ended)
    (said,) = await transcripts(session)
    by_target = {one.target_language: one for one in await session.of_type(TranslationFinal)}
    assert (by_target["es"].text, by_target["es"].engine) == (said, "")
    assert by_target["en"].text == f"[en] {said}"
    assert translator.asked("es") == []


async def test_a_translator_that_hangs_delays_no_transcript(
    new_session, start_worker, whisper_url, translation_url, translator, eventually
):
    translator.gate.clear()
    session = new_session("s1")
    await session.open()
    await wish(session, "es")
    start_worker(whisper_url, translation_url=translation_url)
    await speak(session, [1, 2], [3, 4], [5, 6])

    async def all_said():
        return len(await transcripts(session)) == 3

    await eventually(all_said)
    assert await translations(session, "es") == []
    translator.gate.set()
    await session.end()
    await eventually(session.is_ended)
    assert await translations(session, "es") == [f"[es] {text}" for text in await transcripts(session)]


async def test_a_translator_that_is_away_is_told_and_caught_up_with(
    new_session, start_worker, whisper_url, translation_url, translator, eventually
):
    translator.problem = (503, "engine_unavailable")
    session = new_session("s1")
    await session.open()
    await wish(session, "es")
    start_worker(whisper_url, translation_url=translation_url)
    await speak(session, [1, 2], [3, 4])

    async def both_told():
        return len(await session.of_type(TranslationFailedMessage)) == 2

    await eventually(both_told)
    assert not any(one.permanent for one in await session.of_type(TranslationFailedMessage))
    translator.problem = None
    await session.end()
    await eventually(session.is_ended)
    assert await translations(session, "es") == [f"[es] {text}" for text in await transcripts(session)]


async def test_the_end_does_not_wait_for_ever(
    new_session, start_worker, whisper_url, translation_url, translator, eventually
):
    translator.gate.clear()
    session = new_session("s1")
    await session.open()
    await wish(session, "es")
    start_worker(whisper_url, translation_url=translation_url, translation_patience_s=0.2)
    await speak(session, [1, 2])
    await session.end()
    await eventually(session.is_ended)
    (failed,) = await session.of_type(TranslationFailedMessage)
    assert (failed.permanent, failed.code) == (True, "translator_away")
    assert type((await session.results())[-1]) is SessionEndedMessage
    translator.gate.set()


async def test_a_pair_that_nobody_translates_is_told_a_segment(
    new_session, start_worker, whisper_url, translation_url, translator, eventually
):
    translator.problem = (422, "pair_unavailable")
    session = new_session("s1")
    await session.open()
    await wish(session, "tlh")
    start_worker(whisper_url, translation_url=translation_url)
    await speak(session, [1, 2], [3])
    await session.end()
    await eventually(session.is_ended)
    failed = await session.of_type(TranslationFailedMessage)
    assert [(one.segment_id, one.code, one.permanent) for one in failed] == [
        ("seg-0", "pair_unavailable", True),
        ("seg-1", "pair_unavailable", True),
    ]
    assert failed[0].message == "no engine translates from en into tlh"
    assert len(await transcripts(session)) == 2


async def test_whisper_translates_into_english_when_no_engine_does(
    new_session, start_worker, whisper_url, translation_url, translator, eventually
):
    translator.problem = (422, "pair_unavailable")
    session = new_session("s1")
    await session.open(SessionOptions(language="es"))
    await wish(session, "en")
    start_worker(whisper_url, translation_url=translation_url)
    await speak(session, [1, 2])
    await session.end()
    await eventually(session.is_ended)
    (translated,) = await session.of_type(TranslationFinal)
    assert (translated.engine, translated.text.split()) == ("whisper", words_of([1, 2]))


async def test_without_a_translation_service_the_viewers_are_told(
    new_session, start_worker, whisper_url, eventually
):
    session = new_session("s1")
    await session.open()
    await wish(session, "es")
    start_worker(whisper_url)
    await speak(session, [1, 2])
    await session.end()
    await eventually(session.is_ended)
    (told,) = await session.of_type(ErrorMessage)
    assert told.code == "translation_unavailable"
    assert len(await transcripts(session)) == 1


async def test_the_glossary_reaches_the_translator_in_each_language(
    new_session, start_worker, whisper_url, translation_url, translator, eventually
):
    session = new_session("s1")
    await session.open()
    glossary = [
        GlossaryTerm(source="invoice", translations={"es-MX": "recibo"}),
        GlossaryTerm(source="Dragoman", keep=True),
    ]
    await wish(session, "es", "de", glossary=glossary)
    start_worker(whisper_url, translation_url=translation_url)
    await speak(session, [1, 2])
    await session.end()
    await eventually(session.is_ended)
    terms = {
        target: [(term.source, term.target) for term in request.glossary[target]]
        for request in translator.requests
        for target in request.targets
    }
    assert terms == {
        "es": [("invoice", "recibo"), ("Dragoman", "Dragoman")],
        "de": [("Dragoman", "Dragoman")],
    }


async def test_a_successor_translates_what_its_dead_predecessor_had_not(
    new_session, start_worker, whisper_url, translation_url, translator, eventually
):
    translator.gate.clear()
    session = new_session("s1")
    await session.open()
    await wish(session, "es")
    worker = start_worker(whisper_url, translation_url=translation_url)
    await speak(session, [1, 2], [3, 4])

    async def both_final():
        return len(await transcripts(session)) == 2

    await eventually(both_final)
    worker.task.cancel()
    await eventually(worker.task.done)
    translator.gate.set()
    start_worker(whisper_url, translation_url=translation_url)
    await speak(session, [5, 6])
    await session.end()
    await eventually(session.is_ended)
    said = await transcripts(session)
    assert len(said) == 3
    assert await translations(session, "es") == [f"[es] {text}" for text in said]


async def test_a_drained_worker_leaves_its_translations_to_the_next(
    new_session, start_worker, whisper_url, translation_url, translator, eventually
):
    session = new_session("s1")
    await session.open()
    await wish(session, "es")
    worker = start_worker(whisper_url, translation_url=translation_url)
    await speak(session, [1, 2])
    await eventually(lambda: translations(session, "es"))
    translator.gate.clear()
    await speak(session, [3, 4])

    async def both_final():
        return len(await transcripts(session)) == 2

    await eventually(both_final)
    start_worker(whisper_url, translation_url=translation_url)
    await worker.stop()
    translator.gate.set()
    await session.end()
    await eventually(session.is_ended)
    assert await translations(session, "es") == [f"[es] {text}" for text in await transcripts(session)]


async def test_the_glossarys_hot_words_reach_the_recogniser(
    new_session, start_worker, translation_url, eventually
):
    asked: list[WindowOptions] = []
    whisper = create_app(WhisperSettings(profile="mock"))

    async def recorded(scope, receive, send):
        headers = dict(scope.get("headers", ()))
        if scope["type"] == "http" and scope["path"] == WINDOW_PATH:
            asked.append(WindowOptions.from_header(headers[WINDOW_HEADER.encode()].decode()))
        await whisper(scope, receive, send)

    session = new_session("s1")
    await session.open(SessionOptions(hotwords="agenda"))
    await wish(session, glossary=[GlossaryTerm(source="Dragoman", hotword=True), GlossaryTerm(source="no")])
    async with whisper_server(recorded) as url:
        start_worker(url, translation_url=translation_url)
        await speak(session, [1, 2])
        await session.end()
        await eventually(session.is_ended)
    assert {options.hotwords for options in asked} == {"agenda Dragoman"}
