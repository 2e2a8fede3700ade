"""Audio files of any kind that FFmpeg knows, as the samples that engines hear. Blocking; for threads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.error import FFmpegError

from dragoman_contracts.audio import MODEL_RATE_HZ
from dragoman_contracts.errors import InvalidInput, UnsupportedAudio
from dragoman_whisper.engines.base import Pcm


class FileTooLong(InvalidInput):
    """A file that lasts longer, or is larger, than this service takes."""

    code = "file_too_long"
    http_status = 413
    default_remedy = "Split the file, or raise DRAGOMAN_WHISPER_FILE_MAX_MINUTES or _FILE_MAX_MB."


_REMEDY = "Send an audio or video file with a sound track, for instance wav, mp3, m4a, flac, ogg or webm."


def decode_file(file: BinaryIO, max_minutes: int) -> Pcm:
    """The file's first sound track as 16-bit mono at 16 kHz; of a damaged file what can be decoded.

    Raises:
        UnsupportedAudio: it is empty, no audio, or damaged from its beginning on.
        FileTooLong: it lasts longer than ``max_minutes``.

    """
    parts: list[Pcm] = []
    samples = 0
    try:
        for part in _decode(file):
            samples += len(part)
            if samples > max_minutes * 60 * MODEL_RATE_HZ:
                raise FileTooLong(f"the file lasts longer than {max_minutes} minutes")
            parts.append(part)
    except (FFmpegError, ValueError) as error:
        # A file that was cut off, such as a recording whose browser tab was closed, ends like this.
        if not parts:
            raise UnsupportedAudio("the file cannot be read as audio", remedy=_REMEDY) from error
    if not samples:
        raise UnsupportedAudio("the file holds no sound", remedy=_REMEDY)
    return np.concatenate(parts)


def _decode(file: BinaryIO) -> Iterator[Pcm]:
    # A playlist could make FFmpeg open other files or addresses: no protocol is allowed but the file itself.
    options = {"protocol_whitelist": "none"}
    with av.open(file, mode="r", metadata_errors="ignore", container_options=options) as container:
        if not container.streams.audio:
            raise UnsupportedAudio("the file has no sound track", remedy=_REMEDY)
        resampler = AudioResampler(format="s16", layout="mono", rate=MODEL_RATE_HZ)
        for packet in container.demux(container.streams.audio[0]):
            for frame in _frames(packet):
                yield from _resampled(resampler, frame)
        yield from _resampled(resampler, None)


def _frames(packet: Any) -> list[Any]:
    try:
        return list(packet.decode())
    except FFmpegError:
        return []  # one damaged packet; what follows it may be sound


def _resampled(resampler: AudioResampler, frame: Any) -> Iterator[Pcm]:
    for out in resampler.resample(frame):
        yield out.to_ndarray().reshape(-1).astype(np.int16, copy=False)
