"""The viewer's page: no account and no microphone, only a link."""

from __future__ import annotations

import re
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Locator, Page, expect
from tests.e2e.web.conftest import Chromium, Stack, check_axe

from dragoman_client import Dragoman, Speaker

pytestmark = pytest.mark.asyncio(loop_scope="session")

WINDOW = ("en_seen_00.wav", "Is the window empty or ready?")
ENGINEER = ("en_seen_01.wav", "The engineer works in a factory in Toronto.")
HEARD_MS = 30_000
"""How long the page may take to show what was said: the recogniser shares two cores with a browser."""
WIDTHS = ((390, 844), (2560, 1440))


def samples(recording: Path) -> bytes:
    """What a recording holds, and a second of silence, so that its last sentence becomes final."""
    with wave.open(str(recording)) as opened:
        return opened.readframes(opened.getnframes()) + bytes(32_000)


@asynccontextmanager
async def speaking(stack: Stack, session_id: str) -> AsyncIterator[Speaker]:
    async with Dragoman(stack.url, key=stack.key) as client, client.speak(session_id) as speaker:
        yield speaker


async def say(speaker: Speaker, fixtures: Path, name: str) -> None:
    """Send a recording faster than it was spoken, and make it final."""
    audio = samples(fixtures / name)
    for start in range(0, len(audio), 6400):
        await speaker.send(audio[start : start + 6400])
    await speaker.flush()


async def finish(speaker: Speaker) -> None:
    await speaker.end()
    async for _ in speaker.events():
        pass


async def link(stack: Stack, session_id: str, *, query: str = "", lang: str = "") -> str:
    """A viewer's link, as the share dialog makes it."""
    token = await stack.viewer_token(session_id)
    return f"/watch/{session_id}{query}#token={token}{f'&lang={lang}' if lang else ''}"


def captions(page: Page) -> Locator:
    return page.get_by_role("region", name="Captions")


async def test_a_viewer_reads_what_is_said_its_translation_and_takes_it_along(
    stack: Stack, chromium: Chromium, fixtures: Path
) -> None:
    session = await stack.create_session(
        title="Harbour board", language="en", translation={"targets": ["es"]}
    )
    asked: list[str] = []
    page = await chromium.open(stack, "about:blank", key=False)
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    await page.goto(await link(stack, session, lang="original,es"))
    await expect(page.get_by_role("heading", level=1)).to_have_text("Harbour board")
    await expect(page.get_by_text("The words appear here")).to_be_visible()
    await check_axe(page)

    async with speaking(stack, session) as speaker:
        await say(speaker, fixtures, WINDOW[0])
        await expect(captions(page).get_by_text(WINDOW[1])).to_be_visible(timeout=HEARD_MS)
        spanish = captions(page).locator("p[lang=es]")
        await expect(spanish).to_have_text(re.compile("ventana"), timeout=HEARD_MS)
        await expect(page.locator("[data-tone=good]")).to_have_text("Live")
        await check_axe(page)
        await finish(speaker)

    await expect(page.get_by_role("heading", name="This session has ended")).to_be_visible(timeout=HEARD_MS)
    await check_axe(page)
    async with page.expect_download() as saved:
        await page.get_by_role("button", name="Text", exact=True).click()
    download = await saved.value
    assert download.suggested_filename == "Harbour board.en+es.txt"
    text = Path(await download.path()).read_text(encoding="utf-8")
    assert WINDOW[1] in text
    assert "ventana" in text
    token = page.url.partition("token=")[2].partition("&")[0]
    assert len(token) > 20
    assert any("/events" in url for url in asked)
    assert not any(token in url for url in asked if "#" not in url)


