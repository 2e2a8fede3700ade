"""``dragoman transcribe`` against the real system with the mock engine, as a user calls it."""

from __future__ import annotations

import json
import signal
import subprocess
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dragoman_contracts.websocket import (
    SessionEndedMessage,
    SessionStarted,
    TranscriptFinal,
    parse_server_message,
)
from dragoman_whisper.engines.mock_speech import speak

NUMBERS = list(range(100, 112))


@pytest.fixture
def spoken(tmp_path: Path) -> Path:
    """A recording that the mock engine understands: silence, twelve numbers, silence."""
    quiet = np.zeros(8_000, np.float32)
    samples = np.concatenate([quiet, speak(NUMBERS), quiet])
    path = tmp_path / "spoken.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes((samples * 32_767).astype("<i2").tobytes())
    return path


def expected_text() -> list[str]:
    return [f"w{number:05d}" for number in NUMBERS]


def test_json_gives_the_protocols_events_one_a_line(
    mock_system: Any, dragoman_run: Any, spoken: Path
) -> None:
    ended = dragoman_run("transcribe", str(spoken), "--json", server=mock_system)
    assert ended.returncode == 0, ended.stderr
    events = [parse_server_message(line) for line in ended.stdout.splitlines()]
    assert isinstance(events[0], SessionStarted)
    assert isinstance(events[-1], SessionEndedMessage)
    words = [word.text.strip() for e in events if isinstance(e, TranscriptFinal) for word in e.words]
    assert words == expected_text()
    ledger = events[-1].ledger
    assert ledger.is_complete
    assert ledger.gap_ms == 0
    assert ledger.received_ms == pytest.approx(1000 + 300 * len(NUMBERS), abs=1)


def test_plain_output_is_the_finals_and_nothing_else(
    mock_system: Any, dragoman_run: Any, spoken: Path
) -> None:
    ended = dragoman_run("transcribe", str(spoken), server=mock_system)
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.decode().splitlines()
    assert all(line.startswith("[") for line in lines)
    assert " ".join(line.partition("] ")[2] for line in lines).split() == expected_text()


def test_subtitles_are_written(mock_system: Any, dragoman_run: Any, spoken: Path, tmp_path: Path) -> None:
    srt, vtt = tmp_path / "out.srt", tmp_path / "out.vtt"
    ended = dragoman_run("transcribe", str(spoken), "--srt", str(srt), "--vtt", str(vtt), server=mock_system)
    assert ended.returncode == 0, ended.stderr
    assert srt.read_text().startswith("1\n00:00:00,")
    assert vtt.read_text().startswith("WEBVTT")
    assert "w00100" in srt.read_text()
    assert "w00111" in vtt.read_text()


def test_a_pipe_is_transcribed_too(mock_system: Any, dragoman_run: Any, spoken: Path) -> None:
    ended = dragoman_run("transcribe", "-", server=mock_system, stdin=spoken.read_bytes())
    assert ended.returncode == 0, ended.stderr
    assert "w00100" in ended.stdout.decode()
    assert "w00111" in ended.stdout.decode()


def test_a_wrong_key_is_one_clear_line(mock_system: Any, dragoman_run: Any, spoken: Path) -> None:
    ended = dragoman_run(
        "transcribe", str(spoken), DRAGOMAN_CLIENT_SERVER=mock_system.url, DRAGOMAN_CLIENT_KEY="wrong-one"
    )
    text = ended.stderr.decode()
    assert ended.returncode == 1
    assert "not known" in text
    assert "wrong-one" not in text
    assert "Traceback" not in text


