"""The runner's process: reads its task from the environment, lives, and ends with an honest exit code.

0: it did its work, or another runner has the bot now. 1: it failed; the last report and the log tell why.
128 + n: a signal cut it short.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from loguru import logger

from dragoman_bots.drivers.base import Driver, DriverFailed
from dragoman_bots.life import LAST_REPORT_S, SESSION_END_S, Life
from dragoman_bots.reporter import Orphaned, Replaced
from dragoman_bots.settings import BotRunnerSettings
from dragoman_contracts.bots import CompletionReason, RunnerEnv, RunnerTask
from dragoman_contracts.errors import DragomanError
from dragoman_runtime.lifeline import end_with
from dragoman_runtime.process import Drain, run_process
from dragoman_runtime.settings import RuntimeSettings
from dragoman_runtime.telemetry import setup_telemetry, shutdown_telemetry

SERVICE = "bot-runner"
ORPHAN_GRACE_S = 5.0
"""To leave a meeting in, when the process is gone that this one must not outlive."""


class RunnerStartFailed(DragomanError):
    """The environment does not tell what to do."""

    code = "runner_start_failed"
    default_remedy = "A runner is started by the bots worker, which sets these variables."


class RunnerFailed(DragomanError):
    """The bot failed; the message has stage and code."""

    code = "runner_failed"
    default_remedy = "GET /v1/bots/{id} tells the cause, and whether trying again can help."


class Start(NamedTuple):
    """What a runner is started with."""

    task: RunnerTask
    api_url: str
    token: str


def read_start(environment: Mapping[str, str]) -> Start:
    """The task of this process.

    Raises:
        RunnerStartFailed: a variable is missing or is no task; what it holds is not told.

    """
    missing = [
        name for name in (RunnerEnv.TASK, RunnerEnv.API_URL, RunnerEnv.TOKEN) if not environment.get(name)
    ]
    if missing:
        raise RunnerStartFailed(f"{', '.join(missing)} is not set")
    try:
        task = msgspec.json.decode(environment[RunnerEnv.TASK], type=RunnerTask)
    except msgspec.DecodeError:
        # The decoder's text may hold a part of the URL.
        raise RunnerStartFailed(f"{RunnerEnv.TASK} is no task") from None
    return Start(task, environment[RunnerEnv.API_URL], environment[RunnerEnv.TOKEN])


def make_driver(task: RunnerTask, settings: BotRunnerSettings) -> Driver:
    """The driver that the task asks for; its own libraries are imported here and nowhere before.

    Raises:
        RunnerStartFailed: they are not installed.

    """
    try:
        if task.request.driver == "media":
            from dragoman_bots.drivers.media import MediaDriver  # noqa: PLC0415

            return MediaDriver(settings)
        from dragoman_bots.drivers.browser import BrowserDriver  # noqa: PLC0415

        return BrowserDriver(settings)
    except ImportError as error:
        raise RunnerStartFailed(
            f"the {task.request.driver} driver needs {error.name}",
            remedy="Install the extra: pip install 'dragoman[bots]'.",
        ) from error


async def run_runner(
    drain: Drain,
    *,
    settings: BotRunnerSettings | None = None,
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Do the task of the environment until it is over or ``drain`` begins.

    Raises:
        RunnerStartFailed: it cannot even start.
        RunnerFailed: the bot failed.

    """
    start = read_start(environment)
    settings = settings or BotRunnerSettings()
    with logger.contextualize(bot_id=start.task.bot_id, generation=start.task.generation):
        driver = make_driver(start.task, settings)
        outcome = await Life(start.task, driver, settings, start.api_url, start.token).live(drain)
        match outcome:
            case CompletionReason():
                logger.info("done: {}", outcome.value)
            case Replaced():
                logger.info("{}: the bot is somebody else's now", outcome.message)
            case DriverFailed():
                raise RunnerFailed(f"failed at {outcome.stage.value}: {outcome.cause.code}")
            case Orphaned():
                raise RunnerFailed(outcome.message, remedy=outcome.remedy)


def main() -> int:
    """The whole process; its exit code."""
    try:
        setup_telemetry(SERVICE, RuntimeSettings())
        settings = BotRunnerSettings()
    except DragomanError as error:
        logger.error("{} cannot run: {} {}", SERVICE, error.message, error.remedy)
        return 1
    if settings.ends_with_pid:
        end_with(settings.ends_with_pid, grace_s=ORPHAN_GRACE_S)
    limit_s = settings.leave_timeout_s + SESSION_END_S + LAST_REPORT_S
    try:
        return run_process(
            lambda drain: run_runner(drain, settings=settings), service=SERVICE, drain_timeout_s=limit_s
        )
    finally:
        shutdown_telemetry()
