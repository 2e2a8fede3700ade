"""What a runner tells of itself: its state, in numbered reports. Pure."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from dragoman_bots.drivers.base import (
    Active,
    AwaitingAdmission,
    DriverFailed,
    Joining,
    NeedsHelp,
    News,
    People,
    Reconnected,
)
from dragoman_contracts.bots import (
    MAX_SCREENSHOT_BYTES,
    BotCause,
    CompletionReason,
    FailureStage,
    RunnerReport,
    RunnerState,
)

_ENDING = frozenset({RunnerState.LEAVING, RunnerState.DONE, RunnerState.FAILED})


@dataclass(slots=True)
class Account:
    """The present state of one generation of a bot's runner.

    Once it leaves, what the driver still tells changes its state no more.
    """

    generation: int
    state: RunnerState = field(default=RunnerState.STARTING, init=False)
    people: People = field(default_factory=People, init=False)
    cause: BotCause | None = field(default=None, init=False)
    completion: CompletionReason | None = field(default=None, init=False)
    stage: FailureStage | None = field(default=None, init=False)
    reconnects: int = field(default=0, init=False)
    screenshot: bytes = field(default=b"", init=False)
    _seq: int = field(default=0, init=False)

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return self.state in {RunnerState.DONE, RunnerState.FAILED}

    def take(self, news: News) -> bool:
        """Note what the driver tells; whether that is to be reported at once."""
        before = (self.state, self.cause, self.people)
        match news:
            case People():
                self.people = news
            case Reconnected():
                self.reconnects += 1
                return True
            case _ if self.state in _ENDING:
                return False
            case Joining():
                self._be(RunnerState.JOINING)
            case AwaitingAdmission():
                self._be(RunnerState.AWAITING_ADMISSION)
            case NeedsHelp(cause):
                self._be(RunnerState.NEEDS_HELP, cause)
            case Active(remark):
                self._be(RunnerState.ACTIVE, remark)
        return before != (self.state, self.cause, self.people)

    def leaving(self) -> None:
        """It is on its way out."""
        self._be(RunnerState.LEAVING)

    def done(self, reason: CompletionReason) -> None:
        """It left as it should."""
        self._be(RunnerState.DONE)
        self.completion = reason

    def failed(self, failure: DriverFailed, screenshot: bytes = b"") -> None:
        """It gave up; a picture that is too large is left out."""
        self._be(RunnerState.FAILED, failure.cause)
        self.stage = failure.stage
        picture = failure.screenshot or screenshot
        self.screenshot = picture if len(picture) <= MAX_SCREENSHOT_BYTES else b""

    def report(self, *, audio_ms: int, silent_ms: int, peak: float) -> RunnerReport:
        """The next report: each has a number of its own."""
        self._seq += 1
        return RunnerReport(
            generation=self.generation,
            seq=self._seq,
            state=self.state,
            cause=self.cause,
            completion=self.completion,
            stage=self.stage,
            audio_ms=audio_ms,
            silent_ms=silent_ms,
            peak=round(peak, 4),
            participants=self.people.present,
            speaking=self.people.speaking,
            reconnects=self.reconnects,
            screenshot=base64.b64encode(self.screenshot).decode() if self.is_final else "",
        )

    def _be(self, state: RunnerState, cause: BotCause | None = None) -> None:
        self.state, self.cause = state, cause
