"""Takes the texts of one request through the engines of its pair: fallback, pivot, glossary."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from dragoman_contracts.errors import DragomanError, TranslationFailed
from dragoman_translation import metrics
from dragoman_translation.batcher import Done, pair_label
from dragoman_translation.engines.base import Pair, Piece, Segment, Wish
from dragoman_translation.glossary import NO_TERMS, Term, mend, places
from dragoman_translation.router import Leg, Line

_TERMS_CACHED = 4_096


@dataclass(slots=True)
class Made:
    """What became of one text. Times are those of its slowest piece, summed over the legs."""

    text: str = ""
    engine: str = ""
    model: str = ""
    glossary_missed: list[str] = field(default_factory=list)
    error: DragomanError | None = None
    inference_ms: float = 0.0
    queue_ms: float = 0.0
    batch_size: int = 1


class Chain:
    """One for each process: it remembers what engines make of glossary terms."""

    def __init__(self) -> None:
        self._bare: OrderedDict[tuple[str, Pair, str], str] = OrderedDict()

    async def translate(self, legs: Sequence[Leg], texts: Sequence[str], wish: Wish) -> list[Made]:
        """Take ``texts`` over all legs. Errors are told for each text; none is raised."""
        made = [Made(text=text) for text in texts]
        for number, leg in enumerate(legs):
            is_last = number == len(legs) - 1
            # The glossary is between the first language and the last one, the context in the first one.
            part = Wish(
                context=wish.context if number == 0 else (),
                terms=wish.terms if is_last and number == 0 else NO_TERMS,
                formality=wish.formality if is_last else "default",
                fast=wish.fast,
                session_id=wish.session_id,
            )
            open_ones = [one for one in made if one.error is None]
            for one, step in zip(
                open_ones, await self._take_leg(leg, [one.text for one in open_ones], part), strict=True
            ):
                _add_step(one, step)
        if len(legs) > 1 and len(wish.terms):
            for text, one in zip(texts, made, strict=True):
                one.glossary_missed = _missed(text, one, wish)
        return made

    async def _take_leg(self, leg: Leg, texts: Sequence[str], wish: Wish) -> list[Made]:
        made = [Made(error=TranslationFailed("no engine could translate it")) for _ in texts]
        for line, pair in leg.lines:
            rest = [number for number, one in enumerate(made) if one.error is not None]
            if not rest:
                break
            for number, one in zip(
                rest, await self._ask(line, pair, [texts[number] for number in rest], wish), strict=True
            ):
                made[number] = one if one.error is None else _more_hopeful(made[number], one)
        return made

    async def _ask(self, line: Line, pair: Pair, texts: Sequence[str], wish: Wish) -> list[Made]:
        cut = [line.engine.split(pair, text) for text in texts]
        pieces = [Piece(part.text, wish) for parts in cut for part in parts if part.text]
        try:
            answers = line.batcher.submit(pair, pieces)
        except DragomanError as error:
            return [Made(error=error) for _ in texts]
        try:
            done = iter(await asyncio.gather(*answers, return_exceptions=True))
        except asyncio.CancelledError:
            for answer in answers:
                answer.cancel()
            raise
        made = [_join(parts, [next(done) for part in parts if part.text]) for parts in cut]
        for text, one in zip(texts, made, strict=True):
            if one.error is None:
                one.engine, one.model = line.engine.name, line.engine.model_of(pair)
                metrics.TEXTS.labels(line.engine.name, pair_label(pair)).inc()
                if len(wish.terms):
                    await self._check_terms(line, pair, text, one, wish)
        return made

    async def _check_terms(self, line: Line, pair: Pair, text: str, one: Made, wish: Wish) -> None:
        """Mend the translation where the engine missed a term and it is safe; note what stays missed."""
        for term in _missed_terms(text, one.text, wish):
            mended = None
            if not line.engine.applies_glossary:
                bare = await self._bare_translation(line, pair, term, wish)
                mended = mend(one.text, bare, term.target, at_most=len(places(term.source, text)))
            if mended is None:
                one.glossary_missed.append(term.source)
            else:
                one.text = mended
        _count_terms(len(wish.terms.in_text(text)), len(one.glossary_missed))

    async def _bare_translation(self, line: Line, pair: Pair, term: Term, wish: Wish) -> str:
        """What the engine makes of the term alone; empty where it makes nothing."""
        key = (line.engine.name, pair, term.source)
        if key not in self._bare:
            alone = Wish(fast=wish.fast, session_id=wish.session_id)
            try:
                (answer,) = line.batcher.submit(pair, [Piece(term.source, alone)])
                self._bare[key] = (await answer).text
            except TranslationFailed:
                self._bare[key] = ""
            except DragomanError:  # it may know the next time
                return ""
            if len(self._bare) > _TERMS_CACHED:
                self._bare.popitem(last=False)
        return self._bare[key]


def _more_hopeful(one: Made, other: Made) -> Made:
    """Of two failures the one after which asking again can help, else the later."""
    return one if one.error is not None and not one.error.permanent else other


def _join(parts: Sequence[Segment], done: Sequence[Done | BaseException]) -> Made:
    texts = iter(done)
    out: list[str] = []
    for part in parts:
        if part.text:
            piece = next(texts)
            if isinstance(piece, DragomanError):
                return Made(error=piece)
            if isinstance(piece, BaseException):
                raise piece
            out.append(piece.text)
        out.append(part.after)
    whole = [piece for piece in done if isinstance(piece, Done)]
    return Made(
        text="".join(out),
        inference_ms=1000 * max((piece.inference_s for piece in whole), default=0.0),
        queue_ms=1000 * max((piece.queue_s for piece in whole), default=0.0),
        batch_size=max((piece.batch_size for piece in whole), default=1),
    )


def _add_step(one: Made, step: Made) -> None:
    one.error = step.error
    one.text = step.text
    one.engine = "+".join(dict.fromkeys(filter(None, [*one.engine.split("+"), step.engine])))
    one.model = "+".join(dict.fromkeys(filter(None, [*one.model.split("+"), step.model])))
    one.glossary_missed = step.glossary_missed
    one.inference_ms += step.inference_ms
    one.queue_ms += step.queue_ms
    one.batch_size = max(one.batch_size, step.batch_size)


def _missed_terms(text: str, translation: str, wish: Wish) -> list[Term]:
    return [term for term in wish.terms.in_text(text) if not places(term.target, translation)]


def _missed(text: str, one: Made, wish: Wish) -> list[str]:
    if one.error is not None:
        return []
    missed = [term.source for term in _missed_terms(text, one.text, wish)]
    _count_terms(len(wish.terms.in_text(text)), len(missed))
    return missed


def _count_terms(found: int, missed: int) -> None:
    metrics.GLOSSARY.labels("missed").inc(missed)
    metrics.GLOSSARY.labels("right").inc(found - missed)
