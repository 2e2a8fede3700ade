"""Any recording comes out as 16 kHz mono samples of the right length; what is none is told."""

from __future__ import annotations

import asyncio
import io
import os
import struct
import threading
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman_contracts.errors import InvalidInput, NotFound, UnsupportedAudio
from dragoman_orchestration.cli import live_input
from dragoman_orchestration.cli import media as media_module
from dragoman_orchestration.cli.live_input import recognise
from dragoman_orchestration.cli.media import CHUNK_BYTES, Media, Pace


def tone(rate_hz: int, seconds: float, channels: int = 1) -> np.ndarray[Any, Any]:
    times = np.arange(int(rate_hz * seconds)) / rate_hz
    mono = (np.sin(2 * np.pi * 440 * times) * 12_000).astype("<i2")
    return np.repeat(mono[:, None], channels, axis=1)


def wav(rate_hz: int = 16_000, seconds: float = 1.0, channels: int = 1) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(tone(rate_hz, seconds, channels).tobytes())
    return buffer.getvalue()


async def samples_of(media: Media) -> np.ndarray[Any, Any]:
    return np.frombuffer(b"".join([chunk async for chunk in media.chunks()]), "<i2")


async def test_a_16_khz_file_comes_out_unchanged_in_equal_chunks(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(wav(seconds=0.5))
    chunks = [chunk async for chunk in Media(str(path)).chunks()]
    assert {len(chunk) for chunk in chunks[:-1]} == {CHUNK_BYTES}
    assert np.array_equal(np.frombuffer(b"".join(chunks), "<i2"), tone(16_000, 0.5)[:, 0])


@pytest.mark.parametrize(("rate_hz", "channels"), [(8_000, 1), (44_100, 2), (48_000, 1)])
async def test_other_rates_and_channels_keep_length_and_tone(
    tmp_path: Path, rate_hz: int, channels: int
) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(wav(rate_hz, 2.0, channels))
    media = Media(str(path))
    media.probe()
    assert media.duration_ms == pytest.approx(2_000, abs=1)
    samples = await samples_of(media)
    assert len(samples) == pytest.approx(32_000, abs=20)
    spectrum = np.abs(np.fft.rfft(samples[8_000:24_000]))
    assert int(np.argmax(spectrum)) == 440
    assert media.broken_after_ms is None


async def test_a_compressed_file_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "x.webm"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libopus", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone(48_000, 1.0).T.copy(), format="s16", layout="mono")
        frame.sample_rate = 48_000
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=48_000, frame_size=960)
        for piece in [*resampler.resample(frame), None]:
            for packet in stream.encode(piece):
                out.mux(packet)
    assert len(await samples_of(Media(str(path)))) == pytest.approx(16_000, abs=800)


async def test_standard_input_is_read_as_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    readable, writable = os.pipe()
    monkeypatch.setattr(live_input.sys, "stdin", SimpleNamespace(fileno=lambda: readable))
    media = Media("-")
    media.probe()
    assert media.duration_ms is None
    writer = threading.Thread(target=write_all, args=(writable, wav(seconds=5.0)))
    writer.start()
    assert len(await samples_of(media)) == 80_000
    writer.join()
    os.close(readable)


async def test_a_live_stream_is_not_held_back_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    readable, writable = os.pipe()
    monkeypatch.setattr(live_input.sys, "stdin", SimpleNamespace(fileno=lambda: readable))
    media = Media("-")
    os.write(writable, wav(seconds=1.5)[:-6_400])
    chunks = media.chunks()
    # 1.3 s were written, and the pipe stays open: all but the last moments must come.
    came = [await anext(chunks) for _ in range(30)]
    assert sum(map(len, came)) == 30 * CHUNK_BYTES
    media.stop()
    media.stop()
    assert len([chunk async for chunk in chunks]) <= 3
    os.close(writable)
    os.close(readable)


@pytest.mark.parametrize(
    ("content", "kind", "cause"),
    [
        (None, NotFound, "there is no file"),
        (b"", InvalidInput, "is empty"),
        (b"no audio at all" * 100, UnsupportedAudio, "no audio"),
    ],
)
def test_what_is_no_audio_is_told(
    tmp_path: Path, content: bytes | None, kind: type[Exception], cause: str
) -> None:
    path = tmp_path / "x.mp3"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(kind, match=cause):
        Media(str(path)).probe()


def test_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is a folder"):
        Media(str(tmp_path)).probe()


async def test_an_error_of_the_decoding_thread_reaches_the_reader(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await samples_of(Media(str(tmp_path / "gone.wav")))


async def test_a_recording_that_breaks_off_gives_what_there_is(tmp_path: Path) -> None:
    whole = io.BytesIO()
    with av.open(whole, "w", format="flac") as out:
        stream = out.add_stream("flac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            np.random.default_rng(7).integers(-9_000, 9_000, (1, 32_000), dtype=np.int16),
            format="s16",
            layout="mono",
        )
        frame.sample_rate = 16_000
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=16_000, frame_size=4_096)
        for piece in [*resampler.resample(frame), None]:
            for packet in stream.encode(piece):
                out.mux(packet)
    path = tmp_path / "x.flac"
    path.write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    samples = await samples_of(Media(str(path)))
    assert 8_000 < len(samples) < 24_000


