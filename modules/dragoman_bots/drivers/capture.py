"""Takes the audio that the hooks in the page deliver: by a WebSocket on loopback, or by a binding.

The WebSocket is the cheaper way; a page's policy or the browser's may forbid it, then the hooks fall back to
the binding. Each frame of a page may deliver audio of its own: it is mixed here.
"""

from __future__ import annotations

import array
import base64
import binascii
import json
import logging
import secrets
import sys
from collections import deque
from collections.abc import Callable
from importlib import resources
from typing import Any

from loguru import logger
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from dragoman_bots.drivers.base import AUDIO, Sink
from dragoman_runtime.ports import LOOPBACK

CHUNK_SAMPLES = 640
"""40 ms."""
MESSAGE_BYTES_MAX = 65_536
_quiet = logging.getLogger("dragoman_bots.capture")
_quiet.setLevel(logging.WARNING)
"""It tells each connection, and on a lower level the path, which is the key."""
FRAME_QUEUE_CHUNKS = 25
"""How far one frame of a page may be ahead of another before it is no longer waited for: a second."""


def mixed(chunks: list[bytes]) -> bytes:
    """The sum of chunks of pcm_s16le, limited to what a sample can hold; shorter ones end in silence."""
    if len(chunks) == 1:
        return chunks[0]
    longest = max(len(chunk) for chunk in chunks) // 2
    total = [0] * longest
    for chunk in chunks:
        for index, sample in enumerate(_samples(chunk)):
            total[index] += sample
    out = array.array("h", (max(-32_768, min(32_767, value)) for value in total))
    if sys.byteorder == "big":
        out.byteswap()
    return out.tobytes()


def _samples(pcm: bytes) -> array.array[int]:
    samples = array.array("h", pcm[: len(pcm) // 2 * 2])
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


class Mixer:
    """Mixes what several frames deliver at the same time; a single one passes through untouched."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._queues: dict[object, deque[bytes]] = {}

    def feed(self, origin: object, chunk: bytes) -> None:
        """Audio of one frame."""
        self._queues.setdefault(origin, deque()).append(chunk)
        self._flush()

    def drop(self, origin: object) -> None:
        """That frame is gone."""
        self._queues.pop(origin, None)
        self._flush()

    def _flush(self) -> None:
        queues = self._queues.values()
        # A frame that delivers nothing any more must not hold the others back.
        while queues and (all(queues) or any(len(queue) > FRAME_QUEUE_CHUNKS for queue in queues)):
            self._sink.feed(mixed([queue.popleft() for queue in queues if queue]))


class Capture:
    """The receiving side; use it as an async context manager.

    Args:
        sink: Takes the mix.
        on_note: Is told what the hooks note: ``capturing``, ``tracks`` with their ``count``, …

    """

    def __init__(self, sink: Sink, on_note: Callable[[dict[str, Any]], None]) -> None:
        self.port = 0
        self._mixer = Mixer(sink)
        self._on_note = on_note
        self._path = f"/{secrets.token_urlsafe(24)}"
        suffix = secrets.token_hex(8)
        self._pcm_binding, self._note_binding = f"__p{suffix}", f"__n{suffix}"
        self._server: Server | None = None

    async def __aenter__(self) -> Capture:
        """Listen on loopback."""
        self._server = await serve(
            self._receive,
            LOOPBACK,
            0,
            process_request=self._check,
            max_size=MESSAGE_BYTES_MAX,
            compression=None,
            ping_interval=None,
            logger=_quiet,
        )
        self.port = int(next(iter(self._server.sockets)).getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        """Take no more."""
        if self._server is not None:
            self._server.close(close_connections=True)
            await self._server.wait_closed()

    async def attach(self, context: Any) -> None:
        """Put the hooks into all pages of a browser context, before any script of theirs."""
        await context.expose_binding(self._pcm_binding, self._on_pcm)
        await context.expose_binding(self._note_binding, self._on_note_text)
        await context.add_init_script(script=self.script())

    def script(self) -> str:
        """The hooks, configured."""
        source = resources.files("dragoman_bots.drivers").joinpath("capture.js").read_text()
        config = {
            "socketUrl": f"ws://{LOOPBACK}:{self.port}{self._path}",
            "pcmBinding": self._pcm_binding,
            "noteBinding": self._note_binding,
            "rateHz": AUDIO.sample_rate_hz,
            "chunkSamples": CHUNK_SAMPLES,
        }
        return f"{source.rstrip()}({json.dumps(config)});"

    def _check(self, connection: ServerConnection, request: Request) -> Response | None:
        if secrets.compare_digest(request.path.encode(), self._path.encode()):
            return None
        return connection.respond(404, "")

    async def _receive(self, socket: ServerConnection) -> None:
        try:
            async for message in socket:
                if isinstance(message, bytes) and len(message) % 2 == 0:
                    self._mixer.feed(socket, message)
        except ConnectionClosed:
            pass
        finally:
            self._mixer.drop(socket)

    def _on_pcm(self, source: dict[str, Any], text: str) -> None:
        try:
            chunk = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError, TypeError):
            return
        if len(chunk) % 2 == 0 and len(chunk) <= MESSAGE_BYTES_MAX:
            self._mixer.feed(source.get("frame"), chunk)

    def _on_note_text(self, _: dict[str, Any], text: str) -> None:
        try:
            told = json.loads(text)
        except (ValueError, TypeError):
            return
        if isinstance(told, dict):
            logger.debug("page: {}", {key: told[key] for key in ("kind", "count", "reason") if key in told})
            self._on_note(told)
