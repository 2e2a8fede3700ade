"""If-Match, If-None-Match and Prefer."""

from __future__ import annotations

import pytest

from dragoman_orchestration.api.preconditions import (
    PreconditionFailed,
    check_if_match,
    check_if_none_match,
    etag,
    is_known,
    preferred_wait_s,
)

NOW = etag(7, "0123456789abcdef")


def test_a_tag_names_version_and_checksum():
    assert NOW == '"7-01234567"'
    assert len({etag(7, "a" * 64), etag(8, "a" * 64), etag(7, "b" * 64)}) == 3


@pytest.mark.parametrize(
    ("header", "is_bound"),
    [(None, False), ("*", False), (NOW, True), (f'"old", {NOW}', True), (f"{NOW},{NOW}", True)],
)
def test_what_is_in_force_matches(header, is_bound):
    assert check_if_match(header, NOW) is is_bound


@pytest.mark.parametrize("header", ['"6-01234567"', f"W/{NOW}", "7-01234567", "", '"', '""', "nonsense, *"])
def test_what_is_not_in_force_does_not(header):
    with pytest.raises(PreconditionFailed) as failed:
        check_if_match(header, NOW)
    assert failed.value.http_status == 412


def test_a_star_wants_something_that_exists():
    with pytest.raises(PreconditionFailed):
        check_if_match("*", NOW, exists=False)


def test_something_new_is_made_only_where_there_is_nothing():
    check_if_none_match("*", exists=False)
    check_if_none_match(None, exists=True)
    with pytest.raises(PreconditionFailed):
        check_if_none_match("*", exists=True)


@pytest.mark.parametrize(
    ("header", "known"),
    [(None, False), ("*", True), (NOW, True), (f"W/{NOW}", True), ('"1-x", ' + NOW, True), ('"1-x"', False)],
)
def test_what_a_reader_has_already(header, known):
    assert is_known(header, NOW) is known


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        (None, 0),
        ("", 0),
        ("wait=3", 3),
        ("respond-async, wait=5", 5),
        ('WAIT = "7"', 7),
        ("wait=10", 10),
        ("wait=600", 10),
        ("wait=999999999999", 10),
        ("wait=-1", 0),
        ("wait=soon", 0),
        ("await=5", 0),
    ],
)
def test_how_long_to_wait(header, wait_s):
    assert preferred_wait_s(header) == wait_s
