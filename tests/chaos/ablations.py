"""The product without a safeguard: ``python -m tests.chaos.ablations <name> <arguments of dragoman>``.

A checker that finds nothing may be blind. Each of these must make it report errors.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dragoman_runtime import session_lease
from dragoman_runtime.broker import redis as redis_broker
from dragoman_runtime.broker.scripts import Script

MAXLEN = 10
"""Entries of audio kept without regard to who has read them: a second."""


def no_fence() -> None:
    """Publishes of a worker that lost its session are carried out."""
    script: Script = session_lease._PUBLISH
    source = re.sub(
        r"if redis\.call\('GET', KEYS\[1\]\) ~= ARGV\[1\] then.*?end\n", "", script.source, flags=re.S
    )
    source = re.sub(r"if checkpoint ~= ARGV\[2\] then.*?end\n", "", source, flags=re.S)
    assert source.count("error_reply") == 0
    session_lease._PUBLISH = replace(script, source=source, sha=_sha(source))


def maxlen_on_audio() -> None:
    """Audio streams are bounded by length, as a log would be."""
    xadd = redis_broker._xadd

    def bounded(publication: Any) -> Any:
        command = xadd(publication)
        if not publication.stream.endswith(":audio"):
            return command
        return (*command[:2], "MAXLEN", MAXLEN, *command[2:])

    redis_broker._xadd = bounded


def group_at_end() -> None:
    """The consumer group begins at ``$``: what was published before it existed is never read."""

    async def ensure_group(self: Any, stream: str, group: str) -> None:
        await self._call("XGROUP", "CREATE", stream, group, "$", "MKSTREAM")

    redis_broker.RedisBroker.ensure_group = ensure_group  # type: ignore[method-assign]


def _sha(source: str) -> str:
    import hashlib

    return hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


ABLATIONS: dict[str, Callable[[], None]] = {
    "fence": no_fence,
    "maxlen": maxlen_on_audio,
    "group_at_end": group_at_end,
}

if __name__ == "__main__":
    ABLATIONS[sys.argv[1]]()
    del sys.argv[1]
    from dragoman_orchestration.cli import main

    main()
