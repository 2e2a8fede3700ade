from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman_contracts.errors import (
    BadUpstream,
    BusUnavailable,
    Conflict,
    DragomanError,
    EngineUnavailable,
    Forbidden,
    InvalidInput,
    LimitExceeded,
    MessageInvalid,
    NotFound,
    Overloaded,
    SessionEnded,
    Unauthenticated,
    UnsupportedAudio,
)
from dragoman_contracts.streams import AudioKind
from dragoman_contracts.websocket import (
    AudioAck,
    CloseCode,
    ErrorMessage,
    SessionLag,
    SessionResumed,
    SessionStarted,
)
from dragoman_orchestration.api.ingest_protocol import (
    MAX_MISTAKES,
    Actions,
    Close,
    IngestLimits,
    IngestProtocol,
    Open,
    Phase,
    Send,
    Tell,
)
from dragoman_orchestration.api.refusals import MessageTooLarge, close_code
from dragoman_orchestration.session.lifecycle import Status
from dragoman_orchestration.session.model import Opened, Progress

LIVE = Progress(Status.LIVE, epoch=1)
SECOND = bytes(32_000)
"""One second of the default format."""


def fresh(**limits) -> IngestProtocol:
    return IngestProtocol("s", IngestLimits(**limits), now=0.0)


def streaming(audio: dict | None = None, *, received: int = 0, **limits) -> IngestProtocol:
    protocol = fresh(**limits)
    actions = protocol.on_text(json.dumps({"type": "session.configure", "audio": audio or {}}), 0.0)
    assert isinstance(actions[0], Open)
    protocol.on_opened(Opened(1, received, resumed=received > 0), LIVE, 0.0)
    return protocol


def drain(protocol: IngestProtocol, now: float = 0.0) -> Actions:
    """Store everything that waits; what the last one gave."""
    actions: Actions = ()
    while protocol.outbox:
        actions = protocol.on_stored(protocol.outbox.take().total_bytes, now)
    return actions


def told(actions: Actions) -> list:
    return [action.message for action in actions if isinstance(action, Tell)]


def closed_with(actions: Actions) -> CloseCode | None:
    return next((action.code for action in actions if isinstance(action, Close)), None)


def failed(actions: Actions, error: type[DragomanError], code: CloseCode) -> bool:
    message = told(actions)[0]
    assert isinstance(message, ErrorMessage)
    assert message.remedy
    return (message.code, closed_with(actions)) == (error.code, code)


# --- the first message ----------------------------------------------------------------------------------


def test_configure_opens_the_session_and_greets():
    protocol = fresh()
    (action,) = protocol.on_text('{"type":"session.configure"}', 0.0)
    assert isinstance(action, Open)
    assert protocol.phase is Phase.OPENING
    (tell,) = protocol.on_opened(Opened(1, 0, resumed=False), LIVE, 0.0)
    assert tell.message == SessionStarted(session_id="s", epoch=1)
    assert protocol.phase is Phase.STREAMING


def test_a_speaker_that_comes_back_is_told_where_to_go_on():
    protocol = fresh()
    protocol.on_text('{"type":"session.configure"}', 0.0)
    (tell,) = protocol.on_opened(Opened(3, 64_000, resumed=True), LIVE, 0.0)
    assert tell.message == SessionResumed(session_id="s", epoch=3, received_ms=2_000, received_bytes=64_000)


def test_audio_before_configure():
    assert closed_with(fresh().on_bytes(b"\0\0", 0.0)) is CloseCode.CONFIGURE_FIRST


def test_audio_while_the_session_opens():
    protocol = fresh()
    protocol.on_text('{"type":"session.configure"}', 0.0)
    assert closed_with(protocol.on_bytes(b"\0\0", 0.0)) is CloseCode.CONFIGURE_FIRST


@pytest.mark.parametrize(
    "text",
    ["", "hello", "[1]", '{"type":"audio.flush"}', '{"type":"session.end"}', '{"type":"nonsense"}', "{}"],
)
def test_anything_else_first(text):
    actions = fresh().on_text(text, 0.0)
    assert closed_with(actions) is CloseCode.CONFIGURE_FIRST
    assert isinstance(told(actions)[0], ErrorMessage)


