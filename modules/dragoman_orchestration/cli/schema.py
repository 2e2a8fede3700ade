"""The API's documents on standard output, to generate clients from: no service runs for it.

The text is canonical: the same API gives the same bytes, whatever the settings of this machine are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, get_args

import msgspec

from dragoman_contracts.bots import BotMessages
from dragoman_contracts.websocket import (
    BEARER_SUBPROTOCOL,
    SUBPROTOCOL,
    AudioAck,
    ClientMessages,
    CloseCode,
    ServerMessages,
    SessionResumed,
    SessionStarted,
    TranscriptFinal,
    TranscriptPartial,
    TranslationFailedMessage,
    TranslationFinal,
    TranslationPartial,
)

Schema = dict[str, Any]

_SPEAKER_ONLY: tuple[type[msgspec.Struct], ...] = (SessionStarted, SessionResumed, AudioAck)
_REFERENCE = "#/$defs/{name}"


def openapi_document() -> Schema:
    """The OpenAPI document of the API's REST routes."""
    from dragoman_orchestration.api.app import create_app
    from dragoman_orchestration.api.settings import ApiSettings
    from dragoman_orchestration.container import ApiContainer
    from dragoman_runtime.settings import RuntimeSettings

    # The defaults: a document must not depend on where it is made. Making the parts connects nothing.
    container = ApiContainer(
        settings=ApiSettings.model_construct(), runtime_settings=RuntimeSettings.model_construct()
    )
    return create_app(container).openapi()


def websocket_document() -> Schema:
    """A JSON Schema (2020-12) of all WebSocket messages, their unions by direction, and the close codes.

    Unlike in the AsyncAPI document, what the server sends has all its fields required, for it leaves none
    out, and the events within a snapshot have their types: the schema is for reading the server's messages.
    """
    client, server, bots = get_args(ClientMessages), get_args(ServerMessages), get_args(BotMessages)
    _, schemas = msgspec.json.schema_components([*client, *server, *bots], ref_template=_REFERENCE)
    _type_snapshot(schemas["SessionSnapshot"]["properties"])
    read_strictly = _reached(schemas, [cls.__name__ for cls in client])
    for name, schema in schemas.items():
        if name not in read_strictly:
            _require_all(schema)
    viewer = [cls for cls in server if cls not in _SPEAKER_ONLY]
    schemas |= {
        "ClientMessage": _union("What a speaker sends; audio goes in binary frames.", client),
        "ServerMessage": _union("What a speaker is sent.", server),
        "ViewerMessage": _union("What a viewer is sent.", viewer),
        "BotMessage": _union("What is told on the sockets of bots.", bots),
        "CloseCode": _close_codes(),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "DragomanWebSocket",
        "description": "Messages of the WebSockets. All times are milliseconds of session audio.",
        "anyOf": _references(["ClientMessage", "ServerMessage", "BotMessage"]),
        "$defs": schemas,
        "x-subprotocols": {"protocol": SUBPROTOCOL, "bearer_prefix": BEARER_SUBPROTOCOL},
        "x-close-codes": {code.name: {"code": int(code), "reconnect": code.reconnect} for code in CloseCode},
    }


def render(document: Schema) -> str:
    """Canonical text of a document: sorted keys, two spaces, one newline at the end."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _union(description: str, classes: Iterable[type[msgspec.Struct]]) -> Schema:
    return {"description": description, "oneOf": _references(cls.__name__ for cls in classes)}


def _references(names: Iterable[str]) -> list[Schema]:
    return [{"$ref": _REFERENCE.format(name=name)} for name in names]


def _close_codes() -> Schema:
    return {
        "description": "Why the server closes: 4000 to 4099 reconnect at once, 4100 to 4199 after a pause, "
        "4400 to 4499 not at all. `x-close-codes` has their names.",
        "type": "integer",
        "enum": [int(code) for code in CloseCode],
    }


def _type_snapshot(properties: Schema) -> None:
    """A snapshot passes stored events on as they are; its class need not know them, its reader does."""
    (final,) = _references([TranscriptFinal.__name__])
    (partial,) = _references([TranscriptPartial.__name__])
    kinds = (TranslationPartial, TranslationFinal, TranslationFailedMessage)
    properties["finals"]["items"] = final
    properties["partial"] = {"anyOf": [partial, {"type": "null"}], "default": None}
    properties["translations"]["items"] = {"oneOf": _references(cls.__name__ for cls in kinds)}


def _require_all(schema: Schema) -> None:
    """All but ``position``, which only events of the results have."""
    optional = {"position"} - set(schema.get("required", ()))
    if "properties" in schema:
        schema["required"] = sorted(set(schema["properties"]) - optional)


def _reached(schemas: dict[str, Schema], names: Iterable[str]) -> set[str]:
    """The schemas that these refer to, and themselves."""
    waiting, reached = list(names), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [reference.rpartition("/")[2] for reference in _references_in(schemas[name])]
    return reached


def _references_in(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from _references_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references_in(value)
