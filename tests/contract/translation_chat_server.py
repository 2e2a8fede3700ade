"""A small OpenAI-compatible chat server on loopback: it translates, or misbehaves as a test tells it.

It knows the sentences of the fixtures; any other text becomes "Esta frase dice lo siguiente en español: ...".
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from dragoman_runtime.http_service import serve
from dragoman_runtime.process import Drain

SENTENCES = Path(__file__).parents[1] / "fixtures" / "audio" / "sentences.tsv"
UNKNOWN = "Esta frase que ahora sigue dice lo siguiente: "


@cache
def sentences() -> list[tuple[str, str]]:
    """The fixtures' sentences, English and Spanish."""
    lines = SENTENCES.read_text(encoding="utf-8").splitlines()[1:]
    return [(english, spanish) for english, spanish in (line.split("\t") for line in lines)]


def translate(text: str) -> str:
    """What a well-behaved model makes of a text."""
    known = dict(sentences())
    return "".join(
        part if part.isspace() or not part else known.get(part, f"{UNKNOWN}{part}")
        for part in re.split(r"(?<=[.?!])(\s+)", text)
    )


@dataclass
class ChatServer:
    """``answer`` makes an answer's content, or a whole response, of the texts; ``bodies`` are the calls."""

    url: str = ""
    answer: Callable[[list[str]], str | Response] | None = None
    delay_s: float = 0.0
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def complete(self, body: dict[str, Any]) -> Response:
        texts = json.loads(body["messages"][-1]["content"])["texts"]
        if self.answer is None:
            content: str | Response = json.dumps({"translations": [translate(text) for text in texts]})
        else:
            content = self.answer(texts)
        if isinstance(content, Response):
            return content
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
        return JSONResponse({"object": "chat.completion", "model": body["model"], "choices": [choice]})


@contextlib.asynccontextmanager
async def chat_server() -> AsyncIterator[ChatServer]:
    server, app, drain = ChatServer(), FastAPI(), Drain()

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [{"id": "test-model", "object": "model"}]}

    @app.post("/v1/chat/completions")
    async def complete(request: Request) -> Response:
        body = await request.json()
        server.bodies.append(body)
        server.keys.append(request.headers.get("authorization", ""))
        await asyncio.sleep(server.delay_s)
        return server.complete(body)

    bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(app, "127.0.0.1", 0, drain, on_bound=bound.set_result, grace_s=1))
    server.url = f"{await bound}/v1"
    try:
        yield server
    finally:
        drain.start()
        await task
