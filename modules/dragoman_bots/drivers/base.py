"""What a driver is: it joins, feeds audio into a sink, tells what happens, and leaves.

A driver knows nothing of sessions, reports or bounds: those are the runner's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from dragoman_contracts.audio import AudioFormat
from dragoman_contracts.bots import BotCause, CompletionReason, FailureStage, RunnerTask
from dragoman_contracts.errors import DragomanError

AUDIO = AudioFormat()
"""What sinks take: pcm_s16le, 16 kHz, mono."""


# --- what happens -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Joining:
    """It is on its way in."""


@dataclass(frozen=True, slots=True)
class AwaitingAdmission:
    """It asked, and waits until somebody lets it in."""


@dataclass(frozen=True, slots=True)
class NeedsHelp:
    """It cannot go on before a person does something."""

    cause: BotCause


@dataclass(frozen=True, slots=True)
class Active:
    """It is in: what is said now is captured. ``remark`` tells what is to be known of it."""

    remark: BotCause | None = None


@dataclass(frozen=True, slots=True)
class People:
    """The others: how many there are and how many of them speak; None where that cannot be seen."""

    present: int | None = None
    speaking: int | None = None


@dataclass(frozen=True, slots=True)
class Reconnected:
    """The source was lost and is back."""


News = Joining | AwaitingAdmission | NeedsHelp | Active | People | Reconnected
Tell = Callable[[News], None]


class Sink(Protocol):
    """Takes audio as it is captured."""

    def feed(self, pcm: bytes) -> None:
        """Whole samples of ``AUDIO``; never blocks."""


class Driver(Protocol):
    """One way in. Used once, by one task; ``leave`` and ``screenshot`` may be called meanwhile."""

    async def run(self, task: RunnerTask, sink: Sink, tell: Tell) -> CompletionReason:
        """Join, capture and leave; why it left. Cancelling it frees everything at once.

        Raises:
            DriverFailed: it could not join, capture or go on.

        """

    def leave(self) -> None:
        """Ask it to leave politely; ``run`` returns soon."""

    async def screenshot(self) -> bytes:
        """What it sees as PNG; empty where there is nothing to see."""


# --- what fails ---------------------------------------------------------------------------------------------


class DriverFailed(DragomanError):
    """A driver gave up.

    Args:
        code: For machines, such as ``not_found``.
        message: For people, without the URL, names or words.
        transient: Whether trying again can help.
        remedy: What a person can do about it.
        screenshot: What was seen then, as PNG.

    """

    stage: ClassVar[FailureStage] = FailureStage.RUNNING
    default_remedy = "The code tells the cause; see docs on bots."

    def __init__(
        self,
        code: str,
        message: str,
        *,
        transient: bool = False,
        remedy: str | None = None,
        screenshot: bytes = b"",
    ) -> None:
        super().__init__(message, remedy=remedy)
        told = f"{message}. {remedy}" if remedy else message
        self.cause = BotCause(code=code, message=told, transient=transient)
        self.screenshot = screenshot


class RequestRefused(DriverFailed):
    """What is asked for is not possible here."""

    stage = FailureStage.REQUEST


class JoinFailed(DriverFailed):
    """The way in is closed."""

    stage = FailureStage.JOIN


class AdmissionFailed(DriverFailed):
    """Nobody let it in, or somebody refused it."""

    stage = FailureStage.ADMISSION


class CaptureFailed(DriverFailed):
    """It is there, but no audio can be had."""

    stage = FailureStage.CAPTURE


class RunningFailed(DriverFailed):
    """It was in, and crashed, hung or lost its meeting."""

    stage = FailureStage.RUNNING
