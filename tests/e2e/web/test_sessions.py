"""The list of sessions, and a session read again: words, search, ledger, downloads, recording."""

from __future__ import annotations

import asyncio
import json
import re
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import websockets
from playwright.async_api import Download, Locator, Page, expect
from tests.e2e.web.conftest import FIXTURES, Chromium, Stack, check_axe

from dragoman_client import Dragoman, SessionEndedMessage, Speaker, TranscriptFinal

pytestmark = pytest.mark.asyncio(loop_scope="session")

expect.set_options(timeout=20_000)  # a limit, not a measure: other tests share the machine

FRAME_BYTES = 6_400
TITLE = "Weekly planning"
MEETING_S = 17
LONG_MS = 40_000
NEAR_S = 0.05
POLL_S = 0.02


def audio(name: str, seconds: int | None = None) -> bytes:
    """Samples of a recording of the fixtures, 16 kHz mono."""
    with wave.open(str(FIXTURES / "audio" / name)) as recording:
        frames = recording.getnframes() if seconds is None else seconds * recording.getframerate()
        return bytes(recording.readframes(frames))


async def send(speaker: Speaker, samples: bytes) -> None:
    for start in range(0, len(samples), FRAME_BYTES):
        await speaker.send(samples[start : start + FRAME_BYTES])


async def spoken(stack: Stack, samples: bytes, **wanted: Any) -> str:
    """The id of a session into which this was spoken, and that has ended."""
    session_id = await stack.create_session(language="en", **wanted)
    async with Dragoman(stack.url, key=stack.key) as dragoman, dragoman.speak(session_id) as speaker:
        await send(speaker, samples)
        await speaker.end()
        ended = [event async for event in speaker.events()][-1]
    assert isinstance(ended, SessionEndedMessage)
    assert ended.ledger.gaps == []
    return session_id


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def meeting(stack: Stack) -> str:
    """A session of some sentences, recorded and translated; tests read it only."""
    samples = audio("meeting_en_two_voices.wav", MEETING_S)
    return await spoken(stack, samples, title=TITLE, record=True, translation={"targets": ["es"]})


async def told(stack: Stack, session_id: str, what: str = "", **query: str) -> Any:
    answer = await stack.http.get(f"/v1/sessions/{session_id}{what}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def transcript(page: Page) -> Locator:
    return page.get_by_role("list", name="Transcript")


def word(page: Page, segment: int, index: int) -> Locator:
    return transcript(page).locator(f"> li:nth-child({segment + 1}) [data-word='{index}']")


async def heard_at_s(page: Page) -> float:
    """Where the player stands."""
    return float(await page.evaluate("document.querySelector('audio').currentTime"))


async def until(page: Page, condition: str) -> None:
    """Wait for it: Playwright's own waiting would need 'unsafe-eval'."""
    async with asyncio.timeout(LONG_MS / 1000):
        while not await page.evaluate(condition):
            await asyncio.sleep(POLL_S)


async def ready_to_play(page: Page) -> None:
    await until(page, "document.querySelector('audio')?.readyState > 0")


async def row(page: Page, name: str) -> Locator:
    found = page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))
    await expect(found).to_be_visible()
    return found


async def test_a_session_is_listed_with_what_it_is(stack: Stack, chromium: Chromium, meeting: str) -> None:
    page = await chromium.open(stack, "/sessions")
    listed = await row(page, TITLE)
    await expect(listed).to_contain_text("Ended")
    await expect(listed).to_contain_text("English → Spanish")
    await expect(listed).to_contain_text("0:17")
    await check_axe(page)

    await page.get_by_role("searchbox", name="Find by title").fill("WEEKLÝ")
    await expect(page.get_by_role("row")).to_have_count(2)
    await page.get_by_role("radio", name="Open").click()
    await expect(page.get_by_role("heading", name="No session matches")).to_be_visible()
    await page.get_by_role("button", name="Show all").click()
    await listed.get_by_role("link").click()
    await expect(page).to_have_url(re.compile(f"/sessions/{meeting}$"))


async def test_on_a_phone_sessions_are_cards(stack: Stack, chromium: Chromium, meeting: str) -> None:
    page = await chromium.open(stack, "/sessions", width=360, height=740)
    card = page.get_by_role("list", name="Sessions").get_by_role("listitem").filter(has_text=TITLE)
    await expect(card).to_contain_text("0:17")
    await check_axe(page)
    await card.get_by_role("link").click()
    await expect(transcript(page)).to_contain_text("meeting")
    await check_axe(page)
    overhang = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(overhang) <= 0


