"""The browser driver in a real meeting: Chromium on both sides, WebRTC between them, no internet."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from dragoman_bots.drivers import browser as browser_module
from dragoman_bots.drivers import visit
from dragoman_bots.drivers.base import (
    Active,
    AdmissionFailed,
    AwaitingAdmission,
    CaptureFailed,
    DriverFailed,
    JoinFailed,
    Joining,
    NeedsHelp,
    News,
    People,
    RequestRefused,
    RunningFailed,
)
from dragoman_bots.drivers.browser import BrowserDriver
from dragoman_bots.drivers.capture import Capture
from dragoman_bots.settings import BotRunnerSettings
from dragoman_contracts.bots import BotRequest, CompletionReason, RunnerTask
from tests.conftest import Eventually
from tests.integration.bots_runner.media_server import RATE_HZ, media_server, samples_of, tone, wav
from tests.meeting import Meeting, chromium_or_skip, running_meeting
from tests.meeting.meeting import STRICT_CSP
from tests.meeting.people import LOOPBACK_MEDIA

FIXTURES = Path(__file__).parents[2] / "fixtures" / "audio"
SPEECH = FIXTURES / "en_seen_00.wav"
BOT = "Dragoman bot"
LIMIT_S = 40.0
ALIKE = 0.6
"""About 0.95 on a machine at rest; one that is busy loses packets. Other speech stays below 0.5."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


@pytest.fixture(autouse=True)
def _needs_chromium() -> None:
    chromium_or_skip()


@pytest.fixture
def meeting() -> Iterator[Meeting]:
    with running_meeting() as running:
        yield running


class Bot:
    """A driver at work, and what it hears and tells."""

    def __init__(self, **settings: Any) -> None:
        self.pcm = bytearray()
        self.news: list[News] = []
        self.settings = BotRunnerSettings(
            **(
                {
                    "allowed_networks": "127.0.0.0/8",
                    "chromium_args": " ".join(LOOPBACK_MEDIA),
                    "join_timeout_s": 20,
                }
                | settings
            )
        )
        self.driver = BrowserDriver(self.settings)
        self.running: asyncio.Task[CompletionReason] | None = None

    def feed(self, pcm: bytes) -> None:
        self.pcm += pcm

    def start(self, url: str, **request: Any) -> None:
        asked = BotRequest(driver="browser", url=url, display_name=BOT, **request)
        task = RunnerTask(
            bot_id="b1",
            session_id="s1",
            generation=1,
            request=asked,
            waiting_room_s=60,
            alone_s=60,
            silence_s=60,
            length_s=60,
        )
        self.running = asyncio.create_task(self.driver.run(task, self, self.news.append))

    async def end(self, limit_s: float = LIMIT_S) -> CompletionReason:
        assert self.running is not None
        async with asyncio.timeout(limit_s):
            return await self.running

    async def failure(self) -> DriverFailed:
        with pytest.raises(DriverFailed) as told:
            await self.end()
        return told.value

    def told(self, kind: type[News]) -> list[Any]:
        return [news for news in self.news if isinstance(news, kind)]

    @property
    def people(self) -> People:
        return self.told(People)[-1] if self.told(People) else People()

    @property
    def samples(self) -> np.ndarray:
        return np.frombuffer(bytes(self.pcm), np.int16)


@asynccontextmanager
async def joined(url: str, eventually: Eventually, **settings: Any) -> AsyncIterator[Bot]:
    """A bot that is in; gone at the end, with all of its processes."""
    bot = Bot(**settings)
    bot.start(url)
    try:
        await eventually(lambda: bot.told(Active) or bot.running.done(), limit_s=LIMIT_S, what="joined")  # type: ignore[union-attr]
        assert bot.running is not None
        if bot.running.done():
            bot.running.result()
        yield bot
    finally:
        assert bot.running is not None
        bot.running.cancel()
        await asyncio.gather(bot.running, return_exceptions=True)