async def test_a_late_joiner_sees_what_was_said_and_what_follows(
    stack: Stack, chromium: Chromium, fixtures: Path
) -> None:
    session = await stack.create_session(language="en")
    async with speaking(stack, session) as speaker:
        await say(speaker, fixtures, WINDOW[0])
        early = await chromium.open(stack, await link(stack, session), key=False)
        await expect(captions(early).get_by_text(WINDOW[1])).to_be_visible(timeout=HEARD_MS)
        late = await chromium.open(stack, await link(stack, session), key=False, width=390, height=844)
        await expect(captions(late).get_by_text(WINDOW[1])).to_be_visible(timeout=HEARD_MS)
        await say(speaker, fixtures, ENGINEER[0])
        for page in (early, late):
            await expect(captions(page).get_by_role("listitem")).to_have_text(
                [re.compile(re.escape(WINDOW[1])), re.compile(re.escape(ENGINEER[1]))], timeout=HEARD_MS
            )
        await finish(speaker)


async def test_an_api_that_is_killed_costs_the_viewer_no_word(
    stack: Stack, chromium: Chromium, fixtures: Path
) -> None:
    session = await stack.create_session(language="en")
    page = await chromium.open(stack, await link(stack, session), key=False)
    async with speaking(stack, session) as speaker:
        await say(speaker, fixtures, WINDOW[0])
        await expect(captions(page).get_by_text(WINDOW[1])).to_be_visible(timeout=HEARD_MS)
        stack.up.child("dragoman_orchestration.cli", "api").kill()
        await expect(page.locator("[data-tone=warn]")).to_have_text(re.compile("Reconnecting"))
        await expect(captions(page).get_by_text(WINDOW[1])).to_be_visible()
        await say(speaker, fixtures, ENGINEER[0])
        await expect(captions(page).get_by_role("listitem")).to_have_text(
            [re.compile(re.escape(WINDOW[1])), re.compile(re.escape(ENGINEER[1]))], timeout=60_000
        )
        await expect(page.locator("[data-tone=good]")).to_have_text("Live", timeout=60_000)
        await finish(speaker)


async def test_the_choice_of_languages_is_in_the_address_and_stays(stack: Stack, chromium: Chromium) -> None:
    session = await stack.create_session(language="en", translation={"targets": ["es"]})
    page = await chromium.open(stack, await link(stack, session), key=False)
    spanish = page.get_by_role("button", name="Spanish")
    await expect(spanish).to_have_attribute("aria-pressed", "false")
    await spanish.focus()
    await page.keyboard.press("Enter")
    await expect(spanish).to_have_attribute("aria-pressed", "true")
    assert page.url.endswith("&lang=original,es")
    await page.get_by_role("button", name="Languages side by side").click()
    await page.get_by_role("button", name="As spoken").click()
    assert page.url.endswith("&lang=es")
    await expect(page.get_by_role("button", name="Languages below")).to_have_count(0)
    await page.reload()
    await expect(spanish).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_role("button", name="As spoken")).to_have_attribute("aria-pressed", "false")
    # One language always stays.
    await spanish.click()
    await expect(spanish).to_have_attribute("aria-pressed", "true")


async def test_text_grows_and_the_theme_can_be_chosen(stack: Stack, chromium: Chromium) -> None:
    session = await stack.create_session(language="en")
    page = await chromium.open(stack, await link(stack, session), key=False)
    size = "el => parseFloat(getComputedStyle(el.parentElement).fontSize)"
    before = await captions(page).evaluate(size)
    larger = page.get_by_role("button", name="Larger text")
    for _ in range(3):
        await larger.click()
    after = await captions(page).evaluate(size)
    assert 1.4 < after / before < 1.6
    await page.reload()
    await expect(captions(page)).to_be_visible()
    assert await captions(page).evaluate(size) == pytest.approx(after)
    await page.get_by_role("button", name="Appearance").click()
    await page.get_by_role("menuitemradio", name="Dark").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize(
    ("fragment", "told"),
    [
        ("", "The link is not complete"),
        ("#token=WyJubyJd.bm8", "This link is not valid, or not any more"),
        ("#token=a%20b", "This link is not valid, or not any more"),
        ("#token={other}", "This link belongs to another session"),
        ("#token={own}cut", "This link is not valid, or not any more"),
    ],
)
async def test_a_link_that_cannot_be_used_says_why_and_what_to_do(
    stack: Stack, chromium: Chromium, fragment: str, told: str
) -> None:
    session, other = await stack.create_session(), await stack.create_session()
    tokens = {"own": await stack.viewer_token(session), "other": await stack.viewer_token(other)}
    page = await chromium.open(stack, f"/watch/{session}{fragment.format(**tokens)}", key=False)
    await expect(page.get_by_role("heading", name=told)).to_be_visible()
    await expect(page.get_by_text("Ask ")).to_be_visible()
    await check_axe(page)


