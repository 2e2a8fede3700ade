"""A TCP proxy that can delay, cut, stall, swallow replies and go silent: faults of a network, at will."""

from __future__ import annotations

import asyncio
from typing import cast


class Proxy:
    """Stands before one server for one process; an async context manager.

    ``delay_s`` holds every reply back that long; ``swallow`` drops replies while requests still arrive;
    ``silent`` drops both ways, with the connections open; ``refuse`` takes no new connections; ``stall``
    holds what is asked and delivers it, in order, when it is over: packets that come too late.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._links: set[_Link] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.delay_s = 0.0
        self.swallow = False
        self.silent = False
        self.refuse = False
        self._stalled = False

    async def __aenter__(self) -> Proxy:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Near(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()

    def cut(self) -> None:
        """Break all connections, in the middle of whatever they carry."""
        for link in list(self._links):
            link.abort()

    def refuse_all(self) -> None:
        """As if nobody were there, until ``mend``."""
        self.refuse = True
        self.cut()

    @property
    def stall(self) -> bool:
        """Whether requests are held."""
        return self._stalled

    @stall.setter
    def stall(self, held: bool) -> None:
        self._stalled = held
        if not held:
            for link in list(self._links):
                link.release()

    def mend(self) -> None:
        """Back to a proxy that does nothing; what a silent connection has lost stays lost, so it is cut."""
        broken = self.swallow or self.silent
        self.delay_s, self.swallow, self.silent, self.refuse = 0.0, False, False, False
        self.stall = False
        if broken:
            self.cut()


class _Link:
    """One connection: both of its sides."""

    def __init__(self, proxy: Proxy, near: asyncio.Transport) -> None:
        self.proxy = proxy
        self.near = near
        self.far: asyncio.Transport | None = None
        self.held: list[bytes] = []
        proxy._links.add(self)

    def request(self, data: bytes) -> None:
        if self.proxy.silent:
            return
        if self.far is None or self.proxy.stall or self.held:
            self.held.append(data)
        else:
            self.far.write(data)

    def release(self) -> None:
        """Deliver what was held, if there is where to."""
        if self.far is None or self.proxy.stall:
            return
        for data in self.held:
            self.far.write(data)
        self.held.clear()

    def reply(self, data: bytes) -> None:
        if self.proxy.silent or self.proxy.swallow:
            return
        if self.proxy.delay_s:
            asyncio.get_running_loop().call_later(self.proxy.delay_s, self._write_back, data)
        else:
            self.near.write(data)

    def _write_back(self, data: bytes) -> None:
        if not self.near.is_closing():
            self.near.write(data)

    def abort(self) -> None:
        self.proxy._links.discard(self)
        self.near.abort()
        if self.far is not None:
            self.far.abort()


class _Near(asyncio.Protocol):
    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._link: _Link | None = None
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        near = cast("asyncio.Transport", transport)
        if self._proxy.refuse:
            near.abort()
            return
        self._link = _Link(self._proxy, near)
        self._connecting = asyncio.get_running_loop().create_task(self._connect(self._link))

    async def _connect(self, link: _Link) -> None:
        host, port = self._proxy._target
        try:
            await asyncio.get_running_loop().create_connection(lambda: _Far(link), host, port)
        except OSError:
            link.abort()

    def data_received(self, data: bytes) -> None:
        if self._link is not None:
            self._link.request(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self._link is not None:
            self._link.abort()

    def pause_writing(self) -> None:
        if self._link is not None and self._link.far is not None:
            self._link.far.pause_reading()

    def resume_writing(self) -> None:
        if self._link is not None and self._link.far is not None:
            self._link.far.resume_reading()


class _Far(asyncio.Protocol):
    def __init__(self, link: _Link) -> None:
        self._link = link

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        far = cast("asyncio.Transport", transport)
        self._link.far = far
        if self._link.near.is_closing():
            far.abort()
            return
        self._link.release()

    def data_received(self, data: bytes) -> None:
        self._link.reply(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._link.abort()

    def pause_writing(self) -> None:
        self._link.near.pause_reading()

    def resume_writing(self) -> None:
        if not self._link.near.is_closing():
            self._link.near.resume_reading()
