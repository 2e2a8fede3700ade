"""The examples of docs/client.md, taken out of it and run against the real system."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dragoman_whisper.engines.mock_speech import speak

GUIDE = Path(__file__).parents[2] / "docs" / "client.md"
FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBERS = range(300, 306)
WORDS = [f"w{number:05d}" for number in NUMBERS]


@pytest.fixture
def run(mock_system: Any, tmp_path: Path) -> Any:
    """``run("async def watch", *arguments)``: the one example that contains the text; its process."""

    def example(containing: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        found = [body for body in FENCE.findall(GUIDE.read_text("utf-8")) if containing in body]
        assert len(found) == 1, f"{len(found)} examples with {containing!r}"
        script = tmp_path / "example.py"
        script.write_text(found[0], encoding="utf-8")
        settings = {"DRAGOMAN_CLIENT_SERVER": mock_system.url, "DRAGOMAN_CLIENT_KEY": mock_system.key}
        return subprocess.run(
            [sys.executable, str(script), *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=os.environ | settings | environment,
        )

    return example


def test_the_examples_do_what_the_guide_says(run: Any, tmp_path: Path) -> None:
    audio, kept = tmp_path / "audio.pcm", tmp_path / "position"
    audio.write_bytes((speak(NUMBERS) * 32_767).astype("<i2").tobytes())

    spoken = run("async def speak", audio)
    assert spoken.returncode == 0, spoken.stderr
    _, session_id, *words = spoken.stdout.split()
    assert words == WORDS

    watched = run("async def watch", session_id)
    assert watched.returncode == 0, watched.stderr
    assert watched.stdout.split() == WORDS

    first = run("async def go_on", session_id, kept)
    assert first.returncode == 0, first.stderr
    assert first.stdout.split() == WORDS
    again = run("async def go_on", session_id, kept)
    assert again.returncode == 0, again.stderr
    assert again.stdout.split() == []

    counted = run("async def ledger", session_id)
    assert counted.returncode == 0, counted.stderr
    assert counted.stdout.startswith("Ledger(")


def test_an_error_is_told_with_its_remedy(run: Any) -> None:
    refused = run("async def ledger", "0" * 32, DRAGOMAN_CLIENT_KEY="wrong")
    assert refused.returncode == 1
    assert refused.stderr.startswith("unauthenticated (for good): ")
    missing = run("async def ledger", "0" * 32)
    assert missing.stderr.startswith("not_found (for good): ")


def test_every_example_of_the_guide_is_run() -> None:
    names = re.findall(r"async def (\w+)", GUIDE.read_text("utf-8"))
    assert sorted(names) == ["go_on", "ledger", "speak", "watch"]
