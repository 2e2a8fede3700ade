"""Live audio on standard input, without the waiting that FFmpeg does before it lets the first sample out.

FFmpeg reads 64 KiB of a WAV stream (two seconds of speech at 16 kHz) to see whether it hides something else.
The header of a plain one is read here instead, and the samples go to FFmpeg as raw PCM.
Source: "Multimedia Programming Interface and Data Specifications 1.0" (IBM and Microsoft, 1991).
"""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass, field
from typing import IO

_QUICK = {"probesize": "16384", "analyzeduration": "1"}
"""By default FFmpeg listens to a stream for up to five seconds before it opens it."""
_RAW_FORMATS = {(1, 8): "u8", (1, 16): "s16le", (1, 24): "s24le", (1, 32): "s32le", (3, 32): "f32le"}
"""FFmpeg's raw formats by WAVE format tag and bits a sample."""
_EXTENSIBLE = 0xFFFE
_ENDLESS = 0x7FFF_0000
"""Recorders that cannot know the length write the largest one, or none."""
_HEADER_BYTES_MAX = 65_536


class LiveStream:
    """A stream that gives back what was read of it, and ends after ``limit`` bytes (None: with its source).

    Reads give what is there: waiting for a full buffer would hold live audio back.
    """

    def __init__(self, source: IO[bytes], seen: bytes = b"", limit: int | None = None) -> None:
        self._source = source
        self._seen = seen
        self._left = limit

    def read(self, size: int = -1) -> bytes:
        """At least one byte, at most ``size``; none at the end."""
        if self._left is not None:
            size = self._left if size < 0 else min(size, self._left)
        if self._seen:
            size = len(self._seen) if size < 0 else size
            data, self._seen = self._seen[:size], self._seen[size:]
        else:
            data = self._source.read(size) or b""
        if self._left is not None:
            self._left -= len(data)
        return data


@dataclass(frozen=True, slots=True)
class LiveInput:
    """What to open: the stream, FFmpeg's name of its format if it is known, and options to open it with."""

    stream: LiveStream
    format: str | None = None
    options: dict[str, str] = field(default_factory=lambda: dict(_QUICK))


def open_standard_input() -> LiveInput:
    """Standard input as live audio; waits for its first bytes.

    Unbuffered: Python aborts at its end while a thread still waits inside of ``sys.stdin.buffer``.
    """
    return recognise(open(sys.stdin.fileno(), "rb", buffering=0, closefd=False))


def recognise(source: IO[bytes]) -> LiveInput:
    """Look at the beginning of a stream; anything but a plain WAV header is left to FFmpeg."""
    seen = _read_exactly(source, 12)
    if seen[:4] != b"RIFF" or seen[8:12] != b"WAVE":
        return LiveInput(LiveStream(source, seen))
    described = b""
    while len(seen) < _HEADER_BYTES_MAX:
        head = _read_exactly(source, 8)
        seen += head
        if len(head) < 8:
            break
        kind, size = head[:4], int.from_bytes(head[4:], "little")
        if kind == b"data":
            return _plain(source, described, size) or LiveInput(LiveStream(source, seen))
        body = _read_exactly(source, min(size + size % 2, _HEADER_BYTES_MAX))
        seen += body
        if kind == b"fmt ":
            described = body
    return LiveInput(LiveStream(source, seen))


def _plain(source: IO[bytes], described: bytes, size: int) -> LiveInput | None:
    """The samples behind a header as raw PCM; None for what is no plain PCM."""
    if len(described) < 16:
        return None
    tag, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", described)
    if tag == _EXTENSIBLE and len(described) >= 26:
        tag = int.from_bytes(described[24:26], "little")
    name = _RAW_FORMATS.get((tag, bits))
    if name is None or not channels or not rate_hz:
        return None
    limit = size if 0 < size < _ENDLESS else None
    layout = {1: "mono", 2: "stereo"}.get(channels, f"{channels}c")
    options = {**_QUICK, "sample_rate": str(rate_hz), "ch_layout": layout}
    return LiveInput(LiveStream(source, limit=limit), name, options)


def _read_exactly(source: IO[bytes], size: int) -> bytes:
    data = b""
    while len(data) < size and (more := source.read(size - len(data))):
        data += more
    return data
