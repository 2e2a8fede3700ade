"""Captions on a terminal: the line being spoken settles at the bottom, finals scroll away above it."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dragoman_contracts.websocket import (
    AudioAck,
    AudioGap,
    ErrorMessage,
    ServerMessages,
    SessionLag,
    TranscriptFinal,
    TranscriptPartial,
    TranslationFailedMessage,
    TranslationFinal,
    TranslationPartial,
)
from dragoman_orchestration.cli.moving_lines import MovingLines


class CaptionView(Protocol):
    """Shows a session's events as they come."""

    def __enter__(self) -> Self:
        """Begin to show."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was, with the finals on it."""
        ...

    def show(self, event: ServerMessages) -> None:
        """Show one event."""
        ...

    def tell(self, notice: str) -> None:
        """Show a sentence that is no event, such as that the connection was lost."""
        ...


def clock(ms: int) -> str:
    """A position as ``m:ss.s``."""
    minutes, rest = divmod(max(0, ms), 60_000)
    return f"{minutes}:{rest / 1000:04.1f}"


class PlainCaptions:
    """Plain lines for pipes and files: finals on ``out``, and what else there is to say on ``notes``.

    Args:
        out: Gets the finals.
        notes: Gets gaps, lag and errors.
        with_partials: Also tell each partial, for a reader who wants to see captions settle.
        targets: Languages that are translated into; with any, each line names its language.

    """

    def __init__(
        self, out: Console, notes: Console, *, with_partials: bool = False, targets: Sequence[str] = ()
    ) -> None:
        self._out = out
        self._notes = notes
        self._with_partials = with_partials
        self._language_columns = max((len(target) for target in targets), default=0)
        self._last_draft: dict[str, str] = {}
        self._starts_ms: dict[str, int] = {}

    def __enter__(self) -> Self:
        """Nothing to begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to restore."""

    def show(self, event: ServerMessages) -> None:
        """Print a line if the event is worth one."""
        if isinstance(event, TranscriptFinal):
            if event.text:
                self._starts_ms[event.segment_id] = event.start_ms
                self._final(self._out, event.start_ms, event.language, event.text)
        elif isinstance(event, TranslationFinal):
            self._final(self._out, event.start_ms, event.target_language, event.text)
        elif isinstance(event, TranslationFailedMessage) and event.segment_id in self._starts_ms:
            why = f"{'not' if event.permanent else 'not yet'} translated: {event.message}"
            self._final(self._notes, self._starts_ms[event.segment_id], event.target_language, why)
        elif isinstance(event, TranscriptPartial):
            self._draft(event.language, f"{event.stable_text}⟨{unstable_part(event)}⟩")
        elif isinstance(event, TranslationPartial):
            self._draft(event.target_language, f"⟨{event.text}⟩")
        elif (note := note_of(event)) is not None:
            self.tell(note)

    def tell(self, notice: str) -> None:
        """Print a line beside the captions."""
        self._notes.print(notice, markup=False)

    def _final(self, console: Console, start_ms: int, language: str, text: str) -> None:
        console.print(f"[{clock(start_ms)}] {self._named(language)}{text}", markup=False)

    def _draft(self, language: str, text: str) -> None:
        if self._with_partials and self._last_draft.get(language) != text:
            self._last_draft[language] = text
            self._out.print(f"   … {self._named(language)}{text}", markup=False)

    def _named(self, language: str) -> str:
        return f"{language:<{self._language_columns}}  " if self._language_columns else ""


class LiveCaptions:
    """A live terminal: finals stay, the partial's unstable end is dim, a bar tells how far it is."""

    def __init__(self, console: Console, duration_ms: int | None) -> None:
        self._duration_ms = duration_ms
        self._partial: TranscriptPartial | None = None
        self._received_ms = 0
        self._moving = MovingLines(console)

    def __enter__(self) -> Self:
        """Take the terminal's last lines."""
        self._moving.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give them back."""
        self._moving.stop()

    def show(self, event: ServerMessages) -> None:
        """Update the lines."""
        settled: Text | None = None
        if isinstance(event, TranscriptFinal):
            self._partial = None
            if event.text:
                settled = Text.assemble((f"[{clock(event.start_ms)}] ", "cyan"), event.text)
        elif isinstance(event, TranscriptPartial):
            self._partial = event
        elif isinstance(event, AudioAck):
            self._received_ms = event.received_ms
        elif (note := note_of(event)) is not None:
            settled = Text(note, style="yellow")
        self._draw([settled] if settled is not None else [])

    def tell(self, notice: str) -> None:
        """Print a line above the moving ones."""
        self._draw([Text(notice, style="yellow")])

    def _draw(self, above: Sequence[Text]) -> None:
        lines = Group(self._caption(), heard_bar(self._received_ms, self._duration_ms))
        self._moving.draw(lines, above)

    def _caption(self) -> Text:
        partial = self._partial
        if partial is None:
            return Text()
        return Text.assemble(
            (f"[{clock(partial.start_ms)}] ", "cyan"),
            partial.stable_text,
            (unstable_part(partial), "dim italic"),
        )


def heard_bar(heard_ms: int, duration_ms: int | None) -> Table:
    """How much of the audio the server has, as a bar where its length is known."""
    bar = Table.grid(padding=(0, 1))
    heard = clock(heard_ms)
    if duration_ms:
        bar.add_row(
            ProgressBar(duration_ms, min(heard_ms, duration_ms), width=40),
            Text(f"{heard} of {clock(duration_ms)}", style="dim"),
        )
    else:
        bar.add_row(Text(f"{heard} heard", style="dim"))
    return bar


def unstable_part(partial: TranscriptPartial) -> str:
    """What may still be taken back, with the space before it where the language writes one."""
    if partial.text.startswith(partial.stable_text):
        return partial.text[len(partial.stable_text) :]
    return partial.unstable_text


def note_of(event: ServerMessages) -> str | None:
    """What a person must know of an event that is no caption; None for the others."""
    if isinstance(event, AudioGap):
        return f"not transcribed: {clock(event.start_ms)} to {clock(event.end_ms)} ({event.reason})"
    if isinstance(event, SessionLag):
        return (
            f"captions are {event.lag_ms / 1000:.1f} s behind" if event.lag_ms else "captions have caught up"
        )
    if isinstance(event, TranslationFailedMessage):
        when = "is not" if event.permanent else "is not yet"
        return f"a segment {when} translated into {event.target_language}: {event.message}"
    if isinstance(event, ErrorMessage):
        return f"{event.message} {event.remedy}"
    return None
