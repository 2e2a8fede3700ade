"""Merging, differences, scopes, and what a configuration may not say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman_contracts.config import SESSION_SECTIONS, ConfigDocument, ConfigValues, Scope
from dragoman_contracts.errors import InvalidInput
from dragoman_contracts.events import ConfigUpdateRequested
from dragoman_orchestration.config.change import changed
from dragoman_orchestration.config.document import (
    ConfigInvalid,
    checked_document,
    diff,
    effective,
    merge_patch,
)
from dragoman_orchestration.monitoring.default_rules import DEFAULT_RULES

# --- examples --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "patch", "merged"),
    [
        # The test cases of RFC 7396, appendix A.
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_patches_merge_as_the_rfc_says(target, patch, merged):
    before = json.dumps(target)
    assert merge_patch(target, patch) == merged
    assert json.dumps(target) == before


def test_a_patch_of_endless_depth_is_refused():
    patch: dict[str, Any] = {}
    for _ in range(900):
        patch = {"a": patch}
    with pytest.raises(InvalidInput, match="levels"):
        merge_patch({}, patch)


def test_differences_name_path_and_both_sides():
    before = {"system": {"whisper": {"beam_size": 5}}, "presets": {"lecture": {}}}
    after = {"system": {"whisper": {"beam_size": 3}, "partials": {"enabled": True}}, "presets": {}}
    assert [(one.path, one.before, one.after) for one in diff(before, after)] == [
        ("presets.lecture", {}, None),
        ("system.partials.enabled", None, True),
        ("system.whisper.beam_size", 5, 3),
    ]


def test_a_truth_is_not_the_number_one():
    assert diff({"a": 1}, {"a": True})
    assert not diff({"a": 1}, {"a": 1.0})


def test_later_scopes_win_and_are_named():
    document = checked_document(
        {
            "system": {"voice_activity": {"threshold": 0.4, "min_silence_ms": 300}},
            "presets": {
                "lecture": {"voice_activity": {"min_silence_ms": 900}, "partials": {"enabled": False}}
            },
        }
    )
    values, provenance = effective(
        {
            "voice_activity": {"threshold": 0.5, "min_silence_ms": 416},
            "recognition": {"min_step_ms": 320, "max_step_ms": 2000},
        },
        document,
        "lecture",
        {"recognition": {"min_step_ms": 500, "max_step_ms": None}, "whisper": {"beam_size": 16}},
    )
    assert values == {
        "voice_activity": {"threshold": 0.4, "min_silence_ms": 900},
        "recognition": {"min_step_ms": 500, "max_step_ms": 2000},
        "partials": {"enabled": False},
    }
    assert provenance == {
        "voice_activity.threshold": Scope.SYSTEM,
        "voice_activity.min_silence_ms": Scope.PRESET,
        "recognition.min_step_ms": Scope.SESSION,
        "recognition.max_step_ms": Scope.DEFAULTS,
        "partials.enabled": Scope.PRESET,
    }


def test_a_preset_that_is_gone_sets_nothing():
    document = checked_document({"system": {"partials": {"enabled": False}}})
    assert effective({}, document, "gone") == effective({}, document)


WORKER = {"recognition": {"min_step_ms": 320, "max_step_ms": 2000}}


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ({"system": {"colour": {}}}, "system.colour"),
        ({"system": {"whisper": {"beams": 1}}}, "system.whisper.beams"),
        ({"system": {"whisper": {"beam_size": 17}}}, "system.whisper.beam_size"),
        ({"system": {"whisper": {"beam_size": "many"}}}, "system.whisper.beam_size"),
        ({"system": {"whisper": []}}, "system.whisper"),
        ({"system": {"voice_activity": {"threshold": float("nan")}}}, "system.voice_activity.threshold"),
        ({"system": {"translation": {"engines": ["mock", "mock"]}}}, "system.translation.engines"),
        ({"system": {"translation": {"pivot": "a language"}}}, "system.translation.pivot"),
        ({"system": {"session": {"preset": "gone"}}}, "system.session.preset"),
        ({"system": {"session": {"targets": ["es", "es"]}}}, "system.session.targets"),
        ({"system": {"degradation": {"steps": ["drop_partials"] * 2}}}, "system.degradation.steps"),
        (
            {"system": {"degradation": {"degrade_lag_ms": 400, "recover_lag_ms": 500}}},
            "system.degradation.recover_lag_ms",
        ),
        (
            {"system": {"recognition": {"min_step_ms": 600, "max_step_ms": 500}}},
            "system.recognition.min_step_ms",
        ),
        ({"system": {"recognition": {"min_step_ms": 2001}}}, "system.recognition.min_step_ms"),
        ({"system": {"recognition": {"max_step_ms": 300}}}, "system.recognition.max_step_ms"),
        (
            {
                "system": {"recognition": {"max_step_ms": 500}},
                "presets": {"lecture": {"recognition": {"min_step_ms": 600}}},
            },
            "presets.lecture.recognition.min_step_ms",
        ),
        ({"presets": {"lecture": {"whisper": {"beam_size": 1}}}}, "presets.lecture.whisper"),
        ({"presets": {"lecture": {"session": {"language": "en"}}}}, "presets.lecture.session"),
        ({"presets": {"A lecture": {}}}, "presets.A lecture.[key]"),
        ({"presets": {f"p{n}": {} for n in range(201)}}, "presets"),
        ({"system": {"monitoring": {"rules": {"lag": {"measure": "x"}}}}}, "system.monitoring.rules.lag"),
        (
            {"system": {"monitoring": {"rules": {"lag": {"measure": "x", "above": 1, "below": 2}}}}},
            "system.monitoring.rules.lag",
        ),
        (
            {"system": {"monitoring": {"rules": {"lag": {"measure": "x", "above": 1, "clear": 2}}}}},
            "system.monitoring.rules.lag",
        ),
        (
            {"system": {"monitoring": {"rules": {"lag": {"measure": "x", "below": 2, "clear": 1}}}}},
            "system.monitoring.rules.lag",
        ),
        (
            {"system": {"monitoring": {"rules": {"lag": {"measure": "x", "above": float("inf")}}}}},
            "system.monitoring.rules.lag.above",
        ),
        (
            {"system": {"monitoring": {"rules": {"a.b": {"measure": "x", "above": 1}}}}},
            "system.monitoring.rules.a.b.[key]",
        ),
    ],
)
def test_what_is_not_possible_is_refused_by_the_name_of_its_field(raw, path):
    with pytest.raises(ConfigInvalid) as refused:
        checked_document(raw, defaults=[WORKER])
    assert [problem.path for problem in refused.value.problems] == [path]
    assert path in refused.value.message


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"system": {"recognition": {"min_step_ms": 2001, "max_step_ms": 3000}}},
        {"system": {"degradation": {"steps": []}}},
        {"system": {"session": {"preset": "lecture"}}, "presets": {"lecture": {}}},
        {"system": {"monitoring": {"rules": {"lag": {"measure": "x", "enabled": False}}}}},
        {"system": {"monitoring": {"rules": {"lag": {"measure": "x", "above": 5, "clear": 5}}}}},
        {"system": {"translation": {"pivot": "", "engines": []}}},
    ],
)
def test_what_is_possible_is_taken(raw):
    document = checked_document(raw, defaults=[WORKER])
    assert checked_document(document.to_json()) == document


def test_the_rules_of_monitoring_can_be_set_as_they_are():
    rules = {name: rule.model_dump() for name, rule in DEFAULT_RULES.items()}
    checked_document({"system": {"monitoring": {"rules": rules}}})


def test_a_worker_that_was_started_wrong_stops_no_change():
    wrong = {"recognition": {"min_step_ms": 900, "max_step_ms": 100}}
    checked_document({"system": {"whisper": {"beam_size": 1}}}, defaults=[wrong])


def test_refusals_hold_no_values():
    with pytest.raises(ConfigInvalid) as refused:
        checked_document({"system": {"session": {"hotwords": ["secret words"], "language": "secret"}}})
    assert "secret" not in refused.value.message + repr(refused.value.problems)


# --- properties ------------------------------------------------------------------------------------------

_json = st.recursive(
    st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
_object = st.dictionaries(st.sampled_from("abc"), _json, max_size=3)

_session = {
    "voice_activity": {"threshold": st.sampled_from([0.2, 0.5]), "min_silence_ms": st.integers(64, 5000)},
    "recognition": {"min_step_ms": st.integers(50, 400), "max_step_ms": st.integers(400, 10_000)},
    "partials": {"enabled": st.booleans(), "min_probability": st.sampled_from([0, 0.25, 1])},
}
_installation = {
    "whisper": {"beam_size": st.integers(1, 16), "batch_wait_ms": st.sampled_from([0, 1, 2.5])},
    "translation": {"engines": st.just(["mock"]), "pivot": st.sampled_from(["", "en"])},
    "session": {"language": st.sampled_from(["en", "es"]), "targets": st.just(["es", "pt-BR"])},
}


def _sections(known):
    return st.fixed_dictionaries(
        {}, optional={name: st.fixed_dictionaries({}, optional=fields) for name, fields in known.items()}
    )


_documents = st.builds(
    lambda system, presets: ConfigDocument.model_validate({"system": system, "presets": presets}),
    _sections(_session | _installation),
    st.dictionaries(st.sampled_from(["lecture", "interview"]), _sections(_session), max_size=2),
)


def patch_between(before: Any, after: Any) -> Any:
    """The merge patch that leads from one object to another."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    patch = {name: None for name in before if name not in after}
    for name, value in after.items():
        if (
            name not in before
            or before[name] != value
            or isinstance(before[name], bool) != isinstance(value, bool)
        ):
            patch[name] = patch_between(before.get(name), value)
    return patch