async def test_a_live_session_comes_first_grows_and_is_ended(stack: Stack, chromium: Chromium) -> None:
    live = await stack.create_session(language="en", title="From the hall")
    await stack.create_session(title="Made later, not begun")
    async with Dragoman(stack.url, key=stack.key) as dragoman, dragoman.speak(live) as speaker:
        page = await chromium.open(stack, f"/sessions/{live}")
        await expect(page.get_by_role("heading", name="No words yet")).to_be_visible()
        await send(speaker, audio("en_seen_00.wav") + bytes(64_000))
        async for event in speaker.events():
            if isinstance(event, TranscriptFinal):
                break
        await expect(transcript(page)).to_contain_text("window", timeout=LONG_MS)
        await expect(page.get_by_text("Live", exact=True).last).to_be_visible()

        await page.get_by_role("link", name="All sessions").click()
        first = page.get_by_role("row").nth(1)
        await expect(first).to_contain_text("From the hall")
        await expect(first).to_contain_text("Live")
        await first.get_by_role("button", name="End “From the hall”").click()
        dialog = page.get_by_role("dialog", name="End this session?")
        await expect(dialog).to_be_visible()
        await check_axe(page)
        await dialog.get_by_role("button", name="Cancel").click()
        assert (await told(stack, live))["status"] == "live"
        await first.get_by_role("button", name="End “From the hall”").click()
        await dialog.get_by_role("button", name="End session").click()
        await expect(dialog).to_have_count(0)
        await expect(await row(page, "From the hall")).to_contain_text("Ended", timeout=LONG_MS)


async def test_the_title_is_changed_in_the_list_and_on_the_page(stack: Stack, chromium: Chromium) -> None:
    session_id = await stack.create_session(title="Tentative")
    page = await chromium.open(stack, "/sessions")
    await page.get_by_role("button", name="Rename “Tentative”").click()
    field = page.get_by_role("textbox", name="Title")
    await expect(field).to_be_focused()
    await field.fill("Given up")
    await field.press("Escape")
    await expect(page.get_by_role("button", name="Rename “Tentative”")).to_be_focused()
    await (await row(page, "Tentative")).get_by_role("button", name="Rename “Tentative”").click()
    await field.fill("Town hall")
    await field.press("Enter")
    await (await row(page, "Town hall")).get_by_role("link").click()
    assert (await told(stack, session_id))["title"] == "Town hall"

    await page.get_by_role("button", name="Rename", exact=True).click()
    await check_axe(page)
    await field.fill("Asamblea ✓ 1:1")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("heading", level=1, name="Asamblea ✓ 1:1")).to_be_visible()
    await expect(page).to_have_title("Asamblea ✓ 1:1 · Dragoman")
    assert (await told(stack, session_id))["title"] == "Asamblea ✓ 1:1"


@pytest_asyncio.fixture(loop_scope="session")
async def reading(stack: Stack, chromium: Chromium, meeting: str) -> AsyncIterator[Page]:
    """The meeting's page; whatever a test does there, no address that it asks for holds the key."""
    page = await chromium.open(stack, f"/sessions/{meeting}")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await expect(word(page, 0, 0)).to_be_visible()
    yield page
    assert [url for url in asked if stack.key in url] == []


async def test_what_was_said_and_its_translation_are_read(stack: Stack, reading: Page, meeting: str) -> None:
    segments = (await told(stack, meeting, "/transcript", language="es"))["segments"]
    assert len(segments) >= 3
    items = transcript(reading).get_by_role("listitem")
    await expect(items).to_have_count(len(segments))
    for index, segment in enumerate(segments):
        await expect(items.nth(index).locator("[lang=en]")).to_have_text(segment["text"])
        await expect(items.nth(index).locator("[lang=es]")).to_have_text(segment["texts"]["es"])
    assert "meeting" in " ".join(one["text"] for one in segments)
    assert "reunión" in " ".join(one["texts"]["es"] for one in segments)
    await check_axe(reading)

    await reading.get_by_role("radio", name="Side by side").click()
    left, right = items.first.locator("[lang=en]"), items.first.locator("[lang=es]")
    boxes = [await left.bounding_box(), await right.bounding_box()]
    assert boxes[0]
    assert boxes[1]
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    await reading.get_by_role("button", name="Spanish").click()
    await expect(reading.locator("[lang=es]")).to_have_count(0)


