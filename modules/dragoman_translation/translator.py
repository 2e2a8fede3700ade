"""Answers a request: checks it, finds the language of each text, and asks the chain for each target."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from dragoman_contracts.errors import DragomanError, InvalidInput, TranslationFailed
from dragoman_contracts.translation_api import (
    MAX_TARGETS,
    MAX_TEXT_CHARS,
    MAX_TEXTS,
    TargetResult,
    TranslatedText,
    TranslateRequest,
    TranslateResponse,
    TranslationProblem,
)
from dragoman_runtime.languages import canonical, closest, is_same
from dragoman_translation.chain import Chain, Made
from dragoman_translation.detect import Undetectable, detect
from dragoman_translation.engines.base import Wish
from dragoman_translation.glossary import NO_TERMS, Terms, parse_terms
from dragoman_translation.router import Router
from dragoman_translation.text import clean, has_letters

T = TypeVar("T")

CONTEXT_SENTENCES = 8
"""The last ones; more would cost a chat engine more than they tell it."""


@dataclass(frozen=True, slots=True)
class _Work:
    """A request that was checked: clean texts, canonical codes. ``source`` None: told for each text."""

    request: TranslateRequest
    texts: list[str]
    source: str | None
    context: tuple[str, ...]
    glossary: dict[str, Terms]


class Translator:
    """Translates requests by ``router``'s ways."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._chain = Chain()

    async def translate(self, request: TranslateRequest) -> TranslateResponse:
        """One result for each target.

        Raises:
            InvalidInput: the request passes a limit, or its glossary contradicts itself.
            UnknownLanguage: the source, or a language of the glossary, is none.
            DragomanError: no target can be served; the first one's error.

        """
        work = _check(request)
        targets = list(dict.fromkeys(request.targets))
        answers = await _all([self._serve(work, target) for target in targets])
        errors = [answer for answer in answers if isinstance(answer, DragomanError)]
        if len(errors) == len(answers):
            raise errors[0]
        results = {
            target: TargetResult(target=target, error=problem_of(answer))
            if isinstance(answer, DragomanError)
            else answer
            for target, answer in zip(targets, answers, strict=True)
        }
        return TranslateResponse(results=[results[target] for target in request.targets])

    async def _serve(self, work: _Work, target: str) -> TargetResult | DragomanError:
        try:
            made, sources = await self._translate(work, canonical(target))
        except DragomanError as error:
            return error
        errors = [one.error for one in made if one.error is not None]
        # What ails all texts alike ails the target; but that a text cannot be translated is its own matter.
        alike = len(errors) == len(made) and len({error.code for error in errors}) == 1
        if alike and not isinstance(errors[0], TranslationFailed):
            return errors[0]
        return TargetResult(
            target=target,
            texts=[_told(one, source) for one, source in zip(made, sources, strict=True)],
            model="+".join(dict.fromkeys(one.model for one in made if one.model)),
            inference_ms=round(max(one.inference_ms for one in made), 3),
            queue_ms=round(max(one.queue_ms for one in made), 3),
            batch_size=max(one.batch_size for one in made),
        )

    async def _translate(self, work: _Work, target: str) -> tuple[list[Made], list[str]]:
        made = [Made(text=text) for text in work.texts]
        sources = self._sources(work, target, made)
        by_source: dict[str, list[int]] = {}
        for number, source in enumerate(sources):
            if source and has_letters(work.texts[number]) and not is_same(source, target):
                by_source.setdefault(source, []).append(number)
        wish = Wish(
            context=work.context,
            terms=_terms_for(work.glossary, target),
            formality=work.request.formality,
            fast=work.request.fast,
            session_id=work.request.session_id,
        )
        parts = [
            self._part(source, target, [work.texts[number] for number in numbers], wish)
            for source, numbers in by_source.items()
        ]
        for numbers, done in zip(by_source.values(), await _all(parts), strict=True):
            for number, one in zip(numbers, done, strict=True):
                made[number] = one
        return made, sources

    def _sources(self, work: _Work, target: str, made: list[Made]) -> list[str]:
        """The language of each text, given or told; empty where it cannot be told, or need not be."""
        sources = []
        for text, one in zip(work.texts, made, strict=True):
            source = work.source or ""
            try:
                if not source and has_letters(text):
                    source = self._language_of(text, target)
            except Undetectable as error:
                one.error = error
            sources.append(source)
        return sources

    async def _part(self, source: str, target: str, texts: Sequence[str], wish: Wish) -> list[Made]:
        try:
            legs = self._router.plan(source, target)
        except DragomanError as error:
            return [Made(error=error) for _ in texts]
        return await self._chain.translate(legs, texts, wish)

    def _language_of(self, text: str, target: str) -> str:
        known = self._router.source_languages()
        return detect(text, [*known, target] if known else [])


async def _all(works: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Do them at the same time; a single one, the usual case of live captions, without a task of its own."""
    return [await works[0]] if len(works) == 1 else list(await asyncio.gather(*works))


def problem_of(error: DragomanError) -> TranslationProblem:
    """An error as data."""
    return TranslationProblem(
        code=error.code, message=error.message, remedy=error.remedy, permanent=error.permanent
    )


def _told(one: Made, source: str) -> TranslatedText:
    if one.error is not None:
        return TranslatedText(source=source, error=problem_of(one.error))
    return TranslatedText(
        text=one.text, source=source, engine=one.engine, glossary_missed=one.glossary_missed
    )


def _check(request: TranslateRequest) -> _Work:
    _check_limits(request)
    glossary = {}
    for language, terms in request.glossary.items():
        glossary[canonical(language)] = parse_terms(canonical(language), terms)
    return _Work(
        request=request,
        texts=[clean(text) for text in request.texts],
        source=canonical(request.source) if request.source is not None else None,
        context=tuple(
            filter(None, (clean(text)[:MAX_TEXT_CHARS] for text in request.context[-CONTEXT_SENTENCES:]))
        ),
        glossary=glossary,
    )


def _check_limits(request: TranslateRequest) -> None:
    if not request.texts or not request.targets:
        what = "texts" if not request.texts else "targets"
        raise InvalidInput(f"{what} is empty", remedy="Send at least one text and one target language.")
    if len(request.texts) > MAX_TEXTS:
        raise InvalidInput(
            f"the request has {len(request.texts)} texts; at most {MAX_TEXTS} are taken",
            remedy="Spread the texts over several requests.",
        )
    if len(request.targets) > MAX_TARGETS:
        raise InvalidInput(
            f"the request has {len(request.targets)} target languages; at most {MAX_TARGETS} are taken",
            remedy="Spread the languages over several requests.",
        )
    for number, text in enumerate(request.texts):
        if len(text) > MAX_TEXT_CHARS:
            raise InvalidInput(
                f"text {number} has {len(text)} characters; at most {MAX_TEXT_CHARS} are taken",
                remedy="Cut the text between sentences and send its parts as texts of one request.",
            )


def _terms_for(glossary: dict[str, Terms], target: str) -> Terms:
    if not glossary:
        return NO_TERMS
    language = target if target in glossary else closest(target, glossary)
    return NO_TERMS if language is None else glossary[language]