@pytest.mark.parametrize(
    "audio",
    [
        {"encoding": "mp3"},
        {"sample_rate_hz": 7_999},
        {"sample_rate_hz": 192_001},
        {"sample_rate_hz": -1},
        {"sample_rate_hz": "16000"},
        {"channels": 0},
        {"channels": 9},
    ],
)
def test_formats_that_cannot_be(audio):
    actions = fresh().on_text(json.dumps({"type": "session.configure", "audio": audio}), 0.0)
    assert failed(actions, UnsupportedAudio, CloseCode.UNSUPPORTED_AUDIO)


def test_configure_with_an_unknown_option():
    actions = fresh().on_text('{"type":"session.configure","options":{"voice":"x"}}', 0.0)
    assert failed(actions, MessageInvalid, CloseCode.BAD_REQUEST)


@pytest.mark.parametrize(
    ("audio", "position"),
    [
        ({}, -2),
        ({}, 3),
        ({"channels": 2}, 6),
        ({"encoding": "pcm_f32le"}, 2),
        ({}, 367 * 86_400 * 32_000),
        ({"encoding": "webm_opus"}, -1),
    ],
)
def test_positions_that_cannot_be(audio, position):
    text = json.dumps({"type": "session.configure", "audio": audio, "resume_from_bytes": position})
    assert failed(fresh().on_text(text, 0.0), InvalidInput, CloseCode.BAD_REQUEST)


@pytest.mark.parametrize(
    ("audio", "position"), [({}, 0), ({"channels": 2}, 8), ({"encoding": "webm_opus"}, 3), ({}, None)]
)
def test_positions_that_can_be(audio, position):
    text = json.dumps({"type": "session.configure", "audio": audio, "resume_from_bytes": position})
    (action,) = fresh().on_text(text, 0.0)
    assert isinstance(action, Open)
    assert action.configure.resume_from_bytes == position


def test_no_configure_in_time():
    protocol = fresh(configure_timeout_s=10)
    assert protocol.on_tick(9.9) == ()
    assert closed_with(protocol.on_tick(10.1)) is CloseCode.CONFIGURE_FIRST


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SessionEnded("x"), CloseCode.SESSION_ENDED),
        (NotFound("x"), CloseCode.NOT_FOUND),
        (Conflict("x"), CloseCode.BAD_REQUEST),
        (BusUnavailable("x"), CloseCode.BUS_UNAVAILABLE),
    ],
)
def test_the_store_refuses(error, code):
    protocol = fresh()
    protocol.on_text('{"type":"session.configure"}', 0.0)
    assert failed(protocol.on_refused(error), type(error), code)
    assert protocol.phase is Phase.CLOSED


# --- audio and marks ------------------------------------------------------------------------------------


def test_a_frame_goes_to_the_outbox_and_is_acknowledged_once_stored():
    protocol = streaming()
    assert protocol.on_bytes(SECOND, 1.0) == (Send(),)
    assert protocol.received_ms == 0
    (message,) = told(drain(protocol, 1.0))
    assert message == AudioAck(received_ms=1_000, committed_ms=0, received_bytes=32_000)


def test_acknowledgements_come_at_most_twice_a_second():
    protocol = streaming()
    protocol.on_bytes(SECOND, 0.0)
    drain(protocol, 0.0)
    protocol.on_bytes(SECOND, 0.1)
    assert drain(protocol, 0.1) == ()
    assert protocol.on_tick(0.4) == ()
    (message,) = told(protocol.on_tick(0.5))
    assert message.received_ms == 2_000
    assert protocol.on_tick(1.5) == ()


def test_progress_of_the_worker_is_acknowledged_too():
    protocol = streaming()
    protocol.on_bytes(SECOND, 0.0)
    drain(protocol)
    protocol.on_progress(Progress(Status.LIVE, 1, committed_ms=800), 0.6)
    (message,) = told(protocol.on_tick(0.6))
    assert message.committed_ms == 800


