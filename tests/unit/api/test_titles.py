from __future__ import annotations

import pytest
from pydantic import ValidationError

from dragoman_contracts.streams import RecordField
from dragoman_orchestration.api.schemas import ChangeSession, CreateSession
from dragoman_orchestration.session.model import SessionRecord


@pytest.mark.parametrize(
    "title", ["", "Board meeting", "Sitzung – Größe 10", "اجتماع", "👩‍👧 ¿qué?", "x" * 200]
)
def test_any_line_of_text_is_a_title(title):
    assert CreateSession(title=title).title == ChangeSession(title=title).title == title


@pytest.mark.parametrize(
    "title", ["x" * 201, "a\nb", "a\n", "\x00", "a\tb", "\x1b[31m", "\x7f", "\x85", "a\u2028b", "\u2029"]
)
def test_what_is_longer_or_holds_control_characters_is_none(title):
    for schema in (CreateSession, ChangeSession):
        with pytest.raises(ValidationError):
            schema(title=title)


def test_a_title_is_no_option_of_the_recogniser():
    assert CreateSession(title="Board meeting").options() == CreateSession().options()


def test_a_record_of_before_there_were_titles_has_none():
    record = SessionRecord.read("s", {RecordField.STATUS: b"created"})
    assert (record.title, record.recording) == ("", None)
