"""Pairs of languages: how they are written, and which one of an engine's serves one that is asked for."""

from __future__ import annotations

from collections.abc import Collection

from dragoman_contracts.errors import UnknownLanguage
from dragoman_runtime.languages import canonical, closest
from dragoman_translation.engines.base import ANY, Pair


def parse_pair(name: str) -> Pair:
    """``en-es``, ``pt-BR-en`` or ``pt-BR:en`` as a pair.

    Raises:
        UnknownLanguage: it is no pair of language codes.

    """
    if ":" in name:
        source, _, target = name.partition(":")
        return Pair(canonical(source), canonical(target))
    parts = name.split("-")
    for cut in range(1, len(parts)):
        try:
            return Pair(canonical("-".join(parts[:cut])), canonical("-".join(parts[cut:])))
        except UnknownLanguage:
            continue
    raise UnknownLanguage(f"{name[:40]!r} is no pair of language codes such as en-es")


def match_pair(source: str, target: str, pairs: Collection[Pair]) -> Pair | None:
    """That of ``pairs`` which serves this one best, or None; codes canonical, ``*`` serves all."""
    if Pair(source, target) in pairs:
        return Pair(source, target)
    own_source = _match(source, {pair.source for pair in pairs})
    if own_source is None:
        return None
    own_target = _match(target, {pair.target for pair in pairs if pair.source in {own_source, ANY}})
    return None if own_target is None else Pair(own_source, own_target)


def _match(wanted: str, known: set[str]) -> str | None:
    found = closest(wanted, sorted(known - {ANY}))
    return wanted if found is None and ANY in known else found
