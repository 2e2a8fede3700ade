"""Many captions: what the page does with each, counted and not timed; `just bench-web-captions` has the times.

A server within the page tells captions faster than any recogniser could.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect
from tests.e2e.web.conftest import Chromium, Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

SERVER = Path(__file__).with_name("caption_server.js")
KEPT_ROWS = 1_100
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


async def reading(stack: Stack, chromium: Chromium, **size: int) -> Page:
    """A viewer's page whose server is within it."""
    session = await stack.create_session(language="en", translation={"targets": ["es"]})
    token = await stack.viewer_token(session)
    page = await chromium.open(stack, "about:blank", key=False, **size)
    await page.add_init_script(path=SERVER)
    await page.goto(f"/watch/{session}#token={token}&lang=original,es")
    await expect(page.locator("[data-tone=good]")).to_have_text("Live", timeout=20_000)
    return page


async def tell(page: Page, what: str) -> Any:
    """Have the server do something, and let the page paint it."""
    result = await page.evaluate(f"captionServer.{what}")
    await page.evaluate(FRAMES)
    return result


async def used_heap_bytes(page: Page) -> int:
    session = await page.context.new_cdp_session(page)
    await session.send("HeapProfiler.collectGarbage")
    return int((await session.send("Runtime.getHeapUsage"))["usedSize"])


async def distance_px(page: Page) -> float:
    """How far the reader is from the newest line."""
    box = page.get_by_role("region", name="Captions")
    return float(await box.evaluate("box => box.scrollHeight - box.scrollTop - box.clientHeight"))


async def test_a_draft_changes_one_row_of_five_hundred(stack: Stack, chromium: Chromium) -> None:
    page = await reading(stack, chromium)
    await tell(page, "finals(500)")
    rows = page.locator("ol > li")
    await expect(rows).to_have_count(500)
    assert await page.locator("ol *").count() < 500 * 8
    await tell(page, "partial()")
    await expect(rows).to_have_count(501)
    changed = await page.evaluate(
        """async () => {
          const rows = new Set();
          const observer = new MutationObserver((changes) => {
            for (const { target } of changes) {
              rows.add((target.nodeType === 1 ? target : target.parentElement).closest("li"));
            }
          });
          observer.observe(document.querySelector("ol"), {
            subtree: true, childList: true, characterData: true, attributes: true,
          });
          for (let draft = 0; draft < 20; draft += 1) {
            captionServer.partial(3 + draft);
            await new Promise(requestAnimationFrame);
            await new Promise(requestAnimationFrame);
          }
          observer.disconnect();
          const last = document.querySelector("ol > li:last-child");
          return { rows: rows.size, isLast: rows.has(last), text: last.textContent };
        }"""
    )
    assert changed["rows"] == 1
    assert changed["isLast"]
    assert "maybe" in changed["text"]


async def test_hours_of_captions_stay_bounded(stack: Stack, chromium: Chromium) -> None:
    page = await reading(stack, chromium)
    for _ in range(4):
        await tell(page, "finals(500)")
    heap, elements = await used_heap_bytes(page), await page.locator("*").count()
    for _ in range(16):
        await tell(page, "finals(500)")
    assert await page.locator("ol > li").count() <= KEPT_ROWS + 1
    await expect(page.get_by_text("Earlier captions are in the transcript.")).to_have_count(1)
    assert await page.locator("*").count() <= elements * 1.2
    assert await used_heap_bytes(page) <= heap * 1.25 + 2_000_000
    assert await distance_px(page) <= 24


async def test_a_final_keeps_the_place_and_the_height_of_its_draft(stack: Stack, chromium: Chromium) -> None:
    page = await reading(stack, chromium, width=390, height=844)
    await tell(page, "finals(3)")
    await tell(page, "partial(40)")
    row = page.locator("ol > li").nth(3)
    draft = await row.bounding_box()
    await tell(page, "final(4)")
    await expect(row).to_have_attribute("data-final", "true")
    assert await row.bounding_box() == draft
    assert await page.locator("ol > li").count() == 4


async def test_it_follows_the_newest_line_until_the_reader_scrolls_up(
    stack: Stack, chromium: Chromium
) -> None:
    page = await reading(stack, chromium)
    newest = page.get_by_role("button", name="Newest")
    await tell(page, "finals(60)")
    assert await distance_px(page) <= 24
    await expect(newest).to_have_count(0)

    box = page.get_by_role("region", name="Captions")
    await box.hover()
    await page.mouse.wheel(0, -400)
    await expect(newest).to_be_visible()
    top = await box.evaluate("box => box.scrollTop")
    await tell(page, "finals(30)")
    assert await box.evaluate("box => box.scrollTop") == pytest.approx(top, abs=2)

    await newest.click()
    await expect(newest).to_have_count(0)
    await page.evaluate(FRAMES)
    assert await distance_px(page) <= 24
    await tell(page, "finals(5)")
    assert await distance_px(page) <= 24

    await expect(box).to_be_focused()
    await page.keyboard.press("PageUp")
    await expect(newest).to_be_visible()
    await page.keyboard.press("End")
    await expect(newest).to_have_count(0)


async def test_screen_readers_hear_finals_only_and_not_all_at_once(stack: Stack, chromium: Chromium) -> None:
    page = await reading(stack, chromium)
    heard = page.locator("main [aria-live=polite]")
    await tell(page, "partial()")
    await tell(page, "finals(200)")
    await tell(page, "partial()")
    await expect(heard).not_to_have_text("", timeout=15_000)
    text = await heard.text_content() or ""
    assert "maybe" not in text
    assert "(es)" not in text
    assert len(text) < 400
