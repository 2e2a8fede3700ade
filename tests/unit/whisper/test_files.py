"""A file on its way through the engine: in pieces, between live windows, in one language."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
import pytest

from dragoman_contracts.errors import Overloaded
from dragoman_contracts.whisper_api import WindowResult, WindowWord
from dragoman_runtime.process import Health
from dragoman_whisper.engines.base import Samples, Span, Window
from dragoman_whisper.fair_queue import Lane
from dragoman_whisper.files import FileOptions, FileTranscriber
from dragoman_whisper.service import WhisperService
from dragoman_whisper.settings import WhisperSettings

from .engines import HeldEngine, window

SECOND = 16_000


def file_of(seconds: int) -> BinaryIO:
    """Second n begins with the sample n + 1."""
    pcm = np.zeros((seconds, SECOND), dtype="<i2")
    pcm[:, 0] = np.arange(1, seconds + 1)
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setparams((1, 2, SECOND, 0, "NONE", ""))
        output.writeframes(pcm.tobytes())
    file.seek(0)
    return file


class SecondsEngine(HeldEngine):
    """Each second is a piece of speech, said in the language that ``detected`` gives for it."""

    languages = frozenset({"en", "es", "fr"})

    def __init__(self, detected: dict[int, tuple[str, float]] | None = None) -> None:
        super().__init__()
        self.asked: list[str | None] = []
        self._detected = detected or {}

    def speech_spans(self, samples: Samples, max_span_s: float) -> list[Span]:
        return [Span(at, at + SECOND // 2) for at in range(0, len(samples), SECOND)]

    def decode_windows(self, batch: Sequence[Window]) -> list[WindowResult]:
        results = []
        for one, result in zip(batch, super().decode_windows(batch), strict=True):
            self.asked.append(one.options.language)
            language, probability = self._detected.get(int(one.pcm[0]), ("en", 1.0))
            word = WindowWord(text=f" {result.text}", start_ms=10, end_ms=20)
            results.append(
                WindowResult(
                    language=one.options.language or language, language_probability=probability, words=[word]
                )
            )
        return results


async def started(engine: HeldEngine, **values) -> tuple[WhisperService, FileTranscriber]:
    settings = WhisperSettings(**{"profile": "mock", "batch_max": 1, "file_chunk_s": 1, **values})
    service = WhisperService(settings, Health("whisper"), engine)
    service.start()
    await service.wait_loaded()
    return service, FileTranscriber(service)


async def test_pieces_come_back_in_order_with_the_times_of_the_file() -> None:
    service, files = await started(SecondsEngine(), batch_max=3)
    transcript = await files.transcribe(file_of(7), FileOptions(language="en"))
    assert transcript.text == "1 2 3 4 5 6 7"
    assert [word.start_ms for word in transcript.words] == [1_000 * second + 10 for second in range(7)]
    assert transcript.duration_ms == 7_000
    await service.stop()


async def test_a_live_window_waits_for_one_piece_at_most(eventually) -> None:
    engine = SecondsEngine()
    engine.gate.clear()
    service, files = await started(engine)
    file = asyncio.create_task(files.transcribe(file_of(5), FileOptions(language="en")))
    await eventually(lambda: engine.batches == [[1]])
    live = [
        service.batcher.submit(window(99, "live", fast=fast), lane)
        for fast, lane in ((False, Lane.FINAL), (True, Lane.DRAFT))
    ]
    engine.gate.set()
    await asyncio.gather(*live)
    await file
    assert engine.batches[:3] == [[1], [99], [99]]
    assert [content for batch in engine.batches for content in batch if content != 99] == [1, 2, 3, 4, 5]
    await service.stop()


@pytest.mark.parametrize(
    ("detected", "language", "asked"),
    [
        ({1: ("es", 0.9)}, "es", [None, "es", "es", "es", "es"]),
        ({1: ("es", 0.4), 2: ("en", 0.8)}, "en", [None, None, "en", "en", "en"]),
        ({1: ("es", 0.4), 2: ("fr", 0.3), 3: ("es", 0.4)}, "es", [None, None, None, "es", "es"]),
        ({1: ("es", 0.2), 2: ("fr", 0.3), 3: ("en", 0.4)}, "en", [None, None, None, "en", "en"]),
    ],
)
async def test_the_language_is_settled_early(detected, language, asked) -> None:
    engine = SecondsEngine(detected)
    service, files = await started(engine)
    transcript = await files.transcribe(file_of(5), FileOptions())
    assert transcript.language == language
    assert engine.asked == asked
    await service.stop()


async def test_a_short_unsure_file_has_its_likeliest_language() -> None:
    service, files = await started(SecondsEngine({1: ("es", 0.4)}))
    assert (await files.transcribe(file_of(1), FileOptions())).language == "es"
    assert (await files.transcribe(file_of(1), FileOptions(task="translate"))).language == "en"
    await service.stop()


async def test_files_at_the_same_time_are_bounded(eventually) -> None:
    engine = SecondsEngine()
    engine.gate.clear()
    service, files = await started(engine, files_max=1)
    first = asyncio.create_task(files.transcribe(file_of(2), FileOptions(language="en")))
    await eventually(lambda: engine.batches == [[1]])
    with pytest.raises(Overloaded, match="limit is 1"):
        await files.transcribe(file_of(2), FileOptions())
    engine.gate.set()
    await first
    assert (await files.transcribe(file_of(1), FileOptions())).text == "1"
    await service.stop()


async def test_a_file_whose_client_is_gone_is_decoded_no_further(eventually) -> None:
    engine = SecondsEngine()
    engine.gate.clear()
    service, files = await started(engine, files_max=1)
    gone = asyncio.create_task(files.transcribe(file_of(50), FileOptions(language="en")))
    await eventually(lambda: engine.batches == [[1]])
    gone.cancel()
    engine.gate.set()
    await asyncio.wait({gone})
    assert (await files.transcribe(file_of(1), FileOptions(language="en"))).text == "1"
    assert engine.batches == [[1], [1]]
    await service.stop()
