"""Signatures as Standard Webhooks says (https://www.standardwebhooks.com/), by its own library."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook

PREFIX = "whsec_"
SECRET_BYTES = 32
"""The specification wants 24 to 64."""
BOTH_VALID_MS = 86_400_000
"""How long the secret before a rotation signs beside the new one."""


def new_secret() -> str:
    """A secret that no other endpoint has."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(keys: Sequence[str], message_id: str, now_ms: int, body: bytes) -> dict[str, str]:
    """The three headers; one signature for each of ``keys``, the newest first.

    Raises:
        ValueError: a key is no base64, or empty.

    """
    at = datetime.fromtimestamp(now_ms // 1000, UTC)
    text = body.decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now_ms // 1000),
        "webhook-signature": " ".join(Webhook(key).sign(message_id, at, text) for key in keys),
    }
