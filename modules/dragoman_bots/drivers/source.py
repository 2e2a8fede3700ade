"""Which URLs the media driver opens, and how FFmpeg is told to. Pure but for the check of addresses.

FFmpeg follows playlists and redirects by itself. It is held to a list of protocols and of formats (those that
name further files, such as ``concat``, are not on it), and its HTTP goes through ``Egress``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

import certifi

from dragoman_bots.drivers.base import JoinFailed, RequestRefused
from dragoman_bots.egress import Egress
from dragoman_bots.settings import BotRunnerSettings
from dragoman_contracts.errors import DragomanError
from dragoman_runtime.addresses import Address, AddressForbidden

_HELPERS = {
    "http": "http,tcp,httpproxy,crypto",
    "https": "https,tls,tcp,httpproxy,crypto",
    "rtmp": "rtmp,tcp",
    "rtmps": "rtmps,tls,tcp",
    "rtsp": "rtsp,rtp,tcp,udp",
    "srt": "srt",
    "file": "file",
}
"""What FFmpeg needs to speak each protocol."""
_HTTP = frozenset({"http", "https"})
_PINNED = frozenset({"rtmp", "rtsp", "srt"})
"""No proxy leads them; with rtmps the name is needed for the certificate."""
_DEFAULT_PORTS = {"http": 80, "https": 443, "rtmp": 1935, "rtmps": 443, "rtsp": 554, "srt": 9000}
FORMATS = (
    "aac,ac3,aiff,amr,asf,au,avi,caf,eac3,flac,flv,hls,kux,live_flv,loas,m4v,matroska,webm,mov,mp4,m4a,3gp,"
    "mp3,mpeg,mpegts,ogg,rm,rtp,rtsp,sdp,tta,w64,wav,wv"
)
"""Containers that carry their own data; HLS, whose parts are fetched by the same rules."""


@dataclass(frozen=True, slots=True)
class Source:
    """What to open and how. Its URL may carry a password: it is never shown."""

    url: str = field(repr=False)
    protocol: str
    options: Mapping[str, str] = field(repr=False)

    @property
    def is_http(self) -> bool:
        """Whether it is fetched by HTTP."""
        return self.protocol in _HTTP


async def check_source(url: str, settings: BotRunnerSettings, egress: Egress) -> Source:
    """What FFmpeg may open for that URL.

    Raises:
        RequestRefused: the URL is none, or its protocol or address is not allowed.
        JoinFailed: its host cannot be resolved now.

    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise RequestRefused("invalid_url", "the URL is not valid") from None
    protocol = parts.scheme.lower() or "file"
    if protocol == "file":
        return _file(unquote(parts.path), settings)
    if protocol not in settings.media_protocols:
        raise RequestRefused(
            "protocol_not_allowed",
            "the URL's protocol is not allowed here",
            remedy=f"Allowed are {', '.join(sorted(settings.media_protocols))}.",
        )
    try:
        addresses = await egress.check(host, port or _DEFAULT_PORTS[protocol])
    except AddressForbidden as error:
        raise RequestRefused(error.code, error.message, remedy=error.remedy) from error
    except DragomanError as error:
        raise JoinFailed(error.code, error.message, transient=not error.permanent) from error
    options = _options(protocol, settings, egress)
    if protocol in _PINNED and not settings.allow_private:
        if protocol == "rtmp":
            options["rtmp_tcurl"] = _application_of(parts)
        url = _pinned(parts, addresses[0])
    return Source(url, protocol, options)


def _pinned(parts: SplitResult, address: Address) -> str:
    """The URL with the address that was checked: FFmpeg must not ask a name server again."""
    user, at, _ = parts.netloc.rpartition("@")
    host = f"[{address}]" if address.version == 6 else str(address)
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(parts._replace(netloc=f"{user}{at}{host}{port}"))


def _application_of(parts: SplitResult) -> str:
    """What an RTMP client tells the server that it connects to: the URL without the stream's name."""
    application = parts.path.strip("/").split("/")[0]
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/{application}"


def _file(path: str, settings: BotRunnerSettings) -> Source:
    if not settings.allow_files:
        raise RequestRefused(
            "files_not_allowed",
            "files of the runner's machine are not read here",
            remedy="Give a URL, or set DRAGOMAN_BOT_RUNNER_ALLOW_FILES where that is meant.",
        )
    # With the protocol before it no path can be taken for another one.
    return Source(f"file:{path}", "file", {"protocol_whitelist": "file", "format_whitelist": FORMATS})


def _options(protocol: str, settings: BotRunnerSettings, egress: Egress) -> dict[str, str]:
    """FFmpeg's options (https://ffmpeg.org/ffmpeg-protocols.html, ffmpeg-formats.html)."""
    # A playlist may lead from http to https and back.
    allowed = settings.media_protocols & (_HTTP if protocol in _HTTP else {protocol})
    options = {
        "protocol_whitelist": ",".join(_HELPERS[name] for name in sorted(allowed)),
        "format_whitelist": FORMATS,
    }
    if protocol in _HTTP:
        options |= {
            "http_proxy": egress.url,
            "rw_timeout": str(int(settings.read_timeout_s * 1_000_000)),
            "user_agent": "Dragoman",
            # The last but one part of a live playlist: near to now.
            "live_start_index": "-2",
        }
        if settings.tls_verify:
            # FFmpeg does not hand these on to the parts of a playlist: those are encrypted, but not verified.
            authorities = settings.ca_file or os.environ.get("SSL_CERT_FILE") or certifi.where()
            options |= {"tls_verify": "1", "ca_file": authorities}
    if protocol == "rtsp":
        options["rtsp_transport"] = "tcp"
    return options
