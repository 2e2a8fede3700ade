"""How models want their texts: Marian (opus-mt) and NLLB-200, both by SentencePiece."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import langcodes
from sentencepiece import SentencePieceProcessor

from dragoman_contracts.errors import UnknownLanguage
from dragoman_runtime.languages import base, canonical, closest
from dragoman_translation.engines.base import Pair
from dragoman_translation.engines.model_files import MARIAN_FILES, NLLB_FILES

END = "</s>"
_FLORES = re.compile(r"[a-z]{3}_[A-Z][a-z]{3}")
_LABEL = re.compile(r">>(\S+)<<")
_STANDARD_FORMS = frozenset(
    {
        "arb_Arab",
        "pes_Arab",
        "azj_Latn",
        "kmr_Latn",
        "zho_Hans",
        "lvs_Latn",
        "zsm_Latn",
        "swh_Latn",
        "khk_Cyrl",
        "npi_Deva",
        "ory_Orya",
        "pbt_Arab",
        "als_Latn",
        "ydd_Hebr",
        "plt_Latn",
        "uzn_Latn",
        "gaz_Latn",
        "quy_Latn",
        "ayr_Latn",
        "knc_Latn",
        "nob_Latn",
    }
)
"""Of the languages that NLLB has in several forms, the one that is meant when nothing else is said."""


class Tokenizer(Protocol):
    """What stands between texts and a model's tokens."""

    languages: list[str]
    """Canonical codes that it translates between; empty: the one pair that the settings give."""

    def encode(self, text: str, pair: Pair) -> list[str]:
        """The source tokens of a text."""
        ...

    def prefix(self, pair: Pair) -> list[str]:
        """Target tokens that the decoder begins with; they come back in what it gives."""
        ...

    def decode(self, tokens: list[str], pair: Pair) -> str:
        """The text of target tokens."""
        ...


def tokenizer_in(folder: Path) -> Tokenizer:
    """The tokenizer that the files of a model ask for."""
    if (folder / NLLB_FILES[0]).is_file():
        return NllbTokenizer(folder)
    return MarianTokenizer(folder)


class MarianTokenizer:
    """Source pieces and ``</s>``; a model of several targets wants ``>>es<<`` in front."""

    def __init__(self, folder: Path) -> None:
        source, target = (str(folder / name) for name in MARIAN_FILES)
        self._source = SentencePieceProcessor(source)
        self._target = SentencePieceProcessor(target)
        self.languages: list[str] = []
        found = (_LABEL.fullmatch(token) for token in _vocabulary(folder))
        self._labels = _by_code((label[1], label[0]) for label in found if label)

    def encode(self, text: str, pair: Pair) -> list[str]:
        """The source tokens of a text."""
        pieces: list[str] = self._source.encode(text, out_type=str)
        label = closest(pair.target, self._labels) if self._labels else None
        return [*([self._labels[label]] if label else []), *pieces, END]

    def prefix(self, pair: Pair) -> list[str]:
        """None."""
        return []

    def decode(self, tokens: list[str], pair: Pair) -> str:
        """The text of target tokens."""
        return str(self._target.decode(tokens))


class NllbTokenizer:
    """Source language, pieces and ``</s>``; the target language is the decoder's first token.

    Languages are FLORES-200 codes (``zho_Hans``) in the model's vocabulary.
    """

    def __init__(self, folder: Path) -> None:
        self._pieces = SentencePieceProcessor(str(folder / NLLB_FILES[0]))
        codes = [token for token in _vocabulary(folder) if _FLORES.fullmatch(token)]
        codes.sort(key=lambda code: code not in _STANDARD_FORMS)
        self._codes = _by_code((code.replace("_", "-"), code) for code in codes)
        self.languages = list(self._codes)

    def encode(self, text: str, pair: Pair) -> list[str]:
        """The source tokens of a text."""
        pieces: list[str] = self._pieces.encode(text, out_type=str)
        return [self._codes[pair.source], *pieces, END]

    def prefix(self, pair: Pair) -> list[str]:
        """The target language."""
        return [self._codes[pair.target]]

    def decode(self, tokens: list[str], pair: Pair) -> str:
        """The text of target tokens."""
        return str(self._pieces.decode(tokens[1:]))


def _by_code(names: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Tokens by canonical code; of several forms of a language the first has the plain code (``ar``)."""
    codes: dict[str, str] = {}
    for name, token in names:
        try:
            own = canonical(name)
        except UnknownLanguage:
            continue
        for code in (_macro(own), own, base(own)):
            codes.setdefault(code, token)
    return codes


def _macro(code: str) -> str:
    return str(langcodes.standardize_tag(code, macro=True))


def _vocabulary(folder: Path) -> list[str]:
    for name in ("shared_vocabulary", "source_vocabulary"):
        if (folder / f"{name}.json").is_file():
            tokens: list[Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
            return [str(token) for token in tokens]
        if (folder / f"{name}.txt").is_file():
            return (folder / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return []
