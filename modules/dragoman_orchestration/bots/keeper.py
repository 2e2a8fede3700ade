"""Keeps one bot for a worker: looks at it again and again, and does what is due.

A keeper builds on nothing that it remembers: the record is the truth, and whoever holds its lease may write
it. So a keeper that is killed at any line is replaced by one that looks at the same record.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace

from loguru import logger

from dragoman_contracts.audio import AudioFormat
from dragoman_contracts.bots import RUNNER_TOKEN_PREFIX, BotCause, BotState, FailureStage
from dragoman_contracts.config import Bots
from dragoman_contracts.errors import DragomanError, Fenced, NotFound
from dragoman_orchestration.bots import lifecycle
from dragoman_orchestration.bots.bounds import BotBounds, runner_task
from dragoman_orchestration.bots.launchers.base import NOT_STARTED, Launcher, LaunchFailed, runner_env
from dragoman_orchestration.bots.lifecycle import Happening, advance
from dragoman_orchestration.bots.listening import Listener
from dragoman_orchestration.bots.model import MAX_HISTORY, BotRecord, Handle, token_hash
from dragoman_orchestration.bots.store import BotGone, BotStore, Claim, StaleStep, state_changed, step_of
from dragoman_orchestration.bots.supervision import Deed, Facts, Patience, deed, judge, retry_s
from dragoman_orchestration.session.model import SessionRecord
from dragoman_orchestration.session.store import SessionStore
from dragoman_runtime.resilience import Backoff

TICK_S = 0.5
"""How often a bot is looked at without being told to."""
ABANDON_GRACE_S = 5.0
SESSION_END_REASON = "bot"
_SILENT = frozenset({"runner_silent", "runner_never_reported"})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperParts:
    """What the keepers of a worker share.

    ``has_room`` tells whether the worker may launch a runner for this bot; ``api_answers`` whether the API
    that runners report to is there; ``is_draining`` whether its bots are to be ended.
    """

    store: BotStore
    sessions: SessionStore
    launcher: Launcher
    config: Callable[[], Bots]
    patience: Patience
    api_url: str
    has_room: Callable[[str], bool]
    api_answers: Callable[[], Awaitable[bool]]
    is_draining: Callable[[], bool]


class BotKeeper:
    """One bot of one worker, for as long as the worker holds it."""

    def __init__(self, claim: Claim, parts: KeeperParts) -> None:
        self.claim = claim
        self.has_runner = False
        self._parts = parts
        self._store, self._launcher = parts.store, parts.launcher
        self._wake = asyncio.Event()
        self._leaving = False
        self._watched_ms: int | None = None
        self._looked_at = float("-inf")
        self._running: bool | None = None
        self._handle: Handle = {}
        self._handle_of = 0
        self._is_saved = True
        self._asked_of = 0
        self._listener = Listener(parts.store, parts.sessions)
        self._log = logger.bind(bot_id=claim.bot_id)

    def wake(self) -> None:
        """Something may have happened: look now."""
        self._wake.set()

    def leave(self) -> None:
        """Look no more; ``run`` returns soon. The bot stays held, and its runner goes on."""
        self._leaving = True
        self._wake.set()

    async def run(self) -> None:
        """Keep the bot until it has ended, is another worker's, or ``leave``."""
        backoff = Backoff(base_s=0.1, cap_s=1.0)
        while not self._leaving:
            try:
                if await self._tend():
                    return
                backoff.reset()
            except Fenced:
                self._log.info("the bot is held by another worker")
                await self._drop_unsaved()
                return
            except BotGone:
                await self._abandon()
                return
            except StaleStep:
                continue
            except DragomanError as error:
                if not backoff.failures:
                    self._log.warning("the bot cannot be looked after: {}", error.message)
                # What was not heard meanwhile says nothing about its runner.
                self._watched_ms = None
                await asyncio.sleep(backoff.next_s())
            except Exception:
                self._log.exception("looking after a bot failed")
                await asyncio.sleep(backoff.next_s())

    async def kill_runner(self) -> None:
        """End its runner at once."""
        if self._handle:
            await self._launcher.kill(self._handle)

    # --- one look ------------------------------------------------------------------------------------------

    async def _tend(self) -> bool:
        """Look once and do what is due; whether the bot needs no keeper any more."""
        self._wake.clear()
        bot, facts = await self._look()
        bounds = BotBounds.of(bot.request, self._parts.config())
        happening = judge(bot, facts, bounds, self._patience)
        if happening is not None:
            if happening.cause.code in _SILENT and not await self._parts.api_answers():
                self._watched_ms = facts.now_ms
                return await self._pause()
            await self._step(bot, happening, facts.now_ms)
            return False
        return await self._do(deed(bot, facts, self._patience), bot, facts, bounds)

    @property
    def _patience(self) -> Patience:
        given = self._parts.patience
        return replace(given, launch_s=max(given.launch_s, self._launcher.launch_timeout_s))

    async def _look(self) -> tuple[BotRecord, Facts]:
        seen = await self._store.read(self.claim.bot_id)
        bot = await self._held(seen.bot)
        running = await self._is_running(bot)
        if running is False:
            # Its last report may have come just before it ended, after the record was read.
            seen = await self._store.read(self.claim.bot_id)
            bot = await self._held(seen.bot)
        session = await self._session(bot)
        if self._watched_ms is None:
            self._watched_ms = seen.now_ms
        self.has_runner = running is not False
        return bot, Facts(
            now_ms=seen.now_ms,
            running=running,
            watched_ms=self._watched_ms,
            session=session.status if session else None,
            session_reason=session.end_reason if session else "",
            draining=self._parts.is_draining(),
        )

    async def _held(self, bot: BotRecord) -> BotRecord:
        """The bot, with the handle of its runner if only this keeper knows it."""
        if bot.lease != self.claim.lease:
            raise Fenced("another worker holds the bot")
        if self._handle_of != bot.generation:
            self._know(bot.handle, bot.generation)
        elif not self._is_saved:
            saved = replace(bot, handle=self._handle)
            await self._store.write(bot, saved)
            self._is_saved = True
            return saved
        return bot

    def _know(self, handle: Handle, generation: int, *, is_saved: bool = True) -> None:
        self._handle, self._handle_of, self._is_saved = handle, generation, is_saved
        self._looked_at = float("-inf")

    async def _session(self, bot: BotRecord) -> SessionRecord | None:
        try:
            return await self._parts.sessions.get(bot.session_id)
        except NotFound:
            return None

    async def _is_running(self, bot: BotRecord) -> bool | None:
        if not bot.generation or self._handle == NOT_STARTED:
            return False
        now = time.monotonic()
        if now - self._looked_at >= self._launcher.look_every_s:
            self._running = await self._ask_launcher(bot)
            self._looked_at = time.monotonic()
        return self._running

    async def _ask_launcher(self, bot: BotRecord) -> bool | None:
        try:
            if self._handle:
                return await self._launcher.is_running(self._handle)
            # A worker was killed between launching it and keeping its handle.
            found = await self._launcher.find(bot.id, bot.generation)
        except DragomanError as error:
            self._log.warning("its launcher cannot tell about its runner: {}", error.message)
            return None
        if found is None:
            return False if self._launcher.sees_all else None
        self._know(found, bot.generation, is_saved=False)
        return True

    async def _pause(self) -> bool:
        try:
            async with asyncio.timeout(TICK_S):
                await self._wake.wait()
        except TimeoutError:
            pass
        return False

    # --- steps ---------------------------------------------------------------------------------------------

    async def _step(self, bot: BotRecord, happening: Happening, now_ms: int) -> None:
        life = advance(bot.life, happening)
        if life is None:
            return
        starts = life.launches > bot.launches
        wait_s = retry_s(bot.attempt) * random.uniform(0.5, 1.0) if bot.attempt and starts else 0.0
        after = replace(
            bot,
            **asdict(life),
            cause=happening.cause,
            since_ms=now_ms,
            active_ms=bot.active_ms or (now_ms if life.state is BotState.ACTIVE else 0),
            ended_ms=now_ms if life.state.is_final else 0,
            due_ms=now_ms + round(wait_s * 1000) if starts else bot.due_ms,
            degraded="",
            degraded_ms=0,
        )
        after = replace(after, history=[*bot.history, step_of(after)][-MAX_HISTORY:])
        await self._store.write(bot, after, event=state_changed(after, bot.state))
        self._log.info("{} → {}: {}", bot.state, after.state, happening.cause.code)

    async def _do(self, what: Deed, bot: BotRecord, facts: Facts, bounds: BotBounds) -> bool:
        if bot.state.is_final:
            await self._end_session(bot)
        match what:
            case Deed.LAUNCH:
                return await self._launch(bot, facts.now_ms)
            case Deed.ASK if self._asked_of != bot.generation:
                # Once: by a second signal a process ends at once.
                self._asked_of = bot.generation
                await self._launcher.stop(self._handle)
            case Deed.KILL:
                await self.kill_runner()
                self._looked_at = float("-inf")
            case Deed.RELEASE:
                await self._store.let_go(self.claim)
                return True
            case _:
                if bot.state is BotState.ACTIVE:
                    await self._listener.listen(bot, facts, bounds)
        return await self._pause()

    async def _end_session(self, bot: BotRecord) -> None:
        try:
            await self._parts.sessions.end(bot.session_id, SESSION_END_REASON)
        except NotFound:
            self._log.info("its session is gone already")

    # --- its runner ----------------------------------------------------------------------------------------

    async def _launch(self, bot: BotRecord, now_ms: int) -> bool:
        """Launch the next runner, under a token of its own; whether the bot needs no keeper any more."""
        if not self._parts.has_room(bot.id):
            self._log.info("there is no room for its runner: it waits for a worker that has it")
            await self._store.requeue(self.claim, now_ms)
            return True
        self.has_runner = True  # from here on, or others would be launched into the same room
        token = f"{RUNNER_TOKEN_PREFIX}{bot.id}.{secrets.token_urlsafe(32)}"
        prepared = replace(
            bot,
            generation=bot.launches,
            token_hash=token_hash(token),
            revoked=[*bot.revoked, bot.token_hash] if bot.token_hash else bot.revoked,
            handle={},
            launched_ms=now_ms,
        )
        active_s = (now_ms - bot.active_ms) / 1000 if bot.active_ms else 0.0
        # The runner before this one is gone, and nobody else may speak: this is exact.
        stored = await self._parts.sessions.stored_bytes(bot.session_id) if active_s else 0
        # First the record: from here on the runner before this one is fenced.
        await self._store.write(bot, prepared)
        task = runner_task(
            bot.id,
            bot.session_id,
            prepared.generation,
            bot.request,
            self._parts.config(),
            active_s=active_s,
            heard_ms=AudioFormat().duration_ms(stored),
        )
        try:
            handle = await self._launcher.launch(
                task, runner_env(task, api_url=self._parts.api_url, token=token)
            )
        except LaunchFailed as error:
            await self._launch_failed(prepared, error, now_ms)
            return False
        self._know(handle, prepared.generation, is_saved=False)
        self._log.info("runner {} of the bot is launched", prepared.generation)
        return False

    async def _launch_failed(self, prepared: BotRecord, error: LaunchFailed, now_ms: int) -> None:
        self._log.warning("its runner could not be launched: {}", error.message)
        self._know(NOT_STARTED if error.is_certain else {}, prepared.generation)
        known = replace(prepared, handle=self._handle)
        if error.is_certain:
            await self._store.write(prepared, known)
        cause = BotCause(code=error.code, message=error.message, transient=error.transient)
        await self._step(known, Happening(lifecycle.Event.FAIL, cause, stage=FailureStage.LAUNCH), now_ms)

    async def _drop_unsaved(self) -> None:
        """A runner that was launched as the bot was lost: nobody else knows it."""
        if not self._is_saved:
            await self.kill_runner()

    async def _abandon(self) -> None:
        """Redis was emptied: nobody knows the bot any more, so its runner has to go."""
        self._log.warning("the bot is gone, as after an emptied Redis: its runner is ended")
        if not self._handle or self._handle == NOT_STARTED:
            return
        await self._launcher.stop(self._handle)
        deadline = time.monotonic() + ABANDON_GRACE_S
        while await self._launcher.is_running(self._handle):
            if time.monotonic() > deadline:
                await self.kill_runner()
                return
            await asyncio.sleep(0.1)
