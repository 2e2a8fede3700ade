"""What an interpreter makes of a session's wishes; its talk with a translator is tested on the worker."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

import msgspec
import numpy as np
import pytest

from dragoman_contracts.translation_api import TermTranslation
from dragoman_contracts.websocket import (
    ErrorMessage,
    GlossaryTerm,
    ServerMessage,
    SessionTargets,
    TranscriptFinal,
    TranslationOptions,
)
from dragoman_orchestration.workers.interpreter import (
    Interpreter,
    Wishes,
    hotwords_of,
    read_options,
    terms_for,
)
from dragoman_orchestration.workers.lane import DraftPolicy

GLOSSARY = TranslationOptions(
    glossary=[
        GlossaryTerm(source="invoice", translations={"es": "recibo", "pt-BR": "fatura"}, hotword=True),
        GlossaryTerm(source="Dragoman", keep=True, hotword=True),
        GlossaryTerm(source="ledger", translations={"de": "Hauptbuch"}, keep=True),
    ]
)


class Desk:
    """An interpreter whose requests are kept and never run."""

    def __init__(self, client: Any, settled: dict[str, int] | None = None) -> None:
        self.told: list[ServerMessage] = []
        self.requests: list[Coroutine[Any, Any, None]] = []
        self.interpreter = Interpreter(
            client,
            "s1",
            spawn=self.requests.append,
            tell=self._tell,
            hear_in_english=self._hear,
            settled=settled or {},
            drafts=DraftPolicy(),
        )

    def _tell(self, messages: Sequence[ServerMessage]) -> None:
        self.told.extend(messages)

    async def _hear(self, samples: Any, language: str) -> str:
        raise AssertionError("nobody asked")

    def wish(self, *targets: str, **options: Any) -> None:
        wanted = options.pop("wanted", ())
        wishes = Wishes(TranslationOptions(targets=list(targets), **options), frozenset(wanted))
        self.interpreter.apply(wishes)

    def final(self, offset: int, language: str = "en") -> None:
        message = TranscriptFinal(
            segment_id=f"seg-{offset}", revision=1, text="words", start_ms=0, end_ms=1, language=language
        )
        self.interpreter.final(offset, message)

    def pump(self) -> int:
        self.interpreter.pump(0, drafts=True)
        count = len(self.requests)
        for request in self.requests:
            request.close()
        self.requests.clear()
        return count


@pytest.mark.parametrize(
    ("target", "terms"),
    [
        ("es", [("invoice", "recibo"), ("Dragoman", "Dragoman"), ("ledger", "ledger")]),
        ("es-MX", [("invoice", "recibo"), ("Dragoman", "Dragoman"), ("ledger", "ledger")]),
        ("pt", [("invoice", "fatura"), ("Dragoman", "Dragoman"), ("ledger", "ledger")]),
        ("de", [("Dragoman", "Dragoman"), ("ledger", "Hauptbuch")]),
        ("fr", [("Dragoman", "Dragoman"), ("ledger", "ledger")]),
    ],
)
def test_the_terms_of_each_language(target: str, terms: list[tuple[str, str]]) -> None:
    assert terms_for(GLOSSARY, target) == [TermTranslation(source=one, target=other) for one, other in terms]


def test_the_terms_that_the_recogniser_expects() -> None:
    assert hotwords_of(GLOSSARY) == ["invoice", "Dragoman"]


def test_options_that_cannot_be_read_are_no_translation(log_lines: list[str]) -> None:
    assert read_options(None) == read_options(b"") == TranslationOptions()
    assert read_options(b'{"targets": 7, "secret": "x"}') == TranslationOptions()
    assert read_options(msgspec.json.encode(GLOSSARY)) == GLOSSARY
    assert "secret" not in "".join(log_lines)


def test_a_request_a_language_and_no_more() -> None:
    desk = Desk(client=object())
    desk.wish("es", "de")
    desk.final(1)
    assert desk.pump() == 2
    desk.final(2)
    assert desk.pump() == 0, "one is under way in each language"


def test_on_demand_only_what_is_wanted() -> None:
    desk = Desk(client=object())
    desk.wish("es", "de", on_demand=True)
    desk.final(1)
    assert desk.pump() == 0
    assert desk.interpreter.is_settled(1)
    desk.wish("es", "de", on_demand=True, wanted=["de", "fr"])
    desk.final(2)
    assert desk.pump() == 1
    assert desk.told == [SessionTargets(targets=["es", "de"], on_demand=True)]


def test_nothing_is_settled_before_the_wishes_are_known() -> None:
    desk = Desk(client=object(), settled={"es": 7})
    desk.final(9)
    assert not desk.interpreter.is_idle
    assert not desk.interpreter.is_settled(9)
    assert desk.interpreter.settled() == {"es": 7}
    desk.wish()
    assert desk.interpreter.is_idle
    assert desk.interpreter.is_settled(9)


def test_a_successor_does_not_begin_before_what_is_done() -> None:
    desk = Desk(client=object(), settled={"es": 8})
    for offset in (7, 8, 9):
        desk.final(offset)
    desk.wish("es", "de")
    assert not desk.interpreter.is_settled(7), "German has not begun"
    assert desk.interpreter.settled() == {"es": 8, "de": 6}


def test_a_language_that_is_dropped_holds_nothing_up() -> None:
    desk = Desk(client=object())
    desk.wish("es")
    desk.final(1)
    assert desk.interpreter.is_waiting
    desk.wish()
    assert not desk.interpreter.is_waiting
    assert desk.interpreter.is_settled(1)
    assert desk.told == [SessionTargets(targets=["es"]), SessionTargets(targets=[])]


def test_while_it_is_delayed_nothing_is_asked() -> None:
    desk = Desk(client=object())
    desk.wish("es")
    desk.final(1)
    desk.interpreter.delayed = True
    assert desk.pump() == 0
    desk.interpreter.delayed = False
    assert desk.pump() == 1


def test_without_a_translator_it_is_told_once_and_nothing_waits() -> None:
    desk = Desk(client=None)
    desk.wish("es")
    desk.wish("es", drafts=False)
    desk.final(1)
    assert not desk.interpreter.is_waiting
    assert [type(one) for one in desk.told] == [SessionTargets, ErrorMessage]


def test_audio_is_kept_for_english_readers_of_other_languages_only() -> None:
    samples = np.zeros(16, np.int16)
    desk = Desk(client=object())
    desk.wish("es")
    desk.interpreter.keep_audio("seg-0", "de", samples)
    desk.wish("en-GB")
    desk.interpreter.keep_audio("seg-1", "en", samples)
    for number in range(2, 20):
        desk.interpreter.keep_audio(f"seg-{number}", "de", samples)
    assert list(desk.interpreter._audio) == [f"seg-{number}" for number in range(12, 20)]
