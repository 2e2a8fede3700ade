"""The terminal's last lines, which move while what is settled scrolls away above them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live

REFRESH_PER_S = 12


class MovingLines:
    """Draws at most ``REFRESH_PER_S`` times a second, and at once what is printed above.

    All drawing is done by the caller's thread and event loop: a thread of rich's own could draw between the
    two halves of a print, over the lines that were printed. Without a running loop all is drawn at once.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lines: RenderableType = ""
        # Live is given this object, which always shows the newest lines: below what is printed, rich draws
        # what it was given at the last refresh, and a line would be seen twice until the next one.
        self._live = Live(self, console=console, auto_refresh=False, transient=True)
        self._drawn_s = -1.0
        self._later: asyncio.TimerHandle | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The lines as they are now."""
        yield self._lines

    def start(self) -> None:
        """Take the terminal's last lines."""
        self._live.start()

    def stop(self) -> None:
        """Give them back."""
        if self._later is not None:
            self._later.cancel()
        self._live.stop()

    def draw(self, lines: RenderableType, above: Sequence[RenderableType] = ()) -> None:
        """Replace the moving lines; ``above`` is printed above them in the same stroke and stays."""
        self._lines = lines
        if above:
            self._console.print(*above, sep="\n", soft_wrap=False)
            self._drawn_s = time.monotonic()
        elif self._later is None:
            self._draw_in(self._drawn_s + 1 / REFRESH_PER_S - time.monotonic())

    def _draw_in(self, wait_s: float) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            wait_s = 0
        if wait_s > 0:
            self._later = loop.call_later(wait_s, self._draw_now)
        else:
            self._draw_now()

    def _draw_now(self) -> None:
        self._later = None
        self._live.refresh()
        self._drawn_s = time.monotonic()
