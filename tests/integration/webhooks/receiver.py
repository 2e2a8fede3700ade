"""A server that receives webhooks and answers as a test wants, also in ways that no framework would."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook

Answer = Callable[["Request", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Request:
    """What a receiver was sent; header names in small letters."""

    line: str
    headers: dict[str, str]
    body: bytes
    address: str

    @property
    def event(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    def verify(self, secret: str) -> Any:
        """As a receiver does it, with the library's own verifier; raises if the signature is none."""
        return Webhook(secret).verify(self.body, self.headers)


def status(code: int, *headers: str, body: bytes = b"ok") -> Answer:
    """Answer so."""

    async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {code} Told", f"content-length: {len(body)}", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()

    return answer


@dataclass
class Receiver:
    """A running receiver; ``answer`` may be changed at any time."""

    url: str
    port: int
    answer: Answer = field(default_factory=lambda: status(200))
    requests: list[Request] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0

    def ids(self) -> list[str]:
        return [request.headers["webhook-id"] for request in self.requests]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                request = await _read(reader, writer)
                self.requests.append(request)
                await self.answer(request, writer)
        finally:
            self.under_way -= 1
            writer.close()


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rest = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(line, headers, body, writer.get_extra_info("sockname")[0])


@asynccontextmanager
async def receiving(
    answer: Answer | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Receiver]:
    """Run a receiver on a free port."""
    receiver = Receiver("", 0)
    if answer is not None:
        receiver.answer = answer
    server = await asyncio.start_server(receiver.serve, host, port, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    receiver.url = f"{'https' if tls else 'http'}://{host}:{receiver.port}/hooks?token=of-the-receiver"
    try:
        yield receiver
    finally:
        server.close()


@dataclass(frozen=True)
class Certificate:
    """A server's context with a certificate of its own for ``name``, and a client's that trusts it."""

    server: ssl.SSLContext
    trusting: ssl.SSLContext

    @classmethod
    def make(cls, folder: Path, name: str, *, expired: bool = False) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        try:
            alternative: x509.GeneralName = x509.IPAddress(ip_address(name))
        except ValueError:
            alternative = x509.DNSName(name)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=10))
            .not_valid_after(now + timedelta(days=-1 if expired else 1))
            .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        file = folder / f"{name}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(file)
        trusting = ssl.create_default_context(cafile=str(file))
        return cls(server, trusting)
