"""What people see of translations: columns that settle, plain lines, what is missing, the figures."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from dragoman_contracts.errors import InvalidInput, UnknownLanguage
from dragoman_contracts.websocket import (
    AudioAck,
    Ledger,
    ServerMessages,
    TranscriptFinal,
    TranscriptPartial,
    TranslationFailedMessage,
    TranslationFinal,
    TranslationPartial,
    Word,
)
from dragoman_orchestration.cli.captions import PlainCaptions
from dragoman_orchestration.cli.checkout import Recording, Sentence
from dragoman_orchestration.cli.columns import LANGUAGE_WIDTH_MIN, ColumnCaptions, language_width
from dragoman_orchestration.cli.demo_report import demo_figures, report_lines, translation_figures
from dragoman_orchestration.cli.score import CaptionMeter, translated_alike
from dragoman_orchestration.cli.transcribe import subtitle_path, translation_options
from dragoman_orchestration.cli.translations import TranslationRecord, parse_targets


def heard(segment: str, stable: str, unstable: str = "") -> TranscriptPartial:
    text = f"{stable} {unstable}".strip()
    return TranscriptPartial(
        segment_id=segment, revision=1, text=text, stable_text=stable, unstable_text=unstable,
        start_ms=1_000, end_ms=2_000, language="en",
    )  # fmt: skip


def final(segment: str, text: str, *, start_ms: int = 1_000) -> TranscriptFinal:
    return TranscriptFinal(
        segment_id=segment, revision=2, text=text, start_ms=start_ms, end_ms=start_ms + 900, language="en",
        words=[Word(text, start_ms, start_ms + 900)],
    )  # fmt: skip


def draft(segment: str, text: str, target: str = "es") -> TranslationPartial:
    return TranslationPartial(
        segment_id=segment, revision=1, target_language=target, source_language="en", text=text
    )


def translated(
    segment: str, text: str, target: str = "es", *, engine: str = "mock", start_ms: int = 1_000
) -> TranslationFinal:
    return TranslationFinal(
        segment_id=segment, revision=2, target_language=target, source_language="en", text=text,
        start_ms=start_ms, end_ms=start_ms + 900, engine=engine,
    )  # fmt: skip


def failed(segment: str, target: str = "es", *, permanent: bool = True) -> TranslationFailedMessage:
    return TranslationFailedMessage(
        segment_id=segment, revision=2, target_language=target, code="pair_unavailable",
        message="no engine has en-es", permanent=permanent,
    )  # fmt: skip


class Terminal:
    """A terminal of a size, what it was sent, and what of that stays on it."""

    def __init__(self, width: int = 80, height: int = 24) -> None:
        self.out = io.StringIO()
        self.console = Console(
            file=self.out, width=width, height=height, force_terminal=True, highlight=False, color_system=None
        )

    def shown(self, events: list[ServerMessages], targets: tuple[str, ...] = ("es",)) -> list[str]:
        """All lines that stay after these events and the end."""
        with ColumnCaptions(self.console, 10_000, targets) as view:
            for event in events:
                view.show(event)
        return self.lines()

    def lines(self) -> list[str]:
        """The screen and what scrolled off it, read as a terminal does: lines, up, erase."""
        lines, at = [""], 0
        for token in re.findall(r"\x1b\[[?\d;]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", self.out.getvalue()):
            if token == "\n":
                at += 1
                lines += [""] * (at + 1 - len(lines))
            elif token == "\x1b[2K":
                lines[at] = ""
            elif token == "\x1b[1A":
                at -= 1
            elif not token.startswith("\x1b") and token != "\r":
                lines[at] += token
        return [line.rstrip() for line in lines if line.strip()]


class TestColumns:
    def test_the_original_and_its_translations_stand_side_by_side(self) -> None:
        lines = Terminal().shown([final("s1", "Thank you."), translated("s1", "Gracias.")])
        assert lines[0].split() == ["original", "es"]
        assert re.fullmatch(r"\[0:01\.0\] +Thank you\. +Gracias\.", lines[1])
        assert lines[1].index("Thank") == lines[0].index("original")
        assert lines[1].index("Gracias") == lines[0].index("es")
        assert len(lines) == 2, "nothing of the moving part is left"

    def test_a_narrow_terminal_shows_one_language_below_the_other(self) -> None:
        events: list[ServerMessages] = [final("s1", "Thank you."), translated("s1", "Gracias.")]
        lines = Terminal(width=40).shown([*events, translated("s1", "Danke.", "de")], ("es", "de"))
        assert [line.split() for line in lines] == [
            ["[0:01.0]", "en", "Thank", "you."],
            ["es", "Gracias."],
            ["de", "Danke."],
        ]

    @pytest.mark.parametrize(("width", "languages"), [(80, 2), (80, 3), (160, 6), (60, 2)])
    def test_columns_fit_the_terminal(self, width: int, languages: int) -> None:
        column = language_width(width, languages)
        assert column >= LANGUAGE_WIDTH_MIN
        terminal = Terminal(width)
        targets = tuple(f"x{n}" for n in range(languages - 1))
        long = "a long sentence " * 9
        events = [final("s1", long), *(translated("s1", long, target) for target in targets)]
        assert max(map(len, terminal.shown(events, targets))) <= width

    def test_a_row_is_final_when_its_last_translation_is(self) -> None:
        terminal = Terminal()
        with ColumnCaptions(terminal.console, None, ("es", "de")) as view:
            view.show(final("s1", "Thank you."))
            view.show(translated("s1", "Gracias."))
            assert "s1" in view._rows
            view.show(translated("s1", "Danke.", "de"))
            assert "s1" not in view._rows
            assert sum("Danke." in line for line in terminal.lines()) == 1, "it is never seen twice"

    def test_rows_scroll_away_in_the_order_in_which_they_were_spoken(self) -> None:
        lines = Terminal().shown(
            [final("s1", "One."), final("s2", "Two."), translated("s2", "Dos."), translated("s1", "Uno.")]
        )
        assert [line.split()[1:] for line in lines[1:]] == [["One.", "Uno."], ["Two.", "Dos."]]

    def test_a_draft_that_comes_after_its_final_changes_nothing(self) -> None:
        lines = Terminal().shown(
            [
                final("s1", "One."), final("s2", "Two."), translated("s2", "Dos."), draft("s2", "Do"),
                failed("s2", permanent=False), translated("s1", "Uno."),
            ]
        )  # fmt: skip
        assert lines[-1].split()[1:] == ["Two.", "Dos."]

    def test_a_draft_that_came_to_nothing_is_not_kept(self) -> None:
        terminal = Terminal()
        with ColumnCaptions(terminal.console, None, ("es",)) as view:
            view.show(heard("s1", "Erroneous"))
            view.show(heard("s2", "Two"))
            assert not any("Erroneous" in line for line in terminal.lines())
            view.show(final("s2", "Two."))
            view.show(translated("s2", "Dos."))
        assert [line.split()[1:] for line in terminal.lines()[1:]] == [["Two.", "Dos."]]

    async def test_what_changes_quickly_is_drawn_a_few_times_a_second_and_its_last_state_always(
        self, eventually: Any
    ) -> None:
        terminal = Terminal()
        with ColumnCaptions(terminal.console, None, ("es",)) as view:
            for number in range(1_000):
                view.show(heard("s1", f"State {number}."))
            assert terminal.out.getvalue().count("State") < 500
            await eventually(lambda: any("State 999." in line for line in terminal.lines()))

    def test_a_final_without_text_is_no_row(self) -> None:
        assert len(Terminal().shown([heard("s1", "hm"), final("s1", "")])) == 1

    def test_a_failure_is_shown_in_its_place_and_its_reason_once(self) -> None:
        lines = Terminal().shown([final("s1", "One."), failed("s1"), final("s2", "Two."), failed("s2")])
        assert sum("no engine has en-es" in line for line in lines) == 1
        assert sum("not translated (pair_unavailable)" in line for line in lines) == 2

    def test_a_failure_that_mends_is_replaced_by_the_translation(self) -> None:
        lines = Terminal().shown(
            [final("s1", "One."), failed("s1", permanent=False), translated("s1", "Uno.")]
        )
        assert re.search(r"One\. +Uno\.$", lines[-1])
        assert not any("not translated" in line for line in lines)

    def test_what_is_not_translated_at_the_end_is_marked(self) -> None:
        lines = Terminal().shown([final("s1", "One."), failed("s1", permanent=False), final("s2", "Two.")])
        assert re.search(r"One\. +not translated \(pair_unavailable\)$", lines[-2])
        assert re.search(r"Two\. +not translated$", lines[-1])

    def test_a_slow_translator_does_not_push_the_speech_off_the_screen(self) -> None:
        terminal = Terminal(height=8)
        with ColumnCaptions(terminal.console, None, ("es",)) as view:
            for number in range(20):
                view.show(final(f"s{number}", f"Sentence {number}."))
            assert len(view._rows) <= 8
            view.show(heard("s20", "And this is spoken now"))
            assert "s20" in view._rows
            view.show(translated("s0", "Frase cero."))
        lines = terminal.lines()
        assert any(re.fullmatch(r"\[0:01\.0\] es  Frase cero\.", line) for line in lines), "told late"
        assert [n for n in range(20) for line in lines if f"Sentence {n}." in line] == list(range(20))

    def test_the_bar_tells_how_far_it_is_and_goes_with_the_end(self) -> None:
        terminal = Terminal()
        lines = terminal.shown([AudioAck(received_ms=5_000, committed_ms=0, received_bytes=0)])
        assert "0:05.0 of 0:10.0" in terminal.out.getvalue()
        assert not any("of 0:10.0" in line for line in lines)
        assert terminal.out.getvalue().count("\x1b[?25l") == terminal.out.getvalue().count("\x1b[?25h")


class TestPlain:
    def view(self, *, with_partials: bool = False) -> tuple[PlainCaptions, io.StringIO, io.StringIO]:
        out, notes = io.StringIO(), io.StringIO()
        consoles = [Console(file=file, width=200, soft_wrap=True, highlight=False) for file in (out, notes)]
        view = PlainCaptions(*consoles, with_partials=with_partials, targets=["es", "pt-BR"])
        return view, out, notes

    def test_each_final_is_a_line_with_its_language(self) -> None:
        view, out, _ = self.view()
        for event in (draft("s1", "Gra"), final("s1", "Thank you."), translated("s1", "Gracias.")):
            view.show(event)
        view.show(translated("s1", "Obrigado.", "pt-BR"))
        assert out.getvalue().splitlines() == [
            "[0:01.0] en     Thank you.",
            "[0:01.0] es     Gracias.",
            "[0:01.0] pt-BR  Obrigado.",
        ]

    def test_drafts_are_told_once_each_if_wanted(self) -> None:
        view, out, _ = self.view(with_partials=True)
        for event in (
            heard("s1", "Thank", "you"),
            draft("s1", "Gra"),
            draft("s1", "Gra"),
            draft("s1", "Gracias"),
        ):
            view.show(event)
        assert out.getvalue().splitlines() == [
            "   … en     Thank⟨ you⟩",
            "   … es     ⟨Gra⟩",
            "   … es     ⟨Gracias⟩",
        ]

    def test_a_failure_is_a_note_with_its_reason(self) -> None:
        view, out, notes = self.view()
        for event in (final("s1", "One."), failed("s1", permanent=False), failed("s1"), failed("unknown")):
            view.show(event)
        assert out.getvalue().splitlines() == ["[0:01.0] en     One."]
        assert notes.getvalue().splitlines() == [
            "[0:01.0] es     not yet translated: no engine has en-es",
            "[0:01.0] es     not translated: no engine has en-es",
            "a segment is not translated into es: no engine has en-es",
        ]


class TestTargets:
    def test_codes_are_taken_in_their_standard_form_once(self) -> None:
        assert parse_targets("es, PT_br,zh-hans,es") == ["es", "pt-BR", "zh-Hans"]

    @pytest.mark.parametrize("languages", ["", " ", ",,"])
    def test_no_language_is_told(self, languages: str) -> None:
        with pytest.raises(InvalidInput, match="no language"):
            parse_targets(languages)

    def test_a_code_that_is_none_is_told(self) -> None:
        with pytest.raises(UnknownLanguage, match="klingonish"):
            parse_targets("es,klingonish")

    def test_twenty_one_are_too_many(self) -> None:
        twenty = "es,de,fr,it,pt,nl,pl,cs,sk,hu,ro,bg,el,tr,ru,uk,ar,he,hi,ja"
        assert len(parse_targets(twenty)) == 20
        with pytest.raises(InvalidInput, match="21 languages"):
            parse_targets(f"{twenty},zh")

    def test_nothing_is_asked_for_without_targets(self) -> None:
        assert translation_options([]) is None
        options = translation_options(["es"])
        assert options is not None
        assert options.targets == ["es"]

    @pytest.mark.parametrize(
        ("path", "translated_path"),
        [("talk.srt", "talk.es.srt"), ("a.b/talk.v1.vtt", "a.b/talk.v1.es.vtt"), ("talk", "talk.es")],
    )
    def test_the_language_is_in_the_name_of_its_subtitles(self, path: str, translated_path: str) -> None:
        assert subtitle_path(Path(path), "es") == Path(translated_path)


class TestRecord:
    def record(self, *events: tuple[ServerMessages, float]) -> TranslationRecord:
        record = TranslationRecord(["es", "de"])
        for event, now_s in events:
            record.take(event, now_s)
        return record

    def test_a_translation_counts_from_its_finals_arrival(self) -> None:
        record = self.record(
            (final("s1", "One."), 1.0),
            (translated("s1", "Uno."), 1.25),
            (translated("s1", "Eins.", "de"), 1.5),
        )
        record.take(translated("s1", "Uno."), 9.0)  # told again after a reconnect
        assert record.added_ms == {"es": [250.0], "de": [500.0]}
        assert record.shortfalls() == []

    def test_what_is_passed_through_is_there_but_has_no_latency(self) -> None:
        record = self.record((final("s1", "One."), 1.0), (translated("s1", "One.", engine=""), 1.1))
        assert record.missing("es") == []
        assert record.added_ms == {}
        assert record.engines("es") == []

    def test_a_failure_that_is_caught_up_is_no_shortfall(self) -> None:
        record = self.record(
            (final("s1", "One."), 1.0), (failed("s1", permanent=False), 2.0), (translated("s1", "Uno."), 9.0)
        )
        assert record.missing("es") == []

    def test_what_is_missing_is_told_with_its_reason(self) -> None:
        record = self.record(
            (final("s1", "One."), 1.0), (final("s2", "Two."), 2.0), (final("s3", ""), 3.0),
            (translated("s1", "Uno."), 2.0), (failed("s2"), 3.0), (translated("s1", "Eins.", "de"), 2.0),
        )  # fmt: skip
        assert record.shortfalls() == [
            "1 of 2 segments are not translated into es: no engine has en-es",
            "1 of 2 segments are not translated into de: the server sent none",
        ]

    def test_the_text_is_in_the_order_of_the_finals(self) -> None:
        record = self.record(
            (final("s1", "One."), 1.0), (final("s2", "Two."), 2.0),
            (translated("s2", "Dos."), 3.0), (translated("s1", "Uno."), 4.0),
        )  # fmt: skip
        assert record.text("es") == "Uno. Dos."


class TestDemoFigures:
    REFERENCES = ((0, 1_000, "Uno, dos."), (2_000, 3_000, "Tres."), (4_000, 5_000, "Cuatro."))

    @pytest.mark.parametrize(
        ("translations", "exact"),
        [
            ([(100, 900, "uno dos"), (2_100, 2_900, "Tres."), (4_000, 5_000, "¡Cuatro!")], 3),
            ([(100, 900, "Uno dos."), (2_100, 2_900, "Trece."), (4_000, 5_000, "Cuatro.")], 2),
            ([(0, 3_000, "Uno, dos. Tres."), (4_000, 5_000, "Cuatro.")], 3),
            ([(0, 3_000, "Uno, dos."), (4_000, 5_000, "Cuatro.")], 1),
            ([(4_000, 5_000, "Tres.")], 0),
            ([], 0),
        ],
    )
    def test_sentences_are_compared_with_what_was_said_at_their_time(
        self, translations: list[tuple[int, int, str]], exact: int
    ) -> None:
        assert translated_alike(self.REFERENCES, translations) == exact

    def test_the_report_says_what_the_references_are(self) -> None:
        chosen = Recording(
            Path("x.wav"),
            "One. Two.",
            "en",
            4.0,
            (Sentence("One.", 0, 1_000), Sentence("Two.", 2_000, 3_000)),
        )
        meter = CaptionMeter(lambda audio_ms, now_s: now_s * 1000 - audio_ms)
        record = TranslationRecord(["es"])
        for event, now_s in (
            (final("s1", "One.", start_ms=50), 1.5),
            (translated("s1", "Uno.", start_ms=50), 1.7),
            (final("s2", "Two.", start_ms=2_050), 3.5),
            (failed("s2"), 3.6),
        ):
            meter.take(event, now_s)
            record.take(event, now_s)
        translation = translation_figures(chosen, "es", record, ["Uno.", "Dos."], known=1)
        figures = demo_figures(chosen, 1.0, meter, Ledger(received_ms=4_000), translation)
        assert (figures.word_error_rate, figures.finals) == (0, 2)
        assert (translation.exact, translation.missing, translation.added_ms_p50) == (1, 1, 200.0)
        lines = dict(report_lines(figures))
        assert lines["Exact translations"].startswith("1 of 2 sentences")
        assert "1 from the corpus, 1 by the same model from the reference text" in lines["Exact translations"]
        assert lines["Final → its translation"] == "p50 200 ms, p95 200 ms (1 of 2 finals, mock)"
