"""Keys of callers; where none are set, the service is open."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable

from fastapi import Request

from dragoman_contracts.errors import Unauthenticated


def is_known(key: str, keys: frozenset[str]) -> bool:
    """Whether ``key`` is one of ``keys``, compared in constant time; always, if there are none."""
    given = key.encode()
    found = [hmac.compare_digest(given, known.encode()) for known in keys]
    return any(found) or not keys


def check_bearer(authorization: str, keys: frozenset[str]) -> None:
    """Check the header ``Authorization: Bearer <key>``.

    Raises:
        Unauthenticated: no key, or one that is not known.

    """
    scheme, _, key = authorization.partition(" ")
    if not is_known(key.strip() if scheme.lower() == "bearer" else "", keys):
        raise Unauthenticated(
            "the service wants a key, and none that it knows was sent",
            remedy="Send 'Authorization: Bearer <key>' with a key of DRAGOMAN_TRANSLATION_API_KEYS.",
        )


def native_key(keys: frozenset[str]) -> Callable[[Request], Awaitable[None]]:
    """For ``Depends``: refuses callers without a key."""

    async def check(request: Request) -> None:
        check_bearer(request.headers.get("authorization", ""), keys)

    return check
