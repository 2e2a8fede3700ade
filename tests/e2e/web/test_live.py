"""The speaker's page, spoken into by a microphone that plays reference speech.

Words are compared with what the same model makes of the same speech directly, which is all of them: the small
model knows these voices.
"""

from __future__ import annotations

import json
import re
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jiwer
import numpy as np
import pytest
from playwright.async_api import Page, expect
from tests.chaos.proxy import Proxy
from tests.conftest import Eventually
from tests.e2e.web.conftest import FIXTURES, Chromium, Stack, check_axe
from websockets.asyncio.client import connect

pytestmark = pytest.mark.asyncio(loop_scope="session")

AUDIO = FIXTURES / "audio"
MEETING = "meeting_en_two_voices.wav"
RATE_HZ = 16_000
LEAD_S = 1.0
WER_LIMIT = 0.1
WORDS_LIMIT_MS = 30_000


def sentences() -> list[dict[str, Any]]:
    """The meeting's sentences: ``start`` and ``end`` in seconds, ``text``."""
    lines = [json.loads(line) for line in (AUDIO / "refs.jsonl").read_text().splitlines()]
    return next(list(line["segments"]) for line in lines if line["file"] == MEETING)


def write_speech(path: Path, chosen: Sequence[tuple[float, dict[str, Any]]]) -> float:
    """A WAV with each sentence of the meeting at its second; returns how long it is, in seconds."""
    with wave.open(str(AUDIO / MEETING)) as source:
        heard = np.frombuffer(source.readframes(source.getnframes()), dtype=np.int16)
    ends_s: float = max(at_s + sentence["end"] - sentence["start"] for at_s, sentence in chosen) + 1.0
    samples = np.zeros(int(ends_s * RATE_HZ), dtype=np.int16)
    for at_s, sentence in chosen:
        part = heard[int((sentence["start"] - 0.1) * RATE_HZ) : int((sentence["end"] + 0.2) * RATE_HZ)]
        begin = int(at_s * RATE_HZ)
        samples[begin : begin + len(part)] = part[: len(samples) - begin]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())
    return ends_s


def spoken_meeting(path: Path, count: int) -> list[str]:
    """The first ``count`` sentences as they were spoken, after a second of silence; their texts."""
    chosen = sentences()[:count]
    write_speech(path, [(LEAD_S + sentence["start"], sentence) for sentence in chosen])
    return [sentence["text"] for sentence in chosen]


async def remember(page: Page, **choices: Any) -> None:
    """As if these had been chosen the last time."""
    wanted = json.dumps({"language": "en", **choices})
    await page.evaluate("wanted => localStorage.setItem('dragoman.live', wanted)", wanted)
    await page.reload()


async def press_start(page: Page) -> None:
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(page.get_by_role("button", name="Stop")).to_be_visible()


async def finals(page: Page) -> list[str]:
    """The finals that the page shows, as they were spoken."""
    return await page.locator("li[data-final] p[lang=en]").all_inner_texts()


async def shown_text(page: Page, words: str) -> None:
    """Wait until a final holds these words."""
    said = page.locator("li[data-final] p[lang=en]", has_text=words)
    await expect(said).to_be_visible(timeout=WORDS_LIMIT_MS)


def plain(texts: list[str]) -> str:
    """Words only, in lower case."""
    return " ".join(re.findall(r"[\w']+", " ".join(texts).lower()))


def assert_words(said: list[str], reference: list[str]) -> None:
    wer = jiwer.wer(plain(reference), plain(said))
    assert wer <= WER_LIMIT, (wer, said)


async def stop(page: Page) -> None:
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_role("heading", name="Finished")).to_be_visible(timeout=WORDS_LIMIT_MS)


