"""The bounds of one bot: what it was asked for with, else the configuration's, else these."""

from __future__ import annotations

from dataclasses import dataclass

from dragoman_contracts.bots import BotRequest, RunnerTask
from dragoman_contracts.config import Bots

DISPLAY_NAME = "Dragoman"
WAITING_ROOM_S = 600.0
ALONE_S = 60.0
SILENCE_S = 1_800.0
LENGTH_S = 14_400.0
NO_AUDIO_NOTICE_S = 30.0
NO_WORDS_NOTICE_S = 120.0


@dataclass(frozen=True, slots=True)
class BotBounds:
    """In seconds."""

    waiting_room_s: float = WAITING_ROOM_S
    alone_s: float = ALONE_S
    silence_s: float = SILENCE_S
    length_s: float = LENGTH_S
    no_audio_notice_s: float = NO_AUDIO_NOTICE_S
    no_words_notice_s: float = NO_WORDS_NOTICE_S

    @classmethod
    def of(cls, request: BotRequest, config: Bots) -> BotBounds:
        """Those of this request under this configuration."""
        limits = request.limits
        return cls(
            waiting_room_s=_first(limits.waiting_room_s, config.max_waiting_room_s, WAITING_ROOM_S),
            alone_s=_first(limits.alone_s, config.max_alone_s, ALONE_S),
            silence_s=_first(limits.silence_s, config.max_silence_s, SILENCE_S),
            length_s=_first(limits.length_s, config.max_length_s, LENGTH_S),
            no_audio_notice_s=_first(None, config.no_audio_notice_s, NO_AUDIO_NOTICE_S),
            no_words_notice_s=_first(None, config.no_words_notice_s, NO_WORDS_NOTICE_S),
        )


def runner_task(
    bot_id: str,
    session_id: str,
    generation: int,
    request: BotRequest,
    config: Bots,
    *,
    active_s: float,
    heard_ms: int = 0,
) -> RunnerTask:
    """What a runner is started with; with runners before it the bot was there for ``active_s``, and they
    brought ``heard_ms`` of audio into the session.
    """
    bounds = BotBounds.of(request, config)
    notice = config.notice if request.notice is None else request.notice
    return RunnerTask(
        bot_id=bot_id,
        session_id=session_id,
        generation=generation,
        request=_with_manners(request, request.display_name or config.display_name or DISPLAY_NAME, notice),
        waiting_room_s=bounds.waiting_room_s,
        alone_s=bounds.alone_s,
        silence_s=bounds.silence_s,
        length_s=max(1.0, bounds.length_s - active_s),
        heard_ms=heard_ms,
    )


def _with_manners(request: BotRequest, name: str, notice: str | None) -> BotRequest:
    return BotRequest(
        driver=request.driver,
        url=request.url,
        recipe=request.recipe,
        display_name=name,
        notice=notice or None,
        join_at_ms=request.join_at_ms,
        limits=request.limits,
    )


def _first(asked: float | None, configured: float | None, default: float) -> float:
    return next((value for value in (asked, configured) if value is not None), default)