def test_a_server_that_is_not_there_is_one_clear_line(
    dragoman_run: Any, spoken: Path, free_port: int
) -> None:
    ended = dragoman_run("transcribe", str(spoken), "--server", f"http://127.0.0.1:{free_port}")
    text = ended.stderr.decode()
    assert ended.returncode == 1
    assert f"no Dragoman answers at http://127.0.0.1:{free_port}" in text
    assert "dragoman up" in text
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("content", "cause"),
    [(b"", "is empty"), (b"this is a text about audio\n" * 50, "is no audio"), (None, "there is no file")],
)
def test_what_is_no_audio_is_told_before_anything_starts(
    dragoman_run: Any, tmp_path: Path, content: bytes | None, cause: str
) -> None:
    path = tmp_path / "x.wav"
    if content is not None:
        path.write_bytes(content)
    ended = dragoman_run("transcribe", str(path), limit_s=20)
    text = ended.stderr.decode()
    assert ended.returncode == 1
    assert cause in text
    assert "Traceback" not in text


def test_without_a_server_everything_is_started_for_the_call(dragoman_run: Any, spoken: Path) -> None:
    ended = dragoman_run("transcribe", str(spoken), "--profile", "mock")
    assert ended.returncode == 0, ended.stderr
    assert "w00111" in ended.stdout.decode()


def test_real_time_sends_no_faster_than_the_recording_plays(
    mock_system: Any, dragoman_run: Any, spoken: Path
) -> None:
    ended = dragoman_run("transcribe", str(spoken), "--realtime", "--json", server=mock_system)
    assert ended.returncode == 0, ended.stderr
    # Sent at once, 4.6 s of audio need one acknowledgement; at its own pace there is one every half second.
    acks = [line for line in ended.stdout.splitlines() if json.loads(line)["type"] == "audio.ack"]
    assert len(acks) >= 5


def test_ctrl_c_ends_a_live_stream_and_what_was_said_is_transcribed(
    mock_system: Any, dragoman_start: Any, spoken: Path
) -> None:
    live = dragoman_start(
        "transcribe", "-", "--json", stdin=subprocess.PIPE,
        DRAGOMAN_CLIENT_SERVER=mock_system.url, DRAGOMAN_CLIENT_KEY=mock_system.key,
    )  # fmt: skip
    # Most of the silence at its end is left out: only the end of the stream makes the last words final.
    live.process.stdin.buffer.write(spoken.read_bytes()[: 44 + 2 * (8_000 + 4_800 * len(NUMBERS) + 4_800)])
    live.process.stdin.buffer.flush()
    # 4.4 s were written; what the pipe holds back is less than the silence.
    live.wait_for(r'"received_ms":4[1234]\d\d')
    assert "transcript.final" not in live.output
    live.process.send_signal(signal.SIGINT)
    assert live.wait_end() == 0, live.output
    assert "finishing" in live.output
    events = [parse_server_message(line) for line in live.lines if line.startswith("{")]
    assert isinstance(events[-1], SessionEndedMessage)
    words = [word.text.strip() for e in events if isinstance(e, TranscriptFinal) for word in e.words]
    assert words == expected_text()


def test_an_api_that_is_killed_in_mid_stream_costs_no_word(
    mock_system: Any, dragoman_start: Any, spoken: Path
) -> None:
    speaker = dragoman_start(
        "transcribe", str(spoken), "--realtime", "--json",
        DRAGOMAN_CLIENT_SERVER=mock_system.url, DRAGOMAN_CLIENT_KEY=mock_system.key,
    )  # fmt: skip
    speaker.wait_for("w00101")
    mock_system.child("dragoman_orchestration.cli", "api").kill()
    assert speaker.wait_end() == 0, speaker.output
    assert "session.resumed" in speaker.output
    assert "The connection was lost" in speaker.output
    assert "Connected again after" in speaker.output
    events = [parse_server_message(line) for line in speaker.lines if line.startswith("{")]
    words = [word.text.strip() for e in events if isinstance(e, TranscriptFinal) for word in e.words]
    assert words == expected_text()
    assert isinstance(events[-1], SessionEndedMessage)
    assert events[-1].ledger.is_complete
    assert events[-1].ledger.gap_ms == 0
