"""What the clients of all services share: calls that are bounded, begun once and never cancelled half way."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, ClassVar

import httpx

from dragoman_contracts.errors import (
    BadUpstream,
    DragomanError,
    EngineUnavailable,
    InvalidInput,
    Overloaded,
)
from dragoman_runtime.resilience import CircuitBreaker
from dragoman_runtime.telemetry import current_traceparent

DEFAULT_CONNECTIONS = 32

Refusals = Mapping[str, tuple[type[DragomanError], str]]
"""What a service's problem codes mean: error and what is said after "the … service"."""


class ServiceClient:
    """Asks one service; one connection pool a process.

    A call is made once: who asks decides whether it is still worth another try. Failures that say something
    about the service, not about what was asked, open the circuit breaker.

    A request that was begun is never cancelled, only forgotten: httpx' pool keeps the connection of a request
    that is cancelled at the wrong moment as busy for ever, and a worker that was frozen, and drops all its
    sessions when it wakes, would end with a pool of nothing else. So calls queue here and not in the pool,
    which must not be bounded; ``http`` bounds each request in time.

    Args:
        http: client with the service as ``base_url``, its timeouts set, and no limit of connections.
        breaker: shared by all calls to this service.
        connections: requests under way at once; further ones wait.

    """

    name: ClassVar[str]
    refusals: ClassVar[Refusals]

    def __init__(
        self, http: httpx.AsyncClient, breaker: CircuitBreaker, *, connections: int = DEFAULT_CONNECTIONS
    ) -> None:
        self._http = http
        self._breaker = breaker
        self._turns = asyncio.Semaphore(connections)
        self._under_way: set[asyncio.Task[httpx.Response]] = set()

    async def ready(self) -> str | None:
        """None if the service can work, else the reason why not (for ``/ready``)."""
        try:
            response = await asyncio.shield(self._begin(self._http.get("/ready")))
        except httpx.HTTPError as error:
            return f"{self.name} cannot be reached ({type(error).__name__})"
        return None if response.is_success else f"{self.name} is not ready"

    async def close(self) -> None:
        """Close all connections; requests that nobody waits for any more are cut off."""
        for task in list(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._http.aclose()

    async def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """The body of a good answer.

        Raises:
            DragomanError: what ``refusals`` say of the problem's code, ``EngineUnavailable``, ``Overloaded``,
                ``InvalidInput`` or ``BadUpstream``.

        """
        response = await self._send(path, body, dict(headers))
        if response.status_code != httpx.codes.OK:
            raise self._refusal(response)
        return response.content

    async def _send(self, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        if trace := current_traceparent():
            headers["traceparent"] = trace
        await self._turns.acquire()
        asked = self._begin(self._http.post(path, content=body, headers=headers))
        asked.add_done_callback(lambda _: self._turns.release())
        try:
            return await asyncio.shield(asked)
        except httpx.TimeoutException as error:
            raise EngineUnavailable(f"{self.name} answered too late ({type(error).__name__})") from error
        except httpx.HTTPError as error:
            raise EngineUnavailable(f"{self.name} cannot be reached ({type(error).__name__})") from error

    def _begin(self, request: Coroutine[Any, Any, httpx.Response]) -> asyncio.Task[httpx.Response]:
        task = asyncio.create_task(request)
        self._under_way.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: asyncio.Task[httpx.Response]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # seen, though nobody may wait for it any more

    def _refusal(self, response: httpx.Response) -> DragomanError:
        """The error that an answer means; its body may quote the request and is used for its code only."""
        status, code = response.status_code, _problem_code(response)
        if status == httpx.codes.TOO_MANY_REQUESTS:
            code = Overloaded.code
        if code == Overloaded.code:
            return Overloaded(f"{self.name}'s queue is full")
        if code in self.refusals:
            kind, said = self.refusals[code]
            return kind(f"{self.name}{said}")
        if response.is_server_error:
            return EngineUnavailable(f"{self.name} cannot serve now (HTTP {status})")
        if response.is_client_error:
            return InvalidInput(f"{self.name} refuses the request (HTTP {status}, {code})")
        return BadUpstream(f"{self.name} answered with HTTP {status}")


def _problem_code(response: httpx.Response) -> str:
    try:
        problem = response.json()
    except ValueError:
        return "no problem document"
    code = problem.get("code") if isinstance(problem, dict) else None
    return code if isinstance(code, str) and code.isidentifier() else "unknown"
