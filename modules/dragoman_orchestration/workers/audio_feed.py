"""From the entries of a session's ingest stream to samples and commands; and where to resume reading."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np

from dragoman_contracts.audio import MODEL_RATE_HZ, AudioFormat
from dragoman_contracts.streams import AudioField, AudioKind
from dragoman_contracts.websocket import SessionConfigure, SessionOptions
from dragoman_orchestration.streaming.window import Pcm
from dragoman_orchestration.workers.decoder import AudioDecoder, open_decoder
from dragoman_runtime.broker.base import FIRST_ID, Entry

_CONTAINER_BEGINNINGS = (b"\x1aE\xdf\xa3", b"OggS")


class FeedState(msgspec.Struct, kw_only=True):
    """Where to read on: after this entry, which ends at ``frames`` sample frames of the session's PCM."""

    after: str = FIRST_ID
    frames: int = 0
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


Heard = Pcm | Flush | End | Configured


class AudioFeed:
    """Decodes one session's entries in order; knows which of them a successor would need.

    PCM resumes at the entry that holds the checkpoint. Of a container a successor needs the beginning, so its
    entries stay until the session ends; ``replay_ms`` of samples are dropped while it catches up.
    """

    def __init__(self, state: FeedState, committed_ms: int = 0) -> None:
        self._state = state
        self.position = state.after
        self.audio = state.audio
        self.consumed_bytes = state.consumed_bytes
        self._frames = state.frames
        # (entry id, id of the entry before, sample frames before it)
        self._entries: deque[tuple[str, str, int]] = deque()
        self._decoders: deque[AudioDecoder] = deque()
        self._fresh_connection = False
        if self.audio is not None:
            self._decoders.append(open_decoder(self.audio))
        self._skip_samples = committed_ms * MODEL_RATE_HZ // 1000 - self._samples_before(state.frames)

    def take(self, entry: Entry) -> Iterator[Heard]:
        """Apply one entry.

        Raises:
            UnsupportedAudio: its bytes cannot be decoded; the entry counts as read.

        """
        before, self.position = self.position, entry.id
        kind = entry.fields.get(AudioField.KIND, b"")
        data = entry.fields.get(AudioField.DATA, b"")
        if kind == AudioKind.FRAME:
            yield from self._frame(entry, before, data)
        elif kind == AudioKind.FORMAT:
            yield from self._configure(data)
        elif kind == AudioKind.FLUSH:
            yield Flush()
        elif kind == AudioKind.END:
            self.finish()
            yield End(data.decode(errors="replace") or "client")

    def _frame(self, entry: Entry, before: str, data: bytes) -> Iterator[Heard]:
        self.consumed_bytes = int(entry.fields.get(AudioField.BYTES_TOTAL, self.consumed_bytes + len(data)))
        if self.audio is None:
            return  # the API sends the format first; without it bytes mean nothing
        if self.audio.is_pcm:
            self._entries.append((entry.id, before, self._frames))
            self._frames += len(data) // self.audio.frame_bytes
        elif self._fresh_connection and data.startswith(_CONTAINER_BEGINNINGS) and self._decoders:
            # A new recorder on the same session: its container begins where the last one ended.
            self._decoders[-1].finish()
            self._decoders.append(open_decoder(self.audio))
        self._fresh_connection = False
        samples = self._decoders[-1].decode(data)
        yield from self._cut(samples)

    def _configure(self, data: bytes) -> Iterator[Heard]:
        message = msgspec.json.decode(data, type=SessionConfigure)
        if self.audio is None:
            self.audio = message.audio
            self._decoders.append(open_decoder(message.audio))
        else:
            self._fresh_connection = True
        if message.options is not None:
            yield Configured(message.options)

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
        committed = committed_ms * self.audio.sample_rate_hz // 1000
        while len(self._entries) > 1 and self._entries[1][2] <= committed:
            self._entries.popleft()
        if not self._entries:
            state = self._state
            return FeedState(
                after=state.after, frames=state.frames, audio=self.audio, consumed_bytes=state.consumed_bytes
            ), ""
        entry_id, before, frames = self._entries[0]
        consumed = frames * self.audio.frame_bytes
        return FeedState(after=before, frames=frames, audio=self.audio, consumed_bytes=consumed), entry_id

    def _samples_before(self, frames: int) -> int:
        rate = self.audio.sample_rate_hz if self.audio is not None else MODEL_RATE_HZ
        return frames * MODEL_RATE_HZ // rate

    def _cut(self, samples: Pcm) -> list[Pcm]:
        """Drop what the checkpoint has behind it."""
        if self._skip_samples > 0:
            skipped = min(self._skip_samples, len(samples))
            self._skip_samples -= skipped
            samples = samples[skipped:]
        return [samples] if len(samples) else []
