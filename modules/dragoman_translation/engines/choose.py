"""Makes the engines that the settings name; imports no other one's libraries."""

from __future__ import annotations

import importlib.util

from dragoman_contracts.errors import ModelUnavailable
from dragoman_translation.engines.apertium import ApertiumEngine
from dragoman_translation.engines.base import Engine
from dragoman_translation.engines.mock import MockEngine
from dragoman_translation.engines.openai_chat import OpenAIChatEngine
from dragoman_translation.settings import TranslationSettings


def choose_engine(name: str, settings: TranslationSettings) -> Engine:
    """The engine of this name, not loaded yet.

    Raises:
        ModelUnavailable: its libraries are not installed.

    """
    if name == "mock":
        return MockEngine(settings.mock_delay_ms, settings.engine_threads)
    if name == "apertium":
        return ApertiumEngine(settings)
    if name == "openai_chat":
        return OpenAIChatEngine(settings)
    if any(importlib.util.find_spec(module) is None for module in ("ctranslate2", "sentencepiece")):
        raise ModelUnavailable(
            "the engine ctranslate2 needs ctranslate2 and sentencepiece, which are not installed",
            remedy="Install them with: pip install 'dragoman[translation]'",
        )
    from dragoman_translation.engines.ctranslate2 import CTranslate2Engine  # noqa: PLC0415  # the others need none of it

    return CTranslate2Engine(settings)