def test_containers_are_measured_by_what_was_heard():
    protocol = streaming({"encoding": "webm_opus"})
    protocol.on_bytes(b"odd", 0.0)
    drain(protocol)
    protocol.on_progress(Progress(Status.LIVE, 1, heard_ms=120, committed_ms=60), 0.6)
    (message,) = told(protocol.on_tick(0.6))
    assert message == AudioAck(received_ms=120, committed_ms=60, received_bytes=3)


@pytest.mark.parametrize(
    ("audio", "size"),
    [
        ({}, 3),
        ({"channels": 2}, 6),
        ({"encoding": "pcm_f32le"}, 6),
        ({"encoding": "pcm_f32le", "channels": 3}, 16),
    ],
)
def test_frames_that_are_no_whole_samples(audio, size):
    protocol = streaming(audio)
    assert failed(protocol.on_bytes(bytes(size), 0.0), UnsupportedAudio, CloseCode.UNSUPPORTED_AUDIO)
    assert not protocol.outbox


def test_a_frame_over_the_limit():
    protocol = streaming(max_frame_bytes=2_048)
    assert protocol.on_bytes(bytes(2_048), 0.0) == (Send(),)
    assert failed(protocol.on_bytes(bytes(2_050), 0.0), MessageTooLarge, CloseCode.FRAME_TOO_LARGE)


def test_a_text_over_the_limit():
    assert (
        closed_with(streaming(max_frame_bytes=2_048).on_text("x" * 3_000, 0.0)) is CloseCode.FRAME_TOO_LARGE
    )


def test_an_empty_frame_is_nothing():
    protocol = streaming()
    assert protocol.on_bytes(b"", 0.0) == ()
    assert not protocol.outbox


@pytest.mark.parametrize(
    "text",
    ["AAAAAAAA", "{", '{"type":"nonsense"}', '{"type":"audio.flush","x":1}', '{"type":"session.configure"}'],
)
def test_mistakes_that_lose_no_audio_are_told_and_forgiven(text):
    protocol = streaming()
    actions = protocol.on_text(text, 0.0)
    assert isinstance(told(actions)[0], ErrorMessage)
    assert closed_with(actions) is None
    assert protocol.on_bytes(SECOND, 0.0) == (Send(),)


def test_json_in_a_binary_frame_is_not_taken_for_audio():
    protocol = streaming()
    actions = protocol.on_bytes(b'{"type":"session.end"}', 0.0)
    assert told(actions)[0].code == "message_invalid"
    assert not protocol.outbox


def test_but_not_forever():
    protocol = streaming()
    for _ in range(MAX_MISTAKES):
        assert closed_with(protocol.on_text("x", 0.0)) is None
    assert closed_with(protocol.on_text("x", 0.0)) is CloseCode.BAD_REQUEST


def test_good_messages_in_between_are_a_new_start():
    protocol = streaming()
    for _ in range(3 * MAX_MISTAKES):
        assert closed_with(protocol.on_text("x", 0.0)) is None
        protocol.on_bytes(b"\0\0", 0.0)


def test_marks_keep_their_place_between_frames():
    protocol = streaming()
    protocol.on_bytes(b"aa", 0.0)
    protocol.on_text('{"type":"audio.flush"}', 0.0)
    protocol.on_bytes(b"bb", 0.0)
    protocol.on_text('{"type":"session.end"}', 0.0)
    kinds = []
    while protocol.outbox:
        kinds.append(protocol.outbox.take().kind)
    assert kinds == [AudioKind.FRAME, AudioKind.FLUSH, AudioKind.FRAME, AudioKind.END]
    assert protocol.phase is Phase.ENDING


def test_nothing_is_taken_after_the_end():
    protocol = streaming()
    protocol.on_text('{"type":"session.end"}', 0.0)
    protocol.outbox.take()
    for actions in (protocol.on_bytes(b"aa", 0.0), protocol.on_text('{"type":"audio.flush"}', 0.0)):
        assert told(actions)[0].code == "session_ended"
        assert closed_with(actions) is None
    assert not protocol.outbox
    (ack,) = told(protocol.on_end_stored(0.0))
    assert isinstance(ack, AudioAck)


# --- backlog, outage, end -------------------------------------------------------------------------------


