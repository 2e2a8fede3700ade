"""An HTTP server of sources that behave and misbehave: a script each, which has the raw connection."""

from __future__ import annotations

import asyncio
import io
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

RATE_HZ = 16_000


@dataclass
class Exchange:
    """One request and how to answer it."""

    path: str
    head: str
    number: int
    """How many requests for this path came before."""
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def range_start(self) -> int:
        """The first byte that is asked for."""
        for line in self.head.lower().splitlines():
            if line.startswith("range: bytes="):
                return int(line.removeprefix("range: bytes=").partition("-")[0])
        return 0

    async def begin(self, status: str = "200 OK", content_type: str = "audio/wav", *headers: str) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", "Connection: close", *headers, "", ""]
        await self.send("\r\n".join(lines).encode())

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, body: bytes, content_type: str = "audio/wav", status: str = "200 OK") -> None:
        """A whole body with its length; ranges as asked."""
        start = self.range_start
        if start and status.startswith("200"):
            status = "206 Partial Content"
        sizes = f"Content-Range: bytes {start}-{len(body) - 1}/{len(body)}"
        await self.begin(
            status, content_type, f"Content-Length: {len(body) - start}", "Accept-Ranges: bytes", sizes
        )
        await self.send(body[start:])

    def break_off(self) -> None:
        """Reset the connection; what was not read yet is lost."""
        there: socket.socket = self.writer.get_extra_info("socket")
        there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Exchange], Awaitable[None]]


@dataclass
class MediaServer:
    """Routes by path; others are 404."""

    port: int = 0
    routes: dict[str, Script] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def serve_bytes(self, path: str, body: bytes, content_type: str = "audio/wav") -> str:
        async def script(exchange: Exchange) -> None:
            await exchange.answer(body, content_type)

        self.routes[path] = script
        return self.url(path)

    def serve_script(self, path: str, script: Script) -> str:
        self.routes[path] = script
        return self.url(path)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split(" ")[1].partition("?")[0]
            exchange = Exchange(path, head, self.requests.count(path), reader, writer)
            self.requests.append(path)
            script = self.routes.get(path)
            if script is None:
                await exchange.answer(b"nothing here", "text/plain", "404 Not Found")
            else:
                await script(exchange)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def media_server() -> AsyncIterator[MediaServer]:
    """Serve on a free port; scripts that still run are ended."""
    media = MediaServer()
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(media.handle(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    media.port = server.sockets[0].getsockname()[1]
    try:
        yield media
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


# --- what is served -----------------------------------------------------------------------------------------


def samples_of(path: Path) -> np.ndarray:
    """A recording as int16 at 16 kHz."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
        frames = [*container.decode(audio=0), None]
        pieces = [piece.to_ndarray()[0] for frame in frames for piece in resampler.resample(frame)]
    return np.concatenate(pieces)


def tone(length_s: float, hz: float = 440.0, amplitude: float = 0.5) -> np.ndarray:
    """A sine as int16."""
    times = np.arange(int(length_s * RATE_HZ)) / RATE_HZ
    return (np.sin(2 * np.pi * hz * times) * amplitude * 32767).astype(np.int16)


def encode(
    samples: np.ndarray, container: str, codec: str, path: Path | None = None, **options: str
) -> bytes:
    """Those samples in a container; into a file where the format wants several."""
    buffer = io.BytesIO()
    with av.open(str(path) if path else buffer, "w", format=container, options=options) as output:
        stream = output.add_stream(codec, rate=RATE_HZ, layout="mono")
        for start in range(0, len(samples), 1024):
            piece = np.ascontiguousarray(samples[start : start + 1024][None, :])
            frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
            frame.rate, frame.pts, frame.time_base = RATE_HZ, start, Fraction(1, RATE_HZ)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return buffer.getvalue()


def wav(samples: np.ndarray) -> bytes:
    """A wav file."""
    return encode(samples, "wav", "pcm_s16le")


def raw_wav_head() -> bytes:
    """The head of a wav stream whose length nobody knows."""
    endless = 0xFFFF_FFFF
    described = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
    return (
        struct.pack("<4sI4s", b"RIFF", endless, b"WAVE") + described + struct.pack("<4sI", b"data", endless)
    )
