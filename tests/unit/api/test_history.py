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
    target_language,
    targets_of,
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
        ("translation.final", ""),
        ("transcript.final", ""),
        ("session.ended", ""),
    ],
)
def test_partials_only_can_be_superseded(kind, key):
    assert superseded_by(entry(1, kind)) == key


def translation(offset: int, kind: str, segment: str, language: str, text: str = "") -> Entry:
    return entry(
        offset, f"translation.{kind}", segment_id=segment, target_language=language, revision=1, text=text
    )


def test_drafts_supersede_those_of_their_own_language_only():
    keys = [superseded_by(draft, target_language(draft)) for draft in DRAFTS]
    assert keys == ["translation.partial:es", "translation.partial:pt-BR"]


DRAFTS = [translation(1, "partial", "a", "es"), translation(2, "partial", "a", "pt-BR")]


def test_the_language_of_what_is_no_translation_is_none():
    assert target_language(entry(1, "transcript.final", target_language="es")) == ""
    broken = Entry("2-0", {ResultField.TYPE: b"translation.final", ResultField.DATA: b"{,"})
    assert target_language(broken) == ""


def test_targets_are_told_by_one_message_only():
    assert targets_of(entry(1, "session.targets", targets=["es"])) == ["es"]
    assert targets_of(entry(1, "transcript.final", targets=["es"])) is None


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
        "translations": [],
        "targets": [],
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


def translated(newest_first: list[Entry], **options) -> list[tuple[str, str, str]]:
    told = built(newest_first, **options)
    assert parse_server_message(json.dumps(told))
    return [
        (one["type"].removeprefix("translation."), one["segment_id"], one["target_language"])
        for one in told["translations"]
    ]


def test_snapshot_has_the_translations_of_what_it_shows_in_order():
    assert translated(
        [
            translation(9, "partial", "c", "es"),
            partial(8, "c"),
            translation(7, "final", "b", "es"),
            translation(6, "failed", "b", "fr"),
            final(5, "b"),
            translation(4, "final", "gone", "es"),
            translation(3, "final", "a", "es"),
            final(1, "a"),
        ]
    ) == [("final", "a", "es"), ("failed", "b", "fr"), ("final", "b", "es"), ("partial", "c", "es")]


def test_a_later_final_replaces_a_failed_translation():
    assert translated(
        [translation(4, "final", "a", "es"), translation(3, "failed", "a", "es"), final(2, "a")]
    ) == [("final", "a", "es")]


def test_of_the_drafts_of_a_language_the_last_one_is_shown_while_nothing_replaced_it():
    drafts = [translation(n, "partial", "b", into) for n, into in ((6, "es"), (5, "es"), (4, "fr"))]
    assert translated([*drafts, final(2, "a")]) == [("partial", "b", "fr"), ("partial", "b", "es")]
    replaced = [translation(7, "final", "b", "es"), *drafts, translation(3, "partial", "a", "es")]
    assert translated([*replaced, final(1, "b")]) == [("partial", "b", "fr"), ("final", "b", "es")]


def test_snapshot_leaves_out_languages_that_are_not_wanted():
    newest_first = [
        translation(5, "partial", "b", "fr"),
        translation(4, "final", "a", "fr"),
        translation(3, "final", "a", "es"),
        final(2, "a"),
    ]
    assert translated(newest_first, wants={"es"}.__contains__) == [("final", "a", "es")]
    assert translated(newest_first, wants=lambda _: False) == []
    assert built(newest_first, targets=["es", "fr"])["targets"] == ["es", "fr"]


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