async def test_a_session_that_is_not_there_is_told(stack: Stack, chromium: Chromium) -> None:
    page = await chromium.open(stack, f"/watch/{'0' * 32}")
    await expect(page.get_by_role("heading", name="There is no such session")).to_be_visible()


async def test_the_owner_of_a_key_needs_no_token(stack: Stack, chromium: Chromium) -> None:
    session = await stack.create_session(title="Mine")
    page = await chromium.open(stack, f"/watch/{session}")
    await expect(page.get_by_role("heading", name="Mine")).to_be_visible()
    await expect(page.get_by_text("Waiting for the speaker").first).to_be_visible()


async def test_a_language_that_is_not_offered_is_told_and_what_is_said_is_shown(
    stack: Stack, chromium: Chromium
) -> None:
    session = await stack.create_session(language="en", translation={"targets": ["es"]})
    page = await chromium.open(stack, await link(stack, session, lang="fi"), key=False)
    await expect(page.get_by_text("no translation into: Finnish")).to_be_visible()
    await expect(page.get_by_role("button", name="As spoken")).to_have_attribute("aria-pressed", "true")


async def test_the_big_screen_shows_the_last_lines_and_nothing_else(
    stack: Stack, chromium: Chromium, fixtures: Path
) -> None:
    session = await stack.create_session(language="en")
    page = await chromium.open(stack, "about:blank", key=False, width=1920, height=1080)
    await page.clock.install()
    await page.goto(await link(stack, session, query="?view=screen&lines=2&bg=00ff00"))
    await expect(page.get_by_text("Waiting for the speaker").first).to_be_visible()
    async with speaking(stack, session) as speaker:
        await say(speaker, fixtures, WINDOW[0])
        await say(speaker, fixtures, ENGINEER[0])
        line = page.locator("p[lang=en]", has_text=ENGINEER[1])
        await expect(line).to_be_visible(timeout=HEARD_MS)
        await expect(page.locator("main")).to_have_css("background-color", "rgb(0, 255, 0)")
        sizes = await line.evaluate(
            "el => [parseFloat(getComputedStyle(el).fontSize), el.parentElement.parentElement.clientHeight]"
        )
        assert sizes[0] > 60
        assert sizes[1] <= 2 * 1.5 * sizes[0]
        await expect(page.get_by_text("Waiting for the speaker").first).to_be_hidden()
        await check_axe(page)
        # What one needs to leave is there while somebody moves the mouse, and goes with the cursor.
        await page.mouse.move(10, 10)
        await expect(page.get_by_role("button", name="Leave this view")).to_be_visible()
        await page.clock.fast_forward(3_100)
        await expect(page.locator("main")).to_have_css("cursor", "none")
        await expect(page.locator("main > [data-idle]")).to_have_css("opacity", "0")
        await finish(speaker)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("heading", name="This session has ended")).to_be_visible()
    assert "view=screen" not in page.url


async def test_the_overlay_is_transparent_and_empties_itself(
    stack: Stack, chromium: Chromium, fixtures: Path
) -> None:
    session = await stack.create_session(language="en", translation={"targets": ["es"]})
    page = await chromium.open(stack, "about:blank", key=False, width=1920, height=1080, color_scheme="dark")
    await page.clock.install()
    await page.goto(await link(stack, session, query="?caption", lang="es"))
    async with speaking(stack, session) as speaker:
        await say(speaker, fixtures, WINDOW[0])
        line = page.locator("main p[lang=es]")
        await expect(line).to_have_text(re.compile("ventana"), timeout=HEARD_MS)
        for seen in ("html", "body", "main"):
            await expect(page.locator(seen)).to_have_css("background-color", "rgba(0, 0, 0, 0)")
        await expect(page.locator("button")).to_have_count(0)
        await check_axe(page)
        await page.clock.fast_forward(8_100)
        await expect(line).to_be_hidden()
        await say(speaker, fixtures, ENGINEER[0])
        await expect(page.locator("main p[lang=es]", has_text="ingeniero")).to_be_visible(timeout=HEARD_MS)
        await finish(speaker)


