"""From ingest entries to samples: formats, resume points, what a successor needs."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from dragoman_contracts.audio import AudioFormat
from dragoman_contracts.errors import UnsupportedAudio
from dragoman_contracts.websocket import SessionConfigure, SessionOptions
from dragoman_orchestration.workers.audio_feed import AudioFeed, Configured, End, FeedState, Flush
from dragoman_orchestration.workers.decoder import open_decoder
from dragoman_runtime.broker.base import Entry


def tone(rate_hz: int, seconds: float, hz: float = 440.0) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(int(rate_hz * seconds)) / rate_hz).astype(np.float32) * 0.5


def as_s16(samples: np.ndarray) -> bytes:
    return (samples * 32767).astype("<i2").tobytes()


def decoded(audio: AudioFormat, data: bytes, frame_bytes: int) -> np.ndarray:
    decoder = open_decoder(audio)
    parts = [decoder.decode(data[start : start + frame_bytes]) for start in range(0, len(data), frame_bytes)]
    decoder.finish()
    while not decoder.is_finished:
        parts.append(decoder.drain())
    return np.concatenate(parts)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_every_rate_comes_out_at_16_khz_with_its_pitch(rate_hz):
    audio = AudioFormat(sample_rate_hz=rate_hz)
    samples = decoded(audio, as_s16(tone(rate_hz, 1.0)), 2 * rate_hz // 10)
    assert samples.dtype == np.int16
    assert abs(len(samples) - 16_000) <= 32
    spectrum = np.abs(np.fft.rfft(samples[2_000:14_000].astype(np.float32)))
    assert abs(np.argmax(spectrum) * 16_000 / 12_000 - 440) < 3


def test_a_tone_above_hearing_does_not_fold_down():
    high = decoded(AudioFormat(sample_rate_hz=48_000), as_s16(tone(48_000, 1.0, 12_000)), 9_600)
    assert np.abs(high[2_000:14_000].astype(np.float32)).max() < 300


def test_channels_are_mixed_down():
    left, right = tone(16_000, 0.2), -tone(16_000, 0.2)
    stereo = as_s16(np.stack([left, right], axis=1).reshape(-1))
    assert np.abs(decoded(AudioFormat(channels=2), stereo, 640).astype(np.int32)).max() <= 1


def test_floats_are_clipped_and_cleaned():
    raw = np.array([0.5, 2.0, -2.0, np.nan, np.inf, -np.inf], dtype="<f4")
    found = decoded(AudioFormat(encoding="pcm_f32le"), raw.tobytes(), 24)
    assert found.tolist() == [16383, 32767, -32767, 0, 32767, -32767]


def test_half_a_sample_is_refused():
    with pytest.raises(UnsupportedAudio, match="3 bytes"):
        open_decoder(AudioFormat()).decode(b"abc")


def test_nothing_in_nothing_out():
    assert len(open_decoder(AudioFormat(sample_rate_hz=48_000)).decode(b"")) == 0


# --- the feed ---


class Ingest:
    """A session's entries as the API writes them."""

    def __init__(self, audio: AudioFormat, options: SessionOptions | None = None) -> None:
        self.audio = audio
        self.total = 0
        self.entries: list[Entry] = []
        self.add(b"f", msgspec.json.encode(SessionConfigure(audio=audio, options=options)))

    def add(self, kind: bytes, data: bytes = b"", epoch: int = 1) -> Entry:
        if kind == b"a":
            self.total += len(data)
        fields = {b"k": kind, b"d": data, b"n": str(self.total).encode()}
        self.entries.append(Entry(f"{epoch}-{len(self.entries) + 1}", fields))
        return self.entries[-1]

    def after(self, entry_id: str) -> list[Entry]:
        ids = ["0-0", *(entry.id for entry in self.entries)]
        return self.entries[ids.index(entry_id) :]


def samples_of(feed: AudioFeed, entries: list[Entry]) -> np.ndarray:
    parts = [heard for entry in entries for heard in feed.take(entry) if isinstance(heard, np.ndarray)]
    return np.concatenate([*parts, feed.drain()])


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
@pytest.mark.parametrize("committed_ms", [0, 99, 100, 455, 1_000])
def test_a_successor_hears_on_from_the_checkpoint(rate_hz, committed_ms):
    ingest = Ingest(AudioFormat(sample_rate_hz=rate_hz))
    data = as_s16(tone(rate_hz, 1.0, 300))
    size = 2 * rate_hz // 10
    for start in range(0, len(data), size):
        ingest.add(b"a", data[start : start + size])
    first = AudioFeed(FeedState())
    whole = samples_of(first, ingest.entries)
    state, trim_before = first.resume_point(committed_ms)
    state = msgspec.json.decode(msgspec.json.encode(state), type=FeedState)

    left = ingest.after(state.after)
    assert left[0].id == trim_before
    heir = AudioFeed(state, committed_ms)
    rest = samples_of(heir, left)
    expected = whole[committed_ms * 16 :]
    assert np.array_equal(rest, expected[: len(rest)])
    # The resampler holds back a little until it is told the end.
    assert len(expected) - len(rest) <= (0 if rate_hz == 16_000 else 40)


def test_the_last_entry_is_never_trimmed():
    ingest = Ingest(AudioFormat())
    for _ in range(3):
        last = ingest.add(b"a", bytes(3_200))
    feed = AudioFeed(FeedState())
    samples_of(feed, ingest.entries)
    assert feed.resume_point(300)[1] == last.id
    assert feed.consumed_bytes == 9_600


def test_before_any_audio_there_is_nothing_to_trim():
    feed = AudioFeed(FeedState())
    assert feed.resume_point(0) == (FeedState(), "")
    ingest = Ingest(AudioFormat())
    samples_of(feed, ingest.entries)
    state, trim_before = feed.resume_point(0)
    assert (state.after, trim_before) == ("0-0", "")


def test_commands_come_in_their_place():
    ingest = Ingest(AudioFormat(), SessionOptions(language="es"))
    ingest.add(b"x")
    ingest.add(b"e", b"client")
    ingest.add(b"?")
    feed = AudioFeed(FeedState())
    heard = [item for entry in ingest.entries for item in feed.take(entry)]
    assert heard == [Configured(SessionOptions(language="es")), Flush(), End("client")]
    assert feed.is_finished
    assert feed.position == "1-4"


def test_bytes_before_any_format_mean_nothing():
    feed = AudioFeed(FeedState())
    assert list(feed.take(Entry("1-1", {b"k": b"a", b"d": b"xx"}))) == []


def test_a_second_connection_goes_on_with_the_same_format():
    ingest = Ingest(AudioFormat())
    ingest.add(b"a", bytes(3_200))
    ingest.add(b"f", msgspec.json.encode(SessionConfigure(audio=AudioFormat())), epoch=2)
    ingest.add(b"a", bytes(3_200), epoch=2)
    assert len(samples_of(AudioFeed(FeedState()), ingest.entries)) == 3_200
