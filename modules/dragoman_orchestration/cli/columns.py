"""Captions and their translations on a terminal: a column a language, a row a segment.

A row stays in the moving part at the bottom until its original and all translations are final; then it is
printed in the same columns and scrolls away. So nothing that was read moves sideways or changes its order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from dragoman_contracts.websocket import (
    AudioAck,
    ServerMessages,
    TranscriptFinal,
    TranscriptPartial,
    TranslationFailedMessage,
    TranslationFinal,
    TranslationPartial,
)
from dragoman_orchestration.cli.captions import clock, heard_bar, note_of, unstable_part
from dragoman_orchestration.cli.moving_lines import MovingLines

CLOCK_WIDTH = 9
GAP = 2
LANGUAGE_WIDTH_MIN = 20
"""A column narrower than this is hard to read: then each language gets lines of its own."""
ROWS_ALWAYS_FIT = 3
LINES_KEPT = 2
"""Lines of the terminal that are not for rows: the bar and the cursor."""
DRAFT = "dim italic"


@dataclass(slots=True)
class Row:
    """A segment in all its languages as they stand; ``waits_for`` are those that may still change."""

    start_ms: int
    targets: Sequence[str]
    language: str = ""
    original: Text = field(default_factory=Text)
    is_final: bool = False
    translated: dict[str, Text] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    waits_for: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """No translation is there yet."""
        self.waits_for = set(self.targets)

    @property
    def is_settled(self) -> bool:
        """Whether nothing of it will change."""
        return self.is_final and not self.waits_for

    def hear(self, event: TranscriptPartial | TranscriptFinal) -> None:
        """Take the original as it is heard now."""
        self.start_ms, self.language = event.start_ms, event.language
        if isinstance(event, TranscriptFinal):
            self.original, self.is_final = Text(event.text), True
        elif not self.is_final:
            self.original = Text.assemble(event.stable_text, (unstable_part(event), DRAFT))

    def translate(self, event: TranslationPartial | TranslationFinal | TranslationFailedMessage) -> None:
        """Take a translation; a draft that comes after its final is late and changes nothing."""
        target = event.target_language
        if isinstance(event, TranslationFinal):
            self._settle(target, Text(event.text))
        elif target not in self.waits_for:
            return
        elif isinstance(event, TranslationPartial):
            self.translated[target] = Text(event.text, style=DRAFT)
        else:
            self.failed[target] = event.code
            self.translated[target] = Text(f"not yet translated ({event.code})", style="yellow")
            if event.permanent:
                self._give_up(target)

    def close(self) -> None:
        """No more translations come."""
        for target in list(self.waits_for):
            self._give_up(target)

    def _give_up(self, target: str) -> None:
        reason = f" ({self.failed[target]})" if target in self.failed else ""
        self._settle(target, Text(f"not translated{reason}", style="red"))

    def _settle(self, target: str, text: Text) -> None:
        self.translated[target] = text
        self.waits_for.discard(target)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Side by side or, where the terminal is narrow, one language below the other."""
        time = Text(f"[{clock(self.start_ms)}]", style="cyan")
        texts = [self.original, *(self.translated.get(target, Text()) for target in self.targets)]
        width = language_width(options.max_width, len(texts))
        if width:
            yield side_by_side(time, texts, width)
            return
        below = Table.grid(padding=(0, GAP, 0, 0))
        below.add_column(width=CLOCK_WIDTH, no_wrap=True)
        below.add_column(no_wrap=True)
        below.add_column(overflow="fold")
        for first, name, text in zip(
            [time, *[Text()] * len(self.targets)], [self.language, *self.targets], texts, strict=True
        ):
            below.add_row(first, Text(name, style="cyan"), text)
        yield below


def language_width(terminal_width: int, languages: int) -> int:
    """Columns of the terminal for each language beside the time; 0: they do not fit."""
    width = (terminal_width - CLOCK_WIDTH - GAP * languages) // languages
    return width if width >= LANGUAGE_WIDTH_MIN else 0


