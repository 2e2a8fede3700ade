"""Makes the engine that the settings ask for; imports no other one's libraries."""

from __future__ import annotations

import importlib.util

from dragoman_contracts.errors import ModelUnavailable
from dragoman_whisper.engines.base import Engine
from dragoman_whisper.engines.mock import MockEngine
from dragoman_whisper.settings import WhisperSettings


def choose_engine(settings: WhisperSettings) -> Engine:
    """The engine of the profile, not loaded yet.

    Raises:
        ModelUnavailable: there is no engine for the profile, or its libraries are not installed.

    """
    if settings.profile == "mock":
        return MockEngine(settings.mock_delay_ms)
    if settings.profile == "npu":
        raise ModelUnavailable(
            "there is no engine for the profile npu yet; it comes later",
            remedy="Set DRAGOMAN_WHISPER_PROFILE to cpu, gpu or mock.",
        )
    if importlib.util.find_spec("faster_whisper") is None:
        raise ModelUnavailable(
            f"the profile {settings.profile} needs faster-whisper, which is not installed",
            remedy="Install it with: pip install 'dragoman[whisper]'",
        )
    from dragoman_whisper.engines.faster_whisper import FasterWhisperEngine  # noqa: PLC0415  # the mock needs none of it

    return FasterWhisperEngine(settings)
