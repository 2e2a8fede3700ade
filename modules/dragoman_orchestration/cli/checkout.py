"""What only a source checkout has: recordings with their references, the small models, the benchmarks."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dragoman_contracts.errors import NotFound

ROOT = Path(__file__).resolve().parents[3]
BENCHMARKS = ("quality", "overhead", "sessions", "bus", "translation", "config")
GET_THE_SOURCE = "Clone the repository and run it there: ./justw demo."


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a recording's reference, and from when to when it is spoken."""

    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording with its reference text."""

    path: Path
    text: str
    language: str
    duration_s: float
    sentences: tuple[Sentence, ...]


def small_model() -> Path:
    """Folder of the small Whisper model.

    Raises:
        NotFound: this is an installed wheel, not a checkout.

    """
    return _model("whisper-micro")


def small_translation_model(source: str, target: str) -> Path:
    """Folder of a small translation model: English and Spanish, either way.

    Raises:
        NotFound: this is an installed wheel, not a checkout, or there is none for these languages.

    """
    return _model(f"marian-micro-{source}-{target}")


def _model(name: str) -> Path:
    folder = ROOT / "tests" / "fixtures" / "models" / name
    if not (folder / "model.bin").is_file():
        raise NotFound(
            "the small models are part of the source checkout, not of the wheel", remedy=GET_THE_SOURCE
        )
    return folder


def known_translations(source: str, target: str) -> dict[str, str]:
    """The sentences of the corpus with their translation: English to Spanish or the other way."""
    corpus = ROOT / "tests" / "fixtures" / "audio" / "sentences.tsv"
    names, *rows = (line.split("\t") for line in corpus.read_text(encoding="utf-8").splitlines())
    return {row[names.index(source)]: row[names.index(target)] for row in rows}


def recording(name: str) -> Recording:
    """A recording of ``tests/fixtures/audio`` that has a reference.

    Raises:
        NotFound: no such recording, or no checkout.

    """
    folder = ROOT / "tests" / "fixtures" / "audio"
    references = folder / "refs.jsonl"
    if not references.is_file():
        raise NotFound(
            "the recordings are part of the source checkout, not of the wheel", remedy=GET_THE_SOURCE
        )
    known = {
        line["file"]: line for line in map(json.loads, references.read_text(encoding="utf-8").splitlines())
    }
    found = known.get(name)
    if found is None or not (folder / name).is_file():
        raise NotFound(f"there is no recording {name!r}", remedy=f"There are: {', '.join(sorted(known))}.")
    duration_s = float(found["duration"])
    whole = [{"text": found["text"], "start": 0.0, "end": duration_s}]
    sentences = (
        Sentence(part["text"], round(part["start"] * 1000), round(part["end"] * 1000))
        for part in found.get("segments") or whole
    )
    return Recording(folder / name, found["text"], found["language"], duration_s, tuple(sentences))


def run_bench(name: str, arguments: Sequence[str]) -> int:
    """Become the benchmark's own process; returns only by an error.

    Raises:
        NotFound: no such benchmark, or no checkout.

    """
    script = ROOT / "bench" / f"{name}.py"
    if name not in BENCHMARKS:
        raise NotFound(f"there is no benchmark {name!r}", remedy=f"There are: {', '.join(BENCHMARKS)}.")
    if not script.is_file():
        raise NotFound(
            "the benchmarks are part of the source checkout, not of the wheel", remedy=GET_THE_SOURCE
        )
    os.chdir(ROOT)  # the benchmarks are a package there
    os.execv(sys.executable, [sys.executable, "-m", f"bench.{name}", *arguments])  # noqa: S606  # our own interpreter
