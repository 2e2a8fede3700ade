"""The record of a bot: what is written is what is read, and what must not be told is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dragoman_contracts.bots import (
    BotCause,
    BotRequest,
    BotState,
    CompletionReason,
    FailureStage,
    RunnerReport,
    RunnerState,
)
from dragoman_orchestration.bots.model import (
    BotRecord,
    Transition,
    bot_of_token,
    changes,
    decode,
    encode,
    fingerprint,
    shown_url,
)

BOT = BotRecord(
    id="b1",
    owner_key="{key",
    session_id="s1",
    driver="browser",
    request=BotRequest(driver="browser", url="https://u:p@meet.example/room?pwd=x"),
    created_ms=5,
)


def as_redis(fields: dict[str, bytes]) -> dict[bytes, bytes]:
    return {name.encode(): value for name, value in fields.items()}


@pytest.mark.parametrize(
    "bot",
    [
        BOT,
        replace(
            BOT,
            state=BotState.FAILED,
            seq=7,
            completion=CompletionReason.ALONE,
            stage=FailureStage.ADMISSION,
            cause=BotCause(code="c", message="m", transient=True),
            history=[Transition(seq=1, state=BotState.REQUESTED, time_ms=3, cause=BotCause(code="c"))],
            revoked=["a", "b"],
            handle={"pid": 3, "place": "here"},
            report=RunnerReport(generation=2, seq=9, state=RunnerState.ACTIVE, peak=0.5, participants=2),
            stop_by="{",
            degraded="no_audio",
        ),
    ],
)
def test_what_is_written_is_what_is_read(bot: BotRecord) -> None:
    assert decode(bot.id, as_redis(encode(bot))) == bot


def test_a_field_of_a_later_version_is_left_out() -> None:
    assert decode("b1", as_redis(encode(BOT)) | {b"colour": b"red", b"\xff": b""}) == BOT


def test_only_what_differs_is_written() -> None:
    assert changes(BOT, replace(BOT, seq=2, completion=CompletionReason.STOPPED)) == {
        "seq": b"2",
        "completion": b"stopped",
    }


def test_a_value_can_be_taken_back() -> None:
    with_report = replace(BOT, report=RunnerReport(generation=1, seq=1, state=RunnerState.DONE))
    written = encode(with_report) | changes(with_report, BOT)
    assert decode("b1", as_redis(written)) == BOT


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@meet.example:8443/room?pwd=secret#secret", "https://meet.example:8443/room"),
        ("rtmp://user@host/app", "rtmp://host/app"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
        ("http://host:port/", ""),
        ("file:///tmp/x.wav", "file:///tmp/x.wav"),
    ],
)
def test_of_a_url_only_scheme_host_and_path_are_told(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_another_request_has_another_fingerprint() -> None:
    one = fingerprint(BOT.request, [None, None])
    assert one == fingerprint(BotRequest(driver="browser", url=BOT.request.url), [None, None])
    assert one != fingerprint(BOT.request, [{"language": "en"}, None])
    assert one != fingerprint(BotRequest(driver="browser", url="https://meet.example/room"), [None, None])


@pytest.mark.parametrize(
    ("token", "bot_id"),
    [
        ("dragoman-bot.0f.secret", "0f"),
        ("dragoman-bot.0f.", ""),
        ("dragoman-bot.0f", ""),
        ("key", ""),
        ("", ""),
    ],
)
def test_a_token_tells_its_bot(token: str, bot_id: str) -> None:
    assert bot_of_token(token) == bot_id
