"""The profile cpu in containers: real speech, a real model, a real translator."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jiwer
import pytest

from .conftest import ROOT, finals, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

FIXTURES = ROOT / "tests" / "fixtures"
MEETING = "meeting_en_two_voices.wav"
WORDS_WRONG_AT_MOST = 0.05
PLAIN = jiwer.Compose(
    [jiwer.ToLowerCase(), jiwer.RemovePunctuation(), jiwer.Strip(), jiwer.ReduceToListOfListOfWords()]
)


def test_real_speech_becomes_captions_and_translations_in_containers() -> None:
    references = (FIXTURES / "audio" / "refs.jsonl").read_text(encoding="utf-8").splitlines()
    reference = next(ref["text"] for ref in map(json.loads, references) if ref["file"] == MEETING)
    settings = {
        "STACK_MODELS": str(FIXTURES / "models"),
        "DRAGOMAN_WHISPER_MODEL": "/models/whisper-micro",
        "DRAGOMAN_TRANSLATION_MODELS": "en-es=/models/marian-micro-en-es",
    }
    Path(os.environ["STACK_ENV_FILE"]).write_text(
        "".join(f"{name}={value}\n" for name, value in settings.items()), encoding="utf-8"
    )
    with running("cpu") as stack:
        events = stack.transcribe(FIXTURES / "audio" / MEETING, "--translate", "es")
    heard = " ".join(final.text for final in finals(events))
    wrong = jiwer.wer(reference, heard, reference_transform=PLAIN, hypothesis_transform=PLAIN)
    print(f"heard, {100 * wrong:.1f} % of its words wrong: {heard}")
    assert wrong <= WORDS_WRONG_AT_MOST
    translated = [event["text"] for event in events if event["type"] == "translation.final"]
    print("translated:", *translated)
    assert any("buenos días" in text.lower() for text in translated)
