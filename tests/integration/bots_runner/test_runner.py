"""A runner from its start to its end against a played API: what it tells, what it obeys, when it goes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dragoman_bots import captured
from dragoman_bots.drivers.base import Active, AdmissionFailed, AwaitingAdmission, Joining, NeedsHelp, People
from dragoman_bots.life import Life, Outcome
from dragoman_bots.reporter import Orphaned, Replaced
from dragoman_bots.runner import RunnerStartFailed, read_start, run_runner
from dragoman_bots.settings import BotRunnerSettings
from dragoman_contracts.bots import (
    BotCause,
    CompletionReason,
    FailureStage,
    RunnerEnv,
    RunnerReport,
    RunnerState,
    RunnerTask,
)
from dragoman_contracts.websocket import CloseCode
from dragoman_runtime.process import Drain
from tests.conftest import Eventually
from tests.integration.bots_runner.fake_api import TOKEN, FakeApi, fake_api
from tests.integration.bots_runner.media_server import (
    Exchange,
    MediaServer,
    media_server,
    raw_wav_head,
    tone,
    wav,
)

QUICK: dict[str, Any] = {"allow_private": True, "open_timeout_s": 3, "read_timeout_s": 1, "reconnect_s": 2}


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    async with fake_api() as running:
        yield running


@pytest.fixture
async def media() -> AsyncIterator[MediaServer]:
    async with media_server() as server:
        yield server


class PlayedDriver:
    """A driver whose steps the test takes; it speaks a tone while it is in."""

    def __init__(self, *news: Any, amplitude: float = 0.5, stubborn: bool = False) -> None:
        self.news = news
        self.amplitude = amplitude
        self.stubborn = stubborn
        self.left = asyncio.Event()
        self.was_asked_to_leave = False
        self.freed = False

    def leave(self) -> None:
        self.was_asked_to_leave = True
        if not self.stubborn:
            self.left.set()

    async def screenshot(self) -> bytes:
        return b"\x89PNG picture"

    async def run(self, task: RunnerTask, sink: Any, tell: Any) -> CompletionReason:
        try:
            for item in self.news:
                if isinstance(item, Exception):
                    raise item
                tell(item)
            while not self.left.is_set():
                if Active() in self.news:
                    sink.feed(tone(0.05, amplitude=self.amplitude).tobytes())
                await asyncio.sleep(0.05)
            return CompletionReason.STOPPED
        finally:
            self.freed = True


def life(api: FakeApi, driver: Any, *, orphan_s: float = 20, **task: Any) -> Life:
    settings = BotRunnerSettings(**(QUICK | {"leave_timeout_s": 1}))
    return Life(api.task("http://x/", **task), driver, settings, api.url, TOKEN, orphan_s=orphan_s)


async def ended(running: Any, limit_s: float = 20) -> Outcome:
    async with asyncio.timeout(limit_s):
        outcome: Outcome = await running
        return outcome


def endless(media: MediaServer, amplitude: float = 0.5) -> str:
    async def script(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.send(raw_wav_head())
        while True:
            await exchange.send(tone(0.1, amplitude=amplitude).tobytes())
            await asyncio.sleep(0.1)

    return media.serve_script("/endless.wav", script)


async def test_a_recording_reaches_the_session_whole_and_the_session_is_ended(
    api: FakeApi, media: MediaServer
) -> None:
    samples = tone(1.5)
    task = api.task(media.serve_bytes("/a.wav", wav(samples)))
    await run_runner(Drain(), settings=BotRunnerSettings(**QUICK), environment=api.environment(task))
    np.testing.assert_array_equal(np.frombuffer(bytes(api.audio), np.int16), samples)
    assert api.ended
    assert api.states[-3:] == [RunnerState.ACTIVE, RunnerState.DONE] or api.states[-1] is RunnerState.DONE
    assert api.last.completion is CompletionReason.MEDIA_ENDED
    assert api.last.audio_ms == 1500
    assert [report.seq for report in api.reports] == sorted({report.seq for report in api.reports})
    assert max(report.peak for report in api.reports) == pytest.approx(0.5, abs=0.01)


async def test_an_endless_source_ends_at_the_longest_time(api: FakeApi, media: MediaServer) -> None:
    task = api.task(endless(media), length_s=1.0)
    await run_runner(Drain(), settings=BotRunnerSettings(**QUICK), environment=api.environment(task))
    assert api.last.completion is CompletionReason.MAX_LENGTH
    assert api.ended


async def test_a_silent_source_is_told_and_left(api: FakeApi, media: MediaServer) -> None:
    task = api.task(endless(media, amplitude=0.0), silence_s=2.5)
    await run_runner(Drain(), settings=BotRunnerSettings(**QUICK), environment=api.environment(task))
    assert api.last.completion is CompletionReason.SILENCE
    assert max(report.silent_ms for report in api.reports) >= 1000
    assert api.audio
    assert max(report.peak for report in api.reports) == 0


async def test_a_stop_order_is_obeyed(api: FakeApi, eventually: Eventually) -> None:
    driver = PlayedDriver(Joining(), Active())
    running = asyncio.create_task(life(api, driver).live(Drain()))
    await eventually(lambda: len(api.audio) > 3200)
    api.order_stop(CompletionReason.STOPPED)
    assert await ended(running) is CompletionReason.STOPPED
    assert driver.was_asked_to_leave
    assert api.ended
    assert api.states[-2:] == [RunnerState.LEAVING, RunnerState.DONE]


async def test_a_signal_to_end_is_obeyed(api: FakeApi, eventually: Eventually) -> None:
    driver, drain = PlayedDriver(Joining(), Active()), Drain()
    running = asyncio.create_task(life(api, driver).live(drain))
    await eventually(lambda: len(api.audio) > 3200)
    drain.start()
    assert await ended(running) is CompletionReason.STOPPED
    assert api.ended
    assert api.last.state is RunnerState.DONE


async def test_a_driver_that_does_not_leave_is_ended(api: FakeApi, eventually: Eventually) -> None:
    driver, drain = PlayedDriver(Joining(), Active(), stubborn=True), Drain()
    running = asyncio.create_task(life(api, driver).live(drain))
    await eventually(lambda: api.audio)
    drain.start()
    assert await ended(running) is CompletionReason.STOPPED
    assert driver.freed


@pytest.mark.parametrize("status", [401, 403, 404, 409, 410])
async def test_a_runner_that_was_replaced_goes_and_leaves_the_session_alone(
    api: FakeApi, eventually: Eventually, status: int
) -> None:
    driver = PlayedDriver(Joining(), Active())
    running = asyncio.create_task(life(api, driver).live(Drain()))
    await eventually(lambda: api.audio)
    api.report_status = status
    assert isinstance(await ended(running), Replaced)
    assert driver.was_asked_to_leave
    assert driver.freed
    assert not api.ended


async def test_a_speaker_who_took_over_replaces_the_runner(api: FakeApi, eventually: Eventually) -> None:
    running = asyncio.create_task(life(api, PlayedDriver(Joining(), Active())).live(Drain()))
    await eventually(lambda: api.audio)
    await api.sockets[-1].close(CloseCode.SUPERSEDED)
    assert isinstance(await ended(running), Replaced)
    assert not api.ended


async def test_a_session_that_was_ended_from_outside_ends_the_bot(
    api: FakeApi, eventually: Eventually
) -> None:
    running = asyncio.create_task(life(api, PlayedDriver(Joining(), Active())).live(Drain()))
    await eventually(lambda: api.audio)
    await api.sockets[-1].close(CloseCode.SESSION_ENDED)
    assert await ended(running) is CompletionReason.SESSION_ENDED
    assert api.last.completion is CompletionReason.SESSION_ENDED


async def test_a_runner_whose_reports_nobody_takes_gives_up(api: FakeApi, eventually: Eventually) -> None:
    driver = PlayedDriver(Joining(), Active())
    running = asyncio.create_task(life(api, driver, orphan_s=1.5).live(Drain()))
    await eventually(lambda: api.reports)
    api.report_status = 503
    assert isinstance(await ended(running), Orphaned)
    assert driver.freed


async def test_reports_that_fail_for_a_moment_are_no_reason_to_go(
    api: FakeApi, eventually: Eventually
) -> None:
    running = asyncio.create_task(life(api, PlayedDriver(Joining(), Active())).live(Drain()))
    await eventually(lambda: api.audio)
    api.report_status = 503
    told = len(api.reports)
    await asyncio.sleep(1)
    api.report_status = 200
    await eventually(lambda: len(api.reports) > told)
    api.order_stop()
    assert await ended(running) is CompletionReason.STOPPED


async def test_a_crash_does_not_end_the_session_and_the_next_generation_goes_on(
    api: FakeApi, eventually: Eventually
) -> None:
    class Crashing(PlayedDriver):
        async def run(self, task: RunnerTask, sink: Any, tell: Any) -> CompletionReason:
            tell(Active())
            for _ in range(10):
                sink.feed(tone(0.1).tobytes())
                await asyncio.sleep(0.05)
            raise RuntimeError("a mistake that holds a secret")

    outcome = await ended(life(api, Crashing()).live(Drain()))
    assert not isinstance(outcome, CompletionReason)
    assert not api.ended
    assert (api.last.stage, api.last.state) == (FailureStage.RUNNING, RunnerState.FAILED)
    assert api.last.cause
    assert api.last.cause.transient
    assert "secret" not in api.last.cause.message
    stored = len(api.audio)
    assert stored
    running = asyncio.create_task(life(api, PlayedDriver(Joining(), Active()), generation=2).live(Drain()))
    await eventually(lambda: len(api.audio) > stored + 3200)
    api.order_stop()
    await ended(running)
    assert api.ended
    assert api.last.generation == 2


async def test_what_keeps_the_session_alive_is_not_told_as_captured_audio(
    api: FakeApi, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(captured, "KEEP_ALIVE_S", 0.5)

    class Mute(PlayedDriver):
        async def run(self, task: RunnerTask, sink: Any, tell: Any) -> CompletionReason:
            tell(Active())
            await self.left.wait()
            return CompletionReason.STOPPED

    running = asyncio.create_task(life(api, Mute()).live(Drain()))
    await eventually(lambda: len(api.audio) >= 2 * len(captured.KEEP_ALIVE))
    assert not any(api.audio)
    api.order_stop()
    await ended(running)
    assert api.last.audio_ms == 0


async def test_nobody_lets_it_in(api: FakeApi) -> None:
    driver = PlayedDriver(Joining(), AwaitingAdmission())
    await ended(life(api, driver, waiting_room_s=0.5).live(Drain()))
    assert api.last.state is RunnerState.FAILED
    assert api.last.stage is FailureStage.ADMISSION
    assert api.last.cause
    assert api.last.cause.code == "not_admitted"
    assert api.screenshot == b"\x89PNG picture"
    assert driver.freed
    assert RunnerState.AWAITING_ADMISSION in api.states
    assert not api.connections


async def test_it_says_that_it_needs_help(api: FakeApi, eventually: Eventually) -> None:
    driver = PlayedDriver(Joining(), NeedsHelp(BotCause(code="captcha", message="a captcha")))
    running = asyncio.create_task(life(api, driver).live(Drain()))
    report: RunnerReport = await eventually(
        lambda: next((r for r in api.reports if r.state is RunnerState.NEEDS_HELP), None)
    )
    assert report.cause == BotCause(code="captcha", message="a captcha")
    api.order_stop()
    assert await ended(running) is CompletionReason.STOPPED
    assert not api.connections


async def test_it_leaves_when_it_is_alone(api: FakeApi) -> None:
    driver = PlayedDriver(Joining(), Active(), People(present=0))
    assert await ended(life(api, driver, alone_s=1.0).live(Drain())) is CompletionReason.ALONE
    assert api.last.participants == 0
    assert api.ended


async def test_a_failure_of_the_driver_is_told_with_its_stage_and_picture(api: FakeApi) -> None:
    failure = AdmissionFailed("refused", "somebody refused it", screenshot=b"\x89PNG seen")
    await ended(life(api, PlayedDriver(Joining(), failure)).live(Drain()))
    assert api.last.stage is FailureStage.ADMISSION
    assert api.last.cause == BotCause(code="refused", message="somebody refused it")
    assert api.screenshot == b"\x89PNG seen"


async def test_a_session_that_cannot_be_reached_is_a_failure_that_may_pass(api: FakeApi) -> None:
    api.socket_close = CloseCode.OVERLOADED
    await ended(life(api, PlayedDriver(Joining(), Active()), orphan_s=1.5).live(Drain()))
    assert api.last.stage is FailureStage.RUNNING
    assert api.last.cause
    assert api.last.cause.transient


# --- the process --------------------------------------------------------------------------------------------


async def run_as_process(environment: dict[str, str], **settings: str) -> asyncio.subprocess.Process:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DRAGOMAN_")}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "dragoman_bots",
        env=kept | environment | {"PYTHONPATH": os.pathsep.join(sys.path)} | settings,
        stderr=subprocess.PIPE,
    )


async def test_the_process_ends_with_0_when_done_and_tells_no_secret(
    api: FakeApi, media: MediaServer, tmp_path: Path
) -> None:
    media.serve_bytes("/a.wav", wav(tone(0.5)))
    url = media.url("/a.wav?password=verborgen").replace("//", "//anna:geheim@")
    process = await run_as_process(
        api.environment(api.task(url)), DRAGOMAN_BOT_RUNNER_ALLOW_PRIVATE="true", DRAGOMAN_LOG_LEVEL="TRACE"
    )
    _, told = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, told.decode()
    assert api.last.completion is CompletionReason.MEDIA_ENDED
    assert b"b1" in told
    for secret in (b"geheim", b"verborgen", b"anna", TOKEN.encode()):
        assert secret not in told


async def test_the_process_ends_with_1_when_it_failed(api: FakeApi, media: MediaServer) -> None:
    process = await run_as_process(
        api.environment(api.task(media.url("/none.wav"))), DRAGOMAN_BOT_RUNNER_ALLOW_PRIVATE="true"
    )
    _, told = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert b"not_found" in told
    assert api.last.state is RunnerState.FAILED


async def test_the_process_leaves_politely_when_it_is_asked_to_end(
    api: FakeApi, media: MediaServer, eventually: Eventually
) -> None:
    process = await run_as_process(
        api.environment(api.task(endless(media))), DRAGOMAN_BOT_RUNNER_ALLOW_PRIVATE="true"
    )
    await eventually(lambda: api.audio)
    process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0
    assert api.last.completion is CompletionReason.STOPPED
    assert api.ended


async def test_a_process_without_a_task_says_so() -> None:
    process = await run_as_process({})
    _, told = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert RunnerEnv.TASK.encode() in told


def test_a_task_that_is_none_is_refused_without_telling_it() -> None:
    with pytest.raises(RunnerStartFailed) as told:
        read_start({RunnerEnv.TASK: '{"url": "geheim"}', RunnerEnv.API_URL: "http://x", RunnerEnv.TOKEN: "t"})
    assert "geheim" not in str(told.value)
