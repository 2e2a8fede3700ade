"""The AsyncAPI 3 document of the two WebSockets, generated from the message classes themselves.

Source of the format: https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from __future__ import annotations

import inspect
import re
from typing import Any, get_args

import msgspec

from dragoman_contracts.audio import AudioFormat
from dragoman_contracts.bots import (
    BotCause,
    BotDegradedMessage,
    BotMessage,
    BotMessages,
    BotNow,
    BotRecoveredMessage,
    BotsSnapshot,
    BotState,
    BotStateMessage,
    CompletionReason,
)
from dragoman_contracts.websocket import (
    BEARER_SUBPROTOCOL,
    SUBPROTOCOL,
    AudioAck,
    AudioFlush,
    AudioGap,
    ClientMessage,
    ClientMessages,
    CloseCode,
    ErrorMessage,
    Gap,
    GlossaryTerm,
    Ledger,
    ServerMessage,
    ServerMessages,
    SessionConfigure,
    SessionDegraded,
    SessionEnd,
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

AUDIO_FRAME = "audioFrame"
_SPEAKER_ONLY: tuple[type[ServerMessage], ...] = (SessionStarted, SessionResumed, AudioAck)

_POSITION = StreamPosition("3f1c9a7be2d4-5b6c7d8e", 42)
_FINAL = TranscriptFinal(
    position=_POSITION,
    segment_id="s3",
    revision=5,
    text="Hello.",
    start_ms=480,
    end_ms=900,
    language="en",
    confidence=0.95,
    words=[Word("Hello.", 480, 900, 0.97)],
)
_TRANSLATION = TranslationFinal(
    position=_POSITION,
    segment_id="s3",
    revision=5,
    target_language="es",
    source_language="en",
    text="Hola.",
    start_ms=480,
    end_ms=900,
    engine="ctranslate2",
)

_BOT: dict[str, Any] = {
    "bot_id": "85aadd2b822146bc8973d4acd9be2477",
    "session_id": "0f3c1d2e4b5a69788796a5b4c3d2e1f0",
}
_BOTS_POSITION = "1738324800000-0"

EXAMPLES: tuple[ClientMessage | ServerMessage | BotMessage, ...] = (
    BotsSnapshot(
        position=_BOTS_POSITION,
        bots=[BotNow(**_BOT, seq=4, state=BotState.ACTIVE, cause=BotCause(code="active"))],
    ),
    BotStateMessage(
        **_BOT,
        position=_BOTS_POSITION,
        seq=5,
        previous=BotState.ACTIVE,
        state=BotState.STOPPING,
        time_ms=1_738_324_800_000,
        cause=BotCause(code="done"),
        completion=CompletionReason.MEETING_ENDED,
        attempt=1,
    ),
    BotDegradedMessage(
        **_BOT,
        position=_BOTS_POSITION,
        cause=BotCause(code="no_audio", message="no audio came for 30 s"),
        since_ms=1_738_324_800_000,
    ),
    BotRecoveredMessage(**_BOT, position=_BOTS_POSITION, cause=BotCause(code="no_audio"), degraded_ms=12_000),
    SessionConfigure(
        audio=AudioFormat(encoding="pcm_s16le", sample_rate_hz=48_000, channels=1),
        options=SessionOptions(
            language="en",
            translation=TranslationOptions(
                targets=["es", "pt-BR"],
                on_demand=True,
                glossary=[GlossaryTerm(source="board", translations={"es": "junta"}, hotword=True)],
            ),
        ),
    ),
    AudioFlush(),
    SessionEnd(),
    SessionStarted(session_id="0f3c1d2e4b5a69788796a5b4c3d2e1f0", epoch=1),
    SessionResumed(
        session_id="0f3c1d2e4b5a69788796a5b4c3d2e1f0", epoch=2, received_ms=5_000, received_bytes=160_000
    ),
    AudioAck(received_ms=5_000, committed_ms=3_200, received_bytes=160_000),
    SpeechStarted(position=_POSITION, start_ms=480),
    SpeechEnded(position=_POSITION, end_ms=900),
    TranscriptPartial(
        position=_POSITION,
        segment_id="s3",
        revision=4,
        text="Hello wor",
        stable_text="Hello",
        unstable_text=" wor",
        start_ms=480,
        end_ms=1_100,
        language="en",
        confidence=0.8,
    ),
    _FINAL,
    TranslationPartial(
        position=_POSITION,
        segment_id="s3",
        revision=4,
        target_language="es",
        source_language="en",
        text="Hola",
    ),
    _TRANSLATION,
    TranslationFailedMessage(
        position=_POSITION,
        segment_id="s3",
        revision=5,
        target_language="pt-BR",
        code="engine_unavailable",
        message="the translation service does not answer",
        permanent=False,
    ),
    SessionTargets(position=_POSITION, targets=["es", "pt-BR"], on_demand=True),
    SessionLag(lag_ms=31_000, reason="backpressure"),
    SessionDegraded(position=_POSITION, level=1, reason="load"),
    AudioGap(position=_POSITION, start_ms=12_000, end_ms=12_400, reason="decode_error"),
    SessionPresence(speakers=1, viewers=12),
    SessionEndedMessage(
        position=_POSITION,
        reason="client",
        ledger=Ledger(
            received_ms=60_000,
            transcribed_ms=43_200,
            silence_ms=16_400,
            gap_ms=400,
            gaps=[Gap(12_000, 12_400, "decode_error")],
        ),
    ),
    SessionSnapshot(
        position=_POSITION,
        session_id="0f3c1d2e4b5a69788796a5b4c3d2e1f0",
        status="live",
        finals=[msgspec.to_builtins(_FINAL)],
        translations=[msgspec.to_builtins(_TRANSLATION)],
        targets=["es", "pt-BR"],
    ),
    ErrorMessage(
        code="bus_unavailable",
        message="Redis does not answer (ConnectionError).",
        remedy="Check that Redis runs; processes reconnect.",
        permanent=False,
    ),
)
"""One true message of each type; the document shows them."""


_LANGUAGES = {
    "type": "string",
    "description": "Translations that the viewer wants, as BCP 47 codes separated by commas (`es,pt-BR`). "
    "Left out: all of them. Empty: transcripts only.",
}


def build_document(
    host: str = "127.0.0.1:8080", *, secure: bool = False, version: str = "0.1.0"
) -> dict[str, Any]:
    """The document for a server at ``host`` (host:port)."""
    client = [_name(cls) for cls in get_args(ClientMessages)]
    server = list(get_args(ServerMessages))
    to_viewer = [_name(cls) for cls in server if cls not in _SPEAKER_ONLY]
    from_speaker, to_speaker = [AUDIO_FRAME, *client], [_name(cls) for cls in server]
    of_bots = [_name(cls) for cls in get_args(BotMessages)]
    classes = [*get_args(ClientMessages), *server, *get_args(BotMessages)]
    _, schemas = msgspec.json.schema_components(classes, ref_template="#/components/schemas/{name}")
    return {
        "asyncapi": "3.0.0",
        "id": "urn:dragoman:api",
        "defaultContentType": "application/json",
        "info": _info(version),
        "servers": {
            "api": {
                "host": host,
                "protocol": "wss" if secure else "ws",
                "description": "The API; REST is described in /openapi.json.",
                "security": [
                    {"$ref": "#/components/securitySchemes/bearer"},
                    {"$ref": "#/components/securitySchemes/subprotocol"},
                ],
            }
        },
        "channels": {
            "audio": _session_channel("audio", "The speaker's socket.", sorted({*from_speaker, *to_speaker})),
            "events": _session_channel(
                "events", "A viewer's socket: any number on a session.", to_viewer, languages=_LANGUAGES
            ),
            "bots": _bot_channel("/v1/bots/events", "All bots of an API key.", of_bots),
            "bot": _bot_channel("/v1/bots/{bot_id}/events", "One bot, to its end.", of_bots),
        },
        "operations": {
            "hearSpeaker": _operation(
                "receive", "audio", from_speaker, "First session.configure, then audio and marks."
            ),
            "tellSpeaker": _operation(
                "send", "audio", to_speaker, "The greeting, acknowledgements, all events of the session."
            ),
            "tellViewer": _operation(
                "send", "events", to_viewer, "First session.snapshot, then what was missed, then the tail."
            ),
            "tellOfBots": _operation("send", "bots", of_bots, "First bots.snapshot, then what happens."),
            "tellOfBot": _operation("send", "bot", of_bots, "First bots.snapshot, then what happens."),
        },
        "components": {
            "messages": _messages(classes),
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key or viewer's token.",
                },
                "subprotocol": {
                    "type": "httpApiKey",
                    "in": "header",
                    "name": "Sec-WebSocket-Protocol",
                    "description": "For browsers, which cannot set Authorization: "
                    f"`{SUBPROTOCOL}, {BEARER_SUBPROTOCOL}<key>`.",
                },
            },
        },
    }


def _info(version: str) -> dict[str, Any]:
    return {
        "title": "Dragoman WebSockets",
        "version": version,
        "description": "Live transcription. All times are milliseconds of session audio. Each event of a "
        "session has a `position`; reconnect with `after=<epoch>:<offset>` to go on after it. "
        "`x-close-codes` tells for each close code whether to connect again.",
        "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        "x-close-codes": {
            str(int(code)): {"name": code.name, "reconnect": code.reconnect} for code in CloseCode
        },
    }


def _session_channel(
    name: str, description: str, messages: list[str], **query: dict[str, Any]
) -> dict[str, Any]:
    after = {
        "type": "string",
        "pattern": "^.+:[0-9]{1,18}$",
        "description": "Position of the last event seen, `<epoch>:<offset>`.",
    }
    return _channel(
        f"/v1/sessions/{{session_id}}/{name}",
        f"Session {name}",
        description,
        messages,
        parameters={"session_id": "The id that POST /v1/sessions gave."},
        query={"after": after, **query},
    )


def _bot_channel(address: str, description: str, messages: list[str]) -> dict[str, Any]:
    after = {
        "type": "string",
        "pattern": "^[0-9]{1,15}-[0-9]{1,15}$",
        "description": "Position of the last message seen.",
    }
    parameters = {"bot_id": "The id that POST /v1/bots gave."} if "{" in address else {}
    return _channel(
        address,
        "What happens to bots",
        description,
        messages,
        parameters=parameters,
        query={"after": after},
    )


def _channel(
    address: str,
    title: str,
    description: str,
    messages: list[str],
    *,
    parameters: dict[str, str],
    query: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    return {
        "address": address,
        "title": title,
        "description": description,
        "parameters": {name: {"description": meaning} for name, meaning in parameters.items()},
        "servers": [{"$ref": "#/servers/api"}],
        "messages": {message: {"$ref": f"#/components/messages/{message}"} for message in messages},
        "bindings": {
            "ws": {
                "method": "GET",
                "query": {"type": "object", "properties": query},
                "bindingVersion": "0.1.0",
            }
        },
    }


def _operation(action: str, channel: str, messages: list[str], summary: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{message}"} for message in messages],
    }


def _messages(classes: list[type[msgspec.Struct]]) -> dict[str, Any]:
    examples: dict[type[msgspec.Struct], msgspec.Struct] = {type(example): example for example in EXAMPLES}
    messages: dict[str, Any] = {
        AUDIO_FRAME: {
            "name": AUDIO_FRAME,
            "title": "Audio frame",
            "summary": "Binary: audio in the format of session.configure, whole samples, 20 to 200 ms.",
            "contentType": "application/octet-stream",
            "payload": {"type": "string", "format": "binary"},
        }
    }
    for cls in classes:
        messages[_name(cls)] = {
            "name": _name(cls),
            "title": str(cls.__struct_config__.tag),
            "summary": _summary(cls),
            "contentType": "application/json",
            "payload": {"$ref": f"#/components/schemas/{cls.__name__}"},
            "examples": [{"payload": msgspec.to_builtins(examples[cls])}],
        }
    return messages


def _name(cls: type[msgspec.Struct]) -> str:
    """``session.configure`` → ``sessionConfigure``: a component's name takes no dot in all tools."""
    return re.sub(r"\.(\w)", lambda match: match[1].upper(), str(cls.__struct_config__.tag))


def _summary(cls: type[msgspec.Struct]) -> str:
    first = (inspect.getdoc(cls) or "").partition("\n\n")[0]
    return " ".join(first.replace("``", "`").split())
