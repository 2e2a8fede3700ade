"""From a client's bytes to the recogniser's samples: mono int16 at 16 kHz.

PCM is decoded in place. Opus in WebM or Ogg is a byte stream without frame borders, read by PyAV (FFmpeg),
which pulls: each such session has a thread that waits for bytes.
"""

from __future__ import annotations

import io
import queue
import threading
from collections import deque
from math import gcd
from typing import TYPE_CHECKING, Protocol

import numpy as np

from dragoman_contracts.audio import MODEL_RATE_HZ, AudioFormat
from dragoman_contracts.errors import UnsupportedAudio
from dragoman_orchestration.streaming.window import Pcm

if TYPE_CHECKING:
    import av

_EMPTY: Pcm = np.empty(0, dtype=np.int16)
_PROBE_BYTES = 32_768
"""How much FFmpeg may look at before it decides what a container holds; its default of 5 MB would delay the
first caption of a live stream by minutes."""

WARM_UP_MS = 10
"""Reach of the resampler's filter at any rate (4 ms), rounded up."""


class AudioDecoder(Protocol):
    """Turns the frames of one connection into samples."""

    def decode(self, data: bytes) -> Pcm:
        """Take a frame; the samples that are ready.

        Raises:
            UnsupportedAudio: the bytes cannot be what the format says.

        """
        ...

    def drain(self) -> Pcm:
        """The samples that became ready in the background since the last call."""
        ...

    def finish(self) -> None:
        """No more frames will come; ``drain`` until ``is_finished``."""
        ...

    @property
    def is_finished(self) -> bool:
        """Whether ``finish`` was called and all samples were handed out."""
        ...

    @property
    def backlog_bytes(self) -> int:
        """Bytes that were taken and are not decoded yet."""
        ...


def open_decoder(audio: AudioFormat, start_frame: int = 0) -> AudioDecoder:
    """The decoder for a format; PCM goes on behind ``start_frame`` sample frames of the session."""
    return PcmDecoder(audio, start_frame) if audio.is_pcm else ContainerDecoder(audio)


class _Resampler:
    """FFmpeg's resampler to mono at 16 kHz: band-limited, mixes channels down, keeps its state."""

    def __init__(self) -> None:
        import av  # noqa: PLC0415  (FFmpeg: 20 MB that a worker with 16 kHz PCM alone never needs)

        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=MODEL_RATE_HZ)

    def __call__(self, frame: av.AudioFrame | None) -> Pcm:
        parts = [out.to_ndarray().reshape(-1) for out in self._resampler.resample(frame)]
        return np.concatenate(parts) if parts else _EMPTY


class PcmDecoder:
    """Interleaved little-endian samples, 16 bit integers or 32 bit floats in [-1, 1].

    Exact in time: frame n of the session becomes sample ``n * 16000 // rate``, wherever decoding began. The
    resampler's phase repeats every ``cycle`` frames, so a decoder that begins in the middle of a cycle is fed
    silence from the cycle's beginning on. What comes ``WARM_UP_MS`` after its beginning is bit for bit what
    any other decoder of the same audio gives; before, the resampler's filter still reaches into that silence.

    Args:
        audio: a PCM format.
        start_frame: sample frames of the session before the first byte that will come.

    """

    def __init__(self, audio: AudioFormat, start_frame: int = 0) -> None:
        self._format = audio
        self._resample = _Resampler() if audio.sample_rate_hz != MODEL_RATE_HZ else None
        self._ended = False
        self._frames = start_frame
        cycle = audio.sample_rate_hz // gcd(audio.sample_rate_hz, MODEL_RATE_HZ)
        lead = start_frame % cycle if self._resample else 0
        self._given = model_samples(audio, start_frame - lead)
        self._drop = model_samples(audio, start_frame) - self._given
        if lead:
            self._give(self._resampled(np.zeros(lead, dtype=np.int16)))

    def decode(self, data: bytes) -> Pcm:
        """See ``AudioDecoder``."""
        if len(data) % self._format.frame_bytes:
            raise UnsupportedAudio(
                f"{len(data)} bytes are no whole number of {self._format.frame_bytes}-byte samples"
            )
        if self._format.encoding == "pcm_s16le":
            samples = np.frombuffer(data, dtype="<i2")
        else:
            # NaN and infinities from a broken capture would poison every window that they are in.
            raw = np.nan_to_num(np.frombuffer(data, dtype="<f4"), nan=0.0, posinf=1.0, neginf=-1.0)
            samples = (np.clip(raw, -1.0, 1.0) * 32767).astype(np.int16)
        if self._format.channels > 1:
            samples = samples.reshape(-1, self._format.channels).mean(axis=1).astype(np.int16)
        self._frames += len(samples)
        return self._give(self._resampled(samples))

    def _resampled(self, samples: Pcm) -> Pcm:
        if self._resample is None or not len(samples):
            return samples
        import av  # noqa: PLC0415

        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = self._format.sample_rate_hz
        return self._resample(frame)

    def _give(self, samples: Pcm) -> Pcm:
        """Count what leaves, without what stands for the time before ``start_frame``."""
        dropped = min(self._drop, len(samples))
        self._drop -= dropped
        self._given += len(samples)
        return samples[dropped:]

    def drain(self) -> Pcm:
        """See ``AudioDecoder``."""
        if not self._ended or self._resample is None:
            return _EMPTY
        resample, self._resample = self._resample, None
        rest = resample(None)
        # The resampler rounds its last sample in or out: the clock of the session does not.
        wanted = model_samples(self._format, self._frames) - self._given
        rest = np.pad(rest[: max(0, wanted)], (0, max(0, wanted - len(rest))))
        return self._give(rest)

    def finish(self) -> None:
        """See ``AudioDecoder``."""
        self._ended = True

    @property
    def is_finished(self) -> bool:
        """See ``AudioDecoder``."""
        return self._ended and self._resample is None

    @property
    def backlog_bytes(self) -> int:
        """None: decoded in place."""
        return 0


