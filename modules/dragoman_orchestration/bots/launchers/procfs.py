"""What /proc tells about processes (proc(5)): who is who, though ids are used again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_PROC = Path("/proc")
_START_TIME = 19
"""Place of the start time behind the command's name in /proc/<pid>/stat."""


@cache
def place() -> str:
    """Names the space in which process ids mean something: this boot of this machine, and a pid namespace."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = (_PROC / "self/ns/pid").stat().st_ino
    except OSError:
        return f"{os.uname().nodename}"
    return f"{boot}.{namespace}"


def start_time(pid: int) -> int | None:
    """When the process was started, in clock ticks since boot; None if it has ended."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The command's name is in brackets and may hold anything, brackets as well.
    state, *rest = text.rpartition(")")[2].split()
    return None if state in {"Z", "X"} else int(rest[_START_TIME - 1])


def environments() -> Iterator[tuple[int, bytes]]:
    """The process ids and environments that this user may see."""
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                yield int(entry.name), (entry / "environ").read_bytes()
            except OSError:
                continue
