"""The documents that clients are generated from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from dragoman_contracts.bots import BotMessages
from dragoman_contracts.websocket import ClientMessages, CloseCode, ServerMessages
from dragoman_orchestration.api.asyncapi import EXAMPLES
from dragoman_orchestration.cli.schema import openapi_document, render, websocket_document

DOCUMENTS = {"openapi": openapi_document, "websocket": websocket_document}
OMITTED = {"position"}
"""Left out where a message is no event of the results."""


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolve(document: Any, reference: str) -> Any:
    assert reference.startswith("#/"), reference
    node = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return node


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_reference_leads_somewhere(name: str) -> None:
    document = DOCUMENTS[name]()
    found = set(references(document))
    assert len(found) > 20
    for reference in found:
        assert resolve(document, reference)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_command_prints_the_same_bytes_with_any_settings_and_nothing_running(
    name: str, tmp_path: Path
) -> None:
    environment = os.environ | {
        "DRAGOMAN_REDIS_URL": "redis://127.0.0.1:1/0",
        "DRAGOMAN_API_DEFAULT_PROFILE": "gpu",
        "DRAGOMAN_API_MAX_FRAME_BYTES": "4096",
    }
    ran = subprocess.run(
        [sys.executable, "-m", "dragoman_orchestration.cli", "schema", name],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=environment,
    )
    assert ran.stdout == render(DOCUMENTS[name]())
    assert (
        ran.stdout == json.dumps(json.loads(ran.stdout), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    )


def test_a_problem_is_one_component_that_every_route_refers_to() -> None:
    document = openapi_document()
    schemas = document["components"]["schemas"]
    assert {"Problem", "ProblemError"} <= schemas.keys()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            failed = operation["responses"]["default"]["content"]["application/problem+json"]
            assert failed == {"schema": {"$ref": "#/components/schemas/Problem"}}, path
    assert "$defs" not in render(document)


class TestWebSocket:
    DEFS = websocket_document()["$defs"]

    def test_each_union_has_its_messages(self) -> None:
        for union, messages in (
            ("ClientMessage", ClientMessages),
            ("ServerMessage", ServerMessages),
            ("BotMessage", BotMessages),
        ):
            named = [option["$ref"].rpartition("/")[2] for option in self.DEFS[union]["oneOf"]]
            assert named == [cls.__name__ for cls in get_args(messages)]

    def test_a_viewer_is_not_told_what_is_the_speakers(self) -> None:
        named = {option["$ref"].rpartition("/")[2] for option in self.DEFS["ViewerMessage"]["oneOf"]}
        assert "SessionSnapshot" in named
        assert not {"AudioAck", "SessionStarted", "SessionResumed"} & named

    def test_what_the_server_sends_has_every_field_that_is_required(self) -> None:
        sent = (*get_args(ServerMessages), *get_args(BotMessages))
        for example in (example for example in EXAMPLES if isinstance(example, sent)):
            fields = set(msgspec.to_builtins(example))
            schema = self.DEFS[type(example).__name__]
            assert set(schema["required"]) <= fields
            assert set(schema["properties"]) - set(schema["required"]) <= OMITTED

    def test_a_speaker_may_leave_out_what_has_a_default(self) -> None:
        assert self.DEFS["SessionConfigure"]["required"] != sorted(
            self.DEFS["SessionConfigure"]["properties"]
        )
        assert (
            "required" not in self.DEFS["SessionOptions"]
            or "language" not in (self.DEFS["SessionOptions"]["required"])
        )

    def test_close_codes_have_names(self) -> None:
        codes = websocket_document()["x-close-codes"]
        assert codes["SLOW_CONSUMER"] == {"code": 4001, "reconnect": True}
        assert len(codes) == len(self.DEFS["CloseCode"]["enum"]) == len(CloseCode)
