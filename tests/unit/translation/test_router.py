"""Which engines serve a pair, pivots, and what is said of a pair that does not exist."""

from __future__ import annotations

import pytest

from dragoman_contracts.errors import EngineUnavailable, ModelUnavailable, PairUnavailable, UnknownLanguage
from dragoman_translation.batcher import Batcher, Limits
from dragoman_translation.config import TranslateConfig
from dragoman_translation.engines.base import ANY, Pair
from dragoman_translation.engines.pairs import match_pair, parse_pair
from dragoman_translation.router import Line, Router

from .engines import HeldEngine


def line(name: str, *pairs: str, problem: ModelUnavailable | None = None) -> Line:
    engine = HeldEngine(name, pairs)
    return Line(engine, Batcher(engine, TranslateConfig(), Limits()), problem)


def router(*lines: Line, order: str = "", pivot: str = "en") -> Router:
    made = Router(lines)
    names = order.split() or [one.engine.name for one in lines]
    made.refresh(TranslateConfig(engines=names, pivot=pivot))
    return made


def way(plan) -> list[tuple[str, str, list[str]]]:
    return [(leg.source, leg.target, [one.engine.name for one, _ in leg.lines]) for leg in plan]


def test_engines_are_asked_in_the_configured_order() -> None:
    both = router(line("a", "en-es"), line("b", "en-es"), order="b a")
    assert way(both.plan("en", "es")) == [("en", "es", ["b", "a"])]


def test_an_engine_that_is_left_out_of_the_order_is_not_asked() -> None:
    assert way(router(line("a", "en-es"), line("b", "en-es"), order="b").plan("en", "es")) == [
        ("en", "es", ["b"])
    ]


def test_a_pair_that_no_engine_has_goes_by_the_pivot() -> None:
    legs = router(line("a", "de-en"), line("b", "en-es")).plan("de", "es")
    assert way(legs) == [("de", "en", ["a"]), ("en", "es", ["b"])]


def test_a_direct_way_is_taken_before_the_pivot() -> None:
    legs = router(line("a", "de-en", "en-es"), line("b", "de-es")).plan("de", "es")
    assert way(legs) == [("de", "es", ["b"])]


def test_without_a_pivot_there_is_no_detour() -> None:
    with pytest.raises(PairUnavailable):
        router(line("a", "de-en", "en-es"), pivot="").plan("de", "es")


def test_the_refusal_names_the_pair_and_those_that_exist_nearest_first() -> None:
    with pytest.raises(PairUnavailable) as raised:
        router(line("a", "en-es", "de-fr", "it-fr")).plan("de", "es")
    assert "from de to es" in raised.value.message
    assert "en-es, de-fr, it-fr" in raised.value.message


def test_the_refusal_names_no_hundred_pairs() -> None:
    many = router(
        line("a", *(f"{a}-{b}" for a in ("de", "fr", "it", "pt", "nl") for b in ("es", "sv", "da", "fi")))
    )
    with pytest.raises(PairUnavailable) as raised:
        many.plan("ru", "ja")
    assert "and 8 more" in raised.value.message


def test_an_engine_that_is_not_ready_makes_the_refusal_a_matter_of_time() -> None:
    away = ModelUnavailable("the folder is empty", remedy="Fill it.")
    with pytest.raises(EngineUnavailable, match=r"a: the folder is empty") as raised:
        router(line("a", "en-es", problem=away), line("b", "en-fr")).plan("en", "es")
    assert not raised.value.permanent
    with pytest.raises(PairUnavailable):
        router(line("a", "en-es", problem=away), line("b", "en-fr")).plan("ru", "fr")


def test_an_engine_that_becomes_ready_is_asked_after_a_refresh() -> None:
    one = line("a", "en-es", problem=ModelUnavailable("not yet"))
    made = router(one)
    with pytest.raises(EngineUnavailable):
        made.plan("en", "es")
    one.problem = None
    made.refresh(TranslateConfig(engines=["a"]))
    assert way(made.plan("en", "es")) == [("en", "es", ["a"])]


def test_the_pairs_are_listed_with_engines_and_pivots() -> None:
    pairs = router(line("a", "en-es", "de-en"), line("b", "en-es")).pairs()
    assert [(p.source, p.target, p.engines, p.via) for p in pairs] == [
        ("en", "es", ["a", "b"], None),
        ("de", "en", ["a"], None),
        ("de", "es", ["a", "b"], "en"),
    ]


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("en", "es", "en-es"),
        ("en-US", "es-MX", "en-es"),
        ("en", "pt-BR", "en-pt"),
        ("en", "zh-Hans", "en-zh"),
        ("en", "zh-Hant", None),
        ("en", "fr", None),
        ("es", "en", None),
    ],
)
def test_variants_are_served_by_what_an_engine_has(source: str, target: str, expected: str | None) -> None:
    known = [parse_pair(name) for name in ("en-es", "en-pt", "en-zh", "de-fr")]
    assert match_pair(source, target, known) == (parse_pair(expected) if expected else None)


def test_any_stands_for_any() -> None:
    assert match_pair("sw", "is", [Pair(ANY, ANY)]) == Pair("sw", "is")


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        ("en-es", ("en", "es")),
        ("pt-BR-en", ("pt-BR", "en")),
        ("en-zh-Hans", ("en", "zh-Hans")),
        ("eng-spa", ("en", "es")),
        ("sr-Latn:en-GB", ("sr-Latn", "en-GB")),
    ],
)
def test_pairs_are_read(name: str, pair: tuple[str, str]) -> None:
    assert parse_pair(name) == pair


@pytest.mark.parametrize("name", ["", "en", "en-", "english-spanish", "xx-yy", "en:xx"])
def test_what_is_no_pair_is_refused(name: str) -> None:
    with pytest.raises(UnknownLanguage):
        parse_pair(name)
