"""The one model of the process: loading it, its state, and the way to it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Literal

from loguru import logger

from dragoman_contracts.config import WhisperService as WantedConfig
from dragoman_contracts.errors import DragomanError, InvalidInput, ModelUnavailable, Unavailable
from dragoman_runtime.process import Health
from dragoman_whisper.batcher import Batcher
from dragoman_whisper.config import DecodeConfig
from dragoman_whisper.engines.base import Engine
from dragoman_whisper.engines.choose import choose_engine
from dragoman_whisper.settings import WhisperSettings

State = Literal["loading", "ready", "failed"]
_PART = "model"


class UnknownLanguage(InvalidInput):
    """The model does not know this language."""

    code = "unknown_language"
    default_remedy = "Give an ISO 639-1 code that the model knows, such as en or es, or none to detect it."


class ModelLoading(Unavailable):
    """The model is still loading; trying again later helps."""

    code = "model_loading"
    default_remedy = "Try again when GET /ready answers 200."


class WhisperService:
    """Holds the engine and its batcher; begins to load at ``start`` and tells ``health`` how it goes.

    A model that cannot be had leaves the service alive: it tries again every ``load_retry_s`` seconds, and
    until then every request is told why.
    """

    def __init__(self, settings: WhisperSettings, health: Health, engine: Engine | None = None) -> None:
        self.settings = settings
        self.config = self._started = settings.decode_config()
        self.requested = WantedConfig()
        self.state: State = "loading"
        self._health = health
        self._given = engine
        self._engine: Engine | None = None
        self._batcher: Batcher | None = None
        self._problem: DragomanError = ModelLoading("the model has not begun to load")
        self._last_refusal = ""
        self._loading: asyncio.Task[None] | None = None
        self._tell("loading", "not begun")

    @property
    def engine(self) -> Engine:
        """The engine.

        Raises:
            ModelLoading: not yet.
            ModelUnavailable: it cannot be had.

        """
        if self._engine is None or self.state != "ready":
            raise self._problem
        return self._engine

    @property
    def batcher(self) -> Batcher:
        """The way to the engine.

        Raises:
            ModelLoading: not yet.
            ModelUnavailable: it cannot be had.

        """
        if self._batcher is None or self.state != "ready":
            raise self._problem
        return self._batcher

    def start(self) -> None:
        """Begin to load in the background."""
        self._loading = asyncio.create_task(self._load(), name="load the model")

    async def wait_loaded(self) -> None:
        """Return when the model is ready or the service has stopped, which may be never."""
        if self._loading is not None:
            await asyncio.wait({self._loading})

    async def stop(self) -> None:
        """Finish the batch under way, refuse what waits, free the model."""
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.wait({self._loading})
        if self._batcher is not None:
            await self._batcher.close()

    def check_language(self, language: str | None) -> None:
        """Refuse a language that the model does not know.

        Raises:
            UnknownLanguage: it does not.

        """
        if language is not None and language not in self.engine.languages:
            raise UnknownLanguage(
                f"the model {self.engine.model} does not know the language {language[:12]!r}"
            )

    def configure(self, requested: WantedConfig) -> None:
        """Use these values from the next batch on; what is left out is as the process was started.

        Raises:
            InvalidInput: a value is not possible; nothing is changed.

        """
        self.tune(self._started.over(requested))
        self.requested = requested

    def tune(self, config: DecodeConfig) -> None:
        """Use these values from the next batch on."""
        self.config = config
        if self._batcher is not None and self._engine is not None:
            self._batcher.config = config
            self._engine.tune(config)

    async def _load(self) -> None:
        loaded = await self._try_to_load()
        while not loaded:
            await asyncio.sleep(self.settings.load_retry_s)
            loaded = await self._try_to_load()

    async def _try_to_load(self) -> bool:
        self._tell("loading", "started")
        try:
            engine = self._given or choose_engine(self.settings)
            await _in_a_daemon_thread(lambda: engine.load(self._on_progress))
        except DragomanError as error:
            self._refuse(error)
            return False
        except Exception as error:
            logger.exception("loading the model failed")
            self._refuse(ModelUnavailable(f"loading the model failed: {type(error).__name__}"))
            return False
        engine.tune(self.config)
        self._engine, self._batcher = engine, self._make_batcher(engine)
        self._batcher.start()
        self.state = "ready"
        self._health.ready(_PART)
        logger.info("the model {} is ready on the engine {}", engine.model, engine.name)
        return True

    def _make_batcher(self, engine: Engine) -> Batcher:
        settings = self.settings
        return Batcher(
            engine,
            self.config,
            threads=settings.engine_threads,
            queue_max=settings.queue_max,
            session_queue_max=settings.session_queue_max,
        )

    def _on_progress(self, sentence: str) -> None:
        self._tell("loading", sentence)
        logger.info("loading the model: {}", sentence)

    def _tell(self, state: State, reason: str) -> None:
        self.state = state
        if state == "loading":
            self._problem = ModelLoading(f"the model is still loading: {reason}")
        self._health.not_ready(_PART, f"{state}: {reason}")

    def _refuse(self, error: DragomanError) -> None:
        if error.message != self._last_refusal:
            logger.error("the model cannot be had: {} {}", error.message, error.remedy)
            self._last_refusal = error.message
        self._tell("failed", f"{error.message} {error.remedy}")
        self._problem = error


async def _in_a_daemon_thread(work: Callable[[], None]) -> None:
    """Run ``work`` in a thread that does not hold up the process's end: a model may take long to fetch."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        outcome: BaseException | None = None
        try:
            work()
        except BaseException as error:
            outcome = error
        with contextlib.suppress(RuntimeError):  # the loop ended meanwhile
            loop.call_soon_threadsafe(settle, outcome)

    threading.Thread(target=run, name="load the model", daemon=True).start()
    await done
