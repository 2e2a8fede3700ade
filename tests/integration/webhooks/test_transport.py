from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from dragoman_orchestration.webhooks.transport import MAX_ANSWER_BYTES, Outcome, Sender
from dragoman_runtime.addresses import parse_networks
from tests.integration.webhooks.receiver import Certificate, Receiver, Request, receiving, status

LOOPBACK = parse_networks("127.0.0.0/8,::1")
HEADERS = {"content-type": "application/cloudevents+json", "webhook-id": "evt"}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


async def post(url: str, *, timeout_s: float = 10.0, **options: Any) -> Outcome:
    options.setdefault("allowed", LOOPBACK)
    return await Sender(timeout_s=timeout_s, setting="THE_SETTING", **options).post(url, b'{"a":1}', HEADERS)


async def test_a_post_carries_its_body_headers_path_and_query(receiver: Receiver) -> None:
    outcome = await post(receiver.url)
    assert outcome.delivered
    assert outcome.status == 200
    (request,) = receiver.requests
    assert request.line == "POST /hooks?token=of-the-receiver HTTP/1.1"
    assert request.body == b'{"a":1}'
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert request.headers["webhook-id"] == "evt"
    assert request.headers["content-length"] == "7"


@pytest.mark.parametrize("code", [200, 201, 202, 204, 299])
async def test_every_2xx_is_a_success(receiver: Receiver, code: int) -> None:
    receiver.answer = status(code, body=b"")
    assert (await post(receiver.url)).delivered


@pytest.mark.parametrize("code", [400, 404, 410, 429, 500, 503])
async def test_an_error_status_is_a_failure_of_its_kind(receiver: Receiver, code: int) -> None:
    receiver.answer = status(code, "retry-after: 7")
    outcome = await post(receiver.url)
    assert (outcome.status, outcome.error, outcome.retry_after) == (
        code,
        "server_error" if code >= 500 else "client_error",
        "7",
    )


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_is_a_failure_told_as_such_and_never_followed(receiver: Receiver, code: int) -> None:
    async with receiving() as inside:
        receiver.answer = status(code, f"location: {inside.url}")
        outcome = await post(receiver.url)
    assert (outcome.status, outcome.error) == (code, "redirect")
    assert inside.requests == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "127.1"]
)
async def test_an_address_that_is_not_public_is_never_connected_to(receiver: Receiver, host: str) -> None:
    outcome = await post(f"http://{host}:{receiver.port}/", allowed=())
    assert (outcome.status, outcome.error) == (0, "address_forbidden")
    assert receiver.most_under_way == 0


async def test_the_name_is_asked_once_and_its_checked_address_is_the_one_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A name of a rebinding attacker: the first answer may be called, every later one leads inside.
    asked: list[str] = []
    _answers(monkeypatch, asked, ["127.0.0.2"], ["127.0.0.3"])
    allowed = parse_networks("127.0.0.2")
    async with receiving(host="127.0.0.2") as public, receiving(host="127.0.0.3", port=public.port) as inside:
        outcome = await post(f"http://rebind.example:{public.port}/x", allowed=allowed)
        assert outcome.delivered
        assert [request.headers["host"] for request in public.requests] == [f"rebind.example:{public.port}"]
        again = await post(f"http://rebind.example:{public.port}/x", allowed=allowed)
    assert asked == ["rebind.example", "rebind.example"]  # once an attempt
    assert again.error == "address_forbidden"
    assert len(public.requests) == 1
    assert inside.requests == []


async def test_the_next_address_is_tried_where_the_first_does_not_listen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _answers(monkeypatch, [], ["127.0.0.3", "127.0.0.2"])
    async with receiving(host="127.0.0.2") as receiver:
        assert (await post(f"http://two.example:{receiver.port}/")).delivered


async def test_nobody_there_is_told_as_a_refused_connection(free_port: int) -> None:
    outcome = await post(f"http://127.0.0.1:{free_port}/")
    assert (outcome.status, outcome.error) == (0, "connection_refused")


async def test_a_name_without_address_is_told_as_such() -> None:
    assert (await post("https://no-such-host.invalid/")).error == "host_unresolved"


