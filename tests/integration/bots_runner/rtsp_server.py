"""A camera's RTSP server (RFC 2326) with one stream of G.711 audio, interleaved in its TCP connection."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np

from .tcp_server import tcp_server

RATE_HZ = 8_000
PACKET_SAMPLES = 160
_SDP = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\na=control:audio\r\n"


def mu_law(samples: np.ndarray) -> bytes:
    """16 bit samples as G.711 µ-law."""
    sign = np.where(samples < 0, 0x80, 0)
    size = np.minimum(np.abs(samples.astype(np.int32)), 32_635) + 132
    exponent = np.floor(np.log2(size)).astype(np.int32) - 7
    mantissa = (size >> (exponent + 3)) & 0x0F
    return bytes((~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8))


async def _handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, samples: np.ndarray) -> None:
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method = head.split(" ")[0]
        sequence = next(line for line in head.splitlines() if line.lower().startswith("cseq:"))
        extra, body = "", ""
        if method == "OPTIONS":
            extra = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
        elif method == "DESCRIBE":
            body = _SDP
            extra = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
        elif method == "SETUP":
            extra = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
        elif method == "PLAY":
            extra = "Session: 1\r\n"
        writer.write(f"RTSP/1.0 200 OK\r\n{sequence}\r\n{extra}\r\n{body}".encode())
        await writer.drain()
        if method == "PLAY":
            await _play(writer, samples)
            return


async def _play(writer: asyncio.StreamWriter, samples: np.ndarray) -> None:
    data = mu_law(samples)
    for number, start in enumerate(range(0, len(data), PACKET_SAMPLES)):
        packet = (
            struct.pack(">BBHII", 0x80, 0, number & 0xFFFF, start, 7) + data[start : start + PACKET_SAMPLES]
        )
        writer.write(struct.pack(">cBH", b"$", 0, len(packet)) + packet)
        await writer.drain()
        await asyncio.sleep(PACKET_SAMPLES / RATE_HZ)


@asynccontextmanager
async def rtsp_server(samples: np.ndarray) -> AsyncIterator[str]:
    """Serve ``samples`` (8 kHz) to whoever comes, from their beginning; its URL."""
    async with tcp_server(lambda reader, writer: _handle(reader, writer, samples)) as port:
        yield f"rtsp://127.0.0.1:{port}/camera"