async def test_what_is_said_is_read_and_translated_beside_it(
    stack: Stack, chromium: Chromium, tmp_path: Path
) -> None:
    reference = spoken_meeting(tmp_path / "speech.wav", 4)
    page = await chromium.open(stack, browser=await chromium.browser(tmp_path / "speech.wav"))
    await check_axe(page)
    await remember(page, targets=["es"])
    await page.get_by_label("Title").fill("Budget meeting")
    await press_start(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Budget meeting")
    await shown_text(page, "budget")
    await expect(page.locator("li[data-final] p[lang=es]", has_text="presupuesto")).to_be_visible()
    spoken = await page.locator("li[data-final] p[lang=en]").last.bounding_box()
    translated = await page.locator("li[data-final] p[lang=es]").last.bounding_box()
    assert spoken
    assert translated
    assert translated["x"] > spoken["x"] + spoken["width"] / 2, "the translation is no column"
    await check_axe(page)
    await stop(page)
    await expect(page.get_by_text("Nothing was lost.")).to_be_visible()
    assert_words(await finals(page), reference)
    await check_axe(page)
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Text", exact=True).click()
    file = await download.value
    assert file.suggested_filename == "Budget meeting.txt"
    assert_words([Path(await file.path()).read_text()], reference)
    await page.get_by_role("link", name="Open the transcript").click()
    await expect(page).to_have_url(re.compile("/sessions/[0-9a-f]{32}"))


async def test_a_killed_api_process_costs_no_word_and_doubles_none(
    stack: Stack, chromium: Chromium, tmp_path: Path
) -> None:
    reference = spoken_meeting(tmp_path / "speech.wav", 6)
    page = await chromium.open(stack, browser=await chromium.browser(tmp_path / "speech.wav"))
    await remember(page)
    await press_start(page)
    await shown_text(page, "morning")
    stack.up.child("dragoman_orchestration.cli", "api").kill()
    await expect(page.get_by_text("Your words are kept").first).to_be_visible()
    await shown_text(page, "Maria")
    await stop(page)
    await expect(page.get_by_text("Nothing was lost.")).to_be_visible()
    assert_words(await finals(page), reference)


async def test_a_network_that_is_away_costs_no_word(stack: Stack, chromium: Chromium, tmp_path: Path) -> None:
    reference = spoken_meeting(tmp_path / "speech.wav", 6)
    api = urlsplit(stack.url)
    assert api.hostname
    assert api.port
    async with Proxy(api.hostname, api.port) as network:
        page = await chromium.open(
            stack, "/sessions", browser=await chromium.browser(tmp_path / "speech.wav")
        )
        await page.goto(f"http://127.0.0.1:{network.port}/")
        await remember(page)
        await press_start(page)
        await shown_text(page, "morning")
        network.refuse_all()
        await expect(page.get_by_text("seconds of your words are kept")).to_be_visible()
        # Whoever stops now is told what waits.
        await page.get_by_role("button", name="Stop").click()
        await expect(page.get_by_role("dialog")).to_contain_text("not sent yet")
        await page.get_by_role("button", name="Go on speaking").click()
        network.mend()
        await shown_text(page, "Maria")
        await stop(page)
        await expect(page.get_by_text("Nothing was lost.")).to_be_visible()
        assert_words(await finals(page), reference)


async def test_a_page_that_is_reloaded_goes_on_with_its_session(
    stack: Stack, chromium: Chromium, tmp_path: Path
) -> None:
    reference = spoken_meeting(tmp_path / "speech.wav", 1)
    page = await chromium.open(stack, browser=await chromium.browser(tmp_path / "speech.wav"))
    page.on("dialog", lambda dialog: dialog.accept())
    await remember(page)
    await press_start(page)
    await shown_text(page, "morning")
    await page.reload()
    await page.get_by_role("button", name="Go on speaking").click()
    # What was said before is shown again, and the microphone plays the sentence anew.
    await expect(page.locator("li[data-final] p[lang=en]")).to_have_count(2, timeout=WORDS_LIMIT_MS)
    await stop(page)
    assert_words(await finals(page), reference * 2)


async def test_a_session_that_is_spoken_elsewhere_is_told_and_let_go(
    stack: Stack, chromium: Chromium, eventually: Eventually
) -> None:
    page = await chromium.open(stack)
    await remember(page)
    await page.get_by_label("Title").fill("Taken over")
    await press_start(page)

    async def live() -> str | None:
        sessions = (await stack.http.get("/v1/sessions")).json()["sessions"]
        return next(
            (one["id"] for one in sessions if one["title"] == "Taken over" and one["status"] == "live"), None
        )

    session_id = await eventually(live)
    address = f"{stack.url.replace('http', 'ws', 1)}/v1/sessions/{session_id}/audio"
    async with connect(address, additional_headers={"authorization": f"Bearer {stack.key}"}) as socket:
        audio = {"encoding": "pcm_s16le", "sample_rate_hz": RATE_HZ, "channels": 1}
        await socket.send(json.dumps({"type": "session.configure", "audio": audio}))
        await expect(page.get_by_text("This session is spoken elsewhere now")).to_be_visible()
        await expect(page.get_by_role("button", name="Stop")).to_have_count(0)
        await page.get_by_role("button", name="New session").click()
        await expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
        await socket.send(json.dumps({"type": "session.end"}))


async def test_a_file_is_read_to_its_end_and_ends_its_session(
    stack: Stack, chromium: Chromium, tmp_path: Path
) -> None:
    reference = spoken_meeting(tmp_path / "speech.wav", 6)
    page = await chromium.open(stack)
    await remember(page, source="file", targets=["es"])
    await page.get_by_label("Sound or video file").set_input_files(tmp_path / "speech.wav")
    await check_axe(page)
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(page.get_by_role("heading", name="Finished")).to_be_visible(timeout=WORDS_LIMIT_MS)
    await expect(page.get_by_text("Nothing was lost.")).to_be_visible()
    assert_words(await finals(page), reference)


async def test_a_file_that_is_no_sound_is_told_and_nothing_is_started(
    stack: Stack, chromium: Chromium, tmp_path: Path
) -> None:
    page = await chromium.open(stack)
    await remember(page, source="file")
    (tmp_path / "letter.wav").write_text("Dear Anna,")
    await page.get_by_label("Sound or video file").set_input_files(tmp_path / "letter.wav")
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("dragoman transcribe")
    await expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()


async def played(page: Page, second: float) -> None:
    """Wait until the microphone has played so much since `start`."""
    await page.wait_for_function(
        "second => performance.now() - window.startedAt > second * 1000", arg=second, timeout=WORDS_LIMIT_MS
    )


async def test_what_is_said_while_muted_or_paused_is_not_heard(
    stack: Stack, chromium: Chromium, tmp_path: Path
) -> None:
    muted, paused, heard = sentences()[2], sentences()[3], sentences()[6]
    # The microphone begins up to some seconds after the click, on a machine that is busy.
    write_speech(tmp_path / "speech.wav", [(4.0, muted), (11.5, paused), (19.0, heard)])
    page = await chromium.open(stack, browser=await chromium.browser(tmp_path / "speech.wav"))
    await remember(page)
    await page.evaluate("() => { window.startedAt = performance.now() }")
    await press_start(page)
    await page.keyboard.press("m")
    await expect(page.get_by_role("button", name="Unmute")).to_be_visible()
    await played(page, 9.5)
    await page.keyboard.press("m")
    await page.keyboard.press("p")
    await expect(page.get_by_role("button", name="Go on")).to_be_visible()
    await played(page, 17.5)
    await page.keyboard.press("p")
    await shown_text(page, "invoice")
    spoken_ms = await page.evaluate("performance.now() - window.startedAt")
    await stop(page)
    assert_words(await finals(page), [heard["text"]])
    link = await page.get_by_role("link", name="Open the transcript").get_attribute("href")
    session_id = str(link).rsplit("/", 1)[-1]
    ledger = (await stack.http.get(f"/v1/sessions/{session_id}/ledger")).json()
    # Muted time is silence of the session, paused time is none of it.
    assert 9_000 < ledger["received_ms"] < spoken_ms - 5_000


async def test_a_microphone_that_is_unplugged_is_told_and_another_goes_on(
    stack: Stack, chromium: Chromium, tmp_path: Path
) -> None:
    reference = spoken_meeting(tmp_path / "speech.wav", 1)
    page = await chromium.open(stack, browser=await chromium.browser(tmp_path / "speech.wav"))
    await page.add_init_script(
        """const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (wanted) => (window.stream = await open(wanted));"""
    )
    await remember(page)
    await press_start(page)
    await shown_text(page, "morning")
    # Chromium's own microphone cannot be pulled out: its track is ended, and told to say so.
    await page.evaluate(
        "(([track]) => { track.stop(); track.dispatchEvent(new Event('ended')) })(window.stream.getTracks())"
    )
    await expect(page.get_by_role("alert")).to_contain_text("The microphone is gone")
    await expect(page.get_by_role("button", name="Stop")).to_be_visible()
    await page.get_by_role("button", name="Go on with this one").click()
    await expect(page.get_by_role("alert")).to_have_count(0)
    await expect(page.locator("li[data-final] p[lang=en]")).to_have_count(2, timeout=WORDS_LIMIT_MS)
    await stop(page)
    assert_words(await finals(page), reference * 2)


async def test_a_share_without_sound_is_told_with_what_to_do(stack: Stack, chromium: Chromium) -> None:
    page = await chromium.open(stack)
    # A picture without sound is what the browser gives to whoever does not tick its box.
    await page.add_init_script(
        """navigator.mediaDevices.getDisplayMedia = async () =>
          (window.shared = document.createElement("canvas").captureStream());"""
    )
    await remember(page, source="display")
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("You shared without sound")
    assert await page.evaluate("window.shared.getTracks().every((track) => track.readyState === 'ended')")


async def test_the_sound_of_a_share_is_read(stack: Stack, chromium: Chromium, tmp_path: Path) -> None:
    reference = spoken_meeting(tmp_path / "speech.wav", 2)
    page = await chromium.open(stack, browser=await chromium.browser(tmp_path / "speech.wav"))
    # A headless browser has no sound of its own to share: the picture is a canvas, the sound the microphone.
    await page.add_init_script(
        """navigator.mediaDevices.getDisplayMedia = async ({ audio }) => {
          const shared = document.createElement("canvas").captureStream();
          const heard = await navigator.mediaDevices.getUserMedia({ audio });
          for (const track of heard.getTracks()) shared.addTrack(track);
          return shared;
        };"""
    )
    await remember(page, source="display")
    await press_start(page)
    await shown_text(page, "office")
    await stop(page)
    assert_words(await finals(page), reference)


async def test_single_keys_can_be_turned_off(stack: Stack, chromium: Chromium) -> None:
    page = await chromium.open(stack)
    await remember(page)
    await press_start(page)
    await page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    await expect(dialog).to_be_visible()
    await page.keyboard.press("m")
    await dialog.get_by_label("Use single keys").uncheck()
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await page.keyboard.press("m")
    await page.keyboard.press("?")
    await expect(page.get_by_role("button", name="Mute", exact=True)).to_be_visible()
    await expect(dialog).to_have_count(0)
    await stop(page)


async def test_languages_are_added_while_somebody_speaks(
    stack: Stack, chromium: Chromium, tmp_path: Path
) -> None:
    write_speech(tmp_path / "speech.wav", [(14.0, sentences()[0])])
    page = await chromium.open(stack, browser=await chromium.browser(tmp_path / "speech.wav"))
    await remember(page)
    await press_start(page)
    await page.get_by_role("button", name="Languages").click()
    await page.get_by_role("button", name="Add a language").click()
    await page.get_by_role("combobox").fill("Spanish")
    await page.get_by_role("option", name="Spanish").first.click()
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.locator("li[data-final] p[lang=es]")).to_contain_text("Anna", timeout=WORDS_LIMIT_MS)
    await stop(page)


