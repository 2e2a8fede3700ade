"""Other ways than plain HTTP to a source."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from pathlib import Path

import av
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dragoman_bots.drivers.base import Active, DriverFailed, JoinFailed, Reconnected, RequestRefused
from dragoman_bots.drivers.media import MediaDriver
from dragoman_bots.settings import BotRunnerSettings
from dragoman_contracts.bots import CompletionReason
from tests.conftest import Eventually
from tests.integration.bots_runner.media_server import RATE_HZ, MediaServer, encode, tone, wav
from tests.integration.bots_runner.rtmp_server import rtmp_server
from tests.integration.bots_runner.rtsp_server import rtsp_server
from tests.integration.bots_runner.test_media_driver import Heard, failure, read, task


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of this machine's loopback that only itself vouches for, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paths


async def test_https_is_read_through_the_tunnel_and_its_certificate_verified(tmp_path: Path) -> None:
    chain, key = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    media = MediaServer()
    samples = tone(0.5)
    media.serve_bytes("/a.wav", wav(samples))
    server = await asyncio.start_server(media.handle, "127.0.0.1", 0, ssl=context)
    async with server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/a.wav"
        told = await failure(url)
        assert isinstance(told, JoinFailed)
        assert "/a.wav" not in media.requests
        for settings in ({"ca_file": str(chain)}, {"tls_verify": False}):
            heard = Heard()
            assert await read(url, heard, **settings) is CompletionReason.MEDIA_ENDED
            np.testing.assert_array_equal(heard.samples, samples)
        told = await failure(url, allow_private=False, ca_file=str(chain))
        assert told.cause.code == "address_forbidden"


async def test_a_camera_is_heard_by_rtsp(eventually: Eventually) -> None:
    times = np.arange(8_000 * 6) / 8_000
    samples = (np.sin(2 * np.pi * 500 * times) * 16_000).astype(np.int16)
    heard = Heard()
    driver = MediaDriver(BotRunnerSettings(allowed_networks="127.0.0.1", read_timeout_s=3))
    async with rtsp_server(samples) as url:
        running = asyncio.create_task(driver.run(task(url), heard, heard.news.append))
        await eventually(lambda: heard.length_s > 2 or running.done())
        driver.leave()
        assert await running is CompletionReason.STOPPED
    assert Active() in heard.news
    last = heard.samples[-RATE_HZ:].astype(float)
    assert np.argmax(np.abs(np.fft.rfft(last))) == pytest.approx(500, abs=2)


async def test_a_broadcast_is_heard_by_rtmp_and_again_when_it_comes_back(eventually: Eventually) -> None:
    heard = Heard()
    driver = MediaDriver(BotRunnerSettings(allowed_networks="127.0.0.1", read_timeout_s=3, reconnect_s=10))
    async with rtmp_server(encode(tone(4.0, hz=500), "flv", "aac")) as url:
        running = asyncio.create_task(driver.run(task(url), heard, heard.news.append))
        await eventually(lambda: Reconnected() in heard.news or running.done(), limit_s=30)
        driver.leave()
        assert await running is CompletionReason.STOPPED
    assert heard.length_s > 3.5
    first = heard.samples[:RATE_HZ].astype(float)
    assert np.argmax(np.abs(np.fft.rfft(first))) == pytest.approx(500, abs=2)


async def test_a_protocol_that_this_ffmpeg_lacks_is_told_as_such(free_port: int) -> None:
    url = f"srt://127.0.0.1:{free_port}"
    try:
        av.open(url, timeout=1)
    except av.error.ProtocolNotFoundError:
        told: DriverFailed = await failure(url)
        assert isinstance(told, RequestRefused)
        assert (told.cause.code, told.cause.transient) == ("protocol_not_built", False)
        assert "PyAV" in told.cause.message
    except (av.error.FFmpegError, OSError):
        told = await failure(url, open_timeout_s=1)  # it is built in, but nobody is there
        assert isinstance(told, JoinFailed)
        assert told.cause.transient
