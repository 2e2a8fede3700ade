"""The media driver against sources that behave and misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from dragoman_bots.drivers.base import (
    Active,
    CaptureFailed,
    DriverFailed,
    JoinFailed,
    Joining,
    News,
    Reconnected,
    RequestRefused,
    RunningFailed,
)
from dragoman_bots.drivers.media import MediaDriver
from dragoman_bots.settings import BotRunnerSettings
from dragoman_contracts.bots import BotRequest, CompletionReason, RunnerTask
from tests.conftest import Eventually
from tests.integration.bots_runner.media_server import (
    RATE_HZ,
    Exchange,
    MediaServer,
    encode,
    media_server,
    raw_wav_head,
    samples_of,
    tone,
    wav,
)

FIXTURES = Path(__file__).parents[2] / "fixtures" / "audio"
QUICK: dict[str, Any] = {
    "allow_private": True,
    "open_timeout_s": 3,
    "read_timeout_s": 1,
    "reconnect_s": 3,
}


@pytest.fixture
async def media() -> AsyncIterator[MediaServer]:
    async with media_server() as server:
        yield server


class Heard:
    """A sink and a listener."""

    def __init__(self) -> None:
        self.pcm = bytearray()
        self.news: list[News] = []

    def feed(self, pcm: bytes) -> None:
        self.pcm += pcm

    @property
    def samples(self) -> np.ndarray:
        return np.frombuffer(bytes(self.pcm), np.int16)

    @property
    def length_s(self) -> float:
        return len(self.samples) / RATE_HZ


def task(url: str) -> RunnerTask:
    return RunnerTask(
        bot_id="b1",
        session_id="s1",
        generation=1,
        request=BotRequest(driver="media", url=url),
        waiting_room_s=60,
        alone_s=60,
        silence_s=60,
        length_s=60,
    )


async def read(url: str, heard: Heard, **settings: Any) -> CompletionReason:
    driver = MediaDriver(BotRunnerSettings(**(QUICK | settings)))
    async with asyncio.timeout(40):
        return await driver.run(task(url), heard, heard.news.append)


async def failure(url: str, **settings: Any) -> DriverFailed:
    with pytest.raises(DriverFailed) as told:
        await read(url, Heard(), **settings)
    return told.value


async def test_a_recording_comes_out_as_it_is_and_no_faster_than_it_is_spoken(media: MediaServer) -> None:
    expected = samples_of(FIXTURES / "en_seen_00.wav")
    url = media.serve_bytes("/speech.wav", wav(expected))
    heard, began = Heard(), asyncio.get_running_loop().time()
    assert await read(url, heard) is CompletionReason.MEDIA_ENDED
    assert asyncio.get_running_loop().time() - began >= len(expected) / RATE_HZ - 0.1
    np.testing.assert_array_equal(heard.samples, expected)
    assert heard.news == [Joining(), Active()]


async def test_another_rate_and_two_channels_become_16_khz_mono(media: MediaServer, tmp_path: Path) -> None:
    url = media.serve_bytes("/tone.ogg", encode(tone(1.0), "ogg", "flac"), "audio/ogg")
    heard = Heard()
    await read(url, heard)
    assert heard.length_s == pytest.approx(1.0, abs=0.05)
    spectrum = np.abs(np.fft.rfft(heard.samples))
    assert np.argmax(spectrum) * RATE_HZ / len(heard.samples) == pytest.approx(440, abs=3)


async def test_an_hls_playlist_is_read_over_all_its_segments(media: MediaServer, tmp_path: Path) -> None:
    encode(tone(4.0), "hls", "aac", tmp_path / "list.m3u8", hls_time="1", hls_list_size="0")
    parts = sorted(tmp_path.iterdir())
    assert len(parts) > 3
    for part in parts:
        media.serve_bytes(f"/{part.name}", part.read_bytes(), "video/mp2t")
    heard = Heard()
    assert await read(media.url("/list.m3u8"), heard) is CompletionReason.MEDIA_ENDED
    assert heard.length_s == pytest.approx(4.0, abs=0.3)


async def test_a_live_hls_playlist_is_followed_until_it_says_that_it_ends(
    media: MediaServer, tmp_path: Path
) -> None:
    encode(tone(8.0), "hls", "aac", tmp_path / "list.m3u8", hls_time="1", hls_list_size="0")
    parts = sorted(tmp_path.glob("*.ts"), key=lambda path: int(path.stem.removeprefix("list")))
    for part in parts:
        media.serve_bytes(f"/{part.name}", part.read_bytes(), "video/mp2t")
    clock = asyncio.get_running_loop().time
    began = clock()

    async def playlist(exchange: Exchange) -> None:
        there = parts[: 3 + int(clock() - began)]
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:1", "#EXT-X-MEDIA-SEQUENCE:0"]
        for part in there:
            lines += ["#EXTINF:1.0,", part.name]
        if len(there) == len(parts):
            lines.append("#EXT-X-ENDLIST")
        await exchange.answer("\n".join(lines).encode() + b"\n", "application/vnd.apple.mpegurl")

    heard = Heard()
    assert await read(media.serve_script("/live.m3u8", playlist), heard, read_timeout_s=5) is (
        CompletionReason.MEDIA_ENDED
    )
    # From the last but one part that there was on.
    assert heard.length_s == pytest.approx(len(parts) - 1, abs=1.3)
    assert heard.news == [Joining(), Active()]


@pytest.mark.parametrize(
    ("status", "code", "transient"),
    [
        ("404 Not Found", "not_found", False),
        ("401 Unauthorized", "unauthorized", False),
        ("403 Forbidden", "forbidden", False),
        ("410 Gone", "refused", False),
        ("503 Service Unavailable", "server_error", True),
    ],
)
async def test_a_source_that_refuses_is_a_failure_to_join(
    media: MediaServer, status: str, code: str, transient: bool
) -> None:
    async def refuse(exchange: Exchange) -> None:
        await exchange.answer(b"no", "text/plain", status)

    told = await failure(media.serve_script("/x.wav", refuse))
    assert isinstance(told, JoinFailed)
    assert (told.cause.code, told.cause.transient) == (code, transient)


async def test_a_page_is_no_media(media: MediaServer) -> None:
    told = await failure(media.serve_bytes("/", b"<!doctype html><title>hello</title>" * 50, "text/html"))
    assert isinstance(told, CaptureFailed)
    assert (told.cause.code, told.cause.transient) == ("not_media", False)


async def test_an_empty_answer_is_no_media(media: MediaServer) -> None:
    told = await failure(media.serve_bytes("/empty.wav", b""))
    assert told.cause.code == "not_media"


async def test_a_video_without_sound_is_told(media: MediaServer, tmp_path: Path) -> None:
    import av

    path = tmp_path / "silent.mkv"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        for _ in range(5):
            output.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        output.mux(stream.encode(None))
    told = await failure(media.serve_bytes("/silent.mkv", path.read_bytes(), "video/x-matroska"))
    assert isinstance(told, CaptureFailed)
    assert told.cause.code == "no_audio_stream"


async def test_a_source_that_never_answers_is_given_up_in_time(media: MediaServer) -> None:
    async def hang(exchange: Exchange) -> None:
        await asyncio.sleep(60)

    told = await failure(media.serve_script("/hang.wav", hang), open_timeout_s=1)
    assert isinstance(told, JoinFailed)
    assert (told.cause.code, told.cause.transient) == ("timeout", True)


async def test_nobody_there_may_be_tried_again(free_port: int) -> None:
    told = await failure(f"http://127.0.0.1:{free_port}/x.wav")
    assert isinstance(told, JoinFailed)
    assert (told.cause.code, told.cause.transient) == ("unreachable", True)


async def test_an_endless_source_goes_on_until_it_is_left(media: MediaServer, eventually: Eventually) -> None:
    async def endless(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.send(raw_wav_head())
        while True:
            await exchange.send(tone(0.1).tobytes())
            await asyncio.sleep(0.1)

    heard = Heard()
    driver = MediaDriver(BotRunnerSettings(**QUICK))
    url = media.serve_script("/endless.wav", endless)
    running = asyncio.create_task(driver.run(task(url), heard, heard.news.append))
    await eventually(lambda: heard.length_s > 1)
    driver.leave()
    assert await asyncio.wait_for(running, 5) is CompletionReason.STOPPED


async def test_a_live_source_that_drops_and_comes_back_goes_on(media: MediaServer) -> None:
    async def live(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.send(raw_wav_head())
        for _ in range(15):
            await exchange.send(tone(0.1).tobytes())
            await asyncio.sleep(0.1)
        exchange.break_off()

    heard = Heard()
    driver = MediaDriver(BotRunnerSettings(**QUICK))
    url = media.serve_script("/live.wav", live)
    running = asyncio.create_task(driver.run(task(url), heard, heard.news.append))
    async with asyncio.timeout(30):
        while heard.news.count(Reconnected()) < 2:
            await asyncio.sleep(0.05)
    driver.leave()
    await running
    assert heard.length_s > 2.5
    assert heard.news[:2] == [Joining(), Active()]


async def test_a_live_source_that_stalls_is_opened_again(media: MediaServer) -> None:
    async def stalls(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.send(raw_wav_head())
        for _ in range(10):
            await exchange.send(tone(0.1).tobytes())
            await asyncio.sleep(0.1)
        await asyncio.sleep(60 if exchange.number == 0 else 0)

    heard = Heard()
    assert await read(media.serve_script("/stalls.wav", stalls), heard, reconnect_s=2)
    assert Reconnected() in heard.news


async def test_a_live_source_that_does_not_come_back_is_a_failure(media: MediaServer) -> None:
    async def once(exchange: Exchange) -> None:
        if exchange.number:
            await exchange.answer(b"", "text/plain", "503 Service Unavailable")
            return
        await exchange.begin("200 OK", "audio/wav", "Content-Length: 100000000")
        await exchange.send(raw_wav_head())
        for _ in range(10):
            await exchange.send(tone(0.1).tobytes())
            await asyncio.sleep(0.1)
        await asyncio.sleep(60)

    told = await failure(media.serve_script("/once.wav", once), reconnect_s=1)
    assert isinstance(told, RunningFailed)
    assert (told.cause.code, told.cause.transient) == ("source_lost", True)


async def test_a_recording_that_breaks_off_goes_on_where_it_was(media: MediaServer) -> None:
    samples = samples_of(FIXTURES / "en_seen_00.wav")
    samples = np.concatenate([samples] * (1 + 5 * RATE_HZ // len(samples)))
    body = wav(samples)

    async def breaks(exchange: Exchange) -> None:
        # FFmpeg asks twice while it opens: once for the head, once from the first sample on.
        if exchange.number > 1:
            await exchange.answer(body)
            return
        start = exchange.range_start
        length, sizes = len(body) - start, f"Content-Range: bytes {start}-{len(body) - 1}/{len(body)}"
        await exchange.begin("206 Partial Content", "audio/wav", f"Content-Length: {length}", sizes)
        await exchange.send(body[start : len(body) // 3])
        await asyncio.sleep(0.3)
        exchange.break_off()

    heard = Heard()
    url = media.serve_script("/breaks.wav", breaks)
    assert await read(url, heard) is CompletionReason.MEDIA_ENDED
    assert Reconnected() in heard.news
    # Nothing is heard twice, and nothing left out but the rest of a frame.
    assert abs(len(heard.samples) - len(samples)) < RATE_HZ // 4
    middle = len(samples) // 3
    np.testing.assert_array_equal(heard.samples[-middle:], samples[-middle:])


async def test_a_recording_without_a_length_is_paced_and_not_read_twice(media: MediaServer) -> None:
    samples = tone(9.0)

    async def stream(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.send(raw_wav_head() + samples.tobytes())

    heard, began = Heard(), asyncio.get_running_loop().time()
    assert await read(media.serve_script("/stream.wav", stream), heard) is CompletionReason.MEDIA_ENDED
    assert asyncio.get_running_loop().time() - began > 3
    assert heard.length_s == pytest.approx(9.0, abs=0.1)


async def test_a_recording_without_a_length_that_breaks_off_goes_on_where_it_was(media: MediaServer) -> None:
    samples = np.concatenate([tone(6.0, 300), tone(6.0, 1000)])

    async def breaks(exchange: Exchange) -> None:
        await exchange.begin()
        whole = raw_wav_head() + samples.tobytes()
        if exchange.number:
            await exchange.send(whole)
            return
        await exchange.send(whole[: len(whole) * 3 // 4])
        await asyncio.sleep(0.5)
        exchange.break_off()

    heard = Heard()
    assert await read(media.serve_script("/breaks.wav", breaks), heard) is CompletionReason.MEDIA_ENDED
    assert media.requests.count("/breaks.wav") > 1
    assert Reconnected() in heard.news
    assert heard.length_s == pytest.approx(12.0, abs=0.3)
    np.testing.assert_array_equal(heard.samples[-RATE_HZ:], samples[-RATE_HZ:])


async def test_a_recording_goes_on_where_the_runner_before_had_left_it(media: MediaServer) -> None:
    samples = np.concatenate([tone(2.0, 300), tone(1.0, 1000)])
    url = media.serve_bytes("/long.wav", wav(samples))
    heard = Heard()
    driver = MediaDriver(BotRunnerSettings(**QUICK))
    later = msgspec.structs.replace(task(url), heard_ms=2_000)
    assert await driver.run(later, heard, heard.news.append) is CompletionReason.MEDIA_ENDED
    assert heard.length_s == pytest.approx(1.0, abs=0.1)
    assert np.argmax(np.abs(np.fft.rfft(heard.samples[-8000:]))) * 2 == pytest.approx(1000, abs=4)


async def test_a_playlist_that_leads_inside_is_refused(media: MediaServer) -> None:
    playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
    told = await failure(media.serve_bytes("/evil.m3u8", playlist.encode(), "application/vnd.apple.mpegurl"))
    assert isinstance(told, CaptureFailed | RequestRefused | JoinFailed)
    assert not told.cause.transient


async def test_a_concat_script_is_no_media(media: MediaServer) -> None:
    script = f"ffconcat version 1.0\nfile {media.url('/speech.wav')}\n"
    media.serve_bytes("/speech.wav", wav(tone(1.0)))
    told = await failure(media.serve_bytes("/list.ffconcat", script.encode(), "text/plain"))
    assert told.cause.code == "not_media"
    assert "/speech.wav" not in media.requests


async def test_private_addresses_are_refused_unless_allowed(media: MediaServer) -> None:
    url = media.serve_bytes("/speech.wav", wav(tone(0.5)))
    told = await failure(url, allow_private=False)
    assert isinstance(told, RequestRefused)
    assert told.cause.code == "address_forbidden"
    assert "/speech.wav" not in media.requests
    heard = Heard()
    await read(url, heard, allow_private=False, allowed_networks="127.0.0.0/8")
    assert heard.length_s == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("lead", ["redirect", "playlist"])
async def test_a_public_source_that_leads_to_a_private_address_is_refused(
    media: MediaServer, lead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = f"http://127.0.0.2:{media.port}/speech.wav"

    async def redirect(exchange: Exchange) -> None:
        await exchange.begin("302 Found", "text/plain", f"Location: {inner}", "Content-Length: 0")

    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{inner}\n#EXT-X-ENDLIST\n"
    media.serve_script("/redirect", redirect)
    media.serve_bytes("/playlist", playlist.encode(), "application/vnd.apple.mpegurl")
    told = await failure(media.url(f"/{lead}"), allow_private=False, allowed_networks="127.0.0.1")
    assert isinstance(told, RequestRefused)
    assert told.cause.code == "address_forbidden"
    assert "/speech.wav" not in media.requests


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("concat:http://a/b|http://c/d", "protocol_not_allowed"),
        ("ftp://example.org/x.wav", "protocol_not_allowed"),
        ("file:///etc/passwd", "files_not_allowed"),
        ("/etc/passwd", "files_not_allowed"),
        ("http://[::1", "invalid_url"),
        ("http://127.0.0.1:99999/x", "invalid_url"),
    ],
)
async def test_urls_that_are_not_allowed_are_refused_before_anything_opens(url: str, code: str) -> None:
    told = await failure(url)
    assert isinstance(told, RequestRefused)
    assert told.cause.code == code


async def test_a_file_is_read_where_that_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "a tone.wav"
    path.write_bytes(wav(tone(0.5)))
    heard = Heard()
    assert await read(path.as_uri(), heard, allow_files=True) is CompletionReason.MEDIA_ENDED
    assert heard.length_s == pytest.approx(0.5, abs=0.05)
    told = await failure((tmp_path / "none.wav").as_uri(), allow_files=True)
    assert told.cause.code == "not_found"


async def test_no_failure_tells_the_url(media: MediaServer, log_lines: list[str]) -> None:
    for path in ("/none", "/page"):
        media.serve_bytes("/page", b"<html>" * 99, "text/html")
        url = f"http://anna:geheim@127.0.0.1:{media.port}{path}?token=verborgen"
        told = await failure(url)
        shown = "".join([repr(told), str(told), repr(told.cause), *log_lines])
        assert not any(secret in shown for secret in ("geheim", "verborgen", "anna"))