def browsers() -> list[psutil.Process]:
    """Chromiums that this process drives: those with a bot's profile."""
    found = []
    for process in psutil.process_iter():
        try:
            if any("user-data-dir=" in part and "dragoman-bot-" in part for part in process.cmdline()):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    mine = {child.pid for child in psutil.Process().children(recursive=True)}
    return [process for process in found if process.pid in mine]


def profile_of(process: psutil.Process) -> Path:
    text = next(part for part in process.cmdline() if "user-data-dir=" in part)
    return Path(text.partition("user-data-dir=")[2])


def best_match(heard: np.ndarray, reference: np.ndarray) -> tuple[int, float]:
    """Where the reference is in what was heard, and how well it correlates there."""
    x, r = heard.astype(float), reference.astype(float)
    size = len(x) + len(r)
    fit = np.fft.irfft(np.fft.rfft(x, size) * np.conj(np.fft.rfft(r, size)), size)[: len(x)]
    at = int(np.argmax(fit))
    piece = x[at : at + len(r)]
    return at, float(np.corrcoef(piece, r[: len(piece)])[0, 1])


def likeness(heard: np.ndarray, reference: np.ndarray) -> float:
    """How like the reference it is, in pieces of 200 ms: the jitter buffer stretches time a bit."""
    at, _ = best_match(heard, reference)
    size, slack = RATE_HZ // 5, RATE_HZ // 2
    found = []
    for start in range(0, len(reference) - size, size):
        piece = reference[start : start + size]
        if level(piece) > level(reference) / 2:
            near = heard[max(0, at + start - slack) : at + start + size + slack]
            found.append(best_match(near, piece)[1])
    return float(np.median(found))


def test_other_speech_is_not_alike() -> None:
    reference = samples_of(SPEECH)
    assert likeness(reference, reference) > 0.99
    for other in ("en_seen_01", "en_seen_02", "en_heldout_00"):
        assert likeness(samples_of(FIXTURES / f"{other}.wav"), reference) < 0.5


def level(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples.astype(float) ** 2)))


