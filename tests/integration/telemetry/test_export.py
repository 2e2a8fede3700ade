"""What one process sends by OTLP, of lines and figures made on purpose."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Iterator

import pytest
from loguru import logger

from dragoman_runtime import telemetry, telemetry_export
from dragoman_runtime.settings import RuntimeSettings

from .receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


def set_up(receiver: Receiver, **changes: float | str) -> None:
    settings = RuntimeSettings(**{"otlp_endpoint": receiver.url, "otlp_metrics_interval_s": 0} | changes)
    telemetry.setup_telemetry("test", settings, stream=io.StringIO())


def test_lines_are_masked_as_on_stderr(receiver: Receiver) -> None:
    set_up(receiver)
    logger.bind(session_id="s1", url="redis://u:hunter2@h").warning("to redis://u:hunter2@h")
    try:
        raise ValueError("Bearer hunter2")
    except ValueError:
        logger.exception("it failed")
    telemetry.shutdown_telemetry()
    warning, failure = receiver.received.lines
    assert (warning.body, warning.severity) == ("to redis://***@h", "WARNING")
    assert warning.attributes["session.id"] == "s1"
    assert warning.attributes["url"] == "redis://***@h"
    assert failure.attributes["exception.type"] == "ValueError"
    assert "Bearer ***" in failure.attributes["exception.stacktrace"]
    assert not [body for body in receiver.received.raw if b"hunter2" in body]


def test_a_line_has_the_trace_in_which_it_was_written(receiver: Receiver) -> None:
    set_up(receiver, trace_ratio=0)
    with telemetry.span_from("", "work"):
        trace_id = telemetry.current_trace_id()
        logger.info("within")
    logger.info("without")
    telemetry.shutdown_telemetry()
    assert [line.trace_id for line in receiver.received.lines] == [trace_id, ""]
    assert receiver.received.spans == []


def test_the_level_that_is_logged_is_the_level_that_is_sent(receiver: Receiver) -> None:
    set_up(receiver, log_level="WARNING")
    logger.info("quiet")
    logging.getLogger("somebody").warning("loud")
    telemetry.shutdown_telemetry()
    assert [line.body for line in receiver.received.lines] == ["loud"]


def test_what_tells_of_failing_exports_is_not_exported(receiver: Receiver) -> None:
    set_up(receiver)
    scope = {"__name__": "opentelemetry.exporter.otlp", "logging": logging}
    exec("logging.getLogger(__name__).error('it cannot be sent')", scope)
    logger.info("other")
    telemetry.shutdown_telemetry()
    assert [line.body for line in receiver.received.lines] == ["other"]


@pytest.mark.parametrize(("interval_s", "sent"), [(0, False), (3600, True)])
def test_metrics_are_sent_once_more_at_the_end_unless_they_are_off(
    receiver: Receiver, interval_s: float, sent: bool
) -> None:
    set_up(receiver, otlp_metrics_interval_s=interval_s)
    telemetry.shutdown_telemetry()
    assert bool(receiver.received.metrics) == sent


def test_a_receiver_that_is_away_holds_nobody_up(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry_export, "SHUTDOWN_S", 0.2)
    out = io.StringIO()
    settings = RuntimeSettings(otlp_endpoint="http://127.0.0.1:9", otlp_metrics_interval_s=0)
    telemetry.setup_telemetry("test", settings, stream=out)
    for number in range(5000):
        logger.info("line {}", number)
    assert out.getvalue().count('"message":"line ') == 5000
    telemetry.shutdown_telemetry()
    left = [thread for thread in threading.enumerate() if thread.name == "otlp-end"]
    assert all(thread.daemon for thread in left), "it would hold up the end of the process"
    assert "Logging error" not in capsys.readouterr().err
