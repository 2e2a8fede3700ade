"""The contract of the window endpoint as data: for every engine, and for the client.

``WINDOWS`` are requests that every engine answers, each with what must hold of the answer. ``REFUSALS`` are
requests that every engine refuses, with the status and code of the problem. ``canned`` is the answer that a
service gives to a case, so that a client can be tested through respx with the same cases.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import av
import httpx
import msgspec
import numpy as np
from av.audio.resampler import AudioResampler

from dragoman_contracts.whisper_api import (
    WINDOW_HEADER,
    WINDOW_MEDIA_TYPE,
    WindowOptions,
    WindowResult,
    WindowWord,
)

FIXTURES = Path(__file__).parents[1] / "fixtures"
MICRO_MODEL = FIXTURES / "models" / "whisper-micro"
SPEECH = "en_seen_01.wav"
SPEECH_TEXT = "The engineer works in a factory in Toronto."
SPANISH = "es_00.wav"


@cache
def pcm(name: str) -> bytes:
    """A fixture as the body of a window: s16le, 16 kHz, mono."""
    with av.open(str(FIXTURES / "audio" / name)) as container:
        resampler = AudioResampler(format="s16", layout="mono", rate=16_000)
        frames = [*container.decode(audio=0), None]
        parts = [out.to_ndarray().tobytes() for frame in frames for out in resampler.resample(frame)]
    return b"".join(parts)


def silence(seconds: float) -> bytes:
    """Digital silence."""
    return bytes(int(seconds * 16_000) * 2)


def duration_ms(body: bytes) -> int:
    """How long a body lasts."""
    return len(body) // 32


# --- what must hold of every answer -----------------------------------------------------------------------


def is_well_formed(body: bytes, result: WindowResult) -> None:
    """Words in order, within the window, and joined they are the text; probabilities are probabilities."""
    assert "".join(word.text for word in result.words) == result.text
    last_ms = 0
    for word in result.words:
        assert last_ms <= word.start_ms <= word.end_ms <= duration_ms(body)
        assert 0 <= word.probability <= 1
        assert word.text.strip()
        last_ms = word.start_ms
    assert 0 <= result.no_speech_probability <= 1
    assert 0 <= result.language_probability <= 1
    assert result.average_log_probability <= 0
    assert result.compression_ratio > 0
    assert result.engine
    assert result.model
    assert result.inference_ms >= 0
    assert result.queue_ms >= 0
    assert result.batch_size >= 1


def has_words(result: WindowResult) -> None:
    """Something was heard."""
    assert result.words


def has_no_words(result: WindowResult) -> None:
    """Nothing was heard."""
    assert result.words == []
    assert result.text == ""
    assert result.no_speech_probability > 0.5


def speaks(language: str) -> Callable[[WindowResult], None]:
    """Something was heard, in this language."""

    def check(result: WindowResult) -> None:
        has_words(result)
        assert result.language == language

    return check


def begins_with(prefix: str) -> Callable[[WindowResult], None]:
    """The hypothesis begins with the forced words, which have times like all others."""

    def check(result: WindowResult) -> None:
        assert result.text.strip().startswith(prefix)
        assert [word.text.strip() for word in result.words][: len(prefix.split())] == prefix.split()

    return check


@dataclass(frozen=True)
class WindowCase:
    """A request that every engine answers."""

    name: str
    body: Callable[[], bytes]
    check: Callable[[WindowResult], None]
    options: WindowOptions = field(default_factory=WindowOptions)

    @property
    def headers(self) -> dict[str, str]:
        return {"content-type": WINDOW_MEDIA_TYPE, WINDOW_HEADER: self.options.to_header()}


def _speech() -> bytes:
    return pcm(SPEECH)


WINDOWS = [
    WindowCase("speech", _speech, speaks("en"), WindowOptions(language="en", session_id="s1")),
    WindowCase("fast", _speech, speaks("en"), WindowOptions(language="en", fast=True)),
    WindowCase("detected language", _speech, speaks("en")),
    WindowCase("another language", lambda: pcm(SPANISH), speaks("es"), WindowOptions(language="es")),
    WindowCase("no times", _speech, has_words, WindowOptions(language="en", word_timestamps=False)),
    WindowCase(
        "forced beginning",
        _speech,
        begins_with("The engineer works"),
        WindowOptions(language="en", prefix="The engineer works"),
    ),
    WindowCase(
        "context",
        _speech,
        has_words,
        WindowOptions(language="en", prompt="We went to the café. ", hotwords="Toronto, Montréal"),
    ),
    WindowCase("translation", _speech, has_words, WindowOptions(language="es", task="translate")),
    WindowCase("silence", lambda: silence(3), has_no_words, WindowOptions(language="en")),
    WindowCase("silence in no known language", lambda: silence(1), has_no_words),
    WindowCase(
        "silence after context",
        lambda: silence(3),
        has_no_words,
        WindowOptions(language="en", prompt="And then"),
    ),
    WindowCase("one sample", lambda: b"\x01\x00", has_no_words, WindowOptions(language="en")),
    WindowCase("30 s", lambda: silence(30), has_no_words, WindowOptions(language="en")),
    WindowCase(
        "30 s of speech",
        lambda: pcm("long_en_heldout_voice.wav")[: 30 * 32_000],
        has_words,
        WindowOptions(language="en"),
    ),
]


@dataclass(frozen=True)
class Refusal:
    """A request that every engine refuses."""

    name: str
    status: int
    code: str
    body: bytes = b"\x00\x01" * 160
    media_type: str | None = WINDOW_MEDIA_TYPE
    options: str = "{}"

    @property
    def headers(self) -> Mapping[str, str]:
        headers = {WINDOW_HEADER: self.options}
        return headers if self.media_type is None else {**headers, "content-type": self.media_type}


REFUSALS = [
    Refusal("odd number of bytes", 415, "unsupported_audio", body=b"\x00\x01\x02"),
    Refusal("no audio", 415, "unsupported_audio", body=b""),
    Refusal("too long", 413, "window_too_long", body=bytes(960_002)),
    Refusal("no content type", 415, "unsupported_audio", media_type=None),
    Refusal("wav", 415, "unsupported_audio", media_type="audio/wav"),
    Refusal("another rate", 415, "unsupported_audio", media_type="audio/l16;rate=8000;channels=1"),
    Refusal("no rate", 415, "unsupported_audio", media_type="audio/l16"),
    Refusal("stereo", 415, "unsupported_audio", media_type="audio/l16;rate=16000;channels=2"),
    Refusal("options are no JSON", 422, "invalid_input", options='{"language":'),
    Refusal("options are no object", 422, "invalid_input", options='["en"]'),
    Refusal("unknown option", 422, "invalid_input", options='{"beam":5}'),
    Refusal("option of another type", 422, "invalid_input", options='{"fast":"yes"}'),
    Refusal("unknown task", 422, "invalid_input", options='{"task":"summarise"}'),
    Refusal("unknown language", 422, "unknown_language", options='{"language":"xx"}'),
    Refusal("language that is a name", 422, "unknown_language", options='{"language":"english"}'),
]


# --- for clients ----------------------------------------------------------------------------------------

HEARD = WindowResult(
    language="en",
    language_probability=0.98,
    text=" Good morning.",
    words=[
        WindowWord(text=" Good", start_ms=120, end_ms=400, probability=0.9),
        WindowWord(text=" morning.", start_ms=410, end_ms=900, probability=0.8),
    ],
    engine="mock",
    model="mock",
    inference_ms=1.5,
)


def canned(case: WindowCase | Refusal) -> httpx.Response:
    """The answer of a service to ``case``."""
    if isinstance(case, WindowCase):
        silent = not np.frombuffer(case.body(), dtype="<i2").any()
        result = WindowResult(language="en", no_speech_probability=1.0) if silent else HEARD
        return httpx.Response(
            200, content=msgspec.json.encode(result), headers={"content-type": "application/json"}
        )
    problem = {
        "type": f"urn:dragoman:error:{case.code}",
        "title": case.name,
        "status": case.status,
        "detail": case.name,
        "code": case.code,
        "remedy": "Correct the request.",
        "instance": "/v1/windows",
        "trace_id": "",
    }
    return httpx.Response(
        case.status, content=json.dumps(problem), headers={"content-type": "application/problem+json"}
    )
