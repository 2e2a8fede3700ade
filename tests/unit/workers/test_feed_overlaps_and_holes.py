"""However a session's bytes are cut, sent again or lost: the same samples at the same times."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman_contracts.audio import AudioFormat
from dragoman_contracts.errors import UnsupportedAudio
from dragoman_contracts.websocket import SessionConfigure
from dragoman_orchestration.workers.audio_feed import AudioFeed, End, FeedState, Lost, Torn
from dragoman_orchestration.workers.decoder import model_samples
from dragoman_runtime.broker.base import Entry

formats = st.builds(
    AudioFormat,
    encoding=st.sampled_from(["pcm_s16le", "pcm_f32le"]),
    sample_rate_hz=st.sampled_from([8_000, 11_025, 16_000, 22_050, 44_100, 44_056, 48_000, 96_000]),
    channels=st.integers(1, 3),
)
FRAMES = 9_000


def noise(audio: AudioFormat, frames: int = FRAMES) -> bytes:
    values = np.random.default_rng(frames).uniform(-0.9, 0.9, frames * audio.channels)
    if audio.encoding == "pcm_f32le":
        return values.astype("<f4").tobytes()
    return (values * 32767).astype("<i2").tobytes()


class Stream:
    """A session's entries in Redis, each piece of audio at its byte of the session."""

    def __init__(self, audio: AudioFormat) -> None:
        self.audio = audio
        self.entries: list[Entry] = []
        self.epoch = 0

    def add(self, kind: bytes, data: bytes, total: int) -> None:
        fields = {b"k": kind, b"d": data, b"n": str(total).encode()}
        self.entries.append(Entry(f"{self.epoch}-{len(self.entries) + 1}", fields))

    def connect(self, total: int) -> None:
        self.epoch += 1
        self.add(b"f", msgspec.json.encode(SessionConfigure(audio=self.audio)), total)

    def after(self, entry_id: str) -> list[Entry]:
        ids = ["0-0", *(entry.id for entry in self.entries)]
        return self.entries[ids.index(entry_id) :]


class Ear:
    """Hears a feed as the runner does; lost audio is silence, and noted."""

    def __init__(self, state: FeedState | None = None, committed_ms: int = 0) -> None:
        self.feed = AudioFeed(state or FeedState(), committed_ms)
        self.first = committed_ms * 16
        self.parts: list[np.ndarray] = []
        self.gaps: list[tuple[int, int]] = []
        self.torn: list[Torn] = []

    @property
    def position(self) -> int:
        return self.first + sum(map(len, self.parts))

    def hear(self, entries: list[Entry]) -> None:
        for entry in entries:
            while self.feed.position != entry.id:
                for heard in self.feed.take(entry):
                    if isinstance(heard, Lost):
                        self.gaps.append((self.position, self.position + heard.samples))
                        self.parts.append(np.zeros(heard.samples, np.int16))
                    elif isinstance(heard, Torn):
                        self.torn.append(heard)
                    elif isinstance(heard, np.ndarray):
                        self.parts.append(heard)

    def finish(self) -> np.ndarray:
        self.feed.finish()
        while not self.feed.is_finished:
            self.parts.append(self.feed.drain())
        return np.concatenate([*self.parts, np.empty(0, np.int16)])


def heard_at_once(audio: AudioFormat, data: bytes) -> np.ndarray:
    stream = Stream(audio)
    stream.connect(0)
    stream.add(b"a", data, len(data))
    ear = Ear()
    ear.hear(stream.entries)
    return ear.finish()


cuts = st.lists(st.integers(1, FRAMES - 1), min_size=1, max_size=12, unique=True).map(sorted)


def stream_with_overlaps(audio: AudioFormat, data: bytes, at: list[int], back: list[int]) -> Stream:
    """Cut at frames; before some of the pieces the client connects again, ``back`` frames earlier."""
    size = audio.frame_bytes
    stream = Stream(audio)
    stream.connect(0)
    for n, (begin, end) in enumerate(zip([0, *at], [*at, FRAMES], strict=True)):
        again = max(0, begin - back[n % len(back)]) if back else begin
        if again < begin:
            stream.connect(again * size)
        stream.add(b"a", data[again * size : end * size], end * size)
    return stream


@settings(max_examples=60, deadline=None)
@given(formats, cuts, st.lists(st.integers(0, 4_000), max_size=4))
def test_any_cutting_with_overlaps_gives_the_same_samples(audio, at, back):
    data = noise(audio)
    ear = Ear()
    ear.hear(stream_with_overlaps(audio, data, at, back).entries)
    samples = ear.finish()
    assert ear.gaps == []
    assert len(samples) == model_samples(audio, FRAMES)
    assert np.array_equal(samples, heard_at_once(audio, data))


def stream_with_holes(
    audio: AudioFormat, data: bytes, at: list[int], lost: set[int], *, told: bool
) -> Stream:
    """Cut at frames; the pieces ``lost`` are in no entry. ``told``: the next connection's format says so."""
    size = audio.frame_bytes
    stream = Stream(audio)
    stream.connect(0)
    for n, (begin, end) in enumerate(zip([0, *at], [*at, FRAMES], strict=True)):
        if n in lost:
            if told:
                stream.connect(end * size)
            continue
        stream.add(b"a", data[begin * size : end * size], end * size)
    stream.add(b"e", b"client", FRAMES * size)
    return stream


