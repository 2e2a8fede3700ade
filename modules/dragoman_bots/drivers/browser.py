"""The browser driver: a Chromium joins a web meeting as a guest, silent and unseen, and listens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from loguru import logger
from playwright.async_api import Browser, BrowserContext, Page, Response, async_playwright
from playwright.async_api import Error as PlaywrightError

from dragoman_bots.drivers.base import (
    Active,
    AdmissionFailed,
    AwaitingAdmission,
    CaptureFailed,
    DriverFailed,
    JoinFailed,
    Joining,
    NeedsHelp,
    RequestRefused,
    RunningFailed,
    Sink,
    Tell,
)
from dragoman_bots.drivers.capture import Capture
from dragoman_bots.drivers.chromium import Chromium
from dragoman_bots.drivers.room import Phase, Room
from dragoman_bots.egress import Egress
from dragoman_bots.recipes.model import Recipe, load_recipe
from dragoman_bots.settings import BotRunnerSettings
from dragoman_contracts.bots import BotCause, CompletionReason, RunnerTask
from dragoman_contracts.errors import DragomanError
from dragoman_runtime.addresses import AddressForbidden

LOOK_EVERY_S = 0.5
ACT_LIMIT_S = 30.0
"""What is clicked waits for its target for a while each time; that is no sign of a page that hangs."""
LEAVE_S = 5.0
SCREENSHOT_S = 5.0
CLOSE_S = 5.0
_UNVERIFIED = "nobody has seen the recipe {} work on the real site yet"


class BrowserDriver:
    """Joins one meeting; use once."""

    def __init__(self, settings: BotRunnerSettings) -> None:
        self._settings = settings
        self._leaving = asyncio.Event()
        self._page: Page | None = None

    def leave(self) -> None:
        """Leave the meeting."""
        self._leaving.set()

    async def screenshot(self) -> bytes:
        """What the page shows as PNG; empty where there is none, or it hangs."""
        if self._page is None:
            return b""
        try:
            async with asyncio.timeout(SCREENSHOT_S):
                return await self._page.screenshot(type="png", animations="disabled")
        except (PlaywrightError, TimeoutError):
            return b""

    async def run(self, task: RunnerTask, sink: Sink, tell: Tell) -> CompletionReason:
        """Join, listen, leave; why it left.

        Raises:
            DriverFailed: it could not join, or the browser or the meeting was lost.

        """
        tell(Joining())
        try:
            recipe = load_recipe(task.request.recipe, self._settings.recipes)
        except DriverFailed:
            raise
        except DragomanError as error:
            raise RequestRefused(error.code, error.message, remedy=error.remedy) from error
        if not recipe.verified:
            logger.warning(_UNVERIFIED, recipe.name)
        async with AsyncExitStack() as stack:
            egress = await stack.enter_async_context(Egress(self._settings))
            await _check_link(task.request.url, egress)
            visit = _Visit(task, recipe, self._settings, tell)
            capture = await stack.enter_async_context(Capture(sink, visit.on_note))
            chromium = await stack.enter_async_context(
                Chromium(
                    self._settings,
                    # With private addresses allowed there is nothing to check.
                    proxy_url="" if self._settings.allow_private else egress.url,
                    capture_port=capture.port,
                )
            )
            async with _connected(chromium) as browser:
                return await self._visit(visit, browser, chromium, capture, egress)

    async def _visit(
        self, visit: _Visit, browser: Browser, chromium: Chromium, capture: Capture, egress: Egress
    ) -> CompletionReason:
        broken = _Broken(browser, chromium)
        context = await _hooked_context(browser, capture)
        self._page = page = await context.new_page()
        broken.watch(page)
        staying = asyncio.create_task(visit.stay(page, egress))
        breaking = asyncio.create_task(broken.wait())
        tasks: list[asyncio.Task[Any]] = [staying, breaking, asyncio.create_task(self._leaving.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if breaking.done():
                raise visit.failure(breaking.result(), "the browser or its page crashed")
            if staying.done():
                return staying.result()
            staying.cancel()
            await asyncio.gather(staying, return_exceptions=True)
            await visit.say_goodbye(page)
            return CompletionReason.STOPPED
        except DriverFailed as failure:
            if not breaking.done() and failure.cause.code != "page_hung":
                failure.screenshot = await self.screenshot()
            raise
        finally:
            self._page = None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


class _Visit:
    """One stay in one meeting."""

    def __init__(self, task: RunnerTask, recipe: Recipe, settings: BotRunnerSettings, tell: Tell) -> None:
        self._task = task
        self._recipe = recipe
        self._settings = settings
        self._tell = tell
        self._clock = asyncio.get_running_loop().time
        self._inside = False
        self._tracks = 0
        self._hooked = False
        self._capture_error = ""
        self._room: Room | None = None

    def on_note(self, note: dict[str, Any]) -> None:
        """What the hooks in the page tell."""
        if note.get("kind") == "tracks" and isinstance(note.get("count"), int):
            self._tracks = note["count"]
        elif note.get("kind") == "hooked":
            self._hooked = True
        elif note.get("kind") == "capture_failed":
            self._capture_error = str(note.get("reason"))[:40]
        elif note.get("kind") == "socket_failed":
            logger.info("audio comes by the binding: no socket can be opened from the page")

    def failure(self, code: str, message: str) -> DriverFailed:
        """A failure that may pass, of the stage in which it is."""
        kind = RunningFailed if self._inside else JoinFailed
        return kind(code, message, transient=True)

    async def stay(self, page: Page, egress: Egress) -> CompletionReason:
        """Open the link, join, and listen until the meeting is over for us."""
        await self._open(page, egress)
        values = {
            "display_name": self._task.request.display_name or "Dragoman",
            "notice": self._task.request.notice or "",
        }
        self._room = room = Room(page, self._recipe, values, self._clock)
        lost_at: float | None = None
        while True:
            try:
                async with asyncio.timeout(self._settings.hang_s):
                    phase = await room.phase(was_inside=self._inside, hears=self._tracks > 0)
                async with asyncio.timeout(self._settings.hang_s + ACT_LIMIT_S):
                    if (reason := await self._act(room, phase)) is not None:
                        return reason
            except TimeoutError:
                raise self.failure("page_hung", "the page answers nothing any more") from None
            except PlaywrightError as error:
                # A page that is on its way to the next one; one that stays lost is noticed below.
                logger.debug("the page could not be read: {}", type(error).__name__)
                phase = Phase.UNKNOWN
            now = self._clock()
            lost_at = (lost_at or now) if self._inside and phase is not Phase.IN_MEETING else None
            if lost_at is not None and now - lost_at > self._settings.hang_s:
                raise self.failure("meeting_lost", "the page does not show the meeting any more")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _act(self, room: Room, phase: Phase) -> CompletionReason | None:
        match phase:
            case Phase.REMOVED:
                return CompletionReason.REMOVED
            case Phase.REFUSED:
                raise AdmissionFailed("refused", "somebody refused to let it in")
            case Phase.ENDED if self._inside:
                return CompletionReason.MEETING_ENDED
            case Phase.ENDED:
                raise JoinFailed("meeting_ended", "the meeting was over before it could join")
            case Phase.NEEDS_HELP:
                self._tell(
                    NeedsHelp(
                        BotCause(
                            code="page_needs_help",
                            message="the page asks for what only a person can do: a captcha, a login",
                        )
                    )
                )
            case Phase.WAITING:
                self._tell(AwaitingAdmission())
            case Phase.IN_MEETING:
                self._check_capture()
                await self._be_inside(room)
            case Phase.UNKNOWN if not self._inside:
                await room.act(self._recipe.join)
        return None

    def _check_capture(self) -> None:
        """No silent bot: one whose hooks are not in the page, or do not work, says so."""
        if not self._hooked:
            raise CaptureFailed("no_hooks", "the page does not let its audio be taken", transient=True)
        if self._capture_error:
            raise CaptureFailed(
                "capture_failed", f"the page's audio cannot be taken ({self._capture_error})", transient=True
            )

    async def _be_inside(self, room: Room) -> None:
        if not self._inside:
            self._inside = True
            remark = None
            if not self._recipe.verified:
                remark = BotCause(code="recipe_unverified", message=_UNVERIFIED.format(self._recipe.name))
            self._tell(Active(remark))
            await room.act(self._recipe.inside)
            if self._task.request.notice and not await room.act_in_order(self._recipe.chat):
                logger.warning("the notice could not be posted to the chat")
                self._tell(
                    Active(BotCause(code="notice_not_posted", message="the chat does not take the notice"))
                )
        await room.act(self._recipe.inside)
        self._tell(await room.people())

    async def _open(self, page: Page, egress: Egress) -> None:
        link = link_of(self._task.request.url, self._recipe, self._task.request.display_name)
        try:
            response = await page.goto(
                link, wait_until="domcontentloaded", timeout=self._settings.join_timeout_s * 1000
            )
        except PlaywrightError as error:
            # The page may have been refused something else that it wanted.
            if egress.refused and "ERR_TUNNEL" in str(error):
                raise RequestRefused("address_forbidden", "the link's address is not public") from None
            timeout = "Timeout" in type(error).__name__
            raise JoinFailed(
                "timeout" if timeout else "unreachable", "the meeting's page does not open", transient=True
            ) from None
        _check_answer(response, egress)

    async def say_goodbye(self, page: Page) -> None:
        """Leave as the page lets one leave; a page that hangs is left without a word."""
        with contextlib.suppress(PlaywrightError, TimeoutError):
            async with asyncio.timeout(LEAVE_S):
                if self._inside and self._room is not None:
                    await self._room.act(self._recipe.leave)
                await page.close()


class _Broken:
    """Notices that the browser or its page is gone."""

    def __init__(self, browser: Browser, chromium: Chromium) -> None:
        self._chromium = chromium
        self._what: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        browser.on("disconnected", lambda _: self._note("browser_crashed"))

    def watch(self, page: Page) -> None:
        """Notice its crash, too."""
        page.on("crash", lambda _: self._note("page_crashed"))

    async def wait(self) -> str:
        """Wait for it; the code of what happened."""
        exited = asyncio.create_task(self._chromium.exited())
        try:
            either: list[asyncio.Future[Any]] = [exited, self._what]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            return self._what.result() if self._what.done() else "browser_crashed"
        finally:
            exited.cancel()

    def _note(self, what: str) -> None:
        if not self._what.done():
            self._what.set_result(what)


@asynccontextmanager
async def _connected(chromium: Chromium) -> AsyncIterator[Browser]:
    """Playwright on a running Chromium; at the end that one is killed first, so that nothing waits for it."""
    playwright = await async_playwright().start()
    try:
        try:
            browser = await playwright.chromium.connect_over_cdp(chromium.endpoint)
        except PlaywrightError as error:
            raise JoinFailed(
                "browser_start_failed", f"Chromium cannot be driven ({type(error).__name__})", transient=True
            ) from None
        yield browser
    finally:
        await chromium.kill()
        with contextlib.suppress(TimeoutError, PlaywrightError):
            async with asyncio.timeout(CLOSE_S):
                await playwright.stop()


async def _hooked_context(browser: Browser, capture: Capture) -> BrowserContext:
    """A context whose pages deliver their audio, whatever their content security policy says."""
    context = await browser.new_context(
        bypass_csp=True, viewport={"width": 1280, "height": 720}, locale="en-US", accept_downloads=False
    )
    await capture.attach(context)
    return context


async def _check_link(url: str, egress: Egress) -> None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise RequestRefused("invalid_url", "the link is no valid URL") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise RequestRefused("invalid_url", "the link of a meeting begins with https:// or http://")
    try:
        await egress.check(host, port or (443 if parts.scheme == "https" else 80))
    except AddressForbidden as error:
        raise RequestRefused(error.code, error.message, remedy=error.remedy) from error
    except DragomanError as error:
        raise JoinFailed(error.code, error.message, transient=not error.permanent) from error


def link_of(url: str, recipe: Recipe, display_name: str) -> str:
    """The link with what the recipe adds to its query and fragment."""
    parts = urlsplit(url)
    query = parts.query
    if recipe.query:
        query = urlencode([*parse_qsl(query, keep_blank_values=True), *recipe.query.items()])
    name = quote(display_name or "Dragoman", safe="")
    added = quote(recipe.fragment.replace("{display_name}", "\0"), safe="=&.").replace("%00", name)
    fragment = "&".join(part for part in (parts.fragment, added) if part)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, fragment))


def _check_answer(response: Response | None, egress: Egress) -> None:
    status = response.status if response is not None else 200
    if status < 400:
        return
    if egress.refused and status == 403:
        raise RequestRefused("address_forbidden", "the link leads to an address that is not public")
    if egress.unreachable and status == 502:
        raise JoinFailed("unreachable", "the meeting's page cannot be reached", transient=True)
    if status in {404, 410}:
        raise JoinFailed("not_found", f"there is no such meeting (HTTP {status})")
    transient = status >= 500 or status == 429
    raise JoinFailed("refused", f"the meeting's server answers HTTP {status}", transient=transient)
