"""A process ends when another one does that is not its parent."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

ENDS_WITH = """
import signal, sys, time
from dragoman_runtime.lifeline import end_with
{handler}
end_with(int(sys.argv[1]), grace_s=float(sys.argv[2]))
print("runs", flush=True)
time.sleep(60)
"""


def child(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True, start_new_session=True
    )


@pytest.fixture
def other():
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


@pytest.mark.parametrize(
    ("handler", "outcome"),
    [
        ("", -signal.SIGTERM),
        ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))", 7),
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", -signal.SIGKILL),
    ],
)
def test_it_is_asked_to_end_and_then_killed(other, handler: str, outcome: int) -> None:
    with child(ENDS_WITH.format(handler=handler), str(other.pid), "0.2") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "runs\n"
        assert process.poll() is None
        other.kill()
        assert process.wait(20) == outcome


def test_one_that_is_gone_already_ends_it_at_once() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait(20)
    with child(ENDS_WITH.format(handler=""), str(gone.pid), "0.2") as process:
        assert process.wait(20) == -signal.SIGTERM
