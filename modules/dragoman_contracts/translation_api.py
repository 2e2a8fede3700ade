"""The translation service: texts in, texts in other languages out.

``POST /v1/translate`` with a ``TranslateRequest`` as JSON, answered by a ``TranslateResponse``: one
``TargetResult`` for each target, in order. A target that cannot be served has an ``error`` in the place of
its texts, and does not harm the others; if no target can be served, the answer is a problem document (RFC
9457) with the first one's code. Languages are BCP 47 codes (RFC 5646).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from dragoman_contracts.errors import BadUpstream, InvalidInput

TRANSLATE_PATH = "/v1/translate"
LANGUAGES_PATH = "/v1/languages"
MAX_TEXTS = 128
MAX_TEXT_CHARS = 10_000
MAX_TARGETS = 20
MAX_GLOSSARY_TERMS = 500

Formality = Literal["default", "formal", "informal"]


class TermTranslation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A term of the source text and what it must become; the same text twice: it must stay as it is."""

    source: str
    target: str


class TranslateRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to translate.

    ``source`` None detects the language of each text. ``context`` are the sentences before the first text, in
    its language, oldest first: engines that can use them do. ``glossary`` has the terms for each target.
    ``fast`` asks for the cheapest translation (a draft). ``session_id`` is for fairness between sessions.
    """

    texts: list[str]
    targets: list[str]
    source: str | None = None
    context: list[str] = []
    glossary: dict[str, list[TermTranslation]] = {}
    formality: Formality = "default"
    fast: bool = False
    session_id: str = ""


class TranslationProblem(msgspec.Struct, frozen=True, kw_only=True):
    """An error as data: code, message, remedy, and whether asking again can help."""

    code: str
    message: str
    remedy: str
    permanent: bool


class TranslatedText(msgspec.Struct, frozen=True, kw_only=True):
    """One text in the target language.

    ``source`` is the language it was translated from (given or detected), ``engine`` what translated it:
    empty where it was in the target language already. ``glossary_missed`` are the source terms that did not
    come out as the glossary wants. ``error`` None, or why there is no ``text``.
    """

    text: str = ""
    source: str = ""
    engine: str = ""
    glossary_missed: list[str] = []
    error: TranslationProblem | None = None


class TargetResult(msgspec.Struct, frozen=True, kw_only=True):
    """All texts in one target language, in the order of the request, or ``error``.

    ``model`` names the model; ``batch_size`` is the size of the largest batch that the texts were translated
    in.
    """

    target: str
    texts: list[TranslatedText] = []
    error: TranslationProblem | None = None
    model: str = ""
    inference_ms: float = 0.0
    queue_ms: float = 0.0
    batch_size: int = 1


class TranslateResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: one result a target, in the order of the request."""

    results: list[TargetResult]


class LanguagePair(msgspec.Struct, frozen=True, kw_only=True):
    """A pair that can be translated, and by which engines in their order; ``via`` names a pivot language.

    ``*`` stands for any language.
    """

    source: str
    target: str
    engines: list[str]
    via: str | None = None


class Languages(msgspec.Struct, frozen=True, kw_only=True):
    """What ``GET /v1/languages`` answers."""

    pairs: list[LanguagePair]


def decode_request(body: bytes) -> TranslateRequest:
    """Parse the body of a request; the service's own limits and languages are checked elsewhere.

    Raises:
        InvalidInput: no ``TranslateRequest``.

    """
    try:
        return msgspec.json.decode(body, type=TranslateRequest)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InvalidInput(
            f"the request is not valid: {error}",
            remedy="Send one JSON object with texts and targets; /docs shows all fields.",
        ) from error


def decode_response(body: bytes) -> TranslateResponse:
    """Parse an answer.

    Raises:
        BadUpstream: the body is no ``TranslateResponse``.

    """
    try:
        return msgspec.json.decode(body, type=TranslateResponse)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadUpstream(
            f"the translation service answered something that is no TranslateResponse: {error}"
        ) from error
