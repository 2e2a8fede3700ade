"""The repository itself as the thing under test."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def own_files() -> list[Path]:
    """Text files that are, or are to be, under version control."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    data = {".wav", ".flac", ".bin"}
    return [
        ROOT / name
        for name in listed
        if (ROOT / name).is_file() and Path(name).suffix not in data and "fixtures/models" not in name
    ]
