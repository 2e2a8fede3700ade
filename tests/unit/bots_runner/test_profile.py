"""Profiles of browsers: removed at the end, and when their owner was killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from dragoman_bots.drivers.profile import Profile


def test_a_profile_is_fresh_and_removed_at_the_end(tmp_path: Path) -> None:
    first, second = Profile(str(tmp_path)), Profile(str(tmp_path))
    assert first.path != second.path
    assert first.path.is_dir()
    first.remove()
    second.remove()
    assert not list(tmp_path.iterdir())


def test_what_a_killed_runner_left_is_removed_and_what_a_living_one_has_is_not(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom dragoman_bots.drivers.profile import Profile\n"
        f"print(Profile({str(tmp_path)!r}).path, flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        left = Path(other.stdout.readline().strip())
        mine = Profile(str(tmp_path))
        assert left.is_dir()
        other.send_signal(signal.SIGKILL)
    later = Profile(str(tmp_path))
    assert not left.exists()
    assert mine.path.is_dir()
    mine.remove()
    later.remove()
