"""What people see: captions, scores, the start, the errors."""

from __future__ import annotations

import io
import math

import msgspec
import pytest
from rich.console import Console

from dragoman_contracts.websocket import (
    AudioAck,
    AudioGap,
    ErrorMessage,
    SessionLag,
    TranscriptFinal,
    TranscriptPartial,
    Word,
)
from dragoman_orchestration.cli.captions import LiveCaptions, PlainCaptions, clock, note_of, unstable_part
from dragoman_orchestration.cli.score import CaptionMeter, normalise, percentile, word_error_rate
from dragoman_orchestration.cli.terminal import StackView


def partial(stable: str, unstable: str, *, segment: str = "s1") -> TranscriptPartial:
    text = f"{stable} {unstable}".strip()
    return TranscriptPartial(
        segment_id=segment, revision=1, text=text, stable_text=stable, unstable_text=unstable,
        start_ms=0, end_ms=1, language="en",
    )  # fmt: skip


def final(*words: tuple[str, int], segment: str = "s1") -> TranscriptFinal:
    return TranscriptFinal(
        segment_id=segment, revision=2, text=" ".join(w for w, _ in words), start_ms=65_400,
        end_ms=words[-1][1] if words else 1, language="en",
        words=[Word(text, end - 100, end) for text, end in words],
    )  # fmt: skip


def plain_console() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=200, soft_wrap=True, highlight=False), out


def terminal_console() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=80, force_terminal=True, highlight=False), out


class TestCaptions:
    def test_plain_lines_are_the_finals(self) -> None:
        console, out = plain_console()
        with PlainCaptions(console, console) as view:
            view.show(partial("Hello", "world"))
            view.show(final(("Hello", 500), ("world.", 900)))
        assert out.getvalue() == "[1:05.4] Hello world.\n"

    def test_partials_are_told_once_each_if_wanted(self) -> None:
        console, out = plain_console()
        view = PlainCaptions(console, console, with_partials=True)
        view.show(partial("Hello", "worm"))
        view.show(partial("Hello", "worm"))
        view.show(partial("Hello", "world"))
        assert out.getvalue().splitlines() == ["   … Hello⟨ worm⟩", "   … Hello⟨ world⟩"]

    def test_text_that_looks_like_markup_is_text(self) -> None:
        console, out = plain_console()
        PlainCaptions(console, console).show(final(("[bold]x[/bold]", 10)))
        assert "[bold]x[/bold]" in out.getvalue()

    def test_what_is_no_caption_but_matters_is_a_note(self) -> None:
        console, out = plain_console()
        notes, told = plain_console()
        view = PlainCaptions(console, notes)
        view.show(AudioGap(start_ms=1_000, end_ms=2_500, reason="lost"))
        view.show(SessionLag(lag_ms=3_200, reason="busy"))
        view.show(ErrorMessage(code="x", message="It broke.", remedy="Mend it.", permanent=False))
        assert out.getvalue() == ""
        assert told.getvalue().splitlines() == [
            "not transcribed: 0:01.0 to 0:02.5 (lost)",
            "captions are 3.2 s behind",
            "It broke. Mend it.",
        ]

    def test_a_terminal_keeps_the_finals_and_is_left_as_it_was(self) -> None:
        console, out = terminal_console()
        with LiveCaptions(console, 10_000) as view:
            view.show(AudioAck(received_ms=5_000, committed_ms=0, received_bytes=0))
            view.show(partial("Hello", "worm"))
            view.show(final(("Hello", 500), ("world.", 900)))
            view.show(SessionLag(lag_ms=0, reason="caught up"))
        text = out.getvalue()
        assert "Hello world." in text
        assert "captions have caught up" in text
        assert text.count("\x1b[?25l") == text.count("\x1b[?25h"), "the cursor is shown again"

    @pytest.mark.parametrize(
        ("stable", "unstable", "text", "shown"),
        [
            ("The report", "is big", "The report is big", " is big"),
            ("", "The", "The", "The"),
            ("da", "s", "das", "s"),
            ("x", "y", "other", "y"),
        ],
    )
    def test_the_unstable_part_has_the_space_that_the_text_has(
        self, stable: str, unstable: str, text: str, shown: str
    ) -> None:
        event = msgspec.structs.replace(partial(stable, unstable), text=text)
        assert unstable_part(event) == shown

    @pytest.mark.parametrize(("ms", "text"), [(0, "0:00.0"), (65_432, "1:05.4"), (3_600_000, "60:00.0")])
    def test_the_clock(self, ms: int, text: str) -> None:
        assert clock(ms) == text

    def test_a_caption_is_no_note(self) -> None:
        assert note_of(final(("x", 1))) is None


