"""Tells the API every second, and at once when something changed, how the runner is; and hears its orders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import msgspec
from loguru import logger

from dragoman_contracts.bots import (
    REPORT_EVERY_S,
    RUNNER_ORPHAN_S,
    RunnerOrders,
    RunnerReport,
    reports_path,
)
from dragoman_contracts.errors import DragomanError

POST_TIMEOUT_S = 5.0
FIRST_RETRY_S, LAST_RETRY_S = 0.2, 2.0
_REVOKED = frozenset({401, 403, 404, 409, 410})
"""The token is none any more, the bot is gone, or another runner has its place."""


class Replaced(DragomanError):
    """Another runner has the bot now, or nobody knows the bot: leave at once, touch nothing."""

    code = "fenced"
    default_remedy = "Nothing to do: the bot goes on elsewhere, or was given up."


class Orphaned(DragomanError):
    """Nobody has taken a report for ``RUNNER_ORPHAN_S``."""

    code = "orphaned"
    permanent = False
    default_remedy = "Check that the API runs and that the runner reaches it."


class Reporter:
    """Posts reports; use ``run`` as a task, ``changed`` when there is news, ``finish`` for the last one.

    Args:
        api_url: Base URL of the API.
        token: The runner's.
        bot_id: Of the bot.
        report: Makes the next report.
        on_stop: Called with the orders when the runner is to leave.
        orphan_s: Seconds without an answer until nobody is there.

    """

    def __init__(
        self,
        api_url: str,
        token: str,
        bot_id: str,
        report: Callable[[], RunnerReport],
        on_stop: Callable[[RunnerOrders], None],
        *,
        orphan_s: float = RUNNER_ORPHAN_S,
    ) -> None:
        self._path = reports_path(bot_id)
        self._report = report
        self._on_stop = on_stop
        self._orphan_s = orphan_s
        self._changed = asyncio.Event()
        self._clock = asyncio.get_running_loop().time
        self._answered_at = self._clock()
        self._failures = 0
        # Not through a proxy of the environment: that one is for what strangers ask for.
        self._http = httpx.AsyncClient(
            base_url=api_url.rstrip("/"),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            timeout=POST_TIMEOUT_S,
            trust_env=False,
        )

    def changed(self) -> None:
        """Report now."""
        self._changed.set()

    async def run(self) -> None:
        """Report until cancelled.

        Raises:
            Replaced: the API says that this runner has no bot any more.
            Orphaned: nobody answers.

        """
        while True:
            self._changed.clear()
            if await self._post():
                await self._pause(REPORT_EVERY_S)
            else:
                await asyncio.sleep(self._retry_s())

    async def finish(self, limit_s: float) -> bool:
        """Bring the last report, trying for ``limit_s``; whether it was taken."""
        try:
            async with asyncio.timeout(limit_s):
                while not await self._post():  # noqa: ASYNC110  # nobody but the API could set an event
                    await asyncio.sleep(self._retry_s())
        except (TimeoutError, DragomanError) as error:
            logger.warning("the last report was not taken: {}", type(error).__name__)
            return False
        return True

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def _post(self) -> bool:
        try:
            response = await self._http.post(self._path, content=msgspec.json.encode(self._report()))
        except httpx.HTTPError as error:
            return self._failed(type(error).__name__)
        if response.status_code in _REVOKED:
            raise Replaced(f"the API answered {response.status_code} to a report")
        if not response.is_success:
            return self._failed(str(response.status_code))
        try:
            orders = msgspec.json.decode(response.content, type=RunnerOrders) if response.content else None
        except msgspec.DecodeError:
            return self._failed("an answer that is none")
        if self._failures:
            logger.info("reports are taken again after {} attempts", self._failures)
        self._failures, self._answered_at = 0, self._clock()
        if orders is not None and orders.stop:
            self._on_stop(orders)
        return True

    def _failed(self, why: str) -> bool:
        self._failures += 1
        if self._failures == 1:
            logger.warning("a report was not taken ({}); trying for {:g} s", why, self._orphan_s)
        if self._clock() - self._answered_at >= self._orphan_s:
            raise Orphaned(f"nobody took a report for {self._orphan_s:g} s")
        return False

    def _retry_s(self) -> float:
        return min(LAST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(self._failures, 8))

    async def _pause(self, pause_s: float) -> None:
        try:
            async with asyncio.timeout(pause_s):
                await self._changed.wait()
        except TimeoutError:
            return
