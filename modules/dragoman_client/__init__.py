"""Dragoman's Python client: speak into a session, read live captions; async, typed, small.

::

    async with Dragoman("http://127.0.0.1:8080", key=key) as dragoman:
        async for event in dragoman.transcribe(microphone()):
            if isinstance(event, TranscriptFinal):
                print(event.text)

It needs the contracts and nothing else of Dragoman (extra ``client``). Lost connections are made again, with
jitter, and what the server had not stored is sent again.
"""

from dragoman_client.client import Dragoman, SessionInfo
from dragoman_client.errors import ResumeImpossible
from dragoman_client.speaker import Speaker
from dragoman_contracts.audio import AudioFormat
from dragoman_contracts.errors import DragomanError
from dragoman_contracts.websocket import (
    AudioAck,
    AudioGap,
    ErrorMessage,
    GlossaryTerm,
    Ledger,
    ServerMessages,
    SessionDegraded,
    SessionEndedMessage,
    SessionLag,
    SessionOptions,
    SessionPresence,
    SessionResumed,
    SessionSnapshot,
    SessionStarted,
    SessionTargets,
    SpeechEnded,
    SpeechStarted,
    StreamPosition,
    TranscriptFinal,
    TranscriptPartial,
    TranslationFailedMessage,
    TranslationFinal,
    TranslationOptions,
    TranslationPartial,
    Word,
)

__all__ = [
    "AudioAck",
    "AudioFormat",
    "AudioGap",
    "Dragoman",
    "DragomanError",
    "ErrorMessage",
    "GlossaryTerm",
    "Ledger",
    "ResumeImpossible",
    "ServerMessages",
    "SessionDegraded",
    "SessionEndedMessage",
    "SessionInfo",
    "SessionLag",
    "SessionOptions",
    "SessionPresence",
    "SessionResumed",
    "SessionSnapshot",
    "SessionStarted",
    "SessionTargets",
    "Speaker",
    "SpeechEnded",
    "SpeechStarted",
    "StreamPosition",
    "TranscriptFinal",
    "TranscriptPartial",
    "TranslationFailedMessage",
    "TranslationFinal",
    "TranslationOptions",
    "TranslationPartial",
    "Word",
]
