"""Which engines translate a pair, in which order: directly, or by way of a pivot language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dragoman_contracts.errors import DragomanError, EngineUnavailable, PairUnavailable
from dragoman_contracts.translation_api import LanguagePair
from dragoman_runtime.languages import is_same
from dragoman_translation.batcher import Batcher
from dragoman_translation.config import TranslateConfig
from dragoman_translation.engines.base import ANY, Engine, Pair

_PAIRS_NAMED = 12
_PLANS_MAX = 4_096


@dataclass(slots=True)
class Line:
    """An engine of the service; ``problem`` says why it cannot be used, None if it can."""

    engine: Engine
    batcher: Batcher
    problem: DragomanError | None


class Leg(NamedTuple):
    """One step from language to language: the lines that can take it, in order, with their own pair."""

    source: str
    target: str
    lines: list[tuple[Line, Pair]]


class Router:
    """Finds the way for a pair. ``refresh`` must be called when an engine or the configuration changes."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._all = list(lines)
        self._order: list[Line] = []
        self._pivot = ""
        self._plans: dict[Pair, list[Leg] | DragomanError] = {}
        self._pairs: list[LanguagePair] | None = None

    def refresh(self, config: TranslateConfig) -> None:
        """Use this order of engines and this pivot, and the engines as they are now."""
        lines = {line.engine.name: line for line in self._all}
        self._order = [lines[name] for name in config.engines if name in lines]
        self._pivot = config.pivot
        self._plans.clear()
        self._pairs = None

    def plan(self, source: str, target: str) -> list[Leg]:
        """The legs from one language to another, both canonical.

        Raises:
            PairUnavailable: no engine has the pair, nor a way by the pivot; names pairs that exist.
            EngineUnavailable: none that is ready has it, but one may that is not.

        """
        pair = Pair(source, target)
        if pair not in self._plans:
            if len(self._plans) >= _PLANS_MAX:
                self._plans.clear()
            self._plans[pair] = self._find(source, target)
        found = self._plans[pair]
        if isinstance(found, DragomanError):
            # A new one: one that is raised again and again grows by each caller's traceback.
            raise type(found)(found.message, remedy=found.remedy)
        return found

    def pairs(self) -> list[LanguagePair]:
        """What can be translated now, direct pairs first."""
        if self._pairs is None:
            direct = self._direct_pairs()
            self._pairs = direct + list(self._pivoted(direct))
        return self._pairs

    def source_languages(self) -> list[str]:
        """Languages that can be translated from; empty: any."""
        sources = list(dict.fromkeys(pair.source for pair in self.pairs()))
        return [] if ANY in sources else sources

    def _find(self, source: str, target: str) -> list[Leg] | DragomanError:
        direct = self._leg(source, target)
        if direct.lines:
            return [direct]
        if self._pivot and not is_same(source, self._pivot) and not is_same(target, self._pivot):
            legs = [self._leg(source, self._pivot), self._leg(self._pivot, target)]
            if all(leg.lines for leg in legs):
                return legs
        return self._refusal(source, target)

    def _leg(self, source: str, target: str) -> Leg:
        ready = [line for line in self._order if line.problem is None]
        resolved = [(line, line.engine.resolve(source, target)) for line in ready]
        return Leg(source, target, [(line, pair) for line, pair in resolved if pair is not None])

    def _refusal(self, source: str, target: str) -> DragomanError:
        # It may have the pair, but cannot be used now; what a pivot would need of it counts as well.
        wanted = [(source, target), (source, self._pivot), (self._pivot, target)]
        away = [
            line
            for line in self._order
            if line.problem is not None
            and any(line.engine.resolve(*pair) is not None for pair in wanted if all(pair))
        ]
        if away:
            why = "; ".join(f"{line.engine.name}: {line.problem.message}" for line in away if line.problem)
            return EngineUnavailable(
                f"no engine that is ready translates from {source} to {target} ({why})",
                remedy=" ".join(dict.fromkeys(line.problem.remedy for line in away if line.problem)),
            )
        return PairUnavailable(
            f"no engine translates from {source} to {target}; {self._named(source, target)}"
        )

    def _named(self, source: str, target: str) -> str:
        pairs = sorted(self.pairs(), key=lambda pair: (pair.source != source) + (pair.target != target))
        if not pairs:
            return "there are no pairs at all, as no engine has any"
        names = [f"{pair.source}-{pair.target}" for pair in pairs[:_PAIRS_NAMED]]
        more = f" and {len(pairs) - len(names)} more" if len(pairs) > len(names) else ""
        return f"there are {', '.join(names)}{more}"

    def _direct_pairs(self) -> list[LanguagePair]:
        engines: dict[Pair, list[str]] = {}
        for line in self._order:
            if line.problem is None:
                for pair in line.engine.pairs():
                    engines.setdefault(pair, []).append(line.engine.name)
        return [
            LanguagePair(source=pair.source, target=pair.target, engines=names)
            for pair, names in engines.items()
        ]

    def _pivoted(self, direct: list[LanguagePair]) -> Iterator[LanguagePair]:
        if not self._pivot or any(ANY in (pair.source, pair.target) for pair in direct):
            return
        known = {(pair.source, pair.target) for pair in direct}
        into = [pair for pair in direct if is_same(pair.target, self._pivot)]
        out = [pair for pair in direct if is_same(pair.source, self._pivot)]
        for first in into:
            for second in out:
                if first.source != second.target and (first.source, second.target) not in known:
                    names = list(dict.fromkeys([*first.engines, *second.engines]))
                    yield LanguagePair(
                        source=first.source, target=second.target, engines=names, via=self._pivot
                    )
