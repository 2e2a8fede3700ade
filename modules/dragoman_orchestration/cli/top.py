"""``dragoman top``: the whole installation on a terminal, as ``GET /v1/system/overview`` tells it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import termios
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import httpx
import msgspec
from rich.console import Console
from rich.live import Live
from rich.text import Text

from dragoman_contracts.errors import DragomanError
from dragoman_contracts.monitoring import Overview
from dragoman_orchestration.cli.lifecycle import run_command
from dragoman_orchestration.cli.settings import ClientSettings
from dragoman_orchestration.cli.top_view import Frame, frame_view

DEFAULT_SERVER = "http://127.0.0.1:8080"
PATH = "/v1/system/overview"
TIMEOUT_S = 5.0
SVG_WIDTH, SVG_HEIGHT = 120, 44
PIPE_HEIGHT = 1_000
"""A pipe has no height: whoever reads it wants all rows."""


class NoOverview(DragomanError):
    """The overview cannot be had; the message tells why."""

    code = "no_overview"
    permanent = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TopOptions:
    """What the command was asked for."""

    server: str
    key: str
    once: bool = False
    json: bool = False
    svg: str = ""
    interval_s: float = 1.0


def run_top(  # noqa: PLR0917  # the command's own options
    server: str | None = None,
    key: str | None = None,
    once: bool = False,
    json: bool = False,
    svg: str | None = None,
    interval_s: float = 1.0,
) -> int:
    """Show the overview until q or Ctrl-C; the exit code.

    Args:
        server: address of the API; left out: ``DRAGOMAN_CLIENT_SERVER``, else the one of this machine.
        key: API key; left out: ``DRAGOMAN_CLIENT_KEY``.
        once: print one frame and end.
        json: print one overview as JSON and end.
        svg: write one frame to this file as SVG and end.
        interval_s: seconds between two looks.

    """
    settings = ClientSettings()
    options = TopOptions(
        server=(server or settings.server or DEFAULT_SERVER).rstrip("/"),
        key=key or settings.key.get_secret_value(),
        once=once,
        json=json,
        svg=svg or "",
        interval_s=interval_s,
    )
    return run_command(lambda: show_top(options, Console(highlight=False)))


async def show_top(options: TopOptions, console: Console) -> int:
    """Show the overview on ``console``; the exit code."""
    async with _client(options) as http:
        if options.once or options.json or options.svg:
            return await _show_once(http, options, console)
        if not console.is_terminal:
            console.print("no terminal: use --once or --json", style="red")
            return 2
        await _show_live(http, options, console)
        return 0


async def fetch(http: httpx.AsyncClient, server: str) -> bytes:
    """The overview as the server tells it.

    Raises:
        NoOverview: why there is none, in one line.

    """
    try:
        answer = await http.get(PATH)
    except httpx.InvalidURL:
        raise NoOverview(f"{server} is no address", remedy="Give it as http://host:8080.") from None
    except httpx.HTTPError as error:
        raise NoOverview(
            f"{server} does not answer ({type(error).__name__})",
            remedy="Start it with 'dragoman up', or name another with --server or DRAGOMAN_CLIENT_SERVER.",
        ) from None
    if answer.is_success:
        return answer.content
    if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        raise NoOverview(
            f"{server} does not know this key", remedy="Give an API key with --key or DRAGOMAN_CLIENT_KEY."
        )
    raise _refusal(answer, server)


def read_overview(content: bytes, server: str) -> Overview:
    """The overview in an answer.

    Raises:
        NoOverview: it is none.

    """
    try:
        return msgspec.json.decode(content, type=Overview)
    except msgspec.DecodeError:
        raise NoOverview(
            f"{server} answers something that is no overview",
            remedy="Check that it is Dragoman's API, of the same version.",
        ) from None


def _refusal(answer: httpx.Response, server: str) -> NoOverview:
    """What a problem document says, in one line."""
    try:
        problem = answer.json()
        return NoOverview(f"{server}: {problem['detail']}", remedy=str(problem["remedy"]))
    except (ValueError, KeyError, TypeError):
        return NoOverview(
            f"{server} answers with status {answer.status_code}", remedy="Check that it is Dragoman's API."
        )


@asynccontextmanager
async def _client(options: TopOptions) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {options.key}"} if options.key else {}
    async with httpx.AsyncClient(
        base_url=options.server, headers=headers, timeout=TIMEOUT_S, trust_env=False
    ) as http:
        yield http


async def _show_once(http: httpx.AsyncClient, options: TopOptions, console: Console) -> int:
    try:
        content = await fetch(http, options.server)
        overview = read_overview(content, options.server)
    except NoOverview as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(_told(error), style="red")
        return 1
    if options.json:
        sys.stdout.write(msgspec.json.format(content, indent=2).decode() + "\n")
    elif options.svg:
        _write_svg(overview, options)
        console.print(f"written to {options.svg}")
    else:
        height = console.height if console.is_terminal else PIPE_HEIGHT
        console.print(frame_view(Frame(overview=overview), width=console.width, height=height))
    return 0


def _write_svg(overview: Overview, options: TopOptions) -> None:
    # Recorded beside the terminal, which may be of any size or none.
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        paper = Console(record=True, file=nowhere, width=SVG_WIDTH, height=SVG_HEIGHT, force_terminal=True)
        paper.print(frame_view(Frame(overview=overview), width=SVG_WIDTH, height=SVG_HEIGHT))
        paper.save_svg(options.svg, title="dragoman top")


async def _show_live(http: httpx.AsyncClient, options: TopOptions, console: Console) -> None:
    frame = Frame()
    with _keys() as quit_asked, Live(console=console, screen=True, auto_refresh=False) as live:
        while not quit_asked.is_set():
            try:
                overview = read_overview(await fetch(http, options.server), options.server)
                frame = Frame(overview=overview)
            except NoOverview as error:
                # What was seen last stays, and says how old it is.
                frame = Frame(overview=frame.overview, trouble=_told(error))
            live.update(frame_view(frame, width=console.width, height=console.height), refresh=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(options.interval_s):
                    await quit_asked.wait()


def _told(error: NoOverview) -> Text:
    return Text(" ".join(f"{error.message}. {error.remedy}".split()))


@contextmanager
def _keys() -> Iterator[asyncio.Event]:
    """Set when q is pressed; Ctrl-C stays a signal."""
    asked = asyncio.Event()
    if not sys.stdin.isatty():
        yield asked
        return
    loop, stdin = asyncio.get_running_loop(), sys.stdin.fileno()
    before = termios.tcgetattr(stdin)

    def on_key() -> None:
        pressed = os.read(stdin, 64)
        if not pressed or b"q" in pressed.lower():
            asked.set()

    tty.setcbreak(stdin)
    loop.add_reader(stdin, on_key)
    try:
        yield asked
    finally:
        loop.remove_reader(stdin)
        termios.tcsetattr(stdin, termios.TCSADRAIN, before)
