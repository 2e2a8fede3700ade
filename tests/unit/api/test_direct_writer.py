from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect

from dragoman_orchestration.api.direct_writer import DirectWriter

PATIENCE_S = 10


class Server:
    """An ASGI application that makes a writer of each socket and leaves the socket open."""

    def __init__(self) -> None:
        self.writers: asyncio.Queue[tuple[DirectWriter, Any]] = asyncio.Queue()
        self.gone = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            return
        await receive()
        early = DirectWriter(receive)("before the handshake")
        await send({"type": "websocket.accept"})
        assert not early
        self.writers.put_nowait((DirectWriter(receive), send))
        while (await receive())["type"] != "websocket.disconnect":
            pass
        self.gone.set()


@asynccontextmanager
async def connected(**options: Any) -> AsyncIterator[tuple[Server, ClientConnection, DirectWriter, Any]]:
    app = Server()
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off", ws="websockets-sansio", **options)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with connect(f"ws://127.0.0.1:{port}", max_queue=1) as client:
            writer, send = await asyncio.wait_for(app.writers.get(), PATIENCE_S)
            yield app, client, writer, send
    finally:
        server.should_exit = True
        await serving


@pytest.mark.parametrize("compressed", [False, True])
async def test_messages_arrive_in_order_by_either_way(compressed: bool):
    async with connected(ws_per_message_deflate=compressed) as (_, client, write, send):
        long = "señor " * 20_000
        assert write("one")
        await send({"type": "websocket.send", "text": "two"})
        assert write(long)
        assert [await asyncio.wait_for(client.recv(), PATIENCE_S) for _ in range(3)] == ["one", "two", long]


async def test_a_peer_that_does_not_read_is_not_written_to_without_end():
    async with connected() as (_, client, write, _send):
        text = "x" * 10_000
        written = 0
        while write(text):
            written += len(text)
            await asyncio.sleep(0)
            assert written < 200_000_000, "a socket without a reader takes everything"
        client.transport.abort()  # a polite end would wait for all of it to be read


async def test_nothing_is_written_to_a_socket_that_closes():
    async with connected() as (app, client, write, send):
        await send({"type": "websocket.close", "code": 1000, "reason": ""})
        assert not write("too late")
        await client.wait_closed()
        await asyncio.wait_for(app.gone.wait(), PATIENCE_S)
        assert not write("much too late")


async def test_on_another_server_the_long_way_is_taken():
    async def receive() -> Any:
        return {}

    assert not DirectWriter(receive)("anything")
