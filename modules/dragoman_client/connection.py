"""Opening a socket: address, credentials, and refusals as the contract's errors."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI
from websockets.typing import Subprotocol

from dragoman_client.errors import error_from_response
from dragoman_contracts.errors import InvalidInput, Unavailable
from dragoman_contracts.websocket import SUBPROTOCOL

OPEN_TIMEOUT_S = 10.0
PING_TIMEOUT_S = 120.0
MESSAGE_BYTES_MAX = 16 * 1024 * 1024
"""A snapshot of a long session is the largest message."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the server is and with which key or token it is asked; the key is never part of a URL."""

    base_url: str
    key: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no http(s) address before anything connects."""
        if urlsplit(self.base_url).scheme not in {"http", "https"}:
            raise InvalidInput(
                "the server's address is no http:// or https:// URL",
                remedy="Give it like http://127.0.0.1:8080.",
            )

    @property
    def headers(self) -> dict[str, str]:
        """The header that carries the credential."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def socket_url(self, path: str, **query: str) -> str:
        """The ws:// or wss:// address of a path under the base."""
        parts = urlsplit(self.base_url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        text = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
        return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + path, text, ""))


async def open_socket(endpoint: Endpoint, path: str, **query: str) -> ClientConnection:
    """Connect to a WebSocket of the native protocol.

    Raises:
        DragomanError: the server refuses (no such session, wrong key, ...), with the server's own reason.
        Unavailable: nobody answers there, or it is no Dragoman.

    """
    try:
        return await connect(
            endpoint.socket_url(path, **query),
            additional_headers=endpoint.headers,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            open_timeout=OPEN_TIMEOUT_S,
            # A server that holds a fast speaker back does not read, so it answers no pings meanwhile.
            ping_timeout=PING_TIMEOUT_S,
            max_size=MESSAGE_BYTES_MAX,
            compression=None,  # audio does not shrink, and captions are too small to be worth the CPU
        )
    except InvalidStatus as refusal:
        raise error_from_response(
            refusal.response.status_code, bytes(refusal.response.body or b"")
        ) from refusal
    except (OSError, TimeoutError, InvalidHandshake, InvalidURI) as error:
        raise cannot_reach(endpoint.base_url) from error


def cannot_reach(base_url: str) -> Unavailable:
    """The one error of a server that is not there."""
    return Unavailable(
        f"no Dragoman answers at {base_url}",
        remedy="Check the address, or start one with 'dragoman up'.",
    )
