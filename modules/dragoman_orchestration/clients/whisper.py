"""Client of the whisper service's window endpoint (``dragoman_contracts.whisper_api``)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from dragoman_contracts.errors import (
    BadUpstream,
    DecodeFailed,
    DragomanError,
    EngineUnavailable,
    InvalidInput,
    ModelUnavailable,
    Overloaded,
)
from dragoman_contracts.whisper_api import (
    WINDOW_HEADER,
    WINDOW_MEDIA_TYPE,
    WINDOW_PATH,
    WindowOptions,
    WindowResult,
    decode_result,
)
from dragoman_runtime.resilience import CircuitBreaker
from dragoman_runtime.telemetry import current_traceparent

DEFAULT_CONNECTIONS = 32


class WhisperClient:
    """Asks the whisper service for hypotheses; one connection pool a process.

    A call is made once: who asks decides whether the window is still worth another try. Failures that say
    something about the service, not about the window, open the circuit breaker.

    A request that was begun is never cancelled, only forgotten: httpx' pool keeps the connection of a request
    that is cancelled at the wrong moment as busy for ever, and a worker that was frozen, and drops all its
    sessions when it wakes, would end with a pool of nothing else. So calls queue here and not in the pool,
    which must not be bounded; ``http`` bounds each request in time.

    Args:
        http: client with the service as ``base_url``, its timeouts set, and no limit of connections.
        breaker: shared by all calls to this service.
        connections: requests under way at once; further ones wait.

    """

    def __init__(
        self, http: httpx.AsyncClient, breaker: CircuitBreaker, *, connections: int = DEFAULT_CONNECTIONS
    ) -> None:
        self._http = http
        self._breaker = breaker
        self._turns = asyncio.Semaphore(connections)
        self._under_way: set[asyncio.Task[httpx.Response]] = set()

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
        with self._breaker.guard(EngineUnavailable, BadUpstream):
            response = await self._post(samples.astype("<i2", copy=False).tobytes(), options)
            if response.status_code != httpx.codes.OK:
                raise _refusal(response)
            return decode_result(response.content)

    async def _post(self, body: bytes, options: WindowOptions) -> httpx.Response:
        headers = {"content-type": WINDOW_MEDIA_TYPE, WINDOW_HEADER: options.to_header()}
        if trace := current_traceparent():
            headers["traceparent"] = trace
        await self._turns.acquire()
        asked = self._begin(self._http.post(WINDOW_PATH, content=body, headers=headers))
        asked.add_done_callback(lambda _: self._turns.release())
        try:
            return await asyncio.shield(asked)
        except httpx.TimeoutException as error:
            raise EngineUnavailable(
                f"the whisper service answered too late ({type(error).__name__})"
            ) from error
        except httpx.HTTPError as error:
            raise EngineUnavailable(
                f"the whisper service cannot be reached ({type(error).__name__})"
            ) from error

    async def ready(self) -> str | None:
        """None if the service can decode, else the reason why not (for ``/ready``)."""
        try:
            response = await asyncio.shield(self._begin(self._http.get("/ready")))
        except httpx.HTTPError as error:
            return f"the whisper service cannot be reached ({type(error).__name__})"
        return None if response.is_success else "the whisper service is not ready"

    async def close(self) -> None:
        """Close all connections; requests that nobody waits for any more are cut off."""
        for task in list(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._http.aclose()

    def _begin(self, request: Coroutine[Any, Any, httpx.Response]) -> asyncio.Task[httpx.Response]:
        task = asyncio.create_task(request)
        self._under_way.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: asyncio.Task[httpx.Response]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # seen, though nobody may wait for it any more


_BY_CODE: dict[str, tuple[type[DragomanError], str]] = {
    ModelUnavailable.code: (ModelUnavailable, "the whisper service has no model"),
    Overloaded.code: (Overloaded, "the whisper service's queue is full"),
    DecodeFailed.code: (DecodeFailed, "the whisper service's engine fails on this window"),
}


def _refusal(response: httpx.Response) -> DragomanError:
    """The error that an answer means; its body may quote the request and is used for its code only."""
    status, code = response.status_code, _problem_code(response)
    if status == httpx.codes.TOO_MANY_REQUESTS:
        code = Overloaded.code
    if code in _BY_CODE:
        kind, message = _BY_CODE[code]
        return kind(message)
    if response.is_server_error:
        return EngineUnavailable(f"the whisper service cannot serve now (HTTP {status})")
    if response.is_client_error:
        return InvalidInput(f"the whisper service refuses the window (HTTP {status}, {code})")
    return BadUpstream(f"the whisper service answered with HTTP {status}")


def _problem_code(response: httpx.Response) -> str:
    try:
        problem = response.json()
    except ValueError:
        return "no problem document"
    code = problem.get("code") if isinstance(problem, dict) else None
    return code if isinstance(code, str) and code.isidentifier() else "unknown"