async def test_the_search_finds_without_case_and_accents(reading: Page) -> None:
    field = reading.get_by_role("textbox", name="Search in the transcript")
    marked = "name => [...CSS.highlights.get(name)].map(range => range.startContainer.data.slice(\
        range.startOffset, range.endOffset))"
    await field.fill("REUNION")
    await expect(reading.get_by_text("1 of 1 match")).to_be_visible()
    assert await reading.evaluate(marked, "found-now") == ["reunión"]

    await field.fill("the ")
    count = reading.get_by_text(re.compile(r"^1 of \d+ matches$"))
    await expect(count).to_be_visible()
    total = int((await count.inner_text()).split()[2])
    assert len(await reading.evaluate(marked, "found")) == total - 1
    for key, shown in (("Enter", 2), ("Shift+Enter", 1), ("Shift+Enter", total), ("Enter", 1)):
        await field.press(key)
        await expect(reading.get_by_text(f"{shown} of {total} matches")).to_be_visible()
    await reading.get_by_role("button", name="Next match").click()
    await expect(reading.get_by_text(f"2 of {total} matches")).to_be_visible()

    await field.fill("zebra")
    await expect(reading.get_by_text("Nothing found")).to_be_visible()
    await field.press("Escape")
    await expect(field).to_have_value("")
    assert await reading.evaluate("CSS.highlights.get('found').size") == 0


async def downloaded(page: Page, form: str, first: str = "", second: str = "") -> tuple[str, str]:
    """The name and the content of a file that is asked for in the dialog."""
    await page.get_by_role("button", name="Download", exact=True).click()
    dialog = page.get_by_role("dialog", name="Download the transcript")
    await dialog.get_by_role("radio", name=form).click()
    await dialog.get_by_label("Language", exact=True).select_option(first)
    if second:
        await dialog.get_by_label("Second language").select_option(second)
    async with page.expect_download() as awaited:
        await dialog.get_by_role("button", name="Download", exact=True).click()
    file: Download = await awaited.value
    await expect(dialog).to_have_count(0)
    return file.suggested_filename, Path(await file.path()).read_text("utf-8")


@pytest.mark.parametrize(
    ("form", "first", "second", "name", "begins"),
    [
        ("Text", "", "", "Weekly planning.txt", r"Good morning"),
        ("Text", "", "es", "Weekly planning.en+es.txt", r"Good morning.*\nBuenos días"),
        ("SRT", "es", "", "Weekly planning.es.srt", r"1\n00:00:0\d,\d{3} --> 00:00:0\d,\d{3}\nBuenos"),
        ("VTT", "es", "en", "Weekly planning.es+en.vtt", r"WEBVTT\n\n00:00:.* --> .*\nBuenos.*\nGood"),
    ],
)
async def test_a_transcript_is_downloaded(
    stack: Stack, reading: Page, meeting: str, form: str, first: str, second: str, name: str, begins: str
) -> None:
    suggested, content = await downloaded(reading, form, first, second)
    assert suggested == name
    assert re.match(begins, content), content
    query = {"format": name.rpartition(".")[2]}
    if languages := [code for code in (first or ("en" if second else ""), second) if code]:
        query["language"] = ",".join(languages)
    answer = await stack.http.get(f"/v1/sessions/{meeting}/transcript", params=query)
    assert content == answer.text


async def test_json_is_downloaded_with_all_there_is(stack: Stack, reading: Page, meeting: str) -> None:
    await reading.get_by_role("button", name="Download", exact=True).click()
    await check_axe(reading)
    await reading.keyboard.press("Escape")
    name, content = await downloaded(reading, "JSON", "es")
    assert name == "Weekly planning.es.json"
    assert json.loads(content) == await told(stack, meeting, "/transcript", language="es")


