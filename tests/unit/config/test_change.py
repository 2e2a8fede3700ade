"""What a change makes of a document, and what its refusal becomes for whoever asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman_contracts.config import ChangeState, ConfigDocument
from dragoman_contracts.envelope import EnvelopeInvalid
from dragoman_contracts.errors import InvalidInput, NotFound
from dragoman_contracts.events import ConfigRollbackRequested, ConfigUpdateRequested
from dragoman_orchestration.config.change import (
    Refusal,
    RefusedByService,
    VersionConflict,
    changed,
    check_expected,
    check_request,
    refusal_error,
)
from dragoman_orchestration.config.document import ConfigInvalid, FieldProblem
from dragoman_orchestration.config.records import ChangeRecord, WrongField

BEFORE = ConfigDocument.model_validate(
    {
        "system": {"whisper": {"beam_size": 5, "batch_max": 8}, "session": {"preset": "lecture"}},
        "presets": {"lecture": {"partials": {"enabled": False}}, "interview": {}},
    }
)


def update(scope="system", operation="merge", preset="", values=None, **more):
    return ConfigUpdateRequested(
        change_id="c", scope=scope, operation=operation, preset=preset, values=values or {}, **more
    )


@pytest.mark.parametrize(
    ("change", "system", "presets"),
    [
        (
            update(values={"whisper": {"beam_size": 3, "batch_max": None}}),
            {"whisper": {"beam_size": 3}, "session": {"preset": "lecture"}},
            {"lecture": {"partials": {"enabled": False}}, "interview": {}},
        ),
        (
            update(operation="replace", values={"whisper": {"beam_size": 3, "batch_max": None}}),
            {"whisper": {"beam_size": 3}},
            {"lecture": {"partials": {"enabled": False}}, "interview": {}},
        ),
        (
            update("preset", "replace", "lecture", {"voice_activity": {"threshold": 0.4}}),
            {"whisper": {"beam_size": 5, "batch_max": 8}, "session": {"preset": "lecture"}},
            {"lecture": {"voice_activity": {"threshold": 0.4}}, "interview": {}},
        ),
        (
            update("preset", "merge", "lecture", {"voice_activity": {"threshold": 0.4}}),
            {"whisper": {"beam_size": 5, "batch_max": 8}, "session": {"preset": "lecture"}},
            {
                "lecture": {"partials": {"enabled": False}, "voice_activity": {"threshold": 0.4}},
                "interview": {},
            },
        ),
        (
            update("preset", "replace", "panel"),
            {"whisper": {"beam_size": 5, "batch_max": 8}, "session": {"preset": "lecture"}},
            {"lecture": {"partials": {"enabled": False}}, "interview": {}, "panel": {}},
        ),
        (
            update("preset", "delete", "interview"),
            {"whisper": {"beam_size": 5, "batch_max": 8}, "session": {"preset": "lecture"}},
            {"lecture": {"partials": {"enabled": False}}},
        ),
    ],
)
def test_a_change_touches_its_own_scope_only(change, system, presets):
    assert changed(BEFORE, change).to_json() == {"system": system, "presets": presets}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (update("preset", "delete", "gone"), NotFound),
        (update("preset", "merge", "gone"), NotFound),
        (update("preset", "replace", "No Name"), InvalidInput),
        (update("preset", "replace", ""), InvalidInput),
        (update("system", "delete"), InvalidInput),
        (update(values={"whisper": "fast"}), ConfigInvalid),
        (update(values={"whisper": {"beam_size": 0}}), ConfigInvalid),
    ],
)
def test_what_cannot_be_is_refused(change, error):
    with pytest.raises(error):
        changed(BEFORE, change)


def test_the_preset_that_sessions_get_cannot_be_deleted():
    with pytest.raises(ConfigInvalid, match=r"system\.session\.preset"):
        changed(BEFORE, update("preset", "delete", "lecture"))


@given(st.text(max_size=80))
def test_an_id_is_one_or_the_event_cannot_be_answered(change_id):
    change = ConfigRollbackRequested(change_id=change_id, to_version=1)
    good = 1 <= len(change_id) <= 64 and all(c.isascii() and (c.isalnum() or c in "-_") for c in change_id)
    if good:
        check_request(change)
    else:
        with pytest.raises(EnvelopeInvalid):
            check_request(change)


def test_a_change_is_bound_to_the_version_that_it_names():
    check_expected(update(), 7)
    check_expected(update(expected_version=7), 7)
    for expected in (0, 6, 8):
        with pytest.raises(VersionConflict):
            check_expected(update(expected_version=expected), 7)


@pytest.mark.parametrize(
    ("error", "state", "answer"),
    [
        (VersionConflict("m"), ChangeState.CONFLICT, (409, "conflict")),
        (NotFound("m"), ChangeState.REJECTED, (404, "not_found")),
        (RefusedByService("m"), ChangeState.REJECTED, (422, "refused_by_service")),
        (InvalidInput("m"), ChangeState.REJECTED, (422, "invalid_input")),
    ],
)
def test_whoever_asked_is_told_the_same_error(error, state, answer):
    refusal = Refusal.of(error)
    record = ChangeRecord(change_id="c", state=refusal.state, code=refusal.code, message=refusal.message)
    told = refusal_error(record)
    assert refusal.state is state
    assert (told.http_status, told.code, told.message) == (*answer, "m")


def test_wrong_fields_stay_with_the_record():
    refusal = Refusal.of(ConfigInvalid([FieldProblem("system.whisper.beam_size", "too many")]))
    assert refusal.errors == [WrongField("system.whisper.beam_size", "too many")]