@pytest.mark.parametrize(("width", "height"), WIDTHS)
async def test_it_fits_phones_and_projectors(
    stack: Stack, chromium: Chromium, fixtures: Path, width: int, height: int
) -> None:
    session = await stack.create_session(
        title="A rather long title of a session", language="en", translation={"targets": ["es"]}
    )
    async with speaking(stack, session) as speaker:
        await say(speaker, fixtures, WINDOW[0])
        path = await link(stack, session, lang="original,es")
        page = await chromium.open(stack, path, key=False, width=width, height=height)
        await expect(captions(page).get_by_text(WINDOW[1])).to_be_visible(timeout=HEARD_MS)
        await check_axe(page)
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0
        await finish(speaker)


async def test_a_viewer_in_arabic_reads_from_the_right(
    mock_system: Any, chromium: Chromium, fixtures: Path
) -> None:
    headers = {"authorization": f"Bearer {mock_system.key}"}
    async with httpx.AsyncClient(base_url=mock_system.url, headers=headers, trust_env=False) as http:
        stack = Stack(mock_system, http)
        session = await stack.create_session(language="en", translation={"targets": ["ar"]})
        page = await chromium.open(stack, await link(stack, session, lang="original,ar"), key=False)
        async with speaking(stack, session) as speaker:
            await say(speaker, fixtures, ENGINEER[0])
            arabic = captions(page).locator("p[lang=ar]").first
            await expect(arabic).not_to_have_text("", timeout=HEARD_MS)
            await expect(arabic).to_have_attribute("dir", "rtl")
            left, right = await arabic.evaluate(
                """el => {
                  const range = document.createRange();
                  range.selectNodeContents(el);
                  const [box, text] = [el.getBoundingClientRect(), range.getBoundingClientRect()];
                  return [text.left - box.left, box.right - text.right];
                }"""
            )
            assert right < 2
            assert left > 10
            english = captions(page).locator("p[lang=en]").first
            await expect(english).to_have_attribute("dir", "ltr")
            await check_axe(page)
            await finish(speaker)


async def test_a_shared_link_opens_in_another_browser(stack: Stack, chromium: Chromium) -> None:
    session = await stack.create_session(title="Shared", language="en", translation={"targets": ["es", "de"]})
    owner = await chromium.open(stack, f"/sessions/{session}")
    await owner.get_by_role("button", name="Share").first.click()
    dialog = owner.get_by_role("dialog")
    await expect(dialog.get_by_role("img", name="QR code")).to_be_visible()
    await expect(dialog.get_by_text("This address reaches this machine only")).to_be_visible()
    await expect(dialog.get_by_text("Good until")).to_be_visible()
    await check_axe(owner, popup=True)
    await dialog.get_by_label("Language").select_option("es")
    shared = await dialog.get_by_label("Link", exact=True).text_content() or ""
    assert shared.startswith(f"{stack.url}/watch/{session}#token=")
    assert stack.key not in shared

    reader = await chromium.open(stack, shared, key=False)
    await expect(reader.get_by_role("heading", name="Shared")).to_be_visible()
    await expect(reader.get_by_role("button", name="Spanish")).to_have_attribute("aria-pressed", "true")
    await expect(reader.get_by_role("button", name="German")).to_have_attribute("aria-pressed", "false")

    await dialog.get_by_role("radio", name="Big screen").click()
    await dialog.get_by_label("Background").select_option("green")
    await expect(dialog.get_by_label("Link", exact=True)).to_contain_text(
        "?view=screen&lines=3&size=7&bg=00ff00#"
    )
    await dialog.get_by_role("radio", name="Over video").click()
    await expect(dialog.get_by_label("Link", exact=True)).to_contain_text("?caption&lines=3&size=7#token=")
    await check_axe(owner, popup=True)
