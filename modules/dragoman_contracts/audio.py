"""Audio formats: what a client may send and what the recogniser hears.

Every time in the contracts is a position in the session's audio, in whole milliseconds.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from dragoman_contracts.errors import UnsupportedAudio

Encoding = Literal["pcm_s16le", "pcm_f32le", "webm_opus", "ogg_opus"]

MODEL_RATE_HZ = 16_000
"""The rate at which recognisers hear: mono float32 in [-1, 1]."""
MIN_RATE_HZ, MAX_RATE_HZ = 8_000, 192_000
MAX_CHANNELS = 8

_PCM_SAMPLE_BYTES = {"pcm_s16le": 2, "pcm_f32le": 4}
_MEDIA_TYPES = {
    "pcm_s16le": "audio/l16",
    "pcm_f32le": "audio/f32",
    "webm_opus": "audio/webm;codecs=opus",
    "ogg_opus": "audio/ogg;codecs=opus",
}


class AudioFormat(msgspec.Struct, frozen=True, kw_only=True):
    """How the bytes of a session's binary frames are to be read.

    ``sample_rate_hz`` (8,000–192,000) and ``channels`` (1–8, interleaved, mixed down to mono) count for
    PCM only; the opus containers carry their own.
    """

    encoding: Encoding = "pcm_s16le"
    sample_rate_hz: int = MODEL_RATE_HZ
    channels: int = 1

    @property
    def is_pcm(self) -> bool:
        """Whether frames are raw samples, so that bytes translate to time without decoding."""
        return self.encoding in _PCM_SAMPLE_BYTES

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample over all channels; 1 for containers."""
        return _PCM_SAMPLE_BYTES.get(self.encoding, 0) * self.channels or 1

    @property
    def bytes_per_second(self) -> int:
        """Data rate of PCM; for containers an upper bound of what opus may need (512 kbit/s)."""
        return self.frame_bytes * self.sample_rate_hz if self.is_pcm else 64_000

    @property
    def media_type(self) -> str:
        """The envelope's ``content-type`` (RFC 2586, RFC 7845)."""
        base = _MEDIA_TYPES[self.encoding]
        return f"{base};rate={self.sample_rate_hz};channels={self.channels}" if self.is_pcm else base

    def duration_ms(self, byte_count: int) -> int:
        """Milliseconds that ``byte_count`` bytes of PCM last (rounded down)."""
        return byte_count * 1000 // self.bytes_per_second

    def validate(self) -> AudioFormat:
        """Return self if the values are possible.

        Raises:
            UnsupportedAudio: the rate or the number of channels is out of range.

        """
        if not MIN_RATE_HZ <= self.sample_rate_hz <= MAX_RATE_HZ:
            raise UnsupportedAudio(
                f"sample_rate_hz is {self.sample_rate_hz}, outside {MIN_RATE_HZ} to {MAX_RATE_HZ}",
                remedy="Give the true rate of the samples, for instance 16000 or 48000.",
            )
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise UnsupportedAudio(
                f"channels is {self.channels}, outside 1 to {MAX_CHANNELS}",
                remedy="Send mono or interleaved channels, 1 to 8.",
            )
        return self
