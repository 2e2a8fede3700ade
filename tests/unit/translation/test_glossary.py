"""Terms: finding, putting in, mending, and what is refused."""

from __future__ import annotations

import pytest

from dragoman_contracts.errors import InvalidInput
from dragoman_contracts.translation_api import MAX_GLOSSARY_TERMS, TermTranslation
from dragoman_translation.glossary import Terms, mend, parse_terms, places


def terms(**words: str) -> Terms:
    return parse_terms(
        "es", [TermTranslation(source=s.replace("_", " "), target=t) for s, t in words.items()]
    )


def test_a_term_is_found_as_a_whole_word_whatever_its_case() -> None:
    found = terms(car="coche").found_in("Car, scar and CAR's care")
    assert [(one.start, one.end) for one in found] == [(0, 3), (14, 17)]


def test_the_longest_term_is_found_first() -> None:
    found = terms(york="York", new_york="Nueva York").found_in("New York and York")
    assert [one.term.target for one in found] == ["Nueva York", "York"]


@pytest.mark.parametrize(
    ("term", "text", "count"),
    [
        ("niño", "El NIÑO y los niños", 1),
        ("München", "in münchen", 1),
        ("कम", "कमल कम", 1),  # a letter with a vowel sign is one word
        ("人工智能", "我学人工智能。", 1),  # no spaces between words
        ("AI", "用AI翻译", 1),
        ("C++", "C++ and C++11", 2),
        ("straße", "Die Straße", 1),
        ("e\u0301", "é", 0),  # terms are in form C, as texts are
    ],
)
def test_words_are_told_by_unicode(term: str, text: str, count: int) -> None:
    assert len(places(term, text)) == count


def test_a_term_takes_the_case_of_what_it_replaces() -> None:
    glossary = terms(factory="planta", iPhone="iPhone")
    assert glossary.put_in("Factory, factory, FACTORY") == "Planta, planta, PLANTA"
    assert glossary.put_in("an iPhone") == "an iPhone"


def test_a_term_written_as_the_glossary_has_it_becomes_what_the_glossary_says() -> None:
    assert terms(Morgen="mañana").put_in("Morgen") == "mañana"


def test_two_translations_of_one_term_are_refused_and_named() -> None:
    clash = [TermTranslation(source="Bank", target="banco"), TermTranslation(source="bank", target="orilla")]
    with pytest.raises(InvalidInput) as raised:
        parse_terms("es", clash)
    assert "banco" in raised.value.message
    assert "orilla" in raised.value.message


def test_the_same_term_twice_is_no_clash() -> None:
    twice = [TermTranslation(source="bank", target="banco")] * 2
    assert len(parse_terms("es", twice)) == 1


@pytest.mark.parametrize(
    "given",
    [
        [TermTranslation(source=" ", target="x")],
        [TermTranslation(source="x", target="")],
        [TermTranslation(source="x" * 201, target="y")],
        [TermTranslation(source=f"t{n}", target="y") for n in range(MAX_GLOSSARY_TERMS + 1)],
    ],
    ids=["empty source", "empty target", "too long", "too many"],
)
def test_a_glossary_that_cannot_be_used_is_refused(given: list[TermTranslation]) -> None:
    with pytest.raises(InvalidInput):
        parse_terms("es", given)


def test_mending_puts_the_term_in_the_place_of_its_bare_translation() -> None:
    assert mend("La fábrica es grande.", "Fábrica.", "planta", at_most=1) == "La planta es grande."
    assert mend("Fábrica grande", "fábrica", "planta", at_most=1) == "Planta grande"


def test_an_article_of_the_bare_translation_stays() -> None:
    assert mend("en el jardín", "el jardín", "parque", at_most=1) == "en el parque"


@pytest.mark.parametrize(
    ("translation", "bare"),
    [
        ("Nada de eso.", "fábrica"),
        ("La fábrica y otra fábrica.", "fábrica"),  # one of them is another word of the source
        ("Prefabricada", "fabrica"),
        ("Hola", ""),
        ("Hola", "..."),
    ],
    ids=["not there", "too often", "part of a word", "nothing", "marks only"],
)
def test_mending_leaves_what_is_not_safe(translation: str, bare: str) -> None:
    assert mend(translation, bare, "planta", at_most=1) is None
