"""One POST to a stranger's server: to the checked address only, bounded in time and size, never redirected.

The name is resolved once, where the connection is made; its addresses are checked and these are connected to
(``dragoman_runtime.addresses``). TLS and the Host header still use the name. A connection serves one attempt:
nothing is shared between receivers.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import httpcore
import httpx

from dragoman_runtime.addresses import AddressForbidden, HostUnresolved, Network, check_public

MAX_ANSWER_BYTES = 4096
"""Of an answer's body that are read, and thrown away: its status says all."""
ANSWER_PATIENCE_S = 1.0
USER_AGENT = "Dragoman-Webhooks/1"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended. ``status`` 0: no answer; ``error`` is empty for a success (2xx)."""

    status: int
    error: str
    duration_ms: int
    retry_after: str = ""

    @property
    def delivered(self) -> bool:
        """Whether the receiver has it."""
        return not self.error


class _CheckedBackend(httpcore.AnyIOBackend):
    """Opens TCP connections to public or allowed addresses only."""

    def __init__(self, allowed: Sequence[Network], setting: str) -> None:
        self._allowed = allowed
        self._setting = setting

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first of the host's checked addresses that answers."""
        addresses = await check_public(host, port, allowed=self._allowed, setting=self._setting)
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in addresses:
            try:
                return await super().connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError("the host has no address")


@cache
def _default_context() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


class Sender:
    """Makes attempts.

    Args:
        allowed: networks that may be called though they are not public.
        timeout_s: for an attempt in all.
        setting: name of the setting that allows more networks.
        context: what TLS trusts; tests hand in one with a certificate of their own.

    """

    def __init__(
        self,
        *,
        allowed: Sequence[Network] = (),
        timeout_s: float = 10.0,
        setting: str = "",
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._backend = _CheckedBackend(allowed, setting)
        self._timeout_s = timeout_s
        self._context = context

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Send ``body``; never raises for what a receiver does or is."""
        started = time.monotonic()
        status, error, retry_after = 0, "", ""
        try:
            async with asyncio.timeout(self._timeout_s):
                status, retry_after = await self._attempt(url, body, headers)
            error = _status_error(status)
        except TimeoutError:
            error = "timeout"
        except (AddressForbidden, HostUnresolved) as refusal:
            error = refusal.code
        except httpcore.TimeoutException:
            error = "timeout"
        except (
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpx.InvalidURL,
            OSError,
            ValueError,
        ) as failure:
            error = _failure(failure)
        return Outcome(status, error, round((time.monotonic() - started) * 1000), retry_after)

    async def _attempt(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        # httpcore and not httpx: it takes a network backend, follows no redirect and reads no environment.
        parsed = httpx.URL(url)
        target = httpcore.URL(
            scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path
        )
        host = {"host": parsed.netloc.decode(), "user-agent": USER_AGENT, "accept-encoding": "identity"}
        async with (
            httpcore.AsyncConnectionPool(
                ssl_context=self._context or _default_context(),
                max_keepalive_connections=0,
                network_backend=self._backend,
            ) as pool,
            pool.stream("POST", target, headers=[*(host | dict(headers)).items()], content=body) as response,
        ):
            await _taste(response)
            return response.status, _header(response, b"retry-after")


def _header(response: httpcore.Response, wanted: bytes) -> str:
    values = [value for name, value in response.headers if name.lower() == wanted]
    return values[0].decode("latin-1") if values else ""


async def _taste(response: httpcore.Response) -> None:
    """Read a little, for politeness: some servers stop their work when a caller leaves at once."""
    read = 0
    try:
        async with asyncio.timeout(ANSWER_PATIENCE_S):
            async for chunk in response.aiter_stream():
                read += len(chunk)
                if read >= MAX_ANSWER_BYTES:
                    return
    except (TimeoutError, httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        return


def _status_error(status: int) -> str:
    match status // 100:
        case 2:
            return ""
        case 3:
            return "redirect"
        case 4:
            return "client_error"
        case 5:
            return "server_error"
        case _:
            return "protocol_error"


def _failure(failure: BaseException) -> str:
    """The class of an error; its text may quote the URL, which may be a secret."""
    cause: BaseException | None = failure
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "tls_error"
        cause = cause.__cause__ or cause.__context__
    if isinstance(failure, httpcore.ConnectError):
        return "connection_refused"
    if isinstance(failure, (httpcore.ReadError, httpcore.WriteError, httpcore.RemoteProtocolError)):
        return "connection_broken"
    return "protocol_error"
