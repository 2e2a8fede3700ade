"""The engines of the process: loading them, their state, and the way to them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from loguru import logger

from dragoman_contracts.config import TranslationService as WantedConfig
from dragoman_contracts.errors import DragomanError, InvalidInput, ModelUnavailable, Unavailable
from dragoman_contracts.translation_api import LanguagePair
from dragoman_runtime.process import Health
from dragoman_translation import metrics
from dragoman_translation.batcher import Batcher, Limits
from dragoman_translation.config import TranslateConfig
from dragoman_translation.detect import warm_up
from dragoman_translation.engines.base import Engine
from dragoman_translation.engines.choose import choose_engine
from dragoman_translation.router import Line, Router
from dragoman_translation.settings import TranslationSettings
from dragoman_translation.translator import Translator

_PART = "engines"


class ModelLoading(Unavailable):
    """An engine is still loading; trying again later helps."""

    code = "model_loading"
    default_remedy = "Try again when GET /ready answers 200."


class TranslationService:
    """Holds the engines and the ways to them; begins to load at ``start`` and tells ``health`` how it goes.

    It is ready as soon as each engine was tried and at least one can be used. One that cannot be had leaves
    the others in service; it is tried again every ``load_retry_s`` seconds.
    """

    def __init__(
        self, settings: TranslationSettings, health: Health, engines: Sequence[Engine] | None = None
    ) -> None:
        self.settings = settings
        self._health = health
        chosen = engines or [choose_engine(name, settings) for name in settings.engine_names]
        self.config = settings.translate_config().model_copy(
            update={"engines": [engine.name for engine in chosen]}
        )
        self._started = self.config
        self.requested = WantedConfig()
        limits = Limits(
            settings.queue_max,
            settings.session_queue_max,
            settings.breaker_failures,
            settings.breaker_open_s,
        )
        self._lines = [
            Line(engine, Batcher(engine, self.config, limits), ModelLoading("it has not begun to load"))
            for engine in chosen
        ]
        self._router = Router(self._lines)
        self.translator = Translator(self._router)
        self._loading: list[asyncio.Task[None]] = []
        self._tried: set[str] = set()
        self._loaded = asyncio.Event()
        self._update()

    @property
    def states(self) -> dict[str, str]:
        """For each engine "ready" or why it cannot be used."""
        return {
            line.engine.name: "ready" if line.problem is None else line.problem.message
            for line in self._lines
        }

    @property
    def retry_after_s(self) -> int:
        """Whole seconds until a refused request may be sent again."""
        return max(line.batcher.retry_after_s for line in self._lines)

    def pairs(self) -> list[LanguagePair]:
        """What can be translated now."""
        return self._router.pairs()

    def source_languages(self) -> list[str]:
        """Languages that can be translated from now; empty: any."""
        return self._router.source_languages()

    def start(self) -> None:
        """Begin to load in the background."""
        self._loading = [
            asyncio.create_task(self._load(line), name=f"load {line.engine.name}") for line in self._lines
        ]

    async def wait_loaded(self) -> None:
        """Return when each engine was tried and one of them is ready, which may be never."""
        await self._loaded.wait()

    async def stop(self) -> None:
        """Finish the batches under way, refuse what waits, free the engines."""
        for task in self._loading:
            task.cancel()
        await asyncio.gather(*self._loading, return_exceptions=True)
        await asyncio.gather(*(line.batcher.close() for line in self._lines))

    def configure(self, requested: WantedConfig) -> None:
        """Use these values from the next batch on; what is left out is as the process was started.

        Raises:
            InvalidInput: a value is not possible; nothing is changed.

        """
        self.tune(self._started.over(requested))
        self.requested = requested

    def tune(self, config: TranslateConfig) -> None:
        """Use these values from the next batch on.

        Raises:
            InvalidInput: an engine is named that this process does not have.

        """
        names = [line.engine.name for line in self._lines]
        unknown = [name for name in config.engines if name not in names]
        if unknown:
            raise InvalidInput(
                f"this process has no engine {unknown[0][:40]!r}; it has {', '.join(names)}",
                remedy="Name engines of DRAGOMAN_TRANSLATION_ENGINES; that needs a restart to change.",
            )
        self.config = config if config.engines else config.model_copy(update={"engines": names})
        for line in self._lines:
            line.batcher.config = self.config
            line.engine.tune(self.config)
        self._update()

    async def _load(self, line: Line) -> None:
        loaded = await self._try_to_load(line)
        while not loaded:
            await asyncio.sleep(self.settings.load_retry_s)
            loaded = await self._try_to_load(line)

    async def _try_to_load(self, line: Line) -> bool:
        name = line.engine.name

        def progress(sentence: str) -> None:
            logger.info("loading the engine {}: {}", name, sentence)
            line.problem = ModelLoading(f"it is still loading: {sentence}")

        try:
            await asyncio.to_thread(warm_up)
            await line.engine.load(progress)
        except DragomanError as error:
            self._refuse(line, error)
        except Exception as error:
            logger.exception("loading the engine {} failed", name)
            self._refuse(line, ModelUnavailable(f"loading failed: {type(error).__name__}"))
        else:
            line.engine.tune(self.config)
            line.batcher.start()
            line.problem = None
            logger.info("the engine {} is ready", name)
        self._tried.add(name)
        self._update()
        return line.problem is None

    def _refuse(self, line: Line, error: DragomanError) -> None:
        if line.problem is None or line.problem.message != error.message:
            logger.error("the engine {} cannot be had: {} {}", line.engine.name, error.message, error.remedy)
        line.problem = error

    def _update(self) -> None:
        """Tell router, health and metrics how the engines are now."""
        self._router.refresh(self.config)
        for line in self._lines:
            metrics.ENGINE_READY.labels(line.engine.name).set(line.problem is None)
        if len(self._tried) == len(self._lines) and any(line.problem is None for line in self._lines):
            self._health.ready(_PART)
            self._loaded.set()
        else:
            self._health.not_ready(
                _PART, "; ".join(f"{name}: {state}" for name, state in self.states.items())
            )
