from __future__ import annotations

import json

import pytest

from dragoman_contracts.streams import ResultField
from dragoman_contracts.websocket import StreamPosition, parse_server_message
from dragoman_orchestration.results.history import (
    MAX_SNAPSHOT_FINALS,
    offset_of,
    resumed,
    snapshot,
    splice,
    superseded_by,
)
from dragoman_runtime.broker.base import Entry


def entry(offset: int, kind: str, **fields) -> Entry:
    data = json.dumps({"type": kind} | fields).encode()
    return Entry(f"{offset}-0", {ResultField.TYPE: kind.encode(), ResultField.DATA: data})


def final(offset: int, segment: str) -> Entry:
    return entry(offset, "transcript.final", segment_id=segment, text=f"text of {segment}")


def partial(offset: int, segment: str, text: str = "") -> Entry:
    return entry(offset, "transcript.partial", segment_id=segment, text=text)


def built(newest_first: list[Entry], **options) -> dict:
    options = {"complete": True} | options
    return json.loads(snapshot("s", "live", "e", newest_first, **options).text)


def test_the_position_is_put_in_front():
    text = splice("e1-r1", entry(7, "speech.started", start_ms=480))
    assert json.loads(text) == {
        "position": {"epoch": "e1-r1", "offset": 7},
        "type": "speech.started",
        "start_ms": 480,
    }
    assert parse_server_message(text).position == StreamPosition("e1-r1", 7)


def test_an_empty_object_stays_json():
    empty = Entry("3-0", {ResultField.TYPE: b"x", ResultField.DATA: b"{}"})
    assert json.loads(splice("e", empty)) == {"position": {"epoch": "e", "offset": 3}}


def test_text_is_passed_on_as_it_is():
    said = "Grüße “quoted” \\ \n 音"
    assert json.loads(splice("e", entry(1, "transcript.final", text=said)))["text"] == said


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("transcript.partial", "transcript.partial"),
        ("translation.partial", "translation.partial"),
        ("transcript.final", ""),
        ("session.ended", ""),
    ],
)
def test_partials_only_can_be_superseded(kind, key):
    assert superseded_by(entry(1, kind)) == key


def test_offset():
    assert offset_of("42-0") == 42


def test_snapshot_of_nothing():
    assert built([]) == {
        "type": "session.snapshot",
        "position": {"epoch": "e", "offset": 0},
        "session_id": "s",
        "status": "live",
        "recovered": True,
        "truncated": False,
        "finals": [],
        "partial": None,
    }


def test_snapshot_has_the_finals_in_order_and_the_current_partial():
    told = built(
        [
            partial(9, "c", "now"),
            partial(8, "c", "old"),
            final(6, "b"),
            entry(5, "speech.ended"),
            final(2, "a"),
        ]
    )
    assert [one["segment_id"] for one in told["finals"]] == ["a", "b"]
    assert [one["position"]["offset"] for one in told["finals"]] == [2, 6]
    assert told["partial"]["text"] == "now"
    assert told["position"]["offset"] == 9
    assert parse_server_message(json.dumps(told))


def test_the_end_of_a_session_comes_after_its_snapshot():
    """Else a client that leaves out what it has seen, by position, would never hear of the end."""
    shown = built([entry(9, "session.ended", reason="client", ledger={}), final(8, "s1")])
    assert shown["position"]["offset"] == 8
    assert snapshot("s", "ended", "e", [entry(9, "session.ended")], complete=True).offset == 9


def test_a_partial_of_a_final_segment_is_not_current():
    assert built([final(3, "a"), partial(2, "a")])["partial"] is None


def test_a_partial_before_another_segments_final_is_still_current():
    assert built([final(3, "a"), partial(2, "b", "goes on")])["partial"]["text"] == "goes on"


def test_snapshot_is_bounded_and_says_so():
    finals = [final(offset, f"s{offset}") for offset in range(MAX_SNAPSHOT_FINALS + 5, 0, -1)]
    told = built(finals)
    assert len(told["finals"]) == MAX_SNAPSHOT_FINALS
    assert told["truncated"]
    assert told["finals"][-1]["segment_id"] == f"s{MAX_SNAPSHOT_FINALS + 5}"
    assert not built(finals[5:])["truncated"]
    assert built([final(1, "a")], complete=False)["truncated"]


def test_data_that_is_no_json_does_not_break_the_snapshot_of_others():
    broken = Entry("2-0", {ResultField.TYPE: b"transcript.partial", ResultField.DATA: b"[]"})
    assert snapshot("s", "live", "e", [broken, final(1, "a")], complete=True).offset == 2


def test_resumed_tells_that_nothing_is_missing():
    told = json.loads(resumed("s", "live", StreamPosition("e", 5)))
    assert told["recovered"]
    assert told["finals"] == []
    assert told["position"] == {"epoch": "e", "offset": 5}
    assert parse_server_message(json.dumps(told))
