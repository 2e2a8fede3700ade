"""Whether what a chat model answered is a translation: its form, its language, its length."""

from __future__ import annotations

import re

import msgspec

from dragoman_runtime.languages import base
from dragoman_translation.detect import SURE_BYTES, rank
from dragoman_translation.engines.base import Pair
from dragoman_translation.text import clean, has_letters

_THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_FENCE = re.compile(r"\A```(?:json)?\s*\n(.*)\n```\Z", re.DOTALL)

_CHECKED_BYTES = 20
_SHORTEST, _LONGEST = 0.2, 5.0
"""Length over the source's, in bytes of UTF-8: scripts with many bytes a character have few characters."""
_SURE = 0.8
_FOREIGN = 0.95
_NOT_TARGET = 0.01


class _Answer(msgspec.Struct, forbid_unknown_fields=True):
    translations: list[str]


def parse_answer(content: object, count: int) -> list[str] | None:
    """The translations in a model's answer; None if it is not of the form that was asked for.

    A code fence and the thoughts of a reasoning model are set aside; words around the object are not.
    """
    if not isinstance(content, str):
        return None
    text = _THOUGHT.sub("", content).strip()
    fenced = _FENCE.match(text)
    try:
        answer = msgspec.json.decode(fenced[1] if fenced else text, type=_Answer)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return [clean(one) for one in answer.translations] if len(answer.translations) == count else None


def why_unusable(text: str, translation: str, pair: Pair) -> str:
    """Why ``translation`` cannot be one of ``text``; empty if it can."""
    if not has_letters(translation):
        return "the model gave nothing for this text"
    source_bytes, size = len(text.encode()), len(translation.strip().encode())
    if source_bytes >= _CHECKED_BYTES and size < _SHORTEST * source_bytes:
        return "the model's answer is too short for a translation"
    if size > _LONGEST * max(source_bytes, _CHECKED_BYTES):
        return "the model's answer is too long for a translation"
    if translation.strip().count("\n") > text.strip().count("\n"):
        return "the model's answer has lines that the text does not have"
    if size >= SURE_BYTES and _is_other_language(translation, pair):
        return "the model answered in a wrong language"
    return ""


def _is_other_language(translation: str, pair: Pair) -> bool:
    if base(pair.source) == base(pair.target):  # zh-Hans and zh-Hant cannot be told apart here
        return False
    two = rank(translation, [pair.source, pair.target])
    if len(two) == 2 and two[0].language == pair.source and two[0].probability >= _SURE:
        return True
    every = {guess.language: guess.probability for guess in rank(translation)}
    best = max(every, key=lambda language: every[language], default="")
    target = base(pair.target)
    return target in every and every[best] >= _FOREIGN and every[target] < _NOT_TARGET
