"""The whole runner with a browser: what the API is told when nobody admits it, when it is alone, killed, …"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psutil
import pytest

from dragoman_bots.drivers.browser import BrowserDriver
from dragoman_bots.life import Life
from dragoman_bots.settings import BotRunnerSettings
from dragoman_contracts.bots import CompletionReason, FailureStage, RunnerState
from dragoman_runtime.process import Drain
from tests.conftest import Eventually
from tests.integration.bots_runner.fake_api import TOKEN, FakeApi, fake_api
from tests.meeting import Meeting, chromium_or_skip, running_meeting
from tests.meeting.people import LOOPBACK_MEDIA

BOT = "Dragoman bot"
LIMIT_S = 40.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


@pytest.fixture(autouse=True)
def _needs_chromium() -> None:
    chromium_or_skip()


@pytest.fixture
def meeting() -> Iterator[Meeting]:
    with running_meeting() as running:
        yield running


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    async with fake_api() as running:
        yield running


def life(api: FakeApi, url: str, **task: Any) -> Life:
    settings = BotRunnerSettings(allow_private=True, chromium_args=" ".join(LOOPBACK_MEDIA))
    asked = api.task(url, driver="browser", display_name=BOT, **task)
    return Life(asked, BrowserDriver(settings), settings, api.url, TOKEN)


async def test_nobody_admits_it_in_time(api: FakeApi, meeting: Meeting) -> None:
    meeting.lobby = True
    await asyncio.wait_for(life(api, meeting.url, waiting_room_s=1.5).live(Drain()), LIMIT_S)
    assert RunnerState.AWAITING_ADMISSION in api.states
    assert api.last.stage is FailureStage.ADMISSION
    assert api.last.cause
    assert (api.last.cause.code, api.last.cause.transient) == ("not_admitted", False)
    assert api.screenshot.startswith(b"\x89PNG")
    assert not meeting.waiting


async def test_it_goes_when_everybody_else_has_gone(
    api: FakeApi, meeting: Meeting, eventually: Eventually
) -> None:
    anna = meeting.joins("Anna")
    running = asyncio.create_task(life(api, meeting.url, alone_s=2.0).live(Drain()))
    await eventually(lambda: api.reports and api.last.participants == 1, limit_s=LIMIT_S)
    await asyncio.to_thread(anna.leave)
    assert await asyncio.wait_for(running, LIMIT_S) is CompletionReason.ALONE
    assert api.last.completion is CompletionReason.ALONE
    await eventually(lambda: not meeting.inside)


async def test_a_runner_that_is_killed_takes_its_browser_with_it(
    api: FakeApi, meeting: Meeting, eventually: Eventually
) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DRAGOMAN_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "dragoman_bots",
        env={
            **kept,
            **api.environment(api.task(meeting.url, driver="browser", display_name=BOT)),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "DRAGOMAN_BOT_RUNNER_ALLOW_PRIVATE": "true",
            "DRAGOMAN_BOT_RUNNER_CHROMIUM_ARGS": " ".join(LOOPBACK_MEDIA),
        },
        stderr=subprocess.DEVNULL,
    )
    await eventually(lambda: meeting.inside == [BOT], limit_s=LIMIT_S)
    family = psutil.Process(process.pid).children(recursive=True)
    assert any("chrom" in child.name() for child in family)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    deadline = time.monotonic() + 20
    _, alive = await asyncio.to_thread(psutil.wait_procs, family, timeout=max(0, deadline - time.monotonic()))
    assert not [child for child in alive if child.status() != psutil.STATUS_ZOMBIE]
    await eventually(lambda: not meeting.inside)
    assert not api.ended