async def test_little_data_brings_the_same_words(stack: Stack, chromium: Chromium, tmp_path: Path) -> None:
    reference = spoken_meeting(tmp_path / "speech.wav", 2)
    page = await chromium.open(stack, browser=await chromium.browser(tmp_path / "speech.wav"))
    await remember(page, quality="opus")
    await press_start(page)
    await shown_text(page, "office")
    await stop(page)
    assert_words(await finals(page), reference)


async def test_a_microphone_that_is_not_allowed_is_told_with_what_to_do(
    stack: Stack, chromium: Chromium
) -> None:
    browser = await chromium.browser(None, "--use-fake-ui-for-media-stream=deny")
    page = await chromium.open(stack, browser=browser)
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("The microphone is not allowed")
    await check_axe(page)
    await expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()


async def test_an_address_that_gets_no_microphone_is_told(stack: Stack, chromium: Chromium) -> None:
    browser = await chromium.browser(None, "--host-resolver-rules=MAP meeting.test 127.0.0.1")
    page = await chromium.open(stack, "/sessions", browser=browser)
    await page.goto(f"http://meeting.test:{urlsplit(stack.url).port}/")
    await expect(page.get_by_role("alert")).to_contain_text("http from meeting.test")
    await expect(page.get_by_role("button", name="Test the microphone")).to_have_count(0)
    await page.get_by_role("radio", name="File").check()
    await expect(page.get_by_label("Sound or video file")).to_be_visible()
    await expect(page.get_by_role("alert")).to_have_count(0)
    # Chromium remarks on a header that it takes from https only.
    chromium.errors[:] = [told for told in chromium.errors if "Cross-Origin-Opener-Policy" not in told]


