"""What a bot's runner hears is as good as the recording itself: the words that a recogniser makes of both.

The runner is the real process; the API is played, so that nothing but the way through the meeting differs.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.integration.bots_runner.fake_api import FakeApi, fake_api
from tests.integration.bots_runner.media_server import media_server, samples_of
from tests.meeting import chromium_or_skip, running_meeting
from tests.meeting.people import LOOPBACK_MEDIA

from dragoman_contracts.bots import CompletionReason, RunnerState
from dragoman_orchestration.cli.score import word_error_rate

FIXTURES = Path(__file__).parents[1] / "fixtures"
NAME = "en_heldout_00"
WORSE = 0.1
"""Opus and resampling may cost a word or two."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def words_of() -> Any:
    """``words_of(samples)``: what the small model hears."""
    from faster_whisper import WhisperModel

    model = WhisperModel(str(FIXTURES / "models" / "whisper-micro"), device="cpu", compute_type="float32")

    def hear(samples: np.ndarray) -> str:
        audio = samples.astype(np.float32) / 32768
        segments, _ = model.transcribe(audio, language="en", vad_filter=True, beam_size=5)
        return " ".join(segment.text.strip() for segment in segments)

    return hear


def reference(name: str) -> str:
    lines = (FIXTURES / "audio" / "refs.jsonl").read_text().splitlines()
    found = next(row for row in map(json.loads, lines) if name in json.dumps(row))
    return str(found["text"])


async def run(api: FakeApi, url: str, driver: str, **request: Any) -> asyncio.subprocess.Process:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DRAGOMAN_")}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "dragoman_bots",
        env={
            **kept,
            **api.environment(api.task(url, driver=driver, **request)),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "DRAGOMAN_BOT_RUNNER_ALLOWED_NETWORKS": "127.0.0.0/8",
            "DRAGOMAN_BOT_RUNNER_CHROMIUM_ARGS": " ".join(LOOPBACK_MEDIA),
        },
        stderr=subprocess.PIPE,
    )


def heard(api: FakeApi) -> np.ndarray:
    return np.frombuffer(bytes(api.audio), np.int16)


async def test_a_browser_bots_words_are_those_of_the_direct_path(words_of: Any) -> None:
    chromium_or_skip()
    recording = FIXTURES / "audio" / f"{NAME}.wav"
    direct = word_error_rate(reference(NAME), words_of(samples_of(recording)))
    with running_meeting() as meeting:
        meeting.speaks("Anna", recording)
        async with fake_api() as api:
            process = await run(api, meeting.url, "browser", display_name="Bot", notice="We are heard.")
            await asyncio.to_thread(meeting.wait_for, lambda: meeting.spoken, 60)
            spoken_bytes = len(api.audio)
            await asyncio.to_thread(meeting.wait_for, lambda: len(api.audio) > spoken_bytes + 32_000)
            api.order_stop()
            _, log = await asyncio.wait_for(process.communicate(), 60)
            assert process.returncode == 0, log.decode()
            assert api.last.completion is CompletionReason.STOPPED
            assert api.ended
            assert any(report.speaking == 1 for report in api.reports)
            through_the_meeting = word_error_rate(reference(NAME), words_of(heard(api)))
        assert meeting.chat == [("Bot", "We are heard.")]
    print(f"word error rate: direct {direct:.3f}, through the meeting {through_the_meeting:.3f}")
    assert through_the_meeting <= direct + WORSE


async def test_a_media_bots_words_are_those_of_the_direct_path(words_of: Any) -> None:
    recording = FIXTURES / "audio" / f"{NAME}.wav"
    direct = word_error_rate(reference(NAME), words_of(samples_of(recording)))
    async with media_server() as media, fake_api() as api:
        process = await run(api, media.serve_bytes("/a.wav", recording.read_bytes()), "media")
        _, log = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, log.decode()
        assert api.last.completion is CompletionReason.MEDIA_ENDED
        assert api.states[-1] is RunnerState.DONE
        np.testing.assert_array_equal(heard(api), samples_of(recording))
        assert word_error_rate(reference(NAME), words_of(heard(api))) == direct
