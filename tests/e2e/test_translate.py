"""Live translation as a user calls it: the real system, on the mock engines and without any translator."""

from __future__ import annotations

import signal
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dragoman_contracts.websocket import (
    ServerMessages,
    SessionEndedMessage,
    TranscriptFinal,
    TranslationFailedMessage,
    TranslationFinal,
    parse_server_message,
)
from dragoman_whisper.engines.mock_speech import speak

UTTERANCES = (range(100, 108), range(200, 206), range(300, 304))
PAUSE_SAMPLES = 16_000


@pytest.fixture
def spoken(tmp_path: Path) -> Path:
    """Three utterances that the mock engine understands, with a second of silence around each."""
    quiet = np.zeros(PAUSE_SAMPLES, np.float32)
    samples = np.concatenate([quiet, *(part for numbers in UTTERANCES for part in (speak(numbers), quiet))])
    path = tmp_path / "spoken.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes((samples * 32_767).astype("<i2").tobytes())
    return path


def words(numbers: Sequence[int]) -> str:
    return " ".join(f"w{number:05d}" for number in numbers)


def events_of(stdout: bytes) -> list[ServerMessages]:
    return [parse_server_message(line) for line in stdout.splitlines()]


def test_each_final_has_one_translation_a_language_in_order_before_the_end(
    mock_system: Any, dragoman_run: Any, spoken: Path
) -> None:
    ended = dragoman_run(
        "transcribe", str(spoken), "--language", "en", "--translate", "es,pt_br", "--json", server=mock_system
    )
    assert ended.returncode == 0, ended.stderr
    events = events_of(ended.stdout)
    finals = [event for event in events if isinstance(event, TranscriptFinal) and event.text]
    assert [final.text.split() for final in finals] == [words(numbers).split() for numbers in UTTERANCES]
    for target in ("es", "pt-BR"):
        translations = [
            event
            for event in events
            if isinstance(event, TranslationFinal) and event.target_language == target
        ]
        assert [t.segment_id for t in translations] == [final.segment_id for final in finals]
        assert [t.text for t in translations] == [f"[{target}] {final.text.strip()}" for final in finals]
        assert {t.engine for t in translations} == {"mock"}
    assert isinstance(events[-1], SessionEndedMessage), "the end comes after the last translation"


def test_plain_output_is_a_line_a_final_with_its_language(
    mock_system: Any, dragoman_run: Any, spoken: Path
) -> None:
    ended = dragoman_run(
        "transcribe", str(spoken), "--language", "en", "--translate", "es", server=mock_system
    )
    assert ended.returncode == 0, ended.stderr
    lines = [line.partition("] ")[2].split() for line in ended.stdout.decode().splitlines()]
    for numbers in UTTERANCES:
        original, translation = ["en", *words(numbers).split()], ["es", "[es]", *words(numbers).split()]
        assert lines.index(original) < lines.index(translation)
    assert len(lines) == 2 * len(UTTERANCES)


