"""People in the tests' meeting: a Chromium each, that opens the page and speaks a recording."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

LOOPBACK_MEDIA = (
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
)
"""With these two Chromiums of one machine hear each other without any other network."""
BROWSER_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)
"""A browser that asks nobody and fetches nothing; it has a microphone that beeps, or plays a file."""


@dataclass
class Person:
    """One browser; ``leave`` ends it."""

    name: str
    process: subprocess.Popen[bytes]
    profile: str

    def leave(self) -> None:
        """Close the browser, all of it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)


def chromium() -> str | None:
    """Chromium's path, if it is installed."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def chromium_or_skip() -> str:
    """Chromium's path; without one the test is skipped and says why."""
    path = chromium()
    if path is None:
        pytest.skip("no Chromium is on PATH: meetings need one for the people and one for the bot")
    return path


def start_person(url: str, name: str) -> Person:
    """A browser that opens ``url``."""
    profile = tempfile.mkdtemp(prefix="dragoman-test-person-")
    process = subprocess.Popen(
        [
            chromium_or_skip(),
            "--headless",
            *BROWSER_FLAGS,
            *LOOPBACK_MEDIA,
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            f"--user-data-dir={profile}",
            "--remote-debugging-port=0",  # keeps a headless Chromium open on the page
            url,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return Person(name, process, profile)


def end_people(people: Sequence[Person]) -> None:
    """Everybody goes home."""
    for person in people:
        person.leave()