async def test_the_timeline_adds_up_and_leads_there(stack: Stack, reading: Page, meeting: str) -> None:
    ledger = await told(stack, meeting, "/ledger")
    section = reading.get_by_role("region", name="Where every second went")
    shown = dict(re.findall(r"(\w+)\s+([\d.]+) s", await section.locator("dl").inner_text()))
    sums = {name: round(float(value) * 1000) for name, value in shown.items()}
    assert sums == {"Transcribed": ledger["transcribed_ms"], "Silence": ledger["silence_ms"]}
    assert sum(sums.values()) == ledger["received_ms"] == MEETING_S * 1000
    await expect(section).to_contain_text(f"{MEETING_S} s received")
    await expect(section).to_contain_text("Nothing was lost.")

    segments = (await told(stack, meeting, "/transcript"))["segments"]
    strip = section.get_by_role("slider", name="Timeline of the session")
    await strip.focus()
    await strip.press("End")
    await strip.press("Home")
    await strip.press("ArrowRight")
    length = (segments[0]["end_ms"] - segments[0]["start_ms"]) / 1000
    await expect(strip).to_have_attribute(
        "aria-valuetext", re.compile(rf"^0:00\.\d to 0:0\d\.\d: Transcribed, {length:g} s$")
    )
    await ready_to_play(reading)
    await strip.press("Enter")
    assert await heard_at_s(reading) == pytest.approx(segments[0]["start_ms"] / 1000, abs=NEAR_S)
    box = await strip.bounding_box()
    assert box
    await strip.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    assert await heard_at_s(reading) == pytest.approx(MEETING_S / 2, abs=0.1)


async def test_lost_audio_is_shown_with_its_reason(stack: Stack, chromium: Chromium) -> None:
    session_id = await stack.create_session(language="en", title="With a hole")
    configure = {
        "type": "session.configure",
        "audio": {"encoding": "pcm_s16le", "sample_rate_hz": 16_000, "channels": 1},
        "resume_from_bytes": 64_000,
    }
    url = f"{stack.url.replace('http', 'ws', 1)}/v1/sessions/{session_id}/audio"
    headers = {"authorization": f"Bearer {stack.key}"}
    async with websockets.connect(url, additional_headers=headers, proxy=None) as socket:
        await socket.send(json.dumps(configure))
        await socket.send(audio("en_seen_00.wav"))
        await socket.send(json.dumps({"type": "session.end"}))
        ended = [message async for message in socket if "session.ended" in str(message)]
    assert json.loads(ended[0])["ledger"]["gap_ms"] == 2_000
    page = await chromium.open(stack, f"/sessions/{session_id}")
    section = page.get_by_role("region", name="Where every second went")
    await expect(section).to_contain_text("2 s is missing, in 1 place.")
    strip = section.get_by_role("slider")
    await strip.focus()
    await strip.press("Home")
    await expect(strip).to_have_attribute(
        "aria-valuetext",
        "0:00.0 to 0:02.0: Missing, 2 s – this audio was lost before it could be transcribed",
    )
    await check_axe(page)


async def test_a_word_leads_to_where_it_was_spoken(stack: Stack, reading: Page, meeting: str) -> None:
    words = (await told(stack, meeting, "/transcript"))["segments"][1]["words"]
    await ready_to_play(reading)
    await word(reading, 1, 1).click()
    assert await heard_at_s(reading) == pytest.approx(words[1]["start_ms"] / 1000, abs=NEAR_S)
    await expect(reading.locator("[data-now]")).to_have_text(words[1]["text"].strip())

    await reading.keyboard.press("ArrowRight")
    await expect(word(reading, 1, 2)).to_be_focused()
    await expect(reading.get_by_role("button", name=words[2]["text"].strip(), exact=True)).to_be_focused()
    await reading.keyboard.press("Enter")
    assert await heard_at_s(reading) == pytest.approx(words[2]["start_ms"] / 1000, abs=NEAR_S)
    await reading.keyboard.press("ArrowDown")
    await expect(word(reading, 2, 0)).to_be_focused()


NOTE_MARKS = """() => {
  window.marks = [];
  new MutationObserver((changes) => changes.forEach(({ target }) => {
    if ("now" in target.dataset) window.marks.push(target.textContent);
  })).observe(document.querySelector("ol[data-heard]"), { subtree: true, attributeFilter: ["data-now"] });
}"""


