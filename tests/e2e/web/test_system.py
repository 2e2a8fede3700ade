"""The system page: all parts in words, what is wrong with its remedy, and what is not known."""

from __future__ import annotations

import contextlib
import re
import signal
from collections.abc import Iterator

import psutil
import pytest
from playwright.async_api import Page, expect
from tests.e2e.web.conftest import Chromium, Stack, check_axe

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

NOTICE_LIMIT_MS = 45_000
"""The monitor looks every two seconds and wants to be sure before it says that something is away."""
PARTS = (
    "Redis",
    "Speech recognition",
    "Translation",
    "API",
    "Audio worker cpu",
    "Configuration worker",
    "Bots worker",
    "Monitor",
)


async def verdict(page: Page, text: str) -> None:
    """Wait for this sentence at the top."""
    await expect(page.get_by_role("status").filter(has_text=text)).to_be_visible(timeout=NOTICE_LIMIT_MS)


@contextlib.contextmanager
def frozen(process: psutil.Process) -> Iterator[None]:
    """It does not run, and its connections stay."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


async def test_all_parts_are_told_in_words(stack: Stack, chromium: Chromium) -> None:
    page = await chromium.open(stack, "/system")
    await verdict(page, "All is well.")
    parts = page.get_by_role("region", name="Workers and services")
    for part in PARTS:
        row = parts.get_by_role("row").filter(has=page.get_by_role("rowheader", name=re.compile(f"^{part}")))
        await expect(row.get_by_role("cell", name="Well", exact=True)).to_be_visible()
    streams = page.get_by_role("region", name="Streams")
    audio_results = streams.get_by_role("row").filter(has_text="stream:audio-results")
    await expect(audio_results.first).to_contain_text("read by")
    await expect(page.get_by_role("img", name=re.compile("^Lag in the last 5 min; now"))).to_be_visible()
    await expect(page.get_by_role("meter", name=re.compile("profile cpu"))).to_be_visible()
    await check_axe(page)


async def test_a_session_is_listed_and_the_usage_has_a_range(stack: Stack, chromium: Chromium) -> None:
    session_id = await stack.create_session(title="Seen by the system page")
    page = await chromium.open(stack, "/system")
    sessions = page.get_by_role("region", name="Live sessions")
    await expect(sessions.get_by_role("link", name=session_id[:8])).to_be_visible()
    await expect(sessions.get_by_role("row").filter(has_text=session_id[:8])).to_contain_text("Created")
    today = page.get_by_role("radio", name="Today")
    async with page.expect_request(re.compile(r"/v1/system/usage\?from=(\S{10})&to=\1$")):
        await today.check()
    await expect(page.get_by_text("A session counts when it ends")).to_be_visible()


async def test_a_phone_shows_every_figure_with_its_name(stack: Stack, chromium: Chromium) -> None:
    page = await chromium.open(stack, "/system", width=360, height=740)
    await verdict(page, "All is well.")
    assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    cell = page.get_by_role("region", name="Streams").locator("td").first
    assert await cell.evaluate("td => getComputedStyle(td, '::before').content") == '"Length" / ""'
    await check_axe(page)


async def test_a_service_that_freezes_is_told_with_what_can_be_done_until_it_is_back(
    stack: Stack, chromium: Chromium
) -> None:
    page = await chromium.open(stack, "/system")
    await verdict(page, "All is well.")
    with frozen(stack.up.child("dragoman_orchestration.cli", "whisper")):
        await verdict(page, "Dragoman cannot work now.")
        await expect(page.get_by_role("heading", name="A service does not answer")).to_be_visible(
            timeout=NOTICE_LIMIT_MS
        )
        await expect(page.get_by_text("Critical")).to_be_visible()
        parts = page.get_by_role("region", name="Workers and services")
        row = parts.get_by_role("row").filter(has_text="Speech recognition")
        await expect(row).to_contain_text("Not well")
        await expect(page.get_by_text("See that it runs and can be reached").first).to_be_visible()
        await check_axe(page)
    await verdict(page, "All is well.")
    await expect(page.get_by_role("heading", name="What is out of order")).to_have_count(0)


async def test_without_a_monitor_the_page_says_what_is_not_known(stack: Stack, chromium: Chromium) -> None:
    page = await chromium.open(stack, "/system")
    await verdict(page, "All is well.")
    with frozen(stack.up.child("worker", "monitoring")):
        await verdict(page, "nobody is watching")
        await expect(page.get_by_text("dragoman worker monitoring")).to_be_visible()
        await expect(page.get_by_role("region", name="Workers and services")).to_have_count(0)
        await check_axe(page)
    await verdict(page, "All is well.")
