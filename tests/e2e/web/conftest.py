"""The live page in a real Chromium, before a real ``dragoman up`` with the small models.

The files of this folder share one system and one browser a test process, which end with the last of them in a
row: sessions are made by each test and do not see one another, each page has a fresh profile, and who needs a
microphone gets a browser of their own. All of this lives on one event loop of the test run::

    pytestmark = pytest.mark.asyncio(loop_scope="session")

    async def test_a_page(stack, chromium):
        page = await chromium.open(stack, "/sessions")
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, Playwright, async_playwright, expect
from tests.e2e.conftest import Running, start_up
from tests.meeting import BROWSER_FLAGS, chromium_or_skip

expect.set_options(timeout=40_000)
FIXTURES = Path(__file__).parents[2] / "fixtures"
MODELS = FIXTURES / "models"
PAGE = Path(__file__).parents[3] / "modules/dragoman_orchestration/api/static/index.html"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FOCUS_GUARDS = {"exclude": [["[data-base-ui-focus-guard]"]]}
"""Of open dialogs and menus: they have the focus for no moment, they hand it on."""
BOTS_ON_LOOPBACK = {"DRAGOMAN_BOTS_ALLOW_PRIVATE": "true", "DRAGOMAN_BOT_RUNNER_ALLOW_PRIVATE": "true"}


@dataclass
class Stack:
    """The running system: its address, a key, and REST with that key."""

    up: Running
    http: httpx.AsyncClient

    @property
    def url(self) -> str:
        return self.up.url

    @property
    def key(self) -> str:
        return self.up.key

    async def create_session(self, **wanted: Any) -> str:
        """The id of a new session."""
        answer = await self.http.post("/v1/sessions", json=wanted)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def viewer_token(self, session_id: str) -> str:
        answer = await self.http.post(f"/v1/sessions/{session_id}/viewer-tokens")
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])


@pytest.fixture(scope="package")
def running_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """``dragoman up`` with the small recogniser and translator."""
    chromium_or_skip()
    assert PAGE.exists(), "the live page is not built: run `just web-build`"
    up = start_up(
        tmp_path_factory.mktemp("web"),
        "--profile=cpu",
        f"--model={MODELS / 'whisper-micro'}",
        f"--translate-model=en-es={MODELS / 'marian-micro-en-es'}",
        **BOTS_ON_LOOPBACK,
    )
    yield up
    up.end()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def stack(running_up: Running) -> AsyncIterator[Stack]:
    """The system that all browser tests of this process share."""
    headers = {"authorization": f"Bearer {running_up.key}"}
    async with httpx.AsyncClient(
        base_url=running_up.url, headers=headers, timeout=20, trust_env=False
    ) as http:
        yield Stack(running_up, http)


@dataclass
class Chromium:
    """Starts browsers and opens pages; what the console said is kept, and ends the test if it is an error."""

    playwright: Playwright
    shared: Browser
    """For whoever needs no microphone of their own; each page has a fresh profile all the same."""
    cleanup: AsyncExitStack
    errors: list[str] = field(default_factory=list)

    async def browser(self, microphone: Path | None = None, *flags: str) -> Browser:
        """A browser of its own; ``microphone`` is a 16-bit WAV that it hears once, from when it is opened."""
        heard = (f"--use-file-for-fake-audio-capture={microphone}%noloop",) if microphone else ()
        browser = await launch(self.playwright, *heard, *flags)
        self.cleanup.push_async_callback(browser.close)
        return browser

    async def open(
        self,
        stack: Stack,
        path: str = "/",
        *,
        browser: Browser | None = None,
        key: bool = True,
        width: int = 1366,
        height: int = 768,
        **context: Any,
    ) -> Page:
        """A page of a fresh profile, with the key of the stack unless ``key`` is False."""
        fresh = await (browser or self.shared).new_context(
            base_url=stack.url,
            viewport={"width": width, "height": height},
            locale=context.pop("locale", "en-GB"),
            reduced_motion=context.pop("reduced_motion", "reduce"),
            **context,
        )
        self.cleanup.push_async_callback(fresh.close)
        if key:
            await self.keep_key(fresh, stack)
        page = await fresh.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self._heard(said.type, said.text))
        await page.goto(path)
        return page

    async def keep_key(self, context: BrowserContext, stack: Stack) -> None:
        """As if the user had come by the link that ``dragoman up`` prints."""
        name = json.dumps("dragoman.key")
        await context.add_init_script(f"sessionStorage.setItem({name}, {json.dumps(stack.key)})")

    def _heard(self, kind: str, text: str) -> None:
        # A server that is restarted, or an answer that is no success, is told by the page itself.
        if kind == "error" and "Failed to load resource" not in text and "WebSocket connection" not in text:
            self.errors.append(text)


async def launch(playwright: Playwright, *flags: str) -> Browser:
    """A browser of the system."""
    return await playwright.chromium.launch(
        executable_path=chromium_or_skip(), args=["--no-sandbox", *BROWSER_FLAGS, *flags]
    )


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def driver() -> AsyncIterator[tuple[Playwright, Browser]]:
    """What all tests share: starting it takes longer than most of them."""
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        yield playwright, browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def chromium(driver: tuple[Playwright, Browser]) -> AsyncIterator[Chromium]:
    """Browsers for a test; a page that threw, or broke its Content-Security-Policy, fails it."""
    async with AsyncExitStack() as cleanup:
        browsers = Chromium(*driver, cleanup)
        yield browsers
        assert browsers.errors == []


async def check_axe(page: Page, *, popup: bool = False) -> None:
    """No violation of WCAG 2.2 AA or of axe's best practices, in the light and in the dark.

    ``popup``: a menu is open, which is drawn outside of the page's landmarks.
    """
    everything = {"runOnly": WCAG, "rules": {"region": {"enabled": not popup}}}
    # The dark differs from the light in its colours only.
    contrast = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    for scheme, options in (("light", everything), ("dark", contrast)):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        found = await Axe().run(page, context=FOCUS_GUARDS, options=options)
        told = [
            f"{broken['id']} ({scheme}): {broken['help']}: {[node['html'] for node in broken['nodes']]}"
            for broken in found.response["violations"]
        ]
        assert told == []
    await page.emulate_media(color_scheme="light", reduced_motion="reduce")
