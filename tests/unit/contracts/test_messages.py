"""What crosses the wire: whatever comes in is a message or the documented error, nothing else."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman_contracts.errors import BadUpstream, InvalidInput, MessageInvalid
from dragoman_contracts.websocket import (
    AudioFlush,
    AudioGap,
    ClientMessage,
    CloseCode,
    ErrorMessage,
    Gap,
    Ledger,
    ServerMessage,
    SessionConfigure,
    SessionEnd,
    SessionEndedMessage,
    SessionOptions,
    StreamPosition,
    parse_client_message,
    parse_server_message,
)
from dragoman_contracts.whisper_api import WindowOptions, WindowResult, decode_result

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
client_types = [message.__struct_config__.tag for message in (SessionConfigure, AudioFlush, SessionEnd)]
server_types = [message.__struct_config__.tag for message in ServerMessage.__subclasses__()]
names = st.sampled_from(
    [
        "audio",
        "options",
        "position",
        "session_id",
        "epoch",
        "received_ms",
        "received_bytes",
        "reason",
        "ledger",
        "code",
        "message",
        "remedy",
        "permanent",
        "words",
        "start_ms",
        "end_ms",
        "lag_ms",
    ]
)


DEEP = '{"type":"session.snapshot","session_id":"s","status":"live","partial":{"x":' + "[" * 100_000


def frames(types: list[Any]) -> st.SearchStrategy[str | bytes]:
    """Anything at all, any JSON, and objects that come close to a message."""
    close = st.builds(
        lambda kind, more: {"type": kind, **more},
        st.sampled_from(types) | st.text(max_size=5),
        st.dictionaries(names, json_values, max_size=5),
    )
    return st.binary() | st.text() | (json_values | close).map(json.dumps)


@given(frames(client_types))
def test_any_frame_of_a_client_is_a_message_or_refused(frame: str | bytes) -> None:
    with suppress(MessageInvalid):
        assert isinstance(parse_client_message(frame), ClientMessage)


@given(frames(server_types))
def test_any_frame_of_a_server_is_a_message_or_refused(frame: str | bytes) -> None:
    with suppress(MessageInvalid):
        assert isinstance(parse_server_message(frame), ServerMessage)


@pytest.mark.parametrize("parse", [parse_client_message, parse_server_message])
@pytest.mark.parametrize("frame", ["\ud800", b"\xff\xfe", "", DEEP, b'{"type":"\xff"}'])
def test_frames_that_are_no_json_are_refused(parse: Any, frame: str | bytes) -> None:
    with pytest.raises(MessageInvalid):
        parse(frame)


def test_a_client_message_with_an_unknown_field_is_refused() -> None:
    with pytest.raises(MessageInvalid, match="unknown field"):
        parse_client_message('{"type":"audio.flush","now":true}')


@pytest.mark.parametrize(
    "message",
    [
        SessionConfigure(),
        SessionConfigure(options=SessionOptions(language="de", partials=False, hotwords="Redis")),
        AudioFlush(),
        SessionEnd(),
    ],
)
def test_client_messages_come_back_equal(message: Any) -> None:
    assert parse_client_message(msgspec.json.encode(message)) == message


@pytest.mark.parametrize(
    "message",
    [
        AudioGap(start_ms=1, end_ms=2, reason="engine", position=StreamPosition("e", 7)),
        SessionEndedMessage(reason="client", ledger=Ledger(gaps=[Gap(0, 1, "x")])),
        ErrorMessage(code="internal", message="m", remedy="r", permanent=True),
    ],
)
def test_server_messages_come_back_equal(message: Any) -> None:
    assert parse_server_message(msgspec.json.encode(message)) == message


def test_a_reader_ignores_fields_that_a_newer_server_adds() -> None:
    frame = {"type": "speech.started", "start_ms": 1, "loudness": 3}
    assert parse_server_message(json.dumps(frame)).start_ms == 1  # type: ignore[union-attr]


# --- positions ------------------------------------------------------------------------------------------


@given(st.text(min_size=1), st.integers(min_value=0, max_value=10**18 - 1))
def test_a_position_comes_back_equal(epoch: str, offset: int) -> None:
    position = StreamPosition(epoch, offset)
    assert StreamPosition.parse(str(position)) == position


@given(st.text() | st.from_regex(r"[a-z]{0,2}:[+\- ]?\d{0,20}"))
def test_any_text_is_a_position_or_refused(text: str) -> None:
    with suppress(MessageInvalid):
        position = StreamPosition.parse(text)
        assert position.epoch
        assert position.offset >= 0


@pytest.mark.parametrize("text", ["", "7", ":7", "e:", "e:-1", "e:+1", "e:1.0", "e:٣", "e:" + "9" * 19])
def test_texts_that_are_no_position(text: str) -> None:
    with pytest.raises(MessageInvalid):
        StreamPosition.parse(text)


# --- ledger and close codes -----------------------------------------------------------------------------

amounts = st.integers(min_value=0, max_value=10**9)


@given(amounts, amounts, amounts, amounts, st.integers(-1000, 1000))
def test_a_ledger_adds_up_or_says_so(said: int, silent: int, pending: int, lost: int, astray: int) -> None:
    ledger = Ledger(
        received_ms=said + silent + pending + lost + astray,
        transcribed_ms=said,
        silence_ms=silent,
        pending_ms=pending,
        gap_ms=lost,
    )
    assert ledger.adds_up is (astray == 0)
    assert ledger.is_complete is (astray == 0 and pending == 0)


@pytest.mark.parametrize("code", list(CloseCode))
def test_the_range_of_a_close_code_says_whether_to_come_back(code: CloseCode) -> None:
    again = {
        CloseCode.GOING_AWAY,
        CloseCode.SLOW_CONSUMER,
        CloseCode.BUS_UNAVAILABLE,
        CloseCode.OVERLOADED,
        CloseCode.RATE_LIMITED,
        CloseCode.IDLE_TIMEOUT,
    }
    assert code.reconnect is (code in again)
    # 1000, or within one of the three documented ranges.
    assert code == 1000 or code // 100 in (40, 41, 44)


# --- the window endpoint --------------------------------------------------------------------------------

options = st.builds(
    WindowOptions,
    language=st.none() | st.text(),
    task=st.sampled_from(["transcribe", "translate"]),
    prefix=st.text(),
    prompt=st.text(),
    hotwords=st.text(),
    fast=st.booleans(),
    word_timestamps=st.booleans(),
    session_id=st.text(),
)


@given(options)
def test_the_window_header_is_ascii_and_comes_back_equal(given_options: WindowOptions) -> None:
    header = given_options.to_header()
    assert header.isascii()
    assert header.isprintable()
    assert WindowOptions.from_header(header) == given_options


def test_defaults_are_left_out_of_the_window_header() -> None:
    assert WindowOptions().to_header() == "{}"
    assert WindowOptions(fast=True).to_header() == '{"fast":true}'
    assert WindowOptions.from_header("") == WindowOptions()


@given(st.text() | json_values.map(json.dumps))
def test_any_window_header_is_read_or_refused(header: str) -> None:
    with suppress(InvalidInput):
        assert isinstance(WindowOptions.from_header(header), WindowOptions)


@pytest.mark.parametrize("header", ["[]", '{"beam":5}', '{"task":"sing"}', '{"fast":1}', "{", "\ud800"])
def test_window_headers_that_are_refused(header: str) -> None:
    with pytest.raises(InvalidInput):
        WindowOptions.from_header(header)


def test_an_answer_that_is_not_utf8_is_a_bad_upstream() -> None:
    with pytest.raises(BadUpstream):
        decode_result(b'{"language":"\xff"}')


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_answer_is_a_result_or_a_bad_upstream(body: bytes) -> None:
    with suppress(BadUpstream):
        assert isinstance(decode_result(body), WindowResult)


def test_a_window_result_comes_back_equal() -> None:
    result = WindowResult(language="en", text=" hello", engine="mock", batch_size=3)
    assert decode_result(msgspec.json.encode(result)) == result
