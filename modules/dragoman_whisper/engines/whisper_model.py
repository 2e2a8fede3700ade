"""Finding, fetching and loading a CTranslate2 Whisper model, with errors that say what to do."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dragoman_contracts.errors import ModelUnavailable
from dragoman_whisper.engines.base import Progress
from dragoman_whisper.settings import WhisperSettings

MODEL_FILE = "model.bin"
_FILES = (
    "config.json",
    "preprocessor_config.json",
    "tokenizer.json",
    "vocabulary.json",
    "vocabulary.txt",
    MODEL_FILE,
)
_NEEDED = ("tokenizer.json", MODEL_FILE)
_TIMEOUT_S = 10.0


def load_model(settings: WhisperSettings, progress: Progress) -> Any:
    """A ``faster_whisper.WhisperModel``.

    Raises:
        ModelUnavailable: the model cannot be found, fetched or read, or the device is not there.

    """
    folder = locate(settings, progress)
    size_mb = (folder / MODEL_FILE).stat().st_size / 1e6
    progress(f"reading {size_mb:.0f} MB for the device {settings.defaults.device}")
    from faster_whisper import WhisperModel  # noqa: PLC0415  # takes half a second

    try:
        return WhisperModel(
            str(folder),
            device=settings.defaults.device,
            compute_type=settings.compute_type or settings.defaults.compute_type,
            cpu_threads=settings.cpu_threads,
            num_workers=settings.engine_threads,
        )
    except Exception as error:
        raise _explain(settings, folder, error) from error


def locate(settings: WhisperSettings, progress: Progress) -> Path:
    """The model's folder; a hub name is fetched into the cache first.

    Raises:
        ModelUnavailable: there is no such folder, it is no model, or the hub does not give it.

    """
    path = Path(settings.model).expanduser()
    if not path.is_dir():
        if path.is_absolute() or settings.model.startswith((".", "~")) or settings.model.count("/") > 1:
            raise ModelUnavailable(f"there is no model folder {settings.model}")
        path = fetch(settings, progress)
    missing = [name for name in _NEEDED if not (path / name).is_file()]
    if missing:
        raise ModelUnavailable(
            f"the folder {path} is no CTranslate2 Whisper model: it lacks {', '.join(missing)}",
            remedy="Convert the model with ct2-transformers-converter --copy_files tokenizer.json "
            "preprocessor_config.json, or name a converted one.",
        )
    return path


def fetch(settings: WhisperSettings, progress: Progress) -> Path:
    """The folder of a hub model in the cache, fetched file by file if need be.

    Raises:
        ModelUnavailable: the name is unknown, the hub cannot be reached, or fetching is switched off.

    """
    from faster_whisper.utils import _MODELS  # noqa: PLC0415

    name = settings.model if "/" in settings.model else _MODELS.get(settings.model)
    if name is None:
        raise ModelUnavailable(
            f"there is no model named {settings.model}",
            remedy="Give a folder, a hub name with its owner (owner/name), or one of: " + ", ".join(_MODELS),
        )
    cached = _cached(name, settings)
    if cached is not None:
        return cached
    if settings.offline:
        raise ModelUnavailable(
            f"the model {name} is not in the cache, and fetching is switched off",
            remedy="Fetch it on a machine with access and set DRAGOMAN_WHISPER_MODEL to its folder, "
            "or unset DRAGOMAN_WHISPER_OFFLINE.",
        )
    try:
        return _fetch(name, settings, progress)
    except Exception as error:
        raise ModelUnavailable(
            f"the model {name} is not in the cache and could not be fetched: {type(error).__name__}",
            remedy="Check the name and the connection to the model hub, or set DRAGOMAN_WHISPER_MODEL to a "
            "local model folder.",
        ) from error


def _cached(name: str, settings: WhisperSettings) -> Path | None:
    from huggingface_hub import snapshot_download  # noqa: PLC0415

    try:
        folder = Path(snapshot_download(name, local_files_only=True, cache_dir=settings.download_dir or None))
    except Exception:  # not there: huggingface_hub has a dozen error classes for it
        return None
    # A fetch that was interrupted leaves a folder with a part of the files.
    return folder if all((folder / needed).is_file() for needed in _NEEDED) else None


def _fetch(name: str, settings: WhisperSettings, progress: Progress) -> Path:
    from huggingface_hub import HfApi, hf_hub_download  # noqa: PLC0415

    endpoint = settings.hub_url or None
    progress(f"asking the hub for {name}")
    info = HfApi(endpoint=endpoint).model_info(name, files_metadata=True, timeout=_TIMEOUT_S)
    files = [file for file in info.siblings or [] if file.rfilename in _FILES]
    folder = Path()
    # Old releases, which faster-whisper takes too, draw a bar of their own.
    download: Callable[..., str] = hf_hub_download
    can_be_watched = "tqdm_class" in inspect.signature(download).parameters
    for number, file in enumerate(files, 1):
        size_mb = (file.size or 0) / 1e6
        what = f"fetching {file.rfilename} of {name}, {size_mb:.1f} MB, file {number} of {len(files)}"
        progress(what)
        watch = {"tqdm_class": _told_in_tenths(what, progress)} if can_be_watched else {}
        path = download(
            name,
            file.rfilename,
            cache_dir=settings.download_dir or None,
            endpoint=endpoint,
            etag_timeout=_TIMEOUT_S,
            **watch,
        )
        folder = Path(path).parent
    return folder


def _told_in_tenths(what: str, progress: Progress) -> type[Any]:
    """A progress bar for ``huggingface_hub`` that draws nothing and tells each tenth of a file."""
    from tqdm.auto import tqdm  # type: ignore[import-untyped]  # noqa: PLC0415  # tqdm has no types

    class Told(tqdm):  # type: ignore[misc]  # tqdm has no types
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **{**options, "disable": True})
            self._done = options.get("initial") or 0
            self._told = 0

        def update(self, n: float | None = 1) -> None:
            self._done += n or 0
            tenths = int(10 * self._done / self.total) if self.total else 0
            if tenths > self._told:
                self._told = tenths
                progress(f"{what}, {tenths * 10} %")

    return Told


def _explain(settings: WhisperSettings, folder: Path, error: Exception) -> ModelUnavailable:
    text = str(error)
    if "CUDA" in text or "cuda" in text or "cudnn" in text.lower():
        return ModelUnavailable(
            f"the device {settings.defaults.device} cannot be used",
            remedy="Install the NVIDIA driver, CUDA 12 and cuDNN 9, or set DRAGOMAN_WHISPER_PROFILE=cpu.",
        )
    if "compute type" in text:
        return ModelUnavailable(
            f"this device cannot compute in {settings.compute_type or settings.defaults.compute_type}",
            remedy="Unset DRAGOMAN_WHISPER_COMPUTE_TYPE, or use int8 or float32.",
        )
    return ModelUnavailable(
        f"the model in {folder} cannot be read ({type(error).__name__}); a file may be damaged",
        remedy="Fetch or convert the model again, or set DRAGOMAN_WHISPER_MODEL to another one.",
    )