@given(_object, _object)
def test_merging_twice_is_merging_once(target, patch):
    once = merge_patch(target, patch)
    assert merge_patch(once, patch) == once


@given(_documents, _documents)
def test_a_patch_leads_from_any_document_to_any_other(before, after):
    patch = patch_between(before.to_json(), after.to_json())
    merged = ConfigDocument.model_validate(merge_patch(before.to_json(), patch))
    assert merged == ConfigDocument.model_validate(after.to_json())
    assert merged.checksum == after.checksum


@given(_documents, _documents)
def test_two_documents_differ_exactly_if_their_checksums_do(one, other):
    assert bool(diff(one.to_json(), other.to_json())) == (one.checksum != other.checksum)


@given(_documents, _documents)
def test_differences_back_are_those_forth_with_sides_changed(one, other):
    forth, back = diff(one.to_json(), other.to_json()), diff(other.to_json(), one.to_json())
    assert [(d.path, d.before, d.after) for d in forth] == [(d.path, d.after, d.before) for d in back]


@given(_documents)
def test_a_document_comes_back_from_its_json(document):
    again = ConfigDocument.model_validate_json(json.dumps(document.to_json()))
    assert again.to_json() == document.to_json()
    assert again.checksum == document.checksum
    assert checked_document(document.to_json()).checksum == document.checksum


