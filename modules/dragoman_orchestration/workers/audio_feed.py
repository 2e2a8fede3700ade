"""From the entries of a session's ingest stream to samples and commands; and where to resume reading."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np

from dragoman_contracts.audio import MODEL_RATE_HZ, AudioFormat
from dragoman_contracts.errors import UnsupportedAudio
from dragoman_contracts.streams import AudioField, AudioKind
from dragoman_contracts.websocket import SessionConfigure, SessionOptions
from dragoman_orchestration.streaming.window import Pcm
from dragoman_orchestration.workers.decoder import WARM_UP_MS, AudioDecoder, model_samples, open_decoder
from dragoman_runtime.broker.base import FIRST_ID, Entry

_CONTAINER_BEGINNINGS = (b"\x1aE\xdf\xa3", b"OggS")


class FeedState(msgspec.Struct, kw_only=True):
    """Where to read on: after this entry, which ends at byte ``consumed_bytes`` of the session's audio."""

    after: str = FIRST_ID
    audio: AudioFormat | None = None
    consumed_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Flush:
    """The client asked for a final now."""


@dataclass(frozen=True, slots=True)
class End:
    """The client ends the session."""

    reason: str


@dataclass(frozen=True, slots=True)
class Configured:
    """The connection brought options of its own."""

    options: SessionOptions


@dataclass(frozen=True, slots=True)
class Lost:
    """So many samples (16 kHz) of PCM were accepted and are in no entry; what follows comes after them."""

    samples: int


@dataclass(frozen=True, slots=True)
class Torn:
    """Bytes of a container are in no entry: ``lost_bytes`` before byte ``at_bytes`` of the session."""

    at_bytes: int
    lost_bytes: int


Heard = Pcm | Flush | End | Configured | Lost | Torn


