"""A process that cannot outlive another one, even if that one is killed."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1
"""prctl(2), since Linux 2.1.57."""


def die_with_parent(parent_pid: int) -> None:
    """Let the kernel kill this process when its parent ends (Linux; elsewhere nothing happens).

    SIGKILL, not SIGTERM: the supervisor's Redis goes at the same moment, a drain would wait for nothing. What
    was accepted is in Redis' log if a data folder was given; the fence keeps results correct.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # The parent may have ended before the call above.
    if os.getppid() != parent_pid:
        os._exit(1)


def end_with(pid: int, *, grace_s: float) -> None:
    """End this process when another one does that need not be its parent (Linux; elsewhere nothing happens).

    SIGTERM first, for it may have something to leave; after ``grace_s`` its whole process group is killed. A
    thread waits on a file descriptor of the other process (pidfd_open(2), since Linux 5.3).
    """
    if not hasattr(os, "pidfd_open"):
        return
    try:
        other = os.pidfd_open(pid)
    except ProcessLookupError:
        other = None
    except OSError:
        return  # the kernel has none

    def wait() -> None:
        if other is not None:
            poll = select.poll()
            poll.register(other, select.POLLIN)
            while not poll.poll():
                pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace_s)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()
