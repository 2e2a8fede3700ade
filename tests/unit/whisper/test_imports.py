"""The mock profile runs on a machine without the real engine's libraries."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import asyncio, sys
from dragoman_whisper.app import create_app
from dragoman_whisper.settings import WhisperSettings

async def main():
    app = create_app(WhisperSettings(profile="mock"))
    async with app.router.lifespan_context(app):
        await app.state.service.wait_loaded()
        assert app.state.service.state == "ready"

asyncio.run(main())
heavy = {"faster_whisper", "ctranslate2", "onnxruntime", "torch", "redis"} & set(sys.modules)
assert not heavy, heavy
"""


def test_the_mock_profile_imports_no_real_engine() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