async def test_it_joins_muted_posts_its_notice_and_hears_what_is_said(
    meeting: Meeting, eventually: Eventually
) -> None:
    meeting.csp = STRICT_CSP
    meeting.speaks("Anna", SPEECH)
    bot = Bot()
    bot.start(meeting.url, notice="This meeting is transcribed.")
    await eventually(lambda: meeting.spoken, limit_s=LIMIT_S, what="Anna has spoken")
    await eventually(lambda: len(bot.samples) / RATE_HZ > 3, what="all of it arrived")
    await eventually(lambda: bot.people == People(present=1, speaking=0), what="nobody speaks")
    assert BOT in meeting.inside
    bot.driver.leave()
    assert await bot.end() is CompletionReason.STOPPED
    reference = samples_of(SPEECH)
    assert likeness(bot.samples, reference) > ALIKE
    at, _ = best_match(bot.samples, reference)
    # Once, not twice: what is beside it is silence.
    rest = np.concatenate(
        [bot.samples[: max(0, at - RATE_HZ // 2)], bot.samples[at + len(reference) + RATE_HZ // 2 :]]
    )
    assert level(rest) < level(reference) / 10
    assert level(bot.samples[at : at + len(reference)]) == pytest.approx(level(reference), rel=0.35)
    assert meeting.chat == [(BOT, "This meeting is transcribed.")]
    assert BOT in meeting.muted
    assert bot.news[:2] == [Joining(), Active()]
    assert People(present=1, speaking=1) in bot.news
    await eventually(lambda: meeting.inside == ["Anna"])
    assert not browsers()


async def test_without_a_socket_the_audio_comes_by_the_binding(
    meeting: Meeting, eventually: Eventually, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    class Deaf(Capture):
        def script(self) -> str:
            return super().script().replace(f":{self.port}/", f":{free_port}/")

    monkeypatch.setattr(browser_module, "Capture", Deaf)
    meeting.speaks("Anna", SPEECH)
    async with joined(meeting.url, eventually, allow_private=True) as bot:
        await eventually(lambda: meeting.spoken, limit_s=LIMIT_S)
        await eventually(lambda: len(bot.samples) / RATE_HZ > 3)
        assert likeness(bot.samples, samples_of(SPEECH)) > ALIKE


async def test_two_people_are_mixed_and_who_comes_back_is_heard_again(
    meeting: Meeting, eventually: Eventually, tmp_path: Path
) -> None:
    low, high = tmp_path / "low.wav", tmp_path / "high.wav"
    low.write_bytes(wav(tone(20.0, 300, 0.3)))
    high.write_bytes(wav(tone(20.0, 1000, 0.3)))

    def loud(hz: float) -> bool:
        last = bot.samples[-RATE_HZ // 2 :].astype(float)
        spectrum = np.abs(np.fft.rfft(last)) / len(last)
        return bool(spectrum[round(hz * len(last) / RATE_HZ)] > 500)

    anna = meeting.speaks("Anna", low)
    async with joined(meeting.url, eventually) as bot:
        meeting.speaks("Bob", high)
        await eventually(lambda: loud(300) and loud(1000), limit_s=LIMIT_S, what="both are heard")
        assert bot.people.present == 2
        await asyncio.to_thread(anna.leave)
        await eventually(lambda: not loud(300) and loud(1000), limit_s=LIMIT_S, what="one is gone")
        await eventually(lambda: bot.people.present == 1)
        meeting.speaks("Anna again", low)
        await eventually(lambda: loud(300) and loud(1000), limit_s=LIMIT_S, what="she is back")


async def test_it_waits_in_the_lobby_until_it_is_admitted(meeting: Meeting, eventually: Eventually) -> None:
    meeting.lobby = True
    bot = Bot()
    bot.start(meeting.url)
    await eventually(lambda: bot.told(AwaitingAdmission), limit_s=LIMIT_S)
    assert not bot.told(Active)
    assert meeting.waiting == [BOT]
    meeting.admit(BOT)
    await eventually(lambda: bot.told(Active), limit_s=LIMIT_S)
    bot.driver.leave()
    assert await bot.end() is CompletionReason.STOPPED


async def test_it_leaves_the_lobby_when_told(meeting: Meeting, eventually: Eventually) -> None:
    meeting.lobby = True
    bot = Bot()
    bot.start(meeting.url)
    await eventually(lambda: bot.told(AwaitingAdmission), limit_s=LIMIT_S)
    bot.driver.leave()
    assert await bot.end() is CompletionReason.STOPPED
    await eventually(lambda: not meeting.waiting)


async def test_a_refusal_is_told_with_a_picture(meeting: Meeting, eventually: Eventually) -> None:
    meeting.lobby = True
    bot = Bot()
    bot.start(meeting.url)
    await eventually(lambda: bot.told(AwaitingAdmission), limit_s=LIMIT_S)
    meeting.refuse(BOT)
    told = await bot.failure()
    assert isinstance(told, AdmissionFailed)
    assert (told.cause.code, told.cause.transient) == ("refused", False)
    assert told.screenshot.startswith(b"\x89PNG")


async def test_a_captcha_needs_a_person(meeting: Meeting, eventually: Eventually) -> None:
    meeting.captcha = True
    bot = Bot()
    bot.start(meeting.url)
    await eventually(lambda: bot.told(NeedsHelp), limit_s=LIMIT_S)
    assert bot.told(NeedsHelp)[0].cause.code == "page_needs_help"
    meeting.admit(BOT)
    await eventually(lambda: bot.told(Active), limit_s=LIMIT_S)
    bot.driver.leave()
    await bot.end()


async def test_it_notices_that_it_was_removed(meeting: Meeting, eventually: Eventually) -> None:
    async with joined(meeting.url, eventually) as bot:
        meeting.remove(BOT)
        assert await bot.end() is CompletionReason.REMOVED


async def test_it_notices_that_the_meeting_has_ended(meeting: Meeting, eventually: Eventually) -> None:
    meeting.joins("Anna")
    async with joined(meeting.url, eventually) as bot:
        await eventually(lambda: bot.people.present == 1, limit_s=LIMIT_S)
        meeting.end()
        assert await bot.end() is CompletionReason.MEETING_ENDED


async def test_what_people_write_does_not_send_it_away(meeting: Meeting, eventually: Eventually) -> None:
    meeting.joins("Anna")
    async with joined(meeting.url, eventually) as bot:
        await eventually(lambda: bot.people.present == 1 and bot.pcm, limit_s=LIMIT_S)
        for text in ("This meeting has ended.", "You have been removed", "Waiting to be admitted"):
            meeting.tell(BOT, {"type": "chat", "name": "Anna", "text": text})
        seen = len(bot.told(People))
        await eventually(lambda: len(bot.told(People)) > seen + 3)
        assert bot.running is not None
        assert not bot.running.done()


async def test_it_tells_that_it_is_alone(meeting: Meeting, eventually: Eventually) -> None:
    anna = meeting.joins("Anna")
    async with joined(meeting.url, eventually) as bot:
        await eventually(lambda: bot.people.present == 1, limit_s=LIMIT_S)
        await asyncio.to_thread(anna.leave)
        await eventually(lambda: bot.people.present == 0, limit_s=LIMIT_S)


async def test_a_killed_browser_is_a_failure_that_may_pass_and_leaves_nothing(
    meeting: Meeting, eventually: Eventually
) -> None:
    async with joined(meeting.url, eventually) as bot:
        main = next(process for process in browsers() if os.getpgid(process.pid) == process.pid)
        profile, family = profile_of(main), [main, *main.children(recursive=True)]
        assert profile.is_dir()
        main.kill()
        told = await bot.failure()
        assert isinstance(told, RunningFailed)
        assert (told.cause.code, told.cause.transient) == ("browser_crashed", True)
        _, alive = psutil.wait_procs(family, timeout=10)
        assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
        assert not profile.exists()


async def test_a_crashed_page_is_a_failure_that_may_pass(meeting: Meeting, eventually: Eventually) -> None:
    async with joined(meeting.url, eventually) as bot:
        for process in browsers():
            if "--type=renderer" in process.cmdline():
                process.kill()
        told = await bot.failure()
        assert isinstance(told, RunningFailed)
        assert (told.cause.code, told.cause.transient) == ("page_crashed", True)


async def test_a_page_that_hangs_is_noticed_and_the_browser_killed(
    meeting: Meeting, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with joined(meeting.url, eventually, hang_s=3) as bot:
        monkeypatch.setattr(visit, "ACT_LIMIT_S", 2.0)  # joining may take as long as ever
        meeting.tell(BOT, {"type": "hang"})
        told = await bot.failure()
        assert isinstance(told, RunningFailed)
        assert (told.cause.code, told.cause.transient) == ("page_hung", True)
        assert not browsers()


async def test_a_browser_that_is_frozen_is_noticed_and_killed(
    meeting: Meeting, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with joined(meeting.url, eventually, hang_s=3) as bot:
        monkeypatch.setattr(visit, "ACT_LIMIT_S", 2.0)  # joining may take as long as ever
        main = next(process for process in browsers() if os.getpgid(process.pid) == process.pid)
        family = [main, *main.children(recursive=True)]
        os.killpg(main.pid, signal.SIGSTOP)
        told = await bot.failure()
        assert isinstance(told, RunningFailed)
        assert (told.cause.code, told.cause.transient) == ("page_hung", True)
        _, alive = psutil.wait_procs(family, timeout=10)
        assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


async def test_a_meeting_that_is_left_behind_is_lost(meeting: Meeting, eventually: Eventually) -> None:
    async with joined(meeting.url, eventually, hang_s=2) as bot:
        meeting.tell(BOT, {"type": "screen", "screen": "prejoin"})
        told = await bot.failure()
        assert isinstance(told, RunningFailed)
        assert told.cause.code == "meeting_lost"
        assert told.screenshot.startswith(b"\x89PNG")


async def test_hooks_that_are_not_in_the_page_are_no_silent_bot(
    meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Capture, "script", lambda _: "// nothing")
    bot = Bot()
    bot.start(meeting.url)
    told = await bot.failure()
    assert isinstance(told, CaptureFailed)
    assert told.cause.code == "no_hooks"


@pytest.mark.parametrize(
    ("path", "code", "transient"), [("/none", "not_found", False), ("/broken", "refused", True)]
)
async def test_a_link_that_leads_nowhere_is_told(path: str, code: str, transient: bool) -> None:
    async with media_server() as server:

        async def broken(exchange: Any) -> None:
            await exchange.answer(b"sorry", "text/html", "503 Service Unavailable")

        server.serve_script("/broken", broken)
        bot = Bot()
        bot.start(server.url(path))
        told = await bot.failure()
    assert isinstance(told, JoinFailed)
    assert (told.cause.code, told.cause.transient) == (code, transient)


@pytest.mark.parametrize("through_the_proxy", [False, True])
async def test_nobody_at_the_link_may_be_tried_again(free_port: int, through_the_proxy: bool) -> None:
    bot = Bot(allow_private=not through_the_proxy)
    bot.start(f"http://127.0.0.1:{free_port}/m/room")
    told = await bot.failure()
    assert isinstance(told, JoinFailed)
    assert (told.cause.code, told.cause.transient) == ("unreachable", True)


async def test_a_link_into_this_network_is_refused_before_a_browser_starts(meeting: Meeting) -> None:
    bot = Bot(allowed_networks="")
    bot.start(meeting.url)
    told = await bot.failure()
    assert isinstance(told, RequestRefused)
    assert told.cause.code == "address_forbidden"


async def test_a_page_that_leads_into_this_network_is_refused(meeting: Meeting) -> None:
    async with media_server() as server:

        async def redirect(exchange: Any) -> None:
            inner = meeting.url.replace("127.0.0.1", "127.0.0.2")
            await exchange.begin("302 Found", "text/plain", f"Location: {inner}", "Content-Length: 0")

        bot = Bot(allowed_networks="127.0.0.1")
        bot.start(server.serve_script("/lead", redirect))
        told = await bot.failure()
    assert isinstance(told, RequestRefused)
    assert told.cause.code == "address_forbidden"


@pytest.mark.parametrize(
    ("url", "request_", "settings", "code"),
    [
        ("ftp://meet.example.org/x", {}, {}, "invalid_url"),
        ("https://[::1", {}, {}, "invalid_url"),
        ("file:///etc/passwd", {}, {}, "invalid_url"),
        ("http://127.0.0.1/", {"recipe": "of_nobody"}, {}, "unknown_recipe"),
        ("http://127.0.0.1/", {}, {"chromium": "/no/such/browser"}, "no_browser"),
    ],
)
async def test_what_is_not_possible_is_refused_for_good(
    url: str, request_: dict[str, Any], settings: dict[str, Any], code: str
) -> None:
    bot = Bot(**settings)
    bot.start(url, **request_)
    told = await bot.failure()
    assert isinstance(told, RequestRefused)
    assert (told.cause.code, told.cause.transient) == (code, False)


async def test_a_recipe_of_ones_own_that_nobody_verified_says_so(
    meeting: Meeting, eventually: Eventually, tmp_path: Path, log_lines: list[str]
) -> None:
    (tmp_path / "own.toml").write_text(
        'name = "own"\ntitle = "Own"\nverified = false\n'
        '[[join]]\ndo = "fill"\ntarget = "#name"\nvalue = "{display_name}"\n'
        '[[join]]\ndo = "click"\ntarget = "#join"\n[states]\nin_meeting = ["#leave"]\n'
    )
    bot = Bot(recipes=str(tmp_path))
    bot.start(meeting.url, recipe="own")
    await eventually(lambda: bot.told(Active), limit_s=LIMIT_S)
    assert bot.told(Active)[0].remark.code == "recipe_unverified"
    assert any("own" in line and line.startswith("WARNING") for line in log_lines)
    # It cannot see people, so it does not say that there are none.
    await eventually(lambda: bot.told(People))
    assert bot.people == People(None, None)
    bot.driver.leave()
    await bot.end()
