"""What a session may ask of its translators, and what is refused with which words."""

from __future__ import annotations

import pytest

from dragoman_contracts.errors import InvalidInput, UnknownLanguage
from dragoman_contracts.websocket import GlossaryTerm, TranslationOptions
from dragoman_orchestration.session.glossary import (
    MAX_TERM_CHARS,
    GlossaryClash,
    check_name,
    clean_terms,
    merged,
    resolved,
    target_languages,
)

LANGUAGES = "en es fr de it pt nl sv da nb fi pl cs sk hu ro bg el tr uk ja".split()  # noqa: SIM905


def term(source: str, **translations: str) -> GlossaryTerm:
    return GlossaryTerm(source=source, translations=translations)


def test_languages_come_in_their_standard_form_and_once():
    assert target_languages(["pt_br", "PT-BR", "iw", "zh-hans", " es "]) == ["pt-BR", "he", "zh-Hans", "es"]


def test_no_languages_are_no_translation():
    assert target_languages([]) == []


@pytest.mark.parametrize("code", ["", "  ", "xx", "english", "und", "es;fr", "e" * 50, "\x00"])
def test_a_code_that_is_no_language_is_refused(code):
    with pytest.raises(UnknownLanguage, match="is no language code"):
        target_languages(["es", code])


def test_twenty_one_targets_are_one_too_many_unless_two_are_the_same():
    with pytest.raises(InvalidInput, match="21 target languages are asked for: a session has at most 20"):
        target_languages(LANGUAGES)
    assert len(target_languages([*LANGUAGES[:20], "EN"])) == 20


def test_spaces_and_forms_of_the_same_letters_are_one_term():
    kept = clean_terms([term("  cafe\u0301\n bar ", es="bar"), term("café bar", fr="bistrot")], "the set x")
    assert kept == [term("café bar", es="bar", fr="bistrot")]


def test_marks_of_a_term_add_up():
    one, other = GlossaryTerm(source="Dragoman", keep=True), GlossaryTerm(source="Dragoman", hotword=True)
    assert clean_terms([one, other], "it") == [GlossaryTerm(source="Dragoman", keep=True, hotword=True)]


def test_writing_from_right_to_left_stays_as_it_is():
    words = term("לוח \u200fמנהלים", ar="مجلس\u200c الإدارة")
    assert clean_terms([words], "it") == [words]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (term("bo\x07ard", es="junta"), "term 2 of it holds control characters"),
        (term("board", es="jun\x1bta"), "a translation of term 2 of it holds control characters"),
        (term(" \t ", es="junta"), "term 2 of it has 0 characters"),
        (term("board", es=""), "a translation of term 2 of it has 0 characters"),
        (term("b" * (MAX_TERM_CHARS + 1)), f"has {MAX_TERM_CHARS + 1} characters: 1 to {MAX_TERM_CHARS}"),
    ],
)
def test_terms_that_cannot_be_are_told_by_their_number(wrong, words):
    with pytest.raises(InvalidInput, match=words) as caught:
        clean_terms([term("fine"), wrong], "it")
    assert "junta" not in caught.value.message


def test_a_translation_into_no_language_is_refused():
    with pytest.raises(UnknownLanguage):
        clean_terms([term("board", zz="x")], "it")


@pytest.mark.parametrize(
    "terms",
    [
        [term("board", es="junta"), term("board", es="tablero")],
        [GlossaryTerm(source="board", translations={"pt-BR": "junta", "pt_br": "tablero"})],
    ],
    ids=["two terms", "two spellings of a code"],
)
def test_a_clash_names_both_translations_where_only_the_caller_reads(terms):
    with pytest.raises(GlossaryClash) as caught:
        clean_terms(terms, "the glossary")
    assert "'junta' and 'tablero'" in caught.value.remedy
    assert "'board'" in caught.value.remedy
    for word in ("board", "junta", "tablero"):  # messages go to logs
        assert word not in caught.value.message


def test_a_clash_of_two_sets_names_the_sets():
    with pytest.raises(GlossaryClash, match="into es in the set a and the glossary"):
        merged({"the set a": [term("board", es="junta")], "the glossary": [term("board", es="tablero")]})


def test_too_many_terms_in_all():
    sets = {"one": [term(f"a{n}") for n in range(300)], "two": [term(f"b{n}") for n in range(201)]}
    with pytest.raises(InvalidInput, match="one and two have 501 terms: at most 500"):
        merged(sets)
    assert len(merged({"one": sets["one"], "again": sets["one"]})) == 300


def test_terms_of_sets_come_first_and_each_set_counts_once():
    options = TranslationOptions(
        targets=["ES"], glossary=[term("own")], glossaries=["b", "a", "b"], formality="formal"
    )
    sets = {"a": [term("of a")], "b": [term("of b")]}
    assert resolved(options, sets) == TranslationOptions(
        targets=["es"],
        glossary=[term("of b"), term("of a"), term("own")],
        glossaries=["b", "a"],
        formality="formal",
    )


@pytest.mark.parametrize("name", ["", "A", "a b", "a/b", "ä", "a" * 65, "a\n"])
def test_names_that_are_none(name):
    with pytest.raises(InvalidInput, match="no name"):
        check_name(name)
