"""Bots: what is asked of one, what a runner tells about it, and the words for its states.

A bot joins a meeting or a stream by itself and speaks into a session. The bots worker owns its life; a
**runner**, a process of its own, owns the browser or the media. A runner is started with ``RunnerEnv`` in its
environment and knows nothing but the API: it speaks into the session's WebSocket and posts a ``RunnerReport``
every ``REPORT_EVERY_S`` (and at once when something changed) to ``POST /v1/bots/{id}/reports``, both with its
token; the answer (``RunnerOrders``) says what is wanted of it. The token belongs to one generation of the
bot's runner: one that was replaced is answered 409 ``fenced`` and ends, one that reaches nobody for
``RUNNER_ORPHAN_S`` ends too. So no bot is ever in a meeting twice, nor one that nobody knows of.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

REPORT_EVERY_S = 1.0
RUNNER_LOST_S = 10.0
"""Without a report for this long a runner counts as dead: hung or killed."""
RUNNER_ORPHAN_S = 30.0
"""A runner whose reports nobody takes for this long leaves and ends by itself."""
MAX_JOIN_ATTEMPTS = 3
MAX_SCREENSHOT_BYTES = 2_000_000
RUNNER_TOKEN_PREFIX = "dragoman-bot."  # noqa: S105  # a prefix, no secret
"""A runner's bearer token: ``dragoman-bot.<bot id>.<random>``."""

Driver = Literal["media", "browser"]

RECIPES = ("generic", "jitsi", "google_meet", "teams", "zoom_web")
"""Ways through a site that every runner knows; an installation may have more."""
MEDIA_SCHEMES = frozenset({"http", "https", "rtmp", "rtmps", "rtsp", "srt", "file"})
"""Schemes of URLs that the media driver reads, each as far as the settings allow it."""
BROWSER_SCHEMES = frozenset({"http", "https"})


class BotState(StrEnum):
    """The one lifecycle; the last two are final. ``needs_help`` is on the side of joining and admission."""

    REQUESTED = "requested"
    STARTING = "starting"
    JOINING = "joining"
    AWAITING_ADMISSION = "awaiting_admission"
    NEEDS_HELP = "needs_help"
    """A person must do something: a captcha, a login, a consent."""
    ACTIVE = "active"
    STOPPING = "stopping"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return self in {BotState.COMPLETED, BotState.FAILED}


class CompletionReason(StrEnum):
    """Why a bot that did its work has ended."""

    STOPPED = "stopped"
    """It was told to."""
    MEETING_ENDED = "meeting_ended"
    MEDIA_ENDED = "media_ended"
    ALONE = "alone"
    SILENCE = "silence"
    MAX_LENGTH = "max_length"
    REMOVED = "removed"
    """Somebody in the meeting removed it."""
    SESSION_ENDED = "session_ended"


class FailureStage(StrEnum):
    """Where a bot failed."""

    REQUEST = "request"
    """What was asked for is not possible."""
    LAUNCH = "launch"
    """The runner could not be started, or never reported."""
    JOIN = "join"
    ADMISSION = "admission"
    """Not admitted in time, or refused."""
    CAPTURE = "capture"
    """No audio could be had."""
    RUNNING = "running"
    """It crashed, hung or lost its meeting while it was active."""


class BotCause(msgspec.Struct, frozen=True, kw_only=True):
    """Why a transition happened: a code for machines, a sentence for people, whether trying again can help.

    Never holds the meeting's URL, which may carry a password, nor names of people.
    """

    code: str
    message: str = ""
    transient: bool = False


class BotLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds in seconds; None takes the configuration's (``ConfigValues.bots``)."""

    waiting_room_s: float | None = None
    alone_s: float | None = None
    silence_s: float | None = None
    length_s: float | None = None


class BotRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of a bot.

    ``url`` is the meeting's link, or anything that FFmpeg reads. ``recipe`` names the browser's way through a
    site. ``join_at_ms`` (unix ms, 0: now) is when it shall join. ``notice`` is posted to the chat.
    """

    driver: Driver
    url: str
    recipe: str = "generic"
    display_name: str = ""
    notice: str | None = None
    join_at_ms: int = 0
    limits: BotLimits = BotLimits()


class RunnerTask(msgspec.Struct, frozen=True, kw_only=True):
    """What a runner is started to do: JSON in the environment variable ``RunnerEnv.TASK``.

    ``heard_ms`` is the audio that runners before this one brought into the session: a recording goes on
    there.
    """

    bot_id: str
    session_id: str
    generation: int
    request: BotRequest
    waiting_room_s: float
    alone_s: float
    silence_s: float
    length_s: float
    heard_ms: int = 0


class RunnerEnv:
    """The environment variables of a runner; the rest of its settings are ``BotRunnerSettings``."""

    TASK = "DRAGOMAN_BOT_TASK"
    API_URL = "DRAGOMAN_BOT_API_URL"
    TOKEN = "DRAGOMAN_BOT_TOKEN"  # noqa: S105  # the variable's name


class RunnerState(StrEnum):
    """What a runner says of itself, in the order in which it happens."""

    STARTING = "starting"
    JOINING = "joining"
    AWAITING_ADMISSION = "awaiting_admission"
    NEEDS_HELP = "needs_help"
    ACTIVE = "active"
    LEAVING = "leaving"
    DONE = "done"
    """It left as it should; ``completion`` says why."""
    FAILED = "failed"
    """It gave up; ``stage`` and ``cause`` say where and why."""


class RunnerReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a runner tells; ``seq`` grows by one a report, so that repeats and stragglers are known.

    ``audio_ms`` is audio captured and sent, ``silent_ms`` how long it has been silent, ``peak`` the loudest
    sample since the last report in [0, 1]. ``participants`` counts the others (None: not known), ``speaking``
    how many of them speak now. ``screenshot`` (base64 of a PNG) comes with a failure.
    """

    generation: int
    seq: int
    state: RunnerState
    cause: BotCause | None = None
    completion: CompletionReason | None = None
    stage: FailureStage | None = None
    audio_ms: int = 0
    silent_ms: int = 0
    peak: float = 0.0
    participants: int | None = None
    speaking: int | None = None
    reconnects: int = 0
    screenshot: str = ""


class RunnerOrders(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a report: go on, or leave the meeting now."""

    stop: bool = False
    reason: CompletionReason | None = None


def reports_path(bot_id: str) -> str:
    """Where a runner posts its reports."""
    return f"/v1/bots/{bot_id}/reports"


# --- WS /v1/bots/events and /v1/bots/{id}/events ------------------------------------------------------------


class BotNow(msgspec.Struct, frozen=True, kw_only=True):
    """A bot in a snapshot; ``degraded`` is empty, or what it lacks."""

    bot_id: str
    session_id: str
    seq: int
    state: BotState
    cause: BotCause
    degraded: str = ""


class BotMessage(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of what is told of bots. ``position`` is where to go on after: ``?after=<position>``."""

    position: str


class BotsSnapshot(BotMessage, frozen=True, kw_only=True, tag="bots.snapshot"):
    """How the bots are: the first message, unless a position was given that can be gone on from.

    ``recovered`` False: what happened since the position that was given is not known any more.
    """

    bots: list[BotNow]
    recovered: bool = True


class BotStateMessage(BotMessage, frozen=True, kw_only=True, tag="bot.state_changed"):
    """A bot went from one state to another; ``seq`` counts its steps from 1, without holes."""

    bot_id: str
    session_id: str
    seq: int
    previous: BotState | None
    state: BotState
    time_ms: int
    cause: BotCause
    completion: CompletionReason | None = None
    stage: FailureStage | None = None
    attempt: int = 0


class BotDegradedMessage(BotMessage, frozen=True, kw_only=True, tag="bot.degraded"):
    """An active bot does not do what it is there for: ``cause.code`` is ``no_audio`` or ``no_words``."""

    bot_id: str
    session_id: str
    cause: BotCause
    since_ms: int


class BotRecoveredMessage(BotMessage, frozen=True, kw_only=True, tag="bot.recovered"):
    """What ``bot.degraded`` told is over."""

    bot_id: str
    session_id: str
    cause: BotCause
    degraded_ms: int


BotMessages = BotsSnapshot | BotStateMessage | BotDegradedMessage | BotRecoveredMessage
