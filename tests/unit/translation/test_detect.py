"""Languages of texts, held to those that can occur."""

from __future__ import annotations

import pytest
from tests.contract.translation_chat_server import sentences

from dragoman_translation.detect import Undetectable, detect, rank


def test_every_sentence_of_the_fixtures_is_told() -> None:
    for english, spanish in sentences():
        assert detect(english, ["en", "es"]) == "en"
        assert detect(spanish, ["en", "es"]) == "es"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The weather is beautiful today, is it not?", "en"),
        ("Das Wetter ist heute sehr schön, nicht wahr?", "de"),
        ("天气很好，我们去公园吧。", "zh"),
        ("Погода сегодня очень хорошая.", "ru"),
        ("מזג האוויר נהדר היום.", "he"),
    ],
)
def test_a_sentence_is_told_among_all_languages(text: str, language: str) -> None:
    assert detect(text) == language


def test_a_short_text_is_told_among_the_languages_that_can_occur() -> None:
    assert detect("hola que tal", ["en", "es"]) == "es"
    with pytest.raises(Undetectable):
        detect("hola que tal")


@pytest.mark.parametrize("text", ["ok", "Hello", "", "123", "😀", "你好"])
def test_a_text_that_could_be_any_is_not_guessed(text: str) -> None:
    with pytest.raises(Undetectable):
        detect(text, ["en", "es"])


def test_a_text_that_is_clearly_in_another_language_is_not_forced_into_a_known_one() -> None:
    assert detect("Guten Morgen, wie geht es Ihnen heute?", ["en", "es"]) == "de"


def test_a_variant_comes_back_as_it_was_given() -> None:
    assert detect("Bom dia a todos, como vocês estão?", ["en", "pt-BR"]) == "pt-BR"


def test_probabilities_are_of_the_languages_asked_about() -> None:
    guesses = rank("Good morning, everybody.", ["en", "es", "de"])
    assert sum(guess.probability for guess in guesses) == pytest.approx(1)
    assert [guesses[0].language, len(guesses)] == ["en", 3]
