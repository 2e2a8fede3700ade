"""A recording as a WAV file that is never stored: a header made on the fly, then the file's samples.

The format is that of RIFF WAVE, PCM (Microsoft/IBM 1991). Its sizes have 32 bits: of more than 37 hours they
say the most that they can, which players take as "until the end".
"""

from __future__ import annotations

import struct

from dragoman_contracts.audio import MODEL_RATE_HZ
from dragoman_orchestration.recordings.folder import SAMPLE_BYTES

HEADER_BYTES = 44
_MOST = 0xFFFF_FFFF
_PCM = 1
_MONO = 1


def wav_header(data_bytes: int) -> bytes:
    """The 44 bytes before so many bytes of mono samples of 16 bits at 16 kHz."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        min(HEADER_BYTES - 8 + data_bytes, _MOST),
        b"WAVE",
        b"fmt ",
        16,
        _PCM,
        _MONO,
        MODEL_RATE_HZ,
        MODEL_RATE_HZ * SAMPLE_BYTES,
        SAMPLE_BYTES,
        SAMPLE_BYTES * 8,
        b"data",
        min(data_bytes, _MOST),
    )
