"""Bots in the live page: sent by their link, told as they live, stopped, and what a failure says."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from tests.e2e.web.conftest import Chromium, Stack, check_axe
from tests.integration.bots_runner.media_server import media_server
from tests.meeting import running_meeting

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

RECORDING = Path(__file__).parents[2] / "fixtures" / "audio" / "en_heldout_00.wav"
BOT_LIMIT_MS = 60_000
"""For a runner to start, with its browser, on a machine that is busy."""


async def send(page: Page, link: str, **chosen: str) -> None:
    """Fill the form and press its button."""
    await page.get_by_label("Link to the meeting or stream").fill(link)
    for label, value in chosen.items():
        await page.get_by_label(label.replace("_", " ")).select_option(value)
    await page.get_by_role("button", name="Send the bot").click()


async def steps(page: Page) -> list[str]:
    """The names of all that has happened, in order."""
    names = page.locator("li[data-kind]:not([data-kind=next]) > span:first-child")
    return [text.split(" · ")[0] for text in await names.all_text_contents()]


async def test_a_recording_is_transcribed_by_a_bot_that_needs_only_its_link(
    stack: Stack, chromium: Chromium
) -> None:
    browser = await chromium.browser()
    page = await chromium.open(stack, "/bots", browser=browser)
    onlooker = await chromium.open(stack, "/bots", browser=browser)
    async with media_server() as media:
        link = media.serve_bytes("/talk.wav", RECORDING.read_bytes())
        await page.get_by_label("Link to the meeting or stream").fill(link)
        await expect(page.get_by_text("Recognised as: Stream or recording")).to_be_visible()
        await check_axe(page)
        await send(page, link, Spoken_language="en")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("/talk.wav")
        row = onlooker.get_by_role("listitem").filter(has_text=link.removeprefix("http://"))
        await expect(row).to_contain_text("Listening", timeout=BOT_LIMIT_MS)
        await expect(row).to_contain_text("Completed", timeout=BOT_LIMIT_MS)
        await expect(onlooker.get_by_text("States are shown as they happen.")).to_be_visible()
    await expect(page.get_by_role("heading", name="It has done its work")).to_be_visible()
    assert await steps(page) == ["Requested", "Starting", "Joining", "Listening", "Leaving", "Completed"]
    await check_axe(page)
    await check_axe(onlooker)
    captions = page.get_by_role("link", name="Captions and transcript")
    session_id = (await captions.get_attribute("href") or "").rpartition("/")[2]
    transcript = await stack.http.get(f"/v1/sessions/{session_id}/transcript", params={"format": "txt"})
    assert transcript.text.strip(), "the bot heard nothing"
    await captions.click()
    await expect(page).to_have_url(re.compile(f"/sessions/{session_id}$"))


async def test_a_meeting_bot_tells_when_it_needs_a_person_waits_listens_and_is_stopped(
    stack: Stack, chromium: Chromium
) -> None:
    page = await chromium.open(stack, "/bots")
    with running_meeting(captcha=True, lobby=True) as meeting:
        await page.get_by_label("Link to the meeting or stream").fill(meeting.url)
        await expect(page.get_by_text("Not a platform that is known by its address")).to_be_visible()
        await page.get_by_label("Its name in the meeting").fill("Notetaker")
        await page.get_by_role("button", name="Send the bot").click()
        help_wanted = page.get_by_role("alert").filter(has_text="This bot needs a person")
        await expect(help_wanted).to_be_visible(timeout=BOT_LIMIT_MS)
        await expect(help_wanted).to_contain_text("It goes on by itself as soon as the page lets it")
        await check_axe(page)

        meeting.tell("Notetaker", {"type": "screen", "screen": "lobby"})
        await expect(page.get_by_role("heading", name="It waits to be let in")).to_be_visible()
        await expect(help_wanted).to_have_count(0)
        meeting.admit("Notetaker")
        await expect(page.get_by_role("status").filter(has_text="Listening")).to_be_visible()

        await page.get_by_role("button", name="Stop").click()
        dialog = page.get_by_role("dialog", name="Stop this bot?")
        await check_axe(page, popup=True)
        await dialog.get_by_role("button", name="Stop the bot").click()
        await expect(page.get_by_role("heading", name="It has done its work")).to_be_visible()
        await expect(page.get_by_text("It was told to stop.")).to_be_visible()
        await asyncio.to_thread(meeting.wait_for, lambda: not meeting.inside)
    told = await steps(page)
    assert [name for name in told if name in {"Needs help", "Waiting to be let in", "Listening"}] == [
        "Needs help",
        "Waiting to be let in",
        "Listening",
    ]
    assert told[-1] == "Completed"


async def test_a_link_at_which_nobody_answers_fails_with_what_can_be_done(
    stack: Stack, chromium: Chromium
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # held, and never listened at
        page = await chromium.open(stack, "/bots")
        await send(page, f"http://127.0.0.1:{nobody.getsockname()[1]}/talk.wav")
        failure = page.get_by_role("heading", name="It failed: it could not join")
        await expect(failure).to_be_visible(timeout=BOT_LIMIT_MS)
    await expect(page.get_by_text("Nothing answers at this link").first).to_be_visible()
    await expect(page.get_by_text("Check that the source is running")).to_be_visible()
    assert (await steps(page)).count("Starting") == 3, "it was not tried again"
    await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    await check_axe(page)


async def test_a_failed_meeting_bot_shows_what_it_saw(stack: Stack, chromium: Chromium) -> None:
    page = await chromium.open(stack, "/bots")
    with running_meeting() as meeting:
        await send(page, f"{meeting.base_url}/no/such/room")
        picture = page.get_by_role("img", name="The bot’s browser at")
        await expect(picture).to_be_visible(timeout=BOT_LIMIT_MS)
    await expect(page.get_by_role("heading", name="It failed: it could not join")).to_be_visible()
    await expect(page.get_by_text("Check the link: copy it anew from the invitation")).to_be_visible()
    assert await picture.evaluate("(img) => img.decode().then(() => img.naturalWidth)") > 100
    await check_axe(page)


async def test_what_the_server_refuses_is_told_at_the_field(stack: Stack, chromium: Chromium) -> None:
    page = await chromium.open(stack, "/bots", width=390, height=844)
    field = page.get_by_label("Link to the meeting or stream")
    await expect(page.get_by_role("button", name="Send the bot")).to_be_disabled()
    await send(page, "http://169.254.169.254/secret.wav")
    await expect(page.get_by_text("The host's address is not public")).to_be_visible()
    await expect(page.get_by_text("DRAGOMAN_BOTS_ALLOWED_NETWORKS")).to_be_visible()
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(field).to_be_focused()
    await check_axe(page)
    await field.fill("https://meet.google.com/abc-defg-hij")
    await expect(field).not_to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_text("Recognised as: Google Meet")).to_be_visible()
    await expect(page.get_by_text("This recipe is unverified")).to_be_visible()
    await check_axe(page)


async def test_a_bot_can_be_planned_and_called_off(stack: Stack, chromium: Chromium) -> None:
    page = await chromium.open(stack, "/bots", locale="de-DE")
    await page.get_by_label("Link zur Besprechung oder zum Stream").fill("meet.jit.si/Dragoman-Test")
    await page.get_by_text("Zeitplan und Weiteres").click()
    tomorrow = await page.evaluate(
        "() => { const at = new Date(Date.now() + 86_400_000 - new Date().getTimezoneOffset() * 60_000);"
        " return at.toISOString().slice(0, 16); }"
    )
    await page.get_by_label("Beitreten um").fill(tomorrow)
    await page.get_by_role("button", name="Bot einplanen").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("meet.jit.si/Dragoman-Test")
    await expect(page.get_by_text("Jitsi Meet (ungeprüft)")).to_be_visible()
    await expect(page.get_by_text("Er tritt bei:")).to_be_visible()
    await page.get_by_role("button", name="Beenden").click()
    await page.get_by_role("dialog").get_by_role("button", name="Bot beenden").click()
    await expect(page.get_by_role("heading", name="Er hat seine Arbeit getan")).to_be_visible()
