"""Runs a command, and starts it anew when a Python file changes: ``reload.py FOLDER COMMAND...``.

For work on the sources in containers. Only the standard library, for the images have no more than they need.
A change is waited out, so that a save of several files is one restart. The command is ended by SIGTERM, as in
an update: sessions are handed over. If it ends by itself, the next change starts it again.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

LOOK_EVERY_S = 1.0
END_WITHIN_S = 20.0
SUFFIXES = {".py", ".lua", ".toml", ".js"}
"""What a process reads at its start."""


class Ended(Exception):
    """A signal wants this process to end."""


def state_of(folder: Path) -> dict[str, int]:
    """The time of the last change of each source, by its path; installed libraries are none."""
    state = {}
    for path in folder.glob("dragoman_*/**/*"):
        if path.suffix in SUFFIXES and "static" not in path.parts:
            try:
                state[str(path)] = path.stat().st_mtime_ns
            except FileNotFoundError:
                continue
    return state


def wait_for_change(folder: Path, before: dict[str, int]) -> dict[str, int]:
    """Return when something has changed and then stayed as it is for one look; the new state."""
    state = before
    while True:
        time.sleep(LOOK_EVERY_S)
        now = state_of(folder)
        if now == state != before:
            return now
        state = now


def end(child: subprocess.Popen[bytes]) -> int:
    """End the child, and wait for it; its exit code."""
    if child.poll() is None:
        child.terminate()
        try:
            return child.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            child.kill()
    return child.wait()


def main(folder: Path, command: list[str]) -> int:
    """Run until a signal; the exit code of the last child."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        raise Ended

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    state = state_of(folder)
    child = subprocess.Popen(command)  # noqa: S603  # the command is the caller's own
    try:
        while True:
            state = wait_for_change(folder, state)
            print("reload.py: a source has changed", file=sys.stderr, flush=True)
            end(child)
            child = subprocess.Popen(command)  # noqa: S603
    except Ended:
        return end(child)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
