"""Finding and fetching a CTranslate2 translation model, with errors that say what to do."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from dragoman_contracts.errors import ModelUnavailable
from dragoman_translation.engines.base import Progress
from dragoman_translation.settings import TranslationSettings

MODEL_FILE = "model.bin"
MARIAN_FILES = ("source.spm", "target.spm")
NLLB_FILES = ("sentencepiece.bpe.model",)
_FILES = [MODEL_FILE, "config.json", "*vocabulary.json", "*vocabulary.txt", *MARIAN_FILES, *NLLB_FILES]
_TIMEOUT_S = 10.0
_VARIABLE = "DRAGOMAN_TRANSLATION_MODELS"


def locate(model: str, settings: TranslationSettings, progress: Progress) -> Path:
    """The model's folder; a hub name is fetched into the cache first.

    Raises:
        ModelUnavailable: there is no such folder, it is no model, or the hub does not give it.

    """
    path = Path(model).expanduser()
    if not path.is_dir():
        if path.is_absolute() or model.startswith((".", "~")) or model.count("/") != 1:
            raise ModelUnavailable(
                f"there is no model folder {model}",
                remedy=f"Name a folder, or a hub name with its owner (owner/name), in {_VARIABLE}.",
            )
        path = _fetch(model, settings, progress)
    if not is_model(path):
        raise ModelUnavailable(
            f"the folder {path} is no CTranslate2 translation model: it needs {MODEL_FILE}, and "
            f"{' and '.join(MARIAN_FILES)} (Marian) or {NLLB_FILES[0]} (NLLB)",
            remedy="Convert the model with ct2-transformers-converter --copy_files source.spm target.spm, or "
            "sentencepiece.bpe.model for NLLB; docs/translation.md shows how.",
        )
    return path


def is_model(folder: Path) -> bool:
    """Whether the folder has the files of a Marian or an NLLB model."""
    kinds = (MARIAN_FILES, NLLB_FILES)
    has_tokenizer = any(all((folder / name).is_file() for name in files) for files in kinds)
    return has_tokenizer and (folder / MODEL_FILE).is_file()


def _fetch(name: str, settings: TranslationSettings, progress: Progress) -> Path:
    if importlib.util.find_spec("huggingface_hub") is None:
        raise ModelUnavailable(
            f"fetching the model {name} needs huggingface-hub, which is not installed",
            remedy="Install it with: pip install 'dragoman[translation]'",
        )
    cached = _snapshot(name, settings, local_files_only=True)
    if isinstance(cached, Path) and is_model(cached):
        return cached
    if settings.offline:
        raise ModelUnavailable(
            f"the model {name} is not in the cache, and fetching is switched off",
            remedy=f"Fetch it on a machine with access and name its folder in {_VARIABLE}, "
            "or unset DRAGOMAN_TRANSLATION_OFFLINE.",
        )
    progress(f"fetching {name} from the hub")
    fetched = _snapshot(name, settings, local_files_only=False)
    if isinstance(fetched, Exception):
        raise ModelUnavailable(
            f"the model {name} is not in the cache and could not be fetched: {type(fetched).__name__}",
            remedy=f"Check the name and the connection to the model hub, or name a folder in {_VARIABLE}.",
        ) from fetched
    return fetched


def _snapshot(name: str, settings: TranslationSettings, *, local_files_only: bool) -> Path | Exception:
    from huggingface_hub import snapshot_download  # noqa: PLC0415
    from huggingface_hub.utils.tqdm import disable_progress_bars  # noqa: PLC0415

    disable_progress_bars()  # they would stand among the lines of the log
    try:
        return Path(
            snapshot_download(
                name,
                allow_patterns=_FILES,
                local_files_only=local_files_only,
                cache_dir=settings.download_dir or None,
                endpoint=settings.hub_url or None,
                etag_timeout=_TIMEOUT_S,
            )
        )
    except Exception as error:  # huggingface_hub has a dozen error classes for "not there"
        return error
