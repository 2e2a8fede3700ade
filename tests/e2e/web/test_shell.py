"""What all pages share: navigation, the key, languages and themes."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect
from tests.e2e.web.conftest import Chromium, Stack, check_axe

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_key_in_the_address_is_used_and_taken_out_of_it(stack: Stack, chromium: Chromium) -> None:
    page = await chromium.open(stack, f"/sessions#key={stack.key}", key=False)
    await expect(page.get_by_role("navigation")).to_be_visible()
    await expect(page.get_by_label("API key")).to_have_count(0)
    assert stack.key not in page.url
    await page.reload()
    await expect(page.get_by_label("API key")).to_have_count(0)


async def test_without_a_key_the_page_asks_for_one_and_tells_a_wrong_one(
    stack: Stack, chromium: Chromium
) -> None:
    page = await chromium.open(stack, "/sessions", key=False)
    await check_axe(page)
    field = page.get_by_label("API key")
    await field.fill("no such key")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_text("does not know this key")).to_be_visible()
    await field.fill(stack.key)
    await page.get_by_role("button", name="Continue").click()
    await expect(field).to_have_count(0)


async def test_the_interface_changes_its_language_and_keeps_it(stack: Stack, chromium: Chromium) -> None:
    page = await chromium.open(stack, "/sessions", locale="es-MX")
    await expect(page.get_by_role("link", name="Sesiones")).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("lang", "es")
    await page.get_by_role("button", name="Apariencia y clave").click()
    await page.get_by_role("menuitemradio", name="Deutsch").click()
    await expect(page.get_by_role("link", name="Sitzungen")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("link", name="Sitzungen")).to_be_visible()


async def test_the_theme_can_be_chosen_by_keyboard_and_stays(stack: Stack, chromium: Chromium) -> None:
    page = await chromium.open(stack, "/sessions")
    await page.get_by_role("button", name="Appearance and key").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitemradio", name="Dark")).to_be_visible()
    await check_axe(page, popup=True)
    await page.get_by_role("menuitemradio", name="Dark").press("Enter")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")


async def test_an_unknown_address_says_so(stack: Stack, chromium: Chromium) -> None:
    page = await chromium.open(stack, "/sessions/none/at/all")
    await expect(page.get_by_role("heading", name=re.compile("no such page"))).to_be_visible()
    await check_axe(page)
