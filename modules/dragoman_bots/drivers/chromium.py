"""A Chromium of one bot's own: started with a fresh profile, really gone at the end.

It is started here and not by Playwright, which connects to it: so its process group is known and can be
killed when it hangs, and the kernel kills it when the runner dies.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import shutil
import signal
import sys
from pathlib import Path

from loguru import logger

from dragoman_bots.drivers.base import JoinFailed, RequestRefused
from dragoman_bots.drivers.profile import Profile
from dragoman_bots.settings import BotRunnerSettings
from dragoman_runtime.ports import LOOPBACK

START_TIMEOUT_S = 30.0
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_PR_SET_PDEATHSIG = 1
"""prctl(2)."""

ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
    # Devices that every machine has; what pages get of them is silence (capture.js).
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--remote-debugging-port=0",
    "--window-size=1280,720",
)


def find_chromium(settings: BotRunnerSettings) -> str:
    """The browser's path.

    Raises:
        RequestRefused: there is none.

    """
    names = (settings.chromium,) if settings.chromium else NAMES
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        raise RequestRefused(
            "no_browser",
            "there is no Chromium where the runner runs",
            remedy="Install Chromium, or name it in DRAGOMAN_BOT_RUNNER_CHROMIUM.",
        )
    return path


def arguments_of(
    settings: BotRunnerSettings, profile: str, *, proxy_url: str = "", capture_port: int = 0
) -> list[str]:
    """How Chromium is started; all but the capture's socket goes through the proxy, if one is given."""
    arguments = [*ARGUMENTS, f"--user-data-dir={profile}"]
    if settings.headless:
        arguments.append("--headless")
    if settings.sandbox == "off" or (settings.sandbox == "auto" and os.geteuid() == 0):
        arguments.append("--no-sandbox")
    if proxy_url:
        # Loopback goes through the proxy, too, which refuses it.
        arguments.append(f"--proxy-server={proxy_url}")
        arguments.append(f"--proxy-bypass-list=<-loopback>;{LOOPBACK}:{capture_port}")
    return [*arguments, *settings.chromium_args.split(), "about:blank"]


class Chromium:
    """A running browser; use it as an async context manager. ``endpoint`` is its DevTools socket."""

    def __init__(self, settings: BotRunnerSettings, *, proxy_url: str = "", capture_port: int = 0) -> None:
        self.endpoint = ""
        self._settings = settings
        self._proxy_url = proxy_url
        self._capture_port = capture_port
        self._profile: Profile | None = None
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Chromium:
        """Start it.

        Raises:
            RequestRefused: there is none.
            JoinFailed: it does not start.

        """
        path = find_chromium(self._settings)
        self._profile = await asyncio.to_thread(Profile)
        try:
            await self._start(path, self._profile.path)
        except BaseException:
            await self.kill()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Kill it."""
        await self.kill()

    @property
    def pid(self) -> int:
        """Its process, which leads a group of its own."""
        return self._process.pid if self._process is not None else 0

    async def exited(self) -> int:
        """Wait until it is gone; its exit code."""
        assert self._process is not None  # noqa: S101
        return await self._process.wait()

    async def kill(self) -> None:
        """End all of its processes and remove its profile."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
        if self._profile is not None:
            profile, self._profile = self._profile, None
            await asyncio.to_thread(profile.remove)

    async def _start(self, path: str, profile: Path) -> None:
        arguments = arguments_of(
            self._settings, str(profile), proxy_url=self._proxy_url, capture_port=self._capture_port
        )
        self._process = await asyncio.create_subprocess_exec(
            path,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            # It writes URLs into its log.
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_runner if sys.platform == "linux" else None,
        )
        told = profile / "DevToolsActivePort"
        exited = asyncio.ensure_future(self._process.wait())
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                while not (text := _read(told)) or len(text.split()) < 2:
                    if exited.done():
                        raise JoinFailed(
                            "browser_start_failed",
                            f"Chromium ended at once ({exited.result()})",
                            transient=True,
                        )
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise JoinFailed(
                "browser_start_failed", f"Chromium did not start within {START_TIMEOUT_S:g} s", transient=True
            ) from None
        finally:
            exited.cancel()
        port, socket_path = text.split()[:2]
        self.endpoint = f"ws://{LOOPBACK}:{port}{socket_path}"
        logger.debug("Chromium runs as process {}", self._process.pid)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_runner() -> None:
    """In the child, before it becomes Chromium: it must not stay in a meeting when its runner was killed."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
