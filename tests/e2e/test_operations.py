"""The other workers under ``dragoman up``: each is killed in the middle of its work, and goes on."""

from __future__ import annotations

import random
import signal
import threading
import wave
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest

from dragoman_whisper.engines.mock_speech import speak

from .conftest import start_up

RATE_HZ = 16_000
BOTS_ON_LOOPBACK = {"DRAGOMAN_BOTS_ALLOW_PRIVATE": "true", "DRAGOMAN_BOT_RUNNER_ALLOW_PRIVATE": "true"}
NUMBERS = random.Random(7).sample(range(65_536), 40)
"""Twelve seconds of mock speech."""
WORDS = [f"w{number:05d}" for number in NUMBERS]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[str]:
    """URL of a recording in which ``NUMBERS`` are said."""
    folder = tmp_path / "media"
    folder.mkdir()
    quiet = np.zeros(RATE_HZ, dtype=np.float32)
    samples = np.concatenate([quiet, speak(NUMBERS), quiet])
    with wave.open(str(folder / "talk.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/talk.wav"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, httpx.Client]]:
    """One for all tests: each leaves it whole, but for the last one."""
    up = start_up(tmp_path_factory.mktemp("up"), "--profile", "mock", **BOTS_ON_LOOPBACK)
    headers = {"authorization": f"Bearer {up.key}"}
    with httpx.Client(base_url=up.url, headers=headers, timeout=20, trust_env=False) as http:
        yield up, http
    up.end()


def bot_is(http: httpx.Client, bot_id: str, *states: str) -> dict[str, Any] | None:
    bot: dict[str, Any] = http.get(f"/v1/bots/{bot_id}").json()
    assert bot["state"] != "failed" or "failed" in states, bot
    return bot if bot["state"] in states else None


def runners(up: Any) -> list[psutil.Process]:
    """The runners of this system's bots: they are no children of it."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("DRAGOMAN_BOT_RUNNER_ENDS_WITH_PID") != str(up.process.pid):
                continue
            if "dragoman_bots" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue  # it has ended meanwhile
    return found


def said(http: httpx.Client, bot_id: str) -> list[str]:
    return http.get(f"/v1/bots/{bot_id}/transcript", params={"format": "txt"}).text.split()


def has_words(http: httpx.Client, bot_id: str) -> bool:
    bot = http.get(f"/v1/bots/{bot_id}").json()
    return bool(bot["report"] and bot["report"]["audio_ms"] >= 4_000)


def ask_for_a_bot(http: httpx.Client, url: str) -> str:
    answer = http.post("/v1/bots", json={"driver": "media", "url": url})
    assert answer.is_success, answer.text
    return str(answer.json()["id"])


async def test_a_bot_goes_on_while_its_worker_is_killed(system: Any, recording: str, eventually: Any) -> None:
    up, http = system
    bot_id = ask_for_a_bot(http, recording)
    await eventually(lambda: bot_is(http, bot_id, "active"), limit_s=40, what="the bot is active")
    [runner] = runners(up)
    up.child("worker", "bots").kill()
    up.wait_for(r"bots\s+│ was ended by SIGKILL; starts again")
    bot = await eventually(lambda: bot_is(http, bot_id, "completed"), limit_s=60, what="the bot is done")
    assert (bot["completion"], bot["restarts"], bot["attempt"]) == ("media_ended", 0, 1)
    assert [entry["state"] for entry in bot["history"]] == [
        "requested", "starting", "joining", "active", "stopping", "completed",
    ]  # fmt: skip
    assert said(http, bot_id) == WORDS
    await eventually(lambda: not runner.is_running() and not runners(up), what="no runner is left")


async def test_a_runner_that_is_killed_is_replaced_in_the_same_session(
    system: Any, recording: str, eventually: Any
) -> None:
    up, http = system
    bot_id = ask_for_a_bot(http, recording)
    await eventually(lambda: has_words(http, bot_id), limit_s=40, what="some words")
    [runner] = runners(up)
    runner.kill()
    bot = await eventually(lambda: bot_is(http, bot_id, "completed"), limit_s=80, what="the bot is done")
    assert bot["restarts"] == 1
    crash = next(entry for entry in bot["history"] if entry["seq"] > 4)
    assert crash["cause"]["code"]
    words = said(http, bot_id)
    # A recording goes on where it was left; a word that was cut there is cut in two.
    assert len(words) >= len(NUMBERS) - 1
    assert [word for word in words if word not in WORDS] == []
    assert words == sorted(set(words), key=WORDS.index)


async def test_a_change_of_the_configuration_outlasts_the_death_of_its_worker(
    system: Any, eventually: Any
) -> None:
    up, http = system
    up.child("worker", "config").kill()
    told = http.patch("/v1/config", json={"whisper": {"beam_size": 3}})
    assert told.status_code == 202, told.text
    up.wait_for(r"config\s+│ was ended by SIGKILL; starts again")
    change = told.headers["location"]
    await eventually(
        lambda: http.get(change).json()["state"] == "applied", limit_s=40, what="the change is made"
    )
    assert http.get("/v1/config").json()["version"] == 1
    rolled_back = http.post("/v1/config/rollback", json={"to_version": 0}, headers={"prefer": "wait=10"})
    assert rolled_back.is_success, rolled_back.text


async def test_a_monitor_that_is_killed_goes_on_and_tells_what_is_gone(system: Any, eventually: Any) -> None:
    up, http = system

    def overview() -> dict[str, Any] | None:
        answer = http.get("/v1/system/overview")
        return dict(answer.json()) if answer.is_success else None

    def services() -> dict[str, str]:
        seen = overview() or {"services": []}
        return {service["name"].partition(" ")[0]: service["state"] for service in seen["services"]}

    first = await eventually(overview, limit_s=30, what="an overview")
    up.child("worker", "monitoring").kill()
    up.wait_for(r"monitoring\s+│ was ended by SIGKILL; starts again")

    def from_another() -> bool:
        seen = overview()
        return seen is not None and seen["monitor"] != first["monitor"]

    await eventually(from_another, limit_s=40, what="an overview of the next monitor")
    whisper = up.child("dragoman_orchestration.cli", "whisper")
    whisper.send_signal(signal.SIGSTOP)
    await eventually(
        lambda: services().get("whisper", "ok") != "ok", limit_s=30, what="the service counts as away"
    )
    whisper.send_signal(signal.SIGCONT)
    await eventually(lambda: services().get("whisper") == "ok", limit_s=30, what="the service is back")


async def test_a_bot_does_not_outlive_a_system_that_is_killed(
    system: Any, recording: str, eventually: Any
) -> None:
    up, http = system
    bot_id = ask_for_a_bot(http, recording)
    await eventually(lambda: bot_is(http, bot_id, "active"), limit_s=40, what="the bot is active")
    assert len(runners(up)) == 1
    up.process.kill()
    up.wait_end()
    assert up.survivors() == []
    await eventually(lambda: not runners(up), limit_s=30, what="the runner has ended")
