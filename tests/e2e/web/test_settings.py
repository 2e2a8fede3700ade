"""The settings page: review, refusal, two writers, presets, history and the way back."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect
from tests.e2e.web.conftest import Chromium, Stack, check_axe

pytestmark = pytest.mark.asyncio(loop_scope="session")

SILENCE = "Silence that ends an utterance"


@pytest_asyncio.fixture(loop_scope="session")
async def page(stack: Stack, chromium: Chromium) -> AsyncIterator[Page]:
    """The settings page; what a test sets is taken back after it."""
    yield await chromium.open(stack, "/settings")
    for name in (await stack.http.get("/v1/config/presets")).json()["presets"]:
        await stack.http.delete(f"/v1/config/presets/{name}", headers={"prefer": "wait=8"})
    answer = await stack.http.put("/v1/config", json={}, headers={"prefer": "wait=8"})
    assert answer.json()["state"] == "applied", answer.text


def field(page: Page, name: str) -> Locator:
    return page.get_by_role("textbox", name=name, exact=True)


async def save(page: Page) -> None:
    await page.get_by_role("button", name="Review and save").click()
    await page.get_by_role("dialog").get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_a_change_is_reviewed_saved_told_and_in_the_history(stack: Stack, page: Page) -> None:
    await field(page, SILENCE).fill("850")
    await page.get_by_role("button", name="Review and save").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("cell", name="system.voice_activity.min_silence_ms")).to_be_visible()
    await check_axe(page)
    await dialog.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("is in force").first).to_be_visible()
    told = (await stack.http.get("/v1/config")).json()
    assert told["values"]["voice_activity"] == {"min_silence_ms": 850}

    await page.get_by_role("button", name=f"Back to the default: {SILENCE}").click()
    await save(page)
    await expect(field(page, SILENCE)).to_have_value("")
    told = (await stack.http.get("/v1/config")).json()
    assert "voice_activity" not in told["values"]

    await page.get_by_role("tab", name="History").click()
    await page.get_by_role("button", name="Return to it").first.click()
    await expect(dialog.get_by_role("cell", name="850")).to_be_visible()
    await dialog.get_by_role("button", name="Return to it").click()
    await expect(dialog).to_have_count(0)
    told = (await stack.http.get("/v1/config")).json()
    assert told["values"]["voice_activity"] == {"min_silence_ms": 850}
    await check_axe(page)


async def test_what_cannot_be_is_told_before_it_is_sent(page: Page) -> None:
    await check_axe(page)
    await field(page, SILENCE).fill("9999")
    await expect(page.get_by_text("From 64 to 5000.")).to_be_visible()
    review = page.get_by_role("button", name="Review and save")
    await expect(review).to_have_attribute("aria-disabled", "true")
    await field(page, SILENCE).fill("700")
    await expect(review).not_to_have_attribute("aria-disabled", "true")


async def test_what_a_service_refuses_is_told_with_its_reason_and_nothing_changes(
    stack: Stack, page: Page
) -> None:
    await field(page, "Engines, in this order").fill("nonsense")
    await page.get_by_role("button", name="Review and save").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Save", exact=True).click()
    await expect(dialog.get_by_role("alert")).to_contain_text("has no engine 'nonsense'")
    assert "translation" not in (await stack.http.get("/v1/config")).json()["values"]


async def test_of_two_writers_the_later_one_is_told_and_keeps_what_was_typed(
    stack: Stack, page: Page
) -> None:
    await field(page, SILENCE).fill("640")
    other = {"voice_activity": {"threshold": 0.6}}
    await stack.http.patch("/v1/config", json=other, headers={"prefer": "wait=8"})
    await page.get_by_role("button", name="Review and save").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Somebody else has changed the settings")
    await dialog.get_by_role("button", name="Read again").click()
    await expect(field(page, "Speech threshold")).to_have_value("0.6")
    await expect(field(page, SILENCE)).to_have_value("640")
    await save(page)
    told = (await stack.http.get("/v1/config")).json()
    assert told["values"]["voice_activity"] == {"threshold": 0.6, "min_silence_ms": 640}


async def test_a_preset_is_made_changed_and_deleted(stack: Stack, page: Page) -> None:
    await page.get_by_role("tab", name="Presets").click()
    await page.get_by_role("button", name="New preset").click()
    await page.get_by_role("textbox", name="Name").fill("lecture")
    await page.get_by_role("button", name="Make it").click()
    await expect(page.get_by_role("radio", name="lecture")).to_be_checked()
    await field(page, "Longest utterance").fill("20000")
    await save(page)
    told = (await stack.http.get("/v1/config/presets/lecture")).json()
    assert told["values"] == {"recognition": {"max_utterance_ms": 20_000}}
    await check_axe(page)
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("There are no presets")).to_be_visible()
