"""The window endpoint of the whisper service: raw PCM in, words with times and probabilities out.

``POST /v1/windows`` with the body ``audio/l16;rate=16000;channels=1`` (little-endian signed 16 bit, mono,
16 kHz, at most 30 s) and the options as one JSON object in the header ``x-dragoman-window``; the header,
unlike a query string, reaches no access log, for a prompt is transcript.
"""

from __future__ import annotations

import json
from typing import Literal

import msgspec

from dragoman_contracts.errors import BadUpstream, InvalidInput

WINDOW_PATH = "/v1/windows"
MODELS_PATH = "/v1/models"
WINDOW_HEADER = "x-dragoman-window"
WINDOW_MEDIA_TYPE = "audio/l16;rate=16000;channels=1"
MAX_WINDOW_MS = 30_000


class WindowOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to do with a window.

    ``language`` None detects it. ``prefix`` is text that the hypothesis must begin with (what is committed
    in this window already), ``prompt`` and ``hotwords`` are context. ``fast`` asks for the cheapest decode
    (a draft), else the engine's best.
    """

    language: str | None = None
    task: Literal["transcribe", "translate"] = "transcribe"
    prefix: str = ""
    prompt: str = ""
    hotwords: str = ""
    fast: bool = False
    word_timestamps: bool = True
    session_id: str = ""

    def to_header(self) -> str:
        """ASCII JSON for ``x-dragoman-window``; fields at their default are left out."""
        defaults = WindowOptions()
        given = {k: v for k, v in msgspec.structs.asdict(self).items() if v != getattr(defaults, k)}
        return json.dumps(given, separators=(",", ":"))

    @classmethod
    def from_header(cls, value: str) -> WindowOptions:
        """Read the header; empty means all defaults.

        Raises:
            InvalidInput: no JSON object, an unknown field or a wrong type.

        """
        try:
            return msgspec.json.decode(value or "{}", type=cls)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise InvalidInput(
                f"the header {WINDOW_HEADER} is not valid: {error}",
                remedy="Send one JSON object with the fields of WindowOptions (docs/protocol.md).",
            ) from error


class WindowWord(msgspec.Struct, frozen=True, kw_only=True):
    """One word; times in ms from the window's start, ``probability`` in [0, 1].

    ``text`` carries its own leading space where the language writes one, so words join without a separator.
    """

    text: str
    start_ms: int
    end_ms: int
    probability: float = 1.0


class WindowResult(msgspec.Struct, frozen=True, kw_only=True):
    """The hypothesis for one window, and what it cost."""

    language: str
    language_probability: float = 1.0
    text: str = ""
    words: list[WindowWord] = []
    no_speech_probability: float = 0.0
    average_log_probability: float = 0.0
    compression_ratio: float = 1.0
    engine: str = ""
    model: str = ""
    inference_ms: float = 0.0
    queue_ms: float = 0.0
    batch_size: int = 1


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A model as ``GET /v1/models`` tells it.

    ``languages`` are the ISO 639 codes that it recognises; with more than one it detects which is spoken.
    """

    id: str
    owned_by: str = ""
    languages: list[str] = []


class Models(msgspec.Struct, frozen=True, kw_only=True):
    """What ``GET /v1/models`` answers."""

    data: list[ModelInfo]


def decode_result(body: bytes) -> WindowResult:
    """Parse an answer of the window endpoint.

    Raises:
        BadUpstream: the body is no ``WindowResult``.

    """
    try:
        return msgspec.json.decode(body, type=WindowResult)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadUpstream(
            f"the whisper service answered something that is no WindowResult: {error}"
        ) from error
