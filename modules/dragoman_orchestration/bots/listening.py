"""No silent bot: an active one that brings no audio, or no words, says so, and says when it does again."""

from __future__ import annotations

import time
from dataclasses import replace

from loguru import logger

from dragoman_contracts.bots import BotCause
from dragoman_contracts.errors import BusUnavailable, NotFound
from dragoman_contracts.events import BotDegraded, BotRecovered
from dragoman_contracts.websocket import Ledger
from dragoman_orchestration.bots.bounds import BotBounds
from dragoman_orchestration.bots.model import BotRecord
from dragoman_orchestration.bots.store import BotStore
from dragoman_orchestration.bots.supervision import Facts, lacks
from dragoman_orchestration.session.store import SessionStore

WORDS_EVERY_S = 2.0
_LACKING = {
    "no_audio": "no audio that is not silence has come from it for a while",
    "no_words": "audio comes from it, but no words for a while",
}


class Listener:
    """Listens to one bot for its keeper.

    Args:
        store: the bots.
        sessions: the sessions that they speak into.

    """

    def __init__(self, store: BotStore, sessions: SessionStore) -> None:
        self._store = store
        self._sessions = sessions
        self._transcribed_ms: int | None = None
        self._words_ms = 0
        self._looked_at = float("-inf")

    async def listen(self, bot: BotRecord, facts: Facts, bounds: BotBounds) -> None:
        """Tell what an active bot lacks, once, and that it has come.

        Raises:
            BusUnavailable: Redis is away.
            Fenced: another worker holds the bot.

        """
        await self._look_for_words(bot, facts.now_ms)
        lacking = lacks(bot, facts, bounds, self._words_ms)
        if lacking == bot.degraded:
            return
        event: BotDegraded | BotRecovered
        if bot.degraded:
            cause = BotCause(code=bot.degraded)
            degraded_ms = facts.now_ms - bot.degraded_ms
            event = BotRecovered(
                bot_id=bot.id, session_id=bot.session_id, cause=cause, degraded_ms=degraded_ms
            )
            after = replace(bot, degraded="", degraded_ms=0)
        else:
            cause = BotCause(code=lacking, message=_LACKING[lacking])
            event = BotDegraded(bot_id=bot.id, session_id=bot.session_id, cause=cause, since_ms=facts.now_ms)
            after = replace(bot, degraded=lacking, degraded_ms=facts.now_ms)
        await self._store.write(bot, after, event=event)
        logger.bind(bot_id=bot.id).warning("{}: {}", event.type_name(), cause.code)

    async def _look_for_words(self, bot: BotRecord, now_ms: int) -> None:
        """Words have come if more of the session's audio is transcribed than at the last look."""
        if time.monotonic() - self._looked_at < WORDS_EVERY_S:
            return
        self._looked_at = time.monotonic()
        transcribed_ms = (await self._ledger(bot)).transcribed_ms
        if self._transcribed_ms is not None and transcribed_ms > self._transcribed_ms:
            self._words_ms = now_ms
        self._transcribed_ms = transcribed_ms

    async def _ledger(self, bot: BotRecord) -> Ledger:
        try:
            return await self._sessions.ledger(await self._sessions.get(bot.session_id))
        except (NotFound, BusUnavailable):
            return Ledger(transcribed_ms=self._transcribed_ms or 0)
