"""The proxy's faults are the faults that they are called."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.chaos.proxy import Proxy

LIMIT_S = 5.0


class Echo:
    """Answers each line with itself, and remembers what arrived."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            self.heard.append(line)
            writer.write(line)
        writer.close()


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    made = Echo()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


@pytest.fixture
async def proxy(echo: Echo) -> AsyncIterator[Proxy]:
    async with Proxy("127.0.0.1", echo.port) as made:
        yield made


class Peer:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, proxy: Proxy) -> Peer:
        return cls(*await asyncio.open_connection("127.0.0.1", proxy.port))

    async def line(self) -> bytes:
        return await asyncio.wait_for(self.reader.readline(), LIMIT_S)


async def test_passes_through(proxy, echo):
    peer = await Peer.connect(proxy)
    peer.writer.write(b"one\ntwo\n")
    assert [await peer.line(), await peer.line()] == [b"one\n", b"two\n"]


async def test_cut_breaks_what_is_open_and_lets_new_ones_in(proxy):
    peer = await Peer.connect(proxy)
    peer.writer.write(b"one\n")
    await peer.line()
    proxy.cut()
    assert await peer_end(peer)
    again = await Peer.connect(proxy)
    again.writer.write(b"two\n")
    assert await again.line() == b"two\n"


async def test_swallowed_replies_were_commands_that_arrived(proxy, echo, eventually):
    peer = await Peer.connect(proxy)
    proxy.swallow = True
    peer.writer.write(b"one\n")
    await eventually(lambda: echo.heard == [b"one\n"])
    proxy.mend()
    assert await peer_end(peer)


async def test_silence_lets_nothing_arrive(proxy, echo):
    peer = await Peer.connect(proxy)
    peer.writer.write(b"one\n")
    await peer.line()
    proxy.silent = True
    peer.writer.write(b"two\n")
    proxy_peer = await Peer.connect(proxy)
    proxy_peer.writer.write(b"three\n")
    proxy.mend()
    assert await peer_end(peer)
    assert echo.heard == [b"one\n"]


async def test_stalled_requests_arrive_late_and_in_order(proxy, echo):
    peer = await Peer.connect(proxy)
    peer.writer.write(b"one\n")
    await peer.line()
    proxy.stall = True
    peer.writer.write(b"two\n")
    peer.writer.write(b"three\n")
    other = await Peer.connect(proxy)
    other.writer.write(b"four\n")
    assert echo.heard == [b"one\n"]
    proxy.stall = False
    peer.writer.write(b"five\n")
    assert [await peer.line() for _ in range(3)] == [b"two\n", b"three\n", b"five\n"]
    assert await other.line() == b"four\n"


async def test_delayed_replies_come_in_order(proxy):
    peer = await Peer.connect(proxy)
    proxy.delay_s = 0.05
    peer.writer.write(b"one\n")
    peer.writer.write(b"two\n")
    assert [await peer.line(), await peer.line()] == [b"one\n", b"two\n"]


async def test_refused(proxy):
    proxy.refuse = True
    peer = await Peer.connect(proxy)
    assert await peer_end(peer)


async def peer_end(peer: Peer) -> bool:
    """Whether the connection ends."""
    try:
        while await peer.line():
            pass
    except ConnectionError:
        pass
    return True
