"""The API as a runner sees it: takes reports, gives orders, stores a session's audio; by a script."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response, WebSocket
from starlette.websockets import WebSocketDisconnect

from dragoman_contracts.bots import (
    BotLimits,
    BotRequest,
    CompletionReason,
    RunnerEnv,
    RunnerOrders,
    RunnerReport,
    RunnerState,
    RunnerTask,
)
from dragoman_contracts.websocket import (
    AudioAck,
    Ledger,
    ServerMessage,
    SessionEnd,
    SessionEndedMessage,
    SessionResumed,
    SessionStarted,
    parse_client_message,
)
from dragoman_runtime.http_service import serve
from dragoman_runtime.process import Drain

TOKEN = "dragoman-bot.b1.secret-of-the-test"
SESSION = "s1"


@dataclass
class FakeApi:
    """What was told, and what is to be answered."""

    url: str = ""
    reports: list[RunnerReport] = field(default_factory=list)
    audio: bytearray = field(default_factory=bytearray)
    ended: bool = False
    connections: int = 0
    orders: RunnerOrders = field(default_factory=RunnerOrders)
    report_status: int = 200
    refuse_reports: Callable[[RunnerReport], int] | None = None
    socket_close: int = 0
    """Close speakers' sockets with this code instead of serving them."""
    sockets: list[WebSocket] = field(default_factory=list)

    @property
    def states(self) -> list[RunnerState]:
        """The states in order, each once."""
        told = [report.state for report in self.reports]
        return [state for index, state in enumerate(told) if index == 0 or told[index - 1] is not state]

    @property
    def last(self) -> RunnerReport:
        return self.reports[-1]

    @property
    def screenshot(self) -> bytes:
        return base64.b64decode(self.last.screenshot)

    def order_stop(self, reason: CompletionReason = CompletionReason.STOPPED) -> None:
        self.orders = RunnerOrders(stop=True, reason=reason)

    def task(self, url: str, driver: str = "media", **more: Any) -> RunnerTask:
        bounds = {"waiting_room_s": 60.0, "alone_s": 60.0, "silence_s": 60.0, "length_s": 60.0}
        asked = {name: more.pop(name) for name in ("recipe", "display_name", "notice") if name in more}
        request = BotRequest(driver=driver, url=url, limits=BotLimits(), **asked)  # type: ignore[arg-type]
        given = {"bot_id": "b1", "session_id": SESSION, "generation": 1} | bounds | more
        return RunnerTask(request=request, **given)  # type: ignore[arg-type]

    def environment(self, task: RunnerTask) -> dict[str, str]:
        return {
            RunnerEnv.TASK: msgspec.json.encode(task).decode(),
            RunnerEnv.API_URL: self.url,
            RunnerEnv.TOKEN: TOKEN,
        }


def _app(api: FakeApi) -> FastAPI:
    app = FastAPI()

    @app.post("/v1/bots/b1/reports")
    async def take_report(request: Request) -> Response:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        report = msgspec.json.decode(await request.body(), type=RunnerReport)
        status = api.refuse_reports(report) if api.refuse_reports else api.report_status
        if status == 200:
            api.reports.append(report)
        return Response(msgspec.json.encode(api.orders) if status == 200 else b"", status)

    @app.websocket("/v1/sessions/s1/audio")
    async def take_audio(socket: WebSocket) -> None:
        assert socket.headers["authorization"] == f"Bearer {TOKEN}"
        await socket.accept("dragoman.v1")
        api.connections += 1
        api.sockets.append(socket)
        if api.socket_close:
            await socket.close(api.socket_close)
            return
        try:
            await _serve(api, socket)
        except WebSocketDisconnect:
            return

    return app


async def _serve(api: FakeApi, socket: WebSocket) -> None:
    async def tell(message: ServerMessage) -> None:
        await socket.send_text(msgspec.json.encode(message).decode())

    parse_client_message(await socket.receive_text())
    stored = len(api.audio)
    if stored:
        await tell(
            SessionResumed(
                session_id=SESSION, epoch=api.connections, received_ms=stored // 32, received_bytes=stored
            )
        )
    else:
        await tell(SessionStarted(session_id=SESSION, epoch=api.connections))
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if message.get("bytes") is not None:
            api.audio += message["bytes"]
            await tell(
                AudioAck(received_ms=len(api.audio) // 32, committed_ms=0, received_bytes=len(api.audio))
            )
        elif isinstance(parse_client_message(message["text"]), SessionEnd):
            api.ended = True
            await tell(SessionEndedMessage(reason="client", ledger=Ledger()))
            await socket.close(1000)
            return


@asynccontextmanager
async def fake_api() -> AsyncIterator[FakeApi]:
    """Serve one on a free port."""
    api, drain = FakeApi(), Drain()
    bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(_app(api), "127.0.0.1", 0, drain, on_bound=bound.set_result, grace_s=1))
    api.url = await bound
    try:
        yield api
    finally:
        drain.start()
        await task
