"""The browser driver: a Chromium joins a web meeting as a guest, silent and unseen, and listens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from loguru import logger
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from playwright.async_api import Error as PlaywrightError

from dragoman_bots.drivers.base import (
    DriverFailed,
    JoinFailed,
    Joining,
    RequestRefused,
    Sink,
    Tell,
)
from dragoman_bots.drivers.capture import Capture
from dragoman_bots.drivers.chromium import Chromium
from dragoman_bots.drivers.visit import UNVERIFIED, Visit
from dragoman_bots.egress import Egress
from dragoman_bots.recipes.model import load_recipe
from dragoman_bots.settings import BotRunnerSettings
from dragoman_contracts.bots import CompletionReason, RunnerTask
from dragoman_contracts.errors import DragomanError
from dragoman_runtime.addresses import AddressForbidden

SCREENSHOT_S = 5.0
CLOSE_S = 5.0


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
            logger.warning(UNVERIFIED, recipe.name)
        async with AsyncExitStack() as stack:
            egress = await stack.enter_async_context(Egress(self._settings))
            await _check_link(task.request.url, egress)
            visit = Visit(task, recipe, self._settings, tell)
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
        self, visit: Visit, browser: Browser, chromium: Chromium, capture: Capture, egress: Egress
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