async def test_leaving_early_ends_the_decoding(tmp_path: Path, eventually: Any) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(wav(seconds=60))
    chunks = Media(str(path)).chunks()
    assert await anext(chunks)
    await chunks.aclose()
    await eventually(lambda: not [t for t in threading.enumerate() if t.name == "decode"])


def header(
    tag: int, channels: int, rate_hz: int, bits: int, data_bytes: int, *, before: bytes = b""
) -> bytes:
    frame = channels * bits // 8
    described = struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * frame, frame, bits)
    if tag == 0xFFFE:
        described += struct.pack("<HHIH", 22, bits, 0, 1) + bytes(14)
    chunks = before + b"fmt " + struct.pack("<I", len(described)) + described
    return b"RIFF" + bytes(4) + b"WAVE" + chunks + b"data" + struct.pack("<I", data_bytes)


class TestLiveWav:
    @pytest.mark.parametrize(
        ("tag", "bits", "name"),
        [(1, 16, "s16le"), (1, 24, "s24le"), (3, 32, "f32le"), (0xFFFE, 16, "s16le"), (1, 8, "u8")],
    )
    @pytest.mark.parametrize(("channels", "layout"), [(1, "mono"), (2, "stereo"), (6, "6c")])
    def test_a_plain_header_is_read(self, tag: int, bits: int, name: str, channels: int, layout: str) -> None:
        live = recognise(io.BytesIO(header(tag, channels, 44_100, bits, 0xFFFF_FFFF) + b"samples"))
        assert live.format == name
        assert live.options["sample_rate"] == "44100"
        assert live.options["ch_layout"] == layout
        assert live.stream.read(100) == b"samples"
        assert live.stream.read(100) == b""

    def test_other_chunks_before_the_samples_are_passed_over(self) -> None:
        note = b"LIST" + struct.pack("<I", 5) + b"hello\0"
        live = recognise(io.BytesIO(header(1, 1, 16_000, 16, 4, before=note) + b"abcd"))
        assert live.stream.read() == b"abcd"

    def test_what_follows_the_samples_is_no_sound(self) -> None:
        live = recognise(io.BytesIO(header(1, 1, 16_000, 16, 4) + b"abcd" + b"LIST"))
        assert live.stream.read(3) == b"abc"
        assert live.stream.read(100) == b"d"
        assert live.stream.read(100) == b""

    @pytest.mark.parametrize(
        "data",
        [
            b"", b"RIFF", b"OggS" + bytes(50), header(2, 1, 16_000, 4, 9) + b"adpcm", header(1, 0, 1, 16, 9),
            b"RIFF\0\0\0\0WAVEdata\x04\0\0\0abcd", b"RIFF\0\0\0\0WAVEfmt \xff\xff\xff\xff" + bytes(70_000),
        ],
    )  # fmt: skip
    def test_anything_else_is_left_to_ffmpeg_whole(self, data: bytes) -> None:
        live = recognise(io.BytesIO(data))
        assert live.format is None
        told = b""
        while piece := live.stream.read(1_000):
            told += piece
        assert told == data

    @given(st.binary(max_size=200), st.booleans())
    def test_no_byte_is_lost_whatever_comes(self, data: bytes, is_riff: bool) -> None:
        data = b"RIFF\0\0\0\0WAVE" + data if is_riff else data
        live = recognise(io.BytesIO(data))
        told = live.stream.read()
        if live.format is None:
            while piece := live.stream.read():
                told += piece
            assert told == data
        else:
            assert data.count(told) > 0


def write_all(fd: int, data: bytes) -> None:
    with os.fdopen(fd, "wb") as pipe:
        pipe.write(data)


class FakeClock:
    """A loop clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def time(self) -> float:
        return self.now


@pytest.mark.parametrize("speed", [1.0, 4.0])
async def test_chunks_come_when_they_would_have_been_spoken(
    monkeypatch: pytest.MonkeyPatch, speed: float
) -> None:
    clock = FakeClock()

    async def sleep(seconds: float) -> None:
        clock.now += seconds

    monkeypatch.setattr(asyncio, "get_running_loop", lambda: clock)
    monkeypatch.setattr(media_module.asyncio, "sleep", sleep)

    async def source() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield bytes(CHUNK_BYTES)

    pace = Pace(speed)
    came = [clock.now - 100 async for _ in pace.apply(source())]
    assert came == pytest.approx([n * 0.04 / speed for n in range(1, 6)])
    assert pace.sent_ms == 200
    # 150 ms into the recording, told one second after its beginning.
    assert pace.delay_ms(150, 101.0) == pytest.approx(1_000 - 150 / speed)