@given(_sections(_session), _documents, st.sampled_from([None, "lecture", "gone"]), _sections(_session))
def test_each_field_is_that_of_the_last_scope_that_sets_it(defaults, document, preset, session):
    values, provenance = effective(defaults, document, preset, session)
    named = document.presets.get(preset) if preset else None
    scopes = {
        Scope.DEFAULTS: defaults,
        Scope.SYSTEM: document.system.set_values(),
        Scope.PRESET: named.set_values() if named else {},
        Scope.SESSION: session,
    }
    paths = {f"{section}.{name}" for one in scopes.values() for section in one for name in one[section]}
    assert set(provenance) == paths
    for path in paths:
        section, name = path.split(".")
        setters = [scope for scope, one in scopes.items() if name in one.get(section, {})]
        assert provenance[path] is setters[-1]
        assert values[section][name] == scopes[setters[-1]][section][name]
    ConfigValues.model_validate(values)


@given(_documents, _sections(_session | _installation))
def test_a_session_sets_nothing_of_the_installation(document, session):
    _, provenance = effective({}, document, None, session)
    of_session = {path for path, scope in provenance.items() if scope is Scope.SESSION}
    assert all(path.split(".")[0] in SESSION_SECTIONS for path in of_session)


@given(st.lists(_sections(_session | _installation), min_size=1, max_size=6), st.data())
def test_any_version_can_be_returned_to(patches, data):
    """As the history keeps versions: through JSON, and checked against what is possible by then."""
    versions = [ConfigDocument()]
    for patch in patches:
        update = ConfigUpdateRequested(change_id="c", scope="system", operation="merge", values=patch)
        versions.append(changed(versions[-1], update))
    wanted = data.draw(st.sampled_from(versions))
    returned = checked_document(json.loads(json.dumps(wanted.to_json())))
    assert returned.checksum == wanted.checksum
    assert diff(wanted.to_json(), returned.to_json()) == []
    forth = {change.path: change.after for change in diff(versions[-1].to_json(), wanted.to_json())}
    back = {change.path: change.before for change in diff(wanted.to_json(), versions[-1].to_json())}
    assert forth == back
