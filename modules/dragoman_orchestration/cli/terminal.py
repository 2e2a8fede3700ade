"""What the commands show: a live terminal gets colours and a moving line, anything else plain lines."""

from __future__ import annotations

import os
import sys
from collections import deque
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status
from rich.text import Text

_COLOURS = {"api": "cyan", "audio": "green", "whisper": "magenta", "translation": "blue", "redis": "yellow"}
NAME_COLUMNS = len("translation") + 1
QUIET_LINES_KEPT = 40


def err_console() -> Console:
    """The terminal behind standard error; plain and unwrapped where there is none."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def prefixed(name: str, line: str) -> Text:
    """A child's line with its name before it; the line's own colour codes are kept."""
    return Text(f"{name:<{NAME_COLUMNS}}│ ", style=_COLOURS.get(name, "")) + Text.from_ansi(line, style="")


class StackView:
    """Tells how a start goes, and forwards the children's logs or, when ``quiet``, keeps their last lines.

    Use it as a context manager around the start; the moving line is shown until ``settled``.
    """

    def __init__(self, console: Console, *, quiet: bool, title: str = "starting") -> None:
        self.console = console
        self.quiet = quiet
        self._title = title
        self._kept: deque[str] = deque(maxlen=QUIET_LINES_KEPT)
        self._waiting: dict[str, str] = {}
        self._status: Status | None = None

    def __enter__(self) -> Self:
        """Begin to show the moving line, where the terminal can."""
        if self.console.is_terminal:
            self._status = self.console.status(self._title)
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the moving line; after an error of a quiet start, show what the children said last."""
        self.settled()
        if self.quiet and isinstance(error, Exception):
            for line in self._kept:
                self.console.print(line, style="dim", markup=False)

    def settled(self) -> None:
        """Everything is ready: no more moving line."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def on_line(self, name: str, line: str) -> None:
        """A child wrote a line."""
        if self.quiet:
            self._kept.append(f"{name:<{NAME_COLUMNS}}│ {line}")
        else:
            self.console.print(prefixed(name, line))

    def on_notice(self, name: str, text: str) -> None:
        """The supervisor has something to say about a child."""
        self._waiting[name] = text
        if self._status is not None:
            waiting = [f"{child}: {reason}" for child, reason in self._waiting.items() if reason != "ready"]
            self._status.update(Text(f"{self._title} · {' · '.join(waiting)}"[: self.console.width - 4]))
        if self._status is None or text == "ready" or not self.quiet:
            self.console.print(prefixed(name, text))


def wants_pretty_logs(console: Console) -> dict[str, str]:
    """Environment for children whose lines a person reads: their own output is a pipe, not a terminal."""
    if console.is_terminal and "DRAGOMAN_LOG_FORMAT" not in os.environ:
        return {"DRAGOMAN_LOG_FORMAT": "pretty"}
    return {}


def out_is_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()
