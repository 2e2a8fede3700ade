"""``dragoman doctor`` on what recognises and translates: models, engines, the device. It asks no server."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from dragoman_orchestration.cli.findings import Finding, Verdict

if TYPE_CHECKING:
    from dragoman_translation.settings import TranslationSettings


def check_model() -> Finding:
    """The recogniser's model, as the settings name it."""
    from dragoman_whisper.settings import WhisperSettings

    settings = WhisperSettings()
    if settings.profile == "mock":
        return Finding("model", Verdict.OK, "none needed in profile mock")
    folder = Path(settings.model)
    if (folder / "model.bin").is_file():
        return Finding("model", Verdict.OK, f"folder {folder}")
    if folder.is_absolute() or settings.model.startswith("."):
        return Finding(
            "model", Verdict.MISSING, f"no model.bin in {folder}",
            "Point DRAGOMAN_WHISPER_MODEL at a CTranslate2 model folder, or give a hub name such as base.",
        )  # fmt: skip
    return _hub_model(settings.model, settings.download_dir)


def _hub_model(name: str, download_dir: str) -> Finding:
    """A hub name: whether it was fetched before. The hub is not asked: doctor makes no network call."""
    from faster_whisper.utils import download_model

    try:
        path = download_model(name, local_files_only=True, cache_dir=download_dir or None)
    except Exception:  # the hub library raises its own errors, of many kinds, for "not in the cache"
        return Finding(
            "model", Verdict.NOTE, f"{name} is not in the cache; the first start fetches it from its hub",
            "Without a network, set DRAGOMAN_WHISPER_MODEL to a model folder; './justw demo' needs neither.",
        )  # fmt: skip
    return Finding("model", Verdict.OK, f"{name} at {path}")


def check_translation() -> Finding:
    """The translation engines and their models, as the settings name them. No server is asked."""
    from dragoman_translation.settings import TranslationSettings

    settings = TranslationSettings()
    parts = {
        "mock": _mock_translator,
        "ctranslate2": _translation_models,
        "apertium": _apertium,
        "openai_chat": _chat_endpoint,
    }
    findings = [parts[engine](settings) for engine in settings.engine_names]
    wrong = [finding for finding in findings if finding.verdict is Verdict.MISSING]
    if wrong:
        return wrong[0]
    usable = [finding.found for finding in findings if finding.verdict is Verdict.OK]
    if usable:
        return Finding("translation", Verdict.OK, "; ".join(usable))
    return Finding(
        "translation", Verdict.NOTE, "; ".join(finding.found for finding in findings),
        "Set DRAGOMAN_TRANSLATION_MODELS=en-es=FOLDER, or install apertium with a pair (apertium-eng-spa).",
    )  # fmt: skip


def _mock_translator(settings: TranslationSettings) -> Finding:
    return Finding("translation", Verdict.OK, "mock: marks its texts, translates nothing")


def _translation_models(settings: TranslationSettings) -> Finding:
    models = settings.model_names
    if not models:
        return Finding("translation", Verdict.NOTE, "ctranslate2: no model is named")
    for pair, model in models.items():
        is_folder = Path(model).is_absolute() or model.startswith(".")
        if is_folder and not (Path(model) / "model.bin").is_file():
            return Finding(
                "translation", Verdict.MISSING, f"no model.bin in {model} ({pair})",
                "Point DRAGOMAN_TRANSLATION_MODELS at folders with CTranslate2 models, or give hub names.",
            )  # fmt: skip
    return Finding("translation", Verdict.OK, f"ctranslate2: {', '.join(map(str, models))}")


def _apertium(settings: TranslationSettings) -> Finding:
    if settings.apertium_url:
        return Finding("translation", Verdict.OK, f"apertium at {settings.apertium_url}")
    command = shutil.which(settings.apertium_command)
    if command is None:
        return Finding("translation", Verdict.NOTE, "apertium is not installed")
    listed = subprocess.run([command, "-l"], capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    pairs = listed.stdout.split()
    if not pairs:
        return Finding("translation", Verdict.NOTE, f"apertium at {command} has no pair")
    return Finding("translation", Verdict.OK, f"apertium: {', '.join(pairs)}")


def _chat_endpoint(settings: TranslationSettings) -> Finding:
    if not settings.openai_url:
        return Finding("translation", Verdict.NOTE, "openai_chat: no endpoint is named")
    return Finding("translation", Verdict.OK, f"openai_chat at {settings.openai_url}")


def check_gpu() -> Finding:
    """A CUDA device, for profile gpu only."""
    if importlib.util.find_spec("ctranslate2") is None:
        return Finding("gpu", Verdict.NOTE, "cannot be told without the extra whisper")
    import ctranslate2

    devices = ctranslate2.get_cuda_device_count()
    if not devices:
        return Finding("gpu", Verdict.NOTE, "no CUDA device: profile cpu works, profile gpu does not")
    return Finding("gpu", Verdict.OK, f"{devices} CUDA device(s)")