def test_a_flood_is_held_back_told_and_let_go_again():
    protocol = streaming(backlog_limit_ms=2_000)
    for _ in range(3):
        protocol.on_bytes(SECOND, 0.0)
    drain(protocol)
    (message,) = told(protocol.on_progress(LIVE, 0.5))
    assert message == SessionLag(lag_ms=3_000, reason="backpressure")
    assert not protocol.may_read
    assert protocol.on_progress(Progress(Status.LIVE, 1, committed_ms=1_000), 1.0) == ()
    assert not protocol.may_read  # 2,000 ms are no longer over the limit, but not below 80 % of it
    (message,) = told(protocol.on_progress(Progress(Status.LIVE, 1, committed_ms=1_500), 1.5))
    assert message == SessionLag(lag_ms=1_500, reason="caught_up")
    assert protocol.may_read


def test_a_backlog_that_stands_still_ends_as_overloaded():
    protocol = streaming(backlog_limit_ms=1_000, backlog_patience_s=30)
    protocol.on_bytes(SECOND * 2, 0.0)
    drain(protocol)
    protocol.on_progress(LIVE, 1.0)
    assert protocol.on_progress(LIVE, 30.0) == ()
    assert failed(protocol.on_progress(LIVE, 31.5), Overloaded, CloseCode.OVERLOADED)


def test_a_backlog_that_moves_is_waited_for():
    protocol = streaming(backlog_limit_ms=1_000, backlog_patience_s=30)
    protocol.on_bytes(SECOND * 4, 0.0)
    drain(protocol)
    for second in range(1, 200):
        moved = Progress(Status.LIVE, 1, heard_ms=second * 5)
        assert closed_with(protocol.on_progress(moved, float(second))) is None


def test_the_backlog_of_containers_counts_bytes():
    protocol = streaming({"encoding": "ogg_opus"}, backlog_limit_ms=1_000)
    protocol.on_bytes(bytes(64_001), 0.0)
    protocol.on_bytes(bytes(640), 0.0)
    drain(protocol)
    assert isinstance(told(protocol.on_progress(LIVE, 0.5))[0], SessionLag)
    protocol.on_progress(Progress(Status.LIVE, 1, consumed_bytes=60_000), 1.0)
    assert protocol.may_read


def test_frames_are_held_while_redis_is_away_up_to_a_limit():
    protocol = streaming(hold_ms=1_000)
    assert told(protocol.on_bus_away(BusUnavailable("gone")))[0].permanent is False
    assert protocol.on_bus_away(BusUnavailable("gone")) == ()  # told once an outage
    protocol.on_bytes(SECOND, 0.0)
    assert protocol.may_read
    protocol.on_bytes(b"\0\0", 0.0)
    assert not protocol.may_read
    drain(protocol)
    assert protocol.may_read
    assert told(protocol.on_bus_away(BusUnavailable("again")))


def test_audio_that_redis_lost_is_asked_for_again():
    actions = streaming().on_audio_lost()
    code = closed_with(actions)
    assert code is CloseCode.GOING_AWAY
    assert code.reconnect
    assert told(actions)[0].permanent is False


def test_a_newer_connection_takes_over():
    protocol = streaming()
    actions = protocol.on_progress(Progress(Status.LIVE, epoch=2), 0.5)
    assert closed_with(actions) is CloseCode.SUPERSEDED


def test_a_redis_that_forgot_this_connection():
    assert (
        closed_with(streaming().on_progress(Progress(Status.CREATED, epoch=0), 0.5)) is CloseCode.GOING_AWAY
    )


def test_ended_from_elsewhere():
    protocol = streaming()
    actions = protocol.on_progress(Progress(Status.ENDING, epoch=2), 0.5)
    assert failed(actions, SessionEnded, CloseCode.SESSION_ENDED)
    assert protocol.on_progress(Progress(Status.ENDED, epoch=2), 1.0) == ()


def test_its_own_end_does_not_close_it():
    protocol = streaming()
    protocol.on_text('{"type":"session.end"}', 0.0)
    assert closed_with(protocol.on_progress(Progress(Status.ENDING, epoch=1), 0.5)) is None


