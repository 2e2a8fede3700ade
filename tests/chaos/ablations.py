"""The product without a safeguard: ``python -m tests.chaos.ablations <name> <arguments of dragoman>``.

A checker that finds nothing may be blind. Each of these must make it report errors.
"""

from __future__ import annotations

import hashlib
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
    """Whoever believes to own a session owns it: no script asks whose token or lease it is."""
    asks_token = r"if redis\.call\('GET', KEYS\[1\]\) ~= ARGV\[1\] then.*?\nend\n"
    asks_checkpoint = r"if checkpoint ~= ARGV\[2\] then.*?\nend\n"
    _without("_PUBLISH", asks_token, asks_checkpoint)
    _without("_VERIFY", r".*")
    _without("_CLOSE", asks_token)
    _without("_RENEW", r" and pending\[1\]\[2\] == ARGV\[2\]")


def _without(name: str, *parts: str) -> None:
    script: Script = getattr(session_lease, name)
    source = script.source
    for part in parts:
        assert re.search(part, source, flags=re.DOTALL), f"{name} has changed: {part}"
        source = re.sub(part, "", source, flags=re.DOTALL) or "return 1"
    sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
    setattr(session_lease, name, replace(script, source=source, sha=sha))


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
