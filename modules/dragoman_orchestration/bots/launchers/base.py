"""What a launcher does: one protocol for all places where runners run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from dragoman_contracts.bots import RunnerEnv, RunnerTask
from dragoman_contracts.errors import DragomanError
from dragoman_orchestration.bots.model import Handle

NOT_STARTED: Handle = {"launcher": "none"}
"""The handle of a runner that was not started: nobody needs to look for it."""


class LaunchFailed(DragomanError):
    """The runner could not be started.

    ``transient`` tells whether it may work the next time, ``is_certain`` whether it was not started for sure.
    """

    code = "launch_failed"
    default_remedy = "The bots worker's log tells what the place where runners run has answered."

    def __init__(self, message: str, *, transient: bool, is_certain: bool = True) -> None:
        super().__init__(message)
        self.transient = transient
        self.is_certain = is_certain


class Launcher(Protocol):
    """Starts and ends runners. A handle is JSON, kept in the bot's record, so that any worker can use it.

    No method waits longer than some seconds, and each may be called again.
    """

    look_every_s: float
    """How often ``is_running`` may be asked about a runner."""
    launch_timeout_s: float
    """How long a runner may take from its launch to its first report."""
    sees_all: bool
    """Whether a runner that ``find`` does not find is certainly not there."""

    async def launch(self, task: RunnerTask, env: Mapping[str, str]) -> Handle:
        """Start the runner of this generation of a bot, with ``env`` and nothing else that is secret.

        Raises:
            LaunchFailed: it could not be started.

        """
        ...

    async def find(self, bot_id: str, generation: int) -> Handle | None:
        """The runner of this generation, if one can be seen from here."""
        ...

    async def is_running(self, handle: Handle) -> bool | None:
        """Whether the runner is there; None if it cannot be told from here."""
        ...

    async def stop(self, handle: Handle) -> None:
        """Ask the runner to leave politely."""
        ...

    async def kill(self, handle: Handle) -> None:
        """End the runner at once, with all that it has started."""
        ...

    async def close(self) -> None:
        """Close connections; runners go on."""
        ...


def runner_env(task: RunnerTask, *, api_url: str, token: str) -> dict[str, str]:
    """What a runner is told by its environment."""
    return {
        RunnerEnv.TASK: msgspec.json.encode(task).decode(),
        RunnerEnv.API_URL: api_url,
        RunnerEnv.TOKEN: token,
    }
