"""Client of the whisper service's window endpoint (``dragoman_contracts.whisper_api``)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dragoman_contracts.errors import BadUpstream, DecodeFailed, EngineUnavailable, ModelUnavailable
from dragoman_contracts.whisper_api import (
    WINDOW_HEADER,
    WINDOW_MEDIA_TYPE,
    WINDOW_PATH,
    WindowOptions,
    WindowResult,
    decode_result,
)
from dragoman_orchestration.clients.service import Refusals, ServiceClient


class WhisperClient(ServiceClient):
    """Asks the whisper service for hypotheses."""

    name: ClassVar[str] = "the whisper service"
    refusals: ClassVar[Refusals] = {
        ModelUnavailable.code: (ModelUnavailable, " has no model"),
        DecodeFailed.code: (DecodeFailed, "'s engine fails on this window"),
    }

    async def decode(self, samples: NDArray[np.int16], options: WindowOptions) -> WindowResult:
        """Decode one window of mono int16 samples at 16 kHz, at most 30 s.

        Raises:
            EngineUnavailable: no answer, a late one, or the circuit is open.
            Overloaded: the service's queue is full.
            ModelUnavailable: the service runs but has no model.
            InvalidInput: the service refuses this window; asking again gives the same answer.
            DecodeFailed: its engine breaks on this window; likewise.
            BadUpstream: the answer is no hypothesis.

        """
        body = samples.astype("<i2", copy=False).tobytes()
        headers = {"content-type": WINDOW_MEDIA_TYPE, WINDOW_HEADER: options.to_header()}
        with self._breaker.guard(EngineUnavailable, BadUpstream):
            return decode_result(await self._post(WINDOW_PATH, body, headers))
