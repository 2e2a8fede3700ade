"""Bodies of the bots' routes. Of the URL that a bot was sent to, answers have scheme, host and path only."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from dragoman_contracts.bots import BotCause, BotLimits, BotRequest, BotState, RunnerReport
from dragoman_orchestration.api.schemas import EXAMPLE_ID, EXAMPLE_TIME, CreateSession, moment
from dragoman_orchestration.bots.model import BotRecord, shown_url

EXAMPLE_URL = "https://meet.example/room"

ClientKey = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]


class BotLimitsBody(BaseModel):
    """Bounds of one bot in seconds; what is left out is the configuration's."""

    model_config = ConfigDict(extra="forbid")

    waiting_room_s: float | None = Field(
        None, ge=1, le=86_400, description="Then it gives up waiting to be admitted.", examples=[600]
    )
    alone_s: float | None = Field(
        None, ge=1, le=86_400, description="Then it leaves a meeting that it is alone in.", examples=[60]
    )
    silence_s: float | None = Field(
        None, ge=1, le=86_400, description="Then it leaves a meeting in which nobody speaks.", examples=[1800]
    )
    length_s: float | None = Field(
        None, ge=1, le=604_800, description="Then it leaves in any case.", examples=[14_400]
    )


class CreateBot(BaseModel):
    """What a bot is to do."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "driver": "browser",
                    "url": EXAMPLE_URL,
                    "recipe": "jitsi",
                    "session": {"translation": {"targets": ["es"]}},
                },
                {"driver": "media", "url": "https://radio.example/live.m3u8", "limits": {"length_s": 3600}},
            ]
        },
    )

    driver: Literal["media", "browser"] = Field(
        description="`media` reads what FFmpeg reads, `browser` joins a meeting."
    )
    url: str = Field(
        min_length=1,
        max_length=4000,
        description="The meeting's link or the stream. Answers and events never have more of it than scheme, "
        "host and path.",
        examples=[EXAMPLE_URL],
    )
    recipe: str = Field(
        "generic",
        max_length=64,
        description="A browser's way through the site. `google_meet`, `teams` and `zoom_web` are unverified.",
        examples=["jitsi"],
    )
    display_name: str = Field(
        "", max_length=80, description="Name that it enters; left out: the configuration's."
    )
    notice: str | None = Field(
        None,
        max_length=500,
        description="Posted to the chat on joining; left out: the configuration's, empty: nothing.",
    )
    join_at: AwareDatetime | None = Field(
        None, description="When to join (RFC 3339), at most 30 days ahead; left out: now."
    )
    limits: BotLimitsBody = BotLimitsBody()
    session: CreateSession | None = Field(
        None, description="Options of the session that is made for the bot; not with `session_id`."
    )
    session_id: str | None = Field(
        None,
        pattern="^[0-9a-f]{32}$",
        description="A session of yours that nobody has spoken into; left out: one is made.",
    )
    client_key: ClientKey | None = Field(
        None,
        description="Names this request: sent again with the same key, it gives the same bot. The header "
        "`Idempotency-Key` does the same.",
        examples=["standup-2025-01-31"],
    )

    @model_validator(mode="after")
    def _has_one_session(self) -> CreateBot:
        if self.session is not None and self.session_id is not None:
            raise ValueError("session and session_id exclude each other")
        return self

    def request(self) -> BotRequest:
        """As the contract has it."""
        return BotRequest(
            driver=self.driver,
            url=self.url,
            recipe=self.recipe,
            display_name=self.display_name,
            notice=self.notice,
            join_at_ms=round(self.join_at.timestamp() * 1000) if self.join_at else 0,
            limits=msgspec.convert(self.limits.model_dump(), BotLimits),
        )


class BotCauseBody(BaseModel):
    """Why something happened."""

    code: str = Field(examples=["not_admitted"])
    message: str = Field(examples=["nobody let it in within 600 s"])

    @classmethod
    def of(cls, cause: BotCause) -> BotCauseBody:
        """From the contract's cause."""
        return cls(code=cause.code, message=cause.message)


class BotStep(BaseModel):
    """One step of a bot's life."""

    seq: int = Field(description="Counts the bot's steps from 1, without holes.", examples=[1])
    state: BotState = Field(examples=["requested"])
    at: datetime = Field(examples=[EXAMPLE_TIME])
    cause: BotCauseBody
    attempt: int = Field(description="The runner of this try to join, from 1.", examples=[0])


class BotQueue(BaseModel):
    """Whether the bot waits for a worker with room."""

    queued: bool = Field(description="It is due, and no worker has room for it.", examples=[False])
    position: int | None = Field(description="Its place in the queue, from 1.", examples=[None])


