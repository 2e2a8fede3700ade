"""What the ladder's steps mean for this worker's sessions."""

from __future__ import annotations

from collections.abc import Sequence

from loguru import logger

from dragoman_contracts.errors import DecodeFailed, DragomanError, InvalidInput
from dragoman_contracts.whisper_api import WindowOptions, WindowResult
from dragoman_orchestration.clients.whisper import WhisperClient
from dragoman_orchestration.streaming.window import Pcm
from dragoman_orchestration.workers.ladder import Ladder, LadderLimits, Step


class ServiceLevel:
    """The service that all sessions of a worker get now.

    Args:
        whisper: the whisper service.
        fallback: one with a smaller model; without it ``smaller_model`` is no step.
        steps: the ladder, from the settings.
        limits: when it is climbed.

    """

    def __init__(
        self,
        whisper: WhisperClient,
        fallback: WhisperClient | None = None,
        *,
        steps: Sequence[Step] = tuple(Step),
        limits: LadderLimits | None = None,
    ) -> None:
        self._whisper = whisper
        self._fallback = fallback
        self._ladder = Ladder(self._possible(steps), limits)
        self.lag_ms = 0

    def retune(self, steps: Sequence[Step], limits: LadderLimits) -> None:
        """Climb another ladder from here on."""
        self._ladder.retune(self._possible(steps), limits)

    def _possible(self, steps: Sequence[Step]) -> list[Step]:
        return [step for step in steps if step is not Step.SMALLER_MODEL or self._fallback is not None]

    def observe(self, lag_ms: int, now_s: float) -> bool:
        """Take the lag of this worker's sessions at ``now_s``; whether the level changed."""
        self.lag_ms = lag_ms
        return self._ladder.observe(lag_ms, now_s)

    @property
    def level(self) -> int:
        """0 is full service."""
        return self._ladder.level

    @property
    def reason(self) -> str:
        """For ``session.degraded``: why, and what is done without."""
        steps = ", ".join(self._ladder.in_effect)
        return f"the recognisers are overloaded; in effect: {steps}" if steps else "recovered"

    @property
    def drafts(self) -> bool:
        """Whether unfinished utterances are decoded for partials."""
        return Step.DROP_PARTIALS not in self._ladder.in_effect

    @property
    def delays_translation(self) -> bool:
        """Whether translations wait until the recognisers have caught up; for whoever translates finals."""
        return Step.DELAY_TRANSLATION in self._ladder.in_effect

    @property
    def refuses(self) -> bool:
        """Whether new sessions are left to other workers."""
        return Step.REFUSE_SESSIONS in self._ladder.in_effect

    async def decode(self, samples: Pcm, options: WindowOptions) -> WindowResult:
        """Decode a window by the service of this level; one that cannot serve is no reason to fail.

        Raises:
            DragomanError: as ``WhisperClient.decode``.

        """
        if self._fallback is not None and Step.SMALLER_MODEL in self._ladder.in_effect:
            try:
                return await self._fallback.decode(samples, options)
            except (InvalidInput, DecodeFailed):
                raise
            except DragomanError as error:
                logger.debug("the fallback whisper service cannot serve: {}", error.message)
        return await self._whisper.decode(samples, options)

    async def close(self) -> None:
        """Close the connections to the services."""
        await self._whisper.close()
        if self._fallback is not None:
            await self._fallback.close()
