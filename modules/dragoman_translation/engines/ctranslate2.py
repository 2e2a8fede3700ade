"""The ctranslate2 engine: opus-mt (Marian) and NLLB-200 models on CTranslate2."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import ctranslate2

from dragoman_contracts.errors import ModelUnavailable, TranslationFailed
from dragoman_runtime.daemon_thread import in_a_daemon_thread
from dragoman_translation.config import TranslateConfig
from dragoman_translation.engines.base import ANY, Outcome, Pair, Piece, Progress, Segment
from dragoman_translation.engines.model_files import MODEL_FILE, locate
from dragoman_translation.engines.pairs import match_pair
from dragoman_translation.engines.tokenizers import END, Tokenizer, tokenizer_in
from dragoman_translation.settings import TranslationSettings
from dragoman_translation.text import MARKUP, segments

KEPT = re.compile(
    rf"(?:{MARKUP}|[\u2190-\u21ff\u2600-\u27bf\u2b00-\u2bff\ufe0f\u200d"
    r"\U0001f000-\U0001faff\U000e0020-\U000e007f]|\n|\s+(?=\n))+"
)
"""Markup, emoji and line ends stay as they are: models have no tokens for them, and would invent words."""

_PROBED_POSITIONS = 512
_NO_POSITION = re.compile(r"positions >= (\d+)")


@dataclass(frozen=True, slots=True)
class _Model:
    """A model in memory; ``positions`` is how many tokens it takes or gives at most."""

    name: str
    translator: ctranslate2.Translator
    tokenizer: Tokenizer
    positions: int


class CTranslate2Engine:
    """One model for each pair, or one of many languages; computes in threads of its own."""

    name = "ctranslate2"
    applies_glossary = False
    mixes_requests = True

    def __init__(self, settings: TranslationSettings) -> None:
        self.concurrency = settings.engine_threads
        self._settings = settings
        self._config = settings.translate_config()
        self._models: dict[Pair, _Model] = {}
        self._pairs: list[Pair] = list(settings.model_names)
        self._threads = ThreadPoolExecutor(settings.engine_threads, thread_name_prefix="ctranslate2")

    async def load(self, progress: Progress) -> None:
        """Fetch and read all models.

        Raises:
            ModelUnavailable: one of them cannot be had; the remedy is named.

        """
        if not self._settings.model_names:
            raise ModelUnavailable(
                "no model is configured",
                remedy="Set DRAGOMAN_TRANSLATION_MODELS, as en-es=/models/opus-mt-en-es; docs/translation.md "
                "shows where to get models.",
            )
        pairs: list[Pair] = []
        for pair, name in self._settings.model_names.items():
            model = await in_a_daemon_thread(lambda name=name: self._read(name, progress), "load a model")  # type: ignore[misc]
            for own in _pairs_of(pair, model.tokenizer):
                self._models.setdefault(own, model)
                pairs.append(own)
        self._pairs = list(dict.fromkeys(pairs))

    def tune(self, config: TranslateConfig) -> None:
        """Use these beams from the next batch on."""
        self._config = config

    def pairs(self) -> Sequence[Pair]:
        """Those of the models; before they are loaded, as the settings name them."""
        return self._pairs

    def resolve(self, source: str, target: str) -> Pair | None:
        """The pair of the model that serves this one."""
        return match_pair(source, target, self._pairs)

    def model_of(self, pair: Pair) -> str:
        """The folder's or the hub's name."""
        return self._models[pair].name

    def split(self, pair: Pair, text: str) -> list[Segment]:
        """Whole if the model takes it, else by sentences; what it has no tokens for is left out."""
        model = self._models[pair]
        limit = min(self._settings.max_pieces, model.positions)

        def count(part: str) -> int:
            # A piece has a character or more: short texts need not be tokenised to be counted.
            return len(part) + 3 if len(part) + 3 <= limit else len(model.tokenizer.encode(part, pair)) + 1

        return segments(text, count, limit, kept=KEPT)

    async def translate(self, pair: Pair, pieces: Sequence[Piece]) -> list[Outcome]:
        """Translate a batch in a thread."""
        beams = self._config.fast_beam_size if pieces[0].wish.fast else self._config.beam_size
        texts = [piece.text for piece in pieces]
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._compute, pair, texts, beams
        )

    async def close(self) -> None:
        """Free the models."""
        self._models.clear()
        self._threads.shutdown(wait=False)

    def _compute(self, pair: Pair, texts: list[str], beams: int) -> list[Outcome]:
        model = self._models[pair]
        tokens = [model.tokenizer.encode(text, pair) for text in texts]
        prefix = model.tokenizer.prefix(pair)
        results = model.translator.translate_batch(
            tokens,
            target_prefix=[prefix] * len(tokens) if prefix else None,
            beam_size=beams,
            max_decoding_length=min(model.positions - 1, 20 + 2 * max(map(len, tokens))),
            disable_unk=True,
            return_end_token=True,
        )
        return [self._text(model, pair, result.hypotheses[0]) for result in results]

    def _text(self, model: _Model, pair: Pair, tokens: list[str]) -> Outcome:
        if not tokens or tokens[-1] != END:
            return TranslationFailed(f"the model {model.name} came to no end on this text")
        text = model.tokenizer.decode(tokens[:-1], pair).strip()
        return text or TranslationFailed(f"the model {model.name} gave nothing for this text")

    def _read(self, name: str, progress: Progress) -> _Model:
        folder = locate(name, self._settings, progress)
        device = self._settings.defaults.device
        size_mb = (folder / MODEL_FILE).stat().st_size / 1e6
        progress(f"reading {size_mb:.0f} MB of {folder.name} for the device {device}")
        try:
            translator = ctranslate2.Translator(
                str(folder),
                device=device,
                compute_type=self._settings.compute_type or self._settings.defaults.compute_type,
                inter_threads=self._settings.engine_threads,
                intra_threads=self._settings.cpu_threads,
            )
            tokenizer = tokenizer_in(folder)
            return _Model(_shown(name), translator, tokenizer, _positions(translator))
        except Exception as error:
            raise _explain(self._settings, folder, error) from error


def _pairs_of(pair: Pair, tokenizer: Tokenizer) -> list[Pair]:
    if ANY not in pair:
        return [pair]
    if not tokenizer.languages:
        raise ModelUnavailable(
            "the model for * is not one of many languages",
            remedy="In DRAGOMAN_TRANSLATION_MODELS, name the pair of a Marian model, as en-es=/models/en-es.",
        )
    codes = tokenizer.languages
    return [Pair(source, target) for source in codes for target in codes if source != target]


def _positions(translator: ctranslate2.Translator) -> int:
    """How many tokens the model has position encodings for: it names the number when it is passed."""
    token = [END] * _PROBED_POSITIONS
    try:
        translator.score_batch([token], [token])
    except RuntimeError as error:
        found = _NO_POSITION.search(str(error))
        if found is None:
            raise
        return int(found[1])
    return _PROBED_POSITIONS


def _shown(name: str) -> str:
    return Path(name).expanduser().name if Path(name).expanduser().is_dir() else name


def _explain(settings: TranslationSettings, folder: Path, error: Exception) -> ModelUnavailable:
    text = str(error)
    if "cuda" in text.lower() or "cudnn" in text.lower():
        return ModelUnavailable(
            f"the device {settings.defaults.device} cannot be used",
            remedy="Install the NVIDIA driver, CUDA 12 and cuDNN 9, or set DRAGOMAN_TRANSLATION_PROFILE=cpu.",
        )
    if "compute type" in text:
        return ModelUnavailable(
            f"this device cannot compute in {settings.compute_type or settings.defaults.compute_type}",
            remedy="Unset DRAGOMAN_TRANSLATION_COMPUTE_TYPE, or use int8 or float32.",
        )
    return ModelUnavailable(
        f"the model in {folder} cannot be read ({type(error).__name__}); a file may be damaged",
        remedy="Fetch or convert the model again, or name another one in DRAGOMAN_TRANSLATION_MODELS.",
    )