def test_each_language_gets_subtitles_of_its_own(
    mock_system: Any, dragoman_run: Any, spoken: Path, tmp_path: Path
) -> None:
    ended = dragoman_run(
        "transcribe", str(spoken), "--language", "en", "--translate", "es,de",
        "--srt", str(tmp_path / "talk.srt"), "--vtt", str(tmp_path / "talk.vtt"), server=mock_system,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    for suffix, head in (("srt", "1\n00:00:0"), ("vtt", "WEBVTT")):
        original = (tmp_path / f"talk.{suffix}").read_text()
        assert original.startswith(head)
        assert "w00100" in original
        assert "[es]" not in original
        for target in ("es", "de"):
            translated = (tmp_path / f"talk.{target}.{suffix}").read_text()
            assert translated.startswith(head)
            assert translated.count(f"[{target}]") == len(UTTERANCES)
            assert "w00303" in translated


def test_speech_in_the_readers_language_is_passed_through(
    mock_system: Any, dragoman_run: Any, spoken: Path
) -> None:
    ended = dragoman_run(
        "transcribe", str(spoken), "--language", "en", "--translate", "en", "--json", server=mock_system
    )
    assert ended.returncode == 0, ended.stderr
    events = events_of(ended.stdout)
    finals = [event.text for event in events if isinstance(event, TranscriptFinal) and event.text]
    passed = [event for event in events if isinstance(event, TranslationFinal)]
    assert [event.text for event in passed] == finals
    assert {event.engine for event in passed} == {""}


@pytest.mark.parametrize(
    ("languages", "cause"), [("klingonish", "no language code"), (",", "no language is given")]
)
def test_a_language_that_is_none_is_told_before_anything_starts(
    dragoman_run: Any, spoken: Path, languages: str, cause: str
) -> None:
    ended = dragoman_run("transcribe", str(spoken), "--translate", languages, limit_s=20)
    text = ended.stderr.decode()
    assert ended.returncode == 1
    assert cause in text
    assert "Traceback" not in text


def test_a_machine_without_translators_starts_works_and_says_how_to_get_one(
    dragoman_up: Any, dragoman_run: Any, spoken: Path, tmp_path: Path
) -> None:
    up = dragoman_up(
        "--profile", "mock",
        DRAGOMAN_TRANSLATION_ENGINES="ctranslate2,apertium",
        DRAGOMAN_TRANSLATION_APERTIUM_COMMAND="not-there",
        DRAGOMAN_AUDIO_TRANSLATION_PATIENCE_S="1",
    )  # fmt: skip
    assert "Nothing is translated: give --translate-model en-es=FOLDER" in up.output

    untranslated = dragoman_run("transcribe", str(spoken), "--language", "en", server=up)
    assert untranslated.returncode == 0, untranslated.stderr

    srt = tmp_path / "talk.srt"
    ended = dragoman_run(
        "transcribe", str(spoken), "--language", "en", "--translate", "es", "--json", "--srt", str(srt),
        server=up,
    )  # fmt: skip
    events = events_of(ended.stdout)
    finals = [event for event in events if isinstance(event, TranscriptFinal) and event.text]
    failures = [event for event in events if isinstance(event, TranslationFailedMessage)]
    assert [final.text.split() for final in finals] == [words(numbers).split() for numbers in UTTERANCES]
    assert {failure.segment_id for failure in failures} == {final.segment_id for final in finals}
    assert isinstance(events[-1], SessionEndedMessage)
    text = ended.stderr.decode()
    assert ended.returncode == 1
    assert (
        f"{len(finals)} of {len(finals)} segments are not translated into es: {failures[-1].message}" in text
    )
    assert "Traceback" not in text
    assert "w00100" in srt.read_text(), "the original has its subtitles all the same"

    up.process.send_signal(signal.SIGINT)
    assert up.wait_end() == 0
    assert up.survivors() == []


def test_a_model_folder_that_is_none_is_told(dragoman_run: Any) -> None:
    ended = dragoman_run("up", "--port", "0", "--translate-model", "en-es", limit_s=20)
    text = ended.stderr.decode()
    assert ended.returncode == 1
    assert "DRAGOMAN_TRANSLATION_MODELS" in text
    assert "Traceback" not in text


def test_a_command_that_opens_its_standard_input_translates_too(
    dragoman_up: Any, dragoman_run: Any, spoken: Path, tmp_path: Path
) -> None:
    """As Debian's apertium does; uvloop gives a child a socket as its input, which cannot be opened."""
    command = tmp_path / "apertium"
    command.write_text('#!/bin/sh\nif [ "$1" = -l ]; then echo eng-spa; else cat /dev/stdin; fi\n')
    command.chmod(0o700)
    up = dragoman_up(
        "--profile", "mock",
        DRAGOMAN_TRANSLATION_ENGINES="apertium", DRAGOMAN_TRANSLATION_APERTIUM_COMMAND=str(command),
    )  # fmt: skip
    assert "It translates en→es." in up.output
    ended = dragoman_run(
        "transcribe", str(spoken), "--language", "en", "--translate", "es", "--json", server=up
    )
    assert ended.returncode == 0, ended.stderr
    translations = [event for event in events_of(ended.stdout) if isinstance(event, TranslationFinal)]
    assert [t.text.split() for t in translations] == [words(numbers).split() for numbers in UTTERANCES]
    assert {t.engine for t in translations} == {"apertium"}
