"""Any recording comes out as 16 kHz mono samples of the right length; what is none is told."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

from dragoman_contracts.errors import InvalidInput, NotFound, UnsupportedAudio
from dragoman_orchestration.cli import media as media_module
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
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    monkeypatch.setattr(media_module.sys, "stdin", SimpleNamespace(buffer=Pipe(wav(seconds=1.5))))
    media = Media("-")
    media.probe()
    assert media.duration_ms is None
    assert len(await samples_of(media)) == 24_000


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
    import threading

    path = tmp_path / "x.wav"
    path.write_bytes(wav(seconds=60))
    chunks = Media(str(path)).chunks()
    assert await anext(chunks)
    await chunks.aclose()
    await eventually(lambda: not [t for t in threading.enumerate() if t.name == "decode"])


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