class BotFigures(BaseModel):
    """What its runner told last."""

    at: datetime = Field(examples=[EXAMPLE_TIME])
    state: str = Field(examples=["active"])
    audio_ms: int = Field(description="Audio that was captured and sent.", examples=[61_000])
    silent_ms: int = Field(description="How long it has been silent.", examples=[1_200])
    peak: float = Field(description="Loudest sample of the last second, in [0, 1].", examples=[0.31])
    participants: int | None = Field(description="The others; null: not known.", examples=[3])
    speaking: int | None = Field(description="How many of them speak; null: not known.", examples=[1])
    reconnects: int = Field(examples=[0])

    @classmethod
    def of(cls, report: RunnerReport, time_ms: int) -> BotFigures:
        """From the contract's report."""
        return cls(
            at=moment(time_ms / 1000),
            state=report.state.value,
            audio_ms=report.audio_ms,
            silent_ms=report.silent_ms,
            peak=report.peak,
            participants=report.participants,
            speaking=report.speaking,
            reconnects=report.reconnects,
        )


class BotDegradation(BaseModel):
    """What an active bot lacks."""

    code: Literal["no_audio", "no_words"] = Field(examples=["no_audio"])
    since: datetime = Field(examples=[EXAMPLE_TIME])


class BotSummary(BaseModel):
    """A bot in a list."""

    id: str = Field(examples=[EXAMPLE_ID])
    session_id: str = Field(examples=[EXAMPLE_ID])
    driver: Literal["media", "browser"] = Field(examples=["browser"])
    url: str = Field(description="Scheme, host and path only.", examples=[EXAMPLE_URL])
    state: BotState = Field(examples=["active"])
    cause: BotCauseBody
    completion: str | None = Field(description="Why it completed.", examples=[None])
    failure_stage: str | None = Field(description="Where it failed.", examples=[None])
    created_at: datetime = Field(examples=[EXAMPLE_TIME])
    join_at: datetime | None = Field(description="When it is to join; null: at once.", examples=[None])
    state_at: datetime = Field(description="When it came into its state.", examples=[EXAMPLE_TIME])
    ended_at: datetime | None = Field(examples=[None])
    stop_requested: bool = Field(examples=[False])
    degraded: BotDegradation | None = Field(examples=[None])

    @classmethod
    def of(cls, bot: BotRecord) -> BotSummary:
        """From the store's record."""
        return cls(**_summary(bot))


class Bot(BotSummary):
    """A bot as it is now."""

    recipe: str = Field(examples=["jitsi"])
    attempt: int = Field(examples=[1])
    restarts: int = Field(description="Runners that were replaced after it was active.", examples=[0])
    history: list[BotStep]
    queue: BotQueue
    report: BotFigures | None
    session_url: str = Field(examples=[f"/v1/sessions/{EXAMPLE_ID}"])
    events_url: str = Field(
        description="WebSocket of its events.", examples=[f"ws://127.0.0.1:8080/v1/bots/{EXAMPLE_ID}/events"]
    )

    @classmethod
    def shown(cls, bot: BotRecord, queue: BotQueue, sockets_url: str) -> Bot:
        """From the store's record; ``sockets_url`` is ``ws://host`` or ``wss://host``."""
        return cls(
            **_summary(bot),
            recipe=bot.request.recipe,
            attempt=bot.attempt,
            restarts=bot.restarts,
            history=[
                BotStep(
                    seq=step.seq,
                    state=step.state,
                    at=moment(step.time_ms / 1000),
                    cause=BotCauseBody.of(step.cause),
                    attempt=step.attempt,
                )
                for step in bot.history
            ],
            queue=queue,
            report=BotFigures.of(bot.report, bot.report_ms) if bot.report else None,
            session_url=f"/v1/sessions/{bot.session_id}",
            events_url=f"{sockets_url}/v1/bots/{bot.id}/events",
        )


class BotList(BaseModel):
    """A page of bots, newest first."""

    bots: list[BotSummary]
    next_cursor: str | None = Field(
        description="`cursor` of the next page; null on the last.", examples=[f"1738324800000.{EXAMPLE_ID}"]
    )


class Screenshot(BaseModel):
    """A picture of what the bot saw when it failed."""

    time_ms: int = Field(examples=[1_738_324_800_000])
    at: datetime = Field(examples=[EXAMPLE_TIME])
    url: str = Field(examples=[f"/v1/bots/{EXAMPLE_ID}/screenshots/1738324800000"])


class ScreenshotList(BaseModel):
    """The pictures of a bot, newest first."""

    screenshots: list[Screenshot]


def _summary(bot: BotRecord) -> dict[str, object]:
    degraded = None
    if bot.degraded:
        degraded = BotDegradation.model_validate(
            {"code": bot.degraded, "since": moment(bot.degraded_ms / 1000)}
        )
    return {
        "id": bot.id,
        "session_id": bot.session_id,
        "driver": bot.driver,
        "url": shown_url(bot.request.url),
        "state": bot.state,
        "cause": BotCauseBody.of(bot.cause),
        "completion": bot.completion,
        "failure_stage": bot.stage,
        "created_at": moment(bot.created_ms / 1000),
        "join_at": moment(bot.request.join_at_ms / 1000) if bot.request.join_at_ms else None,
        "state_at": moment(bot.since_ms / 1000),
        "ended_at": moment(bot.ended_ms / 1000) if bot.ended_ms else None,
        "stop_requested": bool(bot.stop_ms),
        "degraded": degraded,
    }
