"""The output of a runner, from its file into the worker's log, line by line and without secrets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from loguru import logger

from dragoman_contracts.bots import RUNNER_TOKEN_PREFIX
from dragoman_orchestration.bots.model import shown_url

MAX_FILE_BYTES = 4_000_000
"""A runner's output beyond this is cut off its file: what matters of it is in the log."""
MAX_LINE_CHARS = 2_000
_READ_BYTES = 65_536
_TOKEN = re.compile(re.escape(RUNNER_TOKEN_PREFIX) + r"[\w.-]+")
_URL = re.compile(r"\b(?:https?|wss?|rtmps?|rtsp|srt)://[^\s'\"<>]+")


def redact(line: str, secrets: Sequence[str] = ()) -> str:
    """The line without tokens, without what may be secret of URLs, and without these secrets."""
    for secret in secrets:
        line = line.replace(secret, "…")
    line = _TOKEN.sub(f"{RUNNER_TOKEN_PREFIX}…", line)
    return _URL.sub(lambda match: shown_url(match[0]) or "…", line)


def secret_parts(url: str) -> tuple[str, ...]:
    """What of a URL must not be told: its password, query and fragment."""
    try:
        parts = urlsplit(url)
        found = (parts.password, parts.query, parts.fragment)
    except ValueError:
        return (url,)
    return tuple(part for part in found if part and len(part) > 3)


class RunnerLog:
    """Follows one runner's output.

    Args:
        path: its file.
        bot_id: whose it is.
        secrets: URLs whose secret parts must not be told.
        from_end: leave out what is there already: another worker has told it.

    """

    def __init__(
        self, path: Path, bot_id: str, *, secrets: Sequence[str] = (), from_end: bool = False
    ) -> None:
        self._path = path
        self._log = logger.bind(bot_id=bot_id)
        self._secrets = [part for url in secrets for part in secret_parts(url)]
        self._at = path.stat().st_size if from_end and path.exists() else 0
        self._rest = b""

    def forward_all(self) -> None:
        """Log what is left of a runner that has ended."""
        while self.forward():
            pass

    def forward(self) -> bool:
        """Log lines that came since the last time; whether there may be more."""
        with suppress(OSError), self._path.open("rb+") as file:
            file.seek(self._at)
            data = file.read(_READ_BYTES)
            self._at += len(data)
            if self._at > MAX_FILE_BYTES:
                # The runner appends: what it writes next is at the beginning again.
                file.truncate(0)
                self._at = 0
            *lines, self._rest = (self._rest + data).split(b"\n")
            self._rest = self._rest[:MAX_LINE_CHARS]
            for line in lines:
                text = line.decode(errors="replace").rstrip()[:MAX_LINE_CHARS]
                if text:
                    self._log.info("runner: {}", redact(text, self._secrets))
            return len(data) == _READ_BYTES
        return False

    def remove(self) -> None:
        """The runner is gone: remove its file."""
        with suppress(OSError):
            self._path.unlink()
