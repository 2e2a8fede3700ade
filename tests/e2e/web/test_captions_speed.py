"""Many captions: what the page does with each, counted and not timed; `bench.web_captions` has the times.

A server within the page tells captions faster than any recogniser could.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect
from tests.e2e.web.conftest import Chromium, Stack, check_axe

pytestmark = pytest.mark.asyncio(loop_scope="session")

SERVER = Path(__file__).with_name("caption_server.js")
KEPT_ROWS = 1_100
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


async def reading(stack: Stack, chromium: Chromium, lang: str = "original,es", **size: int) -> Page:
    """A viewer's page whose server is within it."""
    session = await stack.create_session(language="en", translation={"targets": ["es"]})
    token = await stack.viewer_token(session)
    page = await chromium.open(stack, "about:blank", key=False, **size)
    await page.add_init_script(path=SERVER)
    await page.goto(f"/watch/{session}#token={token}&lang={lang}")
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
    # The next line moves them all: then it takes no more room than it needs.
    await tell(page, "finals(1)")
    assert await row.evaluate("row => row.style.minBlockSize") == ""


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


async def test_what_is_missing_is_told_in_its_place(stack: Stack, chromium: Chromium) -> None:
    page = await reading(stack, chromium, lang="original,es,ar", width=1100)
    await tell(page, "tell({type: 'session.targets', targets: ['es', 'ar'], on_demand: false})")
    await tell(page, "finals(2)")
    await tell(page, "tell({type: 'audio.gap', start_ms: 6000, end_ms: 10000, reason: 'lost'})")
    for segment, speaker, text in (("s8", "Ana", "Is the ferry late?"), ("s9", "Ben", "It left at nine.")):
        start = 12_000 + 3_000 * int(segment[1:])
        await tell(
            page,
            f"tell({{type: 'transcript.final', segment_id: '{segment}', revision: 1, text: '{text}', "
            f"start_ms: {start}, end_ms: {start + 900}, language: 'en', speaker: '{speaker}', words: []}})",
        )
    translated = "type: 'translation.final', revision: 1, source_language: 'en', start_ms: 36000, end_ms: 1"
    failed = "type: 'translation.failed', revision: 1, code: 'x', message: ''"
    await tell(
        page, f"tell({{{translated}, segment_id: 's8', target_language: 'ar', text: 'هل تأخرت العبّارة؟'}})"
    )
    await tell(page, f"tell({{{failed}, segment_id: 's8', target_language: 'es', permanent: true}})")
    await tell(page, f"tell({{{failed}, segment_id: 's9', target_language: 'es', permanent: false}})")
    rows = page.locator("ol > li")
    await expect(rows).to_have_count(5)
    await expect(rows.nth(2)).to_contain_text("4 seconds were lost here.")
    await expect(rows.nth(3)).to_contain_text("No translation into Spanish of this sentence.")
    await expect(rows.nth(3)).to_contain_text("Ana")
    await expect(rows.nth(3).locator("p[lang=ar]")).to_have_attribute("dir", "rtl")
    await expect(rows.nth(4)).to_contain_text("The translation into Spanish is late")
    await check_axe(page)
    await page.get_by_role("button", name="Languages side by side").click()
    await check_axe(page)
    await tell(page, f"tell({{{translated}, segment_id: 's9', target_language: 'es', text: 'Salió.'}})")
    await expect(rows.nth(4).locator("p[lang=es]")).to_have_text("Salió.")
    await tell(page, "tell({type: 'session.lag', lag_ms: 4000, reason: 'behind'})")
    await expect(page.get_by_text("Behind by 4 s")).to_be_visible()
    await expect(page.get_by_role("status")).to_contain_text("Captions are behind")
    await tell(page, "tell({type: 'session.degraded', level: 1, reason: 'in effect: drop_partials'})")
    await expect(page.get_by_role("status")).to_contain_text("Reduced service: only finished sentences")
