"""Requests through engines that do as they are told: fallback, pivots, glossary, languages, limits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from dragoman_contracts.errors import (
    DragomanError,
    EngineUnavailable,
    InvalidInput,
    Overloaded,
    PairUnavailable,
    TranslationFailed,
    UnknownLanguage,
)
from dragoman_contracts.translation_api import TargetResult, TermTranslation, TranslateRequest
from dragoman_runtime.process import Health
from dragoman_translation.service import TranslationService
from dragoman_translation.settings import TranslationSettings

from .engines import HeldEngine


@contextlib.asynccontextmanager
async def serving(*engines: HeldEngine, **values) -> AsyncIterator[TranslationService]:
    service = TranslationService(TranslationSettings(**values), Health("translation"), engines)
    service.start()
    await service.wait_loaded()
    try:
        yield service
    finally:
        await service.stop()


async def ask(service: TranslationService, *texts: str, to: str = "es", **options) -> TargetResult:
    values = {"source": "en", **options}
    request = TranslateRequest(texts=list(texts), targets=[to], **values)
    return (await service.translator.translate(request)).results[0]


def term(source: str, target: str) -> TermTranslation:
    return TermTranslation(source=source, target=target)


# --- fallback and pivot -----------------------------------------------------------------------------------


async def test_an_engine_that_is_away_is_followed_by_the_next() -> None:
    async with serving(HeldEngine("a", error=EngineUnavailable("away")), HeldEngine("b")) as service:
        (text,) = (await ask(service, "hello")).texts
    assert (text.text, text.engine) == ("b:es:hello", "b")


async def test_only_the_texts_that_failed_go_to_the_next_engine() -> None:
    first, second = HeldEngine("a", poison="bad"), HeldEngine("b")
    async with serving(first, second) as service:
        result = await ask(service, "good", "bad")
    assert [text.engine for text in result.texts] == ["a", "b"]
    assert second.batches == [["bad"]]


async def test_a_text_that_no_engine_can_translate_is_told_beside_the_others() -> None:
    async with serving(HeldEngine("a", poison="bad"), HeldEngine("b", poison="bad")) as service:
        good, bad = (await ask(service, "good", "bad")).texts
    assert good.text == "a:es:good"
    assert bad.text == ""
    assert bad.error is not None
    assert (bad.error.code, bad.error.permanent) == ("translation_failed", True)


async def test_a_failure_is_not_final_while_an_engine_that_may_do_better_is_away() -> None:
    away, refusing = EngineUnavailable("away"), TranslationFailed("not this one")
    for engines in (
        [HeldEngine("a", error=away), HeldEngine("b", refuse=refusing)],
        [HeldEngine("a", refuse=refusing), HeldEngine("b", error=away)],
    ):
        async with serving(*engines) as service:
            with pytest.raises(EngineUnavailable):
                await ask(service, "hello")


async def test_texts_that_fail_for_reasons_of_their_own_are_told_each() -> None:
    async with serving(HeldEngine(poison="Good morning, everybody.")) as service:
        failed, unknown = (await ask(service, "Good morning, everybody.", "ok", source=None)).texts
    assert failed.error is not None
    assert unknown.error is not None
    assert (failed.error.code, unknown.error.code) == ("translation_failed", "language_undetectable")


async def test_engines_that_are_all_away_are_the_targets_error() -> None:
    engine = HeldEngine(error=EngineUnavailable("away"))
    async with serving(engine) as service:
        with pytest.raises(EngineUnavailable):
            await ask(service, "hello")


async def test_a_target_that_fails_does_not_harm_the_others() -> None:
    async with serving(HeldEngine(pairs=["en-es", "en-de"])) as service:
        request = TranslateRequest(texts=["hello"], targets=["de", "xx", "fr", "es"], source="en")
        results = (await service.translator.translate(request)).results
    assert [result.target for result in results] == ["de", "xx", "fr", "es"]
    assert [result.error and result.error.code for result in results] == [
        None,
        "unknown_language",
        "pair_unavailable",
        None,
    ]


async def test_the_first_error_is_told_where_no_target_can_be_served() -> None:
    async with serving(HeldEngine()) as service:
        with pytest.raises(PairUnavailable, match=r"from en to fr; there are en-es"):
            await service.translator.translate(
                TranslateRequest(texts=["hello"], targets=["fr", "xx"], source="en")
            )


async def test_a_pivot_goes_through_both_engines_and_names_them() -> None:
    async with serving(HeldEngine("a", ["de-en"]), HeldEngine("b", ["en-es"])) as service:
        result = await ask(service, "hallo", source="de", context=["vorher"], formality="formal")
    assert result.texts[0].text == "b:es:a:en:hallo"
    assert result.texts[0].engine == "a+b"
    assert result.model == "a-de-en+b-en-es"


async def test_context_is_for_the_first_leg_of_a_pivot_only() -> None:
    first, second = HeldEngine("a", ["de-en"]), HeldEngine("b", ["en-es"])
    async with serving(first, second) as service:
        await ask(service, "hallo", source="de", context=["vorher", "\x00"])
    assert first.wishes[0].context == ("vorher",)
    assert second.wishes[0].context == ()


async def test_a_leg_of_a_pivot_that_fails_is_the_texts_error() -> None:
    refusing = HeldEngine("b", ["en-es"], refuse=TranslationFailed("no"))
    async with serving(HeldEngine("a", ["de-en"]), refusing) as service:
        (text,) = (await ask(service, "hallo", source="de")).texts
    assert text.error is not None
    assert text.text == ""


async def test_an_engine_whose_breaker_is_open_is_passed_over_without_being_asked() -> None:
    away = HeldEngine("a", error=EngineUnavailable("away"))
    async with serving(away, HeldEngine("b"), breaker_failures=2, breaker_open_s=60) as service:
        for _ in range(5):
            assert (await ask(service, "hello")).texts[0].engine == "b"
    assert len(away.batches) == 2


async def test_a_full_queue_is_overloaded(eventually) -> None:
    engine = HeldEngine()
    async with serving(engine, queue_max=1) as service:
        engine.gate.clear()
        asked = [asyncio.create_task(ask(service, "one"))]
        await eventually(lambda: engine.batches == [["one"]])
        asked.append(asyncio.create_task(ask(service, "two")))
        await asyncio.sleep(0)  # it is queued by its first step
        with pytest.raises(Overloaded):
            await asyncio.gather(ask(service, "three"), ask(service, "four"))
        engine.gate.set()
        assert [one.texts[0].text for one in await asyncio.gather(*asked)] == ["held:es:one", "held:es:two"]


async def test_the_order_of_engines_can_be_changed_while_it_runs() -> None:
    async with serving(HeldEngine("a"), HeldEngine("b")) as service:
        assert (await ask(service, "hello")).texts[0].engine == "a"
        service.tune(service.config.model_copy(update={"engines": ["b"]}))
        assert (await ask(service, "hello")).texts[0].engine == "b"
        with pytest.raises(InvalidInput, match=r"no engine 'c'; it has a, b"):
            service.tune(service.config.model_copy(update={"engines": ["c"]}))


# --- languages --------------------------------------------------------------------------------------------


async def test_a_text_in_the_target_language_is_passed_through() -> None:
    engine = HeldEngine()
    async with serving(engine) as service:
        (text,) = (await ask(service, "hola a todos", source="es-MX", to="es")).texts
    assert (text.text, text.engine, text.source) == ("hola a todos", "", "es-MX")
    assert engine.batches == []


async def test_each_text_has_a_language_of_its_own_where_none_is_given() -> None:
    async with serving(HeldEngine(pairs=["en-es", "de-es"])) as service:
        texts = [
            "Good morning, everybody.",
            "Guten Morgen, wie geht es Ihnen?",
            "Buenos días a todos ustedes.",
        ]
        made = (await ask(service, *texts, source=None)).texts
    assert [text.source for text in made] == ["en", "de", "es"]
    assert [text.engine for text in made] == ["held", "held", ""]


async def test_a_language_that_no_engine_has_is_named_when_it_is_detected() -> None:
    async with serving(HeldEngine()) as service:
        with pytest.raises(PairUnavailable, match="from de to es"):
            await ask(service, "Guten Morgen, wie geht es Ihnen heute?", source=None)


async def test_a_text_whose_language_cannot_be_told_is_told_beside_the_others() -> None:
    async with serving(HeldEngine()) as service:
        good, bad = (await ask(service, "Good morning, everybody.", "ok", source=None)).texts
    assert good.error is None
    assert bad.error is not None
    assert bad.error.code == "language_undetectable"


async def test_an_unknown_source_is_refused() -> None:
    async with serving(HeldEngine()) as service:
        with pytest.raises(UnknownLanguage):
            await ask(service, "hello", source="english")


@pytest.mark.parametrize("text", ["", "  ", "\n\t", "😀", "123"])
async def test_a_text_without_words_comes_back_as_it_is(text: str) -> None:
    engine = HeldEngine()
    async with serving(engine) as service:
        (made,) = (await ask(service, text, source=None)).texts
        (given,) = (await ask(service, text)).texts
    assert (made.text, made.source, made.engine, made.error) == (text, "", "", None)
    assert (given.text, given.source, given.engine, given.error) == (text, "en", "", None)
    assert engine.batches == []


# --- limits -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (TranslateRequest(texts=[], targets=["es"]), "texts is empty"),
        (TranslateRequest(texts=["a"], targets=[]), "targets is empty"),
        (TranslateRequest(texts=["a"] * 129, targets=["es"]), "129 texts; at most 128"),
        (TranslateRequest(texts=["a"], targets=["es"] * 21), "21 target languages; at most 20"),
        (TranslateRequest(texts=["a", "b" * 10_001], targets=["es"]), "text 1 has 10001 characters"),
        (
            TranslateRequest(texts=["a"], targets=["es"], glossary={"es": [term("x", "y"), term("X", "z")]}),
            "contradicts itself",
        ),
    ],
    ids=["no texts", "no targets", "129 texts", "21 targets", "10,001 characters", "glossary clash"],
)
async def test_a_request_beyond_a_limit_is_refused_as_a_whole(
    request_: TranslateRequest, message: str
) -> None:
    engine = HeldEngine()
    async with serving(engine) as service:
        with pytest.raises(InvalidInput, match=message):
            await service.translator.translate(request_)
    assert engine.batches == []


async def test_the_limits_themselves_are_taken() -> None:
    targets = ["es"] * 19 + ["es-MX"]
    async with serving(HeldEngine(pairs=["en-es"])) as service:
        request = TranslateRequest(texts=["b" * 10_000] * 128, targets=targets, source="en")
        results = (await service.translator.translate(request)).results
    assert len(results) == 20
    assert all(text.error is None for result in results for text in result.texts)


async def test_control_characters_do_not_reach_an_engine() -> None:
    engine = HeldEngine()
    async with serving(engine) as service:
        await ask(service, "a\x00b\x1b[0m\x9bc\td")
    assert engine.batches == [["ab[0mc\td"]]


# --- glossary ---------------------------------------------------------------------------------------------


async def test_a_missed_term_is_mended_by_its_bare_translation_which_is_asked_for_once() -> None:
    words = {"The factory is big.": "La fábrica es grande.", "factory": "Fábrica."}
    engine = HeldEngine(words=words)
    async with serving(engine) as service:
        for _ in range(2):
            (text,) = (
                await ask(service, "The factory is big.", glossary={"es": [term("factory", "planta")]})
            ).texts
            assert (text.text, text.glossary_missed) == ("La planta es grande.", [])
    assert [batch for batch in engine.batches if batch == ["factory"]] == [["factory"]]


async def test_a_term_that_came_out_right_is_left_alone() -> None:
    engine = HeldEngine(words={"The factory.": "La PLANTA."})
    async with serving(engine) as service:
        (text,) = (await ask(service, "The factory.", glossary={"es": [term("factory", "planta")]})).texts
    assert (text.text, text.glossary_missed) == ("La PLANTA.", [])
    assert engine.batches == [["The factory."]]


async def test_a_term_that_cannot_be_mended_is_reported() -> None:
    engine = HeldEngine(words={"The factory.": "El taller.", "factory": "fábrica"})
    async with serving(engine) as service:
        (text,) = (await ask(service, "The factory.", glossary={"es": [term("factory", "planta")]})).texts
    assert (text.text, text.glossary_missed) == ("El taller.", ["factory"])


async def test_a_term_that_is_not_in_the_text_is_no_matter() -> None:
    engine = HeldEngine()
    async with serving(engine) as service:
        (text,) = (await ask(service, "hello", glossary={"es": [term("factory", "planta")]})).texts
    assert text.glossary_missed == []
    assert engine.batches == [["hello"]]


async def test_a_do_not_translate_term_is_put_back() -> None:
    engine = HeldEngine(words={"Ask Dragoman.": "Pregunta al intérprete.", "Dragoman": "intérprete"})
    async with serving(engine) as service:
        (text,) = (await ask(service, "Ask Dragoman.", glossary={"es": [term("Dragoman", "Dragoman")]})).texts
    assert text.text == "Pregunta al Dragoman."


async def test_a_glossary_serves_variants_of_its_language() -> None:
    engine = HeldEngine(words={"The factory.": "La fábrica.", "factory": "fábrica"})
    async with serving(engine) as service:
        terms = {"es": [term("factory", "planta")], "de": [term("factory", "Werk")]}
        (text,) = (await ask(service, "The factory.", to="es-MX", glossary=terms)).texts
    assert text.text == "La planta."


async def test_after_a_pivot_terms_are_checked() -> None:
    engine = HeldEngine(pairs=["de-en", "en-es"], words={"Werk": "factory", "factory": "fábrica"})
    async with serving(engine) as service:
        (text,) = (await ask(service, "Werk", source="de", glossary={"es": [term("Werk", "planta")]})).texts
    assert (text.text, text.glossary_missed) == ("fábrica", ["Werk"])


async def test_an_error_while_a_bare_term_is_translated_costs_no_text() -> None:
    engine = HeldEngine(poison="factory", words={"The factory.": "La fábrica."})
    async with serving(engine) as service:
        (text,) = (await ask(service, "The factory.", glossary={"es": [term("factory", "planta")]})).texts
    assert (text.text, text.glossary_missed) == ("La fábrica.", ["factory"])


async def test_no_text_is_logged_when_things_go_wrong(log_lines: list[str]) -> None:
    async with serving(HeldEngine(poison="confidential")) as service:
        await ask(service, "confidential", glossary={"es": [term("confidential", "hush")]})
        with pytest.raises(DragomanError):
            await ask(service, "confidential", to="xx")
    assert not [line for line in log_lines if "confidential" in line]
