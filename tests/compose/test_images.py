"""The images that were built are small."""

from __future__ import annotations

import json

import pytest

from .conftest import run

MB = 1_000_000
LARGEST_MB = {"api": 250, "worker": 1_000, "whisper": 1_000, "translation": 1_000, "bots": 1_000, "web": 250}


@pytest.mark.parametrize("image", LARGEST_MB)
def test_images_are_small(image: str) -> None:
    size = json.loads(run("podman", "image", "inspect", f"dragoman-{image}:test").stdout)[0]["Size"]
    assert size <= LARGEST_MB[image] * MB