class AudioFeed:
    """Decodes one session's entries in order; knows which of them a successor would need.

    Each entry tells how many bytes the session had with it. What of an entry is known already (audio that was
    asked for again) is cut off; what lies between two entries was lost (``Lost``, ``Torn``).

    PCM resumes at the entry that holds the checkpoint. Of a container a successor needs the beginning, so its
    entries stay until the session ends; samples before the checkpoint are dropped while it catches up.
    """

    def __init__(self, state: FeedState, committed_ms: int = 0) -> None:
        self._state = state
        self.position = state.after
        self.audio = state.audio
        self.consumed_bytes = state.consumed_bytes
        self.position_bytes = ""
        """What the entry at ``position`` told as the session's bytes; empty until one is read."""
        # (entry id, id of the entry before, bytes of the session before it)
        self._entries: deque[tuple[str, str, int]] = deque()
        self._decoders: deque[AudioDecoder] = deque()
        self._fresh_connection = False
        self._skip_samples = committed_ms * MODEL_RATE_HZ // 1000
        if self.audio is not None:
            self._open_decoder(self.audio)
            self._skip_samples -= self._samples_at(self.consumed_bytes)

    def take(self, entry: Entry) -> Iterator[Heard]:
        """Apply one entry; exhaust the iterator.

        Where PCM was lost before the entry, only that is told and ``position`` stays: read the entry again.

        Raises:
            UnsupportedAudio: its bytes cannot be decoded; the entry counts as read, its time as silence.

        """
        kind = entry.fields.get(AudioField.KIND, b"")
        data = entry.fields.get(AudioField.DATA, b"")
        configure = msgspec.json.decode(data, type=SessionConfigure) if kind == AudioKind.FORMAT else None
        if configure is not None and self.audio is None:
            self.audio = configure.audio
            self._open_decoder(configure.audio)
        elif configure is not None:
            self._fresh_connection = True
        begin = self._begin(entry, len(data) if kind == AudioKind.FRAME else 0)
        if begin > self.consumed_bytes and self.audio is not None:
            if self.audio.is_pcm:
                yield from self._lose(begin)
                return
            yield Torn(begin, begin - self.consumed_bytes)
            self.consumed_bytes = begin
        before, self.position = self.position, entry.id
        self.position_bytes = entry.fields.get(AudioField.BYTES_TOTAL, b"").decode()
        if kind == AudioKind.FRAME:
            yield from self._frame(entry.id, before, data[max(0, self.consumed_bytes - begin) :])
        elif configure is not None and configure.options is not None:
            yield Configured(configure.options)
        elif kind == AudioKind.FLUSH:
            yield Flush()
        elif kind == AudioKind.END:
            self.finish()
            yield End(data.decode(errors="replace") or "client")

    def _begin(self, entry: Entry, length: int) -> int:
        """Bytes of the session before this entry."""
        total = entry.fields.get(AudioField.BYTES_TOTAL)
        return self.consumed_bytes if total is None else int(total) - length

    def _lose(self, begin: int) -> Iterator[Heard]:
        """Hand out what the decoder holds back, then tell the hole, and go on behind it."""
        assert self.audio is not None  # noqa: S101  (the caller checked)
        lost = self._samples_at(begin) - self._samples_at(self.consumed_bytes)
        self.finish()
        rest = self.drain()
        self.consumed_bytes = begin
        self._decoders.clear()
        self._open_decoder(self.audio)
        if len(rest):
            yield rest
        skipped = min(max(0, self._skip_samples), lost)
        self._skip_samples -= skipped
        if lost > skipped:
            yield Lost(lost - skipped)

    def _frame(self, entry_id: str, before: str, data: bytes) -> Iterator[Heard]:
        begin = self.consumed_bytes
        self.consumed_bytes += len(data)
        if self.audio is None or not data:
            return  # the API sends the format first; without it bytes mean nothing
        if self.audio.is_pcm:
            self._entries.append((entry_id, before, begin))
        elif self._fresh_connection and data.startswith(_CONTAINER_BEGINNINGS) and self._decoders:
            # A new recorder on the same session: its container begins where the last one ended.
            self._decoders[-1].finish()
            self._decoders.append(open_decoder(self.audio))
        self._fresh_connection = False
        try:
            yield from self._cut(self._decoders[-1].decode(data))
        except UnsupportedAudio:
            if self.audio.is_pcm:
                # The clock goes on: what follows must not move to where this was.
                size = self.audio.frame_bytes
                frames = self.consumed_bytes // size - begin // size
                yield from self._cut(self._decoders[-1].decode(bytes(frames * size)))
            raise

    def _open_decoder(self, audio: AudioFormat) -> None:
        self._decoders.append(open_decoder(audio, self.consumed_bytes // audio.frame_bytes))

    @property
    def undecoded_bytes(self) -> int:
        """Bytes that wait for a decoder's thread."""
        return sum(decoder.backlog_bytes for decoder in self._decoders)

    def drain(self) -> Pcm:
        """Pcm that were decoded in the background since, in order."""
        parts = []
        while self._decoders:
            parts += self._cut(self._decoders[0].drain())
            if len(self._decoders) == 1 or not self._decoders[0].is_finished:
                break
            self._decoders.popleft()
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int16)

    def finish(self) -> None:
        """No more entries will come; ``drain`` until ``is_finished``."""
        for decoder in self._decoders:
            decoder.finish()

    @property
    def is_finished(self) -> bool:
        """Whether all samples were handed out."""
        return all(decoder.is_finished for decoder in self._decoders)

    def resume_point(self, committed_ms: int) -> tuple[FeedState, str]:
        """Where a successor must read on, and the entry id before which the stream can be trimmed."""
        if self.audio is None or not self.audio.is_pcm:
            return FeedState(audio=None, consumed_bytes=0), ""
        rate_hz = self.audio.sample_rate_hz
        # A resampler must have begun a little earlier to give the same samples as its predecessor.
        warm_up_ms = 0 if rate_hz == MODEL_RATE_HZ else WARM_UP_MS
        needed = (committed_ms - warm_up_ms) * rate_hz // 1000 * self.audio.frame_bytes
        while len(self._entries) > 1 and self._entries[1][2] <= needed:
            self._entries.popleft()
        committed = committed_ms * rate_hz // 1000 * self.audio.frame_bytes
        if not self._entries or self._entries[0][2] > committed:
            # Nothing was read yet, or nothing but what lies behind a hole that is not told yet.
            after, consumed = self._state.after, self._state.consumed_bytes
            return FeedState(after=after, audio=self.audio, consumed_bytes=consumed), ""
        entry_id, before, begin = self._entries[0]
        return FeedState(after=before, audio=self.audio, consumed_bytes=begin), entry_id

    def _samples_at(self, consumed_bytes: int) -> int:
        """Samples at 16 kHz before this byte of the session; PCM only."""
        if self.audio is None or not self.audio.is_pcm:
            return 0
        return model_samples(self.audio, consumed_bytes // self.audio.frame_bytes)

    def _cut(self, samples: Pcm) -> list[Pcm]:
        """Drop what the checkpoint has behind it."""
        if self._skip_samples > 0:
            skipped = min(self._skip_samples, len(samples))
            self._skip_samples -= skipped
            samples = samples[skipped:]
        return [samples] if len(samples) else []