def test_a_session_that_vanished():
    assert closed_with(streaming().on_progress(Progress(), 0.5)) is CloseCode.NOT_FOUND


def test_a_socket_on_which_nothing_comes():
    protocol = streaming(idle_timeout_s=60)
    protocol.on_bytes(SECOND, 10.0)
    assert closed_with(protocol.on_tick(69.0)) is None
    assert failed(protocol.on_tick(70.5), LimitExceeded, CloseCode.IDLE_TIMEOUT)


def test_an_hour_of_silent_audio_is_no_idleness():
    protocol = streaming(idle_timeout_s=1)
    frame, total = bytes(3_200), 0
    for number in range(36_000):
        now = number / 10
        assert protocol.on_bytes(frame, now) == (Send(),)
        total += len(frame)
        drain(protocol, now)
        heard = Progress(Status.LIVE, 1, committed_ms=total // 32, heard_ms=total // 32, consumed_bytes=total)
        assert closed_with((*protocol.on_progress(heard, now), *protocol.on_tick(now))) is None
    assert protocol.received_ms == 3_600_000
    assert protocol.outbox.waiting_bytes == 0


def test_one_that_is_held_back_is_not_idle():
    protocol = streaming(idle_timeout_s=5, backlog_limit_ms=1_000, backlog_patience_s=1_000)
    protocol.on_bytes(SECOND * 3, 0.0)
    drain(protocol)
    protocol.on_progress(LIVE, 0.5)
    assert closed_with(protocol.on_tick(20.0)) is None
    protocol.on_progress(Progress(Status.LIVE, 1, committed_ms=3_000), 20.0)
    assert closed_with(protocol.on_tick(24.0)) is None


def test_one_that_waits_for_its_last_results_is_not_idle():
    protocol = streaming(idle_timeout_s=5)
    protocol.on_text('{"type":"session.end"}', 0.0)
    assert closed_with(protocol.on_tick(100.0)) is None


def test_drain_tells_to_come_back():
    protocol = streaming()
    assert closed_with(protocol.on_drain()) is CloseCode.GOING_AWAY
    assert protocol.on_drain() == ()
    assert protocol.on_tick(1_000.0) == ()


def test_messages_over_the_rate_wait():
    protocol = streaming(max_messages_per_s=10)
    pauses = [protocol.throttle_s(0.0) for _ in range(30)]
    assert pauses[:20] == [0.0] * 20
    assert pauses[-1] == pytest.approx(1.0)
    assert protocol.throttle_s(60.0) == 0.0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unauthenticated("x"), CloseCode.UNAUTHENTICATED),
        (Forbidden("x"), CloseCode.FORBIDDEN),
        (EngineUnavailable("x"), CloseCode.OVERLOADED),
        (BadUpstream("x"), CloseCode.BUS_UNAVAILABLE),
        (DragomanError("x"), CloseCode.BAD_REQUEST),
    ],
)
def test_close_codes(error, code):
    assert close_code(error) is code
    assert code.reconnect is not error.permanent


@given(
    messages=st.lists(
        st.one_of(
            st.text(max_size=40),
            st.binary(max_size=40),
            st.sampled_from(
                [
                    '{"type":"session.configure"}',
                    '{"type":"audio.flush"}',
                    '{"type":"session.end"}',
                    '{"type":"session.configure","audio":{"encoding":"webm_opus"}}',
                ]
            ),
        ),
        max_size=30,
    )
)
def test_no_message_breaks_it_and_no_taken_byte_is_lost(messages):
    protocol, taken = fresh(), b""
    for message in messages:
        if protocol.phase is Phase.CLOSED:
            break
        before = protocol.outbox.accepted_bytes
        if isinstance(message, str):
            actions = protocol.on_text(message, 0.0)
        else:
            actions = protocol.on_bytes(message, 0.0)
            if protocol.outbox.accepted_bytes > before:
                taken += message
        for action in actions:
            if isinstance(action, Open):
                protocol.on_opened(Opened(1, 0, resumed=False), LIVE, 0.0)
    stored = b""
    while protocol.outbox:
        entry = protocol.outbox.take()
        stored += entry.data if entry.kind == AudioKind.FRAME else b""
    assert stored == taken
