"""Links, proxies, arguments and settings: what is asked of FFmpeg, Chromium and the network."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from urllib.parse import unquote

import httpx
import pytest

from dragoman_bots.drivers.chromium import arguments_of
from dragoman_bots.drivers.source import FORMATS, check_source
from dragoman_bots.drivers.visit import link_of
from dragoman_bots.egress import Egress, parse_request
from dragoman_bots.recipes.model import load_recipe
from dragoman_bots.settings import BotRunnerSettings
from dragoman_contracts.errors import InvalidInput
from dragoman_runtime.settings import SettingsInvalid

# --- links --------------------------------------------------------------------------------------------------


def test_a_link_without_additions_stays_as_it_is() -> None:
    url = "https://meet.example.org/room?pwd=a%2Fb&x=#top"
    assert link_of(url, load_recipe("generic"), "Bot") == url.replace("#top", "#top")


def test_a_recipes_query_is_added() -> None:
    link = link_of("https://meet.google.com/abc?authuser=0", load_recipe("google_meet"), "Bot")
    assert link == "https://meet.google.com/abc?authuser=0&hl=en"


def test_a_name_in_the_fragment_cannot_add_anything_else() -> None:
    link = link_of("https://meet.jit.si/room", load_recipe("jitsi"), 'Anna"&config.x=1#')
    fragment = link.partition("#")[2]
    assert "#" not in fragment
    assert "config.x=1" not in fragment
    assert 'userInfo.displayName="Anna"&config.x=1#"' in unquote(fragment)


# --- FFmpeg -------------------------------------------------------------------------------------------------


async def test_ffmpeg_is_held_to_protocols_formats_and_the_proxy() -> None:
    settings = BotRunnerSettings(allow_private=True)
    async with Egress(settings) as egress:
        source = await check_source("http://u:geheim@127.0.0.1/x?t=geheim", settings, egress)
        assert source.options["http_proxy"] == egress.url
        assert "file" not in source.options["protocol_whitelist"].split(",")
        assert "geheim" not in repr(source)
        for protocol in ("rtmp", "rtsp", "srt"):
            options = (await check_source(f"{protocol}://127.0.0.1/x", settings, egress)).options
            assert not {"file", "http", "https"} & set(options["protocol_whitelist"].split(","))
    assert not {"concat", "image2", "dash", "lavfi"} & set(FORMATS.split(","))


@pytest.mark.parametrize("protocol", ["rtmp", "rtsp", "srt"])
async def test_what_no_proxy_leads_is_connected_to_the_address_that_was_checked(protocol: str) -> None:
    settings = BotRunnerSettings(allowed_networks="127.0.0.0/8,::1")
    async with Egress(settings) as egress:
        source = await check_source(f"{protocol}://u:p@localhost:99/live/room?k=1", settings, egress)
    assert source.url in {f"{protocol}://u:p@{host}:99/live/room?k=1" for host in ("127.0.0.1", "[::1]")}
    if protocol == "rtmp":
        assert source.options["rtmp_tcurl"] == "rtmp://localhost:99/live"


async def test_protocols_can_be_taken_away() -> None:
    settings = BotRunnerSettings(allow_private=True, protocols="https")
    async with Egress(settings) as egress:
        source = await check_source("https://127.0.0.1/x", settings, egress)
        assert "http" not in source.options["protocol_whitelist"].split(",")


# --- Chromium -----------------------------------------------------------------------------------------------


def test_all_but_the_captures_socket_goes_through_the_proxy() -> None:
    arguments = arguments_of(BotRunnerSettings(), "/p", proxy_url="http://127.0.0.1:5", capture_port=7)
    assert "--proxy-server=http://127.0.0.1:5" in arguments
    assert "--proxy-bypass-list=<-loopback>;127.0.0.1:7" in arguments
    assert not any("--proxy" in argument for argument in arguments_of(BotRunnerSettings(), "/p"))


@pytest.mark.parametrize(("sandbox", "expected"), [("on", False), ("off", True)])
def test_the_sandbox_is_as_it_is_set(sandbox: str, expected: bool) -> None:
    arguments = arguments_of(BotRunnerSettings(sandbox=sandbox), "/p")
    assert ("--no-sandbox" in arguments) is expected


def test_headless_and_further_arguments_are_as_they_are_set() -> None:
    arguments = arguments_of(BotRunnerSettings(headless=False, chromium_args="--a=1 --b"), "/p")
    assert "--headless" not in arguments
    assert arguments[-3:] == ["--a=1", "--b", "about:blank"]


# --- settings -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong", [{"protocols": "http,gopher"}, {"allowed_networks": "10.0.0.0/99"}, {"sandbox": "maybe"}]
)
def test_settings_that_cannot_be_used_are_told_by_their_variable(wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsInvalid) as told:
        BotRunnerSettings(**wrong)
    assert f"DRAGOMAN_BOT_RUNNER_{next(iter(wrong)).upper()}" in told.value.message


def test_the_package_needs_neither_playwright_nor_av_to_be_imported() -> None:
    code = (
        "import sys; sys.modules['playwright'] = sys.modules['av'] = None\n"
        "import dragoman_bots.runner as r, msgspec\n"
        "from dragoman_bots.settings import BotRunnerSettings\n"
        "from dragoman_contracts.bots import BotRequest, RunnerTask\n"
        "for driver in ('media', 'browser'):\n"
        "    task = RunnerTask(bot_id='b', session_id='s', generation=1, waiting_room_s=1, alone_s=1,\n"
        "        silence_s=1, length_s=1, request=BotRequest(driver=driver, url='http://x/'))\n"
        "    try: r.make_driver(task, BotRunnerSettings())\n"
        "    except r.RunnerStartFailed as e: print(e.message, e.remedy)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    told = done.stdout.splitlines()
    assert len(told) == 2
    assert all("dragoman[bots]" in line for line in told)


# --- the proxy ----------------------------------------------------------------------------------------------


def test_a_forwarded_request_names_the_path_only_and_asks_for_one_answer() -> None:
    request = parse_request(
        b"GET http://example.org:81/a?b=c HTTP/1.1\r\nHost: example.org:81\r\n"
        b"Proxy-Connection: keep-alive\r\nConnection: keep-alive\r\nAccept: */*\r\n\r\n"
    )
    assert (request.host, request.port) == ("example.org", 81)
    assert request.head == (
        b"GET /a?b=c HTTP/1.1\r\nHost: example.org:81\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("target", "host", "port"),
    [(b"example.org:443", "example.org", 443), (b"[::1]:8443", "::1", 8443), (b"a.b", "a.b", 443)],
)
def test_a_tunnel_is_asked_for_by_host_and_port(target: bytes, host: str, port: int) -> None:
    request = parse_request(b"CONNECT " + target + b" HTTP/1.1\r\n\r\n")
    assert (request.host, request.port, request.head) == (host, port, None)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET https://example.org/ HTTP/1.1\r\n\r\n",
        b"GET file:///etc/passwd HTTP/1.1\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\n\r\n",
        b"CONNECT example.org:x HTTP/1.1\r\n\r\n",
        b"\xff\xfe HTTP\r\n\r\n",
    ],
)
def test_what_is_no_request_to_a_proxy_is_refused(head: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse_request(head)


@pytest.fixture
async def target() -> AsyncIterator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        body = head.split(b"\r\n")[0]
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def test_what_is_allowed_passes_and_what_is_not_does_not(target: str) -> None:
    async with Egress(BotRunnerSettings(allowed_networks="127.0.0.0/8")) as egress:
        async with httpx.AsyncClient(proxy=egress.url) as http:
            assert (await http.get(f"{target}/a?b")).text == "GET /a?b HTTP/1.1"
        assert egress.refused == 0
    async with Egress(BotRunnerSettings()) as egress:
        async with httpx.AsyncClient(proxy=egress.url) as http:
            assert (await http.get(f"{target}/a")).status_code == 403
            with pytest.raises(httpx.ProxyError):
                await http.get(target.replace("http:", "https:"))
        assert egress.refused == 2


async def test_a_tunnel_carries_bytes_both_ways(target: str) -> None:
    async with Egress(BotRunnerSettings(allow_private=True)) as egress:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(egress.url.rpartition(":")[2]))
        writer.write(f"CONNECT {target.removeprefix('http://')} HTTP/1.1\r\n\r\n".encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.write(b"GET /inside HTTP/1.1\r\n\r\n")
        assert (await reader.read()).endswith(b"GET /inside HTTP/1.1")
        writer.close()


async def test_nobody_behind_the_proxy_is_told_as_such(free_port: int) -> None:
    async with Egress(BotRunnerSettings(allow_private=True)) as egress:
        async with httpx.AsyncClient(proxy=egress.url) as http:
            assert (await http.get(f"http://127.0.0.1:{free_port}/")).status_code == 502
        assert egress.unreachable == 1
