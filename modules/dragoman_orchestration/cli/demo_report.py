"""What came of a demo: its figures, for people and for machines."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dragoman_contracts.websocket import Ledger, TranslationFinal
from dragoman_orchestration.cli.checkout import Recording
from dragoman_orchestration.cli.score import CaptionMeter, percentile, translated_alike, word_error_rate
from dragoman_orchestration.cli.translations import TranslationRecord


class TranslationFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the translation into one language.

    ``reference`` are the sentences as they should read, ``known`` how many of them are from the corpus: the
    others are the same model's translation of the reference text. ``exact`` counts the sentences that read
    as their reference, case and punctuation aside. ``added_ms`` is from a final's arrival to its
    translation's.
    """

    target: str
    engines: list[str]
    finals: int
    missing: int
    text: str
    reference: list[str]
    known: int
    exact: int
    added_ms_p50: float | None
    added_ms_p95: float | None


class DemoFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a demo; latencies in ms at the recording's own pace."""

    recording: str
    language: str
    speed: float
    reference: str
    text: str
    word_error_rate: float
    partials: int
    finals: int
    first_caption_ms_p50: float | None
    first_caption_ms_p95: float | None
    final_ms_p50: float | None
    final_ms_p95: float | None
    ledger: Ledger
    translation: TranslationFigures


def demo_figures(
    chosen: Recording, speed: float, meter: CaptionMeter, ledger: Ledger, translation: TranslationFigures
) -> DemoFigures:
    """All of it, from what was measured."""
    return DemoFigures(
        recording=chosen.path.name,
        language=chosen.language,
        speed=speed,
        reference=chosen.text,
        text=meter.text,
        word_error_rate=word_error_rate(chosen.text, meter.text),
        partials=meter.partials,
        finals=len(meter.finals),
        first_caption_ms_p50=_percentile(meter.first_caption_ms, 0.5),
        first_caption_ms_p95=_percentile(meter.first_caption_ms, 0.95),
        final_ms_p50=_percentile(meter.final_ms, 0.5),
        final_ms_p95=_percentile(meter.final_ms, 0.95),
        ledger=ledger,
        translation=translation,
    )


def translation_figures(
    chosen: Recording, target: str, record: TranslationRecord, reference: Sequence[str], known: int
) -> TranslationFigures:
    """The part of it that is about one language."""
    spans = [(sentence.start_ms, sentence.end_ms) for sentence in chosen.sentences]
    expected = [(start, end, text) for (start, end), text in zip(spans, reference, strict=True)]
    got = [_span(t) for (_, language), t in record.translations.items() if language == target]
    added_ms = record.added_ms.get(target, [])
    return TranslationFigures(
        target=target,
        engines=record.engines(target),
        finals=len(record.finals),
        missing=len(record.missing(target)),
        text=record.text(target),
        reference=list(reference),
        known=known,
        exact=translated_alike(expected, got),
        added_ms_p50=_percentile(added_ms, 0.5),
        added_ms_p95=_percentile(added_ms, 0.95),
    )


def report_lines(figures: DemoFigures) -> list[tuple[str, str]]:
    """Name and value of each line that a person reads."""
    ledger, translation = figures.ledger, figures.translation
    sentences = len(translation.reference)
    return [
        (f"Reference ({figures.language})", figures.reference),
        (f"Transcript ({figures.language})", figures.text),
        (
            "Word error rate",
            f"{figures.word_error_rate:.1%} of {len(figures.reference.split())} words "
            "(case and punctuation aside)",
        ),
        (f"Reference ({translation.target})", " ".join(translation.reference)),
        (f"Translation ({translation.target})", translation.text),
        (
            "Exact translations",
            f"{translation.exact} of {sentences} sentences (case and punctuation aside; references: "
            f"{translation.known} from the corpus, {sentences - translation.known} by the same model from "
            "the reference text)",
        ),
        (
            "Word spoken → first caption",
            f"p50 {_s(figures.first_caption_ms_p50)}, p95 {_s(figures.first_caption_ms_p95)} "
            f"({figures.partials} partials)",
        ),
        (
            "Utterance's end → final",
            f"p50 {_s(figures.final_ms_p50)}, p95 {_s(figures.final_ms_p95)} ({figures.finals} finals)",
        ),
        (
            "Final → its translation",
            f"p50 {_ms(translation.added_ms_p50)}, p95 {_ms(translation.added_ms_p95)} "
            f"({translation.finals - translation.missing} of {translation.finals} finals, "
            f"{', '.join(translation.engines) or 'no engine'})",
        ),
        (
            "Ledger",
            f"{ledger.received_ms / 1000:.3f} s received = {ledger.transcribed_ms / 1000:.3f} transcribed "
            f"+ {ledger.silence_ms / 1000:.3f} silence + {ledger.gap_ms / 1000:.3f} gaps",
        ),
    ]


def _span(translation: TranslationFinal) -> tuple[int, int, str]:
    return translation.start_ms, translation.end_ms, translation.text


def _percentile(values: Sequence[float], share: float) -> float | None:
    return round(percentile(values, share), 1) if values else None


def _s(value_ms: float | None) -> str:
    return "none" if value_ms is None else f"{value_ms / 1000:.2f} s"


def _ms(value_ms: float | None) -> str:
    return "none" if value_ms is None else f"{value_ms:.0f} ms"