def side_by_side(first: Text, texts: Sequence[Text], width: int) -> Table:
    """One row of the table that all rows together look like."""
    table = Table.grid(padding=(0, GAP, 0, 0))
    table.add_column(width=CLOCK_WIDTH, no_wrap=True)
    for _ in texts:
        table.add_column(width=width, overflow="fold")
    table.add_row(first, *texts)
    return table


class ColumnCaptions:
    """A live terminal that shows each segment beside its translations; see the module.

    Args:
        console: The terminal.
        duration_ms: Length of the recording, None for a live stream.
        targets: Languages that are translated into, in the order of their columns.

    """

    def __init__(self, console: Console, duration_ms: int | None, targets: Sequence[str]) -> None:
        self._console = console
        self._duration_ms = duration_ms
        self._targets = targets
        self._rows: dict[str, Row] = {}
        self._received_ms = 0
        self._told: set[tuple[str, str]] = set()
        self._moving = MovingLines(console)

    def __enter__(self) -> Self:
        """Print the heads of the columns and take the terminal's last lines."""
        names = [Text(name, style="bold cyan") for name in ("original", *self._targets)]
        width = language_width(self._console.width, len(names))
        if width:
            self._console.print(side_by_side(Text(), names, width))
        self._moving.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Print what is left as it stands, and give the terminal back."""
        left = [row for row in self._rows.values() if row.is_final]
        self._rows.clear()
        for row in left:
            row.close()
        self._draw(left)
        self._moving.stop()

    def show(self, event: ServerMessages) -> None:
        """Update the rows."""
        above: list[RenderableType] = []
        if isinstance(event, TranscriptPartial | TranscriptFinal):
            self._hear(event)
        elif isinstance(event, TranslationPartial | TranslationFinal | TranslationFailedMessage):
            above = self._translate(event)
        elif isinstance(event, AudioAck):
            self._received_ms = event.received_ms
        elif (note := note_of(event)) is not None:
            above = [Text(note, style="yellow")]
        self._draw([*above, *self._leaving()])

    def tell(self, notice: str) -> None:
        """Print a line above the moving ones."""
        self._draw([Text(notice, style="yellow")])

    def _hear(self, event: TranscriptPartial | TranscriptFinal) -> None:
        # A draft that another one or a final follows was dropped: it came to nothing.
        for segment_id in [i for i, row in self._rows.items() if not row.is_final and i != event.segment_id]:
            del self._rows[segment_id]
        if isinstance(event, TranscriptFinal) and not event.text:
            self._rows.pop(event.segment_id, None)
            return
        row = self._rows.setdefault(event.segment_id, Row(event.start_ms, self._targets))
        row.hear(event)

    def _translate(
        self, event: TranslationPartial | TranslationFinal | TranslationFailedMessage
    ) -> list[RenderableType]:
        """Put it into its row; what must be said above the rows."""
        above: list[RenderableType] = []
        if isinstance(event, TranslationFailedMessage):
            reason = (event.target_language, event.message)
            if reason not in self._told:  # once: the rows tell which segments
                self._told.add(reason)
                above.append(Text(note_of(event) or "", style="yellow"))
        row = self._rows.get(event.segment_id)
        if row is not None:
            row.translate(event)
        elif isinstance(event, TranslationFinal):
            late = f"[{clock(event.start_ms)}] {event.target_language}  "
            above.append(Text.assemble((late, "cyan"), event.text))
        return above

    def _leaving(self) -> list[Row]:
        """Take out the rows that are printed now: those that are settled, and those that have no room."""
        leaving = []
        for segment_id, row in list(self._rows.items()):
            if not row.is_settled and not (row.is_final and self._is_too_high()):
                break
            leaving.append(self._rows.pop(segment_id))
        return leaving

    def _is_too_high(self) -> bool:
        """Whether the rows would push the one being spoken off the screen."""
        if len(self._rows) < ROWS_ALWAYS_FIT:
            return False
        lines = self._console.render_lines(Group(*self._rows.values()), pad=False)
        return len(lines) > self._console.height - LINES_KEPT

    def _draw(self, above: Sequence[RenderableType]) -> None:
        rows = Group(*self._rows.values(), heard_bar(self._received_ms, self._duration_ms))
        self._moving.draw(rows, above)
