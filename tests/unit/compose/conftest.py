"""The files that containers are made and started from, read once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def local() -> dict[str, Any]:
    """``compose.local.yml`` with its variables at their defaults."""
    text = (ROOT / "compose.local.yml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)))


@pytest.fixture(scope="session")
def services(local: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return dict(local["services"])


@pytest.fixture(scope="session")
def stages() -> dict[str, str]:
    """The stages of ``docker/python.Dockerfile`` and ``docker/web.Dockerfile`` by name."""
    found = {}
    for name in ("python", "web"):
        text = (ROOT / "docker" / f"{name}.Dockerfile").read_text(encoding="utf-8")
        for stage in re.split(r"^(?=FROM )", text, flags=re.MULTILINE)[1:]:
            found[stage.split(" AS ", 1)[1].split()[0]] = stage.split("\n# ---", 1)[0]
    return found
