"""Files of all kinds, whole, damaged and hostile."""

from __future__ import annotations

import contextlib
import io
import socket
import wave

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman_contracts.errors import UnsupportedAudio
from dragoman_whisper.engines.mock_speech import listen, speak
from dragoman_whisper.media import FileTooLong, decode_file

SPOKEN = list(range(100, 130))


def encoded(container: str, codec: str, rate_hz: int = 48_000, numbers: list[int] = SPOKEN) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate_hz)
        stream.layout = "mono"
        silence = np.zeros(rate_hz // 5)  # codecs need a moment to settle
        samples = (np.concatenate([silence, speak(numbers, rate_hz)]) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = rate_hz
        resampler = av.AudioResampler(format=stream.codec_context.format, layout="mono", rate=rate_hz)
        frames = [*resampler.resample(frame), *resampler.resample(None)]
        for packet in [packet for each in [*frames, None] for packet in stream.encode(each)]:
            output.mux(packet)
    return file.getvalue()


def heard(content: bytes, max_minutes: int = 10) -> list[int]:
    pcm = decode_file(io.BytesIO(content), max_minutes)
    assert pcm.dtype == np.int16
    return [word.number for word in listen(pcm.astype(np.float32) / 32768)]


@pytest.mark.parametrize(
    ("container", "codec", "rate_hz"),
    [
        ("wav", "pcm_s16le", 16_000),
        ("wav", "pcm_f32le", 44_100),
        ("wav", "pcm_s16le", 8_000),
        ("flac", "flac", 48_000),
        ("webm", "libopus", 48_000),
        ("ogg", "libopus", 48_000),
        ("mp3", "libmp3lame", 44_100),
        ("mp4", "aac", 44_100),
        ("matroska", "pcm_s16le", 16_000),
    ],
)
def test_containers_and_codecs(container: str, codec: str, rate_hz: int) -> None:
    assert heard(encoded(container, codec, rate_hz)) == SPOKEN


def test_stereo_is_mixed_down() -> None:
    file = io.BytesIO()
    left = (speak([1, 2, 3]) * 32767).astype("<i2")
    with wave.open(file, "wb") as output:
        output.setnchannels(2)
        output.setsampwidth(2)
        output.setframerate(16_000)
        output.writeframes(np.stack([left, left], axis=1).tobytes())
    assert heard(file.getvalue()) == [1, 2, 3]


@pytest.mark.parametrize(("container", "codec"), [("webm", "libopus"), ("ogg", "libopus"), ("flac", "flac")])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_of_a_file_that_was_cut_off_everything_before_the_cut_is_heard(
    container: str, codec: str, part: float
) -> None:
    whole = encoded(container, codec)
    numbers = heard(whole[: int(len(whole) * part)])
    assert numbers
    assert numbers[:-1] == SPOKEN[: len(numbers) - 1]
    # Containers lose the page or cluster that is not complete, and their bytes are not spread evenly.
    assert len(SPOKEN) * part * 0.5 <= len(numbers) <= len(SPOKEN)


def test_a_damaged_stretch_does_not_end_the_file() -> None:
    whole = bytearray(encoded("ogg", "libopus"))
    middle = len(whole) // 2
    whole[middle : middle + 300] = bytes(300)
    numbers = heard(bytes(whole))
    assert numbers[:5] == SPOKEN[:5]
    assert numbers[-5:] == SPOKEN[-5:]


def video_without_sound() -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        stream = output.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), dtype=np.uint8), format="rgb24")
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            output.mux(packet)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"this is a text and no audio at all\n" * 50,
        b"%PDF-1.7 " + bytes(500),
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        encoded("webm", "libopus")[:60],
        encoded("wav", "pcm_s16le", numbers=[1])[:44],
        video_without_sound(),
        bytes(10_000),
    ],
    ids=["empty", "text", "pdf", "wav header cut", "webm header", "wav without samples", "video", "zeros"],
)
def test_what_is_no_audio_is_refused(content: bytes) -> None:
    with pytest.raises(UnsupportedAudio) as caught:
        decode_file(io.BytesIO(content), 10)
    assert caught.value.remedy


@given(st.binary(max_size=3_000), st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_bytes_give_samples_or_a_clear_refusal(content: bytes, like_a_file: bool) -> None:
    if like_a_file:
        content = encoded("ogg", "libopus", numbers=[1, 2])[:200] + content
    with contextlib.suppress(UnsupportedAudio):
        assert len(decode_file(io.BytesIO(content), 10))


def test_too_long() -> None:
    minute = np.zeros(61 * 8_000, dtype="<i2").tobytes()
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setparams((1, 2, 8_000, 0, "NONE", ""))
        output.writeframes(minute)
    file.seek(0)
    with pytest.raises(FileTooLong, match="longer than 1 minutes"):
        decode_file(file, 1)


@pytest.mark.parametrize("kind", ["hls", "concat", "sdp"])
def test_a_file_cannot_make_the_service_open_addresses_or_files(kind: str, tmp_path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(encoded("wav", "pcm_s16le", 16_000))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        port = listener.getsockname()[1]
        content = {
            "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n",
            "concat": f"ffconcat version 1.0\nfile '{secret}'\n",
            "sdp": f"v=0\nc=IN IP4 127.0.0.1\nm=audio {port} RTP/AVP 0\n",
        }[kind]
        with pytest.raises(UnsupportedAudio):
            decode_file(io.BytesIO(content.encode()), 10)
        with pytest.raises(TimeoutError):
            listener.accept()
