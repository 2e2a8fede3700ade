"""The configuration document, pure: merging into it, its differences, its scopes, and what it may not say.

Values are plain JSON here; ``ConfigValues`` checks single fields, ``problems_of`` what holds between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from dragoman_contracts.config import SESSION_SECTIONS, AnomalyRule, ConfigDocument, Scope
from dragoman_contracts.errors import InvalidInput

MAX_DEPTH = 8
"""Of a merge patch; a document has fewer levels."""
MAX_PROBLEMS = 20
"""That are told at once."""

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that two versions differ in; None where it is not set."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """A place of a document that cannot be as it is; the message has no values."""

    path: str
    message: str


class ConfigInvalid(InvalidInput):
    """The configuration would not be possible; each field that is wrong is named."""

    code = "config_invalid"
    default_remedy = "Correct the fields; GET /v1/config/schema describes all of them."

    def __init__(self, problems: list[FieldProblem]) -> None:
        self.problems = problems[:MAX_PROBLEMS]
        told = "; ".join(f"{problem.path}: {problem.message}" for problem in problems[:3])
        super().__init__(f"the configuration is not valid: {told}")


def merge_patch(target: Any, patch: Any, *, depth: int = 0) -> Any:
    """``target`` with ``patch`` merged into it, by RFC 7396; neither is changed.

    Raises:
        InvalidInput: the patch is nested deeper than any document.

    """
    if depth > MAX_DEPTH:
        raise InvalidInput(f"the patch has more than {MAX_DEPTH} levels")
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value, depth=depth + 1)
    return merged


def diff(before: Values, after: Values) -> list[FieldChange]:
    """The fields that differ, by path; a list counts as one value.

    What is an empty object on the one side and missing on the other differs in itself: an empty preset is
    not the same as none.
    """
    old, new = dict(_leaves(before)), dict(_leaves(after))
    # An object that is empty on one side only is told by the fields of the other.
    inner = {prefix for path in old.keys() | new.keys() for prefix in _prefixes(path)}
    return [
        FieldChange(path, old.get(path), new.get(path))
        for path in sorted((old.keys() | new.keys()) - inner)
        if path not in old or path not in new or not _same(old[path], new[path])
    ]


def _prefixes(path: str) -> Iterator[str]:
    parts = path.split(".")
    return (".".join(parts[:length]) for length in range(1, len(parts)))


def _same(one: Any, other: Any) -> bool:
    # 1 is True for Python, not for JSON.
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _leaves(values: Values, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{path}.")
        else:
            yield path, value


def effective(
    defaults: Values,
    document: ConfigDocument,
    preset: str | None = None,
    session_values: Values | None = None,
) -> tuple[dict[str, Any], dict[str, Scope]]:
    """What is in force for a session, and for each ``section.field`` where it comes from.

    Args:
        defaults: by section, what the process was started with.
        document: the configuration.
        preset: that the session names; one that does not exist (any more) sets nothing.
        session_values: the session's own, by section.

    """
    named = document.presets.get(preset) if preset else None
    scopes: list[tuple[Scope, Values]] = [
        (Scope.DEFAULTS, defaults),
        (Scope.SYSTEM, document.system.set_values()),
        (Scope.PRESET, _of_a_session(named.set_values()) if named else {}),
        (Scope.SESSION, _of_a_session(session_values or {})),
    ]
    values: dict[str, Any] = {}
    provenance: dict[str, Scope] = {}
    for scope, sections in scopes:
        for section, fields in sections.items():
            for name, value in fields.items():
                if value is not None:
                    values.setdefault(section, {})[name] = value
                    provenance[f"{section}.{name}"] = scope
    return values, provenance


def _of_a_session(sections: Values) -> Values:
    return {name: fields for name, fields in sections.items() if name in SESSION_SECTIONS}


# --- what a document may not say -------------------------------------------------------------------------

_NOT_ABOVE = (
    ("recognition", "min_step_ms", "max_step_ms"),
    ("degradation", "recover_lag_ms", "degrade_lag_ms"),
)
"""Fields of a section of which the first must not be above the second."""
_RANK = {scope: rank for rank, scope in enumerate(Scope)}


def checked_document(raw: Values, *, defaults: Iterable[Values] = ()) -> ConfigDocument:
    """A document of its JSON, all of it checked.

    Args:
        raw: as ``ConfigDocument.to_json`` gives it.
        defaults: what the living processes were started with; fields must go together with those, too.

    Raises:
        ConfigInvalid: it is not possible; the problems name the fields.

    """
    try:
        document = ConfigDocument.model_validate(raw)
    except ValidationError as error:
        raise ConfigInvalid(_field_problems(error)) from None
    problems = problems_of(document, defaults)
    if problems:
        raise ConfigInvalid(problems)
    return document


def problems_of(document: ConfigDocument, defaults: Iterable[Values] = ()) -> list[FieldProblem]:
    """What is wrong between the fields of a document."""
    problems = [*_preset_problems(document), *_session_problems(document), *_rule_problems(document)]
    steps = document.system.degradation.steps or []
    if len(set(steps)) < len(steps):
        problems.append(FieldProblem("system.degradation.steps", "a step is named twice"))
    for known in ({}, *defaults):
        for preset in (None, *sorted(document.presets)):
            problems += [
                problem for problem in _order_problems(known, document, preset) if problem not in problems
            ]
    return problems


def _preset_problems(document: ConfigDocument) -> Iterator[FieldProblem]:
    for name, values in sorted(document.presets.items()):
        for section in values.set_values():
            if section not in SESSION_SECTIONS:
                yield FieldProblem(
                    f"presets.{name}.{section}", f"a preset sets only {', '.join(SESSION_SECTIONS)}"
                )


def _session_problems(document: ConfigDocument) -> Iterator[FieldProblem]:
    session = document.system.session
    if session.preset is not None and session.preset not in document.presets:
        yield FieldProblem("system.session.preset", "there is no preset of this name")
    for name, values in (("targets", session.targets), ("glossaries", session.glossaries)):
        if values and len(set(values)) < len(values):
            yield FieldProblem(f"system.session.{name}", "each may be named once")


def _rule_problems(document: ConfigDocument) -> Iterator[FieldProblem]:
    for name, rule in sorted((document.system.monitoring.rules or {}).items()):
        wrong = _wrong_thresholds(rule)
        if wrong:
            yield FieldProblem(f"system.monitoring.rules.{name}", wrong)


def _wrong_thresholds(rule: AnomalyRule) -> str:
    if rule.above is None and rule.below is None:
        return "it needs above or below" if rule.enabled else ""
    if rule.above is not None and rule.below is not None:
        return "it has either above or below"
    if rule.clear is not None and rule.above is not None and rule.clear > rule.above:
        return "clear must not be over above"
    if rule.clear is not None and rule.below is not None and rule.clear < rule.below:
        return "clear must not be under below"
    return ""


def _order_problems(defaults: Values, document: ConfigDocument, preset: str | None) -> Iterator[FieldProblem]:
    values, provenance = effective(defaults, document, preset)
    for section, lower, upper in _NOT_ABOVE:
        fields = values.get(section, {})
        low, high = fields.get(lower), fields.get(upper)
        if low is None or high is None or low <= high:
            continue
        scopes = {name: provenance[f"{section}.{name}"] for name in (lower, upper)}
        # The field of the later scope is the one that this scope got wrong.
        ours = max(lower, upper, key=lambda name: (_RANK[scopes[name]], name == lower))
        other = upper if ours == lower else lower
        if scopes[ours] is Scope.DEFAULTS or (preset and scopes[ours] is not Scope.PRESET):
            continue  # a process was started like that, or it is told of the system already
        place = f"presets.{preset}" if preset else "system"
        relation = "above" if ours == lower else "below"
        origin = " that the audio workers were started with" if scopes[other] is Scope.DEFAULTS else ""
        yield FieldProblem(f"{place}.{section}.{ours}", f"it must not be {relation} {other}{origin}")


def _field_problems(error: ValidationError) -> list[FieldProblem]:
    # "input" and "ctx" of pydantic's details hold what was given: left out.
    return [
        FieldProblem(".".join(_part(part) for part in detail["loc"]) or "document", str(detail["msg"])[:200])
        for detail in error.errors(include_url=False, include_input=False, include_context=False)
    ]


def _part(part: int | str) -> str:
    """A part of a path as text that can be sent on: a name that nobody knows may hold anything."""
    return str(part)[:64].encode("ascii", "backslashreplace").decode()
