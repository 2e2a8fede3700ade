"""Makes the engines that the settings name; imports no other one's libraries."""

from __future__ import annotations

from dragoman_contracts.errors import ModelUnavailable
from dragoman_translation.engines.base import Engine
from dragoman_translation.engines.mock import MockEngine
from dragoman_translation.settings import TranslationSettings


def choose_engine(name: str, settings: TranslationSettings) -> Engine:
    """The engine of this name, not loaded yet."""
    if name == "mock":
        return MockEngine(settings.mock_delay_ms, settings.engine_threads)
    raise ModelUnavailable(f"there is no engine {name}")
