"""Errors as data: a code, whether a retry can help, and what mends it.

The tree::

    DragomanError
     ├── InvalidInput            the caller must change the request
     │    ├── UnsupportedAudio   the format, rate or bytes cannot be decoded
     │    ├── UnknownLanguage    no language code, or one that a model does not know
     │    ├── PairUnavailable    no engine translates from this language into that one
     │    └── MessageInvalid     a WebSocket message is no valid message
     ├── Unauthenticated         no key or a wrong one
     ├── Forbidden               the key or token does not reach this
     ├── NotFound                no such session, model or route
     ├── Conflict                the state of the thing forbids it
     │    └── SessionEnded       the session takes no more audio
     ├── LimitExceeded           a rate, size or count limit; retry later or send less
     ├── Unavailable             a part that is needed is away; retry helps
     │    ├── BusUnavailable     Redis
     │    ├── EngineUnavailable  a service, or an engine of it
     │    └── Overloaded         a queue is full
     ├── BadUpstream             a service answered with something that is no answer
     ├── DecodeFailed            the engine breaks on this audio
     ├── TranslationFailed       no engine gave a usable translation of this text
     ├── ModelUnavailable        a model cannot be had; names the remedy
     └── Fenced                  another owner holds the session now

Retries read ``permanent``, the HTTP face reads ``http_status``, people read ``remedy``.
"""

from __future__ import annotations

from typing import ClassVar


class DragomanError(Exception):
    """Base of all errors that cross a contract.

    Args:
        message: What happened, in one sentence, without secrets, audio or transcript.
        remedy: What the reader can do about it.

    """

    code: ClassVar[str] = "internal"
    permanent: ClassVar[bool] = True
    http_status: ClassVar[int] = 500
    default_remedy: ClassVar[str] = "Look in the service's log for the trace id and report it."

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy or self.default_remedy


class InvalidInput(DragomanError):
    """The request is malformed; sending it again gives the same answer."""

    code = "invalid_input"
    http_status = 422
    default_remedy = "Correct the request; the API document shows the expected shape."


class UnsupportedAudio(InvalidInput):
    """Audio whose format, rate or bytes cannot be decoded."""

    code = "unsupported_audio"
    http_status = 415
    default_remedy = "Send pcm_s16le, pcm_f32le, webm/opus or ogg/opus at 8000 to 192000 Hz."


class UnknownLanguage(InvalidInput):
    """No language code (BCP 47), or a language that the model does not know."""

    code = "unknown_language"
    default_remedy = "Give a BCP 47 code such as en, es, pt-BR or zh-Hans."


class PairUnavailable(InvalidInput):
    """No engine translates from this language into that one; the message names the pairs that exist."""

    code = "pair_unavailable"
    default_remedy = "Choose one of the pairs of GET /v1/languages, or configure an engine that has this one."


class MessageInvalid(InvalidInput):
    """A WebSocket message that is no JSON, of an unknown type, or of the wrong shape."""

    code = "message_invalid"
    default_remedy = "See docs/protocol.md for the messages and their fields."


class Unauthenticated(DragomanError):
    """No credential, or one that is not known."""

    code = "unauthenticated"
    http_status = 401
    default_remedy = "Send 'Authorization: Bearer <key>' (browsers: subprotocol 'dragoman.bearer.<key>')."


class Forbidden(DragomanError):
    """The credential is known but does not reach this resource."""

    code = "forbidden"
    http_status = 403
    default_remedy = "Use an API key, or a token made for this session."


class NotFound(DragomanError):
    """No such thing."""

    code = "not_found"
    http_status = 404
    default_remedy = "Check the id; sessions are made with POST /v1/sessions and expire after they end."


class Conflict(DragomanError):
    """The thing exists, but its state forbids the request."""

    code = "conflict"
    http_status = 409
    default_remedy = "Read the resource's state and decide again."


class SessionEnded(Conflict):
    """The session has ended and takes no more audio."""

    code = "session_ended"
    default_remedy = "Create a new session with POST /v1/sessions."


class LimitExceeded(DragomanError):
    """A limit of size, rate or count was passed."""

    code = "limit_exceeded"
    permanent = False
    http_status = 429
    default_remedy = "Send less or slower, or raise the limit in the settings."


class Unavailable(DragomanError):
    """A part that the request needs is away; trying again later helps."""

    code = "unavailable"
    permanent = False
    http_status = 503
    default_remedy = "Try again in a moment; GET /ready tells which part is missing."


class BusUnavailable(Unavailable):
    """Redis does not answer."""

    code = "bus_unavailable"
    default_remedy = "Check that Redis runs and that DRAGOMAN_REDIS_URL points at it; processes reconnect."


class EngineUnavailable(Unavailable):
    """A service does not answer, or its engine does not."""

    code = "engine_unavailable"
    default_remedy = (
        "Check that 'dragoman whisper' and 'dragoman translation' run, and that the worker's "
        "DRAGOMAN_AUDIO_WHISPER_URL and DRAGOMAN_AUDIO_TRANSLATION_URL point at them."
    )


class Overloaded(Unavailable):
    """A bounded queue is full."""

    code = "overloaded"
    default_remedy = "Try again after the time in Retry-After, or add capacity."


class BadUpstream(DragomanError):
    """A service answered with something that is not the contract's answer."""

    code = "bad_upstream"
    permanent = False
    http_status = 502
    default_remedy = "Check that the URL names the right service and that versions match."


class ModelUnavailable(DragomanError):
    """A model can be neither found nor fetched."""

    code = "model_unavailable"
    http_status = 503
    default_remedy = (
        "Point DRAGOMAN_WHISPER_MODEL at a local model folder or at a hub name that can be reached."
    )


class DecodeFailed(DragomanError):
    """The engine failed on this window, tried alone; asking again gives the same answer."""

    code = "decode_failed"
    default_remedy = "Look in the whisper service's log for the error's class, and report it."


class TranslationFailed(DragomanError):
    """No engine gave a usable translation of this text; asking again gives the same answer."""

    code = "translation_failed"
    http_status = 422
    default_remedy = "Read the original; the translation service's log names the engine and what was wrong."


class Fenced(DragomanError):
    """Another owner holds the session; whoever sees this drops it and publishes nothing."""

    code = "fenced"
    http_status = 409
    default_remedy = "Nothing to do: the session goes on elsewhere."
