"""What a worker makes of a bot that it holds: pure judgement over its record and what else is known.

``judge`` says what has happened to the bot, for the state machine to decide what it becomes; ``deed`` says
what is to be done about its runner. Both are asked again and again and build on nothing but what they are
given, so that a worker that takes a bot over goes on where the one before it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from dragoman_contracts.bots import (
    RUNNER_LOST_S,
    RUNNER_ORPHAN_S,
    BotCause,
    BotState,
    CompletionReason,
    FailureStage,
    RunnerReport,
    RunnerState,
)
from dragoman_orchestration.bots.bounds import BotBounds
from dragoman_orchestration.bots.lifecycle import Event, Happening, advance, stage_of
from dragoman_orchestration.bots.model import BotRecord
from dragoman_orchestration.session.lifecycle import Status

MARGIN_S = 15.0
"""A runner keeps its bounds itself; one that does not is ended this much later."""
JOIN_BOUND_S = 180.0
"""Joining that neither gets in nor to the waiting room within this is stuck."""
RETRY_FIRST_S, RETRY_CAP_S = 1.0, 30.0
SPEAKER_ENDED = "client"
"""Reason of a session that its speaker has ended, which is the bot's own runner."""

S = BotState


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a worker waits, in seconds."""

    launch_s: float = 30.0
    """From a runner's launch to its first report."""
    lost_s: float = RUNNER_LOST_S
    orphan_s: float = RUNNER_ORPHAN_S
    cleanup_s: float = 10.0
    """A runner that has told its end may take this long to be gone."""
    stop_signal_s: float = 3.0
    """After this a runner that was told to leave is asked by a signal as well."""
    stop_grace_s: float = 40.0
    """After this it is killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known besides the record.

    ``running`` is what the launcher says of the runner that was launched last (None: it cannot tell),
    ``watched_ms`` since when this worker watches the bot with Redis and the API there (before that, silence
    says nothing), ``session`` the status of its session (None: it is gone), ``session_reason`` why that
    ended.
    """

    now_ms: int
    running: bool | None
    watched_ms: int
    session: Status | None
    session_reason: str = ""
    draining: bool = False


class Deed(Enum):
    """What is to be done about a bot's runner."""

    NOTHING = auto()
    LAUNCH = auto()
    ASK = auto()
    """Ask it by a signal to leave."""
    KILL = auto()
    RELEASE = auto()
    """The bot has ended and nothing of it is left."""


def judge(bot: BotRecord, facts: Facts, bounds: BotBounds, patience: Patience) -> Happening | None:
    """What has happened to the bot that changes its state, if anything."""
    if bot.state.is_final:
        return None
    if bot.state is S.STOPPING:
        return _while_stopping(bot, facts, patience)
    for happening in (
        _asked(bot, facts),
        _of_report(bot.current_report if bot.generation == bot.launches else None),
        _of_session(bot, facts),
        _of_restart(bot),
        _of_bounds(bot, facts, bounds),
        _of_runner(bot, facts, patience),
        Happening(Event.START, BotCause(code="due")) if bot.state is S.REQUESTED else None,
    ):
        if happening is not None and advance(bot.life, happening) is not None:
            return happening
    return None


def _while_stopping(bot: BotRecord, facts: Facts, patience: Patience) -> Happening | None:
    report = bot.current_report
    if report is not None and _has_ended(bot):
        return Happening(Event.DONE, bot.cause, report.completion)
    if is_gone(bot, facts, patience):
        return Happening(Event.GONE, bot.cause)
    return None


def _asked(bot: BotRecord, facts: Facts) -> Happening | None:
    if bot.stop_ms:
        return _stop("stop_requested", f"by {bot.stop_by}" if bot.stop_by else "", CompletionReason.STOPPED)
    if facts.draining:
        return _stop("system_ends", "the installation is being ended", CompletionReason.STOPPED)
    return None


def _stop(code: str, message: str, reason: CompletionReason) -> Happening:
    return Happening(Event.STOP, BotCause(code=code, message=message), reason)


_HEARD = {
    RunnerState.JOINING: Event.JOINING,
    RunnerState.AWAITING_ADMISSION: Event.AWAITING_ADMISSION,
    RunnerState.NEEDS_HELP: Event.NEEDS_HELP,
    RunnerState.ACTIVE: Event.ACTIVE,
    RunnerState.LEAVING: Event.LEAVING,
    RunnerState.DONE: Event.DONE,
    RunnerState.FAILED: Event.FAIL,
}


def _of_report(report: RunnerReport | None) -> Happening | None:
    event = _HEARD.get(report.state) if report else None
    if report is None or event is None:
        return None
    told = report.completion or report.state
    return Happening(event, report.cause or BotCause(code=told.value), report.completion, report.stage)


def _of_session(bot: BotRecord, facts: Facts) -> Happening | None:
    if facts.session is None:
        cause = BotCause(code="session_gone", message="its session is not there any more")
        return Happening(Event.FAIL, cause)
    if facts.session not in {Status.ENDING, Status.ENDED}:
        return None
    # Its own runner ends the session first and tells why a moment later.
    awaited = facts.running is not False and bot.generation == bot.launches > 0
    if facts.session_reason == SPEAKER_ENDED and awaited:
        return None
    return _stop("session_ended", "its session was ended", CompletionReason.SESSION_ENDED)


def _of_restart(bot: BotRecord) -> Happening | None:
    if bot.restart_ms <= bot.launched_ms or bot.generation < bot.launches:
        return None
    return Happening(Event.RESTART, BotCause(code="restart_requested", message=bot.restart_reason))