async def test_the_word_that_is_played_is_marked(stack: Stack, reading: Page, meeting: str) -> None:
    await ready_to_play(reading)
    await word(reading, 1, 0).click()
    await reading.evaluate(NOTE_MARKS)
    await reading.keyboard.press("Space")
    await expect(reading.get_by_role("button", name="Pause")).to_be_visible()
    await until(reading, "window.marks.length > 2")
    assert await reading.locator("[data-now]").count() <= 1
    segments = (await told(stack, meeting, "/transcript"))["segments"]
    said = iter([told["text"].strip() for segment in segments[1:] for told in segment["words"]])
    assert all(marked in said for marked in await reading.evaluate("window.marks")), "in the order of speech"
    await reading.get_by_role("button", name="Pause").click()
    await reading.get_by_role("combobox", name="Speed").select_option("1.5")
    assert await reading.evaluate("document.querySelector('audio').playbackRate") == 1.5

    before = await heard_at_s(reading)
    await reading.get_by_role("slider", name="Position").press("ArrowRight")
    assert await heard_at_s(reading) == pytest.approx(before + 5, abs=NEAR_S)
    await reading.get_by_role("button", name="5 seconds back").click()
    assert await heard_at_s(reading) == pytest.approx(before, abs=NEAR_S)


async def test_a_recording_is_deleted_and_the_words_stay(stack: Stack, chromium: Chromium) -> None:
    session_id = await spoken(stack, audio("en_seen_00.wav"), title="To be deleted", record=True)
    page = await chromium.open(stack, f"/sessions/{session_id}")
    await expect(word(page, 0, 0)).to_be_visible()
    await page.get_by_role("button", name="Delete the recording").click()
    dialog = page.get_by_role("dialog", name="Delete the recording?")
    await check_axe(page)
    await dialog.get_by_role("button", name="Delete recording").click()
    await expect(page.get_by_text("The recording is deleted")).to_be_visible()
    await expect(page.get_by_role("region", name="Recording")).to_have_count(0)
    await expect(page.locator("[data-word]")).to_have_count(0)
    await expect(transcript(page)).to_contain_text("window")
    assert (await told(stack, session_id))["recording"] is None


async def test_a_session_is_shared_and_watched(stack: Stack, chromium: Chromium) -> None:
    session_id = await stack.create_session(title="Open to all", translation={"targets": ["es"]})
    page = await chromium.open(stack, "/sessions")
    await page.get_by_role("button", name="Share “Open to all”").click()
    link = re.compile(rf"/watch/{session_id}#token=")
    await expect(page.get_by_role("dialog").get_by_text(link)).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)

    await page.get_by_role("link", name="Open to all").click()
    await page.get_by_role("button", name="Share", exact=True).click()
    await expect(page.get_by_role("dialog").get_by_text(link)).to_be_visible()
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Watch live").click()
    await expect(page).to_have_url(re.compile(f"/watch/{session_id}"))
    await expect(page.get_by_role("heading", level=1, name="Open to all")).to_be_visible()


async def test_a_session_that_is_gone_is_told_in_plain_words(stack: Stack, chromium: Chromium) -> None:
    page = await chromium.open(stack, f"/sessions/{'0' * 32}")
    await expect(page.get_by_role("heading", name="This session is not here any more")).to_be_visible()
    await check_axe(page)
    await page.get_by_role("link", name="All sessions").click()
    await expect(page).to_have_url(re.compile("/sessions$"))


async def test_all_of_it_is_reached_by_keyboard(stack: Stack, chromium: Chromium, meeting: str) -> None:
    page = await chromium.open(stack, "/sessions")
    await row(page, TITLE)

    async def tab_to(target: Locator) -> None:
        for _ in range(80):
            if await target.evaluate("element => element === document.activeElement"):
                return
            await page.keyboard.press("Tab")
        pytest.fail(f"{target} is not reached with the Tab key")

    await page.get_by_role("searchbox", name="Find by title").focus()
    await page.keyboard.type(TITLE)
    await tab_to(page.get_by_role("link", name=TITLE, exact=True))
    await page.keyboard.press("Enter")
    await expect(word(page, 0, 0)).to_be_visible()
    await tab_to(page.get_by_role("button", name="Rename", exact=True))
    await tab_to(page.get_by_role("button", name="Share", exact=True))
    await tab_to(page.get_by_role("slider", name="Timeline of the session"))
    await tab_to(page.get_by_role("textbox", name="Search in the transcript"))
    await tab_to(page.get_by_role("checkbox", name="Mark uncertain words"))
    await page.keyboard.press("Space")
    await expect(page.get_by_role("checkbox", name="Mark uncertain words")).to_be_checked()
    await tab_to(word(page, 0, 0))
    await tab_to(page.get_by_role("button", name="Play", exact=True))
    await tab_to(page.get_by_role("button", name="Delete the recording"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Delete the recording")).to_be_focused()
