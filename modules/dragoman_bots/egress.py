"""A proxy on loopback through which a stranger's URL is fetched: to public addresses and nowhere else.

FFmpeg and Chromium resolve names by themselves, follow redirects and fetch what a playlist or a page names.
Led through here, each of these connections goes to an address that was checked at that moment.
Forwarding and tunnels as in RFC 9110, sections 7.6 and 9.3.6.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import NamedTuple
from urllib.parse import urlsplit

from loguru import logger

from dragoman_bots.settings import BotRunnerSettings
from dragoman_contracts.errors import DragomanError, InvalidInput
from dragoman_runtime.addresses import Address, AddressForbidden, check_public
from dragoman_runtime.ports import LOOPBACK

HEAD_BYTES_MAX = 65_536
HEAD_TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 10.0
_HOP_BY_HOP = (b"connection:", b"proxy-connection:", b"proxy-authorization:", b"keep-alive:")


class Request(NamedTuple):
    """What a client asks of the proxy: where to, and the head to send there (None: a tunnel)."""

    host: str
    port: int
    head: bytes | None


def parse_request(head: bytes) -> Request:
    """Read the head of a request to a proxy.

    Raises:
        InvalidInput: it is none.

    """
    first, *fields = head.split(b"\r\n")
    try:
        method, target, version = first.decode("ascii").split(" ")
        if method == "CONNECT":
            parts = urlsplit(f"//{target}")
            return Request(parts.hostname or "", parts.port or 443, None)
        parts = urlsplit(target)
        port = parts.port or 80
    except (ValueError, UnicodeDecodeError):
        raise InvalidInput("this is no request to a proxy") from None
    if parts.scheme != "http" or not parts.hostname:
        raise InvalidInput("only http:// is forwarded; all else goes through a tunnel")
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    kept = [field for field in fields if field and not field.lower().startswith(_HOP_BY_HOP)]
    # One request a connection: the next one may be for another host.
    lines = [f"{method} {path} {version}".encode(), *kept, b"Connection: close", b"", b""]
    return Request(parts.hostname, port, b"\r\n".join(lines))


class Egress:
    """The proxy; use it as an async context manager. ``url`` is its address."""

    def __init__(self, settings: BotRunnerSettings) -> None:
        self.url = ""
        self.refused = 0
        """Connections to addresses that are not public."""
        self.broken = 0
        """Connections that the other side reset; whoever reads may take that for an end."""
        self.unreachable = 0
        """Connections that could not be made."""
        self._settings = settings
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Egress:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0, limit=HEAD_BYTES_MAX)
        self.url = f"http://{LOOPBACK}:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def check(self, host: str, port: int) -> list[Address]:
        """The addresses of a host, if one may connect to them.

        Raises:
            DragomanError: one may not, or there are none.

        """
        return await check_public(
            host,
            port,
            allowed=self._settings.networks,
            allow_private=self._settings.allow_private,
            setting=self._settings.ALLOW_SETTING,
        )

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._handle(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                async with asyncio.timeout(HEAD_TIMEOUT_S):
                    head = await reader.readuntil(b"\r\n\r\n")
                await self._serve(head, reader, writer)
        except asyncio.LimitOverrunError:
            writer.write(_answer(431))
        finally:
            writer.close()

    async def _serve(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = parse_request(head)
            there = await self._connect(request)
        except AddressForbidden:
            self.refused += 1
            logger.warning("a connection to an address that is not public was refused")
            writer.write(_answer(403))
            return
        except InvalidInput:
            writer.write(_answer(400))
            return
        except (DragomanError, OSError, TimeoutError):
            self.unreachable += 1
            writer.write(_answer(502))
            return
        their_reader, their_writer = there
        try:
            if request.head is None:
                writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            else:
                their_writer.write(request.head)
            if await _join(reader, writer, their_reader, their_writer):
                self.broken += 1
        finally:
            their_writer.close()

    async def _connect(self, request: Request) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        failure: BaseException = OSError("no address")
        for address in await self.check(request.host, request.port):
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    return await asyncio.open_connection(str(address), request.port)
            except (OSError, TimeoutError) as error:
                failure = error
        raise failure


def _answer(status: int) -> bytes:
    # A browser shows an answer with a body, and an error of its own for one without.
    body = b"Not connected.\n"
    head = f"HTTP/1.1 {status} Refused\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    their_reader: asyncio.StreamReader,
    their_writer: asyncio.StreamWriter,
) -> bool:
    """Carry bytes both ways until the other side has no more, or either side breaks; whether theirs did."""
    up = asyncio.ensure_future(_carry(reader, their_writer))
    down = asyncio.ensure_future(_carry(their_reader, writer))
    try:
        await asyncio.wait([up, down], return_when=asyncio.FIRST_COMPLETED)
        if up.done() and up.exception() is None:
            # The client only said that it sends no more; the answer may still come.
            await asyncio.wait([down])
        return isinstance(their_reader.exception(), ConnectionError)
    finally:
        for task in (up, down):
            task.cancel()
        await asyncio.gather(up, down, return_exceptions=True)


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65_536):
        target.write(data)
        await target.drain()
    if target.can_write_eof():
        target.write_eof()