class TestScore:
    def test_case_and_punctuation_do_not_count(self) -> None:
        assert normalise("It's TEN o'clock — isn't it?") == "it's ten o'clock isn't it"
        assert word_error_rate("Hello, World!", "hello world") == 0

    def test_each_wrong_missing_or_added_word_counts(self) -> None:
        assert word_error_rate("a b c d", "a x c") == pytest.approx(0.5)
        assert word_error_rate("a b", "a b c") == pytest.approx(0.5)
        assert word_error_rate("", "") == 0
        assert word_error_rate("", "x") == 1

    def test_percentiles_are_values_that_occurred(self) -> None:
        values = [5.0, 1.0, 3.0, 2.0, 4.0]
        assert percentile(values, 0.5) == 3
        assert percentile(values, 0.95) == 5
        assert percentile([7.0], 0.5) == 7
        assert math.isnan(percentile([], 0.5))

    def test_a_word_counts_from_its_end_to_the_first_caption_that_has_it_right(self) -> None:
        meter = CaptionMeter(delay_ms=lambda audio_ms, now_s: now_s * 1000 - audio_ms)
        meter.take(partial("", "hello worm"), 1.0)
        meter.take(partial("hello", "world"), 1.5)
        meter.take(final(("Hello", 800), ("world.", 1_200), ("again.", 1_400)), 2.0)
        # "Hello" was there at 1.0 s, "world" at 1.5 s, "again" only with the final.
        assert meter.first_caption_ms == [200, 300, 600]
        assert meter.final_ms == [600]
        assert meter.partials == 2
        assert meter.text == "Hello world. again."

    def test_the_same_word_in_another_segment_is_another_word(self) -> None:
        meter = CaptionMeter(delay_ms=lambda audio_ms, now_s: now_s * 1000 - audio_ms)
        meter.take(partial("", "yes", segment="s1"), 1.0)
        meter.take(final(("yes", 3_000), segment="s2"), 4.0)
        assert meter.first_caption_ms == [1_000]


class TestStackView:
    def test_logs_are_forwarded_with_their_name(self) -> None:
        console, out = plain_console()
        with StackView(console, quiet=False) as view:
            view.on_line("api", "listening [x]")
            view.on_notice("api", "ready")
        assert out.getvalue().splitlines() == ["api         │ listening [x]", "api         │ ready"]

    def test_a_quiet_start_shows_the_last_lines_only_if_it_fails(self) -> None:
        console, out = plain_console()
        with StackView(console, quiet=True) as view:
            view.on_line("api", "chatter")
        assert "chatter" not in out.getvalue()
        view = StackView(console, quiet=True)
        view.on_line("whisper", "the cause")
        view.__exit__(RuntimeError, RuntimeError(), None)
        assert "whisper     │ the cause" in out.getvalue()

    def test_a_terminal_shows_what_is_waited_for(self) -> None:
        console, out = terminal_console()
        with StackView(console, quiet=True, title="starting") as view:
            view.on_notice("whisper", "model: loading")
            view.on_notice("whisper", "ready")
            view.settled()
        assert "whisper" in out.getvalue()
        assert "ready" in out.getvalue()
