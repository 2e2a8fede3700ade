"""What the services can do, asked seldom and never waited for long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import httpx
import msgspec

from dragoman_contracts.errors import BadUpstream, EngineUnavailable
from dragoman_contracts.translation_api import LANGUAGES_PATH, LanguagePair, Languages
from dragoman_contracts.whisper_api import MODELS_PATH, Models

T = TypeVar("T")

KEEP_S = 5.0
PATIENCE_S = 2.0


class Abilities:
    """What the whisper service recognises and the translation service translates.

    An answer, also a bad one, is kept for ``keep_s`` seconds, and one request to each service is under way at
    most, however many callers wait. A caller waits ``patience_s`` seconds at most.

    Args:
        whisper: client with the whisper service as ``base_url``.
        translation: client with the translation service as ``base_url``.
        keep_s: how long an answer is good for.
        patience_s: how long one waits for an answer.

    """

    def __init__(
        self,
        whisper: httpx.AsyncClient,
        translation: httpx.AsyncClient,
        *,
        keep_s: float = KEEP_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._spoken = _Kept(
            "whisper", lambda: _ask(whisper, MODELS_PATH, Models, patience_s), keep_s, patience_s
        )
        self._pairs = _Kept(
            "translation",
            lambda: _ask(translation, LANGUAGES_PATH, Languages, patience_s),
            keep_s,
            patience_s,
        )

    async def spoken(self) -> list[str]:
        """Languages that are recognised, as sorted ISO 639 codes; of more than one it is detected which.

        Raises:
            EngineUnavailable: the whisper service does not answer, or has no model yet.
            BadUpstream: it answered something else.

        """
        models = (await self._spoken.get()).data
        return sorted({language for model in models for language in model.languages})

    async def pairs(self) -> list[LanguagePair]:
        """What can be translated; ``*`` is any language.

        Raises:
            EngineUnavailable: the translation service does not answer.
            BadUpstream: it answered something else.

        """
        return (await self._pairs.get()).pairs


class _Kept(Generic[T]):
    """The answer to one question, kept for a while."""

    def __init__(self, name: str, ask: Callable[[], Awaitable[T]], keep_s: float, patience_s: float) -> None:
        self._name = name
        self._ask = ask
        self._keep_s = keep_s
        self._patience_s = patience_s
        self._asked: asyncio.Task[T] | None = None
        self._good_until_s = 0.0

    async def get(self) -> T:
        """The answer.

        Raises:
            EngineUnavailable: there is none in time.
            BadUpstream: it is no answer.

        """
        asked = self._asked
        if asked is None or (asked.done() and time.monotonic() >= self._good_until_s):
            asked = self._asked = asyncio.create_task(self._once())
            asked.add_done_callback(_seen)
        # Who goes away, or has waited long enough, leaves the question to the others.
        await asyncio.wait({asked}, timeout=self._patience_s)
        if not asked.done():
            raise EngineUnavailable(f"the {self._name} service answers too late")
        try:
            return asked.result()
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            raise EngineUnavailable(f"the {self._name} service is not ready (HTTP {status})") from None
        except httpx.HTTPError as error:
            told = type(error).__name__
            raise EngineUnavailable(f"the {self._name} service cannot be reached ({told})") from None
        except msgspec.DecodeError:
            raise BadUpstream(f"the {self._name} service answered something else") from None

    async def _once(self) -> T:
        try:
            return await self._ask()
        finally:
            self._good_until_s = time.monotonic() + self._keep_s


def _seen(asked: asyncio.Task[T]) -> None:
    """Nobody may wait for it any more."""
    if not asked.cancelled():
        asked.exception()


async def _ask(http: httpx.AsyncClient, path: str, kind: type[T], timeout_s: float) -> T:
    answer = await http.get(path, timeout=timeout_s)
    return msgspec.json.decode(answer.raise_for_status().content, type=kind)