def _of_bounds(bot: BotRecord, facts: Facts, bounds: BotBounds) -> Happening | None:
    here_s = (facts.now_ms - bot.since_ms) / 1000
    if bot.state in {S.AWAITING_ADMISSION, S.NEEDS_HELP} and here_s > bounds.waiting_room_s + MARGIN_S:
        cause = BotCause(code="not_admitted", message=f"nobody let it in within {bounds.waiting_room_s:g} s")
        return Happening(Event.FAIL, cause, stage=FailureStage.ADMISSION)
    if bot.state is S.JOINING and here_s > JOIN_BOUND_S:
        cause = BotCause(code="join_stuck", message=f"not joined within {JOIN_BOUND_S:g} s", transient=True)
        return Happening(Event.FAIL, cause, stage=FailureStage.JOIN)
    if bot.active_ms and (facts.now_ms - bot.active_ms) / 1000 > bounds.length_s + MARGIN_S:
        return _stop("max_length", f"after {bounds.length_s:g} s", CompletionReason.MAX_LENGTH)
    report = bot.current_report
    if report is not None and report.silent_ms / 1000 > bounds.silence_s + MARGIN_S:
        return _stop("silence", f"nobody spoke for {bounds.silence_s:g} s", CompletionReason.SILENCE)
    return None


def _of_runner(bot: BotRecord, facts: Facts, patience: Patience) -> Happening | None:
    if not bot.generation or bot.generation < bot.launches:
        return None  # none was launched yet
    reported = bot.current_report is not None
    if facts.running is False:
        cause = BotCause(code="runner_ended", message="its runner ended without a word", transient=True)
        return Happening(Event.FAIL, cause, stage=stage_of(bot.state))
    if silent_s(bot, facts) > (patience.lost_s if reported else max(patience.launch_s, patience.lost_s)):
        code, message = (
            ("runner_silent", f"its runner has been silent for {patience.lost_s:g} s")
            if reported
            else ("runner_never_reported", f"its runner did not report within {patience.launch_s:g} s")
        )
        return Happening(Event.FAIL, BotCause(code=code, message=message, transient=True))
    return None


def silent_s(bot: BotRecord, facts: Facts) -> float:
    """How long nothing was heard of its runner, as far as this worker could have heard it."""
    return (facts.now_ms - max(bot.heard_ms, facts.watched_ms)) / 1000


def is_gone(bot: BotRecord, facts: Facts, patience: Patience) -> bool:
    """Whether the runner that was launched last is certainly not in the meeting any more."""
    if not bot.generation or facts.running is False:
        return True
    if facts.running:
        return False
    # It is somewhere where nobody can look: it ends by itself when nobody hears it, or when it has said so.
    silent = (facts.now_ms - bot.heard_ms) / 1000
    return silent > (patience.lost_s if _has_ended(bot) else patience.orphan_s)


def _leaves(bot: BotRecord) -> bool:
    """Whether it has told that it leaves: then it needs no signal."""
    report = bot.current_report
    return report is not None and report.state is RunnerState.LEAVING


def _has_ended(bot: BotRecord) -> bool:
    """Whether the runner that was launched last has told its end; it may take a moment to clean up."""
    report = bot.current_report
    return report is not None and report.state in {RunnerState.DONE, RunnerState.FAILED}


def deed(bot: BotRecord, facts: Facts, patience: Patience) -> Deed:
    """What is to be done now."""
    here_s = (facts.now_ms - bot.since_ms) / 1000
    # What has told its end is given a moment to clean up after itself.
    rid = Deed.NOTHING if _has_ended(bot) and here_s < patience.cleanup_s else Deed.KILL
    if bot.state is S.STARTING and bot.generation < bot.launches:
        if not is_gone(bot, facts, patience):
            return rid
        return Deed.LAUNCH if facts.now_ms >= bot.due_ms else Deed.NOTHING
    if bot.state is S.STOPPING and facts.running is not False:
        if here_s > patience.stop_grace_s:
            return Deed.KILL
        return Deed.ASK if here_s > patience.stop_signal_s and not _leaves(bot) else Deed.NOTHING
    if bot.state.is_final:
        return rid if facts.running else Deed.RELEASE
    return Deed.NOTHING


def retry_s(tries: int) -> float:
    """How long to wait before the next runner, after so many."""
    return min(RETRY_CAP_S, RETRY_FIRST_S * 2.0 ** max(0, tries - 1))


# --- what it hears ------------------------------------------------------------------------------------------

NO_AUDIO, NO_WORDS = "no_audio", "no_words"


def lacks(bot: BotRecord, facts: Facts, bounds: BotBounds, words_ms: int) -> str:
    """What an active bot is without for too long: ``no_audio``, ``no_words`` or nothing.

    ``words_ms`` is when words of its session last came, as far as this worker knows (0: it has seen none).
    What was told stays until what was missing has come.
    """
    if bot.state is not S.ACTIVE:
        return ""
    begin_ms = max(bot.since_ms, facts.watched_ms)
    if bot.degraded == NO_AUDIO and bot.sound_ms <= bot.degraded_ms:
        return NO_AUDIO
    if (facts.now_ms - max(bot.sound_ms, begin_ms)) / 1000 > bounds.no_audio_notice_s:
        return NO_AUDIO
    if bot.degraded == NO_WORDS and words_ms <= bot.degraded_ms:
        return NO_WORDS
    if (facts.now_ms - max(words_ms, begin_ms)) / 1000 > bounds.no_words_notice_s:
        return NO_WORDS
    return ""