def lost_spans(at: list[int], lost: set[int]) -> list[tuple[int, int]]:
    """The lost pieces as spans of frames."""
    pieces = enumerate(zip([0, *at], [*at, FRAMES], strict=True))
    return merged([span for n, span in pieces if n in lost])


def merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Neighbours as one."""
    out: list[tuple[int, int]] = []
    for begin, end in spans:
        out.append((out.pop()[0] if out and out[-1][1] == begin else begin, end))
    return out


@settings(max_examples=60, deadline=None)
@given(formats, cuts, st.sets(st.integers(0, 12), max_size=4), st.booleans())
def test_holes_are_told_exactly_and_what_follows_stays_at_its_time(audio, at, lost, told):
    data = noise(audio)
    ear = Ear()
    ear.hear(stream_with_holes(audio, data, at, lost, told=told).entries)
    samples = ear.finish()
    assert len(samples) == model_samples(audio, FRAMES)
    expected = [
        (model_samples(audio, begin), model_samples(audio, end)) for begin, end in lost_spans(at, lost)
    ]
    assert merged(ear.gaps) == merged([span for span in expected if span[0] < span[1]])
    # Apart from what the resampler's filter mixes in from the hole, the rest is as if nothing was lost.
    whole = heard_at_once(audio, data)
    clear = np.ones(len(whole), bool)
    margin = 0 if audio.sample_rate_hz == 16_000 else 40
    for begin, end in expected:
        clear[max(0, begin - margin) : end + margin] = False
    assert np.array_equal(samples[clear], whole[clear])


@settings(max_examples=80, deadline=None)
@given(
    formats,
    cuts,
    st.sets(st.integers(0, 12), max_size=3),
    st.integers(0, 10_000),
    st.integers(0, 14),
    st.booleans(),
)
def test_a_successor_hears_the_same_from_any_checkpoint(audio, at, lost, committed, read, told):
    stream = stream_with_holes(audio, noise(audio), at, lost, told=told)
    whole = Ear()
    whole.hear(stream.entries)
    samples = whole.finish()

    first = Ear()
    first.hear(stream.entries[:read])
    committed_ms = committed * (first.position // 16) // 10_000
    state, trim_before = first.feed.resume_point(committed_ms)
    state = msgspec.json.decode(msgspec.json.encode(state), type=FeedState)
    left = stream.after(state.after)
    assert not trim_before or left[0].id == trim_before
    heir = Ear(state, committed_ms)
    heir.hear(left)
    assert np.array_equal(heir.finish(), samples[committed_ms * 16 :])
    known = [(max(begin, committed_ms * 16), end) for begin, end in whole.gaps if end > committed_ms * 16]
    assert merged(heir.gaps) == merged(known)


def test_a_hole_of_hours_costs_no_memory():
    audio = AudioFormat(sample_rate_hz=48_000, channels=2)
    stream = Stream(audio)
    stream.connect(0)
    stream.add(b"a", bytes(4 * 480), 4 * 480)
    stream.connect(4 * 48_000 * 36_000)
    feed = AudioFeed(FeedState())
    heard = [list(feed.take(entry)) for entry in stream.entries]
    assert heard[2][-1] == Lost(16_000 * 36_000 - 160)
    assert feed.position == stream.entries[1].id
    assert list(feed.take(stream.entries[2])) == []
    assert feed.position == stream.entries[2].id


def test_an_entry_that_is_known_altogether_gives_nothing():
    stream = Stream(AudioFormat())
    stream.connect(0)
    stream.add(b"a", bytes(3_200), 3_200)
    stream.add(b"a", bytes(320), 1_600)
    ear = Ear()
    ear.hear(stream.entries)
    assert len(ear.finish()) == 1_600
    assert ear.feed.consumed_bytes == 3_200


def test_the_time_of_refused_bytes_passes():
    stream = Stream(AudioFormat())
    stream.connect(0)
    stream.add(b"a", bytes(333), 333)
    feed = AudioFeed(FeedState())
    list(feed.take(stream.entries[0]))
    heard = []
    with pytest.raises(UnsupportedAudio):
        heard.extend(feed.take(stream.entries[1]))
    assert sum(map(len, heard)) == 166
    assert feed.position == stream.entries[1].id


def test_a_hole_before_the_end_is_told_before_the_end():
    stream = Stream(AudioFormat())
    stream.connect(0)
    stream.add(b"e", b"client", 3_200)
    feed = AudioFeed(FeedState())
    list(feed.take(stream.entries[0]))
    assert list(feed.take(stream.entries[1])) == [Lost(1_600)]
    assert list(feed.take(stream.entries[1])) == [End("client")]


def test_the_bytes_of_a_container_are_cut_and_its_holes_told():
    audio = AudioFormat(encoding="webm_opus")
    stream = Stream(audio)
    stream.connect(0)
    stream.add(b"a", b"\x1aE\xdf\xa3" + bytes(996), 1_000)
    stream.connect(500)
    stream.add(b"a", bytes(700), 1_200)
    stream.connect(2_000)
    ear = Ear()
    fed: list[int] = []
    list(ear.feed.take(stream.entries[0]))
    decode = ear.feed._decoders[0].decode
    ear.feed._decoders[0].decode = lambda data: fed.append(len(data)) or decode(data)
    ear.hear(stream.entries[1:])
    ear.feed.finish()
    assert fed == [1_000, 200]
    assert ear.torn == [Torn(2_000, 800)]