async def test_a_receiver_that_never_answers_is_left_at_the_time_limit(receiver: Receiver) -> None:
    async def never(_: Request, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    receiver.answer = never
    outcome = await post(receiver.url, timeout_s=0.3)
    assert (outcome.status, outcome.error) == (0, "timeout")


async def test_a_head_that_drips_for_ever_is_left_at_the_time_limit(receiver: Receiver) -> None:
    async def drip(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(10_000):
            writer.write(f"x-{number}: y\r\n".encode())
            await writer.drain()
            await asyncio.sleep(0.01)

    receiver.answer = drip
    assert (await post(receiver.url, timeout_s=0.3)).error == "timeout"


async def test_of_a_huge_body_only_a_little_is_read(receiver: Receiver) -> None:
    sent = 0
    ended = asyncio.Event()

    async def huge(_: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        try:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
            for _number in range(20_000):
                writer.write(b"x" * 50_000)
                await writer.drain()
                sent += 50_000
        finally:
            ended.set()

    receiver.answer = huge
    assert (await post(receiver.url)).delivered
    async with asyncio.timeout(10):
        await ended.wait()
    assert MAX_ANSWER_BYTES < sent < 100_000_000  # what fits into the sockets' buffers, and then no more


async def test_a_body_that_never_ends_does_not_hold_a_success_back(receiver: Receiver) -> None:
    async def endless(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1\r\nx\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    receiver.answer = endless
    started = time.monotonic()
    assert (await post(receiver.url, timeout_s=30)).delivered
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 ", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"HTTP/1.1 999999 x\r\n\r\n", b"\0" * 500]
)
async def test_what_is_no_answer_is_a_broken_connection(receiver: Receiver, answer: bytes) -> None:
    async def broken(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    receiver.answer = broken
    assert (await post(receiver.url)).error == "connection_broken"


async def test_a_head_without_bound_is_refused(receiver: Receiver) -> None:
    async def long(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1_000_000 + b"\r\n\r\n")
        await writer.drain()

    receiver.answer = long
    assert (await post(receiver.url)).error == "connection_broken"


async def test_a_trusted_certificate_of_the_name_is_accepted_and_the_name_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = Certificate.make(tmp_path, "hooks.example")
    names: list[str | None] = []
    certificate.server.sni_callback = lambda _, name, __: names.append(name)  # type: ignore[assignment]
    _answers(monkeypatch, [], ["127.0.0.1"])
    async with receiving(tls=certificate.server) as receiver:
        outcome = await post(f"https://hooks.example:{receiver.port}/", context=certificate.trusting)
    assert outcome.delivered
    assert names == ["hooks.example"]


async def test_a_certificate_of_another_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = Certificate.make(tmp_path, "other.example")
    _answers(monkeypatch, [], ["127.0.0.1"])
    async with receiving(tls=certificate.server) as receiver:
        outcome = await post(f"https://hooks.example:{receiver.port}/", context=certificate.trusting)
    assert (outcome.error, receiver.requests) == ("tls_error", [])


async def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    certificate = Certificate.make(tmp_path, "127.0.0.1", expired=True)
    async with receiving(tls=certificate.server) as receiver:
        outcome = await post(receiver.url, context=certificate.trusting)
    assert (outcome.error, receiver.requests) == ("tls_error", [])


async def test_a_certificate_that_nobody_signed_is_refused(tmp_path: Path) -> None:
    certificate = Certificate.make(tmp_path, "127.0.0.1")
    async with receiving(tls=certificate.server) as receiver:
        outcome = await post(receiver.url)
    assert (outcome.error, receiver.requests) == ("tls_error", [])


async def test_a_proxy_of_the_environment_is_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{free_port}")
    assert (await post(receiver.url)).delivered


def _answers(monkeypatch: pytest.MonkeyPatch, asked: list[str], *answers: list[str]) -> None:
    """Names resolve to the next of ``answers``, and then to the last; addresses as ever."""
    loop = asyncio.get_running_loop()
    real = loop.getaddrinfo
    left = list(answers)

    async def getaddrinfo(host: Any, port: Any, **options: Any) -> Any:
        if not str(host).endswith(".example"):
            return await real(host, port, **options)
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