def model_samples(audio: AudioFormat, frames: int) -> int:
    """How many samples at 16 kHz stand for the first ``frames`` sample frames of a session."""
    return frames * MODEL_RATE_HZ // audio.sample_rate_hz


class _Pipe(io.RawIOBase):
    """A file that FFmpeg reads and a client writes; ``None`` in the queue is its end."""

    def __init__(self) -> None:
        self._chunks: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._rest = b""
        self._ended = False
        self._fed = self._read = 0

    @property
    def backlog_bytes(self) -> int:
        """Bytes that FFmpeg has not asked for yet."""
        return self._fed - self._read

    def feed(self, data: bytes | None) -> None:
        self._fed += len(data or b"")
        self._chunks.put(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._rest and not self._ended:
            chunk = self._chunks.get()
            self._ended = chunk is None
            self._rest = chunk or b""
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self._read += count
        return count

    def read(self, size: int = -1) -> bytes:
        buffer = bytearray(size if size > 0 else _PROBE_BYTES)
        return bytes(buffer[: self.readinto(buffer)])


class ContainerDecoder:
    """Opus in WebM (MediaRecorder) or Ogg, decoded in a thread while it arrives.

    What a truncated file still holds is decoded; a stream that is no such container raises, once, at the next
    ``decode`` or ``drain``.
    """

    def __init__(self, audio: AudioFormat) -> None:
        self._container = "webm" if audio.encoding == "webm_opus" else "ogg"
        self._pipe = _Pipe()
        self._ready: deque[Pcm] = deque()
        self._error: str | None = None
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="container-decoder", daemon=True)
        self._thread.start()

    def decode(self, data: bytes) -> Pcm:
        """See ``AudioDecoder``; the samples of a frame may come with a later call."""
        if data:
            self._pipe.feed(data)
        return self.drain()

    def finish(self) -> None:
        """See ``AudioDecoder``."""
        if not self._ended:
            self._ended = True
            self._pipe.feed(None)

    @property
    def is_finished(self) -> bool:
        """See ``AudioDecoder``."""
        return self._ended and not self._thread.is_alive() and not self._ready and self._error is None

    @property
    def backlog_bytes(self) -> int:
        """See ``AudioDecoder``; 0 when the thread has ended and will never take it."""
        return self._pipe.backlog_bytes if self._thread.is_alive() else 0

    def drain(self) -> Pcm:
        """See ``AudioDecoder``."""
        parts = [self._ready.popleft() for _ in range(len(self._ready))]
        if not parts and self._error is not None:
            error, self._error = self._error, None
            raise UnsupportedAudio(
                f"the stream is no {self._container} container with opus ({error})",
                remedy="Send the recorder's chunks unchanged and in order, the first one first.",
            )
        return np.concatenate(parts) if parts else _EMPTY

    def _run(self) -> None:
        import av  # noqa: PLC0415

        decoded = False
        try:
            resample = _Resampler()
            options = {"probesize": str(_PROBE_BYTES), "analyzeduration": "0"}
            with av.open(self._pipe, mode="r", format=self._container, options=options) as container:
                for frame in container.decode(container.streams.audio[0]):
                    decoded = True
                    self._push(resample(frame))
                self._push(resample(None))
        except (av.FFmpegError, IndexError, ValueError) as error:
            # A cut-off end is the normal end of a live recording.
            if not decoded:
                self._error = type(error).__name__

    def _push(self, samples: Pcm) -> None:
        if len(samples):
            self._ready.append(samples)
