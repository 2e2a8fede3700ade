"""A small server that speaks the protocol by a script: what a client must bear, without the real system."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from websockets.asyncio.server import Request, ServerConnection, serve
from websockets.typing import Subprotocol

from dragoman_contracts.websocket import (
    AudioAck,
    Ledger,
    ServerMessage,
    SessionEndedMessage,
    SessionResumed,
    SessionStarted,
    StreamPosition,
)

Script = Callable[["Connection"], Awaitable[None]]


@dataclass
class Connection:
    """One connection as the script sees it."""

    socket: ServerConnection
    state: State
    number: int

    @property
    def path(self) -> str:
        request: Request | None = self.socket.request
        assert request is not None
        return request.path

    async def tell(self, message: ServerMessage) -> None:
        await self.socket.send(msgspec.json.encode(message), text=True)

    async def configured(self) -> dict[str, Any]:
        """Read session.configure and answer it as the API does."""
        configure: dict[str, Any] = json.loads(await self.socket.recv())
        stored = len(self.state.audio)
        oldest = configure["resume_from_bytes"] or 0
        if oldest > stored:
            self.state.gaps.append((stored, oldest))
            self.state.audio += bytes(oldest - stored)
            stored = oldest
        answer: ServerMessage
        if stored:
            answer = SessionResumed(
                session_id="s", epoch=self.number, received_ms=stored // 32, received_bytes=stored
            )
        else:
            answer = SessionStarted(session_id="s", epoch=self.number)
        await self.tell(answer)
        return configure

    async def store_until(self, bytes_total: int | None = None) -> None:
        """Store and acknowledge audio until there are so many bytes, or session.end comes."""
        while bytes_total is None or len(self.state.audio) < bytes_total:
            message = await self.socket.recv()
            if isinstance(message, str):
                self.state.texts.append(json.loads(message)["type"])
                if self.state.texts[-1] == "session.end":
                    return
                continue
            self.state.audio += message
            stored = len(self.state.audio)
            await self.tell(AudioAck(received_ms=stored // 32, committed_ms=0, received_bytes=stored))

    async def finish(self) -> None:
        await self.tell(
            SessionEndedMessage(
                reason="ended", ledger=Ledger(received_ms=1, silence_ms=1), position=self.state.next()
            )
        )
        await self.socket.close(1000)


@dataclass
class State:
    """What the server has stored over all connections."""

    audio: bytearray = field(default_factory=bytearray)
    texts: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    gaps: list[tuple[int, int]] = field(default_factory=list)
    offset: int = 0

    def next(self) -> StreamPosition:
        self.offset += 1
        return StreamPosition("e", self.offset)


@asynccontextmanager
async def _scripted(*scripts: Script) -> AsyncIterator[tuple[str, State]]:
    """Serve the n-th connection by the n-th script (the last one for all that follow); url and state."""
    state = State()
    count = 0

    async def handle(socket: ServerConnection) -> None:
        nonlocal count
        script = scripts[min(count, len(scripts) - 1)]
        count += 1
        connection = Connection(socket, state, count)
        state.paths.append(connection.path)
        await script(connection)

    async with serve(handle, "127.0.0.1", 0, subprotocols=[Subprotocol("dragoman.v1")]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"http://127.0.0.1:{port}", state


@pytest.fixture
def scripted() -> Any:
    """``async with scripted(first, second, …) as (url, state)``."""
    return _scripted
