"""A child process that cannot outlive its supervisor, even if that one is killed."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

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