async def test_the_microphone_can_be_tested_before_the_start(
    stack: Stack, chromium: Chromium, tmp_path: Path
) -> None:
    spoken_meeting(tmp_path / "speech.wav", 2)
    page = await chromium.open(stack, browser=await chromium.browser(tmp_path / "speech.wav"))
    await page.get_by_role("button", name="Test the microphone").click()
    await expect(page.get_by_role("status").filter(has_text="You are heard")).to_be_visible()
    await page.get_by_role("button", name="End the test").click()
    await expect(page.get_by_test_id("level")).to_have_count(0)


@pytest.mark.parametrize(
    ("locale", "start", "end", "done"),
    [("es", "Empezar", "Detener", "Terminado"), ("de", "Starten", "Beenden", "Fertig")],
)
async def test_the_page_speaks_the_languages_of_its_interface(
    stack: Stack, chromium: Chromium, locale: str, start: str, end: str, done: str
) -> None:
    page = await chromium.open(stack, locale=locale, width=360, height=740)
    await check_axe(page)
    await page.get_by_role("button", name=start, exact=True).click()
    await expect(page.get_by_role("timer")).to_be_visible()
    width = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width <= 0, "the page is wider than a phone"
    await check_axe(page)
    await page.get_by_role("button", name=end, exact=True).click()
    await expect(page.get_by_role("heading", name=done)).to_be_visible()
