"""Folders for the profiles of browsers: fresh, and removed also when the runner that had one was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
import time
from pathlib import Path

PREFIX = "dragoman-bot-"
_UNLOCKED = "dragoman-new-bot-"
_LOCK = ".owner"
REMOVE_ATTEMPTS, REMOVE_PAUSE_S = 20, 0.05


class Profile:
    """A folder of this runner's own; ``remove`` it at the end.

    A lock that ends with the process tells whether its owner lives. Other runners remove what dead ones left.
    """

    def __init__(self, parent: str | None = None) -> None:
        parent = parent or tempfile.gettempdir()
        _sweep(Path(parent))
        unlocked = Path(tempfile.mkdtemp(prefix=_UNLOCKED, dir=parent))
        self._lock = os.open(unlocked / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        # Only under this name others look for a lock.
        self.path = unlocked.rename(Path(parent) / f"{PREFIX}{secrets.token_hex(6)}")

    def remove(self) -> None:
        """Delete the folder, also while a dying browser still writes into it."""
        for _ in range(REMOVE_ATTEMPTS):
            shutil.rmtree(self.path, ignore_errors=True)
            if not self.path.exists():
                break
            time.sleep(REMOVE_PAUSE_S)
        with contextlib.suppress(OSError):
            os.close(self._lock)


def _sweep(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        if not (folder / _LOCK).exists():  # half removed
            shutil.rmtree(folder, ignore_errors=True)
            continue
        with contextlib.suppress(OSError):
            lock = os.open(folder / _LOCK, os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
