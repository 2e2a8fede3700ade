"""``dragoman demo`` on the real small model, in real time; and the commands that end early."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.slow
def test_a_recording_streams_through_the_real_engine(dragoman_run: Any) -> None:
    ended = dragoman_run("demo", "--file", "en_seen_05.wav")
    text = ended.stdout.decode()
    assert ended.returncode == 0, text + ended.stderr.decode()
    rate = re.search(r"Word error rate: ([\d.]+)% of (\d+) words", text)
    assert rate is not None, text
    assert float(rate[1]) <= 20, text
    assert re.search(r"Word spoken → first caption: p50 \d+\.\d\d s, p95 \d+\.\d\d s", text)
    assert re.search(r"Utterance's end → final: p50 \d+\.\d\d s, p95 \d+\.\d\d s", text)
    assert re.search(r"^\[0:0\d\.\d\] \w+", text, re.MULTILINE), "a final caption as a plain line"
    assert re.search(r"^\[0:0\d\.\d\] es  \w+", text, re.MULTILINE), "and its translation"
    assert re.search(
        r"Final → its translation: p50 \d+ ms, p95 \d+ ms \((\d+) of \1 finals, ctranslate2\)", text
    )
    assert "trained" in text
    assert "./justw demo --model" in text
    assert "Traceback" not in text


@pytest.mark.slow
def test_the_figures_of_a_recording_are_json_if_wanted(dragoman_run: Any) -> None:
    ended = dragoman_run("demo", "--file", "en_seen_01.wav", "--json")
    assert ended.returncode == 0, ended.stderr.decode()
    figures = json.loads(ended.stdout)
    assert figures["word_error_rate"] <= 0.2
    translation = figures["translation"]
    assert translation["target"] == "es"
    assert translation["engines"] == ["ctranslate2"]
    assert translation["missing"] == 0
    assert 0 < translation["added_ms_p50"] <= translation["added_ms_p95"]
    # What the model makes of the reference text is what it makes of a transcript that is right.
    assert translation["reference"] == ["El ingeniero trabaja en una fábrica en Toronto."]
    if figures["word_error_rate"] == 0:
        assert translation["exact"] == 1, translation["text"]


def test_an_unknown_recording_names_the_known_ones(dragoman_run: Any) -> None:
    ended = dragoman_run("demo", "--file", "nothing.wav")
    assert ended.returncode == 1
    assert "meeting_en_two_voices.wav" in ended.stderr.decode()


def test_a_model_that_cannot_be_had_ends_with_its_reason(dragoman_run: Any, tmp_path: Path) -> None:
    ended = dragoman_run("transcribe", _silence(tmp_path), "--model", str(tmp_path / "no-model"), limit_s=60)
    text = ended.stderr.decode()
    assert ended.returncode == 1
    assert "DRAGOMAN_WHISPER_MODEL" in text
    assert "Traceback" not in text


@pytest.mark.parametrize("command", ["demo", "transcribe"])
def test_ctrl_c_in_mid_stream_leaves_nothing(dragoman_start: Any, fixtures: Path, command: str) -> None:
    recording = fixtures / "meeting_en_two_voices.wav"
    started = (
        dragoman_start("demo")
        if command == "demo"
        else dragoman_start("transcribe", str(recording), "--realtime", "--json", "--profile", "mock")
    )
    started.wait_for(r"(?m)^   … |transcript\.partial|transcript\.final")
    started.note_family()
    started.process.send_signal(signal.SIGINT)
    assert started.wait_end() == 130
    assert started.survivors() == []
    assert "Traceback" not in started.output


def _silence(folder: Path) -> str:
    import wave

    path = folder / "silence.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(bytes(32_000))
    return str(path)
