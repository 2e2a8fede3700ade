"""One runner's life: the driver feeds the session, reports go out, the first thing that ends it counts."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from loguru import logger

from dragoman_bots.account import Account
from dragoman_bots.bounds import Bounds
from dragoman_bots.captured import KEEP_ALIVE, Captured
from dragoman_bots.drivers.base import AUDIO, Driver, DriverFailed, News, RunningFailed
from dragoman_bots.reporter import Orphaned, Replaced, Reporter
from dragoman_bots.settings import BotRunnerSettings
from dragoman_client import Dragoman, Speaker
from dragoman_contracts.bots import (
    RUNNER_ORPHAN_S,
    CompletionReason,
    RunnerOrders,
    RunnerReport,
    RunnerState,
    RunnerTask,
)
from dragoman_contracts.errors import (
    Conflict,
    DragomanError,
    Forbidden,
    NotFound,
    SessionEnded,
    Unauthenticated,
)
from dragoman_runtime.process import Drain, cancel_all

LOOK_EVERY_S = 0.2
SESSION_END_S = 10.0
"""How long the session may take to transcribe what is left, before the runner goes."""
LAST_REPORT_S = 10.0
SCREENSHOT_S = 5.0

Outcome = CompletionReason | DriverFailed | Replaced | Orphaned


class Life:
    """Runs ``driver`` for ``task`` until it is over; use once.

    Args:
        task: What to do.
        driver: The way in.
        settings: Of this runner.
        api_url: Base URL of the API.
        token: The runner's.
        orphan_s: Seconds without an answer to reports until it gives up.

    """

    def __init__(
        self,
        task: RunnerTask,
        driver: Driver,
        settings: BotRunnerSettings,
        api_url: str,
        token: str,
        *,
        orphan_s: float = RUNNER_ORPHAN_S,
    ) -> None:
        self._task = task
        self._driver = driver
        self._settings = settings
        self._clock = asyncio.get_running_loop().time
        self.account = Account(task.generation)
        self.captured = Captured(self._clock, settings.silence_dbfs)
        self._sent_bytes = 0
        self._bounds = Bounds(task, settings.join_timeout_s)
        self._bounds.on_state(RunnerState.STARTING, self._clock())
        self._active = asyncio.Event()
        self._stop: asyncio.Future[CompletionReason] = asyncio.get_running_loop().create_future()
        self._ending = False
        self._reporter = Reporter(api_url, token, task.bot_id, self._report, self._on_stop, orphan_s=orphan_s)
        self._dragoman = Dragoman(api_url, key=token, wait_s=orphan_s, notify=logger.info)
        self._speaker: Speaker | None = None

    async def live(self, drain: Drain) -> Outcome:
        """From joining to the last report; how it ended."""
        driving = asyncio.create_task(self._driver.run(self._task, self.captured, self._tell))
        speaking = asyncio.create_task(self._speak())
        reporting = asyncio.create_task(self._report_until_over())
        watchers = [self._watch(), self._drained(drain), self._ordered()]
        tasks = [driving, speaking, reporting, *(asyncio.create_task(watch) for watch in watchers)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            # The driver's own word counts most, if several ended at once.
            outcome = next(_outcome(task) for task in tasks if task.done())
            logger.info("it is over: {}", _name(outcome))
            screenshot = await self._leave(outcome, driving)
            if isinstance(outcome, CompletionReason):
                await self._end_session(speaking)
            await cancel_all(tasks)
            await self._tell_the_end(outcome, screenshot)
            return outcome
        finally:
            await cancel_all(tasks)
            await self._dragoman.__aexit__(None, None, None)
            await self._reporter.close()

    # --- what happens --------------------------------------------------------------------------------------

    def _tell(self, news: News) -> None:
        before = self.account.state
        changed = self.account.take(news)
        now_s = self._clock()
        state = self.account.state
        if state is not before:
            logger.info("bot is {}", state.value)
            self._bounds.on_state(state, now_s)
            if state is RunnerState.ACTIVE:
                self.captured.listen_anew()
                self._active.set()
        self._bounds.on_people(self.account.people.present, now_s)
        if changed:
            self._reporter.changed()

    def _report(self) -> RunnerReport:
        heard = self.account.state in {RunnerState.ACTIVE, RunnerState.LEAVING}
        return self.account.report(
            audio_ms=AUDIO.duration_ms(self._sent_bytes),
            silent_ms=int(self.captured.silent_s * 1000) if heard else 0,
            peak=self.captured.take_peak(),
        )

    def _on_stop(self, orders: RunnerOrders) -> None:
        if not self._stop.done():
            self._stop.set_result(orders.reason or CompletionReason.STOPPED)

    # --- what may end it -----------------------------------------------------------------------------------

    async def _report_until_over(self) -> Outcome:
        try:
            await self._reporter.run()
        except (Replaced, Orphaned) as error:
            return error
        raise AssertionError  # it only ends by an error

    async def _watch(self) -> Outcome:
        while True:
            verdict = self._bounds.verdict(self.captured.silent_s, self._clock())
            if verdict is not None:
                return verdict
            if self.account.state is RunnerState.ACTIVE:
                self.captured.keep_alive()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _drained(self, drain: Drain) -> Outcome:
        await drain.wait()
        return CompletionReason.STOPPED

    async def _ordered(self) -> Outcome:
        return await self._stop

    async def _speak(self) -> Outcome:
        """Send what is captured into the session, once there is something to say; why the session ended."""
        await self._active.wait()
        try:
            async with self._dragoman.speak(self._task.session_id, continues=True) as speaker:
                self._speaker = speaker
                sending = asyncio.create_task(self._send(speaker))
                try:
                    async for _ in speaker.events():
                        pass
                finally:
                    await cancel_all([sending])
        except (SessionEnded, NotFound):
            return CompletionReason.SESSION_ENDED
        except (Conflict, Forbidden, Unauthenticated) as error:
            return Replaced(f"the session has another speaker ({error.code})")
        except DragomanError as error:
            return RunningFailed("session_unreachable", f"the session: {error.message}", transient=True)
        return CompletionReason.SESSION_ENDED

    async def _send(self, speaker: Speaker) -> None:
        with contextlib.suppress(DragomanError):  # whoever reads the events hears it, too
            async for chunk in self.captured.chunks():
                await speaker.send(chunk)
                if chunk is not KEEP_ALIVE:
                    self._sent_bytes += len(chunk)
            await speaker.end()

    # --- how it ends ---------------------------------------------------------------------------------------

    async def _leave(self, outcome: Outcome, driving: asyncio.Task[CompletionReason]) -> bytes:
        """Out of the meeting; with a failure that the driver does not know of, what it saw before."""
        screenshot = b""
        if driving.done():
            return screenshot
        if isinstance(outcome, DriverFailed):
            with contextlib.suppress(Exception):
                async with asyncio.timeout(SCREENSHOT_S):
                    screenshot = await self._driver.screenshot()
        if not isinstance(outcome, Replaced):
            self.account.leaving()
            self._reporter.changed()
        self._driver.leave()
        await asyncio.wait([driving], timeout=self._settings.leave_timeout_s)
        if not driving.done():
            logger.warning("it did not leave within {:g} s", self._settings.leave_timeout_s)
        await cancel_all([driving])
        return screenshot

    async def _end_session(self, speaking: asyncio.Task[Outcome]) -> None:
        """Send what waits, and session.end after it."""
        self.captured.close()
        if self._speaker is None:
            return
        await asyncio.wait([speaking], timeout=SESSION_END_S)
        if not speaking.done():
            logger.warning("the session did not end within {:g} s; it goes on without us", SESSION_END_S)

    async def _tell_the_end(self, outcome: Outcome, screenshot: bytes) -> None:
        if isinstance(outcome, DriverFailed):
            self.account.failed(outcome, screenshot)
        elif isinstance(outcome, CompletionReason):
            self.account.done(outcome)
        else:
            return
        await self._reporter.finish(LAST_REPORT_S)


def _outcome(task: asyncio.Task[Any]) -> Outcome:
    """What a task that is done found; an error that nobody foresaw is a failure, told by its class alone."""
    error = task.exception()
    if isinstance(error, DriverFailed):
        return error
    if error is not None:
        logger.opt(exception=error).error("the runner made a mistake")
        return RunningFailed("runner_error", f"the runner failed: {type(error).__name__}", transient=True)
    result: Outcome = task.result()
    return result


def _name(outcome: Outcome) -> str:
    if isinstance(outcome, DriverFailed):
        return f"{outcome.stage.value}, {outcome.cause.code}"
    return outcome.value if isinstance(outcome, CompletionReason) else outcome.code
