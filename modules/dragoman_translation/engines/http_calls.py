"""Calls of other servers: what their failures mean. No error of these carries what was sent or answered."""

from __future__ import annotations

from typing import Any

import httpx

from dragoman_contracts.errors import EngineUnavailable, TranslationFailed

_BUSY = 429
_REFUSED_CONTENT = frozenset({400, 413, 422})


async def call(
    http: httpx.AsyncClient, method: str, path: str, *, who: str, remedy: str, **options: Any
) -> httpx.Response:
    """One call; only an answer of the 200s is returned.

    Raises:
        EngineUnavailable: no answer in time, no server, or one that is busy, broken or refuses the caller.
        TranslationFailed: the server refuses this very content.

    """
    try:
        answer = await http.request(method, path, **options)
    except httpx.TimeoutException:
        raise EngineUnavailable(f"{who} gave no answer in time", remedy=remedy) from None
    except httpx.HTTPError as error:
        raise EngineUnavailable(f"{who} does not answer: {type(error).__name__}", remedy=remedy) from None
    if answer.is_success:
        return answer
    if answer.status_code in _REFUSED_CONTENT:
        raise TranslationFailed(f"{who} refused the text with HTTP {answer.status_code}")
    why = "is busy" if answer.status_code == _BUSY else "failed"
    raise EngineUnavailable(f"{who} {why}: HTTP {answer.status_code}", remedy=remedy)
