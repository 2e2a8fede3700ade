"""A small RTMP server ("Adobe's Real Time Messaging Protocol", 2012): plays one recording."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from .tcp_server import tcp_server

HANDSHAKE_BYTES = 1536
AUDIO, COMMAND = 8, 20
_HEADERS = {0: 11, 1: 7, 2: 3, 3: 0}
"""Bytes of a chunk's message header by its format."""


def _number(value: float) -> bytes:
    return b"\x00" + struct.pack(">d", value)


def _text(value: str) -> bytes:
    return b"\x02" + struct.pack(">H", len(value)) + value.encode()


def _object(**values: str) -> bytes:
    fields = b"".join(
        struct.pack(">H", len(name)) + name.encode() + _text(text) for name, text in values.items()
    )
    return b"\x03" + fields + b"\x00\x00\x09"


_NULL = b"\x05"


def message(kind: int, body: bytes, *, time_ms: int = 0, stream: int = 0) -> bytes:
    """A message in chunks of the default 128 bytes."""
    head = (
        b"\x03"
        + time_ms.to_bytes(3, "big")
        + len(body).to_bytes(3, "big")
        + bytes([kind])
        + struct.pack("<I", stream)
    )
    pieces = [body[start : start + 128] for start in range(0, len(body), 128)] or [b""]
    return head + b"\xc3".join(pieces)


def audio_tags(flv: bytes) -> Iterator[tuple[int, bytes]]:
    """Time in ms and body of the audio tags of an FLV file."""
    at = 9 + 4
    while at + 11 <= len(flv):
        kind, size = flv[at], int.from_bytes(flv[at + 1 : at + 4], "big")
        time_ms = int.from_bytes(flv[at + 4 : at + 7], "big") | flv[at + 7] << 24
        if kind == AUDIO:
            yield time_ms, flv[at + 11 : at + 11 + size]
        at += 11 + size + 4


class _Reader:
    """Puts a client's chunks together again."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._chunk_bytes = 128
        self._heads: dict[int, tuple[int, int]] = {}
        self._bodies: dict[int, bytes] = {}

    async def commands(self) -> AsyncIterator[tuple[str, float]]:
        """Name and transaction of each command."""
        while True:
            first = (await self._reader.readexactly(1))[0]
            stream, form = first & 0x3F, first >> 6
            head = await self._reader.readexactly(_HEADERS[form])
            if form <= 1:
                self._heads[stream] = int.from_bytes(head[3:6], "big"), head[6]
            size, kind = self._heads[stream]
            body = self._bodies.pop(stream, b"")
            body += await self._reader.readexactly(min(self._chunk_bytes, size - len(body)))
            if len(body) < size:
                self._bodies[stream] = body
            elif kind == 1:
                self._chunk_bytes = int.from_bytes(body, "big")
            elif kind == COMMAND:
                end = 3 + int.from_bytes(body[1:3], "big")
                yield body[3:end].decode(), struct.unpack(">d", body[end + 1 : end + 9])[0]


async def _handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flv: bytes) -> None:
    hello = await reader.readexactly(1 + HANDSHAKE_BYTES)
    writer.write(b"\x03" + bytes(HANDSHAKE_BYTES) + hello[1:])
    await reader.readexactly(HANDSHAKE_BYTES)
    async for name, transaction in _Reader(reader).commands():
        match name:
            case "connect":
                told = _object(level="status", code="NetConnection.Connect.Success")
                writer.write(message(COMMAND, _text("_result") + _number(transaction) + _NULL + told))
            case "createStream":
                writer.write(message(COMMAND, _text("_result") + _number(transaction) + _NULL + _number(1)))
            case "play":
                told = _object(level="status", code="NetStream.Play.Start")
                writer.write(message(COMMAND, _text("onStatus") + _number(0) + _NULL + told, stream=1))
                await _play(writer, flv)
                return


async def _play(writer: asyncio.StreamWriter, flv: bytes) -> None:
    began = asyncio.get_running_loop().time()
    for time_ms, body in audio_tags(flv):
        await asyncio.sleep(max(0.0, began + time_ms / 1000 - asyncio.get_running_loop().time()))
        writer.write(message(AUDIO, body, time_ms=time_ms, stream=1))
        await writer.drain()


@asynccontextmanager
async def rtmp_server(flv: bytes) -> AsyncIterator[str]:
    """Play the audio of an FLV file to whoever comes, from its beginning, then hang up; its URL."""
    async with tcp_server(lambda reader, writer: _handle(reader, writer, flv)) as port:
        yield f"rtmp://127.0.0.1:{port}/live/room"
